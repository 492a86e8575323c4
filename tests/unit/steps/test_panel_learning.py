"""A panel that learns how right its members are: once, under the caps, and the same in each kernel."""

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb import load as load_router
from tracer_nb.errors import NotEnoughData
from tracer_nb.steps.label.learning import LEARNT_ON
from tracer_nb.teachers import FunctionTeacher

LABELS = ("login", "parcel", "refund")
WRONG = {"worse": 0.35, "bad": 0.3, "good": 0.03}


class Members:
    """Three teachers that err independently; the two worse ones stand first."""

    def __init__(self, world):
        self.asked = {name: [] for name in WRONG}
        rng = np.random.default_rng(0)
        shifts = {
            name: dict(zip(world.texts, self._shifts(rng, share, len(world.texts)), strict=True))
            for name, share in WRONG.items()
        }

        def teach(name):
            def says(text):
                self.asked[name].append(text)
                truth = LABELS.index(world.truth[text])
                return LABELS[(truth + shifts[name][text]) % 3]

            return FunctionTeacher(says, LABELS, name=name, cost=0.5)

        self.teachers = [teach(name) for name in WRONG]
        self.world = world

    @staticmethod
    def _shifts(rng, share, n):
        return np.where(rng.random(n) < share, rng.integers(1, 3, n), 0).tolist()

    def right(self, labels):
        truth = [self.world.truth[self.world.texts[row]] for row in labels.rows]
        said = [labels.classes[code] if code >= 0 else None for code in labels.codes]
        return float(np.mean([a == b for a, b in zip(truth, said, strict=True)]))


@pytest.fixture
def members(world):
    return Members(world)


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return tmp_path / "labels.sqlite" if request.param == "file" else ":memory:"


def tracer_for(world, members, store, **options):
    given = {
        "labelling": "random",
        "combine": "dawid-skene",
        "features": world.X,
        **options,
    }
    return Tracer(members.teachers, LABELS, store=store, **given)


def test_votes_weigh_as_members_are_right_and_soft_labels_are_the_posterior(world, members, store):
    tracer = tracer_for(world, members, store)
    labels = tracer.label(world.texts, sample=400)
    by_votes = tracer_for(world, Members(world), ":memory:", combine="majority")
    assert members.right(labels) > members.right(by_votes.label(world.texts, sample=400)) + 0.02
    accuracies = tracer.teacher.accuracies
    assert accuracies == pytest.approx([1 - share for share in WRONG.values()], abs=0.1)
    # All were asked about the first texts, each once; the third later where the others differed.
    assert all(len(set(asked)) == len(asked) for asked in members.asked.values())
    assert len(members.asked["worse"]) == len(members.asked["bad"]) == 400
    assert LEARNT_ON < len(members.asked["good"]) < 400
    assert labels.spending.asked == 400
    assert labels.spending.cost == 0.5 * sum(map(len, members.asked.values()))
    largest = np.nanmax(labels.probabilities, axis=1)
    assert 0.5 < largest.min() < 0.9
    assert not np.isclose(largest, 2 / 3).any()  # no shares of votes


def test_another_kernel_learns_the_same_for_nothing(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    first = tracer_for(world, members, store)
    labels = first.label(world.texts, sample=300)
    before = {name: len(asked) for name, asked in members.asked.items()}
    again = tracer_for(world, members, store)
    plan = again.plan(world.texts, sample=300)
    assert (plan.n_ask, plan.n_stored, plan.panel.n_learn) == (0, 300, 0)
    later = again.label(world.texts, sample=300)
    assert {name: len(asked) for name, asked in members.asked.items()} == before
    assert later.spending.asked == 0
    assert later.codes.tolist() == labels.codes.tolist()
    assert again.teacher.identity == first.teacher.identity


def test_it_goes_with_hard_rows_first_and_a_certificate(world, members, tmp_path):
    tracer = Tracer(
        members.teachers,
        LABELS,
        features=world.X,
        store=tmp_path / "s.sqlite",
        combine="dawid-skene",
        target=0.8,
    )
    routed = tracer.run(world.frame["text"])
    assert len(set(members.asked["good"])) == len(members.asked["good"])
    assert routed["label"].notna().all()
    assert tracer.report.certificate.certified


def test_a_cap_that_ends_it_is_one_line_and_nothing_is_lost(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    tracer = tracer_for(world, members, store)
    with pytest.raises(NotEnoughData, match=r"cost cap of \$90.00 reached before it was known"):
        tracer.label(world.texts, sample=300, max_cost=90.0)
    spent = 0.5 * sum(map(len, members.asked.values()))
    assert 80.0 < spent <= 90.0
    labels = tracer.label(world.texts, sample=300)
    assert all(len(set(asked)) == len(asked) for asked in members.asked.values())
    assert labels.spending.cost == 0.5 * sum(map(len, members.asked.values())) - spent


def test_one_cap_holds_over_learning_and_labelling(world, members, tmp_path):
    tracer = tracer_for(world, members, tmp_path / "labels.sqlite")
    labels = tracer.label(world.texts, sample=400, max_cost=330.0)
    assert "cost cap of" in labels.stopped
    assert 0.5 * sum(map(len, members.asked.values())) <= 330.0


def test_a_plan_prices_what_is_asked_first_of_all(world, members, tmp_path):
    tracer = tracer_for(world, members, tmp_path / "labels.sqlite")
    plan = tracer.plan(world.texts, sample=400)
    assert plan.panel.n_learn == LEARNT_ON
    assert plan.panel.n_calls == 800 + 200 + 200 * 0.25
    assert plan.panel.n_calls_most == 1200
    assert (plan.cost, plan.cost_high) == (525.0, 600.0)


def test_a_saved_router_takes_what_votes_weigh_with_it(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    tracer = tracer_for(world, members, store, target=0.8, features="lsa", guard=False)
    tracer.run(world.texts, sample=400)
    tracer.save(tmp_path / "router")
    options = {"teacher": members.teachers, "combine": "dawid-skene"}
    router = load_router(tmp_path / "router", **options, store=store)
    assert router.teacher.identity == tracer.teacher.identity
    before = sum(map(len, members.asked.values()))
    router.route(world.texts)
    assert sum(map(len, members.asked.values())) == before
    # Other members are learnt about from the first texts that are asked about.
    options["teacher"] = members.teachers[::-1]
    other = load_router(tmp_path / "router", **options, store=":memory:")
    assert other.teacher.accuracies is None
    other.route([f"{text} please" for text in world.texts])
    assert other.teacher.accuracies is not None


def test_a_small_row_cap_does_for_what_is_stored(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    tracer_for(world, members, store).label(world.texts, sample=250)
    again = tracer_for(world, members, store)
    labels = again.label(world.texts, sample=300, max_rows=20)
    assert labels.stopped == "row cap of 20 reached"
    assert labels.spending.asked == 20


def test_other_ways_to_count_the_same_members_ask_nobody(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    tracer_for(world, members, store).label(world.texts, sample=250)
    by_votes = tracer_for(world, members, store, combine="majority")
    plan = by_votes.plan(world.texts, sample=250)
    assert (plan.n_ask, plan.panel.n_calls, plan.cost) == (250, 0, 0.0)
