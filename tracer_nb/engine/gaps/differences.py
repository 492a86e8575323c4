"""Two fits side by side: coverage, agreement, and rows that changed sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.records import FitDifferences, LabelDifference, Routing

__all__ = ["compare_fits"]

_CONFIDENCE = 0.95


def compare_fits(
    routed: tuple[Routing, Routing],
    rows: NDArray[np.intp],
    tested: tuple[Judged, Judged],
    *,
    targets: tuple[float, float],
    confidence: float = _CONFIDENCE,
) -> FitDifferences:
    """Compare what two fits do with the same rows; before, then after.

    Parameters
    ----------
    routed : two Routings of n rows
    rows : ndarray of shape (n,), int
        Their positions in the column.
    tested : two Judged of m rows
        The same rows, with the same label set, that neither fit has seen.
    targets : two floats
    confidence : float
        Of the interval of the difference.

    Notes
    -----
    Of the rows that both handle, b agree before only and c after only, so agreement differs
    by (c - b) / n. With two Clopper-Pearson intervals at (1 + confidence) / 2, one of b / n and
    one of c / n, the difference lies between their outer ends with the given confidence. The
    test is McNemar's, exact: b of b + c is binomial with chance 1/2 under no difference.
    """
    (before, after), (old, new) = routed, tested
    moved = before.labels != after.labels
    both = old.handled & new.handled
    b, c = (
        int(np.sum(both & one & ~two))
        for one, two in ((old.agree, new.agree), (new.agree, old.agree))
    )
    n = int(both.sum())
    low, high = agreement_interval(np.array([b, c]), np.array([n, n]), (1.0 + confidence) / 2.0)
    return FitDifferences(
        targets=targets,
        n_rows=len(rows),
        n_handled=(int(before.handled.sum()), int(after.handled.sum())),
        to_handled=rows[~before.handled & after.handled],
        to_deferred=rows[before.handled & ~after.handled],
        relabelled=rows[moved],
        n_relabelled_handled=int(np.sum(moved & before.handled & after.handled)),
        n_tested=len(new.teacher),
        n_tested_handled=(int(old.handled.sum()), int(new.handled.sum())),
        n_tested_agree=(int(old.agree[old.handled].sum()), int(new.agree[new.handled].sum())),
        n_both=n,
        only_before=b,
        only_after=c,
        lower=float(low[1] - high[0]),
        upper=float(high[1] - low[0]),
        p_value=float(stats.binomtest(c, b + c).pvalue) if b + c else 1.0,
        confidence=confidence,
        labels=_by_label(old, new),
    )


def _by_label(old: Judged, new: Judged) -> tuple[LabelDifference, ...]:
    """Side by side for each label of the teacher, which is the one of after."""
    k = len(new.names)
    n_rows = np.bincount(new.teacher[new.teacher >= 0], minlength=k)
    order = np.argsort(-n_rows, kind="stable")

    def counts(one: Judged, *, agreeing: bool) -> NDArray[np.intp]:
        kept = one.handled & (new.teacher >= 0) & (one.agree | (not agreeing))
        return np.bincount(new.teacher[kept], minlength=k)

    handled = [counts(one, agreeing=False) for one in (old, new)]
    agree = [counts(one, agreeing=True) for one in (old, new)]
    return tuple(
        LabelDifference(
            label=new.names[i],
            n_rows=int(n_rows[i]),
            n_handled=(int(handled[0][i]), int(handled[1][i])),
            n_agree=(int(agree[0][i]), int(agree[1][i])),
        )
        for i in order[n_rows[order] > 0].tolist()
    )
