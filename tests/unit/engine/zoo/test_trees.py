"""Forests as flat arrays: scikit-learn's outputs, honest out-of-bag, files that cannot harm."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor

from tracer_nb.engine.zoo import matrix
from tracer_nb.engine.zoo import trees as module
from tracer_nb.engine.zoo.tree_arrays import Trees, at_most
from tracer_nb.engine.zoo.trees import Forest, fit_extra_trees, fit_random_forest, flat_forest

from .rows import MAKES, clusters, reloaded

both = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def soft_rows(**changes):
    X, Y, _ = clusters(**changes)
    return X, (0.8 * Y + 0.2 / Y.shape[1]).astype(np.float32)


@both
@pytest.mark.parametrize("kind", [ExtraTreesRegressor, RandomForestRegressor])
@pytest.mark.parametrize("soft", [False, True])
def test_outputs_are_scikit_learns(make, kind, soft):
    X, Y = soft_rows() if soft else clusters()[:2]
    forests = [kind(10, random_state=i).fit(make(X), Y) for i in range(2)]
    new = make(np.concatenate([X, clusters(n=500, seed=1)[0]]))
    expected = (forests[0].predict(new) + forests[1].predict(new)) / 2
    model = flat_forest(forests)
    assert model.outputs(new) == pytest.approx(expected, abs=1e-6)
    assert reloaded(model).outputs(new) == pytest.approx(expected, abs=1e-6)


def test_on_hard_labels_it_is_the_usual_forest():
    """Squared error of indicators is Gini's impurity: the same trees, but for ties."""
    X, Y, codes = clusters(n=300, d=20, noise=1.0)
    new = clusters(n=300, d=20, noise=1.0, seed=1)[0]
    same = {"max_features": "sqrt", "random_state": 0}
    regressor = RandomForestRegressor(50, **same).fit(X, Y)
    classifier = RandomForestClassifier(50, **same).fit(X, codes)
    assert regressor.predict(new) == pytest.approx(classifier.predict_proba(new), abs=0.2)
    assert abs(regressor.predict(new) - classifier.predict_proba(new)).mean() < 0.03


def test_rows_on_a_threshold_go_the_same_way():
    """Thresholds between neighbouring single precision numbers must not round to the upper."""
    values = np.float32(0.1) + np.arange(20, dtype=np.float32) * np.float32(2**-27)
    X, Y = values[:, None], np.eye(2, dtype=np.float32)[np.arange(20) % 2]
    forest = ExtraTreesRegressor(20, random_state=0).fit(X, Y)
    assert flat_forest([forest]).outputs(X) == pytest.approx(forest.predict(X), abs=1e-6)


def test_at_most():
    exact = np.array([0.1, 1 / 3, -0.1, 2.0, 0.0])
    rounded = at_most(exact)
    assert rounded.dtype == np.float32
    assert (rounded <= exact).all()
    assert (np.nextafter(rounded, np.float32(np.inf)) > exact).all()


def test_out_of_bag_outputs_are_those_of_trees_that_have_not_seen_the_row():
    X, Y = soft_rows(n=40)
    fit = fit_random_forest(X, Y, 0)
    expected, counts = np.zeros(Y.shape), np.zeros(40)
    for forest in module._grow(RandomForestRegressor, X, Y, 0, bootstrap=True):
        for tree, sample in zip(forest.estimators_, forest.estimators_samples_, strict=True):
            out = np.setdiff1d(np.arange(40), sample)
            expected[out] += tree.predict(X[out])
            counts[out] += 1
    assert fit.out_of_fold == pytest.approx(expected / counts[:, None], abs=1e-6)


def test_out_of_bag_agrees_with_scikit_learn():
    X, Y, _ = clusters()
    forest = RandomForestRegressor(30, oob_score=True, random_state=0).fit(X, Y)
    in_bag = np.zeros((120, 30), dtype=bool)
    for tree, sample in enumerate(forest.estimators_samples_):
        in_bag[sample, tree] = True
    found = flat_forest([forest]).out_of_bag(X, in_bag)
    assert found == pytest.approx(forest.oob_prediction_, abs=1e-6)


