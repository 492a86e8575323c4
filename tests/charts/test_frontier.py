"""The chart as a specification: what is encoded, how much data, what is drawn when."""

import json

import pytest

from tracer_nb.charts import frontier_chart, to_svg
from tracer_nb.engine.frontier import frontier as make_engine_frontier


def spec(frontier, certificate):
    return frontier_chart(frontier, certificate).to_dict()


def layers(chart, mark):
    return [layer for layer in chart["layer"] if layer["mark"]["type"] == mark]


def values(layer):
    return layer["data"]["values"]


def test_the_curve_is_agreement_against_coverage_with_its_band(make_frontier, make_certificate):
    chart = spec(make_frontier(), make_certificate())
    (line,) = layers(chart, "line")
    assert line["encoding"]["x"]["field"] == "coverage"
    assert line["encoding"]["x"]["scale"]["domain"] == [0, 1]
    assert line["encoding"]["y"]["field"] == "agreement"
    (band,) = layers(chart, "area")
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("low", "high")
    row = values(line)[-1]
    assert row == {
        "coverage": 1.0,
        "agreement": pytest.approx(0.85),
        "low": pytest.approx(0.8),
        "high": pytest.approx(0.9),
        "rows": 300,
    }


def test_titles_say_what_is_drawn(make_frontier, make_certificate):
    chart = spec(make_frontier(), make_certificate(n_calibration=1300))
    assert chart["title"] == "On 1,300 calibration rows; band: pointwise 90 % interval"
    (line,) = layers(chart, "line")
    assert line["encoding"]["x"]["title"] == "Coverage: share of rows the surrogate answers"
    titles = {
        layer["encoding"]["y"].get("title") for layer in chart["layer"] if "y" in layer["encoding"]
    }
    # Vega-Lite joins the titles of layers: only one may be there.
    assert titles - {None} == {"Agreement with the teacher"}


@pytest.mark.parametrize("target", [0.5, 0.92, 0.999])
def test_the_target_is_a_line_inside_the_picture(make_frontier, make_certificate, target):
    chart = spec(make_frontier(), make_certificate(target=target, certified=False))
    (rule,) = layers(chart, "rule")
    assert values(rule)[0]["agreement"] == target
    assert values(rule)[0]["text"] == f"target {100 * target:g} %"
    low, high = rule["encoding"]["y"]["scale"]["domain"]
    assert 0 <= low < target < high == 1


def test_the_certified_point_stands_where_the_certificate_does(make_frontier, make_certificate):
    chart = spec(make_frontier(), make_certificate(n_handled=150, n_agree=147, agreement=0.98))
    point = layers(chart, "point")[-1]
    assert values(point) == [{"coverage": 0.5, "agreement": 0.98, "text": "certified: 50.0 %"}]
    assert len(layers(chart, "rule")) == 2  # the target and the coverage
    assert "certified" in json.dumps(chart)


def test_no_point_without_a_certificate(make_frontier, make_certificate):
    refused = make_certificate(
        certified=False, n_handled=0, n_agree=0, agreement=float("nan"), threshold=float("inf")
    )
    chart = spec(make_frontier(), refused)
    assert "certified" not in json.dumps(chart)
    assert "NaN" not in json.dumps(chart)
    assert len(layers(chart, "point")) == 1  # the hover targets


@pytest.mark.parametrize("n", [1, 50, 500, 200_000])
def test_the_data_do_not_grow_with_the_rows(make_certificate, n):
    import numpy as np

    rng = np.random.default_rng(0)
    scores = rng.random(n)
    frontier = make_engine_frontier(scores, rng.random(n) < scores)
    chart = spec(frontier, make_certificate(n_calibration=n, n_handled=n // 2, certified=n > 1))
    sizes = [len(values(layer)) for layer in chart["layer"]]
    assert max(sizes) <= 100
    assert len(json.dumps(chart)) < 60_000


def test_points_on_a_handful_of_rows_are_left_out(make_frontier, make_certificate):
    (line,) = layers(spec(make_frontier(), make_certificate()), "line")
    assert min(row["rows"] for row in values(line)) >= 20
    # Unless there are no others.
    (few,) = layers(spec(make_frontier(n_points=5, n_rows=10), make_certificate()), "line")
    assert [row["rows"] for row in values(few)] == [10]


def test_an_empty_frontier_still_draws_the_target(make_certificate):
    import numpy as np

    empty = make_engine_frontier(np.array([]), np.array([], dtype=bool))
    chart = spec(empty, make_certificate(n_calibration=0, n_handled=0, certified=False))
    assert len(layers(chart, "rule")) == 1
    assert to_svg(frontier_chart(empty, make_certificate(n_calibration=0, certified=False)))


def test_svg_is_drawn_here(make_frontier, make_certificate):
    svg = to_svg(frontier_chart(make_frontier(), make_certificate()))
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    for text in (
        "target 92 %",
        "certified: 80.0 %",
        "Agreement with the teacher",
        "300 calibration",
    ):
        assert text in svg
