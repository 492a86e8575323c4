"""One line of the table of settings, how a text for it is checked, and settings of single lines."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracer_nb.errors import InvalidInput

__all__ = ["LINE", "Flag", "Setting", "fields", "one_of", "rows", "some", "targets", "variable"]


Check = Callable[["Setting", str], None]


@dataclass(frozen=True, slots=True)
class Flag:
    """One way to write a setting on a line.

    Attributes
    ----------
    flag, help : str
    metavar : str
        What stands behind it; empty for nothing.
    value : bool or None
        What it sets, where nothing stands behind it.
    """

    flag: str
    help: str
    metavar: str = ""
    value: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes
    ----------
    name : str
        In Python; on a line ``--name-with-hyphens``.
    help : str
        What it is, ``{default}`` being what holds without; empty where only ``off`` is written.
    kind : str
        "text", "number", "whole" or "flag".
    check : callable or None
        Refuses a text that can be none, with :class:`~tracer_nb.errors.InvalidInput`.
    values : tuple of str
        What is offered.
    default : object
        What holds without; None where that depends.
    unit : str
        Of a number, or what the text names.
    off : str
        The help of ``--no-NAME``; empty where there is none.
    group : str
        In the panel's form; empty for what is not shown there.
    of : str
        Who takes it: "job" (an argument of ``Tracer``), "teacher" (handed on to it) and "rows"
        (of its steps: how many rows, at what cost at the most) last from line to line; "line" is
        for one line, "always" for every line.
    steps : tuple of str
        The steps that heed it; empty for all that are about a job.
    also : tuple of str
        Steps beside those that are about a job.
    but : tuple of str
        Steps about a job that pass it over, and so refuse it.
    place : str
        "line", "cell" (the text below the line) or "advanced" (Python, and folded in the panel).
    """

    name: str
    help: str
    kind: str = "text"
    check: Check | None = None
    values: tuple[str, ...] = ()
    default: Any = None
    unit: str = ""
    off: str = ""
    group: str = ""
    of: str = "job"
    steps: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    place: str = "line"

    @property
    def flag(self) -> str:
        """How a line writes it first of all."""
        return self.flags[0].flag

    @property
    def flags(self) -> tuple[Flag, ...]:
        """All ways to write it."""
        spelt, found = self.name.replace("_", "-"), []
        if self.kind == "flag" and self.help:
            found.append(Flag(f"--{spelt}", self.help, value=True))
        elif self.help:
            default = f"{self.default:g}" if isinstance(self.default, float) else self.default
            shown = self.help.replace("{default}", str(default))
            metavar = {"number": "NUMBER", "whole": "INTEGER"}.get(self.kind, "VALUE")
            found.append(Flag(f"--{spelt}", shown, self.unit.upper() or metavar))
        if self.off:
            found.append(Flag(f"--no-{spelt}", self.off, value=False))
        return tuple(found)

    @property
    def hint(self) -> str:
        """The help of all ways to write it."""
        return " ".join(flag.help for flag in self.flags)


def one_of(setting: Setting, text: str) -> None:
    """Refuse a text that is not one of the values."""
    if text not in setting.values:
        raise InvalidInput.unknown_name(setting.name, text, setting.values)


def some(setting: Setting, text: str) -> None:
    """Refuse a text that is not not empty."""
    if not text.strip():
        raise InvalidInput(f"{setting.flag} must not be empty")


def variable(setting: Setting, text: str) -> None:
    """Refuse a text that is not the name of a variable."""
    if not text.isidentifier() or keyword.iskeyword(text):
        raise InvalidInput(
            f"{setting.flag} {text!r} is not a variable name; write for example routed"
        )


def targets(setting: Setting, text: str) -> None:
    """Refuse a text that is not a fraction, or several."""
    try:
        [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InvalidInput(
            f"{setting.flag} must be a fraction such as 0.92, or several: 0.92,0.95; got {text!r}"
        ) from error


def rows(setting: Setting, text: str) -> None:
    """Refuse a text that is not a number of rows."""
    try:
        int(text)
    except ValueError as error:
        raise InvalidInput(f"{setting.flag} must be a number of rows, got {text!r}") from error


def fields(setting: Setting, text: str) -> None:
    """Refuse a text that is not as field=COLUMN,…."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(field.strip() and name.strip() for field, _, name in pairs):
        raise InvalidInput(f"{setting.flag} must be as text=COLUMN,label=COLUMN, got {text!r}")


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
