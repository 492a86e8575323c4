"""The gate's scores against what was observed."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts.confusion import BASES
from tracer_nb.charts.parts import Rows, about, number, picture
from tracer_nb.charts.theme import CURVE, TEXT
from tracer_nb.records import Reliability
from tracer_nb.words import count

__all__ = ["reliability_chart"]


def reliability_chart(
    reliability: Reliability, *, width: int | str = 620, height: int = 260
) -> Any:
    """Observed agreement against score, in bins of about equally many rows.

    Parameters
    ----------
    reliability : Reliability
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "bins" (field ``index`` as :meth:`Reliability.bin` takes it), "ideal", "about".
    """
    data = {
        "bins": _bins(reliability),
        "ideal": [{"score": v, "agreement": v} for v in (0, 1)],
        "about": about(*_title(reliability)),
    }
    return picture(_layers, data, width=width, height=height)


def _layers(alt: Any) -> list[Any]:
    x = alt.X(
        "score:Q",
        title="Gate score: estimated chance that both agree",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=6, grid=False),
    )
    y = alt.Y(
        "agreement:Q",
        title="Observed agreement",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=6),
    )
    tooltip = [
        alt.Tooltip("low_score:Q", format=".3f", title="scores from"),
        alt.Tooltip("high_score:Q", format=".3f", title="to"),
        alt.Tooltip("agreement:Q", format=".1%", title="agreement"),
        alt.Tooltip("low:Q", format=".1%", title="90 % interval, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("rows:Q", format=",", title="rows"),
    ]
    base = alt.Chart(alt.NamedData("bins"))
    return [
        alt.Chart(alt.NamedData("ideal"))
        .mark_line(color=TEXT, strokeDash=[2, 3], strokeWidth=1.5)
        .encode(x=x, y=y),
        base.mark_rule(color=CURVE, strokeWidth=1.5).encode(
            x=x, y=alt.Y("low:Q", title="Observed agreement"), y2="high:Q"
        ),
        base.mark_rule(color=CURVE, strokeWidth=3, opacity=0.35).encode(
            x="low_score:Q", x2="high_score:Q", y=y
        ),
        base.mark_point(color=CURVE, filled=True, size=80, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ]


def _title(reliability: Reliability) -> tuple[str, ...]:
    n = int(reliability.n_rows.sum())
    if not n:
        return ("No row to compare yet",)
    first = f"On {count(n, BASES[reliability.basis])}; dotted: scores equal agreement"
    far = f"{reliability.n_far:,} left out as unlike every labelled row"
    bars = "Bars: range of scores, and pointwise 90 % interval"
    return first, bars, far if reliability.n_far else ""


def _bins(reliability: Reliability) -> Rows:
    columns = (
        *(reliability.low, reliability.high, reliability.score),
        *(reliability.n_rows, reliability.n_agree, reliability.lower, reliability.upper),
    )
    return [
        {
            "index": i,
            "low_score": number(a, 6),
            "high_score": number(b, 6),
            "score": number(s),
            "rows": n,
            "agreement": number(k / n),
            "low": number(lo),
            "high": number(hi),
        }
        for i, (a, b, s, n, k, lo, hi) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
