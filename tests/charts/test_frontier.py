"""The chart as a specification: what is encoded, how much data, what is drawn when."""

import json

import numpy as np
import pytest

from tracer_nb.charts import frontier_chart, preview_chart, split, to_svg
from tracer_nb.engine.judge import frontier as make_engine_frontier
from tracer_nb.records import HandThreshold, Preview, PromiseName


def parts(frontier, certificate, **options):
    return split(frontier_chart(frontier, certificate, **options))


def layers(chart, mark, name):
    """Layers with this mark that draw the data set."""
    return [
        layer
        for layer in chart["layer"]
        if (layer["mark"]["type"], layer["data"]["name"]) == (mark, name)
    ]


def test_the_curve_is_agreement_against_coverage_with_its_band(make_frontier, make_certificate):
    chart, values = parts(make_frontier(), make_certificate())
    (line,) = layers(chart, "line", "curve")
    assert line["encoding"]["x"]["field"] == "coverage"
    assert line["encoding"]["x"]["scale"]["domain"] == [0, 1]
    assert line["encoding"]["y"]["field"] == "agreement"
    (band,) = layers(chart, "area", "curve")
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("low", "high")
    assert values["curve"][-1] == {
        "coverage": 1.0,
        "agreement": pytest.approx(0.85),
        "low": pytest.approx(0.8),
        "high": pytest.approx(0.9),
        "rows": 300,
        "threshold": 0.5,
    }


def test_titles_say_what_is_drawn(make_frontier, make_certificate):
    chart, values = parts(make_frontier(), make_certificate(n_calibration=1300))
    (line,) = values["about"][0]["title"]
    assert line == "On 1,300 calibration rows; band: pointwise 90\N{NO-BREAK SPACE}% interval"
    assert "data('about')[0].title" in chart["title"]["text"]["expr"]
    (line,) = layers(chart, "line", "curve")
    assert (
        line["encoding"]["x"]["title"] == "Coverage: share of these rows that the surrogate answers"
    )
    titles = {
        layer["encoding"]["y"].get("title") for layer in chart["layer"] if "y" in layer["encoding"]
    }
    # Vega-Lite joins the titles of layers: only one may be there.
    assert titles - {None} == {"Agreement with the teacher"}


def test_a_curve_is_called_what_it_is_of(make_frontier, make_certificate):
    """Of rows that are read to find a label, and before any test, it is no curve of the promise."""
    recall = PromiseName("recall", "urgent")
    held = {"promise": recall, "certified": True, "n_counted": 50, "n_wrong": 1}
    chart, values = parts(make_frontier(), make_certificate(**held))
    assert layers(chart, "line", "curve")[0]["encoding"]["y"]["title"] == "Recall of urgent"
    assert len(values["certified"]) == len(values["target"]) == 1
    for how in ({"n_known": 40}, {"n_calibration": 0, "certified": False}):
        chart, values = parts(make_frontier(), make_certificate(**{**held, **how}))
        (line,) = layers(chart, "line", "curve")
        assert line["encoding"]["y"]["title"] == "Agreement with the teacher"
        assert values["certified"] == values["target"] == []
        first, second = "".join(values["about"][0]["title"]).split("On ")
        assert first.startswith("Promise: recall of urgent, ")
        assert "the curve is agreement on handled rows" in first
        assert second.startswith("fitting rows" if "n_calibration" in how else "300 calibration")
    refused = make_certificate(n_calibration=0, certified=False)
    _, values = parts(make_frontier(), refused)
    assert values["about"][0]["title"][0].startswith("On fitting rows out of fold; ")
    assert values["target"]


@pytest.mark.parametrize("target", [0.5, 0.92, 0.999])
def test_the_target_is_a_line_inside_the_picture(make_frontier, make_certificate, target):
    chart, values = parts(make_frontier(), make_certificate(target=target, certified=False))
    (rule,) = layers(chart, "rule", "target")
    assert values["target"][0]["agreement"] == target
    assert values["target"][0]["text"] == f"target {100 * target:g} %"
    low, high = rule["encoding"]["y"]["scale"]["domain"]
    assert "data('about')[0].bottom" in low["expr"]
    assert 0 <= values["about"][0]["bottom"] < target < high == 1


