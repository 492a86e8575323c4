"""The coverage-agreement curve, with the target and the certified point."""

from __future__ import annotations

import math
from typing import Any

from tracer_nb.charts.theme import CERTIFIED, CURVE, TARGET, themed
from tracer_nb.records import Certificate, Frontier

__all__ = ["frontier_chart"]


def frontier_chart(
    frontier: Frontier, certificate: Certificate, *, width: int = 620, height: int = 250
) -> Any:
    """Selective agreement against coverage on the calibration rows.

    Parameters
    ----------
    frontier : Frontier
    certificate : Certificate
        Its target is drawn as a line and, when certified, its threshold as a point.
    width, height : int
        Pixels.

    Returns
    -------
    altair.LayerChart
        At most 100 points of data, whatever the number of rows.
    """
    import altair as alt  # noqa: PLC0415  slow to import

    # The curve's first points rest on a handful of rows; their whole-range bands say nothing.
    shown = frontier.n_handled >= min(20, int(frontier.n_handled.max(initial=0)))
    rows = [
        {"coverage": c, "agreement": a, "low": lo, "high": hi, "rows": int(n)}
        for c, a, lo, hi, n in zip(
            frontier.coverage[shown].tolist(),
            frontier.agreement[shown].tolist(),
            frontier.lower[shown].tolist(),
            frontier.upper[shown].tolist(),
            frontier.n_handled[shown].tolist(),
            strict=True,
        )
    ]
    floor = min([certificate.target, *(r["low"] for r in rows)], default=certificate.target)
    bottom = max(0.0, math.floor((floor - 0.005) * 20) / 20)
    scale = alt.Scale(domain=[bottom, 1.0], clamp=True, nice=False)
    x = alt.X(
        "coverage:Q",
        title="Coverage: share of rows the surrogate answers",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=6, grid=False),
    )
    y_axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("agreement:Q", title="Agreement with the teacher", scale=scale, axis=y_axis)
    tooltip = [
        alt.Tooltip("coverage:Q", format=".1%", title="coverage"),
        alt.Tooltip("agreement:Q", format=".1%", title="agreement"),
        alt.Tooltip("low:Q", format=".1%", title="90 % interval, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("rows:Q", format=",", title="calibration rows"),
    ]
    curve = alt.Chart(alt.Data(values=rows))
    layers = [
        curve.mark_area(opacity=0.18, color=CURVE).encode(
            x=x, y=alt.Y("low:Q", scale=scale, title="Agreement with the teacher"), y2="high:Q"
        ),
        curve.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y),
        # Wide and invisible: makes the thin line easy to hover.
        curve.mark_point(opacity=0, size=160, filled=True).encode(x=x, y=y, tooltip=tooltip),
        *_target(alt, certificate, scale),
        *_point(alt, certificate, scale, height),
    ]
    chart = alt.layer(*layers).properties(
        width=width,
        height=height,
        title=f"On {certificate.n_calibration:,} calibration rows; band: pointwise 90 % interval",
    )
    return themed(chart)


def _target(alt: Any, certificate: Certificate, scale: Any) -> list[Any]:
    target = f"target {100 * certificate.target:g} %"
    base = alt.Chart(
        alt.Data(values=[{"coverage": 0.005, "agreement": certificate.target, "text": target}])
    )
    y = alt.Y("agreement:Q", scale=scale)
    return [
        base.mark_rule(color=TARGET, strokeDash=[5, 4], strokeWidth=1.5).encode(y=y),
        base.mark_text(color=TARGET, align="left", dy=10, fontSize=12).encode(
            x="coverage:Q", y=y, text="text:N"
        ),
    ]


def _point(alt: Any, certificate: Certificate, scale: Any, height: int) -> list[Any]:
    if not certificate.certified or not certificate.n_calibration:
        return []
    # On the calibration rows, like the curve: the column's own coverage may differ a little.
    coverage = certificate.n_handled / certificate.n_calibration
    at = {
        "coverage": coverage,
        "agreement": certificate.agreement,
        "text": f"certified: {100 * coverage:.1f} %",
    }
    base = alt.Chart(alt.Data(values=[at]))
    y = alt.Y("agreement:Q", scale=scale)
    tooltip = [
        alt.Tooltip("coverage:Q", format=".1%", title="certified: coverage"),
        alt.Tooltip("agreement:Q", format=".1%", title="observed agreement"),
    ]
    return [
        base.mark_rule(color=CERTIFIED, strokeWidth=1, opacity=0.7).encode(x="coverage:Q"),
        base.mark_point(color=CERTIFIED, filled=True, size=90, opacity=1).encode(
            x="coverage:Q", y=y, tooltip=tooltip
        ),
        base.mark_text(
            color=CERTIFIED,
            align="right" if coverage > 0.5 else "left",
            dx=-8 if coverage > 0.5 else 8,
            fontSize=12,
            fontWeight="bold",
        ).encode(x="coverage:Q", y=alt.value(height - 10), text="text:N"),
    ]
