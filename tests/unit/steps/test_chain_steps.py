"""A chain in the steps: cheap teachers are heard before the dear one, under one certificate."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records.moments import Moment
from tracer_nb.teachers import FunctionTeacher
from tracer_nb.widgets.card import Card
from tracer_nb.widgets.panel.sheet import sheet_values
from tracer_nb.words import plan_lines, stage_table
from tracer_nb.words.bills import bill_sentence, stage_sentence

LABELS = ["no", "yes"]
N = 900


class World:
    """Texts whose label no feature tells, a teacher who knows it, and stages that often do."""

    def __init__(self, n=N, right=0.97, seed=0):
        rng = np.random.default_rng(seed)
        self.texts = [f"text {i} of many" for i in range(n)]
        self.truth = dict(zip(self.texts, rng.choice(LABELS, n), strict=True))
        self.X = rng.normal(size=(n, 5))
        wrong = rng.random(n) > right
        self.cheap = {
            t: LABELS[1 - LABELS.index(self.truth[t])] if w else self.truth[t]
            for t, w in zip(self.texts, wrong, strict=True)
        }
        self.asked = {"big": [], "small": []}
        self.lock = threading.Lock()

    def teacher(self, cost=0.02, name="big"):
        return FunctionTeacher(self._asking("big", self.truth), LABELS, cost=cost, name=name)

    def stage(self, cost=0.001, name="small", answers=None):
        known = self.cheap if answers is None else answers
        return FunctionTeacher(self._asking("small", known), LABELS, cost=cost, name=name)

    def _asking(self, who, answers):
        def ask(text):
            with self.lock:
                self.asked[who].append(text)
            return answers[text]

        return ask

    def tracer(self, **more):
        chain = more.pop("chain", None) or [self.stage()]
        teacher = more.pop("teacher", None) or self.teacher()
        given = {"target": 0.9, "confidence": 0.9, "features": self.X, "seed": 1, **more}
        return Tracer(teacher, chain=chain, **given)


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def done(world, tmp_path_factory):
    tracer = world.tracer(store=tmp_path_factory.mktemp("chain") / "labels.sqlite")
    return tracer, tracer.run(world.texts)


def test_a_stage_spares_the_teacher_where_no_feature_tells(world, done):
    _, routed = done
    handled = routed["label_source"] == "surrogate"
    truth = np.array([world.truth[t] for t in world.texts])
    assert handled.mean() > 0.3
    assert (routed["label"][handled] == truth[handled]).mean() >= 0.9
    alone = Tracer(world.teacher(), target=0.9, confidence=0.9, features=world.X, store=":memory:")
    assert (alone.run(world.texts)["label_source"] == "surrogate").mean() < 0.05


def test_what_each_stage_did_is_told_and_in_the_bill(world, done):
    tracer, _ = done
    (stage,) = tracer.stages
    assert stage.name == "small"
    assert stage.price == pytest.approx(0.05)
    assert stage.n_heard == len(set(world.asked["small"]))
    assert stage.cost == pytest.approx(0.001 * stage.n_heard)
    assert 0.9 < stage.agreement <= 1.0
    assert not stage.why
    assert "small was heard about" in bill_sentence(tracer.report)


def test_the_plan_says_the_stages_and_what_they_may_cost():
    world = World(n=300)
    tracer = world.tracer(store=":memory:")
    plan = tracer.plan(world.texts)
    (stage,) = plan.stages
    assert (stage.name, stage.price) == ("small", pytest.approx(0.05))
    assert stage.cost_all == pytest.approx(0.3)
    said = "Heard before it: small at 0.05 of an asking of big, about $0.30 for every text."
    assert said in "\n".join(plan_lines(plan))
    assert world.asked == {"big": [], "small": []}
    alone = Tracer(world.teacher(), target=0.9, features=world.X, store=":memory:")
    assert "Heard before" not in "\n".join(plan_lines(alone.plan(world.texts)))


def test_who_answered_what_at_what_price_is_a_table_that_adds_up(done):
    tracer, routed = done
    report = tracer.report
    title, _, rows = stage_table(report)
    assert title == "Who answered what, at what price"
    assert [row[0] for row in rows] == ["the surrogate alone", "with the opinion of small", "big"]
    numbers = [int(row[1].replace(",", "")) for row in rows]
    assert sum(numbers[:2]) == (routed["label_source"] == "surrogate").sum()
    assert numbers[2] == (routed["label_source"] == "teacher").sum()
    assert sum(numbers) == N
    assert numbers[1] > 0
    (stage,) = tracer.stages
    alone = f"{100 * stage.agreement:.0f} %"
    assert rows[1][2:] == (f"{stage.n_heard:,}", f"${stage.cost:.2f}", alone)
    assert "Who answered what" in Card(report).html()
    shown = sheet_values(Moment(report=report))["overview"]["tables"]
    assert [row["cells"] for row in shown[0]["rows"]] == [list(row) for row in rows]


def test_a_stage_that_is_left_out_is_said_in_the_table_too(done):
    report = done[0].report
    (stage,) = report.bill.stages
    off = replace(stage, n_answered=0, why="the server is down")
    _, _, rows = stage_table(replace(report, bill=replace(report.bill, stages=(off,))))
    assert rows[1][:2] == ("small, left out: the server is down", "0")
    assert stage_table(replace(report, bill=replace(report.bill, stages=()))) is None


def test_nothing_is_asked_twice_by_another_kernel(world, done):
    tracer, routed = done
    before = {who: len(texts) for who, texts in world.asked.items()}
    other = world.tracer(store=tracer._state.setup.shelf.path)
    again = other.run(world.texts)
    assert {who: len(texts) for who, texts in world.asked.items()} == before
    assert again["label"].tolist() == routed["label"].tolist()


def test_a_stage_that_is_down_is_left_out_and_said():
    world = World(n=300)

    def down(_text):
        raise TeacherError("the server is down")

    tracer = world.tracer(
        chain=[FunctionTeacher(down, LABELS, cost=0.001, name="small")], store=":memory:"
    )
    tracer.run(world.texts, sample=100)
    (stage,) = tracer.stages
    assert "down" in stage.why
    assert stage.n_answered == 0
    said = stage_sentence(stage)
    assert said.startswith("small was heard about 0 texts, and left out: ")
    assert "the server is down" in said
    assert tracer.report.certificate is not None  # it is reported, though no target can be kept


def test_a_useless_stage_is_heard_about_the_start_only(world):
    rng = np.random.default_rng(3)
    noise = {t: str(rng.choice(LABELS)) for t in world.texts}
    tracer = world.tracer(chain=[world.stage(answers=noise, name="noise")], store=":memory:")
    tracer.label(world.texts)
    (stage,) = tracer.stages
    assert stage.n_heard < 0.4 * N


@pytest.mark.parametrize("cap", [1.5, 3.0])
def test_one_cap_is_over_all_stages(cap):
    world = World(n=500)
    chain = [world.stage(), world.stage(cost=0.004, name="mid")]
    tracer = world.tracer(store=":memory:", chain=chain)
    tracer.run(world.texts, max_cost=cap)
    paid = sum(stage.cost or 0.0 for stage in tracer.stages)
    assert 0.02 * len(world.asked["big"]) + paid <= cap + 1e-9
    if cap > 2:  # the start takes 100 askings of the teacher, and both stages are heard about it
        assert all(stage.n_heard for stage in tracer.stages)


def test_other_rows_are_heard_by_the_rule_and_none_without_a_promise(world, done):
    tracer, _ = done
    before = len(world.asked["small"])
    new = World(n=40, seed=9)
    texts = [f"new {t}" for t in new.texts]
    routed = tracer.route(texts, features=new.X, ask_teacher=False)
    assert len(world.asked["small"]) == before  # no rows were set aside: nothing is promised
    assert routed["label"].isna().all()


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ([], "chain is empty"),
        (lambda w: [w.stage(cost=0.05)], "must be cheaper"),
        (lambda w: [w.stage(cost=None)], "goes by prices"),
        (lambda w: [w.stage(), w.stage()], "twice"),
        (lambda _: [FunctionTeacher(str, ["maybe", "yes"], cost=0.001)], "does not know"),
        (lambda w: [[w.stage(), w.stage(name="other")]], "not a panel"),
    ],
)
def test_bad_chains_are_refused_before_anything_is_asked(chain, why):
    world = World(n=200)
    given = chain(world) if callable(chain) else chain
    with pytest.raises(InvalidInput, match=why):
        Tracer(world.teacher(), target=0.9, features=world.X, store=":memory:", chain=given).label(
            world.texts
        )
    assert not world.asked["big"]
    assert not world.asked["small"]


def test_the_bare_router_of_a_chain_answers_no_row(world, done):
    with pytest.raises(InvalidInput, match="stages, which must be heard"):
        done[0].router.route(world.X)


def test_what_stages_said_is_no_old_answer_and_another_kernel_tells_the_same(world, tmp_path):
    def ran():
        tracer = world.tracer(store=tmp_path / "labels.sqlite")
        plan = tracer.plan(world.texts)
        tracer.run(world.texts)
        return plan, tracer

    (_, one), n = ran(), len(world.asked["big"])
    plan, other = ran()
    assert len(world.asked["big"]) == n
    assert one.report.superseded.n == other.report.superseded.n == plan.superseded.n == 0
    assert other.stages == one.stages
    assert stage_table(other.report) == stage_table(one.report)
    # A teacher that stands in no chain with them is another one, and says so.
    apart = world.tracer(store=tmp_path / "labels.sqlite", teacher=world.teacher(name="other"))
    assert apart.plan(world.texts).superseded.n > 0
