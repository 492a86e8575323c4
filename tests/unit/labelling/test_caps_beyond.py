"""Replies beyond their bound with log-probabilities, batches, any-llm and two servers."""

import json
from types import SimpleNamespace

import pytest

from tests.unit.teachers.chatserver import LABELS, ChatServer, Say
from tracer_nb.errors import InvalidInput
from tracer_nb.labelling import batch, run_labels
from tracer_nb.records import Caps
from tracer_nb.standin import BatchRules, serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers import Price
from tracer_nb.teachers.anyllm import AnyllmClient
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.server import Secret

from . import batches

PRICE = Price(1.0, 2.0)
TEXTS = [f"question number {i}" for i in range(150)]
RUDE = (3000, 9000)


def body_of(usage, content='{"label": "refund"}'):
    names = ("prompt_tokens", "completion_tokens")
    choices = [{"message": {"content": content}, "finish_reason": "stop"}]
    return json.dumps({"choices": choices, "usage": dict(zip(names, usage, strict=True))})


def teacher_of(base_url="http://127.0.0.1:9/v1", **options):
    return ChatTeacher("m", LABELS, "Choose.", base_url=base_url, price=PRICE, **options)


@pytest.mark.parametrize("codes", [True, False])
def test_with_log_probabilities(server, codes):
    body = json.loads(body_of(RUDE, "A" if codes else '{"label": "refund"}'))
    if codes:
        token = {"token": "A", "logprob": -0.1, "top_logprobs": []}
        body["choices"][0]["logprobs"] = {"content": [token]}
    server.rule = lambda _: Say(raw=json.dumps(body).encode(), seconds=0.005)
    teacher = teacher_of(server.base_url, logprobs=True)
    cap = 4 * teacher.cost_bound(TEXTS[0])
    run = run_labels(teacher, TEXTS, max_cost=cap)
    billed = len(server.bodies) * PRICE.of(*RUDE)
    assert run.stopped.startswith("cost cap of")
    assert 0 < billed <= cap
    assert run.spending.cost == pytest.approx(billed)


def test_with_any_llm():
    billed = []

    class Provider:
        async def acompletion(self, **_):
            billed.append(PRICE.of(*RUDE))
            return SimpleNamespace(model_dump_json=lambda **_: body_of(RUDE))

    def open_client(_server, secret, *, timeout, max_retries):
        del max_retries
        return AnyllmClient(Provider(), secret, timeout=timeout)

    teacher = teacher_of(open_client=open_client, api_key=Secret("k" * 20))
    cap = 4 * teacher.cost_bound(TEXTS[0])
    run = run_labels(teacher, TEXTS, max_cost=cap)
    assert run.stopped.startswith("cost cap of")
    assert 0 < sum(billed) <= cap
    assert run.spending.cost == pytest.approx(sum(billed))


def test_a_bound_that_a_batch_raised_holds_for_the_next_batch_and_for_single_questions(tmp_path):
    with serve(batches.TABLE, batches=BatchRules()) as standin:
        teacher = batches.teacher_at(standin)
        rest = batches.TEXTS[1:]
        alone, in_batch = teacher.token_bound("x"), teacher.batch_bound("x")
        enough = sum(teacher.batch_bound(text)[1] for text in rest)
        form, _ = teacher.batch_requests()
        # Its own answer is booked as the server counted it.
        answer = teacher.answer_from(batches.TEXTS[0], body_of(RUDE).encode(), form)
        assert (answer.prompt_tokens, answer.completion_tokens) == RUDE
        assert answer.cost == pytest.approx(batches.PRICE.of(*RUDE))
        assert teacher.batch_bound("x")[1] > in_batch[1]
        assert teacher.batch_bound("x")[0] >= RUDE[1]
        assert teacher.token_bound("x") > alone
        with LabelStore(tmp_path / "l.sqlite") as store:
            with pytest.raises(InvalidInput, match="max_cost"):
                batch.submit(teacher, rest, store, Caps(max_cost=enough))
            raised = sum(teacher.batch_bound(text)[1] for text in rest)
            sent = batch.submit(teacher, rest, store, Caps(max_cost=raised))
            assert sent.n_texts == len(rest)
            assert sent.batches[0].reserved == pytest.approx(raised)


def test_two_servers_with_one_model_name_keep_bounds_of_their_own(server):
    other = ChatServer()
    try:
        server.rule = lambda _: Say('{"label": "refund"}', usage=RUDE)
        other.rule = lambda _: Say('{"label": "refund"}', usage=(300, 8))
        rude, polite = teacher_of(server.base_url), teacher_of(other.base_url)
        before = polite.cost_bound("x"), polite.batch_bound("x")
        cap = 4 * rude.cost_bound(TEXTS[0])
        assert run_labels(rude, TEXTS, max_cost=cap).stopped.startswith("cost cap of")
        assert (polite.cost_bound("x"), polite.batch_bound("x")) == before
        assert rude.cost_bound("x") > before[0]
        assert run_labels(polite, TEXTS[:40], max_cost=cap * 20).stopped is None
        assert (polite.cost_bound("x"), polite.batch_bound("x")) == before
    finally:
        other.close()
