"""What holds for every chart: data by name, a specification that stays, a bounded payload."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import pytest

from tests.charts.pictures import CHARTS
from tracer_nb.charts import join, split, to_svg, values_of

every = pytest.mark.parametrize("name", CHARTS)


@lru_cache
def parts(name, size="small"):
    return split(CHARTS[name](size))


@lru_cache
def svg(name):
    return to_svg(CHARTS[name]("small"))


def title(name):
    return parts(name)[1]["about"][0]["title"]


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
    specification, values = parts(name)
    assert to_svg(join(specification, values)) == svg(name)
    assert values_of(CHARTS[name]("small")) == values
    # All figures are in the values, each data set once.
    assert not any("values" in part for part in walk(specification) if "data" in part)
    used = {part["data"]["name"] for part in walk(specification) if "data" in part}
    looked_up = {part["from"]["data"]["name"] for part in walk(specification) if "from" in part}
    assert used | looked_up == set(values)
    assert all(set(part["data"]) == {"name"} for part in walk(specification) if "data" in part)
    assert all(isinstance(row, dict) for rows in values.values() for row in rows)


@every
def test_a_chart_without_its_data_is_empty_and_no_error(name):
    empty = to_svg(parts(name)[0])
    assert empty.startswith("<svg")
    assert title(name)[0] not in empty
    assert title(name)[0] in svg(name)


def test_parts_of_a_chart_are_nobodys_else():
    specification, values = split(CHARTS["rate"]("small"))
    whole = join(specification, values)
    whole["layer"].clear()
    assert specification["layer"]
    one, two = CHARTS["rate"]("small"), CHARTS["rate"]("other")
    assert values_of(one) == values != values_of(two)
    assert one.properties(width=10).to_dict()["width"] == 10
    assert one.to_dict()["width"] == two.to_dict()["width"] == 620


@every
def test_other_data_need_no_other_specification(name):
    one, values = parts(name)
    two, others = parts(name, "other")
    if name == "map by label":  # a legend's words are laid out once
        pattern = r'"labelExpr": "[^}]*?datum.value\]"'
        one, two = (re.sub(pattern, "", json.dumps(s)) for s in (one, two))
    assert one == two
    assert values != others
    assert set(values) == set(others)


def test_a_preview_becomes_a_certificate_without_being_drawn_anew():
    assert parts("preview")[0] == parts("frontier")[0]


@every
def test_values_stay_small_whatever_the_number_of_rows(name):
    values = values_of(CHARTS[name]("large"))
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
    assert re.search(r"\d", " ".join(title(name)))
    assert all(len(line) <= 66 for line in title(name))


@every
def test_charts_with_an_interval_say_which_it_is(name):
    text = " ".join(title(name))
    if name in {"frontier", "preview", "agreement", "reliability", "slices"}:
        assert "pointwise 90\N{NO-BREAK SPACE}% interval" in text
    if name == "lost":
        assert "estimates, no promise" in text
    if name == "watch":
        assert "valid at all times" in text
    if name == "confusion":
        assert "no interval" in text.lower()


@every
def test_an_axis_has_one_title(name):
    # Vega-Lite joins the titles of layers.
    for channel in ("x", "y"):
        titles = {
            layer["encoding"][channel].get("title")
            for layer in parts(name)[0]["layer"]
            if "field" in layer.get("encoding", {}).get(channel, {})
        }
        assert len(titles - {None}) <= 1
