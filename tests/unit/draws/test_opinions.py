"""What stages say about texts, how it is weighed, and whom a rule hears next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.draws.chained import Chained
from tracer_nb.draws.opinions import Opinions, Pools, Rule

K = 3
N = 600
PRESENT = np.arange(K)


def opinions(*stages):
    return Opinions(np.array(stages), (None,) * len(stages))


@pytest.fixture(scope="module")
def world():
    """Truth, outputs that are right on .7 of the texts, and two stages on .9 and .6 of them."""
    rng = np.random.default_rng(3)
    codes = rng.integers(K, size=N)

    def said(right):
        return np.where(rng.random(N) < right, codes, (codes + rng.integers(1, K, N)) % K)

    outputs = 0.5 * np.eye(K)[said(0.7)] + rng.dirichlet(np.ones(K), N) * 0.5
    return codes, outputs, opinions(said(0.9), said(0.6))


def pools_of(world, *, n=300, chance=None, codes=None, said=None):
    """Pools of the first n texts."""
    truth, outputs, everything = world
    texts = np.arange(n)
    chance = np.ones(n, dtype=bool) if chance is None else chance
    codes = truth[:n] if codes is None else codes
    said = everything if said is None else said
    return Pools(outputs[:n], texts, codes, chance, said, PRESENT)


# --- what was said -----------------------------------------------------------------------


def test_evidence_is_a_label_a_distribution_or_nothing():
    codes = np.array([[0, 2, NO_LABEL, UNASKED, 1]])
    soft = np.full((5, K), np.nan, dtype=np.float32)
    soft[1] = 0.2, 0.2, 0.6
    soft[2] = 0.3, 0.3, 0.4  # of an answer that names no label: nothing
    own = Opinions(codes, (soft,)).evidence(0, np.arange(5), PRESENT)
    assert own == pytest.approx(
        np.array([[1, 0, 0], [0.2, 0.2, 0.6], [0, 0, 0], [0, 0, 0], [0, 1, 0]])
    )
    # A label that the surrogate never saw is none that it can be pooled with.
    few = Opinions(codes, (None,)).evidence(0, np.arange(5), np.array([0, 1]))
    assert few[1].tolist() == [0, 0]


def test_texts_are_told_apart_by_who_was_heard():
    own = opinions([0, UNASKED, 1, UNASKED], [0, 1, UNASKED, UNASKED])
    texts = np.array([3, 2, 1, 0])
    found = {heard: texts[rows].tolist() for heard, rows in own.sets(texts)}
    assert found == {(): [3], (0,): [2], (1,): [1], (0, 1): [0]}
    assert [t.tolist() for t in own.labelled()] == [[0, 2], [0, 1]]
    assert own.heard(1).tolist() == [True, True, False, False]


def test_what_was_known_then_is_found_again():
    own = opinions([0, 1, NO_LABEL, UNASKED], [0, UNASKED, UNASKED, UNASKED])
    then = own.labelled(), own.quiet()
    assert [[t.tolist() for t in each] for each in then] == [[[0, 1], [0]], [[2], []]]
    digest = own.digest()
    own.codes[0, 3] = own.codes[1, 2] = 1
    assert own.digest() != digest
    assert own.only(*then).digest() == digest
    # One that said nothing then stays so, whatever it says later on.
    own.codes[0, 2] = 1
    assert own.only(*then).digest() == digest
    # An answer that is another one now.
    own.codes[0, 1] = 2
    assert own.only(*then).digest() != digest


def test_distributions_are_part_of_what_was_said():
    soft = np.full((2, K), 1 / K, dtype=np.float32)
    codes = np.array([[0, 1]])
    plain, first = Opinions(codes, (None,)), Opinions(codes, (soft,))
    other = Opinions(codes, (np.array([[0.5, 0.3, 0.2], [1, 0, 0]], dtype=np.float32),))
    assert len({plain.digest(), first.digest(), other.digest()}) == 3


def test_a_rule_hears_its_stages_in_order_and_no_other():
    rule = Rule((2, 0), 0.9)
    assert [rule.next(heard) for heard in ((), (2,), (1,), (0, 2))] == [2, 0, 2, None]
    assert Rule().next(()) is None


# --- how it is weighed -------------------------------------------------------------------


def test_a_pool_answers_better_than_any_one_of_its_opinions(world):
    truth, outputs, said = world
    texts, pools = np.arange(300, N), pools_of(world)

    def right(*heard):
        return (pools.say(heard, outputs[texts], texts)[0] == truth[texts]).mean()

    assert right(0, 1) >= right(0) > right() + 0.1
    assert right(0, 1) > (said.codes[0, texts] == truth[texts]).mean()
    scores = pools.say((0, 1), outputs[texts], texts)[1]
    assert scores.mean() == pytest.approx(right(0, 1), abs=0.05)


def test_chosen_rows_and_rows_without_a_label_weigh_nothing(world):
    truth, _, said = world
    whole = pools_of(world, n=200)
    # The further rows were chosen, and stage 0 is wrong on all of them, or they have no label.
    wrong = Opinions(said.codes.copy(), said.soft)
    wrong.codes[0, 200:300] = (truth[200:300] + 1) % K
    chance = np.arange(300) < 200
    assert pools_of(world, chance=chance, said=wrong).pool((0,)).weights == pytest.approx(
        whole.pool((0,)).weights, abs=1e-9
    )
    codes = np.where(chance, truth[:300], NO_LABEL)
    mute = pools_of(world, codes=codes)
    assert mute.pool((0,)).weights == pytest.approx(whole.pool((0,)).weights, abs=1e-9)
    # And they are disagreements.
    assert not mute.labelled(Rule((0,), 1.01))[1][200:].any()


def test_without_rows_enough_a_stage_is_left_out(world):
    _, outputs, said = world
    few = Opinions(said.codes.copy(), said.soft)
    few.codes[1, 20:] = UNASKED
    pools = pools_of(world, said=few)
    assert pools.pool((0, 1)) is None
    assert pools.usable((0, 1)) == (0,)
    texts = np.arange(10)
    for mine, own in zip(
        pools.say((0, 1), outputs[texts], texts),
        pools.say((0,), outputs[texts], texts),
        strict=True,
    ):
        assert mine.tolist() == own.tolist()
    none = pools_of(world, n=20)
    codes, scores = none.say((), outputs[texts], texts)
    assert codes.tolist() == outputs[texts].argmax(axis=1).tolist()
    assert not scores.any()


def test_now_goes_by_whomever_was_heard_about_each_row(world):
    _, outputs, said = world
    part = Opinions(said.codes.copy(), said.soft)
    part.codes[0, 400:] = part.codes[1, 350:] = UNASKED
    pools, texts = pools_of(world, said=part), np.arange(300, 450)
    codes, scores = pools.now(outputs[texts], texts)
    for heard, rows in (
        ((0, 1), texts < 350),
        ((0,), (texts >= 350) & (texts < 400)),
        ((), texts >= 400),
    ):
        own = pools.say(heard, outputs[texts[rows]], texts[rows])
        assert codes[rows].tolist() == own[0].tolist()
        assert scores[rows] == pytest.approx(own[1])


def test_a_rule_is_followed_until_a_row_is_sure_or_somebody_was_not_heard(world):
    _, outputs, said = world
    part = Opinions(said.codes.copy(), said.soft)
    part.codes[0, 500:] = UNASKED  # nobody was heard about these
    part.codes[1, 400:] = UNASKED
    pools, texts, rule = pools_of(world, said=part), np.arange(300, N), Rule((0, 1), 0.8)
    codes, scores, waiting = pools.by_rule(rule, outputs[texts], texts)
    first = pools.say((), outputs[texts], texts)[1]
    sure = first >= rule.cut
    assert scores[sure] == pytest.approx(first[sure])
    assert texts[waiting[0]].tolist() == texts[~sure & (texts >= 500)].tolist()
    second = pools.say((0,), outputs[texts], texts)[1]
    unsure = ~sure & (texts < 500) & (second < rule.cut)
    assert texts[waiting[1]].tolist() == texts[unsure & (texts >= 400)].tolist()
    both = pools.say((0, 1), outputs[texts], texts)
    behind = unsure & (texts < 400)
    assert scores[behind] == pytest.approx(both[1][behind])
    assert codes[behind].tolist() == both[0][behind].tolist()


def test_what_will_be_said_is_expected_to_be_like_what_was(world):
    _, outputs, said = world
    part = Opinions(said.codes.copy(), said.soft)
    part.codes[:, 300:] = UNASKED
    pools, texts = pools_of(world, said=part), np.arange(300, N)
    rng = np.random.default_rng(0)
    scores, bought = pools.project(Rule((0,), 1.01), outputs[texts], texts, rng)
    assert len(bought[0]) == len(texts)
    heard = pools_of(world).say((0,), outputs[texts], texts)[1]
    assert scores.mean() == pytest.approx(heard.mean(), abs=0.03)
    nobody, none = pools.project(Rule(), outputs[texts], texts, rng)
    assert not none
    assert nobody == pytest.approx(pools.say((), outputs[texts], texts)[1])


def test_the_rule_so_far_is_read_off_what_was_heard(world):
    _, outputs, said = world
    texts = np.arange(300, N)
    part = Opinions(said.codes.copy(), said.soft)
    part.codes[:, 300:] = UNASKED
    assert pools_of(world, said=part).so_far(outputs[texts], texts) == Rule()
    least = texts[np.argsort(pools_of(world).say((), outputs[texts], texts)[1])[:150]]
    part.codes[0, least] = said.codes[0, least]
    rule = pools_of(world, said=part).so_far(outputs[texts], texts)
    assert rule.used == (0,)
    assert rule.cut == pytest.approx(
        np.median(pools_of(world).say((), outputs[texts], texts)[1]), abs=0.01
    )
    part.codes[0] = said.codes[0]
    assert pools_of(world, said=part).so_far(outputs[texts], texts) == Rule((0,), 1.01)


# --- what was frozen ---------------------------------------------------------------------


def test_a_frozen_chain_weighs_newer_answers_by_its_own_weights(world):
    _, outputs, said = world
    then = Opinions(said.codes.copy(), said.soft)
    then.codes[:, 300:] = UNASKED
    far = np.arange(N) >= 590
    chain = Chained(pools_of(world, said=then), Rule((0, 1), 0.8), outputs, far)
    texts = np.arange(300, N)
    _, scores, waiting = chain.follow(texts, then)
    unsure = (scores < 0.8) & ~far[texts]
    # Nobody is asked about what the guard defers.
    assert waiting[0].tolist() == texts[unsure].tolist()
    assert 1 not in waiting
    # All that was labelled gets other answers later on: they weigh nothing.
    newer = Opinions(said.codes.copy(), said.soft)
    newer.codes[:, :300] = 0
    codes, scores, waiting = chain.follow(texts, newer)
    assert not waiting
    own = pools_of(world).by_rule(chain.rule, outputs[texts], texts)
    assert codes.tolist() == own[0].tolist()
    assert scores == pytest.approx(own[1])
    # One text after the other, and all at once.
    each = [chain.follow(np.array([t]), newer)[1][0] for t in texts[:20]]
    assert each == pytest.approx(scores[:20])


def test_a_frozen_chain_without_stages_asks_nobody(world):
    _, outputs, said = world
    chain = Chained(pools_of(world), Rule(), outputs, np.zeros(N, dtype=bool))
    assert replace(chain, rule=Rule()).follow(np.arange(N), said)[2] == {}
