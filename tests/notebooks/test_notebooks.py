"""Every notebook runs from a fresh kernel, offline, and its last cell asserts its claim."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_asserts_its_claim(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "TRACER_NB_API_KEY", "TRACER_NB_STORE"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "assert " in code[-1].source, "the last cell must assert what the notebook claims"
    # The working directory decides where answers are stored: nothing may be left behind.
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    shown = [out for cell in code for out in cell.outputs if "text/html" in out.get("data", {})]
    cards = [out for out in shown if "tracer-card" in out["data"]["text/html"]]
    assert cards, "the result shows as a card"
    assert all("data:image/svg+xml" in out["data"]["text/html"] for out in cards)
    assert not any("application/vnd.jupyter.widget-view+json" in out["data"] for out in shown)
