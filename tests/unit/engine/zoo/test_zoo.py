"""What every surrogate of the zoo must do: soft labels, rare classes, few rows, saving."""

from __future__ import annotations

import functools
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.zoo import MODELS, SURROGATES, Fit, unit_rows

from .rows import MAKES, clusters, reloaded

pytestmark = pytest.mark.filterwarnings("error")
every = pytest.mark.parametrize("name", SURROGATES)
saved = pytest.mark.parametrize("name", MODELS)
both = pytest.mark.parametrize("make", MAKES)


@functools.cache
def fitted(name, make="dense"):
    X, Y, _ = clusters()
    return SURROGATES[name](MAKES[make](X), Y, 0)


@every
@both
def test_a_fit_imitates_and_says_so_honestly(name, make):
    _, Y, codes = clusters()
    fit = fitted(name, make)
    assert isinstance(fit, Fit)
    assert fit.out_of_fold.dtype == np.float32
    assert fit.out_of_fold.shape == Y.shape
    assert fit.settings
    X, _, new_codes = clusters(n=400, seed=1)
    right = (fit.model.outputs(MAKES[make](X)).argmax(axis=1) == new_codes).mean()
    assert right > 0.85
    assert (fit.out_of_fold.argmax(axis=1) == codes).mean() == pytest.approx(right, abs=0.1)


@every
def test_sparse_and_dense_rows_have_the_same_outputs(name):
    X = clusters(n=50, seed=1)[0]
    model = fitted(name).model
    assert model.outputs(sparse.csr_matrix(X)) == pytest.approx(model.outputs(X), abs=1e-5)


@every
def test_outputs_of_all_but_kernel_ridge_are_probabilities(name):
    outputs = fitted(name).model.outputs(clusters(n=50, seed=1)[0])
    if name != "kernel-ridge":
        assert outputs.min() >= 0
    assert outputs.sum(axis=1) == pytest.approx(1, abs=0.2 if name == "kernel-ridge" else 1e-5)


@every
@both
def test_no_rows_have_no_outputs(name, make):
    outputs = fitted(name, make).model.outputs(MAKES[make](clusters()[0])[:0])
    assert outputs.shape == (0, 3)


@saved
@both
def test_saving_changes_no_bit(name, make):
    model = fitted(name, make).model
    X = MAKES[make](clusters(n=50, seed=1)[0])
    again = reloaded(model)
    assert type(again) is type(model)
    assert again.outputs(X).tobytes() == model.outputs(X).tobytes()


@saved
def test_an_empty_file_is_refused_in_one_line(name):
    kind = MODELS[fitted(name).model.kind]
    with pytest.raises(ValueError, match="the saved surrogate is damaged: ") as caught:
        kind.from_state({}, {})
    assert "\n" not in str(caught.value)


@saved
def test_every_array_of_a_file_is_looked_at(name):
    """Each one missing, of another type, with another axis."""
    model = fitted(name, "sparse").model
    settings, arrays = model.state()
    for key, array in arrays.items():
        for wrong in (None, array.astype(np.complex64), array[..., None]):
            with pytest.raises(ValueError, match="the saved surrogate is damaged: "):
                MODELS[model.kind].from_state(settings, {**arrays, key: wrong})


@every
def test_same_seed_same_fit(name):
    X, Y, _ = clusters()
    again, first = SURROGATES[name](X, Y, 0), fitted(name)
    assert again.out_of_fold.tobytes() == first.out_of_fold.tobytes()
    assert again.model.outputs(X).tobytes() == first.model.outputs(X).tobytes()


@every
def test_rows_are_not_changed(name):
    X, Y, _ = clusters(n=30)
    before = X.copy(), Y.copy()
    SURROGATES[name](X, Y, 0)
    assert (before[0] == X).all()
    assert (before[1] == Y).all()


@every
def test_a_row_has_nearly_one_output_in_whatever_batch(name):
    X = clusters(n=300, seed=1)[0]
    model = fitted(name).model
    whole = model.outputs(X)
    for size in (1, 7, 256):
        parts = [model.outputs(X[i : i + size]) for i in range(0, 300, size)]
        assert np.concatenate(parts) == pytest.approx(whole, abs=1e-5)


@every
def test_meaningless_labels_are_agreed_with_by_chance(name):
    """In-fold outputs would agree far more often."""
    X = clusters(n=200, d=20)[0]
    codes = np.random.default_rng(3).integers(2, size=200)
    fit = SURROGATES[name](X, np.eye(2, dtype=np.float32)[codes], 0)
    assert 0.35 < (fit.out_of_fold.argmax(axis=1) == codes).mean() < 0.65


