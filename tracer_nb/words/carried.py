"""What labels are likely to carry, in one line for each target."""

from __future__ import annotations

from tracer_nb.records import Carried, Report
from tracer_nb.words.figures import count, level, percent, rounded_down
from tracer_nb.words.refusals import chance_words

__all__ = ["carried_lines"]


def carried_lines(report: Report) -> list[str]:
    """The largest promise that the labels are likely to carry; empty where something is certified."""
    if not report.carried:
        return []
    first = report.carried[0]
    lines = [
        "What these labels are likely to carry, judged by answers left out of the fit, and no promise:",
        *(_line(each) for each in report.carried),
    ]
    if first.n_tests:
        lines.append(
            "What was tested has spent its share of the error that is allowed, at a lower target, too: the next "
            f"test on this column is one at {rounded_down(first.confidence)} confidence."
        )
    return lines


def _line(each: Carried) -> str:
    """One target.

    >>> _line(Carried(0.85, 120, 0.71, 0.41, 0.92))
    'at 85 %, with 120 more labels for a test: about 7 in 10 chances, of about 41 % of the rows left.'
    >>> _line(Carried(0.9, 120, 0.01, 0.2, 0.92))
    'at 90 %, with 120 more labels for a test: nothing.'
    """
    said = f"at {level(each.target)}, with {count(each.n_more, 'more label')} for a test: "
    if each.is_nothing:
        return f"{said}nothing."
    return (
        f"{said}{chance_words(each.chance)}, of about {percent(each.coverage, 0)} of the rows left."
    )
