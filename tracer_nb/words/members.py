"""What the members of a panel said, side by side, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tracer_nb.records import PanelPlan, PanelReport
from tracer_nb.words.figures import count, money, percent

__all__ = ["confusion_tables", "member_table", "panel_plan_sentence"]

_Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
# Labels up to which a matrix is shown whole; of more, what is confused most.
_WHOLE, _MOST, _LEAST = 10, 8, 0.01


def panel_plan_sentence(panel: PanelPlan) -> str:
    """How many single calls a panel takes, and what that rests on."""
    every = f"{_listed(panel.always)} are asked about every text"
    if not panel.disputed:
        return f"{every}: {count(panel.n_calls, 'call')}."
    share = f"{percent(panel.share)} of them"
    share += f", as on {panel.n_seen:,} stored ones" if panel.n_seen else ", a guess"
    calls = f"about {count(panel.n_calls, 'call')}, {panel.n_calls_most:,} at the most"
    said = f"{every}, {_listed(panel.disputed)} where these differ ({share}): {calls}."
    if panel.n_learn:
        said += f" All members are asked about {panel.n_learn:,}, to learn how right each is."
    return said


def member_table(report: PanelReport) -> _Table:
    """Members, a row each: title, head and rows."""
    rows = [
        (
            name,
            f"{report.answered[i]:,}",
            money(report.cost[i]),
            "" if math.isnan(report.agreement[i]) else percent(float(report.agreement[i])),
            percent(float(report.accuracy[i])),
            f"{100 * report.added[i]:+.1f} points",
        )
        for i, name in enumerate(report.members)
    ]
    title = f"The panel on {count(report.n_rows, 'text')}, {report.n_disputed:,} of them disputed"
    if report.arbiter:
        title += f", {report.n_decided:,} decided by {report.arbiter}"
    title += "; accuracy is estimated without a truth, and flatters members that err alike"
    head = ("member", "labelled", "cost", "says what the panel says", "accuracy, about", "adds")
    return title, head, rows


def confusion_tables(report: PanelReport) -> list[_Table]:
    """What each member says where the truth seems to be another label, a table each."""
    return [
        (f"What {name} confuses, as estimated", *_confused(report, i))
        for i, name in enumerate(report.members)
    ]


def _confused(report: PanelReport, i: int) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    labels, matrix = report.labels, report.confusion[i]
    if len(labels) <= _WHOLE:
        rows = [
            (label, *(percent(float(share)) for share in matrix[j]))
            for j, label in enumerate(labels)
        ]
        return ("truth \\ says", *labels), rows
    off = matrix * (1.0 - np.eye(len(labels)))
    largest = np.argsort(-off, axis=None, kind="stable")[:_MOST]
    places = [divmod(int(at), len(labels)) for at in largest]
    pairs = [
        (labels[j], labels[k], percent(float(off[j, k]))) for j, k in places if off[j, k] >= _LEAST
    ]
    return ("truth", "says", "share of that label"), pairs


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
