"""A chain's router in a file: it decides as the job does, and says whom it needs to hear."""

import numpy as np
import pytest

import tracer_nb
from tests.unit.steps.test_chain_steps import World
from tests.validity.columns import ChainWorld
from tracer_nb import Tracer
from tracer_nb.draws.chained import pooled_by
from tracer_nb.draws.moves import drive
from tracer_nb.draws.opinions import Rule
from tracer_nb.errors import InvalidInput
from tracer_nb.words import saved_lines

NEW = 60


@pytest.fixture(scope="module")
def world():
    return World(n=900)


@pytest.fixture(scope="module")
def new(world):
    """Rows of the same kind that no one has seen, which teacher and stage know."""
    fresh = World(n=NEW, seed=9)
    fresh.texts = [f"new {text}" for text in fresh.texts]
    for mine, theirs in ((world.truth, fresh.truth), (world.cheap, fresh.cheap)):
        mine.update({f"new {text}": label for text, label in theirs.items()})
    return fresh


@pytest.fixture(scope="module")
def job(world, new):
    assert new.texts
    tracer = world.tracer(store=":memory:", new_rows=80)
    tracer.run(world.texts)
    assert tracer.router.certificate.certified
    return tracer


@pytest.fixture(scope="module")
def path(job, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "chain.tracer"
    job.save(path)
    return path


@pytest.fixture(scope="module")
def routed(job, new):
    return job.route(new.texts, features=new.X, ask_teacher=False)


def said(world, new):
    return {"small": [world.cheap[text] for text in new.texts]}


def test_with_what_the_stage_said_a_saved_router_decides_as_the_job(path, world, new, routed):
    saved = tracer_nb.load(path, store=":memory:")
    got = saved.predict_batch(new.texts, features=new.X, stages=said(world, new))
    assert [p.source == "surrogate" for p in got] == (
        routed["label_source"] == "surrogate"
    ).tolist()
    assert sum(p.source == "surrogate" for p in got) > 0.5 * NEW
    handled = [p.label for p in got if p.source == "surrogate"]
    assert handled == routed["label"].dropna().tolist()
    one = saved.predict(
        new.texts[0], features=new.X[0], stages={"small": world.cheap[new.texts[0]]}
    )
    assert (one.label, one.source) == (got[0].label, got[0].source)
    assert one.score == pytest.approx(got[0].score, abs=1e-5)  # of one row or of many at once
    vectors = saved.predict_batch(new.X, stages=said(world, new))
    assert [p.label for p in vectors] == [p.label for p in got]


def test_a_row_that_needs_the_stage_is_deferred_and_says_so(path, new, world):
    saved = tracer_nb.load(path, store=":memory:")
    got = saved.predict_batch(new.texts, features=new.X)
    waiting = [p for p in got if p.source == "deferred"]
    assert len(waiting) > 0.8 * NEW  # no feature tells the label
    assert {p.reason for p in waiting} == {
        "deferred: small of the chain was not heard; teacher not asked"
    }
    assert all(p.label is None for p in waiting)
    asked = saved.predict(new.texts[0], features=new.X[0], fallback=lambda _: "yes")
    assert (asked.label, asked.source) == ("yes", "teacher")
    assert asked.reason == "deferred: small of the chain was not heard"
    half = {"small": [world.cheap[t] if i % 2 else None for i, t in enumerate(new.texts)]}
    some = saved.predict_batch(new.texts, features=new.X, stages=half)
    assert "small" in some[0].reason
    assert "small" not in some[1].reason


def test_stages_named_on_loading_are_heard_below_the_caps(path, world, new, routed):
    before = len(world.asked["small"]), len(world.asked["big"])
    named = {"teacher": world.teacher(), "chain": [world.stage()], "store": ":memory:"}
    saved = tracer_nb.load(path, **named)
    out = saved.route(new.texts, features=new.X, ask_teacher=False)
    assert out["label_source"].tolist() == routed["label_source"].tolist()
    heard = len(world.asked["small"]) - before[0]
    assert heard > 0.8 * NEW
    assert len(world.asked["big"]) == before[1]
    assert saved.spending.cost == pytest.approx(0.001 * heard)
    again = tracer_nb.load(path, **{**named, "store": ":memory:"})
    again.route(new.texts, features=new.X, max_cost=0.0105)
    assert len(world.asked["small"]) - before[0] - heard == 10
    assert len(world.asked["big"]) == before[1]


def test_nobody_is_heard_where_nothing_is_promised(world, new, tmp_path):
    tracer = world.tracer(store=":memory:")  # no rows set aside for new ones
    tracer.run(world.texts)
    tracer.save(tmp_path / "column.tracer")
    saved = tracer_nb.load(
        tmp_path / "column.tracer", teacher=world.teacher(), chain=[world.stage()], store=":memory:"
    )
    before = len(world.asked["small"])
    out = saved.route(new.texts, features=new.X)
    assert out["label"].isna().all()
    assert set(out["label_reason"]) == {"deferred: nothing was certified; teacher not asked"}
    assert len(world.asked["small"]) == before


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ({"tiny": ["yes"] * NEW}, "stages holds 'tiny', and those of this router are: small"),
        ({"small": "yes"}, "one entry for each of the 60 rows"),
        ({"small": ["maybe"] * NEW}, "says 'maybe', which is none of the labels"),
        ({"small": [{"yes": 0.2, "no": 0.3}] * NEW}, "add up to 0.5"),
        ({"small": [{"yes": 0.2, "may": 0.8}] * NEW}, "says 'may'"),
    ],
)
def test_bad_answers_of_stages_are_one_clear_line(path, new, stages, why):
    saved = tracer_nb.load(path, store=":memory:")
    with pytest.raises(InvalidInput, match=why):
        saved.predict_batch(new.texts, features=new.X, stages=stages)


