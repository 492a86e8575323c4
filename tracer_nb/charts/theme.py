"""Colours and sizes that hold on light and dark pages and for colour-blind eyes."""

from __future__ import annotations

from typing import Any

__all__ = [
    "CERTIFIED",
    "CURVE",
    "HAND",
    "LABEL_COLOURS",
    "OTHER",
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
