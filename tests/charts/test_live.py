"""What holds for every chart: data by name, a specification that stays, a bounded payload."""

from __future__ import annotations

import json
import re

import pytest

from tests.charts.pictures import CHARTS
from tracer_nb.charts import join, split, to_svg

every = pytest.mark.parametrize("name", CHARTS)


def walk(value):
    """Every dict inside a specification."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part)


@every
def test_a_chart_is_taken_apart_and_put_together_again(name):
    chart = CHARTS[name]("small")
    specification, values = split(chart)
    assert to_svg(join(specification, values)) == to_svg(chart)
    # All figures are in the values, each data set once.
    assert not any("values" in part for part in walk(specification) if "data" in part)
    used = {part["data"]["name"] for part in walk(specification) if "data" in part}
    looked_up = {part["from"]["data"]["name"] for part in walk(specification) if "from" in part}
    assert used | looked_up == set(values)
    assert all(set(part["data"]) == {"name"} for part in walk(specification) if "data" in part)
    assert all(isinstance(row, dict) for rows in values.values() for row in rows)
    assert to_svg(specification).startswith("<svg")  # empty, and no error


def test_parts_of_a_chart_are_nobodys_else():
    specification, values = split(CHARTS["rate"]("small"))
    whole = join(specification, values)
    whole["layer"].clear()
    assert specification["layer"]


@every
def test_other_data_need_no_other_specification(name):
    one, values = split(CHARTS[name]("small"))
    two, others = split(CHARTS[name]("other"))
    if name == "map by label":  # a legend's words are laid out once
        pattern = r'"labelExpr": "[^}]*?datum.value\]"'
        one, two = (re.sub(pattern, "", json.dumps(s)) for s in (one, two))
    assert one == two
    assert values != others
    assert set(values) == set(others)


def test_a_preview_becomes_a_certificate_without_being_drawn_anew():
    preview, _ = split(CHARTS["preview"]("small"))
    frontier, _ = split(CHARTS["frontier"]("small"))
    assert preview == frontier


@every
def test_values_stay_small_whatever_the_number_of_rows(name):
    _, values = split(CHARTS[name]("large"))
    size = len(json.dumps(values, ensure_ascii=False).encode())
    assert 200 < size < (400_000 if name.startswith("map") else 60_000)
    assert "NaN" not in json.dumps(values)
    assert "Infinity" not in json.dumps(values)


@every
def test_the_page_decides_the_width(name):
    fluid = CHARTS[name]("small", width="container").to_dict()
    assert fluid["width"] == "container"
    assert to_svg(fluid).startswith("<svg")
    # A number is the width of the whole, axes and names included.
    (width,) = re.findall(r'<svg [^>]*?width="(\d+)"', to_svg(CHARTS[name]("small", width=500)))
    assert abs(int(width) - 500) <= 1


@every
def test_a_chart_says_on_how_many_rows_it_stands(name):
    (about,) = split(CHARTS[name]("small"))[1]["about"]
    text = " ".join(about["title"])
    assert re.search(r"\d", text)
    assert all(len(line) <= 66 for line in about["title"])
    shown = re.sub(r"<[^>]+>", " ", to_svg(CHARTS[name]("small")))
    assert about["title"][0] in shown


@every
def test_charts_with_an_interval_say_which_it_is(name):
    with_interval = {"frontier", "preview", "agreement", "reliability"}
    without = {"learning", "total cost", "confusion"}
    title = " ".join(split(CHARTS[name]("small"))[1]["about"][0]["title"])
    if name in with_interval:
        assert "pointwise 90\N{NO-BREAK SPACE}% interval" in title
    if name in without:
        assert "no interval" in title.lower()


@every
def test_axes_have_units_or_words(name):
    # Vega-Lite joins the titles of layers: of each channel only one may be there.
    for channel in ("x", "y"):
        titles = {
            layer["encoding"][channel].get("title")
            for layer in CHARTS[name]("small").to_dict()["layer"]
            if "field" in layer.get("encoding", {}).get(channel, {})
        }
        assert len(titles - {None}) <= 1
