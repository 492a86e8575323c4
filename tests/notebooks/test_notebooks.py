"""Every notebook is stored in one form, and runs from a fresh kernel, offline, twice in one folder.

Its last cell asserts what it claims. A new file in the folder is picked up by itself.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# These leave answers in their folder, so that a second run is another one than the first. The others
# leave none: a second run begins where the first began.
LEAVING = {"01_quickstart", "03_agreement_gaps", "04_your_own_llm"}
WIDGET = "application/vnd.jupyter.widget-view+json"
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]


@each_notebook
def test_notebook_runs_twice_and_asserts_its_claim(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "TRACER_NB_API_KEY", "TRACER_NB_STORE"):
        monkeypatch.delenv(name, raising=False)
    _run(path, tmp_path)
    assert (_n_answers(tmp_path) > 0) == (path.stem in LEAVING)
    if path.stem in LEAVING:
        _run(path, tmp_path)


def _n_answers(folder: Path) -> int:
    """Answers in the store that is taken where none is named."""
    path = folder / ".tracer_nb" / "labels.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as store:
        return int(store.execute("SELECT count(*) FROM answers").fetchone()[0])


def _run(path: Path, folder: Path) -> None:
    """From a fresh kernel; the folder decides where answers are stored, and which there are."""
    notebook = nbformat.read(path, as_version=4)
    code = code_cells(notebook)
    assert "assert " in code[-1].source, "the last cell must assert what the notebook claims"
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    shown = [out for cell in code for out in cell.outputs if "text/html" in out.get("data", {})]
    cards = [out for out in shown if "tracer-card" in out["data"]["text/html"]]
    assert cards, "the result shows as a card"
    assert all("data:image/svg+xml" in out["data"]["text/html"] for out in cards)
    assert not any(WIDGET in out["data"] for out in shown)


@each_notebook
def test_notebook_is_stored_as_it_ran_in_order_and_says_nothing_of_the_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}  # and no state of widgets
    assert notebook.metadata.kernelspec.name == "python3"
    assert [c.id for c in notebook.cells] == [f"cell-{i:02d}" for i in range(len(notebook.cells))]
    assert not any(cell.metadata for cell in notebook.cells)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    code = code_cells(notebook)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert code[-1].outputs == []
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs
    for output in outputs:
        assert output.output_type != "error"
        assert output.get("name") != "stderr"
        assert WIDGET not in output.get("data", {}), "a live panel is dead in a closed notebook"
        found = re.search(r"/(?:home|root|tmp|work|Users)/\S*|\bat 0x[0-9a-f]{6,}", words(output))
        assert found is None, found
    assert path.stat().st_size < 1_000_000


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def words(output: Any) -> str:
    """What an output says, without its pictures."""
    parts = [output.get("text", ""), *map(str, output.get("data", {}).values())]
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "", "\n".join(parts))
