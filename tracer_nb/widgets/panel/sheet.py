"""What the page shows, as plain values: sentences and figures of a moment, gaps and audits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from tracer_nb.records import Caps, Gaps, Plan, Progress, Report, Targets
from tracer_nb.records.moments import Moment, Option
from tracer_nb.widgets.panel.bundle import bill_of
from tracer_nb.words import (
    beginning,
    bill_cells,
    bill_facts,
    bill_sentence,
    budget_lines,
    certificate_sentence,
    choices_sentence,
    count,
    duration,
    evidence_sentence,
    gain_rows,
    gap_lines,
    level,
    money,
    outcome_sentences,
    pair_lines,
    percent,
    plan_lines,
    progress_line,
    report_facts,
    sample_sentence,
    slice_rows,
    speed,
    stopped_sentence,
    suspect_rows,
    target_sentence,
    watch_lines,
)

__all__ = [
    "audit_values",
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
        "actions": [] if moment.ending else list(actions),
        "message": moment.message,
        "overview": _overview(moment),
    }


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
        return {**page, "bill": bill_sentence(report), "facts": _facts(bill_facts(report))}
    certificate = report.certificate
    kind = "open"
    if certificate is not None:
        kind = "certified" if certificate.certified else "refused"
    return {
        **_page(kind, certificate_sentence(report), _lines(report)),
        "bill": bill_sentence(report),
        "facts": _facts(report_facts(report)),
        "evidence": evidence_sentence(report),
    }


def _page(kind: str, head: str, lines: Sequence[str]) -> dict[str, Any]:
    lines = list(lines)
    return {"kind": kind, "bill": "", "head": head, "facts": [], "lines": lines, "evidence": ""}


def _facts(facts: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": value, "name": name} for value, name in facts]


def _plan_lines(plan: Plan | None) -> list[str]:
    return [] if plan is None else [*plan_lines(plan), "Nothing was asked or paid yet."]


def _lines(report: Report) -> list[str]:
    lines = [stopped_sentence(report.stopped)] if report.stopped else []
    sentences = (sample_sentence(report), choices_sentence(report))
    return [*lines, *(sentence for sentence in sentences if sentence), *outcome_sentences(report)]


def live_values(moment: Moment) -> dict[str, Any]:
    """What changes many times a second; about half a kilobyte."""
    progress = moment.progress
    if progress is None:
        line = "Starting…" if moment.running else ""
        return {"line": line, "share": None, "cells": _money_cells(moment), "spent": None}
    known = progress.step in ("label", "deferred", "update")
    share = progress.done / progress.total if known and progress.total else None
    return {
        "line": progress_line(progress) if moment.running else "",
        "share": share,
        "cells": [
            *_bill_cells(moment),
            *(_cells(progress) if known else []),
            *_money_cells(moment),
        ],
        "spent": _spent_share(moment),
    }


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
    cells = [{"name": "answered", "value": f"{progress.done:,} of {progress.total:,}"}]
    if math.isfinite(progress.rate) and progress.rate > 0:
        cells.append({"name": "rate", "value": speed(progress.rate)})
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
    return {"state": state, "words": words, "lines": [], "lost": [], "tables": {}}


def audit_values(moment: Moment, line: str) -> dict[str, Any]:
    """What the audits tell, and how to audit; ``line`` does it."""
    watch = moment.findings.watch
    if watch is None:
        lines = ["Nothing is routed yet. Once it is, audits tell whether the promise holds."]
        return {"state": "none", "lines": lines, "how": "", "line": ""}
    if not watch.n_audits:
        how = "This asks the teacher about 5 % of them, 200 at the most:"
        return {"state": "open", "lines": watch_lines(watch), "how": how, "line": line}
    state = "alarm" if watch.has_alarm else "holds"
    how = "After each further routing, this audits anew:"
    return {"state": state, "lines": watch_lines(watch), "how": how, "line": line}


@lru_cache(maxsize=2)
def _found(gaps: Gaps) -> dict[str, Any]:
    """Sentences, and tables whose rows can be looked at or sent to review."""
    lost = budget_lines(gaps)
    sides = [row for pair in gaps.pairs for row in pair.rows]
    return {
        "lines": [line for line in gap_lines(gaps) if line not in lost],
        "lost": lost,
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
