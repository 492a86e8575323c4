"""The teacher's labels against the surrogate's, as a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer_nb.charts.parts import SHORT_NAME, Rows, about, fact, picture, short_names
from tracer_nb.charts.theme import STRONG, TEXT, WEAK
from tracer_nb.records import Confusion
from tracer_nb.words import count

__all__ = ["BASES", "confusion_chart"]

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
        "about": about(*_title(confusion), most=_most(confusion)),
    }
    return picture(_layers, data, width=width)


def _layers(alt: Any) -> list[Any]:
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


def _title(confusion: Confusion) -> tuple[str, str]:
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
