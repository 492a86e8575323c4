"""When to stop labelling: coverage against labels, and the cost of labels and deferrals.

A quick surrogate on the fitting rows that there are shows how far labelling has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.checks import check_blocks, check_labels
from tracer_nb.engine.judge import Entry, Judge, Rows, enter, frontier, path_pilot
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import View
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.engine.zoo import SURROGATES
from tracer_nb.errors import NotEnoughData
from tracer_nb.records import LearningCurve, Pilot, Preview

__all__ = ["FEWEST_ROWS", "early_rows", "enter_early", "learning_curve", "preview"]


FEWEST_ROWS = 20
"""Fitting rows that tell anything."""


def early_rows(n: int, options: Options) -> tuple[NDArray[np.intp], float]:
    """Rows that may be looked at among n in the order in which they were drawn, and their share.

    No calibration row is one of them: a decision to stop would otherwise depend on rows that
    are tested later.
    """
    # Under cross-fitting most rows are tested, and only the pilot's may be looked at.
    share = PILOT_SHARE if options.certificate == "cross-fit" else FIT_SHARE
    return np.flatnonzero(~is_calibration(n, share)), share


def enter_early(
    blocks: Sequence[Any], codes: NDArray[np.intp], options: Options, n_calibration: int
) -> Entry | None:
    """Fit kernel ridge regression with the margin as its gate, out of fold.

    Parameters
    ----------
    blocks : sequence of matrix of shape (n, d)
        Rows with a label, of :func:`early_rows`.
    codes : ndarray of shape (n,), int
    options : Options
    n_calibration : int
        Of the certificate to come.

    Returns
    -------
    Entry or None
        None for fewer than 20 rows, or a single label.
    """
    present, own = np.unique(codes, return_inverse=True)
    if len(codes) < FEWEST_ROWS or len(present) < 2:
        return None
    rows = Rows(
        blocks,
        np.eye(len(present), dtype=np.float32)[own],
        own,
        np.ones(len(own), dtype=bool),
        None,
    )
    name = "kernel-ridge"
    judge = Judge(options, n_calibration, 1.0)
    return enter((name, SURROGATES[name]), View("plain"), rows, options, judge, gate="margin")


_PARTS = (0.5, 0.7, 0.85, 1.0)
_SIZES = 200
_FIRST_SIGN = 0.05


def learning_curve(
    X: Any, y: ArrayLike, *, n_rows: int, options: Options, price: float | None = None
) -> LearningCurve:
    """Fit a learning curve on the fitting rows among labels that arrived in random order.

    Parameters
    ----------
    X : matrix of shape (n, d), or a list of several
        Labelled rows in the order in which they were drawn.
    y : array_like of shape (n,)
        Their labels, None where there is none. Labels of calibration rows are not read: the
        decision to stop would otherwise depend on rows that are tested later.
    n_rows : int
        Rows of the column.
    options : Options
        Of the certificate to come.
    price : float, optional
        Dollars for one answer.

    Returns
    -------
    LearningCurve

    Raises
    ------
    NotEnoughData
        Fewer than 20 labelled fitting rows, or one label only.
    InvalidInput
        Anything of the wrong shape or type.

    Notes
    -----
    Coverage is taken to grow as a - b / sqrt(n), fitted by least squares with b >= 0 and
    a <= 1. The projected cost of n labels is price * (n + (n_rows - n) * (1 - coverage(n))):
    what is neither labelled nor handled is deferred.
    """
    blocks = check_blocks(X)
    n = blocks[0].shape[0]
    values = np.asarray(y, dtype=object)
    fitting, share = early_rows(n, options)
    if len(fitting) < FEWEST_ROWS:
        raise NotEnoughData(f"{len(fitting)} fitting rows tell nothing of the next; label more")
    _, codes = check_labels(values[fitting], len(fitting))
    points = [
        (count, _coverage(blocks, fitting[:count], codes[:count], options, share))
        for count in np.unique([int(part * len(fitting)) for part in _PARTS]).tolist()
    ]
    sizes = np.array([round(count / share) for count, _ in points], dtype=np.intp)
    sizes[-1] = n
    coverage = np.array([c for _, c in points])
    return _project(sizes, coverage, max(n_rows, n), price)


def _coverage(
    blocks: Sequence[Any],
    rows: NDArray[np.intp],
    codes: NDArray[np.intp],
    options: Options,
    share: float,
) -> float:
    """Coverage to expect of a certificate from so many fitting rows."""
    known = codes >= 0
    n_calibration = round(len(known) / share * (1.0 - share))
    entry = enter_early(
        [block[rows[known]] for block in blocks], codes[known], options, n_calibration
    )
    # Rows without a label are disagreements that no threshold avoids.
    return 0.0 if entry is None else entry.trial.expected_coverage * float(known.mean())


def _project(
    sizes: NDArray[np.intp], coverage: NDArray[np.float64], n_rows: int, price: float | None
) -> LearningCurve:
    """Fit the curve, and find where labels and deferrals together cost the least."""
    slope = 1.0 / np.sqrt(sizes)
    # Larger samples are less noisy, and nearer to what is asked about.
    weights = sizes / sizes.sum()
    centre, level = (weights * slope).sum(), (weights * coverage).sum()
    spread = (weights * (slope - centre) ** 2).sum()
    b = 0.0
    if spread > 0:
        b = max(-(weights * (slope - centre) * (coverage - level)).sum() / spread, 0.0)
    a = level + b * centre
    if a > 1.0:  # through the last point, up to full coverage
        a, b = 1.0, max(1.0 - coverage[-1], 0.0) * np.sqrt(sizes[-1])
    ahead = np.unique(np.geomspace(sizes[-1], n_rows, _SIZES).round()).astype(np.intp)
    expected = np.clip(a - b / np.sqrt(ahead), 0.0, 1.0)
    each = 1.0 if price is None else price
    cost = each * (ahead + (n_rows - ahead) * (1.0 - expected))
    return LearningCurve(
        n_labels=sizes,
        coverage=coverage,
        sizes=ahead,
        projected_coverage=expected,
        projected_cost=cost,
        price=each,
        # Where nothing can be certified yet, the curve is flat and tells nothing: go on.
        best=(
            int(ahead[int(np.argmin(cost))])
            if coverage[-1] >= _FIRST_SIGN
            else min(2 * int(sizes[-1]), n_rows)
        ),
    )


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
