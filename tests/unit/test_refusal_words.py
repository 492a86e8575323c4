"""What the card says where nothing was certified: why, and the ways out with their prices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tracer_nb.records import CAUSES, Carried, Pilot, Refused, WayOut
from tracer_nb.steps.route.refused import _Ways
from tracer_nb.widgets import Card
from tracer_nb.words import carried_lines, chance_words, refusal_lines, report_lines

GUIDE = Path(__file__).parents[2] / "notebooks" / "guide.md"
NUMBERS = {"agreement": 0.84, "surest": 0.9, "ceiling": 0.88, "unlabelled": 0.12, "chance": 0.7}
LEFT = 0.9

LABELS = WayOut("labels", 1000, 0.5, 0.72, LEFT, n_labels=2000)
TARGET = WayOut("target", 0, 0.0, 0.83, LEFT, target=0.86)
HARD = WayOut("hard-first", cost=None, confidence=LEFT)
FEATURES = WayOut("features", confidence=LEFT)
REASK = WayOut("reask", 100, 0.2)
AGAIN = WayOut("again", cost=None)
ASK = WayOut("ask", 2000, 1.0)

SITUATIONS = {
    "stopped": (AGAIN, ASK),
    "labels": (AGAIN, ASK),
    "teacher": (LABELS, TARGET, REASK, ASK),
    "threshold": (LABELS, TARGET, ASK),
    "classes": (LABELS, ASK),
    "rows": (LABELS, TARGET, HARD, ASK),
    "late": (TARGET, ASK),
    "column": (TARGET, ASK),
    "luck": (LABELS, TARGET, HARD, ASK),
    "few": (LABELS, TARGET, HARD, ASK),
    "gate": (LABELS, TARGET, FEATURES, REASK, ASK),
    "surrogate": (LABELS, TARGET, HARD, FEATURES, REASK, ASK),
}
SAID = {
    "labels": "More labels: 1,000 more texts, about $0.50; about 7 in 10 chances to certify 92 %; 90 % confidence is left for all certificates together. %tracer run --sample 2000",
    "target": "A lower target: asks nothing; about 8 in 10 chances to certify 86 %; 90 % confidence is left for all certificates together. %tracer run --target 0.86",
    "hard-first": "Hard rows first, which asks for fewer labels: 90 % confidence is left for all certificates together. %tracer run --labelling hard-first",
    "features": "Better features: asks nothing; 90 % confidence is left for all certificates together. pip install 'tracer_nb[vectors]', or --features fastembed:MODEL",
    "reask": "See whether the teacher agrees with itself: 100 more texts, about $0.20. %tracer reask --rows 100",
    "ask": "The teacher about every row: 2,000 more texts, about $1.00. %tracer route --ask",
}


@pytest.fixture
def said(make_report, make_certificate):
    def report(cause):
        ways = SITUATIONS[cause]
        certificate = make_certificate(
            certified=False,
            n_calibration=20 if cause in ("rows", "few") else 300,
            note="no test passed",
        )
        return make_report(certificate=certificate, refused=Refused(cause, **NUMBERS, ways=ways))

    return report


def test_there_is_a_situation_for_every_cause():
    assert tuple(SITUATIONS) == CAUSES


@pytest.mark.parametrize("cause", CAUSES)
def test_the_card_says_why_and_each_way_out_in_one_line(said, cause):
    report = said(cause)
    why, *ways = refusal_lines(report)
    assert why.startswith("Why: ")
    assert why.endswith(".")
    assert len(ways) == len(SITUATIONS[cause])
    for way, line in zip(SITUATIONS[cause], ways, strict=True):
        if way.name != "again":
            assert line == SAID[way.name]
    lines = report_lines(report)
    at = lines.index(why)
    assert lines[at : at + 1 + len(ways)] == [why, *ways]
    html = Card(report).html()
    assert "Why: " in html
    assert html.count("confidence is left") == sum("confidence is left" in x for x in ways)


@pytest.mark.parametrize("cause", CAUSES)
def test_the_guide_has_a_line_for_each(said, cause):
    why = refusal_lines(said(cause))[0].removeprefix("Why: ")
    names = {"again": "go on, or ask again for the missing labels"}
    ways = ", ".join(
        names.get(w.name, SAID.get(w.name, "").partition(":")[0]) for w in SITUATIONS[cause]
    )
    ways = ways.replace("Hard rows first, which asks for fewer labels", "Hard rows first").lower()
    assert f"| {why} | {ways} |" in GUIDE.read_text(encoding="utf-8")


def test_what_was_certified_has_no_ways_out(make_report):
    assert refusal_lines(make_report()) == []


def test_a_way_that_leaves_the_confidence_says_so(make_report, make_certificate):
    way = WayOut("target", 60, None, confidence=0.95, target=0.9)
    report = make_report(
        certificate=make_certificate(certified=False), refused=Refused("late", ways=(way,))
    )
    line = refusal_lines(report)[1]
    assert (
        line
        == "A lower target: 60 more texts, at unknown cost; costs no confidence. %tracer run --target 0.9"
    )


@pytest.mark.parametrize(
    ("chance", "words"), [(0.04, "hardly any"), (0.31, "about 3 in 10"), (0.949, "about 9 in 10")]
)
def test_chances(chance, words):
    assert chance_words(chance).startswith(words)


def test_targets_that_promise_nothing_share_a_line(make_report, make_certificate):
    told = [Carried(target, 35, 0.0, 0.0, 0.95) for target in (0.92, 0.7)]
    report = make_report(
        certificate=make_certificate(certified=False),
        carried=(*told, Carried(0.6, 35, 0.6, 0.3, 0.95)),
    )
    assert carried_lines(report)[1:] == [
        "at 92 % and 70 %, with 35 more labels for a test: nothing.",
        "at 60 %, with 35 more labels for a test: about 6 in 10 chances, of about 30 % of the rows left.",
    ]


def test_nothing_is_hoped_for_where_no_row_is_left(make_report, make_certificate):
    told = tuple(Carried(target, 0, 0.0, 0.0, 0.95) for target in (0.92, 0.7))
    report = make_report(certificate=make_certificate(certified=False), carried=told)
    assert carried_lines(report) == []


def test_a_card_names_one_lower_target(make_report, make_certificate):
    """The way out is the last of the targets that the labels may carry, if it is likely at all."""
    refusal = make_certificate(certified=False, target=0.92)
    ways = _Ways.__new__(_Ways)
    ways._certificate, ways._each, ways._left = refusal, 0.01, 0.95
    ways._random, ways._pilot = False, Pilot(np.ones(3), np.ones(3, bool))
    ways._told = (Carried(0.92, 120, 0.1, 0.2, 0.95), Carried(0.8, 120, 0.97, 0.4, 0.95))
    way = ways._target()
    report = make_report(
        certificate=refusal, refused=Refused("late", ways=(way,)), carried=ways._told
    )
    assert refusal_lines(report)[1].startswith(
        "A lower target: 120 more texts, about $1.20; more than 9 in 10 chances to certify 80 %; "
    )
    assert carried_lines(report)[-1].startswith(
        "at 80 %, with 120 more labels for a test: more than 9 in 10 chances, of about 40 %"
    )
    for unlikely in (Carried(0.6, 120, 0.3, 0.4, 0.95), Carried(0.92, 120, 0.9, 0.4, 0.95)):
        ways._told = (unlikely,)
        assert ways._target() is None
