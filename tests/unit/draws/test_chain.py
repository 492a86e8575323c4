"""A chain hears whom it pays to hear, comes out the same again, and goes on where it was stopped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.validity.columns import ChainWorld
from tracer_nb.draws import (
    NEW_ROWS,
    NO_LABEL,
    PILOT,
    TEST,
    UNASKED,
    Draw,
    draw_from_record,
)
from tracer_nb.draws.chain import Chain
from tracer_nb.draws.moves import Done, drive
from tracer_nb.draws.opinions import Opinions
from tracer_nb.errors import InvalidInput

N = 700


@pytest.fixture(scope="module")
def world():
    """The surrogate is wrong on a fifth of the rows and does not know where; a stage mostly is not."""
    return ChainWorld(N, wrong=0.6, right=(0.95,), seed=1)


def heard(world, price, *, said=None, **terms):
    """The job's end, answers, opinions, and the share of open texts that were heard about."""
    job = world.job(0.9, prices=(price,) * len(world.said), start=80, **terms)
    done, labels = drive(job, world.ask, hear=world.hear if said is None else said)
    open_ = job.column.texts_of(job.column.open_rows(done.draws))
    share = [
        job.opinions.heard(s)[open_].mean() if len(open_) else 0.0 for s in range(len(world.said))
    ]
    return job, done, labels, share


@pytest.fixture(scope="module")
def whole(world):
    return heard(world, 0.03)


# --- what pays ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(world):
    return heard(world, np.inf)


def test_a_stage_that_spares_the_teacher_is_heard_about_the_column(whole, alone):
    job, done, labels, share = whole
    assert share[0] > 0.2
    assert done.certificate.certified
    cost = (labels != UNASKED).sum() + 0.03 * job.opinions.heard(0).sum()
    # A fifth of the rows are beyond the surrogate: without the stage far more are asked about.
    assert cost < 0.9 * (alone[2] != UNASKED).sum()


def replace_stage(world, right):
    """The same column with a stage of another worth."""
    other = ChainWorld(N, wrong=0.6, right=(right,), seed=1)
    assert (other.labels == world.labels).all()
    return other


@pytest.mark.parametrize(("right", "price"), [(1 / 6, 0.03), (0.95, 0.95)])
def test_a_stage_that_does_not_pay_is_heard_about_the_start_alone(world, right, price):
    """One that knows nothing, however cheap, and one that costs nearly what the teacher does."""
    job, done, _, share = heard(replace_stage(world, right), price)
    start = [job.column.texts_of(d.rows) for d in done.draws if d.purpose == PILOT]
    assert share[0] < 0.02
    others = np.setdiff1d(np.flatnonzero(job.opinions.heard(0)), np.concatenate(start))
    assert len(others) < 0.05 * N


def test_the_better_one_is_heard_of_two_at_one_price():
    both = ChainWorld(N, wrong=0.6, right=(1 / 6, 0.95), seed=1)
    _, done, _, share = heard(both, 0.05)
    assert share[1] > 0.2
    assert share[0] < 0.02
    used = [d.used for d in done.draws if d.purpose == TEST]
    assert used
    assert all(0 not in each for each in used)


def test_stages_get_no_more_than_the_teacher_got(world):
    def keep(_, labels):
        spent = 0.4 * job.opinions.heard(0).sum()
        # What a step spends is bounded before it is taken.
        assert spent <= max((labels != UNASKED).sum(), 80) + 1e-9

    job = world.job(0.9, prices=(0.4,), start=80)
    drive(job, world.ask, hear=world.hear, keep=keep)
    purse = Chain(job.column, job.terms)
    assert purse.purse(100) == 0.0  # no stages, no money
    purse.opinions = world.unheard()
    purse.opinions.codes[0, :50] = 0
    assert purse.purse(100) == pytest.approx(100 - 0.4 * 50)
    assert purse.affordable(0, 10) == 25
    assert replace_price(purse, 0.0).affordable(0, 10) >= 10_000


def replace_price(chain, price):
    chain.prices = (price,)
    return chain


def test_a_stage_that_says_nothing_is_no_worse_than_none(world, alone):
    _, done, labels, share = heard(world, 0.03, said=lambda _, texts: np.full(len(texts), NO_LABEL))
    assert share[0] < 0.02
    assert (done.certificate is None) == (alone[1].certificate is None)
    asked, own = (int((said != UNASKED).sum()) for said in (labels, alone[2]))
    assert abs(asked - own) < 0.1 * N


def test_a_stage_that_is_down_is_not_heard_again(world):
    job = world.job(0.9, prices=(0.03,), start=80)
    calls = []

    def hear(stage, texts):
        calls.append(len(texts))
        job.chain.mute({stage})
        return np.where(np.arange(len(texts)) < 20, world.said[stage][texts], UNASKED)

    done, _ = drive(job, world.ask, hear=hear)
    assert len(calls) == 1
    assert job.chain.prices == (np.inf,)
    assert done.draws


# --- the same again ----------------------------------------------------------------------


def same(a, b):
    """Whether two jobs ended alike."""
    for one, two in zip(a.draws, b.draws, strict=True):
        assert json.dumps(one.as_record()) == json.dumps(two.as_record())
    assert a.certificate.threshold == b.certificate.threshold
    assert a.certificate.n_agree == b.certificate.n_agree


