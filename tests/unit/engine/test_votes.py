"""Shares of repeated answers as soft labels."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine import fit_router
from tracer_nb.engine.extra import vote_shares
from tracer_nb.errors import InvalidInput

Y = ["b", "a"] * 6


def test_shares_by_hand():
    answers = [["a", "b", "b", None], ["a", "a", "z", float("nan")], [None] * 4, *[["b"] * 4] * 9]
    shares = vote_shares(Y, answers)
    assert shares[:2] == pytest.approx(np.array([[1 / 3, 2 / 3], [1, 0]]))
    assert np.isnan(shares[2]).all()
    assert shares[3].tolist() == [0, 1]


def test_they_are_soft_labels():
    rng = np.random.default_rng(0)
    codes = rng.integers(2, size=300)
    X = np.eye(2, 4)[codes] + 0.2 * rng.normal(size=(300, 4))
    y = np.array(["no", "yes"])[codes]
    answers = np.stack([y, y, np.roll(y, 1)], axis=1)
    router = fit_router(X, y, soft_labels=vote_shares(y, answers), target=0.9, confidence=0.9)
    assert router.certificate.certified


@pytest.mark.parametrize("answers", [Y, [["a"]], np.zeros((2, 2, 2))])
def test_other_shapes_are_refused(answers):
    with pytest.raises(InvalidInput, match="answers must have shape"):
        vote_shares(Y, answers)
