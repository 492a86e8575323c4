"""Agreement of surrogate and teacher: by label, by pair of labels, by the gate's score.

Of the teacher with itself, and of two fits side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.records import (
    ConfusedPair,
    Confusion,
    FitDifferences,
    LabelAgreement,
    LabelCounts,
    LabelDifference,
    Reliability,
    Routing,
    SelfAgreement,
)

__all__ = [
    "CONFIDENCE",
    "Judged",
    "compare_fits",
    "confusion",
    "count_labels",
    "label_agreement",
    "reliability",
    "self_agreement",
]


CONFIDENCE = 0.9
"""Of every interval in a picture; each stands alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The rows that pictures of agreement count.

    Attributes
    ----------
    names : tuple of str
        The label set.
    teacher : ndarray of shape (n,), int
        Index into ``names``; -1 where the teacher gave none, which is a disagreement.
    surrogate : ndarray of shape (n,), int
        Index into ``names``.
    scores : ndarray of shape (n,), float
        Gate scores; -inf where the guard defers.
    handled : ndarray of shape (n,), bool
        At the threshold in use; nowhere while there is none.
    basis : str
        As in :class:`tracer_nb.records.Confusion`.
    """

    names: tuple[str, ...]
    teacher: NDArray[np.intp]
    surrogate: NDArray[np.intp]
    scores: NDArray[np.float64]
    handled: NDArray[np.bool_]
    basis: str

    @property
    def agree(self) -> NDArray[np.bool_]:
        """Both give the same label."""
        return np.asarray(self.teacher == self.surrogate)


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


_SHOWN = 25
_PAIRS = 50


def confusion(judged: Judged, *, shown: int = _SHOWN) -> Confusion:
    """Count rows by both labels.

    Parameters
    ----------
    judged : Judged
    shown : int
        Labels with a row and a column of their own, at most; those with fewest disagreements
        share one, if there are at least two of them.

    Returns
    -------
    Confusion
        Empty arrays when no row has a label.
    """
    known = judged.teacher >= 0
    # One entry per pair that occurs: a matrix of thousands of labels would not be small.
    (teacher, surrogate), n, n_handled = _pairs(judged, known)
    wrong = teacher != surrogate
    k = len(judged.names)
    rows = _per_label(teacher, surrogate, n, k)
    wrongs = _per_label(teacher[wrong], surrogate[wrong], n[wrong], k)
    present = np.flatnonzero(rows)
    order = present[np.lexsort((present, -rows[present], -wrongs[present]))]
    if len(order) > shown + 1:
        order, folded = order[:shown], order[shown:]
    else:
        folded = order[:0]
    m = len(order) + bool(len(folded))
    place = np.full(k, m - 1)
    place[order] = np.arange(len(order))
    counts, handled = np.zeros((m, m), dtype=np.intp), np.zeros((m, m), dtype=np.intp)
    np.add.at(counts, (place[teacher], place[surrogate]), n)
    np.add.at(handled, (place[teacher], place[surrogate]), n_handled)
    return Confusion(
        labels=tuple(judged.names[i] for i in order),
        folded=tuple(judged.names[i] for i in folded),
        counts=counts,
        handled=handled,
        n_folded_agree=int(n[~wrong & np.isin(teacher, folded)].sum()),
        pairs=_ranked(judged.names, teacher[wrong], surrogate[wrong], n[wrong], n_handled[wrong]),
        n_rows=int(known.sum()),
        n_agree=int(n[~wrong].sum()),
        n_missing=int((~known).sum()),
        basis=judged.basis,
    )


def _pairs(
    judged: Judged, known: NDArray[np.bool_]
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of labels that occur, how often, and how often handled."""
    k = max(len(judged.names), 1)
    both = judged.teacher[known] * k + judged.surrogate[known]
    pairs, which, n = np.unique(both, return_inverse=True, return_counts=True)
    n_handled = np.bincount(which.ravel()[judged.handled[known]], minlength=len(pairs))
    return (pairs // k, pairs % k), n, n_handled


def _per_label(
    teacher: NDArray[np.intp], surrogate: NDArray[np.intp], n: NDArray[np.intp], k: int
) -> NDArray[np.float64]:
    """Rows in which each label takes part, on either side."""
    return np.asarray(np.bincount(teacher, n, k) + np.bincount(surrogate, n, k), dtype=np.float64)


def _ranked(
    names: tuple[str, ...],
    teacher: NDArray[np.intp],
    surrogate: NDArray[np.intp],
    n: NDArray[np.intp],
    n_handled: NDArray[np.intp],
) -> tuple[ConfusedPair, ...]:
    order = np.lexsort((surrogate, teacher, -n_handled, -n))[:_PAIRS]
    return tuple(
        ConfusedPair(names[teacher[i]], names[surrogate[i]], int(n[i]), int(n_handled[i]))
        for i in order
    )


_BINS = 10
# Intervals of fewer rows say nothing.
_ROWS_PER_BIN = 20


def reliability(judged: Judged) -> Reliability:
    """Bin scores into at most ten bins of about equally many rows.

    Equal scores are never parted, so there may be fewer bins. Empty arrays when there is no
    row, or the guard defers all.
    """
    scored = np.isfinite(judged.scores)
    order = np.argsort(judged.scores[scored], kind="stable")
    scores, agree = judged.scores[scored][order], judged.agree[scored][order]
    n = len(scores)
    n_bins = min(_BINS, max(n // _ROWS_PER_BIN, 1))
    # A cut between equal scores moves down to the first of them.
    cuts = np.searchsorted(scores, scores[np.arange(n_bins) * n // n_bins]) if n else np.empty(0)
    starts = np.unique(cuts).astype(np.intp)
    n_rows = np.diff(np.r_[starts, n]) if n else starts
    n_agree = np.add.reduceat(agree.astype(np.intp), starts) if n else starts
    total = np.add.reduceat(scores, starts) if n else np.empty(0)
    lower, upper = agreement_interval(n_agree, n_rows, CONFIDENCE)
    return Reliability(
        low=scores[starts],
        high=scores[starts + n_rows - 1],
        score=total / np.maximum(n_rows, 1),
        n_rows=n_rows,
        n_agree=n_agree,
        lower=lower,
        upper=upper,
        n_far=int((~scored).sum()),
        basis=judged.basis,
    )


_CONFIDENCE = 0.95
_EXAMPLES = 20


def self_agreement(
    answers: Mapping[str, tuple[str, str | None]], *, confidence: float = _CONFIDENCE
) -> SelfAgreement:
    """Count texts with the same label twice.

    Parameters
    ----------
    answers : mapping of str to (str, str or None)
        First and second label of each distinct text; no second label is another answer.
    confidence : float
        Of the interval, which is exact when the texts were drawn at random.
    """
    n = len(answers)
    changed = [(text, one, two) for text, (one, two) in answers.items() if one != two]
    n_same = n - len(changed)
    lower, upper = agreement_interval(np.array([n_same]), np.array([n]), confidence)
    asked = Counter(one for one, _ in answers.values())
    by_label = Counter(one for _, one, _ in changed)
    pairs = Counter((one, two) for _, one, two in changed)
    return SelfAgreement(
        n=n,
        n_same=n_same,
        lower=float(lower[0]),
        upper=float(upper[0]),
        confidence=confidence,
        labels=tuple((name, asked[name], k) for name, k in by_label.most_common()),
        pairs=tuple((one, two, k) for (one, two), k in pairs.most_common()),
        changed=tuple(changed[:_EXAMPLES]),
    )


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
