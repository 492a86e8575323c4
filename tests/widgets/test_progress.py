"""The bar: steps that are never skipped, text that is escaped, and no dead widget at the end."""

import subprocess
import sys

import pytest

from tracer_nb.records import Progress, Spending
from tracer_nb.widgets import ProgressView


@pytest.fixture
def view(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("tracer_nb.widgets.progress.time.monotonic", lambda: clock[0])
    view = ProgressView()
    view.clock = clock
    return view


def at(done, step="label", total=100):
    return Progress(done, total, Spending(), 1.0, step)


def test_moments_are_thinned_out_but_the_last_is_shown(view):
    view.clock[0] = 10.0
    view(at(1))
    assert (view._bar.value, view._bar.max) == (1, 100)
    view.clock[0] = 10.1
    view(at(2))
    assert view._bar.value == 1
    view(at(100))
    assert view._bar.value == 100
    assert view._line.value == "Labelling the sample: 100 of 100"


def test_a_new_step_is_shown_at_once(view):
    view.clock[0] = 10.0
    view(at(100))
    view(at(0, step="Fitting the <b>surrogate</b>", total=1))
    assert view._line.value == "Fitting the &lt;b&gt;surrogate&lt;/b&gt;"


def test_nothing_to_do_does_not_break_the_bar(view):
    view(at(0, total=0))
    assert (view._bar.value, view._bar.max) == (0, 1)


class Handle:
    def __init__(self):
        self.updates = []

    def update(self, what, **options):
        self.updates.append((what, options))


def test_the_result_takes_the_place_of_the_bar(view):
    view._handle = Handle()
    view.replace("result")
    assert view._handle.updates == [("result", {})]


def test_without_a_result_the_place_is_left_empty(view):
    view._handle = Handle()
    view.replace(None)
    assert view._handle.updates == [({"text/plain": ""}, {"raw": True})]


def test_no_widget_is_left_to_be_saved_with_the_notebook():
    import ipywidgets

    before = set(ipywidgets.Widget.get_manager_state()["state"])
    view = ProgressView()
    assert set(ipywidgets.Widget.get_manager_state()["state"]) > before
    view.replace(None)
    assert set(ipywidgets.Widget.get_manager_state()["state"]) == before


def test_a_terminal_gets_the_result_alone(bare_shell, view):
    view.show()
    view.replace(None)
    assert bare_shell._capsys.readouterr().out == ""
    view.replace("result")
    assert bare_shell._capsys.readouterr().out == "'result'\n"


def test_a_deleted_cell_stops_a_run_and_nothing_else(view):
    assert view._watch.running
    # Outside a kernel there is nothing to stop, and the page is told so.
    assert view._watch.kernel == ""
    view._handle = Handle()
    view.replace("result")
    assert not view._watch.running
    assert view._watch.comm is None  # closed: no dead widget is saved


OUTSIDE = """
from tracer_nb.widgets import ProgressView
view = ProgressView()
view.replace(None)
import sys
assert "ipykernel" not in sys.modules
"""


def test_outside_of_a_kernel_it_opens_and_closes_in_a_fresh_process():
    ran = subprocess.run(
        [sys.executable, "-c", OUTSIDE], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
