"""What was found where surrogate and teacher part: the three findings that matter first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracer_nb.records import Gaps
from tracer_nb.words.figures import beginning, count, percent
from tracer_nb.words.gaps import gain_rows, gap_lines

__all__ = ["other_findings", "top_findings"]

_FIRST = 3


def top_findings(gaps: Gaps) -> list[tuple[str, Mapping[str, Any]]]:
    """Three sentences at the most, each with the place of its rows; empty where it has none."""
    return _findings(gaps)[:_FIRST]


def _findings(gaps: Gaps) -> list[tuple[str, Mapping[str, Any]]]:
    found: list[tuple[str, Mapping[str, Any]]] = []
    if gaps.confusion.pairs:
        pair = gaps.confusion.pairs[0]
        place = [gaps.confusion.labels.index(name) for name in (pair.teacher, pair.surrogate)]
        words = (
            f"Two labels are taken for each other: the teacher says {pair.teacher}, the "
            f"surrogate {pair.surrogate}, in {count(pair.n, 'row')}."
        )
        found.append((words, {"cell": place}))
    if gaps.slices:
        worst = gaps.slices[0]
        words = (
            f"One group of rows disagrees more: {worst.kind} {beginning(worst.name)}, "
            f"{percent(worst.agreement)} agreement in {count(worst.n_rows, 'row')} against "
            f"{percent(worst.agreement_elsewhere)} elsewhere."
        )
        found.append((words, {"slice": 0}))
    if gaps.suspects:
        first = gaps.suspects[0]
        words = (
            f"The teacher may be wrong in {count(len(gaps.suspects), 'row')}: here the surrogate "
            "is surer of another label than it usually is. Review them."
        )
        found.append((words, {"row": first.row}))
    if gaps.pairs:
        words = (
            f"{count(len(gaps.pairs), 'pair')} of almost equal texts got different labels, or one "
            "was handled and the other deferred."
        )
        found.append((words, {"row": gaps.pairs[0].rows[0]}))
    _, _, gains = gain_rows(gaps)
    if gains:
        change, gain, _ = gains[0]
        found.append((f"To answer more rows, try {change}: {gain} of coverage.", {}))
    if not found:
        found.append(("Nothing stands out: the disagreements are spread evenly.", {}))
    return found


def other_findings(gaps: Gaps, budget: Sequence[str]) -> list[str]:
    """What else the analysis says, without the lines on the ``budget`` of coverage."""
    return [line for line in gap_lines(gaps) if line not in budget]
