"""Notebook 7 shows the same panel; the quickstart runs in it, cell by cell."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from .conftest import open_page
from .jupyter import Notebook
from .test_panel import FRONTIER, chart, line, moment, state

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01_quickstart.ipynb"


def test_the_panel_works_in_notebook_7(seven, shot):
    before = list(seven.page.problems)  # Notebook 7 has one of its own when it opens
    cell = seven.run(f"%tracer panel {line('seventh', latency=0.1)}")
    panel = cell.locator(".tracer-panel")
    state(panel, "idle")
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    panel.get_by_role("button", name="Stop").click()
    state(panel, "stopped")
    state_of, run, answered = moment(seven, "seventh")
    assert (state_of, run) == ("stopped", 1)
    assert 0 < answered < 300
    panel.get_by_role("button", name="Resume").click()
    state(panel, "done")
    expect(chart(panel, FRONTIER)).to_be_visible()
    assert moment(seven, "seventh") == ["done", 2, 300]
    shot(panel, "seven")
    assert seven.page.problems == before


def test_the_quickstart_runs_cell_by_cell(server, browser, shot):
    quickstart = nbformat.read(QUICKSTART, as_version=4)
    for cell in quickstart.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    nbformat.write(quickstart, server.folder / "quickstart.ipynb")
    notebook = Notebook(open_page(browser), server, "quickstart.ipynb", "lab")
    try:
        for i, cell in enumerate(quickstart.cells):
            if cell.cell_type == "code":
                notebook.ran(i)
                # An error would show here; the last cell asserts what the notebook claims.
                expect(
                    notebook.cell(i).locator(".jp-RenderedText[data-mime-type*=error]")
                ).to_have_count(0)
        panel = notebook.page.locator(".tracer-panel").first
        expect(panel.locator(".tracer-promise")).to_contain_text("confidence")
        notebook.page.screenshot(path=shot.path("quickstart"))
        assert notebook.page.problems == []
    finally:
        notebook.page.close()
