"""The budget of coverage: what is handled, and where the rest is lost."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts.parts import Rows, about, name_axis, number, picture, share_axis
from tracer_nb.charts.theme import CERTIFIED, CURVE, TARGET, TEXT, UNSURE
from tracer_nb.records import LostCoverage
from tracer_nb.words import count, level, percent

__all__ = ["lost_chart"]

_PARTS = ("handled now", "lost to statistics", "lost to ranking", "lost to other labels")


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
    data = {"parts": _parts(lost), "about": about(*_title(lost))}
    return picture(_layers, data, width=width)


def _layers(alt: Any) -> list[Any]:
    x = share_axis(alt, "start", "Share of the tested rows", 42)
    y = name_axis(alt, "part")
    # Place and words say it too.
    colour = alt.Color(
        "part:N",
        legend=None,
        scale=alt.Scale(domain=list(_PARTS), range=[CERTIFIED, CURVE, UNSURE, TARGET]),
    )
    tooltip = [
        alt.Tooltip("part:N", title="rows"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
        alt.Tooltip("why:N", title="because"),
    ]
    base = alt.Chart(alt.NamedData("parts"))
    return [
        base.mark_bar(height={"band": 0.75}).encode(
            x=x, x2="end:Q", y=y, color=colour, tooltip=tooltip
        ),
        base.mark_text(color=TEXT, align="left", dx=6, fontSize=11).encode(
            x=alt.X("end:Q"), y=y, text="text:N", tooltip=tooltip
        ),
    ]


def _title(lost: LostCoverage) -> tuple[str, ...]:
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
