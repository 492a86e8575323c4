"""Where log-probabilities come from: with the schema, else with codes, else from nowhere."""

import hashlib
import json
import math
import sqlite3

import pytest

from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.replaced import find_superseded
from tracer_nb.store.rows import identity_address, plain_identity
from tracer_nb.teachers.chat.forms import forget_lessons, make_forms
from tracer_nb.teachers.chat.teacher import ChatTeacher

from .chatserver import LABELS, Say, ask

REFUSED = Say(status=400, error={"message": "logprobs is not supported with response_format"})


@pytest.fixture(autouse=True)
def nothing_learned():
    forget_lessons()
    yield
    forget_lessons()


def form_of(body):
    return "json-schema" if "response_format" in body else "tool" if "tools" in body else "codes"


def reply(pieces, *, chances):
    others = {"refund": "top up", "B": "A"}
    content = [
        {
            "token": piece,
            "logprob": math.log(0.9),
            "top_logprobs": [{"token": others.get(piece, "?"), "logprob": math.log(0.1)}],
        }
        for piece in pieces
    ]
    choice = {
        "finish_reason": "stop",
        "message": {"content": "".join(pieces)},
        "logprobs": {"content": content} if chances else None,
    }
    usage = {"prompt_tokens": 50, "completion_tokens": 5}
    return Say(raw=json.dumps({"choices": [choice], "usage": usage}).encode())


def serving(server, *, by_schema, by_codes):
    """Give them (True), leave them out (False), or refuse the request (None), in each form."""

    def rule(_):
        body = server.bodies[-1]
        gives = by_schema if form_of(body) == "json-schema" else by_codes
        if "logprobs" in body and gives is None:
            return REFUSED
        pieces = ("B",) if form_of(body) == "codes" else ('{"label": "', "refund", '"}')
        return reply(pieces, chances="logprobs" in body and gives)

    server.rule = rule


@pytest.mark.parametrize(
    ("gives", "asked", "mode"),
    [
        ((True, True), ["json-schema"], "json-schema"),
        ((False, True), ["json-schema", "codes"], "codes"),
        ((None, True), ["json-schema", "codes"], "codes"),
        ((False, False), ["json-schema", "codes"], "json-schema"),
        ((False, None), ["json-schema", "codes"], "json-schema"),
        ((None, False), ["json-schema", "codes", "json-schema"], "json-schema"),
        ((None, None), ["json-schema", "codes", "json-schema"], "json-schema"),
    ],
)
def test_codes_are_asked_for_where_the_schema_brings_none(server, chat, gives, asked, mode):
    by_schema, by_codes = gives
    serving(server, by_schema=by_schema, by_codes=by_codes)
    teacher = chat(logprobs=True)
    first = ask(teacher, "x")
    assert [form_of(body) for body in server.bodies] == asked
    n = len(asked)
    rest = [*ask(teacher, "y", "z"), ask(chat(logprobs=True), "x")]
    assert {form_of(body) for body in server.bodies[n:]} == {mode}
    assert len(server.bodies) == n + 3  # found out once, for the next teacher too
    for answer in (first, *rest):
        assert (answer.label, answer.mode) == ("refund", mode)
        assert (answer.probabilities is not None) == bool(by_schema or by_codes)
    assert len(teacher.warnings) == (by_schema is not None or by_codes is not None) * (
        not by_schema and by_codes is False
    )
    paid = sum(status is not None for status in (by_schema, by_codes)[: len(asked[:2])])
    paid += by_schema is None and not by_codes
    assert first.prompt_tokens == 50 * paid


def test_a_form_that_was_chosen_is_kept(server, chat):
    serving(server, by_schema=False, by_codes=False)
    for form in ("json-schema", "codes"):
        answer = ask(chat(logprobs=True, answers=form), "x")
        assert (answer.label, answer.mode, form_of(server.bodies[-1])) == ("refund", form, form)
    assert len(server.bodies) == 2


def test_a_reply_by_schema_stands_when_codes_fail(server, chat):
    def rule(_):
        if form_of(server.bodies[-1]) == "codes":
            return Say(status=503, error={"message": "overloaded"})
        return reply(('{"label": "', "refund", '"}'), chances=False)

    server.rule = rule
    answer = ask(chat(logprobs=True, max_retries=0), "x")
    assert (answer.label, answer.prompt_tokens, answer.keep) == ("refund", 50, True)


