"""Colours and sizes that hold on light and dark pages and for colour-blind eyes."""

from __future__ import annotations

from typing import Any

__all__ = ["CERTIFIED", "CURVE", "TARGET", "TEXT", "themed"]

# Mid-tones of the Okabe-Ito palette; text grey has contrast above 4 on white and on #111.
CURVE = "#3b8bc2"
TARGET = "#d55e00"
CERTIFIED = "#009e73"
TEXT = "#7a7a7a"


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
        )
        .configure_title(color=TEXT, fontSize=13, anchor="start", fontWeight="normal", offset=10)
    )
