"""Tables and captions of the panel and the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracer_nb.records import Choice, Confusion, Selection, Targets
from tracer_nb.words.figures import beginning, count, level, money, percent

__all__ = ["pair_rows", "selection_sentence", "target_rows", "target_sentence"]

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
    return title, ("target", "", "coverage of the column", "saves about"), rows


def target_sentence(targets: Targets, i: int) -> str:
    """What one of several targets would give, and whether that is certified."""
    target = float(targets.targets[i])
    for choice in targets.certified:
        if choice.target == target:
            return _certified_target(choice)
    if not targets.n_handled[i]:
        return f"Estimate at {level(target)}: no threshold agrees that often."
    saved = "" if math.isnan(targets.saved[i]) else f", saves about {money(targets.saved[i])}"
    return (
        f"Estimate at {level(target)}, not certified: the surrogate would answer "
        f"{percent(targets.coverage[i])}{saved}; observed agreement "
        f"{percent(targets.agreement[i])} (90 % interval {percent(targets.lower[i])} to "
        f"{percent(targets.upper[i])}). A certificate may be expected to reach "
        f"{percent(targets.expected[i])}."
    )


def _certified_target(choice: Choice) -> str:
    if not choice.certified:
        return f"At {level(choice.target)} nothing is certified."
    saved = "" if choice.saved is None else f" and saves about {money(choice.saved)}"
    answers = percent(choice.coverage)
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