def test_bad_chains_on_loading_are_one_clear_line(path, world, tmp_path):
    with pytest.raises(InvalidInput, match="name it too"):
        tracer_nb.load(path, chain=[world.stage()])
    with pytest.raises(InvalidInput, match="names other, and this router hears small"):
        tracer_nb.load(path, teacher=world.teacher(), chain=[world.stage(name="other")])
    small = World(n=300)
    alone = Tracer(small.teacher(), target=0.5, features=small.X, store=":memory:")
    alone.run(small.texts, sample=150)
    alone.save(tmp_path / "alone.tracer")
    with pytest.raises(InvalidInput, match="without a chain"):
        tracer_nb.load(tmp_path / "alone.tracer", teacher=small.teacher(), chain=[small.stage()])
    saved = tracer_nb.load(tmp_path / "alone.tracer", store=":memory:")
    with pytest.raises(InvalidInput, match="fitted without a chain"):
        saved.predict(small.texts[0], features=small.X[0], stages={"small": "yes"})


def test_a_file_holds_no_key_of_a_stage(path):
    about = tracer_nb.load(path, store=":memory:").about
    (stage,) = about["chain"]
    assert stage["name"] == "small"
    assert stage["price"] == pytest.approx(0.05)
    said = " ".join(saved_lines(about, tracer_nb.load(path, store=":memory:").certificate))
    assert "it is to hear before the teacher: small at 0.05 of an asking of big." in said


@pytest.mark.parametrize("used", [(), (0,), (1,), (0, 1), (1, 0)])
def test_frozen_weights_answer_as_the_pools_do(used):
    world = ChainWorld(500, wrong=0.5, right=(0.9, 0.8), seed=2)
    job = world.job(0.85, start=120, prices=(0.02, 0.02))
    done, _ = drive(job, world.ask, hear=world.hear)
    assert done.frozen is not None
    chain = done.frozen.chain
    outputs, opinions = chain.outputs, job.opinions
    texts = np.arange(len(outputs))
    present = np.arange(outputs.shape[1])
    rule = Rule(used, 0.9)
    codes, scores, waiting = chain.pools.hearing(opinions).by_rule(rule, outputs, texts)
    mine = pooled_by(chain.pools, rule).answer(
        outputs,
        [opinions.heard(s) for s in used],
        [opinions.evidence(s, texts, present) for s in used],
    )
    np.testing.assert_array_equal(mine[0], codes)
    np.testing.assert_allclose(mine[1], scores)
    for i, s in enumerate(used):
        np.testing.assert_array_equal(np.flatnonzero(mine[2] == i), np.sort(waiting.get(s, [])))
