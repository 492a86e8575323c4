"""Where surrogate and teacher part, in sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracer_nb.records import BoundaryPair, Gaps, LabelAgreement, LostCoverage
from tracer_nb.words.figures import beginning, count, level, percent
from tracer_nb.words.gains import gain_rows
from tracer_nb.words.panels import pair_rows
from tracer_nb.words.reasks import self_sentences

__all__ = [
    "budget_lines",
    "gap_lines",
    "gap_tables",
    "lost_sentences",
    "pair_lines",
    "slice_rows",
    "suspect_rows",
]

# A title, its head, and rows.
_Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]

_BASES = {
    "calibration": "calibration rows, which the surrogate was not fitted on",
    "left-out": "calibration rows, each judged by a surrogate fitted without it",
    "out-of-fold": "fitting rows, each judged by a surrogate fitted without it",
}
_ROWS = 8
_PAIRS = "Near-identical texts that were treated differently"


def gap_lines(gaps: Gaps) -> list[str]:
    """What the analysis found, the sum first."""
    n = len(gaps.rows)
    if not n:
        return ["No row to compare yet."]
    lines = [
        (
            f"Surrogate and teacher agree on {gaps.n_agree:,} of {n:,} "
            f"{_BASES[gaps.reliability.basis]}: {percent(gaps.n_agree / n)}."
        )
    ]
    lines.extend(budget_lines(gaps))
    lines.extend(_slice_sentences(gaps))
    if gaps.confusion.pairs:
        pair = gaps.confusion.pairs[0]
        lines.append(
            f"Most often the surrogate says {pair.surrogate} where the teacher says "
            f"{pair.teacher}: {count(pair.n, 'row')}, {pair.n_handled:,} of them handled."
        )
    if gaps.pairs:
        lines.append(
            f"{count(len(gaps.pairs), 'pair')} of near-identical texts treated differently."
        )
    if gaps.suspects:
        lines.append(
            f"{count(len(gaps.suspects), 'row')} that the teacher may have labelled wrongly; "
            "only a human can tell."
        )
    if not math.isnan(gaps.risk_area):
        lines.append(
            f"Over all coverages {percent(gaps.risk_area)} of the handled rows would disagree on "
            "average (area under the risk-coverage curve)."
        )
    return lines


def budget_lines(gaps: Gaps) -> list[str]:
    """Where coverage is lost, and how much of it the teacher itself explains."""
    lost = [] if gaps.lost is None else lost_sentences(gaps.lost)
    twice = [] if gaps.self_agreement is None else self_sentences(gaps.self_agreement)
    return [*lost, *twice]


def _slice_sentences(gaps: Gaps) -> list[str]:
    if not gaps.slices:
        return ["No group of rows stands out by its disagreements beyond chance."]
    worst = gaps.slices[0]
    return [
        (
            f"{count(len(gaps.slices), 'group')} of rows with more disagreement than elsewhere. "
            f"The surest ({worst.kind}): {beginning(worst.name)}, {count(worst.n_rows, 'row')}, "
            f"{percent(worst.agreement)} agreement against {percent(worst.agreement_elsewhere)}."
        )
    ]


def lost_sentences(lost: LostCoverage) -> list[str]:
    """Where coverage is lost."""
    if not lost.n_rows:
        return []
    lines = [
        (
            f"At the target of {level(lost.target)}, {percent(lost.coverage)} of these rows are "
            f"handled; a perfect gate would handle {percent(lost.ceiling)}."
        )
    ]
    for share, why in (
        (lost.by_surrogate, "because the surrogate gives other labels than the teacher"),
        (lost.by_ranking, "because the gate ranks some disagreements above agreements"),
        (lost.by_statistics, "because a promise from so few rows needs a margin"),
    ):
        if share > 1e-9:
            lines.append(f"Lost {why}: {percent(share)}.")
    if len(lines) > 1:
        lines.append("These losses are estimates on the tested rows, and no promise.")
    return lines


def gap_tables(gaps: Gaps) -> list[_Table]:
    """Title, head and rows of each table that has rows."""
    tables = [
        gain_rows(gaps),
        _labels(gaps.by_teacher),
        _labels(gaps.by_surrogate),
        pair_rows(gaps.confusion),
        slice_rows(gaps),
        _pairs(gaps),
        suspect_rows(gaps),
    ]
    return [table for table in tables if table[2]]


def _labels(found: LabelAgreement) -> _Table:
    """The labels with most disagreements."""
    wrong = found.n_handled - found.n_agree
    order = (-wrong).argsort(kind="stable").tolist()
    total = max(int(wrong.sum()), 1)
    rows = []
    for i in order[:_ROWS]:
        if not found.n_handled[i]:
            agreement = within = ""
        else:
            agreement = percent(found.agreement[i])
            within = f"{percent(found.lower[i])} to {percent(found.upper[i])}"
        handled = percent(found.coverage[i]) if found.handled_only else ""
        deferred = percent(1 - found.coverage[i]) if found.handled_only else ""
        rows.append(
            (
                *(found.labels[i], f"{found.n_rows[i]:,}", handled, deferred),
                *(agreement, within, percent(wrong[i] / total)),
            )
        )
    of = "handled rows" if found.handled_only else "all rows, because none is handled"
    title = f"Agreement by the {found.by}'s label, on {of}; each interval stands alone"
    head = (
        *("label", "rows", "handled", "deferred", "agreement", "90 % interval"),
        "share of disagreements",
    )
    return title, head, rows


def slice_rows(gaps: Gaps, most: int = _ROWS) -> _Table:
    """The surest groups as a table: title, head and rows."""
    rows = [
        (
            *(s.kind, beginning(s.name), f"{s.n_rows:,}", percent(s.agreement)),
            *(percent(s.agreement_elsewhere), f"{s.excess:.1f}", f"{s.adjusted:.2g}"),
        )
        for s in gaps.slices[:most]
    ]
    title = "Groups of rows with more disagreement than elsewhere; at most 5 % of them by chance"
    head = (
        *("kind", "rows that have", "rows", "agreement", "elsewhere", "disagreements too many"),
        "adjusted p",
    )
    return title, head, rows


def _pairs(gaps: Gaps) -> _Table:
    """A pair a row."""
    rows = [
        (f"{pair.similarity:.3f}", *_side(pair, 0), *_side(pair, 1)) for pair in gaps.pairs[:_ROWS]
    ]
    return _PAIRS, ("similarity", *(("text", "teacher says", "") * 2)), rows


def pair_lines(gaps: Gaps, most: int = _ROWS) -> _Table:
    """The most similar pairs as a narrow table: two rows for each, one below the other."""
    rows = [
        (similarity, *_side(pair, i))
        for pair in gaps.pairs[:most]
        for i, similarity in enumerate((f"{pair.similarity:.3f}", ""))
    ]
    return _PAIRS, ("similarity", "text", "teacher says", "now"), rows


def _side(pair: BoundaryPair, i: int) -> tuple[str, str, str]:
    now = "handled" if pair.handled[i] else "deferred"
    return beginning(pair.texts[i]), pair.teacher[i], now


def suspect_rows(gaps: Gaps, most: int = _ROWS) -> _Table:
    """The most suspicious rows as a table: title, head and rows."""
    rows = [
        (
            *(f"{s.row:,}", beginning(s.text), s.teacher, s.surrogate),
            *(f"{s.score:.3f}", f"{s.usual:.3f}"),
        )
        for s in gaps.suspects[:most]
    ]
    title = "Rows that the teacher may have labelled wrongly"
    head = (
        *("row", "text", "teacher says", "surrogate says", "score"),
        "score usual for this label",
    )
    return title, head, rows
