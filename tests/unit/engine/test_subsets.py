"""Several labels a row: one-vs-rest outputs, the likeliest set, and what does not go with it."""

import numpy as np
import pytest

from tracer_nb import fit_router
from tracer_nb.engine import fit_surrogate
from tracer_nb.engine.subsets import SetRule, fit_rule
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets

SETS = LabelSets(f"t{i}" for i in range(8))
MANY = LabelSets(f"t{i}" for i in range(24))


def world(n, seed=0, *, n_labels=8, sizes=(1, 2), noise=0.35):
    """Rows that are the sum of their labels' directions; sets as they are written."""
    rng = np.random.default_rng(seed)
    axes = np.random.default_rng(9).normal(size=(n_labels, 2 * n_labels))
    members = np.zeros((n, n_labels), dtype=bool)
    for row in members:
        row[rng.choice(n_labels, rng.choice(sizes), replace=False)] = True
    X = members @ axes + noise * rng.normal(size=(n, 2 * n_labels))
    names = [MANY.spelled(MANY[i] for i in np.flatnonzero(row)) for row in members]
    return X, np.array(names, dtype=object)


def test_sets_that_no_row_had_are_predicted():
    X, y = world(600, n_labels=24, sizes=(2,))
    router = fit_router(X, y, sets=MANY, target=0.85, confidence=0.9)
    new, truth = world(3000, seed=1, n_labels=24, sizes=(2,))
    routed = router.route(new)
    right = routed.labels == truth
    assert router.certificate.certified
    assert right[routed.handled].mean() > 0.85
    unseen = ~np.isin(truth.astype(str), y.astype(str))
    assert unseen.mean() > 0.05
    assert right[unseen].mean() > 0.6


def test_a_likely_set_is_mostly_right_and_the_score_says_how_likely():
    X, y = world(500, noise=1.2)
    fit = fit_surrogate(X, y, sets=SETS, target=0.9)
    new, truth = world(4000, seed=1, noise=1.2)
    answers = fit.pipeline.predict([new.astype(np.float32)])
    right = fit.names(answers.codes) == truth
    assert 0.3 < right.mean() < 0.98
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 1.0)):
        part = (answers.scores >= low) & (answers.scores < high)
        assert abs(right[part].mean() - answers.scores[part].mean()) < 0.12


def test_the_rule_learns_how_many_labels_rows_have():
    X, y = world(400, sizes=(2,), noise=0.6)
    fit = fit_surrogate(X, y, sets=SETS, target=0.9)
    rule = fit.pipeline.stages[0].rule
    assert np.flatnonzero(rule.weights).tolist() == [2]
    answers = fit.pipeline.predict([X.astype(np.float32)])
    assert (SETS.members(answers.codes).sum(axis=1) == 2).all()


def test_the_chance_of_a_set_is_that_among_all_sets():
    rng = np.random.default_rng(0)
    sets = LabelSets(["a", "b", "c", "d"])
    rule = SetRule(sets, 3.0, -1.0, np.array([0.2, 1.0, 0.5, 0.1, 0.05]))
    outputs = rng.random((50, 4))
    codes, chances = rule.read(outputs)
    every = sets.members(np.arange(16))
    p = 1 / (1 + np.exp(-(3.0 * outputs - 1.0)))
    weight = np.where(every, p[:, None], 1 - p[:, None]).prod(axis=2)
    weight *= rule.weights[every.sum(axis=1)]
    share = weight / weight.sum(axis=1, keepdims=True)
    assert (codes == share.argmax(axis=1)).all()
    assert chances[:, 0] == pytest.approx(np.log(share.max(axis=1)))
    assert chances[:, 1] == pytest.approx(np.log(1 - share.max(axis=1)))


def test_sizes_come_out_as_often_as_they_were():
    rng = np.random.default_rng(1)
    members = rng.random((2000, 6)) < 0.25
    members[members.sum(axis=1) > 2] = False  # far more empty rows than chance has
    outputs = members + 0.4 * rng.normal(size=members.shape)
    rule = fit_rule(LabelSets("abcdef"), outputs, members)
    sizes = LabelSets("abcdef").members(rule.read(outputs)[0]).sum(axis=1)
    assert sizes.max() <= 2
    for k in range(3):
        assert abs((sizes == k).mean() - (members.sum(axis=1) == k).mean()) < 0.1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"surrogate": "logistic"}, "leave surrogate out"),
        ({"gate": "learned"}, "'margin' or 'max-probability'"),
        ({"certificate": "per-class"}, "use 'held-out'"),
        ({"certificate": "cross-fit"}, "use 'held-out'"),
        ({"pipeline": "cascade"}, "use 'single'"),
        ({"soft_labels": np.ones((60, 8)) / 8}, "leave them out"),
    ],
)
def test_what_takes_one_label_a_row_is_refused(options, said):
    X, y = world(60)
    with pytest.raises(InvalidInput, match=said):
        fit_surrogate(X, y, sets=SETS, **options)


def test_an_answer_that_is_no_set_is_refused():
    X, y = world(60)
    y[7] = "t1"
    with pytest.raises(InvalidInput, match="row 7 has 't1', which is no set"):
        fit_surrogate(X, y, sets=SETS)


def test_a_row_without_an_answer_is_a_disagreement():
    X, y = world(400, sizes=(1,), noise=0.1)
    y[::3] = None
    fit = fit_surrogate(X, y, sets=SETS, target=0.6, in_random_order=True)
    missing = np.array([name is None for name in y])[fit.pilot_rows]
    assert missing.any()
    assert not fit.pilot.agree[missing].any()
    assert fit.pilot.agree[~missing].mean() > 0.9
