"""The page for coding agents is what the tables say, is short, and its code runs."""

from __future__ import annotations

import pytest

from tests.docs.agents import PAGE, agents_page
from tests.docs.pages import blocks
from tracer_nb import errors
from tracer_nb.__main__ import _COMMANDS, main
from tracer_nb.magics.steps import STEPS


def test_the_committed_page_is_what_the_tables_say():
    assert PAGE.read_text(encoding="utf-8") == agents_page(), "run: task reference"


def test_it_is_short_and_has_every_step_error_and_command():
    text = PAGE.read_text(encoding="utf-8")
    assert len([word for word in text.split() if word != "|"]) < 1200
    assert all(f"`{name}`" in text for name in (*STEPS, *errors.__all__))
    assert all(f"`tracer_nb {name}`" in text for name in _COMMANDS)


def test_its_code_runs_as_it_stands(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "agents"}
    (code,) = blocks(PAGE, "python")
    exec(compile(code, PAGE.name, "exec", dont_inherit=True), names)
    assert names["tracer"].report.certificate.certified
    assert list(names["more"]["label"]) == ["refund", "delivery"]
    assert capsys.readouterr().out == "True\nTrue\n"
    assert names["plan"].n_ask > 0


def test_exit_codes_are_those_on_the_page(tmp_path, capsys):
    assert main(["show", str(tmp_path / "none.tracer")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    with pytest.raises(SystemExit) as left:
        main(["show"])
    assert left.value.code == 2
