"""The notebook of promises: what it stored shows without a kernel's help, and a panel leads with its promise."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from .conftest import open_page
from .jupyter import Notebook
from .test_panel import state

pytestmark = pytest.mark.browser

PROMISES = Path(__file__).parents[2] / "notebooks" / "07_promises.ipynb"
RECALL = "at least 90 % of the rows to which the recorded labels give late_delivery"
JOB = "messages.text --teacher record --promise recall:late_delivery --target 0.9 --confidence 0.9"


def test_the_notebook_of_promises_shows_its_outputs_and_a_panel_its_promise(server, browser, shot):
    stored = nbformat.read(PROMISES, as_version=4)
    nbformat.write(stored, server.folder / "promises.ipynb")
    first = next(cell.source for cell in stored.cells if cell.cell_type == "code")
    notebook = Notebook(open_page(browser), server, "promises.ipynb", "lab")
    try:
        # Nothing was run: Jupyter trusts no output that it has not made, and shows it all the same.
        table = notebook.page.locator(".jp-RenderedHTMLCommon table", has_text="never asked")
        table.scroll_into_view_if_needed()
        expect(table.locator("tbody tr").filter(has_text="certified")).to_contain_text("True")
        card = notebook.page.locator(".tracer-card")
        card.scroll_into_view_if_needed()
        expect(card).to_contain_text(RECALL)
        for picture in card.locator("img").all():
            assert picture.evaluate("image => image.naturalWidth") > 300
        notebook.page.screenshot(path=shot.path("promises_stored"))
        notebook.run(f"%load_ext tracer_nb\n{first}")
        panel = notebook.run(f"%tracer run {JOB} --features lsa --store :memory: --no-ask").locator(
            ".tracer-panel"
        )
        state(panel, "done")
        expect(panel.locator(".tracer-promise")).to_contain_text(RECALL)
        panel.screenshot(path=shot.path("promises"))
        assert notebook.page.problems == []
    finally:
        notebook.page.close()
