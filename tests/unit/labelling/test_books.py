"""The books agree: what runs have spent is what the store holds, whatever goes wrong between."""

import threading

import pytest

from tracer_nb.labelling import run_labels
from tracer_nb.records import Spending
from tracer_nb.standin import Faults, serve
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import answer_runs, answer_sets
from tracer_nb.teachers import Price
from tracer_nb.teachers.chat.teacher import ChatTeacher

LABELS = ("delivery", "login", "refund")
TABLE = {f"question {i}": LABELS[i % 3] for i in range(150)}
FAULTS = Faults(
    server_error=0.05,
    drop=0.05,
    malformed=0.04,
    wrong_label=0.05,
    bad_json_content=0.05,
    empty_choices=0.05,
    no_usage=0.1,
    refusal=0.05,
    truncated=0.05,
)


class Stopping(ChatTeacher):
    """Stops its run at the tenth call, however slow the store is to write."""

    stop: threading.Event
    calls = 0

    async def label(self, texts):
        self.calls += 1
        if self.calls == 10:
            self.stop.set()
        return await super().label(texts)


def teacher_at(standin, kind=ChatTeacher):
    return kind(
        "m",
        LABELS,
        "Choose.",
        base_url=standin.base_url,
        server_name="stand-in",
        concurrency=8,
        price=Price(1.0, 2.0),
        max_retries=0,  # what fails has failed: nothing waits
    )


def spent_elsewhere(run):
    """Dollars of answers that are no answers: paid in part, and not kept."""
    return sum(answer.cost for answer in run.answers.values() if not answer.keep)


def test_runs_that_are_capped_stopped_and_full_of_faults_add_up(tmp_path):
    runs: list[Spending] = []
    kept: list[int] = []
    lost = 0.0
    with serve(TABLE, faults=FAULTS) as standin, LabelStore(tmp_path / "l.sqlite") as store:
        teacher = teacher_at(standin)
        bound = teacher.cost_bound("question 100")
        for cap in (2 * bound, 4 * bound, 0.0, None):
            run = run_labels(teacher, TABLE, store=store, max_cost=cap)
            assert cap is None or run.spending.cost <= cap
            runs.append(run.spending)
            lost += spent_elsewhere(run)
            # Asked in this run and no failure; the store held the others before.
            n_failed = sum(not answer.keep for answer in run.answers.values())
            kept.extend([run.spending.asked - n_failed] if run.spending.asked else [])
        (books,) = answer_sets(store)
        told = answer_runs(store, books.key)
        stored = store.get_many(teacher.identity, TABLE)

    assert lost > 0
    assert [run.asked > 0 for run in runs] == [True, True, False, True]
    assert books.cost == pytest.approx(sum(run.cost for run in runs) - lost)
    assert books.cost == pytest.approx(sum(answer.cost for answer in stored.values()))
    assert sum(run.cost for run in told) == pytest.approx(books.cost)
    assert [run.n_answers for run in reversed(told)] == kept


def test_an_interrupted_run_adds_up_too(tmp_path):
    stop = threading.Event()
    with serve(TABLE, latency=0.01) as standin, LabelStore(tmp_path / "l.sqlite") as store:
        stopping = teacher_at(standin, Stopping)
        stopping.stop = stop
        first = run_labels(stopping, TABLE, store=store, stop=stop)
        second = run_labels(teacher_at(standin), TABLE, store=store)
        (books,) = answer_sets(store)
        assert standin.requests == len(TABLE)  # calls in flight were let end
    assert 0 < first.spending.asked < len(TABLE)
    assert first.spending.asked + second.spending.asked == books.n_answers == len(TABLE)
    assert books.cost == pytest.approx(first.spending.cost + second.spending.cost)
    tokens = first.spending.prompt_tokens + second.spending.prompt_tokens
    assert books.prompt_tokens == tokens
