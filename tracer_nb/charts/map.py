"""The column's texts as points in the plane, and groups of them on which surrogate and teacher disagree."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.charts.agreement import BASES
from tracer_nb.charts.parts import (
    CURVE,
    LABEL_COLOURS,
    OTHER,
    SHAPES,
    STATUS_COLOURS,
    TARGET,
    TEXT,
    Rows,
    about,
    name_axis,
    number,
    picture,
    share_axis,
    short_names,
    shortened,
)
from tracer_nb.errors import InvalidInput
from tracer_nb.records import STATUSES, ColumnMap, Gaps
from tracer_nb.words import count, percent

__all__ = ["LAYERING", "map_chart", "map_title", "ranked_labels", "slices_chart"]


# As many as a chart with its texts has room for.
_MOST = 3000
_COLOURED = len(LABEL_COLOURS)
# Of all values, as JSON in UTF-8. Names and texts are cut to keep below it.
_BYTES = 390_000
_LENGTHS = ((60, 160), (60, 120), (60, 90), (60, 60), (40, 40), (40, 20), (24, 20), (24, 0))
# Places along each axis: finer than any screen.
_GRID = 9999
_LEGEND_LENGTH = 17
# Rare and telling ones last, on top of the others.
LAYERING = ("unlabelled", "handled", "agree", "labelled", "deferred", "disagree")
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
        ``colour`` is neither, or there are more than 3,000 points.
    """
    if len(points.rows) > _MOST:
        raise InvalidInput(
            f"a chart takes at most {_MOST:,} points, got {len(points.rows):,}; draw fewer, or look "
            "at the map of the panel"
        )
    if colour not in ("status", "label"):
        raise InvalidInput(f"colour must be 'status' or 'label', got {colour!r}")
    by_label = colour == "label"
    names, codes = ranked_labels(points)
    groups = _groups(names) if by_label else list(STATUSES)
    shown = {_group(code) for code in codes} if by_label else set(points.status.tolist())
    # Rare and telling points stand on top of the others.
    rank = np.array([LAYERING.index(status) for status in STATUSES])[points.status]
    if by_label:
        rank = np.array([_group(code) < _COLOURED for code in codes], dtype=np.intp)
    order = np.argsort(rank, kind="stable").tolist()
    data = {**_fitting(points, order, names, codes), "about": about(*map_title(points))}
    legend = (tuple(groups), tuple(sorted(shown)))
    return picture(_layers, data, by_label, *legend, width=width, height=height)


def _layers(
    alt: Any,
    by_label: bool,  # noqa: FBT001
    groups: tuple[str, ...],
    shown: tuple[int, ...],
) -> list[Any]:
    colours = [*LABEL_COLOURS, OTHER] if by_label else list(STATUS_COLOURS)
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(colours))]
    domain = list(range(len(colours)))
    legend = alt.Legend(
        title=None,
        # Its words are not data: a legend is laid out once.
        labelExpr=f"{json.dumps(groups)}[datum.value]",
        labelLimit=110,
        values=list(shown),
        columns=3 if by_label else 6,
        symbolSize=70,
    )
    plain = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    scale = alt.Scale(zero=False, nice=False, padding=8)
    named = alt.LookupData(data=alt.NamedData("labels"), key="place", fields=["name"])
    of_label = f"datum.label < 0 || datum.label >= {_COLOURED} ? {_COLOURED} : datum.label"
    tooltip = [
        alt.Tooltip("text:N", title="text"),
        alt.Tooltip("named:N", title="label"),
        alt.Tooltip("what:N", title="status"),
        alt.Tooltip("score:Q", format=".3f", title="gate score"),
        alt.Tooltip("row:Q", format=",", title="row"),
    ]
    chart = (
        alt.Chart(alt.NamedData("points"))
        .transform_lookup(lookup="label", from_=named, as_=["named"])
        .transform_calculate(
            what=f"{json.dumps(list(STATUSES))}[datum.status]",
            group=of_label if by_label else "datum.status",
        )
        .mark_point(filled=True, size=34, opacity=0.85)
        .encode(
            x=alt.X("x:Q", title=None, axis=plain, scale=scale),
            y=alt.Y("y:Q", title=None, axis=plain, scale=scale),
            color=alt.Color(
                "group:N", scale=alt.Scale(domain=domain, range=colours), legend=legend
            ),
            shape=alt.Shape("group:N", scale=alt.Scale(domain=domain, range=shapes)),
            tooltip=tooltip,
        )
    )
    return [chart]


def map_title(points: ColumnMap) -> tuple[str, str]:
    """How many texts are shown, how they were laid out, and how they were drawn, if not all."""
    n = len(points.rows)
    shown = f"{count(n, 'text')} of {points.n_texts:,}"
    if n == points.n_texts:
        shown = f"All {count(n, 'text')}"
    first = f"{shown} by {_METHODS[points.method]}"
    if np.isfinite(points.explained):
        first += f" ({percent(points.explained)} of variance)"
    if n == points.n_texts:
        return first, ""
    parts = [f"{name} {shown:,} of {every:,}" for name, shown, every in points.sampled]
    return first, f"Drawn at random: {', '.join(parts)}"


def ranked_labels(points: ColumnMap) -> tuple[list[str], list[int]]:
    """Labels, the most frequent first, and the place of each point's; -1 for none."""
    counts = Counter(label for label in points.labels if label is not None)
    names = [label for label, _ in counts.most_common()]
    place = {label: i for i, label in enumerate(names)}
    return names, [-1 if label is None else place[label] for label in points.labels]


def _group(code: int) -> int:
    """Place in the legend by label; the last for all others, and for points without one."""
    return code if 0 <= code < _COLOURED else _COLOURED


def _groups(names: list[str]) -> list[str]:
    """What the legend says by label."""
    cut = [_middle_cut(name) for name in names[:_COLOURED]]
    rest = len(names) - _COLOURED
    last = f"{rest:,} other labels" if rest > 0 else "no label yet"
    return [*cut, *[""] * (_COLOURED - len(cut)), last]


def _middle_cut(name: str) -> str:
    return name if len(name) <= _LEGEND_LENGTH else f"{name[:9]}…{name[-7:]}"


def _fitting(
    points: ColumnMap, order: list[int], names: list[str], codes: list[int]
) -> dict[str, Rows]:
    """Data sets "points" and "labels", with names and texts as long as there is room for."""
    data: dict[str, Rows] = {}
    x, y = _on_grid(points.x), _on_grid(points.y)
    for name_length, text_length in _LENGTHS:
        data["points"] = [
            {
                "x": x[i],
                "y": y[i],
                "row": int(points.rows[i]),
                "status": int(points.status[i]),
                "label": codes[i],
                "score": number(points.scores[i], 3),
                "text": _cut(points.texts[i], text_length),
            }
            for i in order
        ]
        shown = ["none yet", *short_names(names, name_length)]
        data["labels"] = [{"place": i - 1, "name": name} for i, name in enumerate(shown)]
        if len(json.dumps(data, ensure_ascii=False).encode()) <= _BYTES:
            break
    return data


def _on_grid(values: NDArray[np.float64]) -> list[int]:
    low = values.min(initial=0.0)
    span = values.max(initial=0.0) - low
    places = np.round((values - low) / (span if span > 0 else 1.0) * _GRID)
    return [int(place) for place in places]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


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
    data = {"slices": _slices(gaps), "about": about(*_slices_title(gaps))}
    return picture(_slices_layers, data, width=width)


def _slices_layers(alt: Any) -> list[Any]:
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


def _slices_title(gaps: Gaps) -> tuple[str, ...]:
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
