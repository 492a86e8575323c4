"""Batches against the stand-in: submitted, and collected by somebody who has only the store."""

import math
import sqlite3
from contextlib import closing

import pytest
from faulty.secrets import KEY, assert_clean, assert_clean_folder, verbose

from tracer_nb.errors import InvalidInput, KeyRefused, TeacherError
from tracer_nb.labelling import batch, run_labels
from tracer_nb.labelling.book import BatchBook
from tracer_nb.records import Answer
from tracer_nb.standin import BatchRules, Faults, serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers import FunctionTeacher, Price
from tracer_nb.teachers.chat import batchfile
from tracer_nb.teachers.chat.batches import BatchServer, NotMade
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.server import Server

from . import batches
from .batches import (
    LABELS,
    PRICE,
    TABLE,
    TEXTS,
    cancel,
    collect,
    labels_of,
    status,
    stored,
    submit,
    teacher_at,
    waiting,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "labels.sqlite"


# --- the whole way --------------------------------------------------------------------


def test_what_is_submitted_is_collected_later(path):
    with serve(TABLE, batches=BatchRules(polls=2, shuffled=True)) as standin:
        sent = submit(standin, path, max_cost=1.0)
        assert (sent.n_texts, len(sent.batches), sent.n_stored) == (30, 1, 0)
        assert sent.batches[0].state == "validating"
        early = collect(standin, path)
        assert early.n_answers == 0
        assert [b.state for b in early.batches] == ["in_progress"]
        assert early.batches[0].collected_at is None
        done = collect(standin, path)
        assert set(standin.asked().values()) == {1}
        answers = stored(standin, path)
    assert labels_of(answers) == TABLE
    assert {answer.mode for answer in answers.values()} == {"json-schema"}
    (one,) = done.batches
    assert (one.state, one.n_answers, one.n_done, one.note) == ("completed", 30, 30, "")
    assert one.collected_at
    spending = done.spending
    assert (done.n_answers, spending.asked, spending.missing) == (30, 30, 0)
    assert spending.cost == pytest.approx(
        PRICE.of(spending.prompt_tokens, spending.completion_tokens)
    )
    assert one.cost == spending.cost == pytest.approx(sum(a.cost for a in answers.values()))
    assert 0 < one.cost < sent.batches[0].reserved


def test_an_online_run_asks_nothing_that_a_batch_has_brought(path):
    with serve(TABLE) as standin:
        submit(standin, path)
        collect(standin, path)
        with LabelStore(path) as store:
            run = run_labels(teacher_at(standin), TEXTS, store=store)
        assert (run.spending.asked, run.spending.reused) == (0, 30)
        assert standin.requests == 30


def test_collecting_twice_changes_nothing(path):
    with serve(TABLE) as standin:
        submit(standin, path)
        collect(standin, path)
        before = path.read_bytes()
        again = collect(standin, path)
        assert (again.batches, again.n_answers, again.spending.cost) == ((), 0, 0.0)
        assert path.read_bytes() == before
        assert [b.n_answers for b in status(standin, path)] == [30]


def test_two_processes_collect_one_batch_once(path):
    with serve(TABLE) as standin:
        submit(standin, path)
        teacher = teacher_at(standin)
        with LabelStore(path) as mine, LabelStore(path) as theirs:
            book = BatchBook(mine, teacher.identity)
            (entry,) = book.open()
            assert batch.collect(teacher, theirs).n_answers == 30
            found = [("question 1", Answer("login", cost=9.0))]
            closed = {"n_done": 1, "n_failed": 0, "cost": 9.0, "note": ""}
            assert book.finish(entry.key, "completed", found, **closed) is None
        (one,) = status(standin, path)
        assert one.cost < 1.0
        assert stored(standin, path)["question 1"].cost < 1.0


def test_texts_in_a_batch_are_neither_asked_nor_submitted(path):
    with serve(TABLE, batches=BatchRules(polls=9)) as standin:
        submit(standin, path, TEXTS[:20])
        more = submit(standin, path, TEXTS)
        assert (more.n_texts, more.n_waiting) == (10, 20)
        again = submit(standin, path, TEXTS)
        assert (again.batches, again.n_texts, again.n_waiting) == ((), 0, 30)
        assert len(standin.batches.made) == 2
        assert waiting(standin, path) == set(TEXTS)
        # Another teacher may ask about them.
        assert waiting(standin, path, temperature=0.5) == set()


def test_stored_answers_are_not_submitted(path):
    with serve(TABLE) as standin, LabelStore(path) as store:
        run_labels(teacher_at(standin), TEXTS[:5], store=store)
        sent = submit(standin, path, [*TEXTS, *TEXTS])
        assert (sent.n_stored, sent.n_texts) == (5, 25)
        collect(standin, path)
        assert set(standin.asked().values()) == {1}


def test_nothing_to_do_needs_no_server_and_no_key(path):
    with serve(TABLE) as standin:
        submit(standin, path)
        collect(standin, path)
        port = standin
    # The server is gone.
    assert submit(port, path).n_stored == 30
    assert collect(port, path).batches == ()
    assert len(status(port, path)) == 1


def test_any_text_survives(path):
    table = dict.fromkeys(["half \ud83d here", "half ? here", '"}\n{', "naïve ☃", " x"], "login")
    with serve(table) as standin:
        submit(standin, path, list(table))
        done = collect(standin, path)
        assert done.n_answers == 5
        assert set(stored(standin, path, list(table))) == set(table)


@pytest.mark.parametrize("form", ["json-schema", "tool", "codes", "text"])
def test_replies_are_read_in_the_form_that_was_asked_for(path, form):
    options = {"answers": form, "shuffle": True}
    with serve(TABLE) as standin:
        submit(standin, path, **options)
        assert collect(standin, path, **options).n_answers == 30
        answers = stored(standin, path, **options)
    assert labels_of(answers) == TABLE
    assert {answer.mode for answer in answers.values()} == {form}


def test_the_form_is_the_one_of_the_day_it_was_sent(path):
    # This kernel has learned that the server takes no schemas; the next one does not know.
    with serve(TABLE) as standin:
        teacher = teacher_at(standin, shuffle=True)
        dialect = teacher._dialect
        assert dialect.adapt(dialect.way, "response_format is not supported")
        assert dialect.adapt(dialect.way, "tools are not supported")
        with LabelStore(path) as store:
            batch.submit(teacher, TEXTS, store)
        collect(standin, path, shuffle=True)
        answers = stored(standin, path, shuffle=True)
    assert labels_of(answers) == TABLE
    assert {answer.mode for answer in answers.values()} == {"codes"}


def test_explanations_are_collected_too(path):
    with serve(TABLE) as standin:
        submit(standin, path, reasons=True)
        collect(standin, path, reasons=True)
        answers = stored(standin, path, reasons=True)
    assert labels_of(answers) == TABLE
    assert all(text[:60] in answer.explanation for text, answer in answers.items())


def test_a_distribution_is_collected_too(path):
    with serve(TABLE) as standin:
        submit(standin, path, logprobs=True)
        collect(standin, path, logprobs=True)
        answers = stored(standin, path, logprobs=True)
    assert all(sum(a.probabilities.values()) == pytest.approx(1) for a in answers.values())


# --- what goes wrong inside a batch ---------------------------------------------------


def test_every_line_ends_as_an_answer_a_repair_or_a_free_text(path):
    faults = Faults(
        rate_limit=0.1,
        server_error=0.1,
        malformed=0.1,
        wrong_label=0.1,
        bad_json_content=0.1,
        empty_choices=0.1,
        no_usage=0.1,
        refusal=0.1,
        truncated=0.1,
        first_attempts=1,
    )
    table = {f"question {i}": LABELS[i % 3] for i in range(200)}
    with serve(table, faults=faults, batches=BatchRules(shuffled=True)) as standin:
        submit(standin, path, list(table))
        done = collect(standin, path)
        met = standin.met()
        answers = stored(standin, path, list(table))
        kept = met["refusal"] + met["truncated"]
        assert done.spending.missing == kept
        reasons = [a.reason for a in answers.values() if a.label is None]
        assert len(reasons) == kept
        assert reasons.count("refused") == met["refusal"]
        second = met["wrong_label"] + met["bad_json_content"] + met["empty_choices"]
        assert done.n_unusable == second
        assert done.n_free == met["rate_limit"] + met["server_error"] + met["malformed"]
        assert done.n_answers + done.n_unusable + done.n_free == 200
        assert "error 429: rate_limit, on purpose" in done.batches[0].note

        # What needs a second question is asked online, and not submitted for the same reply.
        again = submit(standin, path, list(table))
        assert again.n_unusable == done.n_unusable
        assert again.n_texts == done.n_free
        assert collect(standin, path).n_free == 0
        with LabelStore(path) as store:
            run = run_labels(teacher_at(standin), table, store=store)
        assert run.spending.asked == done.n_unusable
        assert submit(standin, path, list(table)).n_unusable == 0
        answers = stored(standin, path, list(table))
    assert len(answers) == 200
    assert all(a.label == table[text] for text, a in answers.items() if a.label is not None)


def test_failures_among_the_answers_are_failures(path):
    rules = BatchRules(one_file=True)
    with serve(TABLE, faults=Faults(server_error=0.5, first_attempts=1), batches=rules) as standin:
        submit(standin, path)
        done = collect(standin, path)
        assert done.n_free == standin.met()["server_error"] > 0
        assert done.n_answers == 30 - done.n_free
        assert done.spending.cost < done.batches[0].reserved


def test_a_broken_line_is_billed_and_asked_again(path):
    with serve(TABLE, faults=Faults(malformed=1.0, first_attempts=1)) as standin:
        submit(standin, path)
        done = collect(standin, path)
        assert (done.n_answers, done.n_free) == (0, 30)
        assert done.spending.cost > 0
        assert "no reply, or a broken one" in done.batches[0].note
        assert submit(standin, path).n_texts == 30
        assert collect(standin, path).n_answers == 30


def test_an_answer_to_something_else_is_no_answer(path):
    with serve(TABLE) as standin:
        submit(standin, path, TEXTS[:3])
        other = teacher_at(standin, temperature=0.7)
        with LabelStore(path) as store:
            batch.submit(other, TEXTS[3:], store)
        made = standin.batches.made
        # The server mixes its files up.
        shown = [standin.batches.poll(b["id"]) for b in made]
        shown[0]["output_file_id"] = shown[1]["output_file_id"]
        done = collect(standin, path)
        assert (done.n_answers, done.n_free) == (0, 3)


def test_of_a_text_answered_meanwhile_the_first_answer_stays(path):
    with serve(TABLE) as standin:
        submit(standin, path)
        mine = Answer("refund", mode="mine")
        with LabelStore(path) as store:
            store.put(teacher_at(standin).identity, "question 1", mine)
        assert waiting(standin, path) == set(TEXTS) - {"question 1"}
        assert collect(standin, path).n_answers == 29
        assert stored(standin, path)["question 1"].mode == "mine"


# --- batches that end otherwise -------------------------------------------------------


def test_an_expired_batch_keeps_what_it_has_and_the_rest_may_be_sent_again(path):
    with serve(TABLE, batches=BatchRules(ending="expired", answered=0.4)) as standin:
        submit(standin, path)
        done = collect(standin, path)
        assert (done.batches[0].state, done.n_answers, done.n_free) == ("expired", 12, 18)
        assert "could not be executed before the completion window" in done.batches[0].note
        assert submit(standin, path).n_texts == 18
        assert collect(standin, path).n_answers == 7
        assert max(standin.asked().values()) == 1


def test_a_batch_that_fails_its_validation_costs_nothing(path):
    with serve(TABLE, batches=BatchRules(ending="failed")) as standin:
        submit(standin, path)
        done = collect(standin, path)
        (one,) = done.batches
        assert (one.state, one.cost, one.n_answers) == ("failed", 0.0, 0)
        assert one.note.startswith("Enqueued token limit reached, on purpose")
        assert done.n_free == 30
        assert waiting(standin, path) == set()


def test_a_cancelled_batch_brings_what_it_has_answered(path):
    with serve(TABLE, batches=BatchRules(polls=9, answered=0.5)) as standin:
        key = submit(standin, path).batches[0].key
        assert cancel(standin, path, key).state == "cancelling"
        assert cancel(standin, path, key[:4]).state == "cancelled"
        assert waiting(standin, path) == set()
        assert len(stored(standin, path)) == 15
        with pytest.raises(InvalidInput, match=f"no batch under way '{key}'; there are: none"):
            cancel(standin, path, key)


def test_a_batch_whose_answers_are_missing_waits_until_it_is_given_up(path):
    with serve(TABLE, batches=BatchRules(has_output=False)) as standin:
        key = submit(standin, path).batches[0].key
        for _ in range(2):
            done = collect(standin, path)
            (one,) = done.batches
            assert one.collected_at is None
            assert one.note == (
                "the server has no file with its answers; collect again later, or free its texts: "
                f"%tracer batch cancel {key}"
            )
        assert waiting(standin, path) == set(TEXTS)
        gone = cancel(standin, path, key)
        assert (gone.state, gone.cost, gone.n_answers) == ("given up", None, 0)
        assert submit(standin, path).n_texts == 30


def test_a_batch_that_its_server_does_not_know_can_be_given_up(path):
    with serve(TABLE) as standin:
        key = submit(standin, path).batches[0].key
    with serve(TABLE) as standin:
        (one,) = collect(standin, path).batches
        assert one.note.startswith("the server does not know this batch any more; collect again")
        assert cancel(standin, path, key).state == "given up"
        assert waiting(standin, path) == set()


def test_a_server_without_batches_says_what_to_do(path):
    with serve(TABLE, batches=BatchRules(available=False)) as standin:
        with pytest.raises(TeacherError) as caught:
            submit(standin, path)
        assert str(caught.value) == (
            f"{standin.base_url} has no batch endpoints (error 404); use %tracer label"
        )
        assert waiting(standin, path) == set()
        assert status(standin, path) == ()


def test_no_server_and_a_wrong_key_are_one_line_and_nothing_is_noted(path):
    with serve(TABLE, api_key="right") as standin:
        with pytest.raises(KeyRefused, match="key"):
            submit(standin, path)
        gone = standin
    with pytest.raises(TeacherError, match="cannot reach"):
        submit(gone, path)
    assert status(gone, path) == ()


def test_a_teacher_without_a_server_has_no_batches(path):
    teacher = FunctionTeacher(str, LABELS, name="mine")
    with LabelStore(path) as store:
        for act in (batch.collect, lambda t, s: batch.submit(t, TEXTS, s)):
            with pytest.raises(InvalidInput, match="and mine is none; use label"):
                act(teacher, store)
        assert batch.status(teacher, store) == ()


def test_a_teacher_behind_a_library_has_no_batches(path):
    at = Server("", "any-llm/x", "", (), is_openai=False, is_local=False, is_paired=False)
    teacher = ChatTeacher("m", LABELS, "", server=at, batch_price=PRICE)
    with (
        LabelStore(path) as store,
        pytest.raises(InvalidInput, match=r"^any-llm/x has no batch endpoints; use %tracer label$"),
    ):
        batch.submit(teacher, TEXTS, store)


def test_several_votes_are_for_online_runs(path):
    with serve(TABLE) as standin:
        with pytest.raises(
            InvalidInput, match="asks about each text once; for votes=3 use %tracer"
        ):
            submit(standin, path, votes=3)
        assert status(standin, path) == ()


def test_batches_of_another_teacher_are_told(path):
    with serve(TABLE, batches=BatchRules(polls=9)) as standin:
        submit(standin, path)
        done = collect(standin, path, temperature=0.5)
        assert (done.batches, done.n_others) == ((), 1)
        assert collect(standin, path).n_others == 0


# --- money ----------------------------------------------------------------------------


@pytest.mark.parametrize(("cap", "place"), [("max_cost", 1), ("max_tokens", 0), ("max_rows", None)])
def test_a_cap_must_cover_all_that_a_batch_may_take(path, cap, place):
    with serve(TABLE, batches=BatchRules(polls=9)) as standin:
        teacher = teacher_at(standin)
        each = [1 if place is None else teacher.batch_bound(text)[place] for text in TEXTS]
        total = math.fsum(each)
        with pytest.raises(InvalidInput) as caught:
            submit(standin, path, **{cap: total * 0.99})
        assert f"more than {cap} " in str(caught.value)
        assert "and a batch cannot be stopped there; 29 texts would fit" in str(caught.value)
        assert standin.batches.made == []
        submit(standin, path, TEXTS[:15], **{cap: math.fsum(each[:15])})
        # What is set aside for the first one counts.
        with pytest.raises(InvalidInput, match="set aside for batches under way included"):
            submit(standin, path, **{cap: total * 0.9})
        assert submit(standin, path, **{cap: total * 1.0001}).n_texts == 15
        assert submit(standin, path, **{cap: 0}).n_waiting == 30


def test_the_bound_holds(path):
    with serve(TABLE) as standin:
        sent = submit(standin, path, max_answer_tokens=40)
        done = collect(standin, path, max_answer_tokens=40)
    assert done.spending.cost <= sent.batches[0].reserved


@pytest.mark.parametrize("caps", [{}, {"max_cost": 1.0}, {"max_cost": 1.0, "max_rows": 99}])
def test_what_has_no_known_price_needs_another_bound(path, caps):
    with serve(TABLE) as standin:
        with pytest.raises(InvalidInput, match="give batch_price as IN,OUT"):
            submit(standin, path, **caps, price=None, batch_price=None)
        sent = submit(standin, path, price=None, batch_price=None, max_rows=30)
        assert sent.batches[0].reserved is None
        done = collect(standin, path, price=None, batch_price=None)
        assert (done.n_answers, done.spending.cost) == (30, None)


def test_the_whole_batchs_usage_counts_where_it_is_more(path):
    with serve(TABLE) as standin:
        submit(standin, path)
        shown = standin.batches.poll("batch-1")
        shown["usage"]["input_tokens"] = 10**5
        assert collect(standin, path).spending.cost > PRICE.of(10**5, 0)


@pytest.mark.parametrize("count", [10**7, 10**400])
def test_a_usage_of_no_possible_size_is_left_out(path, count):
    with serve(TABLE) as standin:
        submit(standin, path)
        standin.batches.poll("batch-1")["usage"]["input_tokens"] = count
        spending = collect(standin, path).spending
        assert (spending.prompt_tokens, spending.completion_tokens) == standin.billed
        assert spending.cost == pytest.approx(PRICE.of(*standin.billed))


def test_half_the_price_is_openais_rule_and_nobody_elses():
    def teacher(**options):
        return ChatTeacher("gpt-5-mini", LABELS, "", **options)

    assert teacher().batch_price.of(10**6, 10**6) == 0.5 * teacher().price.of(10**6, 10**6)
    assert teacher(price=Price(4, 8)).batch_price.input == 2
    other = {"base_url": "http://localhost:1/v1", "price": Price(4, 8)}
    assert teacher(**other).batch_price == Price(4, 8)
    assert teacher(**other, batch_price=Price(3, 6)).batch_price.input == 3


# --- limits ---------------------------------------------------------------------------


def test_more_than_one_batch_holds_is_split(path, monkeypatch):
    monkeypatch.setattr(batchfile, "MAX_REQUESTS", 8)
    with serve(TABLE) as standin:
        sent = submit(standin, path)
        assert [b.n_texts for b in sent.batches] == [8, 8, 8, 6]
        assert len({b.key for b in sent.batches}) == 4
        assert collect(standin, path).n_answers == 30
        assert labels_of(stored(standin, path)) == TABLE


def test_a_file_too_large_is_split(path, monkeypatch):
    with serve(TABLE) as standin:
        _, body = teacher_at(standin).batch_requests()
        line = len(batchfile.request_line(TEXTS[-1], body(TEXTS[-1])))
        monkeypatch.setattr(batchfile, "MAX_BYTES", 10 * line)
        assert [b.n_texts for b in submit(standin, path).batches] == [10, 10, 10]
        sizes = [len(content) for content in standin.batches.files.values()]
        assert max(sizes) <= 10 * line


def test_when_a_later_batch_fails_the_earlier_ones_are_under_way(path, monkeypatch):
    monkeypatch.setattr(batchfile, "MAX_REQUESTS", 10)
    create = BatchServer.create
    keys = []

    async def second_fails(self, file_id, key):
        keys.append(key)
        if len(keys) == 2:
            raise NotMade("the account cannot pay")
        return await create(self, file_id, key)

    with serve(TABLE) as standin:
        with monkeypatch.context() as patch:
            patch.setattr(BatchServer, "create", second_fails)
            with pytest.raises(
                TeacherError, match=r"^the account cannot pay; 10 texts were submitted before$"
            ):
                submit(standin, path)
        assert waiting(standin, path) == set(TEXTS[:10])
        assert submit(standin, path).n_texts == 20
        assert collect(standin, path).n_answers == 30


# --- secrets --------------------------------------------------------------------------


def test_no_key_is_stored_or_said(path):
    with serve(TABLE, api_key=KEY, faults=Faults(server_error=0.5)) as standin:
        submit(standin, path, api_key=KEY)
        # A server that echoes the key in what went wrong, and in what a model says.
        shown = standin.batches.poll("batch-1")
        files, output = standin.batches.files, shown["output_file_id"]
        files[output] = files[output].replace(b"delivery", KEY.encode(), 1)
        shown["errors"] = {"data": [{"message": f"bad key {KEY}", "line": 1}]}
        done = collect(standin, path, api_key=KEY)
        assert "bad key ***" in done.batches[0].note
        assert done.n_unusable == 1
        assert_clean(repr([done, status(standin, path, api_key=KEY)]), "a record")
    assert "labels.sqlite" in assert_clean_folder(path.parent)
    with closing(sqlite3.connect(path)) as db:
        dump = "\n".join(db.iterdump())
    assert_clean(dump, "the store")
    assert "answer is not one of the labels: " in dump


@pytest.mark.parametrize("trouble", ["available", "lost_replies", "has_list", "another key"])
def test_no_key_is_in_any_variable_of_a_failure(path, trouble):
    rules = {"available": trouble != "available", "has_list": trouble != "has_list"}
    rules["lost_replies"] = 9 if trouble in ("lost_replies", "has_list") else 0
    wanted = "another" if trouble == "another key" else KEY
    with serve(TABLE, api_key=wanted, batches=BatchRules(**rules)) as standin:
        del wanted  # it is not to be found here
        with pytest.raises(TeacherError) as caught:
            submit(standin, path, api_key=KEY)
        assert_clean(verbose(caught.value, batches.__file__), "a traceback")
        if trouble == "has_list":
            with pytest.raises(TeacherError) as caught:
                collect(standin, path, api_key=KEY)
            assert_clean(verbose(caught.value, batches.__file__), "a traceback")
