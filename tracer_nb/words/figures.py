"""Numbers as a reader expects them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

__all__ = [
    "aligned",
    "beginning",
    "count",
    "duration",
    "level",
    "limits",
    "moment",
    "money",
    "percent",
    "rounded_down",
    "speed",
]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, the cells of a column below one another."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def count(n: int, noun: str = "", plural: str = "") -> str:
    """``1,234 rows``; the noun in its right number."""
    words = f" {noun if n == 1 else plural or noun + 's'}" if noun else ""
    return f"{n:,}{words}"


def percent(share: float, digits: int = 1) -> str:
    """``0.885`` as ``88.5 %``; trailing zeros go, and a share below 1 never shows as 100 %."""
    text = f"{100 * share:.{digits}f}"
    if share < 1 and float(text) == 100.0:
        text = f"{100 - 10**-digits:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def level(share: float) -> str:
    """A promised share with all its digits: rounded up, the words would promise more."""
    return f"{100 * share:.10g} %"


def rounded_down(share: float) -> str:
    """A promised share to a tenth of a percent, never more than it is."""
    return f"{math.floor(1000 * share + 1e-9) / 10:g} %"


def money(dollars: float | None) -> str:
    """Dollars with as many digits as they need; "unknown cost" for None."""
    if dollars is None:
        return "unknown cost"
    if dollars == 0 or dollars >= 0.10:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}" if dollars >= 0.0001 else "less than $0.0001"


def duration(seconds: float) -> str:
    """Seconds as one says them: ``40 s``, ``3 min``, ``2 h 10 min``.

    >>> duration(0.2), duration(100), duration(7800)
    ('1 s', '2 min', '2 h 10 min')
    """
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 10 or not minutes:
        return f"{round(seconds / 3600):,} h"
    return f"{hours} h {minutes} min"


def moment(time: str | None) -> str:
    """A stored time on this machine's clock, to the minute."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M") if time else ""


def limits(lower: float, upper: float) -> str:
    """An interval of shares in whole percents, never narrower than it is."""
    return f"{math.floor(100 * lower + 1e-9)} to {math.ceil(100 * upper - 1e-9)} %"


def beginning(text: str, length: int = 80) -> str:
    """The beginning of a text on one line.

    Half a surrogate pair, which no message can carry, becomes a question mark.
    """
    line = " ".join(text.split())
    line = line if len(line) <= length else f"{line[: length - 1]}…"
    return line.encode("utf-8", "replace").decode("utf-8")


def speed(per_second: float, what: str = "") -> str:
    """A rate a second, or a minute when that is little.

    >>> speed(1923.4), speed(2.5, "answers"), speed(0.2, "answers")
    ('1,923 a second', '2.5 answers a second', '12 answers a minute')
    """
    noun = f" {what}" if what else ""
    if per_second < 1:
        return f"{60 * per_second:.2g}{noun} a minute"
    return f"{per_second:,.{0 if per_second >= 10 else 1}f}{noun} a second"
