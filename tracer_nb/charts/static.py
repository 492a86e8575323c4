"""A chart as SVG text, drawn in this process: no browser, no network."""

from __future__ import annotations

from typing import Any

__all__ = ["to_svg"]

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
