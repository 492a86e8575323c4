"""Two fits side by side, in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence

from tracer_nb.records import FitDifferences
from tracer_nb.words.figures import beginning, count, level, percent

__all__ = ["difference_lines", "difference_tables"]

_ROWS = 12


def difference_lines(found: FitDifferences) -> list[str]:
    """What changed from the first fit to the second, coverage first."""
    if not found.n_rows:
        lines = ["Every row with text is in a sample: there is none that a fit decides about."]
    else:
        one, two = (percent(n / found.n_rows) for n in found.n_handled)
        lines = [
            (
                f"Of {count(found.n_rows, 'row')} in neither sample the surrogate answers {one} "
                f"before and {two} after{_targets(found)}."
            ),
            (
                f"{count(len(found.to_handled), 'row')} went from deferred to handled, "
                f"{count(len(found.to_deferred), 'row')} from handled to deferred; on "
                f"{count(len(found.relabelled), 'row')} the surrogate's label is another one, "
                f"{found.n_relabelled_handled:,} of them handled before and after."
            ),
        ]
    lines += _agreement(found)
    if not found.same_teacher:
        lines.append("The two have different teachers: each agreement is with the fit's own.")
    lines.append(
        "Each certificate stands alone. To choose a fit by these figures, certify it on fresh "
        "rows: on these the promise would be void."
    )
    return lines


def _targets(found: FitDifferences) -> str:
    one, two = found.targets
    return "" if one == two else f" (targets {level(one)} and {level(two)})"


def _agreement(found: FitDifferences) -> list[str]:
    if not found.n_tested:
        return ["No labelled row is new to both surrogates, so agreement cannot be compared."]
    one, two = (
        f"{agree:,} of {handled:,}" + (f" ({percent(agree / handled)})" if handled else "")
        for agree, handled in zip(found.n_tested_agree, found.n_tested_handled, strict=True)
    )
    lines = [
        (
            f"On {count(found.n_tested, 'labelled row')} that neither surrogate was fitted on, "
            f"handled rows that agree with the teacher: {one} before, {two} after."
        )
    ]
    if found.n_both:
        change = (found.only_after - found.only_before) / found.n_both
        lines.append(
            f"On the {count(found.n_both, 'row')} handled by both: {_agree(found.only_after)} "
            f"after only, {_agree(found.only_before)} before only, a change of {_signed(change)} points "
            f"({level(found.confidence)} interval {_signed(found.lower)} to "
            f"{_signed(found.upper)}; exact McNemar p = {found.p_value:.2g})."
        )
    return lines


def _agree(n: int) -> str:
    return f"{n:,} {'agrees' if n == 1 else 'agree'}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"


def difference_tables(
    found: FitDifferences,
) -> list[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Title, head and rows of each table that has rows."""
    tables = [_labels(found), _changes(found)]
    return [table for table in tables if table[2]]


def _labels(found: FitDifferences) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    rows = [
        (
            *(one.label, f"{one.n_rows:,}"),
            *(percent(n / one.n_rows) for n in one.n_handled),
            *(
                percent(agree / n) if n else ""
                for agree, n in zip(one.n_agree, one.n_handled, strict=True)
            ),
        )
        for one in found.labels[:_ROWS]
    ]
    title = "By the teacher's label, on labelled rows that neither surrogate was fitted on"
    head = (
        *("label", "rows", "handled before", "handled after"),
        *("agreement before", "agreement after"),
    )
    return title, head, rows


def _changes(found: FitDifferences) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    rows = [
        (
            *(f"{one.row:,}", beginning(one.text)),
            *(
                f"{label}, {'handled' if handled else 'deferred'}"
                for label, handled in zip(one.labels, one.handled, strict=True)
            ),
        )
        for one in found.changes
    ]
    return "Rows that changed", ("row", "text", "surrogate before", "surrogate after"), rows
