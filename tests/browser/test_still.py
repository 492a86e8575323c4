"""What is left where no kernel is: a saved notebook, an exported page, a kernel that was shut down."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from .conftest import SETUP, open_page
from .jupyter import PATIENCE, Notebook
from .test_panel import line, state

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def saved(server, browser):
    """A notebook with a panel, saved."""
    server.write("saved.ipynb", [SETUP])
    notebook = Notebook(open_page(browser), server, "saved.ipynb", "lab")
    notebook.ran(0)
    panel = notebook.run(f"%tracer run {line('kept')}").locator(".tracer-panel")
    state(panel, "done")
    notebook.do("docmanager:save")
    expect(notebook.page.locator(".jp-mod-dirty")).to_have_count(0)
    yield notebook
    notebook.page.close()


def card_is_shown(page):
    card = page.locator(".tracer-card")
    expect(card).to_be_visible(timeout=PATIENCE)
    expect(card).to_contain_text("With 95 % confidence")
    expect(card).to_contain_text("What other targets would give")
    for picture in card.locator("img").all():
        assert picture.evaluate("image => image.naturalWidth") > 300
    # Nothing of the panel that cannot live here.
    for words in ("model not found", "needs a running kernel"):
        assert not any(found.is_visible() for found in page.get_by_text(words).all())


def test_an_exported_page_shows_the_figures(saved, browser, shot):
    notebook = saved.server.folder / "saved.ipynb"
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", str(notebook)],
        check=True,
        capture_output=True,
    )
    page = browser.new_context(offline=True).new_page()
    page.goto(notebook.with_suffix(".html").as_uri())
    card_is_shown(page)
    page.screenshot(path=shot.path("exported"), full_page=True)
    page.context.close()


def test_a_kernel_that_was_shut_down_is_told_at_the_next_press(saved, shot):
    panel = saved.page.locator(".tracer-panel")
    saved.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    panel.get_by_role("button", name="Run again").click()
    expect(panel.locator(".tracer-message")).to_contain_text(
        "run %tracer panel again", timeout=PATIENCE
    )
    # What was found is there all the same.
    expect(panel.locator(".tracer-promise")).to_contain_text("With 95 % confidence")
    shot(panel, "shut_down")


def test_a_saved_notebook_shows_the_figures_when_it_is_opened_again(saved, shot):
    saved.open()
    card_is_shown(saved.page)
    saved.page.screenshot(path=shot.path("reopened"))
