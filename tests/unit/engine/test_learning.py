"""The learning curve: what it looks at, what it projects, and when it says enough."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine import learning
from tracer_nb.engine.learning import learning_curve
from tracer_nb.engine.options import make_options
from tracer_nb.engine.split import is_calibration
from tracer_nb.errors import InvalidInput, NotEnoughData

OPTIONS = make_options(target=0.9, confidence=0.9)


def rows(n, noise=0.5, seed=0):
    rng = np.random.default_rng([seed, 60])
    codes = rng.integers(3, size=n)
    X = 2.0 * np.eye(3, 6)[codes] + noise * rng.normal(size=(n, 6))
    return X.astype(np.float32), np.array(["a", "b", "c"], dtype=object)[codes]


def curve(n=400, n_rows=5000, price=None, **world):
    return learning_curve(*rows(n, **world), n_rows=n_rows, options=OPTIONS, price=price)


def test_an_easy_column_needs_no_more():
    easy = curve()
    assert easy.enough
    assert easy.best == 400 == easy.n_labels[-1]
    assert easy.coverage[-1] > 0.9
    assert (np.diff(easy.n_labels) > 0).all()


def test_a_column_that_gets_better_is_worth_more_labels():
    harder = curve(n=150, noise=1.1)
    assert not harder.enough
    assert harder.best > 150
    assert harder.projected_cost.min() < harder.projected_cost[0]


def test_labels_of_calibration_rows_are_not_read():
    X, y = rows(300, noise=0.9)
    spoilt = y.copy()
    spoilt[is_calibration(300)] = "something else"
    one = learning_curve(X, y, n_rows=5000, options=OPTIONS)
    two = learning_curve(X, spoilt, n_rows=5000, options=OPTIONS)
    assert one.coverage.tolist() == two.coverage.tolist()
    assert one.best == two.best


def test_costs_are_labels_and_deferrals():
    dear = curve(price=0.5)
    assert dear.price == 0.5
    expected = 0.5 * (dear.sizes + (5000 - dear.sizes) * (1 - dear.projected_coverage))
    assert dear.projected_cost == pytest.approx(expected)
    assert dear.sizes[0] == 400
    assert dear.sizes[-1] == 5000
    # A price scales all costs, and so decides nothing.
    assert dear.best == curve().best


def test_a_small_column_is_soon_enough():
    assert curve(n=150, noise=1.1, n_rows=160).best <= 160


def test_nothing_learned_yet_tells_to_go_on():
    X, _ = rows(300)
    y = np.array(["a", "b", "c"], dtype=object)[np.random.default_rng(0).integers(3, size=300)]
    blind = learning_curve(X, y, n_rows=5000, options=OPTIONS)
    assert not blind.enough
    assert blind.best == 600


def test_rows_without_a_label_are_disagreements():
    X, y = rows(400)
    y[::3] = None
    part = learning_curve(X, y, n_rows=5000, options=OPTIONS)
    assert part.coverage[-1] < 0.7


@pytest.mark.parametrize(
    ("sizes", "coverage"),
    [
        ([100, 200, 400], [0.2, 0.5, 0.9]),  # would pass full coverage
        ([100, 200, 400], [0.5, 0.5, 0.5]),
        ([100, 200, 400], [0.9, 0.6, 0.5]),  # falls: taken as flat
        ([100], [0.4]),
        ([100, 200, 400], [1.0, 1.0, 1.0]),
    ],
)
def test_projections_are_shares_that_never_fall(sizes, coverage):
    found = learning._project(np.array(sizes), np.array(coverage), 10_000, None)
    assert (found.projected_coverage >= 0).all()
    assert (found.projected_coverage <= 1).all()
    assert (np.diff(found.projected_coverage) >= -1e-12).all()
    assert sizes[-1] <= found.best <= 10_000


def test_too_few_rows_or_labels():
    with pytest.raises(NotEnoughData, match="tell nothing of the next"):
        curve(n=20)
    X, _ = rows(200)
    with pytest.raises(NotEnoughData, match="one label"):
        learning_curve(X, np.full(200, "a", dtype=object), n_rows=500, options=OPTIONS)
    with pytest.raises(InvalidInput):
        learning_curve(X * np.nan, rows(200)[1], n_rows=500, options=OPTIONS)
