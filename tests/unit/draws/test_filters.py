"""Jobs for other promises than selective agreement: what is asked about, frozen and kept on record."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.validity.columns import FilterWorld
from tracer_nb.draws import HARD, NO_LABEL, PILOT, TEST, UNASKED, draw_from_record
from tracer_nb.draws.moves import Ask, Done, drive
from tracer_nb.draws.together import aim_of
from tracer_nb.records import PromiseName

OUTPUT, RECALL = PromiseName("output"), PromiseName("recall", "yes")


@pytest.fixture(scope="module")
def world():
    return FilterWorld(900, share=0.2, stray=0.003)


@pytest.fixture(scope="module")
def ended(world):
    job = world.job(target=0.9, promise=RECALL)
    return job, *drive(job, world.ask)


def test_recall_asks_about_what_is_likely_to_be_wanted_first(ended, world):
    job, done, _ = ended
    wanted = world.labels == 1
    hard = np.concatenate([world.codes[d.rows] for d in done.draws if d.purpose == HARD])
    start = world.codes[next(d for d in done.draws if d.purpose == PILOT).rows]
    assert wanted[hard].mean() > 2 * wanted[start].mean()
    test = done.tested[-1]
    assert test.promise == "recall:yes"
    # Only rows that come out without the label are read.
    mine = done.frozen.fit.classes[done.frozen.answers.codes[world.codes[test.rows]]]
    assert (mine == "no").all()
    assert test.looks[-1].n_rows == len(test.rows) < len(job.column.open_rows(done.tested[:-1]))
    assert sum(look.error for look in test.looks) == pytest.approx(test.error)


def test_its_certificate_counts_what_is_known_and_what_was_missed(ended, world):
    job, done, said = ended
    c, before = done.certificate, done.tested[:-1]
    assert (c.promise, c.method, c.threshold) == (RECALL, "column", 0.0)
    read = world.codes[done.tested[-1].rows[: c.n_calibration]]
    assert c.n_wrong == (world.labels[read] == 1).sum()
    assert c.n_counted == job.aim.known(before, said) + c.n_wrong
    # Of agreement nothing is promised.
    assert (c.agreement_lower, c.whole_output_lower) == (0.0, 0.0)


def test_a_test_that_was_stopped_goes_on_with_the_same_rows(ended, world):
    _, whole, _ = ended
    at = next(i for i, d in enumerate(whole.draws) if d.purpose == TEST)
    draws = (*whole.draws[:at], replace(whole.draws[at], found="", missing=None))
    labels = np.full(len(world.labels), UNASKED)
    before = world.codes[np.concatenate([d.rows for d in draws[:-1]])]
    labels[before] = world.labels[before]
    move = None
    while not isinstance(move, Done):
        draws = tuple(draw_from_record(json.loads(json.dumps(d.as_record()))) for d in draws)
        move = world.job(0.9, promise=RECALL).step(draws, labels)
        draws = move.draws
        if isinstance(move, Ask):  # a part of the answers, and another session
            texts = move.texts[: max(len(move.texts) // 2, 100)]
            labels[texts] = world.ask(texts)
    assert [(d.purpose, d.rows.tolist()) for d in draws] == [
        (d.purpose, d.rows.tolist()) for d in whole.draws
    ]
    assert move.certificate == whole.certificate


def test_another_promise_on_the_same_column_is_another_round(world):
    done, said = drive(world.job(target=0.9, promise=OUTPUT), world.ask)
    assert [d.promise for d in done.draws if d.purpose == TEST] == ["output"]
    job = world.job(target=0.9, promise=RECALL)
    assert not job.passing.certified(done.draws, said)
    draws = tuple(replace(d, found=d.found or "passed") for d in done.draws)
    move = job.step(draws, said)
    while isinstance(move, Ask) and move.draws[-1].purpose != TEST:
        said[move.texts] = world.ask(move.texts)
        move = job.step(move.draws, said)
    assert isinstance(move, Ask)
    test = move.draws[-1]
    assert (test.round, test.promise) == (2, "recall:yes")
    assert test.error == job.terms.delta(2) < job.terms.delta(1)


def test_rows_without_a_label_or_an_answer_never_help(ended, world):
    job, done, said = ended
    test, before = done.tested[-1], done.tested[:-1]
    read = world.codes[test.rows[: test.looks[0].n_rows]]
    open_ = job.column.open_rows(before)

    def at_first(labels):
        return job.aim.certify(done.frozen, open_, before, test, 0, labels)

    none = said.copy()
    none[read] = 0
    assert at_first(none).certified
    for code in (1, NO_LABEL, UNASKED):
        other = none.copy()
        other[read[0]] = code
        assert not at_first(other).certified


def test_a_label_that_the_teacher_never_gives_ends_it_with_one_line():
    world = FilterWorld(1200)
    world.labels[:] = 0
    done, said = drive(world.job(target=0.95, promise=RECALL), world.ask)
    assert done.certificate is None
    assert "none of" in done.reason and "the label yes" in done.reason  # noqa: PT018
    assert (said != UNASKED).mean() < 0.6


def test_a_start_without_the_label_is_made_longer():
    world = FilterWorld(900, share=0.03, stray=0.0)
    job = world.job(target=0.9, promise=RECALL, start=40)
    draws, labels = (), np.full(len(world.labels), UNASKED)
    hidden = np.where(world.labels == 1, 0, world.labels)  # the first rows happen to be others
    move = job.step(draws, labels)
    labels[move.texts] = hidden[move.texts]
    move = job.step(move.draws, labels)
    assert move.draws[-1].purpose == PILOT


def test_precision_is_of_rows_that_are_given_the_label(world):
    job = world.job(target=0.9, promise=PromiseName("precision", "no"))
    done, _ = drive(job, world.ask)
    assert done.certificate.promise.kind == "precision"
    test, open_ = done.tested[-1], job.column.open_rows(done.tested[:-1])
    scores = done.frozen.scores[world.codes]
    mine = done.frozen.fit.classes[done.frozen.answers.codes[world.codes]]
    assert (mine[test.rows] == "no").all()
    assert (mine[open_][scores[open_] >= done.certificate.threshold] == "no").all()


def test_a_test_ends_where_no_later_look_could_give_more():
    """All rows that are given the label passed: the others are no look's to gain."""
    world = FilterWorld(900, share=0.2, stray=0.005, seed=1)
    done, _ = drive(
        world.job(target=0.9, promise=PromiseName("precision", "no"), seed=1), world.ask
    )
    test = done.tested[-1]
    assert [look.n_rows for look in test.looks] == [42, 105]
    assert done.certificate.n_calibration == 42
    assert len(test.missing) > 50


def test_of_the_whole_output_more_of_the_open_rows_may_be_wrong(world):
    of_handled, of_all = (
        aim_of(world.column, world.classes, world.job(0.9, promise=p).terms)
        for p in (PromiseName(), OUTPUT)
    )
    assert of_all.n_delivered == len(world.codes)
    assert of_all.fewest(400) < of_handled.fewest(400)
    assert of_all.fewest(80) == 1  # fewer than may be wrong of all
