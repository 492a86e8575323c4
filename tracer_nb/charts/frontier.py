"""The coverage-agreement curve, with the target, the certified point, and one moved by hand.

And the budget of coverage: what is handled, and where the rest is lost.
"""

from __future__ import annotations

import math
from typing import Any

from tracer_nb.charts.parts import (
    CERTIFIED,
    CURVE,
    HAND,
    TARGET,
    UNSURE,
    Rows,
    about,
    fact,
    number,
    part_bars,
    picture,
    side_words,
)
from tracer_nb.records import (
    HANDLED,
    Certificate,
    Frontier,
    HandThreshold,
    LostCoverage,
    Preview,
)
from tracer_nb.words import count, level, percent

__all__ = ["frontier_chart", "lost_chart", "preview_chart"]


_FEWEST_ROWS = 20


def frontier_chart(
    frontier: Frontier,
    certificate: Certificate,
    *,
    hand: HandThreshold | None = None,
    width: int | str = 620,
    height: int = 250,
) -> Any:
    """The promised share against coverage on the calibration rows; by default selective agreement.

    Where the test tells no other threshold's share, it is selective agreement, and says so.

    Parameters
    ----------
    frontier : Frontier
    certificate : Certificate
        Its target is drawn as a line and, when certified, its threshold as a point, where the
        curve is of what is promised.
    hand : HandThreshold, optional
        Drawn as a point that is not certified.
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "curve", "target", "certified", "hand", "looked" (a target that is looked at, empty
        here) and "about"; at most 100 rows of data each, whatever the number of rows of the column.
    """
    certified: Rows = []
    is_promised = certificate.curve == certificate.promise
    if (
        is_promised
        and certificate.certified
        and certificate.n_calibration
        and certificate.n_handled
    ):
        # On the calibration rows, like the curve: the column's own coverage may differ a little.
        coverage = certificate.n_handled / certificate.n_calibration
        at = f"certified at {level(certificate.target)}: {certificate.n_handled:,} rows"
        share = 1.0 - certificate.n_wrong / max(certificate.n_counted, 1)
        if certificate.promise == HANDLED:
            share = certificate.agreement
        certified = [_point(coverage, share, at)]
    by_hand: Rows = []
    if hand is not None and hand.n_handled:
        coverage = hand.n_handled / hand.n_rows
        text = f"by hand: {percent(coverage)}, not certified"
        by_hand = [_point(coverage, hand.agreement, text)]
    rows = "fitting rows out of fold"
    if certificate.n_calibration:
        rows = count(certificate.n_calibration, "calibration row")
    title = [f"On {rows}; band: pointwise 90 % interval"]
    if not is_promised:
        named = f"{certificate.promise.title}, of {certificate.promise.rows}"
        title.insert(0, f"Promise: {named}; the curve is agreement on handled rows")
    elif certificate.also:
        titles = "; ".join(each.promise.title for each in (certificate, *certificate.also))
        title.insert(0, f"Promises: {titles}; the curve is of the first")
    elif certificate.promise != HANDLED:
        title.insert(0, f"Promise: {certificate.promise.title}, of {certificate.promise.rows}")
    return _chart(
        frontier,
        certificate.target if is_promised else None,
        certificate.curve.axis,
        certified=certified,
        hand=by_hand,
        title=tuple(title),
        width=width,
        height=height,
    )


def preview_chart(preview: Preview, *, width: int | str = 620, height: int = 250) -> Any:
    """The same while labelling goes on, on fitting rows out of fold.

    Parameters
    ----------
    preview : Preview
    width, height
        As in :func:`frontier_chart`, with the same data names.
    """
    expected = percent(preview.expected_coverage)
    title = (
        f"Preview with {count(preview.n_labels, 'label')}: a certificate may reach {expected}",
        f"On {count(preview.n_fit, 'fitting row')} out of fold; band: pointwise 90 % interval",
    )
    return _chart(
        preview.frontier,
        preview.target,
        HANDLED.axis,
        certified=[],
        hand=[],
        title=title,
        width=width,
        height=height,
    )


def _point(coverage: float, agreement: float, text: str) -> dict[str, Any]:
    return {"coverage": coverage, "agreement": agreement, "text": text, "right": coverage > 0.5}


def _chart(
    frontier: Frontier,
    target: float | None,
    axis: str,
    *,
    certified: Rows,
    hand: Rows,
    title: tuple[str, ...],
    width: int | str,
    height: int,
) -> Any:
    curve = _curve(frontier)
    aims: Rows = []
    if target is not None:
        aims = [{"coverage": 0.005, "agreement": target, "text": f"target {level(target)}"}]
    lowest = [row["low"] for row in curve] + [p["agreement"] for p in [*aims, *certified, *hand]]
    bottom = max(0.0, math.floor((min(lowest, default=0.5) - 0.005) * 20) / 20)
    data = {
        "curve": curve,
        "target": aims,
        "certified": certified,
        "hand": hand,
        "looked": [],
        "about": about(*title, bottom=bottom),
    }
    return picture(_layers, data, height, axis, width=width, height=height)


