"""Where surrogate and teacher part, in sentences, tables and captions, and what would gain coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracer_nb.records import (
    BoundaryPair,
    Choice,
    Confusion,
    Gain,
    Gaps,
    LabelAgreement,
    LostCoverage,
    Selection,
    Targets,
)
from tracer_nb.words.figures import beginning, count, level, money, percent
from tracer_nb.words.plans import self_sentences

__all__ = [
    "budget_lines",
    "gain_rows",
    "gap_lines",
    "gap_tables",
    "lost_sentences",
    "pair_lines",
    "pair_rows",
    "selection_sentence",
    "slice_rows",
    "suspect_rows",
    "target_rows",
    "target_sentence",
]


_WHAT = {
    "labels": "twice as many labels",
    "gate": "a better gate",
    "surrogate": "better features or another surrogate",
    "prompt": "a clearer prompt",
}
_BASIS = {
    "test": "expected of a certificate from twice the calibration rows; surrogate as now",
    "perfect gate": "a gate without a mistake, on these labels",
    "all": "everything that is not handled now",
    "self-agreement": "by the upper bound of the teacher's agreement with itself",
    "wavering": "everything that is not handled now; the teacher contradicts itself",
    "fitting rows": "pair chosen on the fitting rows",
    "tested rows": "pair chosen on the same rows, which flatters it",
}


def gain_rows(gaps: Gaps) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """What each change would gain as a table: title, head and rows."""
    title = "What would let the surrogate answer more rows: estimates, which do not add up"
    rows = [
        (
            _WHAT.get(gain.by) or f"merging {' and '.join(map(beginning, gain.labels))}",
            _much(gain),
            _BASIS[gain.basis],
        )
        for gain in gaps.gains
    ]
    return title, ("change", "gain", "as far as is known"), rows


def _much(gain: Gain) -> str:
    if round(gain.coverage, 3) <= 0:
        return "next to nothing"
    much = f"{'at most' if gain.at_most else 'about'} {_points(gain.coverage)}"
    if gain.by == "merge" and gain.ceiling > gain.coverage:
        much += f", up to {_points(gain.ceiling)} with a perfect gate"
    return much


def _points(share: float) -> str:
    return f"{percent(share).removesuffix(' %')} points"


# Beside every fifth percent.
_TARGETS = (0.92, 0.98)


def pair_rows(confusion: Confusion) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """The most frequent disagreements as a table: title, head and rows."""
    rows = [(p.teacher, p.surrogate, f"{p.n:,}", f"{p.n_handled:,}") for p in confusion.pairs[:8]]
    wrong = confusion.n_rows - confusion.n_agree
    title = (
        f"The most frequent of {count(wrong, 'disagreement')} on {count(confusion.n_rows, 'row')}"
    )
    return title, ("teacher says", "surrogate says", "rows", "of them handled"), rows


def target_rows(targets: Targets) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """What targets give as a table: title, head and rows."""
    certified = {choice.target: choice for choice in targets.certified}
    rows = []
    for i, target in enumerate(targets.targets.tolist()):
        choice = certified.get(target)
        if choice is not None:
            how = "certified" if choice.certified else "nothing certified"
            saved = "" if choice.saved is None or not choice.certified else money(choice.saved)
            rows.append((level(target), how, percent(choice.coverage), saved))
        elif round(100 * target) % 5 == 0 or target in _TARGETS:
            saved = "" if math.isnan(targets.saved[i]) else money(targets.saved[i])
            rows.append((level(target), "estimate", percent(targets.coverage[i]), saved))
    title = "What other targets would give; estimates are judged on the calibration rows"
    of = f"coverage of {count(targets.n_population, 'row')}"
    return title, ("target", "", of, "saves about, audits aside"), rows


def target_sentence(targets: Targets, i: int) -> str:
    """What one of several targets would give, and whether that is certified."""
    target = float(targets.targets[i])
    for choice in targets.certified:
        if choice.target == target:
            return _certified_target(targets, choice)
    if not targets.n_handled[i]:
        return f"Estimate at {level(target)}: no threshold agrees that often."
    saved = "" if math.isnan(targets.saved[i]) else f", saves about {money(targets.saved[i])}"
    return (
        f"Estimate at {level(target)}, not certified: the surrogate would answer "
        f"{percent(targets.coverage[i])} of {count(targets.n_population, 'row')}{saved}; agreement "
        f"seen {percent(targets.agreement[i])} (90 % interval {percent(targets.lower[i])} to "
        f"{percent(targets.upper[i])}). A certificate may be expected to reach "
        f"{percent(targets.expected[i])}."
    )


def _certified_target(targets: Targets, choice: Choice) -> str:
    if not choice.certified:
        return f"At {level(choice.target)} nothing is certified."
    # What the target in use saves is in the bill.
    told = choice.saved is None or choice.target == targets.main
    saved = "" if told else f" and saves about {money(choice.saved)}"
    answers = f"{percent(choice.coverage)} of {count(targets.n_population, 'row')}"
    return f"Certified at {level(choice.target)}: the surrogate answers {answers}{saved}."


def selection_sentence(selection: Selection, total: int) -> str:
    """Which rows are looked at, and how many."""
    parts = []
    for who, labels in (("teacher", selection.teacher), ("surrogate", selection.surrogate)):
        if labels is not None:
            shown = labels[0] if len(labels) == 1 else f"one of {len(labels):,} other labels"
            parts.append(f"{who} says {shown}")
    if selection.status is not None:
        parts.append(" or ".join(selection.status))
    if selection.scores is not None:
        low, high = selection.scores
        parts.append(f"gate score {low:.3f} to {high:.3f}")
    if selection.name:
        parts.append(beginning(selection.name))
    elif selection.rows is not None:
        parts.append(f"row {', '.join(f'{row:,}' for row in selection.rows)}")
    if selection.search.strip():
        parts.append(f"with “{selection.search.strip()}”")
    if selection.tested:
        parts.append("among the rows that the charts count")
    return f"{count(total, 'row')}{': ' if parts else ''}{', '.join(parts)}"


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
