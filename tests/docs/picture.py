"""Take the README's picture of the panel, light and dark, in a real JupyterLab and Chromium.

    python -m tests.docs.picture

The job of the quickstart runs with the stand-in; the cell and its panel are photographed into
``notebooks/images/``. No network is used.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import DRAWN_IN, THEME, open_page
from tests.browser.jupyter import CHROMIUM, PATIENCE, Notebook, Server

FOLDER = Path(__file__).parents[2] / "notebooks" / "images"
LOAD = """\
%load_ext tracer_nb
from tracer_nb.datasets import load
messages = load("support")
intents = sorted(messages["label"].unique())
"""
JOB = """\
%%tracer messages.text --teacher standin:support --labels intents --target 0.9 --max-cost 1 --output routed
You read messages that customers send to an online shop. Choose the intent that fits best.
"""


def upper_half(cell: Any) -> dict[str, float]:
    """Where cell and panel are, down to what another target would give."""
    box = cell.bounding_box()
    control = cell.locator(".tracer-control").bounding_box()
    words = control["y"] + control["height"]
    return {**box, "height": words - box["y"] + 12}


def photograph(notebook: Notebook) -> None:
    page: Any = notebook.page
    page.set_viewport_size({"width": 1180, "height": 1600})
    notebook.do("application:toggle-left-area")
    cell = notebook.run(JOB)
    panel = cell.locator(".tracer-panel")
    panel.locator(".tracer-state[data-state=done]").wait_for(timeout=PATIENCE)
    notebook.select(0)  # so that no cell has its toolbar in the picture
    page.mouse.move(0, 0)
    for theme, name in (("Light", "panel.png"), ("Dark", "panel_dark.png")):
        page.evaluate(THEME, f"JupyterLab {theme}")
        page.wait_for_function(DRAWN_IN, arg=theme.lower(), timeout=PATIENCE)
        page.screenshot(clip=upper_half(cell), path=FOLDER / name)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder), threads=None)
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            server.write("quickstart.ipynb", [LOAD])
            notebook = Notebook(open_page(browser), server, "quickstart.ipynb")
            notebook.ran(0)
            photograph(notebook)
        finally:
            browser.close()
            server.close()


if __name__ == "__main__":
    sys.exit(main())
