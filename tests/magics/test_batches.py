"""Batches as users type them, in a real shell."""

import getpass
import re

import pytest

from tracer_nb.standin import BatchRules, serve
from tracer_nb.widgets import card

JOB = (
    "df.text --teacher openai:stand-in --labelling random --base-url URL --labels login,parcel,refund --price 1,2 "
    "--sample 150 --features X --surrogate logistic"
)


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    monkeypatch.setattr(card, "to_svg", lambda chart: f"<svg>{len(chart.to_dict())}</svg>")


def cell(verb, standin, more=""):
    return f"%%tracer {verb} {JOB.replace('URL', standin.base_url)} {more}\nChoose the intent."


def forget(shell):
    """As a new kernel: only the store is left."""
    magics = shell.ip.magics_manager.registry["TracerMagics"]
    magics.jobs.clear()


def test_submit_close_the_notebook_and_collect_later(shell, world):
    with serve(world.truth, batches=BatchRules(polls=2)) as standin:
        out = shell.run(cell("batch submit", standin, "--max-cost 1"))
        assert out.startswith(f"150 texts submitted to {standin.base_url} in 1 batch (")
        key = re.search(r"\((\w{8})\)", out)[1]
        out = shell.run("%tracer batch collect")
        assert out == f"Batch {key}, 150 texts: in progress.\n"
        forget(shell)

        table = shell.run("%tracer batch list")
        assert key in table
        assert "in progress" in table
        assert "up to $" in table
        out = shell.run(cell("batch collect", standin))
        assert out.splitlines()[0].startswith(f"Batch {key}, 150 texts: completed, 150 answers")
        out = shell.run(cell("run", standin, "--output routed"))
        assert "150 answers reused from the store" in out
        assert set(shell["routed"]["label"]) == set(world.labels)
        assert "completed, collected" in shell.run("%tracer batch list")


def test_deferred_rows_and_a_batch_that_is_stopped(shell, hard_world):
    world = hard_world
    shell["df"], shell["X"] = world.frame, world.X
    with serve(world.truth, batches=BatchRules(polls=9)) as standin:
        shell.run(cell("run", standin, "--no-ask --output routed"))
        left = int(shell["routed"]["label"].isna().sum())
        out = shell.run("%tracer batch submit --deferred")
        assert out.startswith(f"{left} text")
        key = re.search(r"\((\w{8})\)", out)[1]
        assert ": cancelling" in shell.run(f"%tracer batch cancel {key}")
        assert "cancelled" in shell.run("%tracer batch list")


def test_the_stand_in_says_what_it_is(shell):
    shell.run("from tracer_nb.datasets import load\nmessages = load('support').head(400)")
    line = "messages.text --teacher standin:support --labelling random --labels messages.label --sample 200"
    out = shell.run(f"%tracer batch submit {line} --target 0.5 --max-cost 1")
    assert "no model was asked, nothing was paid" in out
    assert "200 answers stored" in shell.run("%tracer batch collect")


def test_what_goes_wrong_is_one_line(shell, world):
    with serve(world.truth, batches=BatchRules(available=False)) as standin:
        said = shell.complaint(cell("batch submit", standin))
        assert said.endswith("has no batch endpoints (error 404); use %tracer label")
        assert "no batch under way 'abc'; there are: none" in shell.complaint(
            "%tracer batch cancel abc"
        )
    assert "no teacher is named" in shell.complaint("%tracer batch collect --name other")
    said = shell.complaint(
        "%tracer batch submit df.text --teacher teach --labelling random --labels intents --sample 150"
    )
    assert "batches need a model at a server (openai:MODEL)" in said
    assert shell.run("%tracer batch list --name other").startswith("batch ")


def test_a_key_is_typed_once_and_not_kept_with_the_batch(shell, world, monkeypatch, tmp_path):
    key = "hunter2-hunter2-typed"
    asked = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt, **_: asked.append(prompt) or key)
    with serve(world.truth, api_key=key) as standin:
        shell.run(cell("batch submit", standin, "--max-cost 1 --ask-key"))
        assert "150 answers stored" in shell.run("%tracer batch collect")
        assert "collected" in shell.run("%tracer batch list")
    assert len(asked) == 1
    for file in (tmp_path / ".tracer_nb").iterdir():
        assert key.encode() not in file.read_bytes()


def test_a_dry_run_refuses_what_submit_refuses_and_sends_nothing(shell, world):
    with serve(world.truth, batches=BatchRules(polls=1)) as standin:
        for more in ("--max-cost 0.0001", "--store :memory:"):
            line = cell("batch submit", standin, more)
            assert shell.complaint(f"{line.replace(' --', ' --dry-run --', 1)}") == shell.complaint(
                line
            )
        out = shell.run(cell("batch submit", standin, "--max-cost 1 --dry-run --name two"))
        assert re.match(r"Would submit 150 texts, at the most \$[\d.]+\.\nNothing was sent", out)
        assert shell.run("%tracer batch list --name two").count("Batch") == 0
        assert "150 texts submitted" in shell.run("%tracer batch submit --name two")
    assert "nothing is routed yet" in shell.complaint(
        "%tracer batch submit --deferred --dry-run --name two"
    )
    assert "batches need a model at a server" in shell.complaint(
        "%tracer batch submit df.text --teacher teach --labelling random --labels login,parcel,refund --dry-run"
    )
