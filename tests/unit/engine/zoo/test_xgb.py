"""XGBoost as a surrogate: what it is given, what it says, and that it is not saved."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.zoo import custom
from tracer_nb.engine.zoo.custom import fit_xgboost

from .rows import clusters


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_outputs_are_xgboosts(n_classes, monkeypatch):
    """The columns of classes without rows are zero, the others as it gives them."""
    import xgboost

    kept = []
    train = custom._train
    monkeypatch.setattr(custom, "_train", lambda *args: kept.append(train(*args)) or kept[-1])
    X, Y, _ = clusters(n=200, n_classes=n_classes)
    wide = np.zeros((200, n_classes + 2), dtype=np.float32)
    wide[:, 1:-1] = 0.8 * Y + 0.2 / n_classes
    model = custom._fit_trees(X, wide, 0)
    new = np.concatenate([X, clusters(n=500, seed=1)[0]])
    expected = kept[0].predict(xgboost.DMatrix(new))
    assert model.outputs(new)[:, 1:-1] == pytest.approx(expected, abs=1e-6)
    assert not model.outputs(new)[:, [0, -1]].any()


def test_wide_sparse_rows_are_boosted_on_some_columns(monkeypatch):
    monkeypatch.setattr(custom, "_DENSE_COLUMNS", 6)
    X, Y, codes = clusters(n=200)
    # Six full columns among a hundred of which each has a single entry.
    wide = sparse.lil_matrix((200, 106), dtype=np.float32)
    wide[:, 50:56] = X
    wide[0, :50] = wide[1, 56:] = 0.1
    wide = wide.tocsr()
    model = custom._fit_trees(wide, Y, 0)
    assert model.columns.tolist() == list(range(50, 56))
    assert (model.outputs(wide).argmax(axis=1) == codes).mean() > 0.9
    assert model.outputs(wide) == pytest.approx(custom._fit_trees(X, Y, 0).outputs(X), abs=1e-6)


def test_settings_of_xgboost():
    X, Y, _ = clusters(n=20)
    assert fit_xgboost(X, Y, 0).settings == "60 rounds, depth 4, 5 folds"


def test_it_is_not_saved():
    X, Y, _ = clusters(n=20)
    model = custom._fit_trees(X, Y, 0)
    with pytest.raises(ValueError, match=r"^surrogate 'xgboost' cannot be saved: .*; fit with"):
        model.state()
