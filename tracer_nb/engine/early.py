"""A quick surrogate on the fitting rows that there are, to see how far labelling has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.contest import Entry, Rows, enter
from tracer_nb.engine.judge import Judge
from tracer_nb.engine.options import Options
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.engine.views import View
from tracer_nb.engine.zoo import SURROGATES

__all__ = ["FEWEST_ROWS", "early_rows", "enter_early"]

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