def test_the_certified_point_stands_where_the_certificate_does(make_frontier, make_certificate):
    certificate = make_certificate(n_handled=150, n_agree=147, agreement=0.98)
    chart, values = parts(make_frontier(), certificate)
    assert values["certified"] == [
        {"coverage": 0.5, "agreement": 0.98, "text": "certified at 92 %: 150 rows", "right": False}
    ]
    (point,) = layers(chart, "point", "certified")
    assert (point["encoding"]["x"]["field"], point["encoding"]["y"]["field"]) == (
        "coverage",
        "agreement",
    )
    assert len(layers(chart, "rule", "certified")) == 1


def test_a_threshold_moved_by_hand_is_said_not_to_be_certified(make_frontier, make_certificate):
    hand = HandThreshold(0.6, 0.71, 300, 210, 190, 0.86, 0.94, 3.0)
    _, values = parts(make_frontier(), make_certificate(), hand=hand)
    assert values["hand"] == [
        {
            "coverage": 0.7,
            "agreement": 190 / 210,
            "text": "by hand: 70 %, not certified",
            "right": True,
        }
    ]
    svg = to_svg(frontier_chart(make_frontier(), make_certificate(), hand=hand))
    assert "by hand: 70 %, not certified" in svg
    nothing = HandThreshold(1.0, 0.0, 300, 0, 0, 0.0, 1.0, 0.0)
    assert parts(make_frontier(), make_certificate(), hand=nothing)[1]["hand"] == []


def test_no_point_without_a_certificate(make_frontier, make_certificate):
    refused = make_certificate(
        certified=False, n_handled=0, n_agree=0, agreement=float("nan"), threshold=float("inf")
    )
    _, values = parts(make_frontier(), refused)
    assert values["certified"] == values["hand"] == []
    assert "NaN" not in json.dumps(values)


@pytest.mark.parametrize("n", [1, 50, 500, 200_000])
def test_the_data_do_not_grow_with_the_rows(make_certificate, n):
    rng = np.random.default_rng(0)
    scores = rng.random(n)
    frontier = make_engine_frontier(scores, rng.random(n) < scores)
    _, values = parts(
        frontier, make_certificate(n_calibration=n, n_handled=n // 2, certified=n > 1)
    )
    assert max(map(len, values.values())) <= 100
    assert len(json.dumps(values)) < 15_000


def test_points_on_a_handful_of_rows_are_left_out(make_frontier, make_certificate):
    _, values = parts(make_frontier(), make_certificate())
    assert min(row["rows"] for row in values["curve"]) >= 20
    # Unless there are no others.
    _, few = parts(make_frontier(n_points=5, n_rows=10), make_certificate())
    assert [row["rows"] for row in few["curve"]] == [10]


def test_an_empty_frontier_still_draws_the_target(make_certificate):
    empty = make_engine_frontier(np.array([]), np.array([], dtype=bool))
    certificate = make_certificate(n_calibration=0, n_handled=0, certified=False)
    assert parts(empty, certificate)[1]["curve"] == []
    assert "target 92 %" in to_svg(frontier_chart(empty, certificate))


def test_a_preview_says_that_it_is_one(make_frontier):
    preview = Preview(600, 420, make_frontier(), 0.9, 0.61)
    _, values = split(preview_chart(preview))
    first, second = values["about"][0]["title"]
    assert first == "Preview with 600 labels: a certificate may reach 61\N{NO-BREAK SPACE}%"
    assert second.startswith("On 420 fitting rows out of fold")
    assert values["certified"] == []
    assert values["target"][0]["text"] == "target 90 %"


def test_svg_is_drawn_here(make_frontier, make_certificate):
    svg = to_svg(frontier_chart(make_frontier(), make_certificate()))
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    for text in (
        "target 92 %",
        "certified at 92 %: 240 rows",
        "Agreement with the teacher",
        "300 calibration",
    ):
        assert text in svg
