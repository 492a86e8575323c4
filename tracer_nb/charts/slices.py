"""Groups of rows on which surrogate and teacher disagree more than elsewhere."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts.confusion import BASES
from tracer_nb.charts.parts import (
    Rows,
    about,
    name_axis,
    number,
    picture,
    share_axis,
    short_names,
    shortened,
)
from tracer_nb.charts.theme import CURVE, TARGET, TEXT
from tracer_nb.records import Gaps
from tracer_nb.words import count

__all__ = ["slices_chart"]

_SHOWN = 20


def slices_chart(gaps: Gaps, *, width: int | str = 620) -> Any:
    """Agreement of each group against that of all other rows, the surest group first.

    Parameters
    ----------
    gaps : Gaps
        At most twenty of its slices are drawn.
    width : int or "container"
        Pixels; the height follows the number of groups.

    Returns
    -------
    altair.LayerChart
        Data "slices" (field ``index`` into ``gaps.slices``) and "about".
    """
    data = {"slices": _slices(gaps), "about": about(*_title(gaps))}
    return picture(_layers, data, width=width)


def _layers(alt: Any) -> list[Any]:
    x = share_axis(alt, "agreement", "Agreement with the teacher", 42)
    # A point may stand at 0 %.
    y = name_axis(alt, "name", labelExpr=shortened(30, 11), labelLimit=200, labelPadding=8)
    tooltip = [
        alt.Tooltip("name:N", title="rows with"),
        alt.Tooltip("rows:Q", format=",", title="rows"),
        alt.Tooltip("agreement:Q", format=".1%", title="agreement"),
        alt.Tooltip("low:Q", format=".1%", title="90 % interval, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("elsewhere:Q", format=".1%", title="agreement elsewhere"),
        alt.Tooltip("wrong:Q", format=",", title="disagreements"),
        alt.Tooltip("excess:Q", format=".1f", title="more than elsewhere by"),
        alt.Tooltip("p:Q", format=".2g", title="p, adjusted for all groups tried"),
    ]
    base = alt.Chart(alt.NamedData("slices"))
    return [
        base.mark_rule(color=CURVE, strokeWidth=2).encode(
            x=alt.X("low:Q"), x2="high:Q", y=y, tooltip=tooltip
        ),
        base.mark_tick(color=TARGET, thickness=2.5, height=15, opacity=1).encode(
            x="elsewhere:Q", y=y, tooltip=tooltip
        ),
        base.mark_point(color=CURVE, filled=True, size=80, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
        base.mark_text(color=TEXT, align="left", fontSize=11).encode(
            x=alt.datum(1.02), y=y, text="text:N", tooltip=tooltip
        ),
    ]


def _title(gaps: Gaps) -> tuple[str, ...]:
    n, k = len(gaps.rows), len(gaps.slices)
    if not n:
        return ("No row to compare yet",)
    rows = count(n, BASES[gaps.reliability.basis])
    if not k:
        return (f"No group stands out among {rows}",)
    shown = f"The surest {_SHOWN} of {k:,} groups" if k > _SHOWN else count(k, "group")
    return (
        f"{shown} with more disagreement, of {rows}",
        "Points: agreement, with pointwise 90 % interval. Ticks: elsewhere",
        "Figures: disagreements beyond those of as many rows elsewhere",
    )


def _slices(gaps: Gaps) -> Rows:
    slices = gaps.slices[:_SHOWN]
    names = short_names([f"{one.kind}: {one.name}" for one in slices])
    return [
        {
            "name": name,
            "index": index,
            "place": index,
            "rows": one.n_rows,
            "wrong": one.n_disagree,
            "agreement": number(one.agreement),
            "low": number(one.lower),
            "high": number(one.upper),
            "elsewhere": number(one.agreement_elsewhere),
            "excess": number(one.excess),
            "p": number(one.adjusted),
            "text": f"+{one.excess:,.1f}",
        }
        for index, (one, name) in enumerate(zip(slices, names, strict=True))
    ]
