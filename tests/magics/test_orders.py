"""Steps of a notebook in any order, twice, and with two jobs: a result, or one clear line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

FAST = "--labels intents --features lsa --surrogate logistic --target 0.5"
JOB = f"df.text --teacher teach {FAST}"
RANDOM = f"{JOB} --labelling random --sample 150"
CELLS = [
    f"%tracer plan {RANDOM}",
    f"%tracer run {RANDOM} --output routed",
    "%tracer label",
    "%tracer fit",
    "%tracer calibrate",
    "%tracer route",
    "%tracer gaps",
    "%tracer audit --rate 0.2",
    "%tracer update --sample 40",
    "%tracer reask --rows 20",
    "%tracer panel",
    "%tracer report page.html",
    "%tracer save r.tracer",
    "%tracer load r.tracer --name loaded",
    "%tracer route df.text --output theirs --name loaded",
    f"%tracer run {JOB} --name second",
    "%tracer gaps --against second",
    "%tracer store list",
    f"%%tracer {RANDOM} --target 0.6",
    "routed.head()",
]


def clean(ran):
    """A result, or a mistake in one line; a name that a cell above would have made is Python's to say."""
    if ran.error is None:
        return True
    if isinstance(ran.error, NameError):
        return "routed" in str(ran.error)
    return type(ran.error).__name__ == "UsageError" and len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("seed", range(3))
def test_cells_in_any_order_and_again_from_the_top(shell, seed):
    shell["df"] = shell["df"].head(300)
    cells = random.Random(seed).sample(CELLS, len(CELLS))
    for cell in cells:
        ran = shell.try_run(cell)
        assert clean(ran), f"{cell}\n{ran.text}"
    for cell in CELLS:
        ran = shell.try_run(cell)
        assert ran.error is None, f"{cell}\n{ran.text}"
    assert Path("page.html").exists()


def test_a_restarted_kernel_asks_for_nothing_and_says_the_same(bare_shell, world):
    shell = bare_shell

    def restarted():
        shell.ip.reset()
        shell.ip.extension_manager.loaded.discard("tracer_nb")
        shell.run("%load_ext tracer_nb")
        shell["df"], shell["intents"] = world.frame, list(world.labels)
        shell["teach"] = world.teach
        return shell.run(f"%tracer run {JOB} --output routed")

    first, asked = restarted().splitlines(), len(world.asked)
    frame = shell["routed"]
    again = restarted().splitlines()
    assert len(world.asked) == asked
    assert again[:3] == first[:3]
    assert shell["routed"].equals(frame)


def test_two_jobs_do_not_touch_each_other(shell):
    teach = shell["teach"]
    one = shell.run(f"%tracer run {JOB} --name one --output first")
    frame, card = shell["first"], shell.run("%tracer panel --name one")
    shell["other"] = lambda text: str(teach(text))
    shell.run(f"%tracer run {RANDOM} --teacher other --name two --output second")
    shell.run("%tracer audit --name two --rate 0.2\n%tracer update --name two --sample 40")
    assert shell["first"] is frame
    assert shell.run("%tracer panel --name one") == card
    assert one.splitlines()[0] == card.splitlines()[0]
