"""What labelling the whole column takes: as it was expected while it went on, and part by part."""

from __future__ import annotations

import math
from typing import Any

from tracer_nb.charts.parts import (
    CERTIFIED,
    CURVE,
    HAND,
    OTHER,
    TARGET,
    UNSURE,
    Rows,
    about,
    number,
    part_bars,
    picture,
    side_words,
)
from tracer_nb.records import Bill
from tracer_nb.words import count, money, percent

__all__ = ["bill_chart", "bill_parts_chart"]


# Points that are drawn; more would lie on one another.
_MOST_POINTS = 200


def bill_chart(bill: Bill, *, width: int | str = 620, height: int = 180) -> Any:
    """The whole bill that was expected, against texts asked about until then.

    Parameters
    ----------
    bill : Bill
        With at least one expectation.
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "expected", "least", "now" and "about".
    """
    points = _points(bill)
    least = min(range(len(points)), key=lambda i: points[i][1], default=0)
    last = len(points) - 1
    data = {
        "expected": [_point(bill, n, total) for n, total in points],
        "least": [_marked(bill, points, least, "least expected")] if 0 <= least < last else [],
        "now": [_marked(bill, points, last, _now(bill, is_least=least == last))] if points else [],
        "about": about(*_title(bill, points)),
    }
    return picture(_growth, data, height, width=width, height=height)


def _growth(alt: Any, height: int) -> list[Any]:
    x = alt.X(
        "n:Q",
        title="Texts asked about until then",
        axis=alt.Axis(grid=False, tickCount=6, format=",d"),
        scale=alt.Scale(zero=False, nice=True),
    )
    y = alt.Y(
        "bill:Q",
        title="Texts in all",
        axis=alt.Axis(tickCount=4, format=",d"),
        scale=alt.Scale(zero=True, nice=True),
    )
    tooltip = [
        alt.Tooltip("n:Q", format=",", title="asked about"),
        alt.Tooltip("bill:Q", format=",.0f", title="expected in all"),
        alt.Tooltip("dollars:N", title="that costs about"),
        alt.Tooltip("saved:N", title="saved"),
    ]
    base = alt.Chart(alt.NamedData("expected"))
    return [
        base.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y),
        base.mark_point(color=CURVE, filled=True, size=40, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
        *_mark(alt, "least", x, y, tooltip, colour=CERTIFIED, foot=height - 10),
        *_mark(alt, "now", x, y, tooltip, colour=TARGET, foot=height - 26),
    ]


