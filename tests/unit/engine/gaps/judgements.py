"""Judged rows: of any kind for property tests, and few that are written out."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tracer_nb.engine.gaps import Judged


def judged(teacher, surrogate, *, handled=None, scores=None, names="abcdefgh", basis="calibration"):
    """Rows from two words of one letter each; "-" where the teacher gave no label."""
    n = len(teacher)
    return Judged(
        tuple(names),
        np.array([names.find(letter) for letter in teacher], dtype=np.intp),
        np.array([names.index(letter) for letter in surrogate], dtype=np.intp),
        np.full(n, 0.5) if scores is None else np.asarray(scores, dtype=float),
        np.zeros(n, dtype=bool) if handled is None else np.asarray(handled, dtype=bool),
        basis,
    )


@st.composite
def any_judged(draw, most_labels=8):
    """Any judged rows, none among them."""
    k = draw(st.integers(1, most_labels))
    n = draw(st.integers(0, 60))
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(-1, k - 1),
                st.integers(0, k - 1),
                st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 0.5000001, 1.0]),
                st.booleans(),
            ),
            min_size=n,
            max_size=n,
        )
    )
    teacher, surrogate, scores, handled = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Judged(
        tuple(f"label {i}" for i in range(k)),
        np.array(teacher, dtype=np.intp),
        np.array(surrogate, dtype=np.intp),
        np.array(scores, dtype=float),
        np.array(handled, dtype=bool),
        "calibration",
    )
