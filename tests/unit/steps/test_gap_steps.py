"""Where surrogate and teacher part, on a world in which it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.words import gap_lines, gap_tables

LABELS = ("login", "parcel", "refund")


def test_nothing_is_found_before_the_fit(world):
    tracer = Tracer(world.teach, LABELS, features=world.X, store=":memory:", labelling="random")
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
        lambda t: random.get(t, t.split()[0]),
        LABELS,
        features=world.X,
        store=":memory:",
        labelling="random",
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


def test_gaps_are_known_until_something_happens_and_slices_select_their_rows(hard_world):
    tracer = Tracer(
        hard_world.teach,
        LABELS,
        target=0.8,
        features=hard_world.X,
        store=":memory:",
        labelling="random",
    )
    assert tracer.known_gaps is None
    tracer.label(hard_world.texts, sample=400)
    tracer.fit()
    tracer.calibrate()
    assert tracer.known_gaps is None
    easy = hard_world.X.max(axis=1) - np.sort(hard_world.X, axis=1)[:, 1] > 0.5
    frame = hard_world.frame.assign(easy=np.where(easy, "yes", "no"))
    gaps = tracer.gaps(frame)
    assert tracer.known_gaps is gaps
    place = next(i for i, s in enumerate(gaps.slices) if s.name == "easy = no")
    page = tracer.rows(gaps.slice(place), limit=100)
    assert page.total == gaps.slices[place].n_rows
    assert not any(easy[row.row] for row in page.rows)
    wrong = tracer.rows(replace(gaps.slice(place), status=("disagree",)), limit=100)
    assert wrong.total == gaps.slices[place].n_disagree
    # The teacher's second answers say how much of the lost coverage it explains itself.
    tracer.reask(50)
    assert tracer.known_gaps is None
    assert tracer.gaps(frame).self_agreement.n == 50
    tracer.route(hard_world.texts, ask_teacher=False)
    assert tracer.known_gaps is None
