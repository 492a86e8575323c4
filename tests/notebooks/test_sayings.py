"""What notebooks say is what the pages say, and running one asks no model for money."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
TEACHERS = (ROOT / "notebooks" / "teachers.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "notebooks" / "measured.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAID = re.compile(r"""\b(?:openai|anyllm):\w""")


def cells(name, kind):
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def rows(text):
    """Cells of the Markdown tables in a text."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_asks_a_model_that_costs_money(path):
    """A model is named in plans and comments alone, so that a key in the environment is idle."""
    for source in cells(path.name, "code"):
        code = "\n".join(line.partition("  # ")[0] for line in source.splitlines())
        if PAID.search(code):
            head = code.splitlines()[0]
            assert "%tracer plan " in head or "--dry-run" in head or ").plan(" in code, source


def test_the_lines_of_servers_are_those_of_the_page():
    (table,) = [text for text in cells("04_your_own_llm.ipynb", "markdown") if "| Ollama" in text]
    shown = {row[0]: row[1] for row in rows(table) if row[1].startswith("`--teacher")}
    section = TEACHERS.split("<!-- teachers -->")[1].split("<!-- /teachers -->")[0]
    assert shown == {row[0]: row[1] for row in rows(section) if row[1].startswith("`--teacher")}


def test_the_measured_figures_are_those_of_the_page():
    """Per cent in the notebook, fractions in the table of tests/bench/peers.py."""
    (text,) = [t for t in cells("05_banking77.ipynb", "markdown") if "`tracer-llm` 0.3.3 |" in t]
    peers = MEASURED.split("<!-- peers -->")[1].split("<!-- /peers -->")[0]
    measured = {(row[0], row[1]): row for row in rows(peers)}
    shown = [row for row in rows(text) if row[0][0].isdigit()]
    assert len(shown) == 3
    for labels, held_out, cross_fit, tracer_llm in shown:
        row = measured[labels.replace(",", ""), "0.92"]
        for quoted, cell in ((held_out, row[3]), (cross_fit, row[5]), (tracer_llm, row[2])):
            coverage, broken = re.fullmatch(r"(\S+) \((\d)/\d\)", cell).groups()
            assert quoted.startswith(f"{100 * float(coverage):.1f} %")
            assert ("below the target" in quoted) == (broken != "0")


def test_the_drawn_figures_are_those_of_the_page():
    (code,) = [c for c in cells("05_banking77.ipynb", "code") if "MINILM =" in c]
    drawn = re.search(r'measured = .*\s+.*"calls saved": \[([\d., ]+)\]', code)[1].split(", ")
    section = MEASURED.split("<!-- banking77 -->")[1].split("<!-- /banking77 -->")[0]
    found = [row[5] for row in rows(section) if row[0] == "MiniLM" and row[2] == "0.920"]
    assert drawn == found