def test_the_same_seed_draws_and_hears_the_same(world, whole):
    job, done, _, _ = whole
    again, other, _, _ = heard(world, 0.03)
    same(done, other)
    assert again.opinions.digest() == job.opinions.digest()
    assert heard(world, 0.03, seed=1)[1].draws[0].rows.tolist() != done.draws[0].rows.tolist()


@pytest.mark.parametrize("after", [0, 2, -2, -1])
def test_a_chain_that_was_stopped_goes_on_with_draws_labels_and_opinions(world, whole, after):
    steps = []

    def keep(draws, labels):
        records = json.dumps([d.as_record() for d in draws])
        steps.append((records, labels.copy(), job.opinions.codes.copy()))

    job = world.job(0.9, prices=(0.03,), start=80)
    drive(job, world.ask, hear=world.hear, keep=keep)
    records, labels, codes = steps[:-1][after]
    job = world.job(0.9, prices=(0.03,), start=80)
    job.opinions = Opinions(codes, (None,))
    draws = tuple(draw_from_record(record) for record in json.loads(records))
    done, _ = drive(job, world.ask, hear=world.hear, draws=draws, labels=labels)
    for one, two in zip(draws, done.draws, strict=False):  # what was drawn stays
        assert one.rows.tolist() == two.rows.tolist()
    assert done.certificate.certified
    if draws[-1].purpose in {PILOT, TEST} and after != 2:  # what is quick may be tuned anew
        same(done, whole[1])


def until_test(world):
    job = world.job(0.9, prices=(0.03,), start=80)
    draws, labels = (), np.full(job.column.n_texts, UNASKED)
    while True:
        move = job.step(draws, labels)
        assert not isinstance(move, Done), move.reason
        draws = move.draws
        if draws[-1].purpose == TEST:
            return job, draws, labels
        labels[move.texts] = world.ask(move.texts)
        for stage, texts in move.hear.items():
            job.opinions.codes[stage, texts] = world.hear(stage, texts)


def test_what_is_heard_during_a_test_changes_nothing_of_it(world):
    job, draws, labels = until_test(world)
    frozen = job.passing.frozen_of(draws, labels)
    assert draws[-1].heard[0].tolist() == np.flatnonzero(job.opinions.heard(0)).tolist()
    rows = np.flatnonzero(~job.opinions.heard(0))
    job.opinions.codes[0, rows] = world.said[0][rows]
    later = job.passing.frozen_of(draws, labels)
    assert later.scores.tolist() == frozen.scores.tolist()
    assert later.thresholds.tolist() == frozen.thresholds.tolist()


def test_a_test_whose_opinions_were_lost_or_are_others_is_void(world):
    job, draws, labels = until_test(world)
    one = job.opinions.labelled()[0][0]
    for other in (UNASKED, (job.opinions.codes[0, one] + 1) % 6):
        mine = job.opinions.codes[0, one]
        job.opinions.codes[0, one] = other
        assert job.passing.frozen_of(draws, labels) is None
        job.opinions.codes[0, one] = mine
    assert job.passing.frozen_of(draws, labels) is not None
    job.opinions.codes[0, one] = UNASKED
    assert job.step(draws, labels).draws[len(draws) - 1].found == "void"


def test_a_draw_of_a_chain_is_the_same_from_its_record():
    draw = Draw(
        *(TEST, 1, 0, 0, np.array([4, 2])),
        heard=(np.array([1, 5]), np.array([], dtype=int)),
        quiet=(np.array([], dtype=int), np.array([7])),
        used=(1, 0),
        cut=0.85,
    )
    again = draw_from_record(json.loads(json.dumps(draw.as_record())))
    assert [t.tolist() for t in again.heard] == [[1, 5], []]
    assert [t.tolist() for t in again.quiet] == [[], [7]]
    assert (again.used, again.cut) == ((1, 0), 0.85)
    # Records of jobs without a chain, and from before there were any.
    old = {k: v for k, v in draw.as_record().items() if k not in {"heard", "quiet", "used", "cut"}}
    assert (draw_from_record(old).heard, draw_from_record(old).used) == ((), ())
    for bad in ({"heard": 3}, {"used": ["x"]}, {"cut": "high"}):
        with pytest.raises(InvalidInput, match="no draw of rows"):
            draw_from_record(draw.as_record() | bad)


# --- new rows ----------------------------------------------------------------------------


def test_rows_set_aside_are_heard_about_by_the_rule_after_everything(world):
    job = world.job(0.9, prices=(0.03,), start=80, new_rows=80)
    early = []

    def hear(stage, texts):
        if not (passed := [d for d in records[-1] if d.found == "passed"]):
            early.append(np.isin(texts, aside()).any())
        assert passed or not early[-1]
        return world.hear(stage, texts)

    def aside():
        return world.codes[next(d.rows for d in records[-1] if d.purpose == NEW_ROWS)]

    records = []
    done, _ = drive(job, world.ask, hear=hear, keep=lambda draws, _: records.append(draws))
    assert not any(early)
    assert done.new_rows.n_calibration == 80
    # All whom the rule wants, and nobody else.
    chain, texts = done.frozen.chain, aside()
    nobody = replace(job.opinions, codes=np.full_like(job.opinions.codes, UNASKED))
    wanted = chain.follow(texts, nobody)[2].get(0, np.empty(0, dtype=int))
    assert sorted(texts[job.opinions.heard(0)[texts]]) == sorted(wanted)
    assert not chain.follow(texts, job.opinions)[2]
