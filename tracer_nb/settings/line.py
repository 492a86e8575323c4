"""Settings of single lines."""

from __future__ import annotations

from typing import Any

from tracer_nb.settings.record import Setting, fields, one_of, some

__all__ = ["LINE"]


def _line(name: str, help_: str, *steps: str, **more: Any) -> Setting:
    return Setting(name=name, help=help_, of="line", steps=steps, **more)


LINE: tuple[Setting, ...] = (
    Setting(
        name="ask_key",
        kind="flag",
        of="line",
        also=("load",),
        help="Type the server's API key into a hidden prompt, once a kernel.",
    ),
    _line("columns", "Where a log has what: text=COLUMN,label=COLUMN.", "scan", check=fields),
    _line(
        "at",
        "Which of several targets to route by (the first).",
        "route",
        kind="number",
        unit="share",
    ),
    _line(
        "again",
        "With missing, ask again about texts whose answer held no label; others stay.",
        *("run", "plan", "label", "route"),
        check=some,
        values=("missing",),
    ),
    _line("deferred", "Submit what route left to the teacher.", "batch submit", kind="flag"),
    _line(
        "dry_run",
        "Show the plan; ask and pay nothing.",
        *("plan", "run", "label", "batch submit", "reask"),
        kind="flag",
    ),
    _line(
        "of",
        "Rows to review: mixed, random, uncertain, disputed or chosen ({default}).",
        "review",
        check=some,
        default="mixed",
        values=("mixed", "random", "uncertain", "disputed", "chosen"),
    ),
    _line(
        "rows",
        "Rows to review (50) or to reask (100), in all; fix it beforehand.",
        *("review", "reask"),
        kind="whole",
        unit="rows",
    ),
    _line(
        "rate",
        "Chance of a handled text to be audited ({default}).",
        "audit",
        kind="number",
        default=0.05,
        unit="probability",
    ),
    _line(
        "on_alarm",
        "What route does after an alarm of audit: defer, stricter or tell (defer).",
        "audit",
        check=one_of,
        values=("defer", "stricter", "tell"),
    ),
    _line(
        "against",
        "What to compare with. Of gaps: the name of another job on the same column. Of review: "
        "the key of a set of answers (see store list), to review where it differs.",
        *("review", "gaps"),
        check=some,
    ),
    _line(
        "blind",
        "",
        "review",
        kind="flag",
        default=True,
        off="Show the teacher's label before the answer.",
    ),
    _line(
        "escape",
        "Put an apostrophe before cells of a .csv that a spreadsheet would run as formulas.",
        *("store export", "review"),
        kind="flag",
    ),
    Setting(
        name="name",
        default="main",
        check=some,
        of="always",
        help="Name of the job, to keep several apart ({default}).",
    ),
    Setting(
        name="help",
        kind="flag",
        of="always",
        help="Say what the steps do, or one of them.",
    ),
)
"""None is in the panel's form."""
