"""Boosted trees as flat arrays against scikit-learn and XGBoost themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.zoo import boosting, matrix, xgb
from tracer_nb.engine.zoo.boosting import BoostedTrees, fit_hist_gradient_boosting
from tracer_nb.engine.zoo.xgb import fit_xgboost

from .rows import clusters, reloaded


@pytest.fixture
def fitted_by_sklearn(monkeypatch):
    """Classifiers that the module fits."""
    kept = []

    def keep(make=boosting.HistGradientBoostingClassifier, **kw):
        kept.append(make(**kw))
        return kept[-1]

    monkeypatch.setattr(boosting, "HistGradientBoostingClassifier", keep)
    return kept


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_outputs_are_scikit_learns(n_classes, fitted_by_sklearn):
    X, Y, _ = clusters(n=200, n_classes=n_classes)
    soft = (0.8 * Y + 0.2 / n_classes).astype(np.float32)
    model = boosting._fit(X, soft, 0, 20)
    new = np.concatenate([X, clusters(n=500, seed=1)[0]])
    expected = fitted_by_sklearn[0].predict_proba(new)
    assert model.outputs(new) == pytest.approx(expected, abs=1e-6)
    assert reloaded(model).outputs(new).tobytes() == model.outputs(new).tobytes()


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_outputs_are_xgboosts(n_classes):
    import xgboost

    X, _, codes = clusters(n=200, n_classes=n_classes)
    weights = np.random.default_rng(0).uniform(0.1, 1, size=200).astype(np.float32)
    booster = xgb._train(X, codes, weights, 0, n_classes)
    columns = np.arange(6, dtype=np.int32)
    model = xgb._flatten(booster, columns, np.arange(n_classes), (6, n_classes))
    new = np.concatenate([X, clusters(n=500, seed=1)[0]])
    assert model.outputs(new) == pytest.approx(booster.predict(xgboost.DMatrix(new)), abs=1e-6)


@pytest.mark.parametrize("fit", [boosting._fit, xgb._fit], ids=["sklearn", "xgboost"])
def test_wide_sparse_rows_are_boosted_on_some_columns(fit, monkeypatch):
    monkeypatch.setattr(matrix, "_DENSE_COLUMNS", 6)
    X, Y, codes = clusters(n=200)
    # Six full columns among a hundred of which each has a single entry.
    wide = sparse.lil_matrix((200, 106), dtype=np.float32)
    wide[:, 50:56] = X
    wide[0, :50] = wide[1, 56:] = 0.1
    wide = wide.tocsr()
    model = fit(wide, Y, 0, *([20] if fit is boosting._fit else []))
    assert (model.outputs(wide).argmax(axis=1) == codes).mean() > 0.9
    assert model.n_features == 106
    inner = model.trees.left >= 0
    assert set(model.trees.feature[inner]) <= set(range(50, 56))
    expected = fit(X, Y, 0, *([20] if fit is boosting._fit else [])).outputs(X)
    assert model.outputs(wide) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n_classes", "rounds"), [(2, 100), (16, 100), (32, 50), (200, 20)])
def test_many_classes_get_fewer_rounds(n_classes, rounds, monkeypatch):
    monkeypatch.setattr(boosting, "fit_with_folds", lambda *args: args[-1])
    words = fit_hist_gradient_boosting(None, np.zeros((9, n_classes), dtype=np.float32), 0)
    assert words == f"{rounds} rounds of trees with 8 leaves"


def test_settings_of_xgboost():
    X, Y, _ = clusters(n=20)
    assert fit_xgboost(X, Y, 0).settings == "60 rounds, depth 4, 5 folds"


@pytest.mark.parametrize(
    "changes",
    [
        {"baseline": np.zeros(1)},
        {"baseline": np.zeros(0)},
        {"baseline": np.array([0.0, np.nan, 0.0])},
        {"classes": np.array([0, 1, 3], dtype=np.int32)},
        {"classes": np.array([0], dtype=np.int32)},
        {"values": np.zeros(3, dtype=np.float32)},
        {"roots": np.array([0], dtype=np.int32)},
    ],
)
def test_damaged_files_are_refused(changes):
    X, Y, _ = clusters(n=50)
    settings, arrays = boosting._fit(X, Y, 0, 3).state()
    BoostedTrees.from_state(settings, arrays)
    with pytest.raises(ValueError, match="the saved surrogate is damaged"):
        BoostedTrees.from_state(settings, {**arrays, **changes})
