"""Colours on a page whose ground is known: each has a contrast of 4.5 there."""

import pytest

from tracer_nb.charts import SHADES, parts


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


# JupyterLab's grounds, and VS Code's.
@pytest.mark.parametrize(
    ("page", "grounds"), [("light", ["#ffffff"]), ("dark", ["#111111", "#1e1e1e"])]
)
def test_every_colour_has_a_shade_that_is_seen(page, grounds):
    colours = {
        *(parts.CURVE, parts.TARGET, parts.CERTIFIED, parts.HAND, parts.TEXT, parts.OTHER),
        *(parts.SURE, parts.UNSURE, *parts.STATUS_COLOURS, *parts.LABEL_COLOURS),
    }
    assert set(SHADES[page]) == colours
    for ground in grounds:
        assert min(contrast(shade, ground) for shade in SHADES[page].values()) >= 4.5


def test_shades_are_not_taken_for_colours():
    """They are put in one after the other."""
    for shades in SHADES.values():
        assert not set(shades) & set(shades.values())


def test_white_text_is_read_on_the_heat_map():
    assert min(contrast(colour, "#ffffff") for colour in (parts.WEAK, parts.STRONG)) >= 4.5