def test_a_row_in_every_bag_gets_the_shares_of_the_others(monkeypatch):
    monkeypatch.setattr(module, "_TREES", 1)
    monkeypatch.setattr(module, "_TREES_AT_ONCE", 1)
    X, Y, _ = clusters(n=30)
    fit = fit_random_forest(X, Y, 0)
    (forest,) = module._grow(RandomForestRegressor, X, Y, 0, bootstrap=True)
    for i in set(forest.estimators_samples_[0]):
        assert fit.out_of_fold[i] == pytest.approx(np.delete(Y, i, axis=0).mean(axis=0))


@pytest.mark.parametrize("fit", [fit_extra_trees, fit_random_forest])
def test_trees_of_large_tables_see_a_sample(fit, monkeypatch):
    monkeypatch.setattr(module, "_TREE_ROWS", 20)
    X, Y, codes = clusters(n=200)
    model = fit(X, Y, 0).model
    # A tree of 20 rows has 39 nodes at the most.
    assert len(model.trees.left) <= 200 * 39
    assert (model.outputs(X).argmax(axis=1) == codes).mean() > 0.8


def test_rows_are_walked_in_parts(monkeypatch):
    X, Y, _ = clusters(n=50)
    fit = fit_random_forest(X, Y, 0)
    monkeypatch.setattr(matrix, "CHUNK_CELLS", 8 * 200 * 7)
    assert fit.model.outputs(X).tobytes() == fit.model.outputs(X).tobytes()
    assert fit_random_forest(X, Y, 0).out_of_fold.tobytes() == fit.out_of_fold.tobytes()


def test_no_trees_have_no_leaves():
    assert Trees.join([]).leaves(np.zeros((3, 2), dtype=np.float32)).shape == (3, 0)


def test_leaves_hold_few_numbers():
    """Leaves of hard labels hold one class; all nodes times all classes would be a burden."""
    X, Y, _ = clusters(n=100, n_classes=20)
    model = fit_extra_trees(X, Y, 0).model
    n_leaves = (model.trees.left < 0).sum()
    assert model.distributions.nnz == n_leaves


def root_of(arrays):
    return int(arrays["roots"][3])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("left", root_of),  # a cycle
        ("left", lambda a: root_of(a) - 1),
        ("right", root_of),
        ("right", lambda _: -1),
        ("right", lambda _: -(2**31)),
        ("right", lambda a: len(a["left"])),
        ("left", lambda _: 2**31 - 1),
        ("feature", lambda _: 6),
        ("feature", lambda _: -1),
        ("threshold", lambda _: np.nan),
        ("codes", lambda _: 3),
        ("codes", lambda _: -1),
        ("starts", lambda _: 10**12),
        ("starts", lambda _: -1),
        ("shares", lambda _: np.inf),
    ],
)
def test_a_damaged_forest_is_refused(name, value):
    X, Y, _ = clusters(n=30)
    settings, arrays = flat_forest([ExtraTreesRegressor(5, random_state=0).fit(X, Y)]).state()
    arrays[name] = arrays[name].copy()
    arrays[name][root_of(arrays) % len(arrays[name])] = value(arrays)
    with pytest.raises(ValueError, match="the saved surrogate is damaged"):
        Forest.from_state(settings, arrays)


@pytest.mark.parametrize("roots", [[-1], [10**6], []])
def test_damaged_roots_are_refused(roots):
    X, Y, _ = clusters(n=30)
    settings, arrays = flat_forest([ExtraTreesRegressor(5, random_state=0).fit(X, Y)]).state()
    with pytest.raises(ValueError, match="the saved surrogate is damaged"):
        Forest.from_state(settings, {**arrays, "roots": np.array(roots, dtype=np.int32)})


@pytest.mark.parametrize("name", ["n_features", "n_classes"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "3", None, 10**15, True])
def test_damaged_sizes_are_refused(name, value):
    X, Y, _ = clusters(n=30)
    settings, arrays = flat_forest([ExtraTreesRegressor(5, random_state=0).fit(X, Y)]).state()
    with pytest.raises(ValueError, match=f"the saved surrogate is damaged: {name} is"):
        Forest.from_state({**settings, name: value}, arrays)
