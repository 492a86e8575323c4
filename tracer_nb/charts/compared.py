"""Jobs on one column: what each takes against how far it agrees, a mark for each."""

from __future__ import annotations

import math
from typing import Any

from tracer_nb.charts.parts import (
    CERTIFIED,
    CURVE,
    HAND,
    Rows,
    about,
    fact,
    number,
    picture,
    short_names,
)
from tracer_nb.records import KINDS, JobComparison
from tracer_nb.words import count, money, percent
from tracer_nb.words.compared import compared_table

__all__ = ["compared_chart"]


_LOOKS = dict(
    zip(KINDS, ((CURVE, "circle"), (CERTIFIED, "diamond"), (HAND, "square")), strict=True)
)


def compared_chart(comparison: JobComparison, *, width: int | str = 620, height: int = 250) -> Any:
    """The bill of each job against its agreement with the reference.

    Parameters
    ----------
    comparison : JobComparison
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "jobs" and "about". Dollars, or calls where the price of one job is unknown; marks
        without a certificate are hollow.
    """
    in_dollars = all(job.cost is not None for job in comparison.jobs)
    rows = _rows(comparison, in_dollars=in_dollars)
    lowest = min((row["agreement"] for row in rows), default=0.95)
    rows_known = count(comparison.n_known, "row")
    shares = f"Agreement with {short_names([comparison.reference], 40)[0]}, known of {rows_known}"
    data = {
        "jobs": rows,
        "about": about(
            shares,
            "Upwards and to the left is better; hollow: nothing certified",
            bottom=max(0.0, math.floor((lowest - 0.02) * 20) / 20),
        ),
    }
    return picture(_layers, data, height, in_dollars, width=width, height=height)


def _rows(comparison: JobComparison, *, in_dollars: bool) -> Rows:
    jobs = comparison.jobs
    bills = [(job.cost or 0.0) if in_dollars else float(job.n_calls) for job in jobs]
    names = short_names([job.name for job in jobs], 36)
    _, head, cells = compared_table(comparison)
    most = max(bills, default=0.0)
    seen = [i for i, job in enumerate(jobs) if not math.isnan(job.agreement)]
    order = sorted(seen, key=lambda i: (jobs[i].agreement, bills[i]))
    return [
        {
            "name": names[i],
            "kind": jobs[i].kind,
            "bill": number(bills[i]),
            "agreement": number(jobs[i].agreement),
            "text": f"{names[i]}: {_bill(bills[i], in_dollars=in_dollars)}, "
            f"{percent(jobs[i].agreement)}",
            "right": 2 * bills[i] > most,
            # Neighbours at one height would stand on each other's words.
            "below": place % 2 == 0,
            "certified": jobs[i].certificate.certified,
            "how": dict(zip(head, cells[i], strict=True))["agreement"],
            "promise": dict(zip(head, cells[i], strict=True))["certified"],
        }
        for place, i in enumerate(order)
    ]


def _bill(bill: float, *, in_dollars: bool) -> str:
    return money(bill) if in_dollars else count(round(bill), "call")


def _layers(alt: Any, height: int, in_dollars: bool) -> list[Any]:  # noqa: FBT001  as picture() hands it on
    del height
    unit = "dollars" if in_dollars else "single calls"
    x = alt.X(
        "bill:Q",
        title=f"Bill of the whole column, in {unit}",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(grid=False, tickCount=6, format="$,.2~f" if in_dollars else ",d"),
    )
    y = alt.Y(
        "agreement:Q",
        title="Agreement",
        scale=alt.Scale(domain=[fact("bottom", 0.5), 1.0], clamp=True, nice=False),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    colours, shapes = zip(*_LOOKS.values(), strict=True)
    colour = alt.Color(
        "kind:N", title=None, scale=alt.Scale(domain=list(_LOOKS), range=list(colours))
    )
    shape = alt.Shape(
        "kind:N", title=None, scale=alt.Scale(domain=list(_LOOKS), range=list(shapes))
    )
    tooltip = [
        alt.Tooltip("name:N", title="job"),
        alt.Tooltip("bill:Q", format="$,.4~f" if in_dollars else ",d", title="bill"),
        alt.Tooltip("how:N", title="agreement"),
        alt.Tooltip("promise:N", title="certified"),
    ]
    base = alt.Chart(alt.NamedData("jobs"))
    marks = [
        base.transform_filter(f"{'' if filled else '!'}datum.certified")
        .mark_point(filled=filled, size=110, opacity=1, strokeWidth=2)
        .encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)
        for filled in (True, False)
    ]
    words = [
        base.transform_filter(
            f"{'' if right else '!'}datum.right && {'' if below else '!'}datum.below"
        )
        .mark_text(
            align="right" if right else "left",
            dx=8 if right else -8,
            dy=17 if below else -15,
            fontSize=12,
        )
        .encode(x=x, y=y, text="text:N", color=colour)
        for right in (True, False)
        for below in (True, False)
    ]
    return [*marks, *words]
