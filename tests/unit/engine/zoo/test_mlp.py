"""Neural networks: scikit-learn's probabilities, fixed epochs, layers that fit together."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.zoo import mlp as module
from tracer_nb.engine.zoo.mlp import Mlp, fit_mlp_1, fit_mlp_2

from .rows import MAKES, clusters


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
@pytest.mark.parametrize("hidden", [(16,), (16, 8)])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_outputs_are_scikit_learns(make, hidden, n_classes, monkeypatch):
    kept = []

    def keep(*args, make=module.MLPClassifier, **kw):
        kept.append(make(*args, **kw))
        return kept[-1]

    monkeypatch.setattr(module, "MLPClassifier", keep)
    X, Y, _ = clusters(n_classes=n_classes)
    model = module._fit(make(X), Y, 0, hidden, 5)
    new = make(clusters(seed=1)[0])
    assert model.outputs(new) == pytest.approx(kept[0].predict_proba(new), abs=1e-5)


def test_layers():
    X, Y, _ = clusters(n=30)
    one, two = fit_mlp_1(X, Y, 0), fit_mlp_2(X, Y, 0)
    assert [w.shape for w in one.model.weights] == [(6, 256), (256, 3)]
    assert [w.shape for w in two.model.weights] == [(6, 256), (256, 96), (96, 3)]
    assert one.settings == "256 hidden units, 40 epochs, 5 folds"
    assert two.settings == "256 and 96 hidden units, 40 epochs, 5 folds"


@pytest.mark.parametrize(("n", "epochs"), [(5, 40), (5000, 40), (10_000, 20), (10**6, 10)])
def test_many_rows_get_fewer_epochs(n, epochs, monkeypatch):
    monkeypatch.setattr(module, "fit_with_folds", lambda *args: args[-1])
    words = fit_mlp_1(None, np.zeros((n, 2), dtype=np.float32), 0)
    assert words == f"256 hidden units, {epochs} epochs"


@pytest.mark.parametrize("changes", [{"n_layers": 1}, {"n_layers": 3}, {"n_layers": True}])
def test_a_wrong_number_of_layers_is_refused(changes):
    X, Y, _ = clusters(n=30)
    settings, arrays = module._fit(X, Y, 0, (4,), 2).state()
    with pytest.raises(ValueError, match="the saved surrogate is damaged"):
        Mlp.from_state({**settings, **changes}, arrays)


def test_layers_must_fit_together():
    X, Y, _ = clusters(n=30)
    settings, arrays = module._fit(X, Y, 0, (4,), 2).state()
    arrays["weights_1"] = np.zeros((5, 3), dtype=np.float32)
    with pytest.raises(ValueError, match=r"damaged: weights_1 has shape \(5, 3\)"):
        Mlp.from_state(settings, arrays)
