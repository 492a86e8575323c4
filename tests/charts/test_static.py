"""Drawing in this process, whatever characters names have."""

import pytest

from tracer_nb.charts import to_svg

FLAGS = "🇩🇪🇫🇷🇮🇹🇪🇸🇬🇧🇵🇱🇨🇿🇦🇹🇨🇭🇳🇱"


def chart(name):
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": [{"name": name, "n": 3}]},
        "mark": "bar",
        "encoding": {
            "x": {"field": "n", "type": "quantitative"},
            "y": {"field": "name", "type": "nominal", "axis": {"labelLimit": 60}},
        },
    }


@pytest.mark.parametrize("name", [FLAGS, f"complaints about {FLAGS} delivery", "😡" * 12, "no 😡"])
def test_names_of_emoji_that_are_too_long_are_drawn(name, capfd):
    assert to_svg(chart(name)).startswith("<svg")
    if len(name) > 12 or len(name) < 5:
        assert capfd.readouterr().err == ""


def test_a_short_name_keeps_its_emoji():
    assert "😡" in to_svg(chart("no 😡"))


def test_what_cannot_be_drawn_for_another_reason_still_fails():
    with pytest.raises(ValueError, match="conversion failed"):
        to_svg({**chart("a"), "mark": {"type": "nothing"}})
