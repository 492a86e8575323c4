"""The bill in the panel and in the report: it leads, and it is there while a run goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.charts import pictures
from tracer_nb.live.lookout import Lookout
from tracer_nb.records import Bill, Progress, Spending
from tracer_nb.records.moments import Findings, Moment
from tracer_nb.widgets.panel.bundle import draw, sources
from tracer_nb.widgets.panel.report import _values
from tracer_nb.widgets.panel.sheet import live_values, sheet_values

BILL = Bill(2000, n_start=300, n_hard=100, n_test=50, n_deferred=50, price=0.003)


@pytest.fixture
def growing(make_report):
    """A run that has chosen rows for a while, behind whose report the findings have gone on."""
    early = Bill(2000, n_start=300)
    later = replace(early, n_hard=100, expected=((300, 900.0), (400, 612.0)))
    report = make_report(certificate=None, frontier=None, bill=early, n_surrogate=0)
    progress = Progress(40, 100, Spending(asked=40, cost=0.1), 3.0, "label")
    return Moment(
        state="running", run=1, report=report, findings=Findings(bill=later), progress=progress
    )


def test_the_overview_leads_with_the_bill(make_report):
    page = sheet_values(Moment(state="done", report=make_report(bill=BILL)))["overview"]
    assert (page["bill"], page["leads"]) == ("", True)  # the large figure says it
    assert any(line.startswith("Saved 75 % of the calls") for line in page["meaning"])
    assert page["facts"][0]["value"] == "75 %"
    assert "With 95 % confidence" in page["head"]
    without = sheet_values(Moment(state="done", report=make_report()))["overview"]
    assert (without["bill"], without["leads"]) == ("", False)


def test_a_run_tells_the_latest_bill(growing):
    page = sheet_values(growing)["overview"]
    assert page["bill"].startswith("Asked about 400 of 2,000 texts so far (300 to begin with")
    assert "Expected in all: about 610 of 2,000 texts" in page["bill"]
    assert page["facts"][0]["value"] == "400"
    cells = live_values(growing)["cells"]
    assert [cell["value"] for cell in cells[:3]] == ["400", "about 610", "69 %"]


def test_its_charts_are_drawn_once_there_is_something(growing, make_report):
    found = sources(growing)
    assert found["bill"] == found["parts"] == (growing.findings.bill,)
    assert draw("bill", found["bill"])[1]["now"][0]["n"] == 400
    assert "bill" not in sources(Moment(report=make_report(bill=BILL)))  # nothing was expected
    for nothing in (None, Bill(2000)):
        assert not {"bill", "parts"} & set(sources(Moment(report=make_report(bill=nothing))))


def test_a_report_has_both_charts(make_report):
    values = _values(make_report(bill=pictures.bill()), Findings(), "Intents")
    assert values["data_parts"]["parts"][-1]["part"] == "saved"
    assert values["data_bill"]["expected"]
    assert values["sheet"]["overview"]["facts"][0]["name"].startswith("of the calls saved")


def test_labelling_is_looked_at_for_the_bill_too(make_report):
    class Followed:
        report = make_report(bill=BILL)
        known_gaps = known_watch = known_update = known_review = earlier = panel = None

        def label_counts(self):
            return None

        preview = label_agreement = confusion = reliability = targets = label_counts

    seen = {}
    lookout = Lookout(Followed())
    assert lookout.findings().bill is BILL
    progress = Progress(1, 2, Spending(), 1.0, "label")
    lookout.seen(progress)
    lookout._looking.acquire()
    lookout._look(lambda **found: seen.update(found))
    assert seen["bill"] is BILL
