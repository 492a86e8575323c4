"""Whether the promise still holds: agreement on audited texts as audits come in."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts.parts import Rows, about, fact, number, picture
from tracer_nb.charts.theme import CURVE, TARGET
from tracer_nb.records import Watch
from tracer_nb.words import count, level, percent

__all__ = ["watch_chart"]

_FEW = 20


def watch_chart(watch: Watch, *, width: int | str = 620, height: int = 220) -> Any:
    """Audited agreement over the number of audits, with the bounds that hold at all times.

    Parameters
    ----------
    watch : Watch
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "audits", "target", "alarm" and "about".
    """
    # The share of the first few audits may be anything, and must not flatten all that follows.
    bottom = min([watch.target, *(a for n, a, _, _ in watch.history if n >= _FEW)])
    if watch.n_audits:  # the band at first is as wide as the picture
        bottom = min(bottom, watch.lower)
    data: dict[str, Rows] = {
        "audits": [
            {"n": n, "agreement": number(a), "low": number(low), "high": number(high)}
            for n, a, low, high in watch.history
        ],
        "target": [{"agreement": number(watch.target, 6)}],
        "alarm": [] if watch.alarm_at is None else [{"n": watch.alarm_at, "text": "alarm"}],
        "about": about(*_title(watch), bottom=max(0.0, round(bottom - 0.1, 2))),
    }
    return picture(_layers, data, height, width=width, height=height)


def _layers(alt: Any, height: int) -> list[Any]:
    x = alt.X(
        "n:Q",
        title="Audits",
        scale=alt.Scale(zero=True, nice=False),
        axis=alt.Axis(format=",d", tickCount=6, tickMinStep=1, grid=False),
    )
    scale = alt.Scale(domain=[fact("bottom", 0.5), 1.0], clamp=True, nice=False)
    title = "Teacher agrees, on audited texts"
    y = alt.Y("agreement:Q", title=title, scale=scale, axis=alt.Axis(format=".0%", tickCount=5))
    tooltip = [
        alt.Tooltip("n:Q", format=",", title="audits"),
        alt.Tooltip("agreement:Q", format=".1%", title="agreement"),
        alt.Tooltip("low:Q", format=".1%", title="bounds at all times, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
    ]
    audits, alarm = alt.Chart(alt.NamedData("audits")), alt.Chart(alt.NamedData("alarm"))
    return [
        audits.mark_area(color=CURVE, opacity=0.22).encode(
            x=x, y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
        ),
        alt.Chart(alt.NamedData("target"))
        .mark_rule(color=TARGET, strokeWidth=1.5, strokeDash=[5, 4])
        .encode(y=y),
        alarm.mark_rule(color=TARGET, strokeWidth=2).encode(x=x),
        alarm.mark_text(color=TARGET, align="left", dx=5, fontSize=12).encode(
            x=x, y=alt.value(height - 10), text="text:N"
        ),
        audits.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y),
        audits.mark_point(color=CURVE, filled=True, size=30, opacity=0.01).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ]


def _title(watch: Watch) -> tuple[str, ...]:
    promise = f"dashed: {level(watch.target)} promised"
    if watch.agreement is None:
        return f"0 audits yet; {promise}", ""
    return (
        f"{percent(watch.agreement)} of {count(watch.n_audits, 'audit')} agree; {promise}",
        f"Band: {level(watch.confidence)} bounds, valid at all times if the share stays the same",
    )
