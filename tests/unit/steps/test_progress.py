"""What a run foretells of its own end, and how far a fit is."""

import pytest

from tracer_nb import Tracer
from tracer_nb.records import Progress, Spending


def at(asked, reused=0, total=1000, cost=0.5, seconds=10.0):
    return Progress(asked + reused, total, Spending(asked=asked, reused=reused, cost=cost), seconds)


def test_cost_and_time_go_on_as_they_began():
    progress = at(100, reused=300)
    # 600 texts are left at half a cent and a tenth of a second each.
    assert progress.cost_all == pytest.approx(0.5 + 600 * 0.005)
    assert progress.seconds_left == pytest.approx(60.0)


def test_a_few_answers_foretell_nothing():
    assert at(9).cost_all is None
    assert at(9).seconds_left is None
    assert at(10).cost_all == pytest.approx(50.0)


def test_unknown_costs_and_times_stay_unknown():
    assert at(100, cost=None).cost_all is None
    assert at(100, cost=None).seconds_left == pytest.approx(90.0)
    assert at(100, seconds=0.0).seconds_left is None


def test_at_the_end_all_is_what_was_paid():
    progress = at(700, reused=300)
    assert (progress.cost_all, progress.seconds_left) == (0.5, 0.0)


def test_a_fit_of_a_run_and_of_an_update_tells_its_parts(niches):
    settings = {"target": 0.86, "confidence": 0.9, "gate": "margin", "surrogate": "kernel-ridge"}
    tracer = Tracer(
        *(niches.teach, ("login", "parcel", "refund")),
        **settings,
        features=niches.X,
        store=":memory:",
        labelling="random",
    )
    told = []
    tracer.run(niches.texts, sample=200, on_progress=told.append)
    tracer.update(on_progress=told.append)
    for step in ("Fitting the surrogate", "Fitting on all that the teacher said, and"):
        of_step = [p for p in told if p.step.startswith(step)]
        parts = [p for p in of_step if p.parts]
        assert [p.done for p in parts] == list(range(parts[0].total + 1))
        assert not of_step[0].parts
        # Nothing was paid in it: what was paid before is not counted again.
        assert {p.spending for p in of_step} == {Spending()}
