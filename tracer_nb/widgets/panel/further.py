"""What may be done after a run, with its price: files, an update, audits."""

from __future__ import annotations

from typing import Any

from tracer_nb.records import UpdatePlan, Watch
from tracer_nb.records.moments import Moment
from tracer_nb.widgets.panel.bundle import bill_of
from tracer_nb.words import (
    count,
    money,
    other_sentence,
    unaudited_words,
    update_lines,
    update_plan_lines,
    update_tried_lines,
    watch_lines,
)

__all__ = ["audit_values", "step_values"]


def step_values(moment: Moment, review: str, sits: str, update: str) -> dict[str, Any]:
    """What may be done now, and lines of the steps that do the same in a cell.

    ``review`` is the words of its button, as those of ``update`` are; ``plan`` what that would do,
    ``told`` what the last one did; ``back`` puts the certificate in force that ``other`` tells of. ``sits`` and ``update`` are given as lines.
    """
    report, plan = moment.report, moment.findings.update
    is_ready = report is not None and report.certificate is not None and not moment.running
    lines = []
    if review:
        lines.append({"words": "Judge rows yourself, and so measure the teacher", "line": sits})
    if plan is not None and plan.n_new and is_ready:
        words = "Learn from the answers to deferred rows, test on fresh ones"
        lines.append({"words": words, "line": update})
    values = {"review": review, "save": is_ready, "export": False, "lines": lines}
    if report is None or not is_ready:
        return {**values, "update": "", "plan": [], "told": [], "back": "", "other": ""}
    now, other = report.certificate, moment.findings.earlier
    return {
        **values,
        "export": bool(report.n_routed),
        "update": "" if plan is None else _update_words(plan),
        "plan": [] if plan is None else _update_plan(plan),
        "told": [] if moment.updated is None else update_lines(moment.updated),
        "back": "" if other is None else "Use the other certificate, nobody is asked",
        "other": "" if other is None or now is None else other_sentence(now, other),
    }


def _update_plan(plan: UpdatePlan) -> list[str]:
    """What an update would do; where there is nothing new to learn from, what the last one tried."""
    return update_plan_lines(plan) if plan.n_new else update_tried_lines(plan)


def _update_words(plan: UpdatePlan) -> str:
    """The button that updates, with what that asks and costs; empty where nothing was learned."""
    if not plan.n_new:
        return ""
    words = f"Update with {count(plan.n_new, 'more answer')}"
    if not plan.n_ask:
        return f"{words}, nobody is asked"
    cost = "" if not plan.cost else f", about {money(plan.cost)}"
    return f"{words}, ask about {count(plan.n_ask, 'text')}{cost}"


def _audit_words(moment: Moment, rate: float, most: int) -> str:
    """The button that audits, with about how many texts that asks about and what it costs."""
    watch, bill = moment.findings.watch, bill_of(moment)
    if watch is None or moment.running or not watch.n_handled:
        return ""
    more = watch.further_rate(rate) - watch.further_rate(0.0)
    n = min(round(more * watch.n_handled), most)
    if not n:
        return ""
    words = f"Audit about {count(n, 'text')}"
    dollars = None if bill is None else bill.dollars(n)
    return f"{words}, about {money(dollars)}" if dollars else words


def audit_values(
    moment: Moment, line: str, draw: tuple[float, int] | None = None
) -> dict[str, Any]:
    """What the audits tell, and how to audit; ``line`` does it.

    ``draw``, where the page has a button for it, is the chance of each handled text and the most.
    """
    watch = moment.findings.watch
    button = "" if draw is None else _audit_words(moment, *draw)
    report = moment.report
    certificate = None if report is None or not report.n_routed else report.certificate
    other = "" if certificate is None else unaudited_words(certificate)
    return {**_audit_lines(watch, line, other), "button": button}


def _audit_lines(watch: Watch | None, line: str, other: str) -> dict[str, Any]:
    """``other``: why no audit watches what is promised; empty where audits do."""
    if watch is None:
        none = "Nothing is routed yet. Once it is, audits tell whether the promise holds."
        said = f"{other[0].upper()}{other[1:]}." if other else none
        return {"state": "none", "lines": [said], "how": "", "line": ""}
    if not watch.n_audits:
        how = "This asks the teacher about 5 % of them, 200 at the most:"
        return {"state": "open", "lines": watch_lines(watch), "how": how, "line": line}
    state = "alarm" if watch.has_alarm else "holds"
    how = "After each further routing, this audits anew:"
    return {"state": state, "lines": watch_lines(watch), "how": how, "line": line}
