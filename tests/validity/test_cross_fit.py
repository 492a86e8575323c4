"""Cross-fit where there is least to hold on to: few labels of a noisy teacher, and two classes.

Nothing but simulation speaks for cross-fit. Its left-out answers are those of other models than the one that is
deployed, and where the teacher is noisy these differ most: the worlds of ``test_whole_engine`` are easier.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from .harness import end_to_end
from .worlds import Rows

N_LABELS, N_FEATURES, STEEP = 300, 20, 1.8
CROSS_FIT = {
    "target": 0.75,
    "certificate": "cross-fit",
    "surrogate": "kernel-ridge",
    "gate": "margin",
    "pipeline": "single",
}


def draw(rng, n):
    """Rows of two classes, whose chances are logistic in one of many directions.

    Whoever knows them agrees with the teacher on .76 of the rows, a surrogate of 300 labels on .73.
    """
    X = rng.normal(size=(n, N_FEATURES))
    first = expit(STEEP * X[:, 0])
    labels = (rng.random(n) < first).astype(int)
    return Rows(X.astype(np.float32), labels, np.column_stack([1.0 - first, first]))


def noisy(seed):
    """Labelled rows, the others of their column, and new ones."""
    rng = np.random.default_rng([seed, 73, N_FEATURES])
    return tuple(draw(rng, n) for n in (N_LABELS, 900, 3000))


def test_a_noisy_teacher_of_two_classes():
    found = end_to_end(noisy, 20, **CROSS_FIT)
    assert found.kept, found
    assert not found.naive_new.kept, found
    assert found.new.coverage > 0.3, found


@pytest.mark.long
def test_a_noisy_teacher_of_two_classes_long():
    found = end_to_end(noisy, 1000, **CROSS_FIT)
    print(found)
    assert found.kept, found
