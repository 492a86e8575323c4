"""A cap that pays for less than the column: what the last texts are spent on, and on whom it is tested."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.validity.columns import World
from tracer_nb.draws import PILOT, TEST, UNASKED, Draw, draw_from_record
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.lastmoney import is_last, last_money, start_for
from tracer_nb.draws.moves import Column, Done, Terms
from tracer_nb.engine import ExtraRows
from tracer_nb.engine.outlook import Outlook
from tracer_nb.records import Caps, Spending
from tracer_nb.steps.label.stream import reserve

FAST = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}


@pytest.fixture(scope="module")
def world():
    return World(1500, wrong=0.5, spread=0.9)


def capped(world, cap, *, target=0.9, draws=(), said=None, names=None, stop_in_test=False):
    """What a job under a cap on texts ends in, its draws, and its answers."""
    column = Column([world.X], world.codes)
    job = HardFirst(column, world.classes, Terms(target, 0.9, options=FAST))
    job.freezer.names = names
    said = np.full(column.n_texts, UNASKED) if said is None else said.copy()
    closed = False
    while True:
        n = int((said != UNASKED).sum())
        reserve(job, draws, said, Caps(max_rows=cap), Spending(asked=n))
        move = job.step(draws, said, closed=closed)
        draws = move.draws
        if isinstance(move, Done) or (stop_in_test and draws[-1].purpose == TEST):
            return move, draws, said
        texts = move.texts[: cap - n]
        said[texts] = world.labels[texts]
        closed = len(texts) < len(move.texts)


@pytest.fixture(scope="module")
def ended(world):
    return capped(world, 210)


def test_the_last_money_is_one_test_of_the_top_scored_rows_at_one_look(world, ended):
    done, draws, said = ended
    (test,) = (draw for draw in draws if draw.purpose == TEST)
    assert test.last and len(test.looks) == 1 and test.looks[0].error == test.error  # noqa: PT018
    assert (said != UNASKED).sum() == 210
    assert done.certificate.certified
    scores = done.frozen.scores[world.codes]
    floor = done.frozen.thresholds[-1]
    assert (scores[test.rows] >= floor).all()
    open_ = Column([world.X], world.codes).open_rows(done.tested[:-1])
    # Some rows that can be hoped for least are left out, and count as open all the same.
    assert (scores[open_] < floor).sum() > 0
    assert done.certificate.n_population == len(open_)


def test_a_test_with_the_last_money_goes_on_after_a_restart(world, ended):
    _, draws, said = capped(world, 210, stop_in_test=True)
    again = tuple(draw_from_record(draw.as_record()) for draw in draws)
    done, later, _ = capped(world, 210, draws=again, said=said)
    assert done.certificate == ended[0].certificate
    assert [draw.rows.tolist() for draw in later] == [draw.rows.tolist() for draw in ended[1]]


def test_a_cap_that_pays_for_the_column_changes_nothing(world):
    done, draws, _ = capped(world, 1500)
    assert done.certificate.certified
    assert not any(draw.last for draw in draws)
    assert all(len(draw.looks) == 2 for draw in draws if draw.purpose == TEST)


def test_a_test_that_took_the_last_money_and_failed_says_so():
    wrong = World(1200, wrong=0.9, spread=1.4)
    done, draws, _ = capped(wrong, 220, target=0.97)
    assert done.certificate is None
    assert "did not pass" in done.reason or "can be expected to pass" in done.reason
    assert sum(draw.purpose == TEST for draw in draws) <= 1


def test_names_of_labels_choose_rows_where_few_are_asked_about(world):
    column = Column([world.X], world.codes)
    pilot = np.random.default_rng(1).permutation(column.n_texts)[:12]
    centres = np.array(
        [world.X[world.labels == k].mean(axis=0) for k in range(6)], dtype=np.float32
    )
    labels = np.full(column.n_texts, UNASKED)
    labels[pilot] = world.labels[pilot]
    draws, open_ = (Draw(PILOT, 0, 0, 0, pilot),), np.setdiff1d(np.arange(column.n_texts), pilot)

    def sure(names=None):
        surveyor = HardFirst(column, world.classes, Terms(0.9, 0.9))._surveyor
        return surveyor.look(draws, labels, open_, 1, names)[1].sure

    named = ExtraRows([centres], np.array(world.classes, dtype=object))
    told_nothing = ExtraRows([-centres], named.y)
    assert (sure(named) != sure()).any()
    # Names that know nothing are told by out-of-fold answers.
    assert (sure(told_nothing) == sure()).all()


def outlook(**changes):
    parts = {"n_labels": 200, "n_test": 100, "start": 1, "stride": 1, "chance": 0.9, "coverage": 0.5,
             "n_deferred": 400.0, "bill": 900.0, "wrong": 0.1}  # fmt: skip
    return Outlook(**parts | changes)


@pytest.mark.parametrize(
    ("room", "plan", "said"),
    [
        (None, {}, False),
        (499, {}, True),  # 100 to test and 400 behind it
        (500, {}, False),
        (999, {"n_test": 0}, True),  # all of 1,000 that are left
        (1000, {"n_test": 0}, False),
    ],
)
def test_money_is_the_last_where_it_does_not_pay_for_the_rest(room, plan, said):
    assert is_last(outlook(**plan), room, 1000) is said


def test_another_batch_is_fitted_on_only_if_the_test_is_the_better_for_it():
    def ahead(gain, *, last, most, learned=0):
        assert last
        assert most + learned == 200
        return outlook(bill=900.0 - gain * learned)

    for gain, grow in ((1.0, True), (-1.0, False)):
        assert last_money(partial(ahead, gain), room=200, batch=40, fewest=30) == (outlook(), grow)
    # Of the money for a test nothing is spent.
    assert last_money(partial(ahead, 1.0), room=200, batch=180, fewest=30)[1] is False


def test_a_start_is_smaller_where_a_cap_is_small():
    assert [start_for(room, 150) for room in (None, 1000, 300, 50)] == [150, 150, 150, 40]
