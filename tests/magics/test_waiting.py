"""What a fresh kernel shows while it loads."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tests.conftest import Place
from tests.widgets.panel.test_panel import Session
from tracer_nb.magics.workspace import Workspace
from tracer_nb.widgets import Panel

LOADING = {"text/plain": "Loading tracer_nb, once in each kernel…"}


@pytest.fixture
def place(monkeypatch):
    place = Place()

    def display(what, **_):
        place.update(what)
        return place

    monkeypatch.setattr("tracer_nb.magics.workspace.display", display)
    return place


def fresh(monkeypatch, **attributes):
    monkeypatch.delitem(sys.modules, "tracer_nb.tracer")
    return Workspace(SimpleNamespace(user_ns={}, user_ns_hidden={}, **attributes), None, {})


def test_a_fresh_kernel_says_that_it_loads_and_takes_it_back(monkeypatch, place):
    space = fresh(monkeypatch, kernel=object())
    space.wait()
    assert place.shown == [LOADING]
    space.arrived()
    space.arrived()
    assert place.shown == [LOADING, {"text/plain": ""}]


def test_a_terminal_and_a_kernel_that_has_loaded_say_nothing(monkeypatch, place):
    fresh(monkeypatch).wait()
    monkeypatch.undo()
    Workspace(SimpleNamespace(kernel=object()), None, {}).wait()
    assert place.shown == []


def test_the_panel_takes_its_place(monkeypatch):
    place = Place()
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda what, **_: shown.append(what))
    panel = Panel(Session()).show(place)
    assert place.shown == [panel.view]
    assert panel.view not in shown
    panel.close()