def _mark(
    alt: Any, name: str, x: Any, y: Any, tooltip: list[Any], *, colour: str, foot: int
) -> list[Any]:
    """A rule, a point on it, and its words at the foot: on the side with room."""
    base = alt.Chart(alt.NamedData(name))
    return [
        base.mark_rule(color=colour, strokeWidth=1, opacity=0.7).encode(x=x),
        base.mark_point(color=colour, filled=True, size=90, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
        *side_words(alt, base, x, foot, colour),
    ]


def _points(bill: Bill) -> list[tuple[int, float]]:
    """What was expected, thinned out; the last point is what is known now."""
    points = [(n, total) for n, total in bill.expected if math.isfinite(total)]
    if bill.total is not None and points:
        points.append((bill.n_asked, float(bill.total)))
    step = math.ceil(len(points) / _MOST_POINTS) or 1
    least = min(points, key=lambda point: point[1], default=None)
    kept = [point for i, point in enumerate(reversed(points)) if i % step == 0 or point == least]
    return kept[::-1]


def _dollars(bill: Bill, n: float) -> str:
    dollars = bill.dollars(n)
    return "unknown" if dollars is None else money(dollars)


def _point(bill: Bill, n: int, total: float) -> dict[str, Any]:
    return {
        "n": n,
        "bill": number(total),
        "dollars": _dollars(bill, total),
        "saved": percent(max(1.0 - total / max(bill.n_texts, 1), 0.0)),
    }


def _marked(bill: Bill, points: list[tuple[int, float]], at: int, words: str) -> dict[str, Any]:
    n, total = points[at]
    widest = max(n for n, _ in points)
    return {**_point(bill, n, total), "text": f"{words}: {total:,.0f}", "right": 2 * n > widest}


def _now(bill: Bill, *, is_least: bool) -> str:
    known = "known now" if bill.total is not None else "now"
    return f"{known}, the least" if is_least and len(bill.expected) > 1 else known


def _title(bill: Bill, points: list[tuple[int, float]]) -> tuple[str, ...]:
    texts = count(bill.n_texts, "text")
    if not points:
        return (f"Of {texts}, the whole bill is not known yet",)
    if bill.total is not None:
        return (f"The whole bill: {bill.total:,} of {texts}", "Before the test: as was expected")
    expected = f"{points[-1][1]:,.0f}"
    return (
        f"Expected bill: {expected} of {texts}, {points[-1][0]:,} of them asked about",
        "An expectation, without an interval",
    )


_START, _HARD, _TEST, _NEW = "drawn to fit", "hard ones", "drawn to test", "for new rows"
_DEFERRED, _AUDITED = "deferred", "audited, known"
_SAVED, _OPEN = "saved", "not known yet"
_COLOURS = {
    _START: CURVE,
    _HARD: HAND,
    _TEST: UNSURE,
    _NEW: "#7c6fd6",
    _DEFERRED: TARGET,
    _AUDITED: OTHER,
    _SAVED: CERTIFIED,
    _OPEN: OTHER,
}
_WHY = {
    _START: "drawn at random and fitted on",
    _HARD: "chosen because the surrogate was unsure, and fitted on",
    _TEST: "drawn at random to test",
    _NEW: "set aside for a promise about new rows",
    _DEFERRED: "left to the teacher by the router",
    _AUDITED: "handled, and answered all the same: audited, or known before",
    _SAVED: "never asked about",
    _OPEN: "nothing is certified yet",
}


def bill_parts_chart(bill: Bill, *, width: int | str = 620) -> Any:
    """One bar of all texts of the column, its parts below one another: who they go to, and why.

    Parameters
    ----------
    bill : Bill
    width : int or "container"
        Pixels.

    Returns
    -------
    altair.LayerChart
        Data "parts" and "about".
    """
    data = {"parts": _parts(bill), "about": about(_parts_title(bill))}
    return picture(_parts_layers, data, width=width)


def _parts_layers(alt: Any) -> list[Any]:
    tooltip = [
        alt.Tooltip("part:N", title="texts"),
        alt.Tooltip("n:Q", format=",", title="number"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
        alt.Tooltip("dollars:N", title="dollars, about"),
        alt.Tooltip("why:N", title="because"),
    ]
    return part_bars(alt, "Share of the column's texts", 104, _COLOURS, tooltip)


def _parts(bill: Bill) -> Rows:
    found = [
        (_START, bill.n_start),
        (_HARD, bill.n_hard),
        (_TEST, bill.n_test),
        (_NEW, bill.n_new_rows),
        (_DEFERRED, (bill.n_deferred or 0) - bill.n_audited),
        (_AUDITED, bill.n_audited),
    ]
    if bill.saved is None:
        found.append((_OPEN, max(bill.n_texts - bill.n_asked, 0)))
    else:
        found.append((_SAVED, bill.saved))
    rows: Rows = []
    begun = 0
    for kind, n in found:
        if not n:
            continue
        cost = _dollars(bill, n)
        rows.append(
            {
                "part": kind,
                "place": len(rows),
                "start": number(begun / bill.n_texts),
                "end": number((begun + n) / bill.n_texts),
                "n": n,
                "share": number(n / bill.n_texts),
                "text": f"{n:,}, {cost}" if bill.price else f"{n:,}",
                "dollars": cost,
                "why": _WHY[kind],
            }
        )
        begun += n
    return rows


def _parts_title(bill: Bill) -> str:
    texts = count(bill.n_texts, "text")
    if bill.total is None or bill.saved_share is None:
        return f"Where the calls go: {bill.n_asked:,} of {texts} asked about so far"
    return f"Where the calls go: {bill.total:,} of {texts}; {percent(bill.saved_share)} saved"
