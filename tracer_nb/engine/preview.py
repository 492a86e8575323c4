"""What the labels so far promise, told while more come in, without a look at a calibration row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.judge import Entry, Judge, Rows, enter, frontier, path_pilot
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import View
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.engine.zoo import SURROGATES
from tracer_nb.records import Pilot, Preview

__all__ = ["preview"]


# Fitting rows that tell anything.
_FEWEST_ROWS = 20


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
    # Watching, and stopping by what is seen, would otherwise depend on rows that are tested later.
    # Under cross-fitting most rows are tested, and only the pilot's may be looked at.
    share = PILOT_SHARE if options.certificate == "cross-fit" else FIT_SHARE
    rows = np.flatnonzero(~is_calibration(n, share))
    known = codes[rows] >= 0
    own = np.unique(codes[rows[known]], return_inverse=True)[1]
    if len(own) < _FEWEST_ROWS or own.max() < 1:
        return None
    entry = _entered([block[rows[known]] for block in blocks], own, options, n - len(rows))
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


def _entered(
    blocks: list[Any], codes: NDArray[np.intp], options: Options, n_calibration: int
) -> Entry:
    """Kernel ridge regression with the margin as its gate, out of fold."""
    targets = np.eye(int(codes.max()) + 1, dtype=np.float32)[codes]
    rows = Rows(blocks, targets, codes, np.ones(len(codes), dtype=bool), None)
    name = "kernel-ridge"
    judge = Judge(options, n_calibration, 1.0)
    return enter((name, SURROGATES[name]), View("plain"), rows, options, judge, gate="margin")
