"""The column's texts as points in the plane."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np

from tracer_nb.charts.parts import Rows, about, finish, number, short_names
from tracer_nb.charts.theme import LABEL_COLOURS, OTHER, SHAPES, STATUS_COLOURS
from tracer_nb.errors import InvalidInput
from tracer_nb.records import STATUSES, ColumnMap
from tracer_nb.words import count, percent

__all__ = ["map_chart"]

_COLOURED = len(LABEL_COLOURS)
# Of all values, as JSON. Texts are cut to keep below it.
_BYTES = 390_000
_TEXT_LENGTHS = (160, 120, 90, 60, 40, 20, 0)
_LEGEND_LENGTH = 17
# Rare and telling ones last, on top of the others.
_LAYERING = ("unlabelled", "handled", "agree", "labelled", "deferred", "disagree")
_METHODS = {"pca": "principal components", "t-sne": "t-SNE", "umap": "UMAP"}


def map_chart(
    points: ColumnMap, *, colour: str = "status", width: int | str = 620, height: int = 420
) -> Any:
    """Points of a map, coloured by status or by label.

    Parameters
    ----------
    points : ColumnMap
    colour : str
        "status" or "label": the ten most frequent labels have a colour and a shape each.
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and legend.

    Returns
    -------
    altair.Chart
        Data "points" (field ``row``), "labels" and "about". Texts are cut as far as it takes
        to keep the values below 400 kB.

    Raises
    ------
    InvalidInput
        ``colour`` is neither.
    """
    if colour not in ("status", "label"):
        raise InvalidInput(f"colour must be 'status' or 'label', got {colour!r}")
    import altair as alt  # noqa: PLC0415  slow to import

    by_label = colour == "label"
    colours = [*LABEL_COLOURS, OTHER] if by_label else list(STATUS_COLOURS)
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(colours))]
    domain = list(range(len(colours)))
    data, groups = _data(points, by_label=by_label)
    legend = alt.Legend(
        title=None,
        # Its words are not data: a legend is laid out once.
        labelExpr=f"{json.dumps(groups)}[datum.value]",
        labelLimit=110,
        values=sorted({row["group"] for row in data["points"]}),
        columns=3 if by_label else 6,
        symbolSize=70,
    )
    plain = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    scale = alt.Scale(zero=False, nice=False, padding=8)
    names = alt.LookupData(data=alt.NamedData("labels"), key="place", fields=["name"])
    chart = (
        alt.Chart(alt.NamedData("points"))
        .transform_lookup(lookup="label", from_=names, as_=["named"])
        .transform_calculate(what=f"{json.dumps(list(STATUSES))}[datum.status]")
        .mark_point(filled=True, size=34, opacity=0.85)
        .encode(
            x=alt.X("x:Q", title=None, axis=plain, scale=scale),
            y=alt.Y("y:Q", title=None, axis=plain, scale=scale),
            color=alt.Color(
                "group:N", scale=alt.Scale(domain=domain, range=colours), legend=legend
            ),
            shape=alt.Shape("group:N", scale=alt.Scale(domain=domain, range=shapes)),
            tooltip=[
                alt.Tooltip("text:N", title="text"),
                alt.Tooltip("named:N", title="label"),
                alt.Tooltip("what:N", title="status"),
                alt.Tooltip("score:Q", format=".3f", title="gate score"),
                alt.Tooltip("row:Q", format=",", title="row"),
            ],
        )
    )
    return finish([chart], data, width=width, height=height)


def _title(points: ColumnMap) -> tuple[str, str]:
    n = len(points.rows)
    first = f"{count(n, 'text')} of {points.n_texts:,}, by {_METHODS[points.method]}"
    if np.isfinite(points.explained):
        first += f" ({percent(points.explained)} of the variance)"
    if n == points.n_texts:
        return first, ""
    parts = [f"{name} {shown:,} of {every:,}" for name, shown, every in points.sampled]
    return first, f"Drawn at random: {', '.join(parts)}"


def _data(points: ColumnMap, *, by_label: bool) -> tuple[dict[str, Rows], list[str]]:
    """Data sets, and what the legend says."""
    counts = Counter(label for label in points.labels if label is not None)
    ranked = [label for label, _ in counts.most_common()]
    place = {label: i for i, label in enumerate(ranked)}
    shown = short_names(ranked)
    if by_label:
        groups = [*map(_middle_cut, shown[:_COLOURED]), *[""] * (_COLOURED - len(shown))]
        rest = len(ranked) - _COLOURED
        groups.append(f"{rest:,} other labels" if rest > 0 else "no label yet")
    else:
        groups = list(STATUSES)
    codes = [len(ranked) if label is None else place[label] for label in points.labels]
    rank = np.array([_LAYERING.index(status) for status in STATUSES])[points.status]
    if by_label:
        rank = np.array([_group(code, len(ranked)) < _COLOURED for code in codes], dtype=np.intp)
    rows: Rows = []
    for i in np.argsort(rank, kind="stable").tolist():
        code = codes[i]
        rows.append(
            {
                "x": number(points.x[i]),
                "y": number(points.y[i]),
                "row": int(points.rows[i]),
                "status": int(points.status[i]),
                "label": code,
                "group": _group(code, len(ranked)) if by_label else int(points.status[i]),
                "score": number(points.scores[i], 3),
                "text": points.texts[i],
            }
        )
    labels = [{"place": i, "name": name} for i, name in enumerate([*shown, "none yet"])]
    _shorten(rows, _BYTES - len(json.dumps(labels)))
    return {"points": rows, "labels": labels, "about": about(*_title(points))}, groups


def _middle_cut(name: str) -> str:
    return name if len(name) <= _LEGEND_LENGTH else f"{name[:9]}…{name[-7:]}"


def _group(code: int, n_labels: int) -> int:
    """Place in the legend; the last for all others, and for points without a label."""
    return code if code < min(n_labels, _COLOURED) else _COLOURED


def _shorten(rows: Rows, room: int) -> None:
    """Cut texts, all at one length, until the rows fit into so many bytes of JSON."""
    for length in _TEXT_LENGTHS:
        for row in rows:
            if len(row["text"]) > length:
                row["text"] = row["text"][: max(length - 1, 0)] + "…"
        if len(json.dumps(rows)) <= room:
            return
