"""A chart as SVG text, drawn in this process: no browser, no network."""

from __future__ import annotations

from typing import Any

__all__ = ["to_svg"]


def to_svg(chart: Any) -> str:
    """SVG of an altair chart, or of a Vega-Lite specification."""
    import vl_convert  # noqa: PLC0415  slow to import

    specification = chart if isinstance(chart, dict) else chart.to_dict()
    return str(vl_convert.vegalite_to_svg(specification))
