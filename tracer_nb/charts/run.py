"""A run over time: what it spends, how fast it goes, which labels it brings.

And whether its promise still holds, as audits come in.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer_nb.charts.parts import (
    CURVE,
    SURE,
    TARGET,
    TEXT,
    UNSURE,
    Rows,
    about,
    fact,
    name_axis,
    number,
    picture,
    short_names,
)
from tracer_nb.errors import InvalidInput
from tracer_nb.records import LabelCounts, Timeline, Watch
from tracer_nb.words import count, level, money, percent

__all__ = ["label_chart", "rate_chart", "spending_chart", "watch_chart"]


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


_SHOWN = 20


def label_chart(counts: LabelCounts, *, width: int | str = 620) -> Any:
    """Share of each label: of the routed output by who answered, or of the sample before.

    The most frequent twenty; the rest is one line in words. After routing, a tick shows the share in the
    sample.

    Parameters
    ----------
    counts : LabelCounts
    width : int or "container"
        Pixels; the height follows the number of bars.

    Returns
    -------
    altair.LayerChart
        Data "bars" (field ``index`` into ``counts.labels``), "ticks", "ends" and "about".
    """
    data = _rows(counts)
    # Room for the number behind the longest bar.
    reach = 1.12 * max((end["share"] for end in data["ends"]), default=1.0)
    data["about"] = about(*_labels_title(counts), reach=reach)
    return picture(_labels_layers, data, width=width)


def _labels_layers(alt: Any) -> list[Any]:
    x = alt.X(
        "share:Q",
        stack="zero",
        title="Share of rows with a label",
        axis=alt.Axis(format="~%", tickCount=5),
        scale=alt.Scale(domain=[0, fact("reach", 1.0)], nice=False),
    )
    y = name_axis(alt)
    colour = alt.Color(
        "who:N",
        title=None,
        scale=alt.Scale(domain=["surrogate", "teacher"], range=[SURE, UNSURE]),
    )
    tooltip = [
        alt.Tooltip("label:N", title="label"),
        alt.Tooltip("who:N", title="label by"),
        alt.Tooltip("n:Q", format=",", title="rows"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
    ]
    in_sample = [
        alt.Tooltip("label:N", title="label"),
        alt.Tooltip("n:Q", format=",", title="rows asked about"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
    ]
    bars = alt.Chart(alt.NamedData("bars")).mark_bar(height={"band": 0.75})
    ticks = alt.Chart(alt.NamedData("ticks")).mark_tick(color=TEXT, thickness=2, height=16)
    ends = alt.Chart(alt.NamedData("ends")).mark_text(color=TEXT, align="left", dx=6, fontSize=11)
    return [
        bars.encode(x=x, y=y, color=colour, order="order:Q", tooltip=tooltip),
        ticks.encode(x="share:Q", y=y, tooltip=in_sample),
        ends.encode(x="share:Q", y=y, text="text:N"),
    ]


def _labels_title(counts: LabelCounts) -> tuple[str, ...]:
    k = len(counts.labels)
    shown = f"The {_SHOWN} most frequent of {k:,} labels" if k > _SHOWN + 1 else "Labels"
    if not counts.n_routed:
        missing = counts.n_sample_missing
        rows = f"in {count(counts.n_sample, 'row')} asked about"
        return f"{shown} {rows}", f"{missing:,} of them without a label" if missing else ""
    rows = f"in {count(counts.n_routed, 'row')} of the output"
    ticks = f"Ticks: share in {count(counts.n_sample, 'row')} asked about"
    left = [(counts.n_abstained, "abstained"), (counts.n_missing, "without a label")]
    without = ", ".join(f"{n:,} {what}" for n, what in left if n)
    return f"{shown} {rows}", f"{without}, not shown" if without else "", ticks


def _rows(counts: LabelCounts) -> dict[str, Rows]:
    sample, routed = counts.sample, counts.n_routed > 0
    parts = [("teacher", sample)]
    if routed:
        parts = [("surrogate", counts.by_surrogate), ("teacher", counts.by_teacher)]
    every = np.sum([numbers for _, numbers in parts], axis=0)
    total, of_sample = max(int(every.sum()), 1), max(int(sample.sum()), 1)
    order = np.lexsort((np.arange(len(every)), -every))
    order = order[every[order] > 0]
    few = len(order) <= _SHOWN + 1
    kept, rest = (order, order[:0]) if few else (order[:_SHOWN], order[_SHOWN:])
    found: dict[str, Rows] = {"bars": [], "ticks": [], "ends": []}
    names = short_names([counts.labels[i] for i in kept])
    for place, (i, name) in enumerate(zip(kept.tolist(), names, strict=True)):
        at = {"label": name, "index": i, "place": place}
        for part, (who, numbers) in enumerate(parts):
            n = int(numbers[i])
            bar = {"who": who, "order": part, "n": n, "share": number(n / total)}
            found["bars"].append({**at, **bar})
        if routed:
            n = int(sample[i])
            found["ticks"].append({**at, "n": n, "share": number(n / of_sample)})
        furthest = max(int(every[i]) / total, int(sample[i]) / of_sample if routed else 0.0)
        found["ends"].append({**at, "share": number(furthest), "text": f"{every[i]:,}"})
    if len(rest):
        # In words: a bar of theirs would dwarf those of single labels.
        n = int(every[rest].sum())
        text = f"{count(n, 'row')}, {percent(n / total)}"
        at = {"label": f"{len(rest):,} other labels", "index": -1, "place": _SHOWN}
        found["ends"].append({**at, "share": 0, "text": text})
    return found


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
        "about": about(*_watch_title(watch), bottom=max(0.0, round(bottom - 0.1, 2))),
    }
    return picture(_watch_layers, data, height, width=width, height=height)


def _watch_layers(alt: Any, height: int) -> list[Any]:
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


def _watch_title(watch: Watch) -> tuple[str, ...]:
    promise = f"dashed: {level(watch.target)} promised"
    if watch.agreement is None:
        return f"0 audits yet; {promise}", ""
    return (
        f"{percent(watch.agreement)} of {count(watch.n_audits, 'audit')} agree; {promise}",
        f"Band: {level(watch.confidence)} bounds, valid at all times if the share stays the same",
    )
