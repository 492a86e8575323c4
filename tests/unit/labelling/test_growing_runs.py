"""Runs whose texts are chosen while others are being answered."""

import asyncio
import random
import threading
import time

import pytest

from tests.unit.labelling.test_runner import Scripted
from tracer_nb.errors import TracerError
from tracer_nb.labelling import INTERRUPTED, run_labels
from tracer_nb.records import Answer, Caps, Preparing
from tracer_nb.records.preparing import tell_preparing
from tracer_nb.steps.label.asker import Asker
from tracer_nb.teachers.budget import cap_reached

BATCHES = [[f"batch {k}, text {i}" for i in range(20)] for k in range(6)]


class Chooser:
    """Gives one batch after the other, and notes what was answered when it was asked."""

    def __init__(self, batches=BATCHES[1:], *, needs=False):
        self.batches = list(batches)
        self.needs = needs  # all batches but the last one answered
        self.given = [BATCHES[0]]
        self.seen = []
        self.spent = []

    def __call__(self, answers, spending):
        if self.needs and any(text not in answers for batch in self.given[:-1] for text in batch):
            return None
        self.seen.append(len(answers))
        self.spent.append(spending.asked)
        if not self.batches:
            return []
        self.given.append(self.batches.pop(0))
        return self.given[-1]


def late(seconds=0.002):
    rng = random.Random(0)

    async def answer():
        await asyncio.sleep(rng.random() * seconds)
        return Answer("a", cost=0.1)

    return lambda _text: answer()


def held_back(more, patience=20.0):
    """The last text of each batch is answered when the next batch has been chosen."""

    async def answer(text):
        until = time.monotonic() + patience
        if text.endswith("text 19"):
            batch = int(text.split(",")[0].split()[1])
            while len(more.seen) <= batch and time.monotonic() < until:  # noqa: ASYNC110  another thread chooses
                await asyncio.sleep(0.001)
        return Answer("a", cost=0.1)

    return answer


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("needs", [False, True])
def test_every_text_is_asked_once_and_no_batch_waits_for_the_one_before(store, kept, needs):
    more, told = Chooser(needs=needs), []
    teacher = Scripted(held_back(more), concurrency=8)
    run = run_labels(
        teacher, BATCHES[0], store=store if kept else None, more=more, on_progress=told.append
    )
    texts = [text for batch in BATCHES for text in batch]
    assert run.stopped is None
    assert set(run.answers) == set(texts)
    assert set(teacher.asked.values()) == {1}
    assert run.spending.asked == len(texts)
    assert teacher.closed == 1  # one run, not one for each batch
    # Chosen while a text of the last batch was still without an answer.
    assert [n < 20 * (k + 1) for k, n in enumerate(more.seen)] == [True] * len(BATCHES)
    assert (told[-1].done, told[-1].total) == (len(texts), len(texts))


def test_what_is_chosen_meanwhile_is_told_with_the_answers_that_came_meanwhile(store):
    told, seen = [], []

    def more(answers, _spending):
        if seen:
            return []
        until = time.monotonic() + 20.0
        seen.append(len(answers))
        while seen[-1] < 20 and time.monotonic() < until:
            tell_preparing(Preparing("batch", 1))
            seen.append(told[-1].done)
            time.sleep(0.005)
        return []

    run_labels(Scripted(late(0.05)), BATCHES[0], store=store, more=more, on_progress=told.append)
    assert seen[0] < seen[-1] == 20
    while_it_chose = [p for p in told if p.preparing is not None]
    assert {p.preparing for p in while_it_chose} == {Preparing("batch", 1)}
    assert while_it_chose[-1].spending.cost == pytest.approx(2.0)
    tell_preparing(Preparing("batch", 2))  # nobody hears it when the run is over
    assert told[-1].preparing is None


def test_nothing_more_ends_the_run_and_so_does_a_stop(store):
    assert len(run_labels(Scripted(), BATCHES[0], store=store, more=Chooser([])).answers) == 20
    stop = threading.Event()

    def more(_answers, _spending):
        stop.set()
        return BATCHES[1]

    run = run_labels(Scripted(late()), BATCHES[2], store=store, more=more, stop=stop)
    assert run.stopped == INTERRUPTED
    assert len(run.answers) <= 40


def test_a_cap_on_rows_holds_over_all_batches(store):
    teacher = Scripted(concurrency=4)
    run = run_labels(teacher, BATCHES[0], store=store, more=Chooser(), max_rows=50)
    assert run.stopped == cap_reached("row", "50")
    assert sum(teacher.asked.values()) == len(run.answers) == 50


def test_a_cap_in_dollars_holds_over_all_batches(store):
    teacher = Scripted(concurrency=4)
    run = run_labels(teacher, BATCHES[0], store=store, more=Chooser(), max_cost=5.05)
    assert run.spending.cost <= 5.05
    assert 40 <= len(run.answers) <= 50
    assert run.stopped == cap_reached("cost", "$5.05")


def test_what_goes_wrong_in_the_choosing_is_raised_when_all_that_was_asked_is_kept(tmp_path):
    def more(_answers, _spending):
        raise TracerError("nobody knows")

    asker = Asker(Scripted(), tmp_path / "labels.sqlite")
    with pytest.raises(TracerError, match="nobody knows"):
        asker.ask(BATCHES[0], caps=Caps(), on_progress=None, step="label", more=more)
    assert len(asker.answers) == asker.spending.asked == 20


def test_what_came_is_known_while_the_run_goes_on():
    asker, seen = Asker(Scripted(), ":memory:"), []
    chooser = Chooser()

    def more(answers, spending):
        seen.append((len(asker.known(BATCHES[0])), len(answers), spending.asked))
        return chooser(answers, spending)

    asker.ask(BATCHES[0], caps=Caps(), on_progress=None, step="label", more=more)
    assert all(0 < known <= n for known, n, _ in seen)
    assert seen[-1][0] == 20
    assert asker.spending.asked == len(asker.answers) == 120
    assert [asked for *_, asked in seen] == sorted(asked for *_, asked in seen)
