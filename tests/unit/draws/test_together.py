"""Jobs for several promises at once: what is asked about, tested, kept on record, and given up."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.validity.columns import FilterWorld
from tracer_nb.draws import TEST, UNASKED, draw_from_record
from tracer_nb.draws.moves import Ask, Done, drive
from tracer_nb.draws.sampling import Wanted, expect_sample, sample_pays
from tracer_nb.engine.certificates import kind_of, lower_target, most_wanted, with_known
from tracer_nb.records import HANDLED, PromiseName

RECALL = PromiseName("recall", "yes")


def make(world, **terms):
    return world.job(target=0.9, promise=HANDLED, beside=(RECALL,), **terms)


@pytest.fixture(scope="module", params=[0.2, 0.025], ids=["common", "rare"])
def ended(request):
    world = FilterWorld(2500, share=request.param, stray=0.001)
    job = make(world)
    return world, job, *drive(job, world.ask), request.param


def test_a_rare_label_is_looked_for_and_a_common_one_tested_with_the_rest(ended):
    world, job, done, _, share = ended
    test, frozen = done.tested[-1], done.frozen
    agreement, recall = frozen.tests
    assert (agreement.reads, recall.reads) == (False, share < 0.1)
    assert test.promise == "handled,recall:yes"
    assert sum(look.error for look in test.looks) == pytest.approx(test.error)
    assert test.error == pytest.approx(job.aim.delta(1))
    # One shuffle of all open rows: each test reads the first of its own.
    open_ = job.column.open_rows(done.tested[:-1])
    assert np.isin(test.rows, open_).all()
    c = done.certificate
    read = job.aim.read(frozen, test, c)
    assert len(read) >= max(one.n_calibration for one in (c, *c.also))
    if recall.reads:
        mine = frozen.fit.classes[frozen.answers.codes[world.codes[read]]]
        assert c.also[0].n_calibration == (mine == "no").sum()
    assert c.threshold == c.also[0].threshold


def test_a_test_that_was_stopped_goes_on_with_the_same_rows(ended):
    world, _, whole, *_ = ended
    at = next(i for i, d in enumerate(whole.draws) if d.purpose == TEST)
    draws = (*whole.draws[:at], replace(whole.draws[at], found="", missing=None))
    labels = np.full(len(world.labels), UNASKED)
    before = world.codes[np.concatenate([d.rows for d in draws[:-1]])]
    labels[before] = world.labels[before]
    move = None
    while not isinstance(move, Done):
        draws = tuple(draw_from_record(json.loads(json.dumps(d.as_record()))) for d in draws)
        move = make(world).step(draws, labels)
        draws = move.draws
        if isinstance(move, Ask):  # a part of the answers, and another session
            texts = move.texts[: max(len(move.texts) // 2, 100)]
            labels[texts] = world.ask(texts)
    assert move.certificate == whole.certificate


@pytest.mark.parametrize("ended", [0.025], indirect=True)
def test_a_test_is_given_up_when_one_promise_is_lost(ended):
    """Rows that were not read yet stay open."""
    world, _, whole, *_ = ended
    at = next(i for i, d in enumerate(whole.draws) if d.purpose == TEST)
    draws = (*whole.draws[:at], replace(whole.draws[at], found="", missing=None))
    labels = np.full(len(world.labels), UNASKED)
    before = world.codes[np.concatenate([d.rows for d in draws[:-1]])]
    labels[before] = world.labels[before]
    job, rows = make(world, one_round=False), draws[-1].rows
    test = whole.frozen.tests[0]
    n = test.looks[-1][0]
    labels[world.codes[rows[:n]]] = 1 - world.labels[world.codes[rows[:n]]]  # nobody agrees
    move = job.step(draws, labels)
    spent = next(d for d in move.draws[at:] if d.purpose == TEST)
    assert spent.found == "failed"
    assert n <= len(spent.rows) < len(rows)
    assert np.isin(rows[len(spent.rows) :], job.column.open_rows(move.draws[: at + 1])).all()


def test_known_rows_leave_room_for_missed_ones():
    kind = kind_of(RECALL, ["no", "yes"])
    wrong, wanted, rows = np.array([0]), np.array([30]), np.array([1000])
    alone = kind.column(wrong, wanted, rows, 1000, 0.9)
    none = with_known(kind, 0, 200, 0.05).column(wrong, wanted, rows, 1000, 0.9)
    some = with_known(kind, 100, 200, 0.05).column(wrong, wanted, rows, 1000, 0.9)
    assert none[0] == pytest.approx(alone[0] / 0.9)
    most = most_wanted(30, 200, 1000, 0.005)
    assert some[0] == pytest.approx(lower_target(0.9, 100, most) ** 30 / 0.9)
    assert some[0] < alone[0]


def test_what_a_label_is_expected_to_take():
    def wanted(missed, known=0, n_open=10_000):
        return Wanted(n_open, 1000.0, 900.0, np.linspace(0, missed, 41)[1:], known)

    levels = {"target": 0.9, "delta": 0.05}
    few, many = (expect_sample(500, wanted(n), **levels) for n in (10, 60))
    assert 0 < few.n_test < many.n_test
    assert expect_sample(500, wanted(60, known=900), **levels).n_test < many.n_test
    assert not expect_sample(500, wanted(10), **levels, most=50).n_test
    assert sample_pays(wanted(10), **levels)
    assert not sample_pays(Wanted(10_000, 100.0, 90.0, np.full(40, 10.0), 0), **levels)
