"""One line of the table of settings, how a text for it is checked, and settings of single lines."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tracer_nb.errors import InvalidInput

__all__ = [
    "LINE",
    "Flag",
    "Setting",
    "dollars",
    "fields",
    "number",
    "one_of",
    "rows",
    "some",
    "targets",
    "variable",
]


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


_SHARES = ("share", "probability", "score")
_BEHIND_NUMBERS = {"%": 0.01, "k": 1e3, "m": 1e6}
_ANY = ("all", "any", "free", "no", "none", "unlimited")


def number(setting: Setting, text: str) -> float | int:
    """Read a text that is to be a number.

    Raises
    ------
    InvalidInput
        It is none.
    """
    try:
        return int(text) if setting.kind == "whole" else float(text)
    except ValueError as error:
        what = "a whole number" if setting.kind == "whole" else "a number"
        unit = " from 0 to 1" if setting.unit in _SHARES else setting.unit and f" of {setting.unit}"
        raise InvalidInput(
            f"{setting.flag} must be {what}{unit}, got {text!r}{_meant(setting, text)}"
        ) from error


def _meant(setting: Setting, text: str) -> str:
    """How a number is written that somebody wrote otherwise; empty where none can be read."""
    if setting.name.startswith("max_") and text.lower() in _ANY:
        return "; inf is no cap, and 0 asks for nothing"
    plain = text.strip().lower().strip("$€").replace("_", "")
    # 1,000 is a thousand, 0,95 is what others write for 0.95.
    plain = plain.replace(",", "" if re.fullmatch(r"\d{1,3}(,\d{3})+\D?", plain) else ".")
    unit = _BEHIND_NUMBERS.get(plain[-1:], 1.0)
    try:
        value = float(plain if unit == 1.0 else plain[:-1]) * unit
    except ValueError:
        return ""
    if not math.isfinite(value):
        return ""
    written = f"{round(value, 10):.12g}"
    return "" if setting.kind == "whole" and not written.isdigit() else f"; write {written}"


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
            f"{_meant(setting, text)}"
        ) from error


def dollars(setting: Setting, text: str) -> None:
    """Refuse a text that is not two numbers of dollars."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 2 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise InvalidInput(
            f"{setting.flag} must be IN,OUT in dollars per million tokens, got {text!r}; "
            f"for $0.25 in and $2 out write {setting.flag} 0.25,2, for nothing 0,0"
        )


def rows(setting: Setting, text: str) -> None:
    """Refuse a text that is not a number of rows."""
    try:
        int(text)
    except ValueError as error:
        said = f"{setting.flag} must be a number of rows, got {text!r}"
        whole = replace(setting, kind="whole")
        raise InvalidInput(said + _meant(whole, text)) from error


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
    _line(
        "overwrite",
        "Let --output take the name of a variable that holds something else.",
        *("run", "route", "update"),
        kind="flag",
    ),
    _line("deferred", "Submit what route left to the teacher.", "batch submit", kind="flag"),
    _line(
        "dry_run",
        "Show the plan; ask and pay nothing.",
        *("plan", "run", "label", "batch submit", "reask", "update"),
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
