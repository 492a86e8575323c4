"""The residual cascade: two stages, and whichever is surer answers."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.gates import fit_gates
from tracer_nb.engine.judge import gain
from tracer_nb.engine.zoo import SURROGATES

from .racing import choose, rows


def test_a_cascade_answers_by_the_surer_stage():
    X, Y, codes = rows(n=400, spread=1.4)
    single = choose(X, Y, codes, surrogate="kernel-ridge")
    longer = choose(X, Y, codes, surrogate="kernel-ridge", pipeline="cascade")
    assert longer.pipeline.name == "kernel-ridge + logistic" == longer.trials[0].name
    assert [t.name for t in longer.trials] == ["kernel-ridge + logistic", "kernel-ridge"]
    assert [t.chosen for t in longer.trials] == [True, False]
    assert longer.trials[0].agreement == (longer.left_out.codes == codes).mean()

    first, second = longer.pipeline.stages
    assert (first.name, second.name) == ("kernel-ridge", "logistic")
    # Left out: the second stage's own out-of-fold answers, on rows the first is not sure of.
    left = np.flatnonzero(single.left_out.scores < longer.pipeline.switch)
    assert 50 <= len(left) < 400
    fit = SURROGATES["logistic"](X[left], Y[left], 0)
    [(_, scores)] = fit_gates(
        ("margin",),
        fit.out_of_fold,
        fit.out_of_fold.argmax(axis=1) == codes[left],
        X[left],
        codes[left],
        seed=0,
    )
    expected_scores, expected_codes = single.left_out.scores.copy(), single.left_out.codes.copy()
    surer = scores > expected_scores[left]
    assert 0 < surer.sum() < len(left)
    expected_scores[left[surer]] = scores[surer]
    expected_codes[left[surer]] = fit.out_of_fold.argmax(axis=1)[surer]
    assert longer.left_out.scores == pytest.approx(expected_scores, abs=1e-5)
    assert longer.left_out.codes.tolist() == expected_codes.tolist()

    # And new rows alike.
    new = rows(n=300, spread=1.4, seed=1)[0]
    answers = longer.pipeline.predict([new])
    one, two = first.predict(new), second.predict(new)
    second_wins = (one[1] < longer.pipeline.switch) & (two[1] > one[1])
    assert 0 < second_wins.sum() < 300
    assert answers.codes.tolist() == np.where(second_wins, two[0], one[0]).tolist()
    assert answers.scores == pytest.approx(np.where(second_wins, two[1], one[1]), abs=1e-6)


def test_the_second_stage_is_of_another_kind():
    chosen = choose(*rows(n=400, spread=1.4), surrogate="logistic", pipeline="cascade")
    assert chosen.pipeline.name == "logistic + kernel-ridge"


def test_auto_keeps_one_stage_unless_the_second_adds_coverage():
    X, Y, codes = rows(n=400, spread=1.4)
    chosen = choose(X, Y, codes, surrogate="kernel-ridge", pipeline="auto")
    tried = {t.name: t.expected_coverage for t in chosen.trials}
    assert set(tried) == {"kernel-ridge", "kernel-ridge + logistic"}
    adds = tried["kernel-ridge + logistic"] > tried["kernel-ridge"] + gain(400)
    assert (len(chosen.pipeline.stages) == 2) == adds
    assert [t.chosen for t in chosen.trials] == [True, False]


@pytest.mark.parametrize(
    ("n", "spread"), [(60, 0.7), (400, 0.05)], ids=["few rows left", "nothing to gain"]
)
def test_there_may_be_no_second_stage(n, spread):
    chosen = choose(*rows(n=n, spread=spread), surrogate="kernel-ridge", pipeline="auto")
    assert [t.name for t in chosen.trials] == ["kernel-ridge"]
    assert len(chosen.pipeline.stages) == 1


def test_accept_all_and_single_have_one_stage():
    for pipeline in ("accept-all", "single"):
        chosen = choose(*rows(n=400, spread=1.4), surrogate="logistic", pipeline=pipeline)
        assert [t.name for t in chosen.trials] == ["logistic"]
