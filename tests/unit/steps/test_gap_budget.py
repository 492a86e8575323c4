"""Gaps with every certificate, with columns as slices, with gains; and what it looks like."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.magics.show import GapTables
from tracer_nb.widgets import card
from tracer_nb.words import gap_lines, gap_tables

LABELS = ("login", "parcel", "refund")
EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    monkeypatch.setattr(card, "to_svg", lambda chart: f"<svg>{len(chart.to_dict())}</svg>")


def calibrated(world, teach=None, labels=LABELS, texts=None, sample=400, **options):
    tracer = Tracer(
        teach or world.teach,
        labels,
        **{"features": world.X, "store": ":memory:", "target": 0.8, **options},
        labelling="random",
    )
    tracer.label(world.texts if texts is None else texts, sample=sample)
    tracer.fit()
    tracer.calibrate()
    return tracer


@pytest.mark.parametrize(
    ("certificate", "basis"),
    [("held-out", "calibration"), ("cross-fit", "left-out"), ("per-class", "calibration")],
)
def test_every_certificate_has_a_budget_on_rows_that_were_not_fitted_on(
    hard_world, certificate, basis
):
    tracer = calibrated(hard_world, certificate=certificate, target=0.85)
    gaps = tracer.gaps()
    assert gaps.confusion.basis == gaps.reliability.basis == basis
    tested = tracer.labels.rows[tracer.fitted.calibration_rows]
    assert np.array_equal(gaps.rows, tested)
    if certificate != "cross-fit":
        fitted = tracer.labels.rows[tracer.fitted.fit_rows]
        assert not np.isin(gaps.rows, fitted).any()
    lost = gaps.lost
    assert lost.n_rows == len(tested)
    assert 0 <= lost.coverage <= lost.hindsight <= lost.ceiling <= 1
    # The budget's handled rows are those that the certificate counted.
    parts = tracer.router.column_certificate
    n_handled = sum(c.n_handled for c in parts.classes if c.certified) if parts.classes else None
    assert round(lost.coverage * lost.n_rows) == (
        parts.n_handled if n_handled is None else n_handled
    )
    by = {gain.by: gain for gain in gaps.gains}
    assert {"labels", "gate", "surrogate"} <= by.keys()
    assert "prompt" not in by  # which nothing is known of
    assert by["gate"].coverage == pytest.approx(lost.ceiling - lost.coverage)
    assert all(g.basis == "fitting rows" for g in gaps.gains if g.by == "merge")
    title, _, rows = gap_tables(gaps)[0]
    assert title.startswith("What would let the surrogate answer more rows: estimates")
    assert len(rows) == len(gaps.gains)


def test_without_a_certificate_there_is_no_budget_and_no_gain(hard_world):
    tracer = calibrated(hard_world)
    tracer.fit()
    gaps = tracer.gaps()
    assert (gaps.lost, gaps.gains) == (None, ())
    assert gaps.confusion.basis == "out-of-fold"


def test_more_labels_gain_no_more_than_is_lost_and_nothing_when_all_are_labelled(world):
    gaps = calibrated(world).gaps()
    assert gaps.lost.coverage == 1.0
    assert (gaps.gains[0].by, gaps.gains[0].coverage) == ("labels", 0.0)
    assert all(gain.by != "labels" for gain in calibrated(world, sample=600).gaps().gains)


def test_another_column_of_the_table_is_found_and_escaped_as_data(world):
    rng = np.random.default_rng(6)
    odd = rng.random(len(world.texts)) < 0.3
    random = {t: str(rng.choice(LABELS)) for t, o in zip(world.texts, odd, strict=True) if o}
    tracer = calibrated(world, lambda t: random.get(t, t.split()[0]), sample=600)
    table = world.frame.assign(**{f"a{EVIL}": np.where(odd, f"x{EVIL}", "y")})
    found = tracer.gaps(table)
    assert (found.slices[0].kind, found.slices[0].name) == ("column", f"a{EVIL} = x{EVIL}")
    assert any("column" in line and EVIL in line for line in gap_lines(found))
    assert not any(s.kind == "column" for s in tracer.gaps().slices)
    assert_escaped(found)


def test_texts_and_labels_are_escaped_wherever_they_stand(world):
    labels = tuple(f"{name}{EVIL}" for name in LABELS)
    rng = np.random.default_rng(8)
    texts = [f"{text} {EVIL}" for text in world.texts]
    said = {
        t: labels[LABELS.index(t.split()[0])] if rng.random() < 0.8 else str(rng.choice(labels))
        for t in texts
    }
    asked = set()

    def teach(text):
        again = text in asked
        asked.add(text)
        return labels[(labels.index(said[text]) + again) % 3]

    tracer = calibrated(world, teach, labels, texts, sample=500, target=0.95)
    tracer.reask(40)
    found = tracer.gaps()
    tables = "".join(str(table) for table in gap_tables(found))
    assert EVIL in tables
    assert found.pairs
    assert found.suspects
    assert found.self_agreement.n_same == 0
    assert any(gain.by == "merge" for gain in found.gains)
    assert_escaped(found)


def assert_escaped(found):
    """The page has the text of the plain form, and none of it as an element."""
    bundle = GapTables(found)._repr_mimebundle_()
    assert "<script" in bundle["text/plain"]
    assert "<script" not in bundle["text/html"].lower()
    assert "&lt;script&gt;" in bundle["text/html"]


def test_what_the_teacher_says_twice_enters_the_budget(world):
    rng = np.random.default_rng(9)
    said = {
        t: iter([t.split()[0] if rng.random() < 0.85 else str(rng.choice(LABELS)) for _ in "12"])
        for t in world.texts
    }
    tracer = calibrated(world, lambda t: next(said[t]), sample=600, target=0.95)
    assert tracer.gaps().self_agreement is None
    tracer.reask(200)
    found = tracer.gaps()
    true = 0.9**2 + 2 * 0.05**2  # the right label 9 times in 10
    assert found.self_agreement.lower < true < found.self_agreement.upper
    prompt = next(gain for gain in found.gains if gain.by == "prompt")
    assert 0 < prompt.coverage == 1 - found.lost.coverage
    lines = "\n".join(gap_lines(found))
    assert "Asked a second time about 200 texts, the teacher gave the same label to" in lines
    gain = {change: much for change, much, _ in gap_tables(found)[0][2]}
    assert gain["a clearer prompt"].startswith("at most ")
    # The best surrogate agrees on 90 %: more than the teacher does with itself.
    assert found.self_agreement.share < found.n_agree / len(found.rows)


def test_lines_say_that_nothing_stands_out(world):
    found = calibrated(world).gaps()
    lines = gap_lines(found)
    assert "No group of rows stands out by its disagreements beyond chance." in lines
    gain = {change: much for change, much, _ in gap_tables(found)[0][2]}
    assert gain["a better gate"] == "next to nothing"
