"""Batches through the facade: submit in one session, collect and label in another."""

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.records import Batch, Collected, Spending, Submitted
from tracer_nb.standin import BatchRules, serve
from tracer_nb.words import (
    batch_sentence,
    collected_lines,
    moment,
    submitted_lines,
    waiting_sentence,
)

SAMPLE = 150


def tracer_at(standin, world, path, **options):
    settings = {
        "features": world.X,
        "surrogate": "logistic",
        "price": "1,2",
        "batch_price": "0.5,1",
    }
    return Tracer(
        "openai:stand-in",
        list(world.labels),
        "Choose the intent.",
        base_url=standin.base_url,
        store=path,
        **{**settings, **options},
        labelling="random",
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


# --- the facade -----------------------------------------------------------------------


def test_a_plan_leaves_out_what_a_batch_asks_about(world, path):
    with serve(world.truth, batches=BatchRules(polls=2)) as standin:
        tracer = tracer_at(standin, world, path)
        tracer.submit(world.frame["text"], sample=120, max_cost=1.0)
        plan = tracer.plan(world.frame["text"], sample=SAMPLE)
        assert (plan.n_ask, plan.n_waiting, plan.n_stored) == (SAMPLE - 120, 120, 0)
        tracer.batches()
        tracer.collect()
        plan = tracer.plan(world.frame["text"], sample=SAMPLE)
        assert (plan.n_ask, plan.n_waiting, plan.n_stored) == (SAMPLE - 120, 0, 120)


def test_a_sample_is_submitted_and_labelled_in_another_session(world, path):
    with serve(world.truth, batches=BatchRules(polls=2)) as standin:
        first = tracer_at(standin, world, path)
        sent = first.submit(world.frame["text"], sample=SAMPLE, max_cost=1.0)
        assert sent.n_texts == SAMPLE
        assert first.labels is None

        second = tracer_at(standin, world, path)
        assert [b.state for b in second.batches()] == ["in_progress"]
        assert second.collect().n_answers == SAMPLE
        labels = second.label(world.frame["text"], sample=SAMPLE)
        assert (labels.spending.asked, labels.spending.reused) == (0, SAMPLE)
        assert labels.stopped is None
        assert standin.requests == SAMPLE
    assert [labels.classes[c] for c in labels.codes] == [
        world.texts[row].split()[0] for row in labels.rows
    ]


def test_labelling_leaves_out_what_is_in_a_batch_and_says_so(world, path):
    with serve(world.truth, batches=BatchRules(polls=9)) as standin:
        tracer = tracer_at(standin, world, path)
        since = tracer.submit(world.texts, sample=120).batches[0].sent_at
        labels = tracer.label(world.texts, sample=SAMPLE)
        # The batch has the first rows of the sample, and rows count up to the first gap.
        assert len(labels.rows) == 0
        assert labels.stopped == (
            f"120 texts are in a batch submitted at {moment(since)}; %tracer batch collect"
        )
        assert standin.requests == SAMPLE - 120
        with pytest.raises(NotEnoughData, match="120 texts are in a batch submitted at"):
            tracer.run(world.texts, sample=SAMPLE)
        assert standin.requests == SAMPLE - 120


def test_deferred_rows_are_submitted(hard_world, path):
    world = hard_world
    with serve(world.truth) as standin:
        tracer = tracer_at(standin, world, path, target=0.92)
        with pytest.raises(NotFitted, match="nothing is routed yet"):
            tracer.submit_deferred()
        tracer.label(world.texts, sample=300)
        tracer.fit()
        tracer.calibrate()
        routed = tracer.route(ask_teacher=False)
        missing = int(routed["label"].isna().sum())
        assert missing > 0
        asked = standin.requests
        assert tracer.submit_deferred(max_cost=5.0).n_texts == missing
        assert standin.requests == asked
        again = tracer.route(ask_teacher=True)
        assert again["label"].isna().sum() == missing
        assert (
            again["label_reason"][again["label"].isna()]
            .str.contains("in a batch submitted at")
            .all()
        )
        assert tracer.collect().n_answers == missing
        routed = tracer.route()
        assert standin.requests == asked + missing
        teacher = routed["label_source"] == "teacher"
        truth = np.array([world.truth[text] for text in world.texts])
    assert routed["label"].notna().all()
    assert (routed["label"][teacher] == truth[teacher]).all()


def test_a_batch_is_cancelled_by_its_key(world, path):
    with serve(world.truth, batches=BatchRules(polls=9)) as standin:
        tracer = tracer_at(standin, world, path)
        key = tracer.submit(world.texts, sample=SAMPLE).batches[0].key
        assert tracer.cancel(key).state == "cancelling"
        assert tracer.collect().n_free == SAMPLE // 2


def test_what_cannot_be_submitted_is_refused_before_anything_is_made(world, path, tmp_path):
    with serve(world.truth) as standin:
        with pytest.raises(InvalidInput, match="batches need a store on disk"):
            tracer_at(standin, world, ":memory:").submit(world.texts)
        with pytest.raises(InvalidInput, match="max_cost must be dollars"):
            tracer_at(standin, world, path).submit(world.texts, max_cost=-1)
        with pytest.raises(InvalidInput, match=r"price must be IN,OUT"):
            tracer_at(standin, world, path, batch_price="half")
        own = Tracer(
            world.teach, world.labels, store=tmp_path / "other" / "s.sqlite", labelling="random"
        )
        with pytest.raises(InvalidInput, match="batches need a model at a server"):
            own.submit(world.texts)
        assert standin.batches.made == []
    assert not (tmp_path / "other").exists()


# --- words ----------------------------------------------------------------------------


def make_batch(**changes):
    values = {
        "key": "3fa90c12",
        "teacher": "gpt-5-mini",
        "server": "https://api.openai.com/v1",
        "state": "in_progress",
        "n_texts": 1200,
        "n_done": 0,
        "n_failed": 0,
        "n_answers": 0,
        "reserved": 1.2,
        "cost": None,
        "sent_at": "2026-11-14T14:05:31+00:00",
        "collected_at": None,
    }
    return Batch(**{**values, **changes})


def test_what_was_submitted_in_words():
    one = Submitted((make_batch(),), 1200, n_stored=3, n_waiting=1, n_unusable=2)
    assert submitted_lines(one) == [
        (
            "1,200 texts submitted to https://api.openai.com/v1 in 1 batch (3fa90c12), at the most "
            "$1.20. You may close the notebook; %tracer batch collect brings the answers in."
        ),
        "3 texts answered already.",
        "1 text in a batch already; %tracer batch collect.",
        "2 texts whose reply in a batch held no label; %tracer label repairs it.",
    ]
    two = Submitted((make_batch(), make_batch(key="00", reserved=None)), 2400)
    assert "in 2 batches (3fa90c12, 00), at unknown cost." in submitted_lines(two)[0]
    assert submitted_lines(Submitted((), 0, n_stored=9)) == [
        "Nothing to submit.",
        "9 texts answered already.",
    ]


def test_what_was_collected_in_words():
    ended = make_batch(
        state="completed", n_done=1190, n_answers=1180, cost=0.052, collected_at="2026-11-15T00:00"
    )
    spending = Spending(asked=1180, missing=4, cost=0.052)
    lines = collected_lines(Collected((ended, make_batch(n_done=7)), 1180, 10, 10, spending, 1))
    assert lines == [
        "Batch 3fa90c12, 1,200 texts: completed, 1,180 answers stored, $0.0520.",
        "Batch 3fa90c12, 1,200 texts: in progress, 7 answered and 0 failed so far.",
        (
            "1 batch waits for another teacher, prompt or label set: name the one that submitted; "
            "%tracer batch list."
        ),
        "1,180 answers stored, 4 of them without a label. Paid $0.0520.",
        "10 replies held no label: %tracer label asks about them once more, online.",
        (
            "10 texts got no reply and cost nothing: %tracer batch submit or label asks about them again."
        ),
    ]
    nothing = Collected((), 0, 0, 0, Spending())
    assert collected_lines(nothing) == ["No batch of this teacher is under way."]


def test_a_batch_and_a_wait_in_words():
    failed = make_batch(state="failed", cost=0.0, collected_at="2026-11-15T00:00", note="too large")
    assert batch_sentence(failed) == (
        "Batch 3fa90c12, 1,200 texts: failed, 0 answers stored, $0.00; too large."
    )
    assert waiting_sentence(1, "2026-11-14T14:05:31+00:00").startswith("1 text is in a batch ")
    assert moment("2026-11-14T14:05:31+00:00")[4:5] == "-"
    assert moment(None) == ""
