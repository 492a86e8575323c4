"""Folds, and out-of-fold outputs by refits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold

from tracer_nb.engine.zoo import folds
from tracer_nb.engine.zoo.base import fit_with_folds


def test_folds_are_those_of_scikit_learn():
    expected = KFold(5, shuffle=True, random_state=3).split(np.empty(23))
    for (fit, held), (want_fit, want_held) in zip(folds(23, 3), expected, strict=True):
        assert fit.tolist() == want_fit.tolist()
        assert held.tolist() == want_held.tolist()


@pytest.mark.parametrize(("n", "expected"), [(0, 0), (1, 0), (2, 2), (4, 4), (5, 5), (100, 5)])
def test_number_of_folds(n, expected):
    assert len(folds(n, 0)) == expected


def test_every_row_is_predicted_by_a_model_that_has_not_seen_it():
    X = np.arange(12.0)[:, None]

    class Model:
        def __init__(self, X):
            self.seen = set(X.ravel())

        def outputs(self, X):
            assert self.seen.isdisjoint(X.ravel())
            return np.full((len(X), 2), len(self.seen))

    fit = fit_with_folds(X, np.zeros((12, 2), np.float32), 0, lambda X, _: Model(X), "words")
    assert len(fit.model.seen) == 12
    assert sorted(fit.out_of_fold[:, 0]) == [9] * 6 + [10] * 6
    assert fit.settings == "words, 5 folds"
