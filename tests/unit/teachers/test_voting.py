"""Votes: several answers to each text, counted, and none of them paid twice."""

import asyncio
from collections import Counter

import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.standin import Faults, serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers import Price
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.voting import count_votes

from .chatserver import LABELS, Say, ask, labelled

TEXTS = [f"text {i}" for i in range(30)]


def answer(label, **options):
    return Answer(label, mode="codes", prompt_tokens=10, completion_tokens=2, cost=0.5, **options)


def test_the_label_with_most_votes_is_the_answer_and_all_are_paid():
    found = count_votes([answer("a"), answer("b"), answer("b", seconds=2.0)])
    assert (found.label, found.mode, found.cost) == ("b", "codes, 3 of 3 votes", 1.5)
    assert (found.prompt_tokens, found.completion_tokens, found.seconds) == (30, 6, 2.0)
    assert found.probabilities == pytest.approx({"a": 1 / 3, "b": 2 / 3})


def test_distributions_of_the_votes_are_averaged_and_break_ties():
    found = count_votes(
        [
            answer("a", probabilities={"a": 0.6, "b": 0.4}),
            answer("b", probabilities={"a": 0.1, "b": 0.9}),
        ]
    )
    assert found.label == "b"
    assert found.probabilities == pytest.approx({"a": 0.35, "b": 0.65})


def test_refusals_are_no_votes_and_failures_leave_the_text_open():
    refused = Answer(None, reason="refused", cost=0.5)
    found = count_votes([refused, answer("a")])
    assert (found.label, found.mode) == ("a", "codes, 1 of 2 votes")
    assert count_votes([refused, refused]).reason == "refused"
    failed = Answer(None, reason="no reply", keep=False)
    found = count_votes([answer("a"), failed])
    assert (found.label, found.reason, found.keep) == (None, "no reply", False)


def test_each_text_is_asked_several_times_at_another_temperature(server, chat):
    said = Counter()

    def rule(text):
        said[text] += 1
        return labelled("refund" if said[text] % 3 else "top up")

    server.rule = rule
    found = ask(chat(votes=3), "x")
    assert (found.label, found.probabilities) == ("refund", {"refund": 2 / 3, "top up": 1 / 3})
    assert [body["temperature"] for body in server.bodies] == [1.0] * 3
    assert found.cost == pytest.approx(3 * 110e-6)


def test_shuffled_labels_have_another_order_in_every_vote(server, chat):
    ask(chat(votes=6, shuffle=True), "x")
    assert len({body["messages"][0]["content"] for body in server.bodies}) > 1


def test_bounds_and_estimates_are_those_of_all_votes(chat):
    one, three = chat(), chat(votes=3)
    assert three.cost_bound("x") == pytest.approx(3 * one.cost_bound("x"))
    assert three.token_bound("x") == 3 * one.token_bound("x")
    assert three.cost_estimate("x")[0] == 3 * one.cost_estimate("x")[0]
    assert three.identity != one.identity


@pytest.mark.parametrize("options", [{"votes": 0}, {"temperature": "hot"}, {"temperature": -1}])
def test_what_cannot_be(chat, options):
    with pytest.raises(InvalidInput, match=next(iter(options))):
        chat(**options)


def test_one_temperature_for_one_vote(chat):
    assert chat().identity["temperature"] == 0.0
    assert chat(votes=2, temperature=0.3).identity["temperature"] == 0.3


def test_votes_that_came_before_a_failure_are_not_asked_again(server, chat, tmp_path):
    said = Counter()

    def rule(text):
        said[text] += 1
        if text == "text 3" and said[text] == 2:
            return Say(status=413, error={"message": "no"})  # of this text, not of a form
        return labelled("refund")

    server.rule = rule
    with LabelStore(tmp_path / "s.sqlite") as store:
        first = run_labels(chat(votes=3), TEXTS, store=store)
        assert [t for t, a in first.answers.items() if a.label is None] == ["text 3"]
        assert not first.answers["text 3"].keep
        second = run_labels(chat(votes=3), TEXTS, store=store)
        assert second.answers["text 3"].label == "refund"
        assert second.spending.asked == 1
        assert said == {text: 3 + (text == "text 3") for text in TEXTS}
        # All three votes are in the one answer, and no vote is left beside it.
        assert second.answers["text 3"].cost == pytest.approx(3 * 110e-6)
        third = run_labels(chat(votes=3), [*TEXTS, "new"], store=store)
        assert third.spending.reused == len(TEXTS)
        assert store.select(
            "SELECT count(*) FROM votes WHERE text_id IN "
            "(SELECT text_id FROM answers WHERE text <> 'new')"
        ) == [(0,)]


def test_a_stop_between_votes_keeps_those_that_came(server, chat, tmp_path, monkeypatch):
    monkeypatch.setattr("tracer_nb.labelling.work._SHORT", 0.05)
    said = Counter()
    stopper = []

    def rule(text):
        said[text] += 1
        if said[text] == 2:
            stopper[0].set()
            return labelled("refund", seconds=5)
        return labelled("refund")

    import threading

    server.rule = rule
    stopper.append(threading.Event())
    with LabelStore(tmp_path / "s.sqlite") as store:
        run = run_labels(chat(votes=2), ["x"], store=store, stop=stopper[0])
        assert run.answers == {}
        server.rule = lambda text: said.update([text]) or labelled("refund")
        run = run_labels(chat(votes=2), ["x"], store=store)
    assert run.answers["x"].label == "refund"
    assert said["x"] == 3  # one kept, one lost at the stop, one more


def test_faults_change_neither_labels_nor_books(tmp_path):
    table = {text: LABELS[i % 3] for i, text in enumerate(TEXTS)}
    faults = Faults(server_error=0.1, drop=0.1, no_usage=0.1, retry_after=0.0, first_attempts=2)
    with serve(table, faults=faults) as standin, LabelStore(tmp_path / "s.sqlite") as store:
        teacher = ChatTeacher(
            "m", LABELS, "", base_url=standin.base_url, votes=3, price=Price(1.0, 2.0)
        )
        run = run_labels(teacher, TEXTS, store=store)
        assert {t: a.label for t, a in run.answers.items()} == table
        (total,) = store.select("SELECT total(cost) FROM answers")
    assert run.spending.cost == pytest.approx(total[0])


def test_the_votes_teach_the_surrogate(tmp_path):
    from tracer_nb.datasets import load

    frame = load("support").head(400)
    tracer = Tracer(
        "standin:support",
        sorted(set(frame["label"])),
        votes=3,
        target=0.8,
        store=tmp_path / "s.sqlite",
    )
    labels = tracer.label(frame["text"], sample=100)
    assert labels.probabilities is not None
    assert labels.probabilities.sum(axis=1) == pytest.approx(1)


def test_a_poll_that_is_cancelled_cancels_its_requests(server, chat):
    server.rule = lambda _: labelled("refund", seconds=30)

    async def run():
        teacher = chat(votes=3)
        task = asyncio.ensure_future(teacher.label(["x"]))
        while not server.bodies:  # noqa: ASYNC110  in another thread
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
        await teacher.close()

    asyncio.run(run())


def test_a_vote_that_was_estimated_marks_the_answer_and_every_model_is_named():
    votes = [answer("a", model="m"), answer("a", model="n", counted=False), answer("b", model="m")]
    found = count_votes(votes)
    assert (found.counted, found.model) == (False, "m / n")
    assert count_votes(votes[::2]).counted
    assert count_votes([answer("a")]).model is None