@every
def test_soft_labels_are_imitated(name):
    """Of rows that are a blend of two clusters the outputs are between those of the two."""
    X, Y, codes = clusters()
    soft = (0.7 * Y + 0.3 * np.roll(Y, 1, axis=1)).astype(np.float32)
    fit = SURROGATES[name](X, soft, 0)
    assert (fit.out_of_fold.argmax(axis=1) == codes).mean() > 0.7
    top = fit.model.outputs(clusters(n=400, seed=1)[0]).max(axis=1).mean()
    # Rather than 1, which hard labels teach.
    assert top == pytest.approx(0.7, abs=0.15)


@every
def test_soft_labels_do_not_leak_into_their_own_fold(name):
    """One row entered twice must not stand on both sides."""
    X = clusters(n=200, d=20)[0]
    codes = np.random.default_rng(3).integers(2, size=200)
    soft = np.eye(2, dtype=np.float32)[codes] * 0.8 + 0.1
    fit = SURROGATES[name](X, soft, 0)
    assert 0.35 < (fit.out_of_fold.argmax(axis=1) == codes).mean() < 0.65


@every
def test_classes_without_rows_get_zero(name):
    X, Y, _ = clusters(n=60)
    wide = np.zeros((60, 5), dtype=np.float32)
    wide[:, [0, 2, 4]] = Y
    fit = SURROGATES[name](X, wide, 0)
    assert not fit.out_of_fold[:, [1, 3]].any()
    assert not fit.model.outputs(X)[:, [1, 3]].any()
    if name in MODELS:
        assert not reloaded(fit.model).outputs(X)[:, [1, 3]].any()


@every
def test_two_of_four_classes(name):
    """Two classes are a case of their own in scikit-learn."""
    X, Y, codes = clusters(n=60, n_classes=2)
    wide = np.zeros((60, 4), dtype=np.float32)
    wide[:, [1, 3]] = Y
    found = SURROGATES[name](X, wide, 0).model.outputs(X)
    assert (found.argmax(axis=1) == np.array([1, 3])[codes]).mean() > 0.85
    assert not found[:, [0, 2]].any()


@every
def test_a_class_of_one_row(name):
    X = clusters(n=40)[0]
    codes = np.zeros(40, dtype=int)
    codes[7] = 1
    fit = SURROGATES[name](X, np.eye(2, dtype=np.float32)[codes], 0)
    found = fit.out_of_fold.argmax(axis=1)
    assert found[7] == 0  # it is out of its own fold
    assert (found == 0).sum() >= 38
    assert np.isfinite(fit.model.outputs(X)).all()


@every
def test_a_single_class(name):
    X = clusters(n=20)[0]
    Y = np.eye(3, dtype=np.float32)[[2] * 20]
    fit = SURROGATES[name](X, Y, 0)
    models = [fit.model, reloaded(fit.model)] if name in MODELS else [fit.model]
    for outputs in (fit.out_of_fold, *(model.outputs(X) for model in models)):
        assert outputs.argmax(axis=1).tolist() == [2] * 20
        assert np.isfinite(outputs).all()


@every
@both
@pytest.mark.parametrize("n", [5, 6, 11])
def test_few_rows_in_many_columns(name, make, n):
    X = np.random.default_rng(0).normal(size=(n, 40))
    X[0] = 0.0
    X[:, 3] = 0.0
    Y = np.eye(4, dtype=np.float32)[np.arange(n) % 4]
    fit = SURROGATES[name](unit_rows(MAKES[make](X)), Y, 0)
    assert fit.out_of_fold.shape == (n, 4)
    assert np.isfinite(fit.out_of_fold).all()
    assert np.isfinite(fit.model.outputs(unit_rows(MAKES[make](X)))).all()


@every
def test_rows_that_are_all_the_same(name):
    X = unit_rows(np.ones((30, 4)))
    Y = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
    outputs = SURROGATES[name](X, Y, 0).model.outputs(X)
    assert outputs == pytest.approx(1 / 3, abs=0.05)


def test_names_and_kinds():
    assert next(iter(SURROGATES)) == "kernel-ridge"
    assert list(SURROGATES) == ["kernel-ridge", "logistic", "xgboost"]
    assert list(MODELS) == ["kernel-ridge", "logistic"]
    assert all(fitted(name).model.kind == name for name in SURROGATES)


def test_the_zoo_loads_no_xgboost():
    code = "import tracer_nb.engine.zoo, sys; sys.exit('xgboost' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
