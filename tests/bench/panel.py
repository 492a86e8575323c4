"""How soon the panel draws and answers, in a real JupyterLab and Chromium.

    python tests/bench/panel.py [--repeats 7]

A job on 10,000 rows with recorded labels has run. Measured in the page: from the moment that the
cell ``%tracer panel`` is run until its chart is drawn; from the gaps' tab being opened, when they are
looked for, until their chart is drawn; from a moved target until the panel has said what it gives;
and from a choice of rows, which the kernel answers, until they are shown. The first panel of a kernel
is told apart: it brings the page's script.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import machine, quiet, table

sys.path.insert(0, str(Path(__file__).parents[2]))

from playwright.sync_api import sync_playwright

from tests.browser.conftest import open_page
from tests.browser.jupyter import CHROMIUM, Notebook, Server

N_ROWS = 10_000
SET_UP = f"""
%load_ext tracer_nb
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
X = rng.normal(size=({N_ROWS}, 32))
names = np.array(["card lost", "refund", "top up", "other"])
truth = names[(X[:, 0] > 0) * 2 + (X[:, 1] > 0)]
df = pd.DataFrame({{"text": [f"row {{i}}" for i in range({N_ROWS})]}})
recorded = dict(zip(df.text, truth))
"""
RUN = "%tracer run df.text --teacher recorded --features X --sample 2000 --target 0.9"
DRAWN = """async ([before]) => {
  const start = performance.now();
  const { content } = window.jupyterapp.shell.currentWidget;
  window.jupyterapp.commands.execute('notebook:run-cell');
  while (document.querySelectorAll('.tracer-panel svg.marks').length <= before)
    await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
MOVED = """async ([value]) => {
  const shown = [...document.querySelectorAll('.tracer-control')].filter((c) => c.offsetParent);
  const control = shown[shown.length - 1];
  const slider = control.querySelector('input[type=range]');
  const words = control.querySelector('[role=status]');
  const before = words.textContent;
  const start = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  while (words.textContent === before && performance.now() - start < 5000)
    await new Promise((later) => setTimeout(later, 2));
  // And drawn: the next picture of the page holds it.
  await new Promise((later) => requestAnimationFrame(() => requestAnimationFrame(later)));
  return performance.now() - start;
}"""

# From the page to the kernel and back: which rows of a status there are.
ASKED = """async ([value]) => {
  const panel = [...document.querySelectorAll('.tracer-panel')].filter((p) => p.offsetParent).pop();
  [...panel.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === 'Gaps').click();
  const rows = panel.querySelector('.tracer-rows');
  const status = rows.querySelector('select');
  const heading = rows.querySelector('h3');
  const before = heading.textContent;
  const start = performance.now();
  status.value = value;
  status.dispatchEvent(new Event('input', { bubbles: true }));
  status.dispatchEvent(new Event('change', { bubbles: true }));
  while (heading.textContent === before && performance.now() - start < 5000)
    await new Promise((later) => setTimeout(later, 2));
  await new Promise((later) => requestAnimationFrame(() => requestAnimationFrame(later)));
  return performance.now() - start;
}"""
# From the page to the kernel, which looks for the gaps in a thread, and back to a drawn chart.
OPENED = """async () => {
  const panel = [...document.querySelectorAll('.tracer-panel')].filter((p) => p.offsetParent).pop();
  const start = performance.now();
  [...panel.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === 'Gaps').click();
  while (!panel.querySelector('[aria-label^="Coverage that is handled"] svg.marks'))
    await new Promise((later) => setTimeout(later, 2));
  return performance.now() - start;
}"""
STATUSES = ("agree", "disagree", "handled", "deferred")


def drawn(notebook: Notebook) -> float:
    """Seconds from running the cell to a drawn chart."""
    notebook.select(notebook.add("%tracer panel"))
    before = notebook.page.locator(".tracer-panel svg.marks").count()
    return float(notebook.page.evaluate(DRAWN, [before])) / 1000


def main(repeats: int) -> None:
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            server.write("bench.ipynb", [SET_UP, RUN])
            notebook = Notebook(open_page(browser), server, "bench.ipynb")
            notebook.ran(0)
            notebook.ran(1)
            quiet()
            first = drawn(notebook)
            again = [drawn(notebook) for _ in range(repeats)]
            opened = float(notebook.page.evaluate(OPENED)) / 1000
            places = [2 * i + 1 for i in range(repeats)]
            moved = [float(notebook.page.evaluate(MOVED, [place])) / 1000 for place in places]
            statuses = [STATUSES[i % len(STATUSES)] for i in range(repeats)]
            asked = [float(notebook.page.evaluate(ASKED, [s])) / 1000 for s in statuses]
        finally:
            browser.close()
            server.close()
    for name, times in (
        (f"first panel after a run on {N_ROWS:,} rows, to a drawn chart", [first]),
        ("further panels, to a drawn chart", again),
        ("gaps opened for the first time, to their chart", [opened]),
        ("target moved, to what it gives", moved),
        ("rows asked for, to the kernel and back", asked),
    ):
        rows.append({"what": name, "median, s": statistics.median(times), "slowest, s": max(times)})
    print(machine())
    print()
    print(table(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=7)
    main(parser.parse_args().repeats)