def _layers(alt: Any, height: int, share: str) -> list[Any]:
    scale = alt.Scale(domain=[fact("bottom", 0.5), 1.0], clamp=True, nice=False)
    x = alt.X(
        "coverage:Q",
        title="Coverage: share of these rows that the surrogate answers",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=6, grid=False),
    )
    y_axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("agreement:Q", title=share, scale=scale, axis=y_axis)
    tooltip = [
        alt.Tooltip("coverage:Q", format=".1%", title="coverage"),
        alt.Tooltip("agreement:Q", format=".1%", title=_short(share)),
        alt.Tooltip("low:Q", format=".1%", title="90 % interval, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("rows:Q", format=",", title="rows handled"),
        alt.Tooltip("threshold:Q", format=".3f", title="threshold"),
    ]
    base = alt.Chart(alt.NamedData("curve"))
    return [
        base.mark_area(opacity=0.18, color=CURVE).encode(
            x=x, y=alt.Y("low:Q", scale=scale, title=share), y2="high:Q"
        ),
        base.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y),
        # Wide and invisible: makes the thin line easy to hover.
        base.mark_point(opacity=0, size=160, filled=True).encode(x=x, y=y, tooltip=tooltip),
        *_target(alt, "target", scale, TARGET),
        *_target(alt, "looked", scale, HAND),
        *_marked(alt, "certified", (scale, height, CERTIFIED), share, filled=True),
        *_marked(alt, "hand", (scale, height, HAND), share, filled=False),
    ]


def _short(share: str) -> str:
    return "agreement" if share == HANDLED.axis else share[0].lower() + share[1:]


def _curve(frontier: Frontier) -> Rows:
    # The curve's first points rest on a handful of rows; their whole-range bands say nothing.
    shown = frontier.n_handled >= min(_FEWEST_ROWS, int(frontier.n_handled.max(initial=0)))
    columns = (
        *(frontier.coverage, frontier.agreement, frontier.lower, frontier.upper),
        *(frontier.n_handled, frontier.thresholds),
    )
    return [
        {
            "coverage": number(c),
            "agreement": number(a),
            "low": number(lo),
            "high": number(hi),
            "rows": n,
            "threshold": number(t, 6),
        }
        for c, a, lo, hi, n, t in zip(*(column[shown].tolist() for column in columns), strict=True)
    ]


def _target(alt: Any, name: str, scale: Any, colour: str) -> list[Any]:
    base = alt.Chart(alt.NamedData(name))
    y = alt.Y("agreement:Q", scale=scale)
    return [
        base.mark_rule(color=colour, strokeDash=[5, 4], strokeWidth=1.5).encode(y=y),
        base.mark_text(color=colour, align="left", dy=10, fontSize=12).encode(
            x="coverage:Q", y=y, text="text:N"
        ),
    ]


def _marked(
    alt: Any, name: str, place: tuple[Any, int, str], share: str, *, filled: bool
) -> list[Any]:
    """A rule at a coverage, a point on it, and what it is at the foot: on the side with room."""
    scale, height, colour = place
    base = alt.Chart(alt.NamedData(name))
    y = alt.Y("agreement:Q", scale=scale)
    tooltip = [
        alt.Tooltip("text:N", title="threshold"),
        alt.Tooltip("coverage:Q", format=".1%", title="coverage"),
        alt.Tooltip("agreement:Q", format=".1%", title=f"observed {_short(share)}"),
    ]
    # Both may stand at one coverage: their words are at different heights.
    foot = height - (10 if filled else 26)
    dash = {} if filled else {"strokeDash": [3, 3]}
    return [
        base.mark_rule(color=colour, strokeWidth=1, opacity=0.7, **dash).encode(x="coverage:Q"),
        base.mark_point(
            color=colour,
            filled=filled,
            shape="circle" if filled else "diamond",
            size=90,
            opacity=1,
            strokeWidth=2,
        ).encode(x="coverage:Q", y=y, tooltip=tooltip),
        *side_words(alt, base, "coverage:Q", foot, colour),
    ]


_PARTS = {
    "handled now": CERTIFIED,
    "lost to statistics": CURVE,
    "lost to ranking": UNSURE,
    "lost to other labels": TARGET,
}


def lost_chart(lost: LostCoverage, *, width: int | str = 620) -> Any:
    """One bar from 0 to 100 % of the rows, its four parts below one another.

    Parameters
    ----------
    lost : LostCoverage
    width : int or "container"
        Pixels.

    Returns
    -------
    altair.LayerChart
        Data "parts" and "about".
    """
    data = {"parts": _parts(lost), "about": about(*_lost_title(lost))}
    return picture(_lost_layers, data, width=width)


def _lost_layers(alt: Any) -> list[Any]:
    tooltip = [
        alt.Tooltip("part:N", title="rows"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
        alt.Tooltip("why:N", title="because"),
    ]
    return part_bars(alt, "Share of the tested rows", 42, _PARTS, tooltip)


def _lost_title(lost: LostCoverage) -> tuple[str, ...]:
    if not lost.n_rows:
        return ("No row to compare yet",)
    rows = count(lost.n_rows, "tested row")
    return f"Coverage of {rows} at the target {level(lost.target)}", "Losses: estimates, no promise"


def _parts(lost: LostCoverage) -> Rows:
    if not lost.n_rows:
        return []
    ends = (lost.coverage, lost.hindsight, lost.ceiling, 1.0)
    shares = (lost.coverage, lost.by_statistics, lost.by_ranking, lost.by_surrogate)
    whys = (
        "the surrogate answers them",
        "a promise from so few rows needs a margin",
        "the gate ranks some disagreements above agreements",
        "the surrogate gives other labels than the teacher",
    )
    return [
        {
            "part": part,
            "place": place,
            "start": number(end - share),
            "end": number(end),
            "share": number(share),
            "text": percent(max(share, 0.0)),
            "why": why,
        }
        for place, (part, end, share, why) in enumerate(
            zip(_PARTS, ends, shares, whys, strict=True)
        )
    ]
