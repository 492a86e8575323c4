"""``again="missing"``: labels that did not come are asked for once more, at a price that is told."""

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput
from tracer_nb.words import label_lines, plan_lines

LABELS = ("login", "parcel", "refund")
SAMPLE = 200


class Shy:
    """Says nothing about some texts for the first ``times``, and counts what it is asked."""

    def __init__(self, world, times=1):
        self.world, self.times, self.asked = world, times, {}

    def teach(self, text):
        turn = self.asked[text] = self.asked.get(text, 0) + 1
        if self.is_shy(text) and turn <= self.times:
            return "no idea"
        return self.world.teach(text)

    @staticmethod
    def is_shy(text):
        return text.endswith("7")


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return ":memory:" if request.param == "memory" else tmp_path / "labels.sqlite"


def job(shy, world, store, **options):
    return Tracer(
        shy.teach, LABELS, features=world.X, store=store, cost=0.01, **options, labelling="random"
    )


def missing(labels):
    return int((labels.codes < 0).sum())


def test_plan_tells_how_many_and_what_at_most_and_label_does_it(world, store):
    shy = Shy(world)
    tracer = job(shy, world, store)
    n = missing(tracer.label(world.texts, sample=SAMPLE))
    hint = "%tracer label --again missing asks again about rows without a label."
    assert n > 5
    assert hint in label_lines(tracer.labels)
    plan = tracer.plan(world.texts, sample=SAMPLE, again="missing")
    assert (plan.n_ask, plan.n_stored, plan.again.n_texts) == (n, SAMPLE - n, n)
    assert plan.again.most == pytest.approx(n * 0.01)
    said = f"{n} texts whose answer held no label, for ${n * 0.01:.2f} at most"
    assert f"Among them again: {said}." in plan_lines(plan)
    assert tracer.plan(world.texts, sample=SAMPLE).n_ask == 0
    labels = tracer.label(world.texts, sample=SAMPLE, again="missing")
    assert missing(labels) == 0
    assert labels.spending.cost == pytest.approx(n * 0.01)
    assert (
        f"Asked again about {said}: {n} got a label. The first answers stay in the books "
        "(%tracer store list)."
    ) in label_lines(labels)
    assert {turn for text, turn in shy.asked.items() if not shy.is_shy(text)} == {1}
    labels = tracer.label(world.texts, sample=SAMPLE, again="missing")
    assert "No answer lacked a label, so none was asked for again." in label_lines(labels)
    assert labels.spending.asked == 0


def test_a_second_time_asks_those_only_that_have_none_still_and_a_cap_holds(world, store):
    shy = Shy(world, times=2)
    tracer = job(shy, world, store)
    n = missing(tracer.label(world.texts, sample=SAMPLE))
    labels = tracer.label(world.texts, sample=SAMPLE, again="missing", max_rows=3)
    assert (missing(labels), len(labels.codes)) == (n, SAMPLE)
    assert (labels.again.n_texts, labels.again.n_renewed, labels.again.n_labelled) == (n, 3, 0)
    assert f"0 got a label, 3 again none, {n - 3} no new answer." in " ".join(label_lines(labels))
    # Going on with the same job asks for the others, and not for these a third time.
    labels = tracer.label(world.texts, sample=SAMPLE, again="missing", go_on=True)
    assert labels.spending.asked == n
    assert max(shy.asked.values()) == 2
    labels = tracer.label(world.texts, sample=SAMPLE, again="missing")
    assert missing(labels) == 0
    assert labels.spending.asked == n


def test_run_and_route_ask_again_about_deferred_rows_too(world, store):
    shy = Shy(world)
    tracer = job(shy, world, store, target=0.9)
    tracer.run(world.texts, sample=SAMPLE, ask_teacher=True)
    lost = sum(source is None for source in tracer.outcome.source)
    n = sum(1 for text in shy.asked if shy.is_shy(text))
    assert lost >= n > 0
    tracer.route(ask_teacher=True, again="missing")
    assert sum(source is None for source in tracer.outcome.source) == 0
    assert {turn for text, turn in shy.asked.items() if shy.is_shy(text)} == {2}
    assert {turn for text, turn in shy.asked.items() if not shy.is_shy(text)} == {1}


def test_a_run_asks_about_no_text_twice(world, store):
    shy = Shy(world, times=9)
    tracer = job(shy, world, store, target=0.8)
    tracer.run(world.texts, sample=SAMPLE, ask_teacher=True)
    before = dict(shy.asked)
    tracer.run(world.texts, sample=SAMPLE, ask_teacher=True, again="missing")
    more = {text: n - before.get(text, 0) for text, n in shy.asked.items()}
    assert max(more.values()) == 1
    assert {text for text, n in more.items() if n and text in before} == set(
        filter(shy.is_shy, before)
    )


def test_another_session_goes_on_and_the_labels_are_those_of_a_teacher_that_was_not_shy(
    world, tmp_path
):
    store = tmp_path / "labels.sqlite"
    job(Shy(world), world, store).label(world.texts, sample=SAMPLE)
    tracer = job(Shy(world, times=0), world, store)
    labels = tracer.label(world.texts, sample=SAMPLE, again="missing")
    plain = job(Shy(world, times=0), world, ":memory:").label(world.texts, sample=SAMPLE)
    assert np.array_equal(labels.codes, plain.codes)


def test_what_cannot_be_asked_again_is_refused_in_one_line(world):
    tracer = Tracer(
        dict.fromkeys(world.texts, "login"), LABELS, features=world.X, labelling="random"
    )
    with pytest.raises(InvalidInput, match="record of labels, which nobody can ask again"):
        tracer.label(world.texts, again="missing")
    with pytest.raises(InvalidInput, match="again must be 'missing'"):
        tracer.plan(world.texts, again="all")
