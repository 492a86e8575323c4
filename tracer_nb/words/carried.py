"""What labels are likely to carry, in one line for each target."""

from __future__ import annotations

from tracer_nb.records import Carried, Report
from tracer_nb.words.figures import count, level, percent, rounded_down
from tracer_nb.words.refusals import chance_words

__all__ = ["carried_lines"]


def carried_lines(report: Report) -> list[str]:
    """The largest promise that the labels are likely to carry; empty where something is certified."""
    carried = [each for each in report.carried if each.n_more]
    if not carried:  # no row is left to promise anything about
        return []
    first, likely = carried[0], [each for each in carried if not each.is_nothing]
    lines = [
        "What these labels are likely to carry, judged by answers left out of the fit, and no promise:",
        *_none_at([each for each in carried if each.is_nothing]),
        *(_line(each) for each in likely),
    ]
    if first.n_tests:
        lines.append(
            "What was tested has spent its share of the error that is allowed, at a lower target, too: the next "
            f"test on this column is one at {rounded_down(first.confidence)} confidence."
        )
    return lines


def _none_at(carried: list[Carried]) -> list[str]:
    """Targets of which nothing can be hoped for, in one line for each number of labels.

    >>> _none_at([Carried(each, 35, 0.0, 0.0, 0.95) for each in (0.92, 0.7, 0.6)])
    ['at 92 %, 70 % and 60 %, with 35 more labels for a test: nothing.']
    """
    at: dict[int, list[str]] = {}
    for each in carried:
        at.setdefault(each.n_more, []).append(level(each.target))
    return [
        f"at {' and '.join(filter(None, [', '.join(targets[:-1]), targets[-1]]))}, with "
        f"{count(n_more, 'more label')} for a test: nothing."
        for n_more, targets in at.items()
    ]


def _line(each: Carried) -> str:
    """One target.

    >>> _line(Carried(0.85, 120, 0.71, 0.41, 0.92))
    'at 85 %, with 120 more labels for a test: about 7 in 10 chances, of about 41 % of the rows left.'
    """
    return (
        f"at {level(each.target)}, with {count(each.n_more, 'more label')} for a test: "
        f"{chance_words(each.chance)}, of about {percent(each.coverage, 0)} of the rows left."
    )
