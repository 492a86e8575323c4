"""Agreement for each label, and how often each label occurs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.gaps.judged import CONFIDENCE, Judged
from tracer_nb.records import LabelAgreement, LabelCounts

__all__ = ["count_labels", "label_agreement"]


def label_agreement(judged: Judged, *, target: float, by: str = "teacher") -> LabelAgreement:
    """Agreement on the handled rows of each label; on all its rows while none is handled.

    Parameters
    ----------
    judged : Judged
    target : float
        The one in use, to be drawn beside it.
    by : str
        Whose labels group the rows: "teacher", which leaves out rows without a label, or
        "surrogate", where they are disagreements.
    """
    k = len(judged.names)
    code = judged.teacher if by == "teacher" else judged.surrogate
    handled_only = bool(judged.handled.any())
    counted = judged.handled if handled_only else np.ones(len(code), dtype=bool)
    n_rows, n_handled, n_agree = (
        np.bincount(code[part & (code >= 0)], minlength=k)
        for part in (np.ones(len(code), dtype=bool), counted, counted & judged.agree)
    )
    present = np.flatnonzero(n_rows)
    n_handled, n_agree = n_handled[present], n_agree[present]
    lower, upper = agreement_interval(n_agree, n_handled, CONFIDENCE)
    return LabelAgreement(
        labels=tuple(judged.names[i] for i in present),
        by=by,
        n_rows=n_rows[present],
        n_handled=n_handled,
        n_agree=n_agree,
        lower=lower,
        upper=upper,
        handled_only=handled_only,
        target=target,
        basis=judged.basis,
    )


def count_labels(
    names: tuple[str, ...],
    sample: NDArray[np.intp],
    by_teacher: NDArray[np.intp],
    by_surrogate: NDArray[np.intp],
    *,
    n_missing: int,
    n_abstained: int = 0,
) -> LabelCounts:
    """Count labels given as indices into ``names``; -1 where the sample has none."""
    k = len(names)
    return LabelCounts(
        labels=names,
        sample=np.bincount(sample[sample >= 0], minlength=k),
        by_teacher=np.bincount(by_teacher, minlength=k),
        by_surrogate=np.bincount(by_surrogate, minlength=k),
        n_sample=len(sample),
        n_sample_missing=int((sample < 0).sum()),
        n_missing=n_missing,
        n_abstained=n_abstained,
    )
