"""The bill in words: one figure leads, and "saved" means one thing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.unit.test_words import PLAN
from tracer_nb.records import Bill, Refused, WayOut
from tracer_nb.words import bill_cells, bill_facts, bill_sentence, plan_lines, report_lines

DONE = Bill(13_083, n_start=300, n_hard=1120, n_test=240, n_deferred=570, price=9.6 / 13_083)
BEFORE = Bill(13_083, n_start=300, n_hard=20, price=9.6 / 13_083)


def test_counts_add_up():
    assert (DONE.n_asked, DONE.total, DONE.saved) == (1660, 2230, 10_853)
    assert DONE.saved_share == pytest.approx(0.8295, abs=1e-4)
    assert DONE.dollars(DONE.total) == pytest.approx(1.636, abs=1e-3)
    assert (BEFORE.total, BEFORE.saved, BEFORE.saved_share) == (None, None, None)
    assert BEFORE.dollars(None) is None
    assert Bill(0, n_deferred=0).saved_share == 0.0


def test_what_was_saved_leads(make_report):
    report = make_report(bill=DONE)
    assert bill_sentence(report) == (
        "Saved 83 % of the calls, labels counted in: 2,230 of 13,083 texts asked about (300 to "
        "begin with, 1,120 hard ones, 240 to test, 570 deferred), about $1.64 instead of $9.60."
    )
    assert report_lines(report)[0] == bill_sentence(report)
    assert bill_facts(report) == [
        ("83 %", "of the calls saved, labels counted in: 2,230 of 13,083 texts asked about")
    ]


def test_what_is_still_to_be_asked_is_no_saving_yet(make_report):
    some = bill_sentence(make_report(bill=replace(DONE, n_waiting=200)))
    assert some.startswith("Saves 83 % of the calls")
    assert "570 deferred, 200 of them not answered yet)" in some
    every = bill_sentence(make_report(bill=replace(DONE, n_waiting=570)))
    assert "570 deferred and not answered yet)" in every


def test_an_audited_text_is_not_called_deferred(make_report):
    sentence = bill_sentence(make_report(bill=replace(DONE, n_audited=98)))
    assert "2,230 of 13,083 texts asked about" in sentence
    assert "240 to test, 472 deferred, 98 audited or known before)" in sentence


def test_a_random_sample_has_other_words(make_report):
    bill = Bill(600, n_start=210, n_test=90, n_deferred=100, n_new_rows=20)
    sentence = bill_sentence(make_report(bill=bill))
    assert "(210 to fit on, 90 to test, 20 for new rows, 100 deferred)." in sentence
    assert "$" not in sentence  # no price is known


def test_before_the_certificate_it_is_an_expectation(make_report):
    early = make_report(bill=BEFORE, certificate=None)
    assert bill_sentence(early) == (
        "Asked about 320 of 13,083 texts so far (300 to begin with, 20 hard ones). What is saved "
        "shows with the certificate."
    )
    expected = replace(BEFORE, expected=((300, 4000.0), (320, 2251.7)))
    report = make_report(bill=expected, certificate=None, simulated=True)
    assert bill_sentence(report).endswith(
        " Expected in all: about 2,250 of 13,083 texts, at made-up prices about $1.65 instead of $9.60."
    )
    assert bill_facts(report)[1] == ("about 2,250", "texts asked about in all, as now expected")
    assert [value for value, _ in bill_cells(expected)] == ["320", "about 2,250", "83 %"]
    assert [value for value, _ in bill_cells(DONE)] == ["83 %", "2,230"]


def test_nothing_certified_is_nothing_saved_and_the_choices_are_named(
    make_report, make_certificate
):
    refused = make_certificate(certified=False, n_handled=0, n_agree=0, note="too few rows")
    report = make_report(bill=BEFORE, certificate=refused)
    sentence = bill_sentence(report)
    assert sentence.startswith("Nothing is certified, so nothing is saved: 320 of 13,083 texts")
    assert "ask about these too (route --ask, about $9.37 more)" in sentence
    assert sentence.endswith(" or label more rows and certify again.")
    assert bill_facts(report)[0][0] == "0 %"
    # Who chose hard rows is not told to label more of them.
    chosen = make_report(bill=replace(BEFORE, expected=((300, 13_083.0),)), certificate=refused)
    assert bill_sentence(chosen).endswith(
        "left: ask about these too (route --ask, about $9.37 more)."
    )
    # A lower target is named where one is likely, with its chance.
    way = WayOut("target", chance=0.82, target=0.86)
    likely = replace(chosen, refused=Refused("few", ways=(way,)))
    assert bill_sentence(likely).endswith(
        "(route --ask, about $9.37 more) or lower the target to 86 % (about 8 in 10 chances)."
    )
    everything = replace(BEFORE, n_deferred=12_763)
    assert bill_sentence(make_report(bill=everything, certificate=refused)).startswith(
        "Nothing is certified, so nothing is saved: all 13,083 texts were asked about"
    )
    assert bill_sentence(make_report(bill=everything)).startswith("Saved nothing: all 13,083 texts")


def test_nothing_asked_says_nothing(make_report):
    for bill in (None, Bill(600)):
        assert bill_sentence(make_report(bill=bill)) == ""
        assert bill_facts(make_report(bill=bill)) == []


def test_saved_is_said_once_and_means_one_thing(make_report):
    lines = " ".join(report_lines(make_report(bill=DONE, saved=5.0)))
    assert len(re.findall("saved|Saved", lines)) == 1
    assert "instead of $9.60" in lines and "Asking gpt-5-mini" not in lines  # noqa: PT018
    alone = " ".join(report_lines(make_report(bill=None, saved=5.0)))
    assert "Not asking about the other texts saved about $5.00." in alone


def test_a_plan_tells_the_range_of_the_bill():
    plan = replace(
        PLAN,
        labelling="hard-first",
        n_sample=300,
        n_unique=13_083,
        bill_low=1900,
        bill_high=2600,
        bill_source="the random start of the last run",
        cost_all=9.6,
    )
    assert (
        "About 1,900 to 2,600 of 13,083 texts will be asked about in all, $1.39 to $1.91 instead of "
        "$9.60: 300 rows at random first, then hard ones, until the rest can be certified; judged "
        "by the random start of the last run."
    ) in plan_lines(plan)
    lines = " ".join(plan_lines(replace(plan, bill_low=None)))
    assert "then hard ones, until the rest can be certified; how many in all shows" in lines
    assert "so nothing can be certified" not in lines
    assert "random start of 300 rows" in lines
    assert "hard ones" not in " ".join(plan_lines(replace(plan, labelling="random")))


def test_a_small_column_is_told_what_can_be_saved_at_the_very_most():
    plan = replace(PLAN, labelling="hard-first", n_unique=300, n_sample=60, fewest_labels=52)
    assert "of so small a column 188 texts can be saved at the very most." in plan_lines(plan)[-1]
    plan = replace(plan, n_unique=90)
    assert "of so small a column 0 texts can be saved" in plan_lines(plan)[-1]
    assert "small" not in plan_lines(replace(plan, n_unique=5_000))[-1]
    assert "small" not in plan_lines(replace(plan, labelling="random"))[-1]
