"""A real JupyterLab and a real Notebook 7 on loopback, in a browser that knows no other network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.jupyter import CHROMIUM, SHOTS, Notebook, Server

SETUP = """\
%load_ext tracer_nb
from tracer_nb import datasets
df = datasets.load("support")
intents = sorted(set(df.label))
from tracer_nb import Tracer
def standin(latency, concurrency):
    how = {"latency": latency, "concurrency": concurrency, "store": ":memory:"}
    return Tracer("standin:support", intents, **how).teacher
"""
# Seconds an answer takes, and requests at a time.
SPEEDS = ((0.01, 8), (0.1, 8), (0.2, 8), (0.3, 8), (0.5, 2))


def slow(latency: float, concurrency: int) -> str:
    """The variable that has a stand-in of this speed."""
    return f"standin_{latency:g}_{concurrency}".replace(".", "_")


SETUP += "".join(f"{slow(*speed)} = standin{speed}\n" for speed in SPEEDS)


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; apt-get install chromium")
    pytest.importorskip("jupyterlab", reason="pip install jupyterlab")
    server = Server(tmp_path_factory.mktemp("jupyter"))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


def open_page(browser: Any) -> Any:
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.set_default_timeout(60_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(error.stack or str(error)))
    return page


@pytest.fixture(scope="session")
def lab(server, browser) -> Iterator[Notebook]:
    """One notebook in JupyterLab, with its kernel, for many tests."""
    server.write("lab.ipynb", [SETUP])
    notebook = Notebook(open_page(browser), server, "lab.ipynb", "lab")
    notebook.ran(0)
    yield notebook
    notebook.page.close()


@pytest.fixture(scope="session")
def seven(server, browser) -> Iterator[Notebook]:
    """The same in Notebook 7."""
    server.write("seven.ipynb", [SETUP])
    notebook = Notebook(open_page(browser), server, "seven.ipynb", "notebook")
    notebook.ran(0)
    yield notebook
    notebook.page.close()


class Shots:
    """Writes pictures of elements and pages to a folder that git ignores."""

    def path(self, name: str) -> Path:
        SHOTS.mkdir(exist_ok=True)
        return SHOTS / f"{name}.png"

    def __call__(self, panel: Any, name: str) -> None:
        """Pictures of a whole panel, in a light and in a dark notebook."""
        page = panel.page
        seen = page.viewport_size
        page.set_viewport_size({**seen, "height": 2600})
        panel.scroll_into_view_if_needed()
        panel.screenshot(path=self.path(name))
        page.evaluate(THEME, "JupyterLab Dark")
        page.wait_for_function(DRAWN_IN, arg="dark")
        panel.screenshot(path=self.path(f"{name}_dark"))
        page.evaluate(THEME, "JupyterLab Light")
        page.wait_for_function(DRAWN_IN, arg="light")
        page.set_viewport_size(seen)


THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
# Every panel has the theme, and every chart that is on the page is drawn in it. JupyterLab's
# splash is gone too: it fails in removing itself twice when a theme follows within its 200 ms.
DRAWN_IN = """(theme) =>
  !document.getElementById('jupyterlab-splash') &&
  [...document.querySelectorAll('.tracer-panel')].some((panel) => panel.offsetWidth) &&
  [...document.querySelectorAll('.tracer-panel')].every((p) => p.dataset.theme === theme) &&
  [...document.querySelectorAll('.tracer-panel .tracer-chart')].every(
    (chart) => !chart.offsetWidth || chart.dataset.theme === theme)"""


@pytest.fixture
def shot() -> Shots:
    return Shots()
