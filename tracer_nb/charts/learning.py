"""What more labels would bring, and cost."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts.parts import Rows, about, number, picture
from tracer_nb.charts.theme import CERTIFIED, CURVE
from tracer_nb.records import LearningCurve
from tracer_nb.words import count, money, percent

__all__ = ["learning_chart", "total_cost_chart"]

_BASIS = "Estimated on fitting rows alone; no interval"


def learning_chart(curve: LearningCurve, *, width: int | str = 620, height: int = 200) -> Any:
    """Coverage to expect against labels: the sizes tried, and the projection.

    Parameters
    ----------
    curve : LearningCurve
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "tried", "projected", "best" and "about".
    """
    now = f"{percent(float(curve.coverage[-1]))} with {count(int(curve.n_labels[-1]), 'label')}"
    title = (f"Coverage to expect: {now}; dashed: projected", _BASIS)
    data = {
        "tried": _points(curve.n_labels, curve.coverage, "coverage"),
        "projected": _points(curve.sizes, curve.projected_coverage, "coverage"),
        "best": _best_rows(curve),
        "about": about(*title),
    }
    return picture(_growth, data, height, width=width, height=height)


def _growth(alt: Any, height: int) -> list[Any]:
    y = alt.Y(
        "coverage:Q",
        title="Coverage to expect",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    tooltip = [
        alt.Tooltip("n:Q", format=",", title="labels"),
        alt.Tooltip("coverage:Q", format=".1%", title="coverage to expect"),
    ]
    tried = alt.Chart(alt.NamedData("tried"))
    return [
        alt.Chart(alt.NamedData("projected"))
        .mark_line(color=CURVE, strokeWidth=2, strokeDash=[5, 4])
        .encode(x=_x(alt), y=y),
        tried.mark_line(color=CURVE, strokeWidth=2).encode(x=_x(alt), y=y),
        tried.mark_point(color=CURVE, filled=True, size=70, opacity=1).encode(
            x=_x(alt), y=y, tooltip=tooltip
        ),
        *_best(alt, height),
    ]


def total_cost_chart(curve: LearningCurve, *, width: int | str = 620, height: int = 160) -> Any:
    """Projected cost of labels and deferrals together against labels.

    Parameters
    ----------
    curve : LearningCurve
    width, height
        As in :func:`learning_chart`.

    Returns
    -------
    altair.LayerChart
        Data "cost", "best" and "about".
    """
    priced = curve.price != 1.0
    least = float(curve.projected_cost.min())
    each = money(least) if priced else f"{least:,.0f} answers"
    title = f"Labels and deferrals together, projected: at the least about {each}"
    data = {
        "cost": _points(curve.sizes, curve.projected_cost, "cost"),
        "best": _best_rows(curve),
        "about": about(title, _BASIS),
    }
    return picture(_cost, data, height, priced, width=width, height=height)


def _cost(alt: Any, height: int, priced: bool) -> list[Any]:  # noqa: FBT001
    y = alt.Y(
        "cost:Q",
        title="Dollars in all" if priced else "Answers in all",
        axis=alt.Axis(format="$,.4~f" if priced else ",", tickCount=4),
        scale=alt.Scale(zero=True, nice=True),
    )
    tooltip = [
        alt.Tooltip("n:Q", format=",", title="labels"),
        alt.Tooltip("cost:Q", format="$,.2f" if priced else ",", title="labels and deferrals"),
    ]
    cost = alt.Chart(alt.NamedData("cost"))
    return [
        cost.mark_line(color=CURVE, strokeWidth=2).encode(x=_x(alt), y=y),
        cost.mark_point(opacity=0, size=160, filled=True).encode(x=_x(alt), y=y, tooltip=tooltip),
        *_best(alt, height),
    ]


def _x(alt: Any) -> Any:
    return alt.X(
        "n:Q",
        title="Labels (logarithmic)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=False, tickCount=6, format="~s"),
    )


def _best(alt: Any, height: int) -> list[Any]:
    """A rule where labels and deferrals cost the least, with its words on the side with room."""
    base = alt.Chart(alt.NamedData("best"))
    words = [
        base.transform_filter(f"{'' if right else '!'}datum.right")
        .mark_text(
            color=CERTIFIED,
            align="right" if right else "left",
            dx=-8 if right else 8,
            fontSize=12,
            fontWeight="bold",
        )
        .encode(x=_x(alt), y=alt.value(height - 10), text="text:N")
        for right in (True, False)
    ]
    return [base.mark_rule(color=CERTIFIED, strokeWidth=1.5).encode(x=_x(alt)), *words]


def _best_rows(curve: LearningCurve) -> Rows:
    first, last = float(curve.n_labels[0]), float(curve.sizes[-1])
    # On a logarithmic axis the middle is the root of the product.
    right = curve.best > (first * last) ** 0.5
    text = f"least cost: {count(curve.best, 'label')}"
    return [{"n": curve.best, "text": text, "right": bool(right)}]


def _points(sizes: Any, values: Any, name: str) -> Rows:
    return [
        {"n": n, name: number(v, 5)} for n, v in zip(sizes.tolist(), values.tolist(), strict=True)
    ]
