"""What all charts share: colours and sizes, named data, and titles that come with the data.

A chart is taken apart into a specification that stays and data that are sent again and again, or
drawn as SVG text in this process: no browser, no network.
"""

from __future__ import annotations

import copy
import math
import textwrap
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

__all__ = [
    "CERTIFIED",
    "CURVE",
    "HAND",
    "LABEL_COLOURS",
    "OTHER",
    "SHADES",
    "SHAPES",
    "SHORT_NAME",
    "STATUS_COLOURS",
    "STRONG",
    "SURE",
    "TARGET",
    "TEXT",
    "UNSURE",
    "WEAK",
    "Rows",
    "about",
    "fact",
    "join",
    "name_axis",
    "number",
    "part_bars",
    "picture",
    "share_axis",
    "short_names",
    "shortened",
    "side_words",
    "split",
    "themed",
    "to_svg",
    "values_of",
]


# Mid-tones near the Okabe-Ito palette: each has a contrast of 3 or more, and text grey of 4,
# both on white and on #111. Where colours must be told apart, shapes or places say it too.
CURVE = "#3b8bc2"
TARGET = "#d55e00"
CERTIFIED = "#009e73"
HAND = "#b565c9"
TEXT = "#7a7a7a"
OTHER = "#8c8c8c"
SURE, UNSURE = CURVE, "#b8860b"

# Ends of a scale that carries white text.
WEAK, STRONG = "#8a6f5c", "#c14d00"

# In the order of tracer_nb.records.STATUSES.
STATUS_COLOURS = (CERTIFIED, TARGET, SURE, UNSURE, HAND, OTHER)
# Ten at most are told apart, in pairs of colour and shape.
LABEL_COLOURS = (
    *(CURVE, TARGET, CERTIFIED, HAND, "#b8860b"),
    *("#d6568c", "#7c6fd6", "#1f9e9e", "#a0703c", "#7f8c1f"),
)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")

# What a live chart, which knows its page, takes instead: contrast of 4.5 and more.
_ON_LIGHT = {
    CURVE: "#3377a7",
    TARGET: "#bb5300",
    CERTIFIED: "#00825f",
    HAND: "#a749bf",
    TEXT: "#5c5c5c",
    OTHER: "#727272",
    UNSURE: "#926a09",
    "#d6568c": "#ce3374",
    "#7c6fd6": "#6f61d2",
    "#1f9e9e": "#197e7e",
    "#a0703c": "#956838",
    "#7f8c1f": "#6c771a",
}
_ON_DARK = {
    CURVE: "#559bcb",
    TARGET: "#f46c00",
    CERTIFIED: "#00ab7c",
    HAND: "#c07cd1",
    TEXT: "#b8b8b8",
    OTHER: "#959595",
    UNSURE: "#c28d0c",
    "#d6568c": "#dd73a0",
    "#7c6fd6": "#958bde",
    "#1f9e9e": "#21a7a7",
    "#a0703c": "#be8a51",
    "#7f8c1f": "#8e9d23",
}
SHADES = {"light": _ON_LIGHT, "dark": _ON_DARK}
"""For each colour, what it is on a light and on a dark page."""


def themed(chart: Any) -> Any:
    """The chart on a transparent page, quiet axes, readable text."""
    words = {"labelColor": TEXT, "titleColor": TEXT, "labelFontSize": 12, "titleFontSize": 12}
    words |= {"titleFontWeight": "normal", "labelLimit": 170}
    lines = {"domainColor": TEXT, "tickColor": TEXT, "gridColor": TEXT, "gridOpacity": 0.18}
    return (
        chart.configure(background="transparent", font="system-ui, sans-serif")
        .configure_view(strokeWidth=0)
        .configure_axis(**words, **lines, titlePadding=8)
        .configure_legend(**words, orient="top", offset=4)
        .configure_title(color=TEXT, fontSize=13, anchor="start", fontWeight="normal", offset=10)
    )


