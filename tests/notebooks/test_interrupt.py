"""A cell that is stopped ends in words, keeps what was paid, and goes on when it is run again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from faulty.secrets import KEY, assert_clean_folder
from livekernel import (
    CHECK,
    PATIENCE,
    SET_UP,
    Kernels,
    environment,
    job,
    put_world,
    run,
    stored,
    text_of,
    wait,
)
from nbclient import NotebookClient

from tracer_nb.standin import StandIn, serve

SAMPLE = 300
CONCURRENCY = 4
LATENCY = 0.04
ENOUGH = 40  # answers after which a run is stopped

NAME = """
from tracer_nb.widgets.panel.still import kernel_id
print(kernel_id())
"""
# The same labelling from an empty store; it must give the same frame, row by row.
COMPARE = """
pd.testing.assert_frame_equal(routed, whole)
print(len(whole), "rows are the same")
"""


@pytest.fixture
def path(world, tmp_path) -> Path:
    """Store of a job on the small world, which lies beside it."""
    put_world(world, tmp_path)
    return tmp_path / ".tracer_nb" / "labels.sqlite"


class Notebook:
    """A notebook, a real kernel, and the cells that were run in it."""

    def __init__(self, folder: Path) -> None:
        self.notebook = nbformat.v4.new_notebook()
        self.client = NotebookClient(
            self.notebook,
            timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        )

    def add(self, source: str) -> Any:
        """A new cell below the others."""
        self.notebook.cells.append(nbformat.v4.new_code_cell(source))
        return self.notebook.cells[-1]

    async def run(self, cell: Any) -> str:
        """Run a cell to its end; it may not fail. What it shows, as text."""
        await self.client.async_execute_cell(cell, self.notebook.cells.index(cell))
        return shown_by(cell)


def shown_by(cell: Any) -> str:
    """What a cell shows, as text."""
    return "".join(o.get("text", "") or o["data"]["text/plain"] for o in cell.outputs)


def test_a_stopped_cell_ends_in_words_and_goes_on_when_it_is_run_again(
    world, path, tmp_path, monkeypatch
):
    monkeypatch.setenv("TRACER_NB_API_KEY", KEY)
    paper = Notebook(tmp_path)

    async def use(standin: StandIn) -> None:
        kernel = paper.client.async_setup_kernel(cwd=str(tmp_path), env=environment(tmp_path))
        async with kernel:
            # What the page of a deleted cell interrupts the kernel by.
            name = await paper.run(paper.add(SET_UP + NAME))
            assert name.strip()
            assert name.strip() in paper.client.km.connection_file
            cell = paper.add(job(standin.base_url, SAMPLE, CONCURRENCY))
            running = asyncio.create_task(paper.run(cell))
            while len(stored(path)) < ENOUGH:
                assert not running.done(), "the run ended before it could be stopped"
                await asyncio.sleep(0.01)
            await paper.client.km.interrupt_kernel()

            shown = await running  # by itself, and not as an error
            assert "Stopped: interrupted. Every stored answer is kept; run again to go on." in shown
            assert {o.output_type for o in cell.outputs} == {"display_data"}
            kept = stored(path)
            assert ENOUGH <= len(kept) < SAMPLE
            assert standin.asked().keys() == kept  # what was under way came in, too

            shown = await paper.run(cell)
            assert f"{len(kept):,} answers reused from the store" in shown
            assert "Stopped" not in shown
            asked = standin.asked()
            assert set(asked.values()) == {1}
            assert asked.keys() == stored(path)

            await paper.run(paper.add(CHECK))
            whole = job(
                standin.base_url,
                SAMPLE,
                2 * CONCURRENCY,
                "--name whole --store whole.sqlite --output whole",
            )
            await paper.run(paper.add(whole))
            assert "rows are the same" in await paper.run(paper.add(COMPARE))

    with serve(world.truth, latency=LATENCY, api_key=KEY) as standin:
        asyncio.run(use(standin))

    nbformat.write(paper.notebook, tmp_path / "saved.ipynb")
    saved = (tmp_path / "saved.ipynb").read_text(encoding="utf-8")
    assert "Stopped: interrupted" not in saved  # the second run's output took its place
    # A live panel is dead in a closed notebook; beside it stands what it showed, as plain HTML.
    for shown in paper.notebook.cells:
        kinds = [set(output.get("data", {})) for output in shown.get("outputs", ())]
        if any("application/vnd.jupyter.widget-view+json" in kind for kind in kinds):
            pages = [o["data"]["text/html"] for o in shown.outputs if "text/html" in o["data"]]
            assert any("data-tracer-static" in page for page in pages)
    names = assert_clean_folder(tmp_path)
    assert {"saved.ipynb", "labels.sqlite", "whole.sqlite"} <= set(names)


def test_a_kernel_that_is_shut_down_leaves_a_store_that_resumes(world, path, tmp_path):
    with serve(world.truth, latency=LATENCY) as standin, Kernels(tmp_path) as kernels:
        cell = job(standin.base_url, SAMPLE, CONCURRENCY)
        manager, client = kernels.start()
        run(client, SET_UP)
        client.execute(cell)
        wait(lambda: len(stored(path)) >= ENOUGH)
        client.stop_channels()
        manager.shutdown_kernel()
        kept = stored(path)
        assert ENOUGH <= len(kept) < SAMPLE

        _, client = kernels.start()
        run(client, SET_UP)
        outputs = run(client, cell)
        run(client, CHECK)
        after = standin.asked()
    assert f"{len(kept):,} answers reused from the store" in text_of(outputs)
    assert all(after[text] == 1 for text in kept)
    assert sum(times > 1 for times in after.values()) <= CONCURRENCY


def test_a_page_that_is_closed_while_a_cell_runs_changes_nothing(world, path, tmp_path):
    with serve(world.truth, latency=LATENCY) as standin, Kernels(tmp_path) as kernels:
        manager, client = kernels.start()
        run(client, SET_UP)
        client.execute(job(standin.base_url, SAMPLE, CONCURRENCY))
        wait(lambda: len(stored(path)) >= ENOUGH)
        client.stop_channels()  # nobody is there any more

        wait(lambda: len(stored(path)) >= SAMPLE)
        client = kernels.connect(manager)  # the page is opened again
        run(client, CHECK)
        assert set(standin.asked().values()) == {1}
