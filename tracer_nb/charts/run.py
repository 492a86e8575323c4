"""A run over time: what it spends, and how fast it goes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer_nb.charts.parts import Rows, about, number, picture
from tracer_nb.charts.theme import CURVE, TARGET
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Timeline
from tracer_nb.words import count, money

__all__ = ["rate_chart", "spending_chart"]

# Seconds as people say them; the specification stays the same from the first to the last hour.
_CLOCK = (
    "datum.value < 120 ? datum.value + ' s' : datum.value < 7200 ? "
    "format(datum.value / 60, '~r') + ' min' : format(datum.value / 3600, '~r') + ' h'"
)
_DOLLARS = "'$' + format(datum.value, datum.value < 0.1 ? '~g' : ',.2f')"
# The rate is a mean over at least so many seconds, or such a part of the run.
_WINDOW, _PART = 5.0, 20


def spending_chart(
    timeline: Timeline, *, over: str = "time", width: int | str = 620, height: int = 160
) -> Any:
    """Dollars paid against the cap.

    Parameters
    ----------
    timeline : Timeline
    over : str
        "time" or "answers".
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "spent", "cap" and "about".

    Raises
    ------
    InvalidInput
        ``over`` is neither.
    """
    if over not in ("time", "answers"):
        raise InvalidInput(f"over must be 'time' or 'answers', got {over!r}")
    data = {
        "spent": _spent(timeline),
        "cap": _cap(timeline),
        "about": about(_spending_title(timeline)),
    }
    return picture(_spending, data, over, width=width, height=height)


def _spending(alt: Any, over: str) -> list[Any]:
    title = "Seconds" if over == "time" else "Answers"
    axis = alt.Axis(grid=False, tickCount=6, labelExpr=_CLOCK if over == "time" else "datum.label")
    x = alt.X(
        "seconds:Q" if over == "time" else "done:Q",
        title="Time since the run began" if over == "time" else title,
        axis=axis,
        scale=alt.Scale(zero=True, nice=False),
    )
    y = alt.Y(
        "cost:Q",
        stack=None,
        title="Dollars",
        axis=alt.Axis(tickCount=4, labelExpr=_DOLLARS),
        scale=alt.Scale(zero=True, nice=True),
    )
    tooltip = [
        alt.Tooltip("cost:Q", format="$,.4~f", title="paid"),
        alt.Tooltip("done:Q", format=",", title="answers"),
        alt.Tooltip("seconds:Q", format=",.0f", title="seconds"),
    ]
    base = alt.Chart(alt.NamedData("spent"))
    cap = alt.Chart(alt.NamedData("cap"))
    return [
        base.mark_area(opacity=0.18, color=CURVE).encode(x=x, y=y),
        base.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y),
        base.mark_point(opacity=0, size=160, filled=True).encode(x=x, y=y, tooltip=tooltip),
        cap.mark_rule(color=TARGET, strokeDash=[5, 4], strokeWidth=1.5).encode(y=y),
        cap.mark_text(color=TARGET, align="left", dy=10, fontSize=12).encode(
            x=alt.value(4), y=y, text="text:N"
        ),
    ]


def rate_chart(timeline: Timeline, *, width: int | str = 620, height: int = 120) -> Any:
    """Answers per second over time; reused answers do not count.

    Parameters
    ----------
    timeline : Timeline
    width, height
        As in :func:`spending_chart`.

    Returns
    -------
    altair.LayerChart
        Data "rate" and "about".
    """
    rows, window = _rates(timeline)
    now = f": {_rate(rows[-1]['rate'])} now" if rows else ""
    title = f"Answers a second{now}; mean of the last {window:,.0f} s"
    data = {"rate": rows, "about": about(title)}
    return picture(_speed, data, width=width, height=height)


def _speed(alt: Any) -> list[Any]:
    x = alt.X(
        "seconds:Q",
        title="Time since the run began",
        axis=alt.Axis(grid=False, tickCount=6, labelExpr=_CLOCK),
        scale=alt.Scale(zero=True, nice=False),
    )
    y = alt.Y(
        "rate:Q",
        stack=None,
        title="Answers a second",
        axis=alt.Axis(tickCount=3),
        scale=alt.Scale(zero=True, nice=True),
    )
    tooltip = [
        alt.Tooltip("rate:Q", format=",.3~r", title="answers a second"),
        alt.Tooltip("seconds:Q", format=",.0f", title="seconds"),
    ]
    base = alt.Chart(alt.NamedData("rate"))
    return [
        base.mark_area(opacity=0.18, color=CURVE).encode(x=x, y=y),
        base.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y),
        base.mark_point(opacity=0, size=160, filled=True).encode(x=x, y=y, tooltip=tooltip),
    ]


def _spent(timeline: Timeline) -> Rows:
    columns = (timeline.seconds, timeline.done, timeline.cost)
    return [
        {"seconds": number(s), "done": n, "cost": number(c)}
        for s, n, c in zip(*(column.tolist() for column in columns), strict=True)
        if math.isfinite(c)
    ]


def _cap(timeline: Timeline) -> Rows:
    cap = timeline.max_cost
    return [] if cap is None else [{"cost": cap, "text": f"cap {money(cap)}"}]


def _spending_title(timeline: Timeline) -> str:
    if not len(timeline.cost):
        return "Nothing asked yet"
    answers = f"{timeline.done[-1]:,} of {count(timeline.total, 'text')} answered"
    if not math.isfinite(timeline.cost[-1]):
        return f"Cost unknown; {answers}"
    return f"{money(float(timeline.cost[-1]))} paid; {answers}"


def _rates(timeline: Timeline) -> tuple[Rows, float]:
    seconds, asked = np.r_[0.0, timeline.seconds], np.r_[0, timeline.asked]
    window = max(_WINDOW, float(seconds[-1]) / _PART)
    start = np.searchsorted(seconds, seconds - window, side="right") - 1
    start = np.maximum(start, 0)
    span = seconds - seconds[start]
    rates = np.divide(asked - asked[start], span, out=np.zeros(len(span)), where=span > 0)
    return [
        {"seconds": number(s), "rate": number(r)}
        for s, r in zip(seconds[1:].tolist(), rates[1:].tolist(), strict=True)
        if s > 0
    ], window


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
