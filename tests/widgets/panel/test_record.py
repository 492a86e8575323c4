"""A panel of one run is its record: it stays as it is, and says where the newer result stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import Place
from tests.widgets.panel.test_panel import Session
from tracer_nb.records import Progress, Spending
from tracer_nb.widgets import Panel
from tracer_nb.widgets.panel.still import NEWEST

ASKED = Progress(3, 10, Spending(asked=3, reused=0, missing=0, cost=0.1), 1.0, "label")


@pytest.fixture
def panels(monkeypatch):
    made = []

    def make(session, *, record=True):
        monkeypatch.setattr("tracer_nb.widgets.panel.panel.cell_number", lambda: 3 + len(made))
        panel = Panel(session, record=record)
        panel._static = Place()
        made.append(panel)
        return panel

    yield make
    for panel in made:
        panel.close()


def press(panel, do):
    content = {"do": do, "number": 1, "run": panel._session.moment.run}
    panel._receive(panel.view, content, [])


def test_a_newer_run_leaves_a_record_as_it_is(panels, make_report):
    session, first, second = Session(), make_report(n_rows=3000), make_report(n_rows=9000)
    one = panels(session)
    session.at(state="running", run=1, progress=ASKED)
    session.at(state="done", run=1, report=first)
    overview, card = one.view.sheet["overview"], repr(one._static.shown[-1])
    two = panels(session)
    session.at(state="running", run=2, report=first)  # nothing has come of it yet
    assert one.view.sheet["newer"] == ""
    session.at(state="running", run=2, report=first, progress=ASKED)
    session.at(state="done", run=2, report=second)
    assert one.view.sheet["overview"] == overview
    assert one.view.sheet["newer"] == two.view.static
    assert one.view.sheet["message"] == "Newer result of this job: cell [4]."
    assert one.view.sheet["actions"] == []
    assert repr(one._static.shown[-1]) == f"Newer result of this job: cell [4].\n{card}"
    assert two.view.sheet["overview"] != overview
    press(one, "start")
    assert session.pressed == []
    assert two.view.sheet["newer"] == ""


def test_what_is_found_out_after_a_run_does_not_change_its_card(panels, make_report):
    session = Session()
    one = panels(session)
    session.at(state="running", run=1)
    session.at(state="done", run=1, report=make_report())
    written = len(one._static.shown)
    session.at(state="done", run=1, report=make_report(n_rows=9))  # an audit was paid, say
    assert len(one._static.shown) == written


def test_a_step_without_a_panel_names_its_cell(panels, make_report, monkeypatch):
    session = Session()
    one = panels(session)
    session.at(state="done", run=1, report=make_report(), progress=ASKED)
    monkeypatch.setattr("tracer_nb.widgets.panel.panel.cell_number", lambda: 12)
    session.at(state="done", run=2, report=make_report(), progress=ASKED)
    assert one.view.sheet["message"] == "Newer result of this job: cell [12]."


def test_a_run_that_was_refused_at_once_is_no_newer_result(panels, make_report):
    session = Session()
    one = panels(session)
    session.at(state="done", run=1, report=make_report())
    session.at(state="running", run=2)
    session.at(state="failed", run=2, message="sample 3: too few")
    assert one.view.sheet["newer"] == ""
    session.at(state="running", run=3, progress=ASKED)
    assert one.view.sheet["words"] == "Earlier result"


def test_an_audit_elsewhere_that_failed_at_once_is_no_newer_result(panels, make_report):
    session = Session()
    one = panels(session)
    session.at(state="stopped", run=1, report=make_report())
    session.at(state="running", run=2)
    session.at(state="stopped", run=2, message="the teacher is away")  # as the job was before
    assert one.view.sheet["newer"] == ""
    session.at(state="stopped", run=2, message="said since")
    assert one.view.sheet["message"] == "said since"
    session.at(state="running", run=3, progress=ASKED)
    assert one.view.sheet["words"] == "Earlier result"


def test_a_panel_that_begins_a_run_shows_it(panels, make_report):
    class Running(Session):
        def start(self):
            self.moment = replace(self.moment, run=self.moment.run + 1, state="running")

    session = Running()
    one = panels(session)
    session.at(state="done", run=1, report=make_report())
    press(one, "start")
    session.at(state="done", run=2, report=make_report(n_rows=9000), progress=ASKED)
    assert one.view.sheet["newer"] == ""
    assert NEWEST[session][0] == one.view.static
    workspace = panels(session, record=False)
    session.at(state="running", run=3, progress=ASKED)
    assert workspace.view.sheet["state"] == "running"  # which follows its job
    assert one.view.sheet["words"] == "Earlier result"
