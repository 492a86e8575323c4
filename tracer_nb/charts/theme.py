"""Colours and sizes that hold on light and dark pages and for colour-blind eyes."""

from __future__ import annotations

from typing import Any

__all__ = [
    "CERTIFIED",
    "CURVE",
    "HAND",
    "LABEL_COLOURS",
    "OTHER",
    "SHADES",
    "SHAPES",
    "STATUS_COLOURS",
    "STRONG",
    "SURE",
    "TARGET",
    "TEXT",
    "UNSURE",
    "WEAK",
    "themed",
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
    return (
        chart.configure(background="transparent", font="system-ui, sans-serif")
        .configure_view(strokeWidth=0)
        .configure_axis(
            labelColor=TEXT,
            titleColor=TEXT,
            domainColor=TEXT,
            tickColor=TEXT,
            gridColor=TEXT,
            gridOpacity=0.18,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
            labelLimit=170,
        )
        .configure_legend(
            labelColor=TEXT,
            titleColor=TEXT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=170,
            orient="top",
            offset=4,
        )
        .configure_title(color=TEXT, fontSize=13, anchor="start", fontWeight="normal", offset=10)
    )
