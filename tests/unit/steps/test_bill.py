"""The bill of a random sample, counted at every step of a job."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from tests.conftest import World
from tracer_nb import Tracer
from tracer_nb.records import Answer
from tracer_nb.steps.label.asker import Asker
from tracer_nb.words import bill_sentence

TWO = ("even", "odd")


def job(world, **options):
    options = {"features": world.X, "store": ":memory:", "cost": 0.5, "target": 0.8, **options}
    return Tracer(world.teach, world.labels, "Choose.", **options, labelling="random")


def test_every_text_is_in_one_part_of_the_bill_at_every_step():
    hard_world = World(600, noise=0.6)
    tracer = job(hard_world, target=0.85)
    assert tracer.report.bill is None
    tracer.label(hard_world.texts, sample=300)
    bill = tracer.report.bill
    assert (bill.n_texts, bill.n_start, bill.n_test, bill.n_deferred) == (600, 210, 90, None)
    tracer.fit()
    assert tracer.report.bill == bill
    tracer.calibrate()
    bill = tracer.report.bill
    assert bill.n_deferred == bill.n_waiting > 0
    before = bill.total
    tracer.route(ask_teacher=False)
    assert (tracer.report.bill.total, tracer.report.bill.n_waiting) == (before, bill.n_waiting)
    tracer.route()
    bill = tracer.report.bill
    assert (bill.total, bill.n_waiting) == (before, 0)
    assert bill.total == len(hard_world.asked) == len(set(hard_world.asked))
    assert tracer.report.saved == bill.dollars(bill.saved) == 0.5 * bill.saved


def test_a_report_looks_up_no_answer_twice(monkeypatch):
    """Where nothing is certified the ways out are counted by the same answers."""
    hard_world = World(600, noise=0.6)
    tracer = job(hard_world, target=0.95)
    tracer.label(hard_world.texts, sample=200)
    tracer.fit()
    tracer.calibrate()
    seen = Counter()
    known = Asker.known

    def noted(self, texts):
        texts = list(texts)
        seen.update((id(self), text) for text in texts)
        return known(self, texts)

    monkeypatch.setattr(Asker, "known", noted)
    assert tracer.report.refused.ways
    assert len(seen) >= 600
    assert max(seen.values()) == 1


def test_equal_texts_count_once(hard_world):
    column = pd.concat([pd.Series(hard_world.texts)] * 2, ignore_index=True)
    tracer = job(hard_world, features="lsa")
    tracer.run(column, sample=400, ask_teacher=True)
    bill = tracer.report.bill
    assert bill.n_texts == 600
    assert bill.total == len(set(hard_world.asked))
    assert bill.n_asked < 400


def test_abstained_texts_are_saved_too(hard_world):
    tracer = job(hard_world, guard=0.2, abstain_unlike=True)
    tracer.label(hard_world.texts, sample=300)
    tracer.fit()
    tracer.calibrate()
    before = tracer.report.bill
    tracer.route()
    assert tracer.outcome.n_spared
    assert tracer.report.bill.saved == before.saved
    assert tracer.report.bill.saved == tracer.outcome.n_saved + tracer.outcome.n_spared
    assert tracer.report.bill.total == len(hard_world.asked)


def test_what_nothing_certified_costs_is_open_until_somebody_decides(hard_world):
    tracer = job(hard_world, target=0.999)
    tracer.label(hard_world.texts, sample=100)
    tracer.fit()
    tracer.calibrate()
    tracer.route()
    report = tracer.report
    assert (report.bill.saved, report.bill.n_asked, report.bill.n_waiting) == (0, 100, 500)
    assert "nothing is saved: 100 of 600 texts asked about" in bill_sentence(report)
    tracer.route(ask_teacher=True)
    assert (tracer.report.bill.total, tracer.report.bill.saved) == (600, 0)


def test_other_rows_have_no_bill(hard_world):
    tracer = job(hard_world)
    tracer.run(hard_world.texts, sample=300)
    tracer.route(hard_world.texts[:50], features=hard_world.X[:50], ask_teacher=False)
    assert tracer.report.bill is None


@pytest.mark.parametrize("certificate", ["held-out", "cross-fit", "per-class"])
def test_a_certificate_moves_no_text_between_the_parts(hard_world, certificate):
    tracer = job(hard_world, certificate=certificate, target=0.7)
    tracer.label(hard_world.texts, sample=300)
    before = tracer.report.bill
    tracer.fit()
    tracer.calibrate()
    after = tracer.report.bill
    assert (after.n_start, after.n_test) == (before.n_start, before.n_test)
    assert after.total is not None


def test_while_labelling_goes_on_the_bill_grows(hard_world):
    tracer, seen = job(hard_world, concurrency=1), []

    def look(progress):
        bill = tracer.report.bill
        seen.append((progress.done, None if bill is None else bill.n_asked))

    tracer.label(hard_world.texts, sample=200, on_progress=look)
    assert seen[-1][0] == 200
    assert all(asked is None or 0 <= asked <= 200 for _, asked in seen)


def test_an_update_counts_its_fresh_rows(hard_world):
    tracer = job(hard_world, target=0.85)
    tracer.run(hard_world.texts, sample=200, ask_teacher=True)
    tracer.update(sample=60)
    tracer.route()
    bill = tracer.report.bill
    assert bill.total == len(set(hard_world.asked))


def dear(text):
    return Answer(TWO[len(text) % 2], cost=0.25)


def test_a_second_run_prices_texts_by_what_the_first_has_paid(tmp_path):
    texts = [f"text {i}" for i in range(200)]
    X = np.random.default_rng(0).normal(size=(200, 4))

    def run():
        tracer = Tracer(
            dear, TWO, features=X, cost=1.0, store=tmp_path / "a.sqlite", labelling="random"
        )
        tracer.label(texts, sample=100)
        return tracer.report

    first, second = run(), run()
    assert first.spending.asked == 100
    assert second.spending.asked == 0
    assert first.bill.price == second.bill.price == pytest.approx(0.25)
    assert first.cost_all == second.cost_all