# Letters of names that are short enough for every axis.
_SHORT = 12


def to_svg(chart: Any) -> str:
    """SVG of an altair chart, or of a Vega-Lite specification."""
    import vl_convert  # noqa: PLC0415  slow to import

    specification = chart if isinstance(chart, dict) else chart.to_dict()
    # The page may have a wider font than this process, and long names must not lose a letter.
    padding = {"left": 14, "top": 5, "right": 12, "bottom": 5}
    specification = {"padding": padding, **specification}
    try:
        return str(vl_convert.vegalite_to_svg(_plain(specification, _SHORT)))
    except ValueError:
        plain = _plain(specification, 0)
        if plain == specification:
            raise
        return str(vl_convert.vegalite_to_svg(plain))


def _plain(part: Any, longest: int) -> Any:
    """The same with a box for each emoji and the like, in texts that are longer than this.

    Vega shortens long names, also between the two halves of a character outside the basic plane,
    which the drawing then refuses.
    """
    if isinstance(part, str):
        if len(part) <= longest:
            return part
        return "".join(c if c <= "\uffff" else "\u25a1" for c in part)
    if isinstance(part, dict):
        return {_plain(key, longest): _plain(value, longest) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_plain(value, longest) for value in part]
    return part


def split(chart: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Specification without values, and the values of each data set by its name.

    Parameters
    ----------
    chart : altair chart
        One of this package: all its data have names.

    Returns
    -------
    specification : dict
        Vega-Lite. As long as it is equal to that of the last split, sending the values is
        enough: ``view.data(name, rows)`` for each.
    values : dict of str to rows
    """
    specification = chart.to_dict()
    return specification, specification.pop("datasets")


def values_of(chart: Any) -> dict[str, list[dict[str, Any]]]:
    """The values alone: what a chart on the page needs while the specification stays.

    The specification of a chart depends on its size and options alone, and for a map on the
    statuses, or the most frequent labels, that occur. This is quick: nothing of it is made.
    """
    return dict(chart.datasets)


def join(
    specification: Mapping[str, Any], values: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The whole picture again, as Vega-Lite."""
    return {**copy.deepcopy(dict(specification)), "datasets": dict(values)}


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


def side_words(alt: Any, base: Any, x: Any, foot: int, colour: str) -> list[Any]:
    """Words at the foot of a rule, on the side with room.

    Parameters
    ----------
    alt : module
    base : altair.Chart
        Its rows say in "right" whether the words stand to the left of the rule, and "text".
    x : altair.X or str
    foot : int
        Pixels from the top.
    colour : str
    """
    return [
        base.transform_filter(f"{'' if right else '!'}datum.right")
        .mark_text(
            color=colour,
            align="right" if right else "left",
            dx=-8 if right else 8,
            fontSize=12,
            fontWeight="bold",
        )
        .encode(x=x, y=alt.value(foot), text="text:N")
        for right in (True, False)
    ]


def part_bars(
    alt: Any, title: str, room: int, colours: Mapping[str, str], tooltip: list[Any]
) -> list[Any]:
    """One bar whose parts stand below one another, each with words behind it.

    Parameters
    ----------
    alt : module
    title : str
        Of the shares.
    room : int
        As in :func:`share_axis`.
    colours : mapping of str to str
        By the name of the part.
    tooltip : list
    """
    x = share_axis(alt, "start", title, room)
    y = name_axis(alt, "part")
    # Place and words say it too.
    colour = alt.Color(
        "part:N",
        legend=None,
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
    )
    base = alt.Chart(alt.NamedData("parts"))
    return [
        base.mark_bar(height={"band": 0.75}).encode(
            x=x, x2="end:Q", y=y, color=colour, tooltip=tooltip
        ),
        base.mark_text(color=TEXT, align="left", dx=6, fontSize=11).encode(
            x=alt.X("end:Q"), y=y, text="text:N", tooltip=tooltip
        ),
    ]
