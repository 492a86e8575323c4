"""The preview looks at fitting rows alone."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from tests.unit.engine.routed import rows
from tracer_nb.engine.gaps import preview
from tracer_nb.engine.options import make_options
from tracer_nb.engine.split import PILOT_SHARE, is_calibration

OPTIONS = make_options(target=0.9, confidence=0.9)


def labelled(n=300, noise=0.9, seed=0):
    X, y = rows(n, seed, noise)
    return X, np.unique(y, return_inverse=True)[1]


def same(a, b):
    figures = zip(astuple(a.frontier), astuple(b.frontier), strict=True)
    return (
        all(np.array_equal(x, y) for x, y in figures)
        and a.expected_coverage == b.expected_coverage
        and (a.n_labels, a.n_fit) == (b.n_labels, b.n_fit)
    )


@pytest.mark.parametrize(("certificate", "share"), [("held-out", 0.7), ("cross-fit", PILOT_SHARE)])
def test_no_calibration_label_is_read(certificate, share):
    options = make_options(target=0.9, confidence=0.9, certificate=certificate)
    X, codes = labelled()
    tested = is_calibration(300, share)
    one = preview(X, codes, options=options)
    for poison in (2 - codes, np.full(300, -1), codes + 1000):
        assert same(one, preview(X, np.where(tested, poison, codes), options=options))
    # While those of the fitting rows matter.
    assert not same(one, preview(X, np.where(tested, codes, (codes + 1) % 3 * (codes > 0)), options=options))  # fmt: skip
    assert (one.n_labels, one.n_fit) == (300, (~tested).sum())


def test_the_frontier_is_that_of_predictions_out_of_fold():
    X, codes = labelled(400, noise=2.5)
    found = preview(X, codes, options=OPTIONS)
    # Labels that are hard to learn: a fit would agree with itself far more often.
    assert 0.4 < found.frontier.agreement[-1] < 0.85
    assert found.frontier.n_handled[-1] == found.n_fit == 280
    assert found.target == 0.9


def test_more_labels_promise_more():
    expected = [
        preview(*labelled(n, noise=1.2), options=OPTIONS).expected_coverage for n in (60, 200, 1000)
    ]
    assert expected == sorted(expected)
    assert expected[-1] > 0.5 > expected[0]


def test_rows_without_a_label_are_disagreements():
    X, codes = labelled(400, noise=0.3)
    whole = preview(X, codes, options=OPTIONS)
    part = preview(X, np.where(np.arange(400) % 3, codes, -1), options=OPTIONS)
    assert whole.frontier.agreement[-1] > 0.95
    assert part.n_fit == whole.n_fit
    assert part.frontier.agreement[-1] == pytest.approx(2 / 3, abs=0.05)
    assert part.expected_coverage < 0.1 < whole.expected_coverage


def test_too_little_to_say_anything():
    X, codes = labelled()
    assert preview(X[:25], codes[:25], options=OPTIONS) is None
    assert preview(X, np.full(300, -1), options=OPTIONS) is None
    assert preview(X, np.zeros(300, dtype=np.intp), options=OPTIONS) is None


@pytest.mark.parametrize("strategy", ["adaptive-threshold", "cost-aware", "fixed-threshold"])
def test_any_strategy(strategy):
    given = {"threshold": 0.6} if strategy == "fixed-threshold" else {}
    options = make_options(target=[0.9, 0.95], strategy=strategy, **given)
    found = preview(*labelled(), options=options)
    assert found.target == 0.9
    assert 0 <= found.expected_coverage <= 1
