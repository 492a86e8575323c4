"""Caps against servers whose replies take more than they were told to: the server counts."""

import asyncio
import json

import pytest

from tests.unit.teachers.chatserver import LABELS, Say, labelled
from tracer_nb.labelling import run_labels
from tracer_nb.store import LabelStore
from tracer_nb.teachers import Price
from tracer_nb.teachers.chat.client import open_client
from tracer_nb.teachers.chat.teacher import ChatTeacher

PRICE = Price(1.0, 2.0)
TEXTS = [f"question number {i}" for i in range(150)]


def cost(usage):
    return PRICE.of(*usage)


class Till:
    """What a scripted server bills."""

    def __init__(self, server, polite=0, rude=(3000, 9000), content=None):
        self.billed = 0.0
        self.n = 0
        self.polite, self.rude, self.content = polite, rude, content
        till = self

        class Billing(Say):
            async def respond(self, request):
                await asyncio.sleep(0.005)
                return till.reply(request)

        server.rule = lambda _: Billing()

    def reply(self, _request):
        self.n += 1
        usage = (300, 8) if self.n <= self.polite else self.rude
        self.billed += cost(usage)
        content = self.content or json.dumps({"label": LABELS[self.n % 3]})
        return Say(content, usage=usage).response()


def teacher_at(server, **options):
    return ChatTeacher(
        "m", LABELS, "Choose.", base_url=server.base_url, price=PRICE, concurrency=64, **options
    )


@pytest.mark.parametrize("votes", [1, 3])
@pytest.mark.parametrize("content", [None, json.dumps({"label": "none of them"})])
@pytest.mark.parametrize("bounds", [4, 40])
def test_replies_beyond_their_bound_do_not_pass_the_cap(server, tmp_path, votes, content, bounds):
    till = Till(server, content=content)
    teacher = teacher_at(server, votes=votes, temperature=0.0)
    cap = bounds * teacher.cost_bound(TEXTS[0])
    assert cost(till.rude) > teacher.cost_bound(TEXTS[0]) / 3 / votes  # the bound of one request
    with LabelStore(tmp_path / "l.sqlite") as store:
        run = run_labels(teacher, TEXTS, store=store, max_cost=cap)
    assert run.stopped.startswith("cost cap of")
    assert 0 < till.billed <= cap
    assert run.spending.cost == pytest.approx(till.billed)


@pytest.mark.parametrize("votes", [1, 3])
def test_a_server_that_turns_dear_passes_the_cap_by_what_is_under_way_at_the_most(server, votes):
    till, before = Till(server, polite=60), []

    class Noting:
        """A client that notes the requests sent before the first dear reply was booked."""

        def __init__(self, *arguments, **options):
            client = open_client(*arguments, **options)
            self.close, self._post = client.close, client.post

        async def post(self, *arguments, **options):
            if not teacher._costs.counts.rises:
                before.append(1)
            return await self._post(*arguments, **options)

    teacher = teacher_at(server, votes=votes, temperature=0.0, open_client=Noting)
    bound = teacher.cost_bound(TEXTS[0]) / 3 / votes
    cap = 60 * cost((300, 8)) + 30 * bound
    run = run_labels(teacher, TEXTS, max_cost=cap)
    assert run.stopped.startswith("cost cap of")
    assert till.n > 60
    assert till.billed <= cap + (len(before) - 60) * (cost(till.rude) - bound)
    assert run.spending.cost == pytest.approx(till.billed)


def test_a_cap_on_tokens_is_kept_in_the_same_way(server):
    till = Till(server)
    teacher = teacher_at(server)
    cap = 5 * teacher.token_bound(TEXTS[0])
    run = run_labels(teacher, TEXTS, max_tokens=cap)
    assert run.stopped.startswith("token cap of")
    assert till.n * sum(till.rude) <= cap
    assert run.spending.prompt_tokens + run.spending.completion_tokens == till.n * sum(till.rude)


def test_a_first_reply_that_keeps_its_bound_lets_the_others_go_side_by_side(server):
    till = Till(server, polite=10**9)
    teacher = teacher_at(server)
    run = run_labels(teacher, TEXTS, max_cost=20 * teacher.cost_bound(TEXTS[0]))
    assert run.stopped is None
    assert till.n == len(TEXTS)


def test_counts_are_believed_up_to_ten_times_the_bound_of_a_request(server):
    teacher = teacher_at(server)
    prompt, completion = teacher._costs.most_tokens("x")
    most = 10 * (prompt + completion)
    server.script = [Say('{"label": "refund"}', usage=(prompt, most - prompt + 1))]
    (answer,) = run_one(teacher, "x")
    assert (answer.prompt_tokens, answer.completion_tokens) == (prompt, completion)
    assert not answer.counted
    server.script = [Say('{"label": "refund"}', usage=(prompt, most - prompt))]
    (answer,) = run_one(teacher, "x")
    assert (answer.prompt_tokens, answer.completion_tokens) == (prompt, most - prompt)
    assert answer.counted
    # What is the most for one is the most for all.
    assert teacher.token_bound("y") >= 3 * most


def run_one(teacher, text):
    return run_labels(teacher, [text], max_rows=1).answers.values()


def test_a_long_prompt_makes_all_others_longer_in_proportion(server):
    teacher = teacher_at(server)
    prompt, completion = teacher._costs.most_tokens("x")
    long, _ = teacher._costs.most_tokens("y" * 1000)
    server.script = [Say('{"label": "refund"}', usage=(2 * prompt, 5))]
    run_one(teacher, "x")
    assert teacher._costs.most_tokens("y" * 1000) == (2 * long, completion)


# --- time-outs


def slow(server, n):
    """The last of ``n`` requests gets no reply in time."""
    server.script = [Say('{"label": "refund"}', usage=(100 + i, 5)) for i in range(n)]
    server.rule = lambda _: Say('{"label": "refund"}', seconds=30)


def test_a_time_out_is_booked_at_the_bound_where_it_is_money(server):
    teacher = teacher_at(server, timeout=0.3, max_retries=0)
    slow(server, 3)
    run = run_labels(teacher, TEXTS[:4])
    (failed,) = (a for a in run.answers.values() if not a.keep)
    assert failed.completion_tokens == 1024
    assert not failed.counted


@pytest.mark.parametrize("price", [Price(0, 0), None])
def test_a_time_out_is_booked_at_the_mean_where_it_is_none(server, price):
    teacher = ChatTeacher(
        "m", LABELS, "Choose.", base_url=server.base_url, price=price, timeout=0.3, max_retries=0,
        concurrency=1,
    )  # fmt: skip
    slow(server, 3)
    cap = 2 * teacher.token_bound(TEXTS[0])
    run = run_labels(teacher, TEXTS[:4], max_tokens=cap)
    (failed,) = (a for a in run.answers.values() if not a.keep)
    assert (failed.prompt_tokens, failed.completion_tokens) == (101, 5)
    assert not failed.counted


# --- answers that are cut


def test_after_a_few_cut_answers_the_run_stops_and_says_what_to_do(server):
    server.rule = lambda _: Say('{"label": "re', finish="length", usage=(300, 1024), seconds=0.01)
    run = run_labels(teacher_at(server), TEXTS)
    assert "took all of max_answer_tokens" in run.stopped
    assert len(server.bodies) <= 4 * 8
    server.bodies.clear()
    server.script = [labelled("refund")] * 20
    server.rule = lambda text: Say("{", finish="length") if text[-1] == "1" else labelled("refund")
    assert run_labels(teacher_at(server), TEXTS).stopped is None
