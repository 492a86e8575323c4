"""The card: every text escaped, every sentence there."""

import re

import pytest

from tracer_nb.records import Bill, PromiseName, Spending
from tracer_nb.widgets import Card, card
from tracer_nb.widgets.card import safe
from tracer_nb.words import bill_lead, certificate_sentence, report_lines, short_promise

from .reader import NASTY, read


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    """Half a second each; test_page.py draws."""
    monkeypatch.setattr(card, "to_svg", lambda chart: f"<svg>{len(chart.to_dict())}</svg>")


def test_html_has_the_sentences_of_the_report(make_report):
    report = make_report()
    _, text = read(Card(report).html())
    for line in report_lines(report):
        assert line in text


def test_the_plain_text_is_the_report(make_report):
    report = make_report()
    bundle = Card(report)._repr_mimebundle_()
    assert bundle["text/plain"] == repr(Card(report)) == "\n".join(report_lines(report))
    assert set(bundle) == {"text/plain", "text/html"}


def test_figures_first(make_report):
    _, text = read(Card(make_report()).html())
    assert "1,500 of 3,000 rows answered by the surrogate" in text
    assert "95 % agreed: 228 of the 240 handled rows that were tested" in text
    assert "$1.84 paid, instead of about $7.31" in text


def test_a_picture_is_described_as_what_it_is(make_report, make_certificate):
    recall = {"promise": PromiseName("recall", "urgent"), "n_counted": 50}
    for how, alt in (
        ({}, "Agreement against coverage on 300 calibration rows, certified at 80 % coverage"),
        (recall, "Recall of urgent against coverage on 300 calibration rows, certified at 80 %"),
        (
            {**recall, "n_known": 40},
            "Agreement against coverage on 300 calibration rows, not recall of urgent, which is",
        ),
        (
            {"n_calibration": 0, "n_handled": 0, "certified": False},
            "Agreement against coverage on fitting rows, no point certified",
        ),
    ):
        html = Card(make_report(certificate=make_certificate(**how))).html()
        assert f'alt="{alt}' in html.replace("&nbsp;", " ")


def test_the_bill_leads(make_report):
    bill = Bill(2000, n_start=300, n_hard=100, n_test=50, n_deferred=50, price=0.003)
    html = Card(make_report(bill=bill)).html()
    _, text = read(html)
    assert text.startswith("75 % of the calls saved, labels counted in: 500 of 2,000 texts asked")
    first = html.index('class="tracer-first"><b>75&nbsp;% </b>'.replace(" </b>", "</b>"))
    assert first < html.index("rows answered by the surrogate") < html.index("With 95&nbsp;%")
    assert 'class="tracer-first"' not in Card(make_report()).html()


def test_abstained_rows_are_a_figure_and_a_sentence(make_report):
    report = make_report(n_teacher=1430, n_unlike=45, n_unsure=15)
    _, text = read(Card(report).html())
    assert "60 of 3,000 rows abstained" in text
    assert "Abstained from 60 rows: 45 unlike every labelled row" in text
    assert "abstain" not in Card(make_report()).html()


def test_a_stand_in_is_never_said_to_be_paid(make_report):
    _, text = read(
        Card(
            make_report(teacher="the stand-in", note="A stand-in: nothing paid.", simulated=True)
        ).html()
    )
    assert "at made-up prices" in text
    assert "A stand-in: nothing paid." in text


def test_an_unknown_cost_is_not_a_figure_in_dollars(make_report):
    _, text = read(Card(make_report(spending=Spending(asked=1, cost=None), cost_all=None)).html())
    assert "1 text asked, at unknown cost" in text
    assert "$" not in text


@pytest.mark.parametrize("field", ["teacher", "surrogate", "features", "note", "stopped"])
def test_every_text_is_escaped(make_report, field):
    html = Card(make_report(**{field: NASTY})).html()
    reader, text = read(html)
    assert "<script" not in html
    assert "script" not in reader.tags
    assert NASTY in text


def test_reasons_and_notes_are_escaped(make_report, make_certificate):
    refused = make_certificate(certified=False, n_handled=0, n_agree=0, note=NASTY)
    report = make_report(certificate=refused, missing_reasons=((f"not a label: {NASTY}", 3),))
    reader, text = read(Card(report).html())
    assert "script" not in reader.tags
    assert text.count(NASTY) == 2


def test_a_refusal_looks_like_one_and_draws_no_point(make_report, make_certificate):
    refused = make_certificate(certified=False, n_handled=0, n_agree=0, note="too few rows")
    html = Card(make_report(certificate=refused)).html()
    assert 'class="tracer-head tracer-warn"' in html
    assert "no point certified" in html
    assert "tracer-head tracer-warn" not in Card(make_report()).html()


def _flat(report):
    return Card(report).html().replace("\n", " ")


def test_without_styles_bill_and_promise_still_stand_out(make_report):
    """As on pages that show stored notebooks and take styles, classes and scripts away."""
    bill = Bill(2000, n_start=300, n_hard=100, n_test=50, n_deferred=50, price=0.003)
    report = make_report(bill=bill)
    bare = re.sub(r"<style>.*?</style>| (?:class|style)=\"[^\"]*\"", "", _flat(report))
    loud = [line for line in (bill_lead(report), short_promise(report)) if line]
    assert re.findall(r"<p><strong>(.*?)</strong></p>", bare) == [safe(line) for line in loud]
    # Value and name are two words even where they do not stand below one another.
    assert "<b>75&nbsp;%</b> <span>of the calls saved" in bare
    assert all(" alt=" in image for image in re.findall("<img[^>]*>", bare))


def test_a_stopped_run_says_so_first(make_report):
    html = Card(make_report(stopped="interrupted", certificate=None, frontier=None)).html()
    _, text = read(html)
    assert text.startswith("Stopped: interrupted. Every stored answer is kept; run again to go on.")
    assert "<img" not in html


def test_before_anything_was_done(make_report):
    fresh = make_report(
        surrogate="", certificate=None, frontier=None, n_surrogate=0, n_teacher=0, n_missing=0
    )
    _, text = read(Card(fresh).html())
    assert "Nothing is certified yet." in text


@pytest.mark.parametrize("kind", [{}, {"n_population": 2862, "n_population_handled": 2681}])
def test_the_promise_is_short_and_what_it_means_is_folded(make_report, make_certificate, kind):
    report = make_report(certificate=make_certificate(**kind))
    short = short_promise(report)
    assert len(short.split()) <= 25
    assert ("of the 2,681 rows" in short) == bool(kind)
    html = Card(report).html()
    head, folded = html.split("<details><summary>What this means</summary>")
    assert safe(short) in head
    assert safe(certificate_sentence(report)) in folded
    refused = make_report(certificate=make_certificate(certified=False, note="too few rows"))
    assert short_promise(refused) == certificate_sentence(refused)  # why, and what to do
