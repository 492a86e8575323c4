"""Colours are seen on light and dark pages."""

from __future__ import annotations

import pytest

from tracer_nb.charts import parts
from tracer_nb.records import STATUSES

COLOURS = {*parts.STATUS_COLOURS, *parts.LABEL_COLOURS, parts.CURVE, parts.TARGET, parts.OTHER}


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", sorted(COLOURS))
@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_marks_stand_out_from_the_page(colour, page):
    assert contrast(colour, page) >= 3


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_text_is_read_on_any_page(page):
    assert contrast(parts.TEXT, page) >= 4


@pytest.mark.parametrize("colour", [parts.WEAK, parts.STRONG])
def test_white_numbers_are_read_in_every_cell(colour):
    assert contrast("#ffffff", colour) >= 4.5


def test_there_is_a_colour_for_each():
    assert len(set(parts.STATUS_COLOURS)) == len(STATUSES)
    assert len(set(parts.LABEL_COLOURS)) == 10
    # No two share colour and shape.
    pairs = {(c, parts.SHAPES[i % 5]) for i, c in enumerate(parts.LABEL_COLOURS)}
    assert len(pairs) == 10
