"""The frozen rule: one answer for each row, in whatever batch it comes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logit

from tracer_nb.engine.gates import GATES, fit_gates
from tracer_nb.engine.pipeline import Pipeline, Stage, View
from tracer_nb.engine.sequence import _ROUNDING

from .racing import choose, quick, rows

both = pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])


class Fixed:
    """Says the same about every row."""

    def outputs(self, X):
        return np.tile(np.float32([0.1, 0.7, 0.2]), (X.shape[0], 1))


@both
@quick
@pytest.mark.parametrize("gate", GATES)
def test_a_row_has_nearly_one_score_in_whatever_batch(name, make, gate):
    """To less than the hair by which thresholds lie below the scores that they stand for."""
    X, Y, codes = rows(n=301, d=33, spread=1.2)
    chosen = choose(make(X), Y, codes, surrogate=name, gate=gate, guard=True)
    new = make(rows(n=700, d=33, seed=1, spread=1.2)[0])
    whole = chosen.pipeline.predict([new])
    for size in (1, 7, 256):
        parts = [chosen.pipeline.predict([new[i : i + size]]) for i in range(0, 700, size)][:50]
        n = min(700, 50 * size)
        scores = np.concatenate([part.scores for part in parts])[:n]
        assert logit(scores) == pytest.approx(logit(whole.scores[:n]), abs=_ROUNDING / 2)
        assert np.concatenate([p.far for p in parts])[:n].tolist() == whole.far[:n].tolist()


@both
@quick
def test_no_rows_get_no_scores(name, make):
    X, Y, codes = rows(n=200, spread=1.4)
    chosen = choose(make(X), Y, codes, surrogate=name, guard=True, pipeline="cascade")
    answers = chosen.pipeline.predict([make(X)[:0]])
    assert answers.codes.shape == answers.scores.shape == answers.far.shape == (0,)


def test_an_answer_is_the_largest_output_and_its_gate_score():
    gate = fit_gates(("margin",), rows()[1], np.ones(150, dtype=bool), None, rows()[2], seed=0)[0][
        0
    ]
    pipeline = Pipeline(View("plain"), (Stage("fixed", Fixed(), gate),), 0.0, None)
    answers = pipeline.predict([np.ones((300, 2), dtype=np.float32)])
    assert answers.codes.tolist() == [1] * 300
    assert answers.scores.tolist() == gate.scores(Fixed().outputs(np.ones((300, 2))), None).tolist()
    assert not answers.far.any()
    part = answers.take(np.array([0, 5]))
    assert part.codes.shape == part.scores.shape == part.far.shape == (2,)


def test_the_guard_judges_prepared_rows():
    chosen = choose(*rows(), guard=True)
    assert chosen.pipeline.guard is not None
    assert chosen.left_out.far.shape == (150,)
    away = chosen.pipeline.predict([np.zeros((3, 6), dtype=np.float32)])
    assert away.far.all()
    assert choose(*rows(), guard=False).pipeline.guard is None
