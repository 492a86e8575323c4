"""Where surrogate and teacher part, on a world in which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.words import gap_lines, gap_tables

LABELS = ("login", "parcel", "refund")


def test_nothing_is_found_before_the_fit(world):
    tracer = Tracer(world.teach, LABELS, features=world.X, store=":memory:")
    with pytest.raises(NotFitted, match="call label"):
        tracer.gaps()
    tracer.label(world.texts, sample=200)
    with pytest.raises(NotFitted):
        tracer.gaps()


def test_a_planted_word_that_is_labelled_at_random_is_found(world):
    rng = np.random.default_rng(5)
    odd = rng.random(len(world.texts)) < 0.25
    texts = [f"{t} urgent" if o else t for t, o in zip(world.texts, odd, strict=True)]
    random = {t: str(rng.choice(LABELS)) for t, o in zip(texts, odd, strict=True) if o}
    tracer = Tracer(
        lambda t: random.get(t, t.split()[0]), LABELS, features=world.X, store=":memory:"
    )
    tracer.label(texts, sample=600)
    tracer.fit()
    assert tracer.gaps().lost is None
    tracer.calibrate()
    gaps = tracer.gaps()
    assert (gaps.slices[0].kind, gaps.slices[0].name) == ("word", "urgent")
    assert all(odd[gaps.rows[gaps.slices[0].rows]])
    assert gaps.suspects
    assert all(s.teacher != s.surrogate for s in gaps.suspects)
    assert any("urgent" in line for line in gap_lines(gaps))
    assert gap_tables(gaps)
    with pytest.raises(InvalidInput, match="table has 10 rows"):
        tracer.gaps(world.frame[:10])
