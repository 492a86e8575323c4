"""Agreement: by label, by pair of labels as a heat map, and by the gate's score."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer_nb.charts.parts import (
    CURVE,
    SHORT_NAME,
    STRONG,
    TARGET,
    TEXT,
    WEAK,
    Rows,
    about,
    fact,
    name_axis,
    number,
    picture,
    share_axis,
    short_names,
)
from tracer_nb.records import Confusion, LabelAgreement, Reliability
from tracer_nb.words import count, level

__all__ = ["BASES", "agreement_chart", "confusion_chart", "reliability_chart"]


BASES = {
    "calibration": "calibration row",
    "left-out": "calibration row",
    "out-of-fold": "fitting row",
}
"""What rows of each basis are called."""


def confusion_chart(confusion: Confusion, *, width: int | str = 620) -> Any:
    """Rows by both labels: agreements outlined, disagreements in colour.

    Parameters
    ----------
    confusion : Confusion
    width : int or "container"
        Pixels; the height follows the number of labels.

    Returns
    -------
    altair.LayerChart
        Data "cells" (fields ``i`` and ``j`` as :meth:`Confusion.cell` takes them), "labels",
        "about".
    """
    labels = [*short_names(confusion.labels), *_others(confusion)]
    data = {
        "cells": _cells(confusion),
        "labels": [{"place": i, "name": name} for i, name in enumerate(labels)],
        "about": about(*_confusion_title(confusion), most=_most(confusion)),
    }
    return picture(_confusion_layers, data, width=width)


def _confusion_layers(alt: Any) -> list[Any]:
    names = alt.LookupData(data=alt.NamedData("labels"), key="place", fields=["name"])
    base = (
        alt.Chart(alt.NamedData("cells"))
        .transform_lookup(lookup="i", from_=names, as_=["teacher"])
        .transform_lookup(lookup="j", from_=names, as_=["surrogate"])
    )
    axis = {"ticks": False, "domain": False, "labelExpr": SHORT_NAME}
    x = alt.X(
        "surrogate:N",
        title="Surrogate's label",
        sort=alt.EncodingSortField("j", op="min"),
        axis=alt.Axis(labelAngle=-90, **axis),
    )
    y = alt.Y(
        "teacher:N",
        title="Teacher's label",
        sort=alt.EncodingSortField("i", op="min"),
        axis=alt.Axis(**axis),
    )
    tooltip = [
        alt.Tooltip("teacher:N", title="teacher"),
        alt.Tooltip("surrogate:N", title="surrogate"),
        alt.Tooltip("n:Q", format=",", title="rows"),
        alt.Tooltip("wrong:Q", format=",", title="disagreeing"),
        alt.Tooltip("handled:Q", format=",", title="handled"),
    ]
    apart = "datum.i !== datum.j"
    scale = alt.Scale(domain=[0, fact("most", 1)], range=[WEAK, STRONG], clamp=True)
    return [
        # Opaque, so that the white numbers are read on any page; agreements are outlined.
        base.mark_rect(stroke=TEXT, strokeWidth=1).encode(
            x=x,
            y=y,
            fill=alt.Fill("wrong:Q", legend=None, scale=scale),
            fillOpacity=alt.condition(apart, alt.value(1), alt.value(0)),
            strokeOpacity=alt.condition(apart, alt.value(0), alt.value(0.6)),
            tooltip=tooltip,
        ),
        base.mark_text(fontSize=10).encode(
            x=x,
            y=y,
            text=alt.Text("n:Q", format=","),
            color=alt.condition(apart, alt.value("#fff"), alt.value(TEXT)),
            tooltip=tooltip,
        ),
    ]


def _others(confusion: Confusion) -> list[str]:
    return [f"{len(confusion.folded):,} other labels"] if confusion.folded else []


def _confusion_title(confusion: Confusion) -> tuple[str, str]:
    wrong = confusion.n_rows - confusion.n_agree
    rows = count(confusion.n_rows, BASES[confusion.basis])
    first = f"{wrong:,} disagreements on {rows} that were not fitted on"
    if not confusion.n_rows:
        return "No row to compare yet", ""
    if confusion.folded:
        k = len(confusion.labels)
        return first, f"The {k} labels with most of them; outlined: agreements. No interval"
    return first, "Outlined: agreements. Counts, no interval"


def _most(confusion: Confusion) -> int:
    """Rows of the largest disagreement; the last cell of the diagonal holds many."""
    apart = confusion.counts.copy()
    np.fill_diagonal(apart, 0)
    return int(apart.max(initial=1))


def _cells(confusion: Confusion) -> Rows:
    """Cells that hold rows."""
    last = len(confusion.labels)
    cells = []
    for i, j in zip(*(axis.tolist() for axis in confusion.counts.nonzero()), strict=True):
        n = int(confusion.counts[i, j])
        wrong = n if i != j else n - confusion.n_folded_agree if i == last else 0
        handled = int(confusion.handled[i, j])
        cells.append({"i": i, "j": j, "n": n, "wrong": wrong, "handled": handled})
    return cells


_SHOWN = 25


def agreement_chart(agreement: LabelAgreement, *, width: int | str = 620) -> Any:
    """Bars of agreement, the labels with most disagreements first; at most twenty-five.

    Parameters
    ----------
    agreement : LabelAgreement
    width : int or "container"
        Pixels; the height follows the number of labels.

    Returns
    -------
    altair.LayerChart
        Data "bars" (field ``index`` as :meth:`LabelAgreement.bar` takes it), "target", "about".
    """
    data = {
        "bars": _bars(agreement),
        "target": [{"agreement": agreement.target}],
        "about": about(*_agreement_title(agreement)),
    }
    return picture(_agreement_layers, data, width=width)


def _agreement_layers(alt: Any) -> list[Any]:
    x = share_axis(alt, "agreement", "Agreement with the teacher", 60)
    y = name_axis(alt)
    tooltip = [
        alt.Tooltip("label:N", title="label"),
        alt.Tooltip("agreement:Q", format=".1%", title="agreement"),
        alt.Tooltip("low:Q", format=".1%", title="90 % interval, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("agree:Q", format=",", title="agreeing"),
        alt.Tooltip("counted:Q", format=",", title="rows counted"),
        alt.Tooltip("rows:Q", format=",", title="rows of the label"),
        alt.Tooltip("coverage:Q", format=".1%", title="handled"),
    ]
    base, target = alt.Chart(alt.NamedData("bars")), alt.Chart(alt.NamedData("target"))
    return [
        base.mark_bar(color=CURVE, opacity=0.4, height={"band": 0.7}).encode(
            x=x, y=y, tooltip=tooltip
        ),
        base.mark_rule(color=TEXT, strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y),
        target.mark_rule(color=TARGET, strokeDash=[5, 4], strokeWidth=1.5).encode(x="agreement:Q"),
        base.mark_text(color=TEXT, align="left", fontSize=11).encode(
            x=alt.datum(1.02), y=y, text="text:N", tooltip=tooltip
        ),
    ]


def _agreement_title(agreement: LabelAgreement) -> tuple[str, ...]:
    k, n = len(agreement.labels), int(agreement.n_handled.sum())
    if not n:
        return ("No row to compare yet",)
    which = "handled " if agreement.handled_only else ""
    whose = "teacher's" if agreement.by == "teacher" else "surrogate's"
    rows = count(n, f"{which}{BASES[agreement.basis]}")
    first = f"By the {whose} label, on {rows}"
    part = f"The {_SHOWN} of {k:,} labels with most disagreements" if k > _SHOWN else ""
    line = f"Line: target {level(agreement.target)}"
    return first, part, f"{line}. Whiskers: pointwise 90 % interval"


def _bars(agreement: LabelAgreement) -> Rows:
    wrong = agreement.n_handled - agreement.n_agree
    order = np.lexsort((np.arange(len(wrong)), -agreement.n_rows, -wrong))[:_SHOWN]
    names = short_names([agreement.labels[i] for i in order])
    share, coverage = agreement.agreement, agreement.coverage
    return [
        {
            "label": name,
            "index": i,
            "place": place,
            "agreement": number(share[i]),
            "low": number(agreement.lower[i]),
            "high": number(agreement.upper[i]),
            "agree": int(agreement.n_agree[i]),
            "counted": int(agreement.n_handled[i]),
            "rows": int(agreement.n_rows[i]),
            "coverage": number(coverage[i]),
            "text": f"{agreement.n_agree[i]:,} of {agreement.n_handled[i]:,}",
        }
        for place, (i, name) in enumerate(zip(order.tolist(), names, strict=True))
    ]


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
        "about": about(*_reliability_title(reliability)),
    }
    return picture(_reliability_layers, data, width=width, height=height)


def _reliability_layers(alt: Any) -> list[Any]:
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


def _reliability_title(reliability: Reliability) -> tuple[str, ...]:
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
