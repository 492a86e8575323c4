"""What all charts share: named data, titles that come with the data, sizes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tracer_nb.charts.theme import themed

__all__ = [
    "SHORT_NAME",
    "Rows",
    "about",
    "fact",
    "name_axis",
    "number",
    "picture",
    "share_axis",
    "short_names",
    "shortened",
]

Rows = list[dict[str, Any]]

_TITLE = "length(data('about')) ? data('about')[0].title : ''"
_NAME_LENGTH = 60
_LINE_HEIGHT = 20

# About 400 pixels.
_LINE_LENGTH = 66


def shortened(most: int, end: int) -> str:
    """An expression for the names of an axis, at most so many characters of each.

    What tells long ones apart often stands at their end: so many characters are from there.
    """
    name, begin = "datum.label", most - end - 1
    return f"length({name}) > {most} ? slice({name}, 0, {begin}) + '…' + slice({name}, -{end}) : {name}"


def about(*title: str, **facts: Any) -> Rows:
    """The data set "about": lines of the title, broken where long, and figures for scales.

    Titles and domains that are data leave the specification as it is when data change, so
    that a live chart is updated and not drawn anew.
    """
    # "90 %" is not torn apart.
    whole = (line.replace(" %", "\N{NO-BREAK SPACE}%") for line in title)
    lines = [part for line in whole for part in textwrap.wrap(line, _LINE_LENGTH)]
    return [{"title": lines, **facts}]


def fact(name: str, otherwise: float) -> dict[str, str]:
    """A figure of the data set "about", where the specification takes an expression."""
    return {"expr": f"length(data('about')) ? data('about')[0].{name} : {otherwise}"}


def number(value: float, digits: int = 4) -> float | None:
    """A figure as it is sent: rounded to so many digits that count; None for nan and infinity."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


SHORT_NAME = shortened(26, 11)
"""Of most axes with names."""


def share_axis(alt: Any, field: str, title: str, room: int) -> Any:
    """Shares from 0 to 100 %, and so many pixels beyond for figures that begin at 102 %."""
    beyond = {"expr": f"1.02 / (1 - min({room} / max(width, 1), 0.4))"}
    return alt.X(
        f"{field}:Q",
        title=title,
        scale=alt.Scale(domain=[0, beyond], nice=False),
        axis=alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
    )


def name_axis(alt: Any, field: str = "label", **axis: Any) -> Any:
    """Names in the order of the field "place", shortened where they are long."""
    return alt.Y(
        f"{field}:N",
        title=None,
        sort=alt.EncodingSortField("place", op="min"),
        axis=alt.Axis(**{"ticks": False, "domain": False, "labelExpr": SHORT_NAME, **axis}),
    )


def short_names(names: Sequence[str], length: int = _NAME_LENGTH) -> list[str]:
    """Names cut at so many characters, and still all different.

    >>> [name[-5:] for name in short_names(["x" * 80 + "1", "x" * 80 + "2", "y"])]
    ['xxxx…', '… (2)', 'y']
    """
    found: dict[str, None] = {}
    for name in names:
        cut = shown = name if len(name) <= length else name[: length - 1] + "…"
        i = 2
        while shown in found:
            shown, i = f"{cut} ({i})", i + 1
        found[shown] = None
    return list(found)


def picture(
    layers: Callable[..., Sequence[Any]],
    data: Mapping[str, Rows],
    *options: Hashable,
    width: int | str,
    height: int | None = None,
) -> Any:
    """One chart of some layers, with its data sets by name, one title, one look.

    Making layers takes many times as long as making data, and they stay the same while data
    change: they are made once for each size and set of options.

    Parameters
    ----------
    layers : callable
        ``layers(altair, *options)``: charts that name their data; those that share data share
        the name.
    data : mapping of str to rows
        "about" among them.
    *options
        What the layers depend on.
    width : int or "container"
        Pixels, axes and legends included.
    height : int, optional
        Pixels, without title and axis; by default 20 for each line of a chart with names.
    """
    chart = _without_data(layers, options, width, height).copy(deep=False)
    chart.datasets = dict(data)
    return chart


@lru_cache(maxsize=128)
def _without_data(
    layers: Callable[..., Sequence[Any]],
    options: tuple[Hashable, ...],
    width: int | str,
    height: int | None,
) -> Any:
    import altair as alt  # noqa: PLC0415  slow to import

    # Data that no mark uses would be left out, and with it title and domains.
    unseen = alt.Chart(alt.NamedData("about")).mark_point(size=0, opacity=0, aria=False)
    anchor = unseen.encode(x=alt.value(0), y=alt.value(0))
    chart = alt.layer(anchor, *layers(alt, *options)).properties(
        width=width,
        height={"step": _LINE_HEIGHT} if height is None else height,
        title=alt.TitleParams(text=alt.ExprRef(_TITLE)),
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    return themed(chart)
