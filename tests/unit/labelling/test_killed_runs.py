"""A run that is killed fifty times, and runs side by side: nothing is lost, nothing paid twice."""

import json
import os
import random
import signal
import time

import pytest

from tracer_nb.standin import serve
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import answer_sets

from .kernels import CONCURRENCY, PRICE, TEXTS, Kernels

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX processes")

KILLS = 50


@pytest.fixture
def standin():
    with serve(TEXTS, latency=0.01) as server:
        yield server


@pytest.fixture
def kernels(standin):
    kernels = Kernels(int(standin.base_url.rsplit(":", 1)[1].split("/")[0]))
    yield kernels
    kernels.close()


def kept_in(path):
    """Every stored answer by its text, without the times it took."""
    if not path.exists():
        return {}
    with LabelStore(path) as store:
        return {
            text: (answer.label, answer.prompt_tokens, answer.completion_tokens, answer.cost)
            for identity, _ in store.identities()
            for text, answer, _ in store.answers_of(identity)
        }


def result(lines):
    """What a run that went through says at its end: asked, reused, cost, labels."""
    last = [line for line in lines if not line.startswith(("got ", "children "))]
    assert [line.partition(" ")[0] for line in last] == ["done"] * len(last), last
    return [json.loads(line.removeprefix("done ")) for line in last]


def kill_after(kernels, path, n, pause):
    """Start a run, let it commit ``n`` answers at least, wait, kill; what it has committed."""
    got = set()
    lines = kernels.start(path)
    for line in lines:
        if line.startswith("got "):
            got.add(line.removeprefix("got "))
        if kernels.children and len(got) >= n:
            time.sleep(pause)
            kernels.kill()
            break
    rest = list(lines)
    assert all(line.startswith("got ") for line in rest), rest  # it did not end by itself
    return got | {line.removeprefix("got ") for line in rest}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_fifty_kills_lose_no_answer_and_ask_none_twice(kernels, standin, tmp_path):
    rng = random.Random(4)
    path = tmp_path / "labels.sqlite"
    kept = {}  # text: how often it had been asked when it was known to be stored
    for kill in range(KILLS):
        # Some in the first moments, while the store is made, opened or repaired.
        early = kill % 5 == 0
        n, pause = (
            (0, rng.uniform(0, 0.03)) if early else (rng.randint(1, 8), rng.uniform(0, 0.003))
        )
        got = kill_after(kernels, path, n, pause)
        # Looking into the store repairs it: every other time that is left to the next run.
        stored = kept_in(path) if kill % 2 else got
        asked = standin.asked()
        if kill % 2:
            assert set(kept) | got <= set(stored)
        kept.update({text: asked[text] for text in stored if text not in kept})
    assert 50 < len(kept) < len(TEXTS)

    ((n_asked, reused, cost, said),) = result(kernels.start(path))
    asked = standin.asked()
    assert said == TEXTS
    assert n_asked + reused == len(TEXTS)
    assert reused >= len(kept)
    assert {text: asked[text] for text in kept} == kept
    # What was asked twice had been under way when a run was killed.
    assert standin.requests - len(TEXTS) <= KILLS * CONCURRENCY

    # The books: each text once, and the last run's spending is that of its own rows.
    ((_, _, cost_alone, _),) = result(kernels.start(tmp_path / "alone.sqlite"))
    table = kept_in(path)
    assert table == kept_in(tmp_path / "alone.sqlite")
    assert {text: row[0] for text, row in table.items()} == TEXTS
    with LabelStore(path) as store:
        (books,) = answer_sets(store)
    assert books.n_answers == len(TEXTS)
    assert books.cost == pytest.approx(cost_alone)
    assert books.cost == pytest.approx(PRICE.of(books.prompt_tokens, books.completion_tokens))
    assert 1 < books.n_runs <= KILLS + 1
    assert cost < cost_alone


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_run_that_is_killed_while_it_makes_its_store_leaves_a_good_one_or_none(kernels, tmp_path):
    rng = random.Random(5)
    for kill in range(15):
        path = tmp_path / f"{kill}" / "labels.sqlite"
        got = kill_after(kernels, path, 0, rng.uniform(0, 0.02))
        assert got <= set(kept_in(path))
        with LabelStore(path) as store:
            assert len(store.identities()) <= 1


def test_runs_side_by_side_share_what_they_pay(kernels, standin, tmp_path):
    path = tmp_path / "labels.sqlite"
    results = result(kernels.start(path, path))
    assert [said for *_, said in results] == [TEXTS, TEXTS]
    # The books have each text once, whoever was faster.
    table = kept_in(path)
    assert {text: row[0] for text, row in table.items()} == TEXTS
    with LabelStore(path) as store:
        (books,) = answer_sets(store)
    assert books.n_answers == len(TEXTS)
    assert books.cost == pytest.approx(sum(row[3] for row in table.values()))
    # Both asked, and together only a little more than once about each.
    asked = [n_asked for n_asked, *_ in results]
    assert sum(asked) == standin.requests
    assert sum(asked) <= 1.2 * len(TEXTS)
