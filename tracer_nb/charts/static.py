"""A chart as SVG text, drawn in this process: no browser, no network."""

from __future__ import annotations

from typing import Any

__all__ = ["to_svg"]


def to_svg(chart: Any) -> str:
    """SVG of an altair chart, or of a Vega-Lite specification."""
    import vl_convert  # noqa: PLC0415  slow to import

    specification = chart if isinstance(chart, dict) else chart.to_dict()
    # The page may have a wider font than this process, and long names must not lose a letter.
    padding = {"left": 14, "top": 5, "right": 12, "bottom": 5}
    return str(vl_convert.vegalite_to_svg({"padding": padding, **specification}))
