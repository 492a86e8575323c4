"""The panel in a real notebook: what the page shows, and what the kernel says to it."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

STANDIN = "--teacher standin:support --labels intents --target 0.8"


def job(name, *, sample=300, latency=0.01, concurrency=8, more=""):
    return (
        f"df.text {STANDIN} --name {name} --store {name}.sqlite --output {name} --no-ask "
        f"--sample {sample} --latency {latency} --concurrency {concurrency} {more}"
    )


def moment(notebook, name):
    """State, run and number of answers that the kernel has for a job."""
    return notebook.value(
        "(lambda m: [m.state, m.run, m.report and m.report.spending.asked])("
        "get_ipython().find_line_magic('tracer').__self__.jobs"
        f"[{name!r}].session.moment)"
    )


def state(panel, what):
    expect(panel.locator(f".tracer-state[data-state={what}]")).to_be_visible(timeout=60_000)


def test_a_run_shows_live_and_stays(lab, shot):
    cell = lab.begin(f"%tracer run {job('one', latency=0.2)}")
    panel = cell.locator(".tracer-panel")
    state(panel, "running")
    expect(panel.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    shot(panel, "running")
    state(panel, "done")
    expect(panel.locator(".tracer-promise")).to_contain_text("With 95 % confidence")
    expect(panel.locator("svg.marks")).to_be_visible()
    # The same as plain HTML is there, and hidden as long as the panel lives.
    expect(cell.locator("[data-tracer-static] .tracer-card")).to_be_hidden()
    shot(panel, "done")
    assert moment(lab, "one") == ["done", 1, 300]
    assert lab.value("len(one)") == lab.value("len(df)")
    assert lab.page.problems == []


def test_stop_ends_a_running_cell_and_resume_goes_on(lab, shot):
    cell = lab.begin(f"%tracer run {job('two', latency=0.3)}")
    panel = cell.locator(".tracer-panel")
    expect(panel.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    expect(panel.get_by_role("button", name="Pause")).to_be_hidden()
    panel.get_by_role("button", name="Stop").click()
    state(panel, "stopped")
    shot(panel, "stopped")
    before, run, answered = moment(lab, "two")
    assert (before, run) == ("stopped", 1)
    assert 0 < answered < 300
    panel.get_by_role("button", name="Resume").click()
    state(panel, "running")
    # The kernel is free meanwhile, and says the same.
    assert lab.value("1 + 1") == 2
    panel.get_by_role("button", name="Pause").click()
    state(panel, "paused")
    paused, run, more = moment(lab, "two")
    assert (paused, run) == ("paused", 2)
    assert answered <= more < 300
    shot(panel, "paused")
    panel.get_by_role("button", name="Resume").click()
    state(panel, "done")
    # No text was asked twice.
    assert moment(lab, "two") == ["done", 3, 300]


def test_a_reloaded_page_shows_the_same(lab, shot):
    cell = lab.run(f"%tracer panel {job('three', latency=0.2)}")
    panel = cell.locator(".tracer-panel")
    state(panel, "idle")
    expect(panel.locator(".tracer-promise")).to_have_text("Nothing is labelled yet.")
    shot(panel, "empty")
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator(".tracer-line")).to_contain_text("a second")
    lab.do("docmanager:save")
    expect(lab.page.locator(".jp-mod-dirty")).to_have_count(0)
    lab.open()
    panel = lab.page.locator(".tracer-panel").last
    state(panel, "running")
    state(panel, "done")
    expect(panel.locator("svg.marks")).to_be_visible()
    assert moment(lab, "three") == ["done", 1, 300]


def test_two_panels_show_the_same_and_one_may_go(lab):
    first = lab.run(f"%tracer panel {job('four', latency=0.3)}").locator(".tracer-panel")
    at = lab.add("%tracer panel --name four")
    lab.ran(at)
    second = lab.cell(at).locator(".tracer-panel")
    second.get_by_role("button", name="Start").click()
    state(first, "running")
    expect(first.locator(".tracer-line")).to_contain_text("a second")
    expect(second.locator(".tracer-line")).to_contain_text("a second")
    lab.do("notebook:delete-cell", at)
    expect(lab.page.locator(".tracer-panel")).to_have_count(4)
    first.get_by_role("button", name="Stop").click()
    state(first, "stopped")
    assert moment(lab, "four")[0] == "stopped"


def test_a_deleted_cell_stops_its_run(lab):
    cell = lab.begin(f"%tracer run {job('five', latency=0.5, concurrency=2)}")
    expect(cell.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    lab.do("notebook:delete-cell")
    # The kernel answers once the cell has ended, long before all rows are asked.
    stopped, _, answered = moment(lab, "five")
    assert stopped == "stopped"
    assert 0 < answered < 100


def test_a_restarted_kernel_is_told(lab, shot):
    panel = lab.run(f"%tracer panel {job('six')}").locator(".tracer-panel")
    state(panel, "idle")
    lab.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(panel.locator(".tracer-message")).to_contain_text("run %tracer panel again")
    shot(panel, "gone")
