"""The gaps and the audits as the page shows them, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from tracer_nb.records import Gaps
from tracer_nb.records.moments import Moment
from tracer_nb.words import (
    beginning,
    budget_lines,
    gain_rows,
    gap_lines,
    pair_lines,
    slice_rows,
    suspect_rows,
    watch_lines,
)

__all__ = ["audit_values", "gap_values"]

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