# --- which answers are one set --------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"answers": "codes"}, {"answers": "codes", "logprobs": True}),
        ({"answers": "json-schema"}, {}),
    ],
)
def test_settings_that_send_the_same_are_one_set(chat, one, two):
    first, second = chat(**one), chat(**two)
    assert identity_address(first.identity) == identity_address(second.identity)
    ways = [teacher._dialect.way for teacher in (first, second)]
    assert ways[0] == ways[1]
    assert first.distribution == second.distribution
    with LabelStore(":memory:") as store:
        store.put(first.identity, "x", Answer("refund"))
        assert store.get_many(second.identity, ["x"])["x"].label == "refund"


def test_settings_that_send_other_requests_are_other_sets(chat):
    options = [{}, {"logprobs": True}, {"answers": "codes"}, {"answers": "tool"}]
    assert len({identity_address(chat(**o).identity) for o in options}) == len(options)
    own = {"answers": "codes", "logprobs": False, "labels": ["a"]}
    assert plain_identity(own) == own  # a function's


def test_codes_fall_back_alike():
    one, two = (make_forms(LABELS, {}, "codes", logprobs=given) for given in (False, True))
    assert one == two
    assert [form.name for form in make_forms(LABELS, {}, "auto", logprobs=True)] == [
        "json-schema",
        "codes",
        "tool",
        "text",
    ]


def test_only_what_differs_is_named_of_older_answers(chat):
    with LabelStore(":memory:") as store:
        store.put(chat(answers="codes", logprobs=True).identity, "x", Answer("refund"))
        other = {**chat(answers="codes").identity, "prompt": "Choose otherwise."}
        assert find_superseded(store, other, ["x"]).differs == ("prompt",)


def older(path, identities):
    """Put the addresses of another day into a store: those of the identities as they stand."""
    db = sqlite3.connect(path)
    for identity in identities:
        raw = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        now = identity_address(identity)[0]
        then = hashlib.sha256(raw.encode()).hexdigest()
        db.execute("UPDATE identities SET id = ?, identity = ? WHERE id = ?", (then, raw, now))
        for table in ("answers", "runs", "votes", "batches", "batch_texts"):
            db.execute(f"UPDATE {table} SET identity_id = ? WHERE identity_id = ?", (then, now))
    db.execute("DROP TABLE draws")
    db.execute("ALTER TABLE answers DROP COLUMN explanation")
    db.execute("PRAGMA user_version = 5")
    db.commit()
    db.close()


def make_identity(**options):
    teacher = ChatTeacher("m", LABELS, "Choose.", base_url="http://127.0.0.1:9/v1", **options)
    return dict(teacher.identity)


def test_answers_of_an_older_store_are_found(tmp_path):
    path = tmp_path / "labels.sqlite"
    codes, both = make_identity(answers="codes"), make_identity(answers="codes", logprobs=True)
    schema, other = make_identity(answers="json-schema"), make_identity(logprobs=True)
    with LabelStore(path) as store:
        for text, who in (("a", codes), ("b", schema), ("c", other)):
            store.put(who, text, Answer("refund", cost=1.0))
    older(path, [codes, schema])
    with LabelStore(path) as store, LabelStore(path) as second:
        assert store.get_many(codes, ["a"]).keys() == second.get_many(both, ["a"]).keys() == {"a"}
        assert store.get_many(make_identity(), ["b"]).keys() == {"b"}
        assert store.get_many(other, ["c"]).keys() == {"c"}
        assert len(store.identities()) == 3
        assert all(plain_identity(who) == who for _, who in store.identities())


def test_of_two_answers_one_stands_and_the_other_stays_in_the_books(tmp_path):
    path = tmp_path / "labels.sqlite"
    codes, both = make_identity(answers="codes"), make_identity(answers="codes", logprobs=True)
    with LabelStore(path) as store:
        store.put(codes, "a", Answer("refund", cost=1.0))
        store.put(codes, "b", Answer("refund", cost=2.0))
    older(path, [codes])
    db = sqlite3.connect(path)
    now, canonical = identity_address(both)
    db.execute("INSERT INTO identities VALUES (?, ?)", (now, canonical))
    db.execute(
        "INSERT INTO answers SELECT ?, text_id, run_id, created_at, 'top up', reason, mode, "
        "probabilities, prompt_tokens, completion_tokens, counted, 4.0, seconds, model, text "
        "FROM answers WHERE cost = 1.0",
        (now,),
    )
    db.commit()
    db.close()
    with LabelStore(path) as store:
        found = store.get_many(codes, ["a", "b"])
        assert {text: answer.label for text, answer in found.items()} == {
            "a": "top up",
            "b": "refund",
        }
        assert store.select("SELECT sum(cost) FROM answers") == [(7.0,)]
