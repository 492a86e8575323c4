"""What the page shows, as plain values: sentences and figures of a moment, and gaps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from tracer_nb.records import (
    Caps,
    Gaps,
    PanelReport,
    Plan,
    Progress,
    Report,
    Targets,
)
from tracer_nb.records.moments import Moment, Option
from tracer_nb.widgets.panel.bundle import bill_of
from tracer_nb.words import (
    beginning,
    bill_cells,
    bill_facts,
    bill_lead,
    budget_lines,
    choices_sentence,
    confusion_tables,
    count,
    duration,
    gain_rows,
    level,
    meaning_lines,
    member_table,
    money,
    other_findings,
    outcome_sentences,
    pair_lines,
    percent,
    plan_lines,
    progress_line,
    refusal_lines,
    report_card,
    report_facts,
    sample_sentence,
    short_promise,
    slice_rows,
    speed,
    stage_table,
    stopped_sentence,
    suspect_rows,
    target_sentence,
    top_findings,
)

__all__ = [
    "gap_values",
    "live_values",
    "settings_values",
    "sheet_values",
    "target_values",
]


_STATES = {
    "idle": "Not started",
    "running": "Running",
    "paused": "Paused",
    "stopped": "Stopped",
    "failed": "Failed",
    "done": "Done",
}
_ENDING = {"paused": "Pausing…", "stopped": "Stopping…"}
# What may be pressed in each state.
_ACTIONS = {
    "idle": ("start",),
    "running": ("pause", "stop"),
    "paused": ("resume", "stop"),
    "stopped": ("resume",),
    "failed": ("start",),
    "done": ("start",),
}


def sheet_values(moment: Moment) -> dict[str, Any]:
    """What changes with the state of the session and with its steps."""
    actions = _ACTIONS[moment.state] if moment.ready else ()
    if moment.blocking:  # a kernel that waits hears "stop" alone, as an interrupt
        actions = ("stop",)
    return {
        "state": moment.state,
        "words": _ENDING.get(moment.ending, _STATES[moment.state]),
        "run": moment.run,
        "blocking": moment.blocking,
        "actions": _after(moment.ending) if moment.ending else list(actions),
        "start": _start_words(moment),
        "message": moment.message,
        "newer": "",
        "overview": _overview(moment),
    }


def _after(ending: str) -> list[str]:
    """A pause that takes long can be made a stop."""
    return ["stop"] if ending == "paused" else []


def _start_words(moment: Moment) -> str:
    """What a start would do, and what that costs at the most."""
    if moment.running:
        return ""
    cap = moment.caps.max_cost
    most = "" if cap is None else f", never above {money(cap)} in all"
    if moment.state in ("paused", "stopped"):
        return f"Resume asks what is left{most}; stored answers cost nothing."
    plan = moment.plan
    if moment.state == "idle" and plan is not None:
        n = count(plan.n_ask, "text")
        cost = "" if plan.cost is None else f" for about {money(plan.cost)}"
        if plan.bill_low is not None and plan.bill_high is not None:
            n = f"about {plan.bill_low:,} to {plan.bill_high:,} texts in all"
            cost = ""
        return f"Start asks {plan.teacher} about {n}{cost}{most}."
    if moment.state == "done":
        return f"Runs the job again: stored answers cost nothing, others are asked for{most}."
    return ""


def settings_values(options: Sequence[Option], line: str, aside: str) -> dict[str, Any]:
    """The form, the line that says the same, and what that cannot say."""
    return {"line": line, "aside": aside, "options": [asdict(option) for option in options]}


def target_values(targets: Targets | None) -> dict[str, Any]:
    """Each target with what it gives, for a control that moves along them."""
    if targets is None:
        return {}
    certified = {choice.target: choice.certified for choice in targets.certified}
    return {
        "main": targets.main,
        "choices": [
            {
                "target": target,
                "name": level(target),
                "certified": certified.get(target, False),
                "words": target_sentence(targets, i),
            }
            for i, target in enumerate(targets.targets.tolist())
        ],
    }


def _overview(moment: Moment) -> dict[str, Any]:
    report = moment.report
    if report is None or not report.n_rows:
        return _page("empty", "Nothing is labelled yet.", _plan_lines(moment.plan))
    report = replace(report, bill=bill_of(moment))
    if report.certificate is None and moment.running:
        head = "Nothing is certified yet: rows are being labelled."
        page = _page("open", head, [report.note] if report.note else [])
        facts = _facts(bill_facts(report))
        return {**page, "bill": bill_lead(report), "facts": facts, "leads": bool(facts)}
    certificate = report.certificate
    kind = "open"
    if certificate is not None:
        kind = "certified" if certificate.certified else "refused"
    return {
        **_page(kind, short_promise(report), _lines(report)),
        "bill": bill_lead(report),
        "leads": bool(bill_facts(report)),
        "facts": _facts(report_facts(report)),
        "meaning": meaning_lines(report),
        "card": "" if certificate is None else report_card(report),
        "tables": [*_stage_tables(report), *_panel_tables(moment.findings.panel)],
    }


def _stage_tables(report: Report) -> list[dict[str, Any]]:
    """Who answered what, of a chain."""
    found = stage_table(report)
    return [] if found is None else [{**_table(found, [{}] * len(found[2])), "folded": False}]


def _panel_tables(panel: PanelReport | None) -> list[dict[str, Any]]:
    """Members of a panel, and, folded, what each of them confuses."""
    if panel is None:
        return []
    parts = [(member_table(panel), False), *((each, True) for each in confusion_tables(panel))]
    return [{**_table(each, [{}] * len(each[2])), "folded": folded} for each, folded in parts]


def _page(kind: str, head: str, lines: Sequence[str]) -> dict[str, Any]:
    lines = list(lines)
    empty = {"bill": "", "leads": False, "facts": [], "meaning": [], "card": "", "tables": []}
    return {**empty, "kind": kind, "head": head, "lines": lines}


def _facts(facts: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": value, "name": name} for value, name in facts]


def _plan_lines(plan: Plan | None) -> list[str]:
    return [] if plan is None else [*plan_lines(plan), "Nothing was asked or paid yet."]


def _lines(report: Report) -> list[str]:
    lines = [stopped_sentence(report.stopped)] if report.stopped else []
    lines += refusal_lines(report)
    sentences = (sample_sentence(report), choices_sentence(report))
    return [*lines, *(sentence for sentence in sentences if sentence), *outcome_sentences(report)]


def live_values(moment: Moment) -> dict[str, Any]:
    """What changes many times a second; about half a kilobyte."""
    progress = moment.progress
    if progress is None:
        line = "Starting…" if moment.running else ""
        return {"line": line, "share": None, "cells": _money_cells(moment), "spent": None}
    known = progress.step in (
        *("label", "calibrate", "stages", "deferred"),
        *("update", "audit", "reask"),
    )
    return {
        "line": progress_line(progress) if moment.running else "",
        "share": _share(progress, known=known),
        "cells": [
            *_bill_cells(moment),
            *(_cells(progress) if known else []),
            *_money_cells(moment),
        ],
        "spent": _spent_share(moment),
    }


def _share(progress: Progress, *, known: bool) -> float | None:
    """How far the step is; None where nobody has measured it."""
    fit = progress.preparing
    if fit is not None and fit.total and progress.done >= progress.total:
        return fit.done / fit.total  # nothing is being answered, and all wait for this
    measured = (known or progress.parts) and progress.total
    return progress.done / progress.total if measured else None


def _bill_cells(moment: Moment) -> list[dict[str, str]]:
    bill = bill_of(moment)
    return [] if bill is None or not bill.n_asked else _facts(bill_cells(bill))


def _spent_share(moment: Moment) -> float | None:
    cap = moment.caps.max_cost
    if not cap or moment.paid is None:
        return None
    return min(moment.paid / cap, 1.0)


def _money_cells(moment: Moment) -> list[dict[str, str]]:
    caps = moment.caps
    if moment.run == 0 and caps == Caps():
        return []
    paid = money(moment.paid) if moment.run else money(0.0)
    cells = [{"name": "paid for the whole job", "value": paid}]
    if caps.max_cost is not None:
        cells.append({"name": "hard cap", "value": money(caps.max_cost)})
    if caps.max_tokens is not None:
        cells.append({"name": "hard cap", "value": count(caps.max_tokens, "token")})
    if caps.max_rows is not None:
        cells.append({"name": "hard cap", "value": count(caps.max_rows, "text")})
    return cells


def _cells(progress: Progress) -> list[dict[str, str]]:
    spending = progress.spending
    cells = [{"name": "answered in this step", "value": f"{progress.done:,} of {progress.total:,}"}]
    if math.isfinite(progress.rate) and progress.rate > 0:
        cells.append({"name": "rate of this step", "value": speed(progress.rate)})
    if progress.seconds_left:  # nothing is left of a step that is done
        cells.append({"name": "left at this rate", "value": duration(progress.seconds_left)})
    if progress.cost_all is not None:
        cells.append({"name": "for this step in all", "value": f"about {money(progress.cost_all)}"})
    if spending.reused:
        cells.append({"name": "from the store", "value": count(spending.reused, "answer")})
    if spending.missing:
        share = spending.missing / max(progress.done, 1)
        cells.append(
            {"name": "without a label", "value": f"{spending.missing:,} ({percent(share)})"}
        )
    return cells


# As many as the analysis gives.
_ROWS = 50


def gap_values(moment: Moment) -> dict[str, Any]:
    """What was found, or why there is nothing yet.

    ``state`` is "found", "none" before the fit, "open" when the page may ask for them,
    "underway", "later" during a run, or "failed".
    """
    findings = moment.findings
    if findings.gaps is not None:
        return {"state": "found", "words": "", **_found(findings.gaps)}
    state, words = "open", "Looking for groups of rows, near-identical pairs and suspects…"
    if findings.confusion is None:
        state, words = "none", ""
    elif moment.running:
        state, words = "later", "Groups, pairs and suspects are looked for when the run has ended."
    elif moment.analysing:
        state = "underway"
    elif moment.unexplained:
        state, words = "failed", moment.unexplained
    return {"state": state, "words": words, "lines": [], "lost": [], "first": [], "tables": {}}


@lru_cache(maxsize=2)
def _found(gaps: Gaps) -> dict[str, Any]:
    """Sentences, and tables whose rows can be looked at or sent to review."""
    lost = budget_lines(gaps)
    sides = [row for pair in gaps.pairs for row in pair.rows]
    return {
        "lines": other_findings(gaps, lost),
        "lost": lost,
        "first": [{"words": words, "where": dict(where)} for words, where in top_findings(gaps)],
        "tables": {
            "gains": _table(gain_rows(gaps), ({} for _ in gaps.gains)),
            "slices": _table(slice_rows(gaps, _ROWS), ({"slice": i} for i in range(_ROWS))),
            "pairs": _table(pair_lines(gaps, _ROWS), ({"row": row} for row in sides)),
            "suspects": _table(suspect_rows(gaps, _ROWS), ({"row": s.row} for s in gaps.suspects)),
        },
    }


def _table(parts: tuple[str, Any, Any], places: Iterable[dict[str, int]]) -> dict[str, Any]:
    """A table; each row with the place that opens it in the explorer."""
    title, head, rows = parts
    return {
        "title": title,
        "head": list(head),
        "rows": [
            {"cells": [beginning(cell) for cell in cells], "where": where}
            for cells, where in zip(rows, places, strict=False)
        ],
    }
