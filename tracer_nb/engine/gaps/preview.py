"""The frontier while labelling goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.early import early_rows, enter_early
from tracer_nb.engine.frontier import frontier
from tracer_nb.engine.judge import Judge, path_pilot
from tracer_nb.engine.options import Options
from tracer_nb.records import Pilot, Preview

__all__ = ["preview"]


def preview(X: Any, codes: NDArray[np.intp], *, options: Options) -> Preview | None:
    """What the labels so far promise, judged on their fitting rows out of fold.

    Parameters
    ----------
    X : matrix of shape (n, d), or a list of several
        Labelled rows in the order in which they were drawn.
    codes : ndarray of shape (n,), int
        Their labels by number, -1 where there is none. Those of calibration rows are not read.
    options : Options
        Of the certificate to come.

    Returns
    -------
    Preview or None
        None for fewer than 20 fitting rows with a label, or a single label among them.

    Raises
    ------
    InvalidInput
        Features that are not finite numbers.
    """
    blocks = check_blocks(X)
    n = blocks[0].shape[0]
    rows, _ = early_rows(n, options)
    known = codes[rows] >= 0
    own = np.unique(codes[rows[known]], return_inverse=True)[1]
    entry = enter_early([block[rows[known]] for block in blocks], own, options, n - len(rows))
    if entry is None:
        return None
    scores, agree = np.empty(len(rows)), np.zeros(len(rows), dtype=bool)
    scores[known], agree[known] = entry.scores, entry.predicted == own
    if not known.all():
        # Not fitted on, and disagreements like those in the test to come.
        without = entry.view.prepare([block[rows[~known]] for block in blocks])
        scores[~known] = entry.gate.scores(entry.model.outputs(without), without)
    target = options.targets[0]
    pilot = Pilot(scores, agree)
    return Preview(
        n_labels=n,
        n_fit=len(rows),
        frontier=frontier(path_pilot(pilot, options, target, 1.0).scores, agree),
        target=target,
        expected_coverage=Judge(options, n - len(rows), 1.0).expected_coverage(pilot),
    )
