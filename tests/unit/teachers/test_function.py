import asyncio
import functools
import threading

import pytest

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records import Answer
from tracer_nb.teachers import FunctionTeacher, ReplayTeacher
from tracer_nb.teachers.fingerprint import fingerprint

from .chatserver import ask

LABELS = ("no", "yes")
THRESHOLD = 3


def by_length(text):
    return "yes" if len(text) > THRESHOLD else "no"


async def later(text):
    return by_length(text)


class Judge:
    def __init__(self, word):
        self.word = word

    def __call__(self, text):
        return "yes" if self.word in text else "no"


@pytest.mark.parametrize(
    "fn",
    [
        by_length,
        later,
        functools.partial(by_length),
        lambda t: asyncio.sleep(0, by_length(t)),
        Judge("ello"),
    ],
)
def test_all_kinds_of_functions(fn):
    answers = ask(FunctionTeacher(fn, LABELS), "hello", "hi")
    assert [a.label for a in answers] == ["yes", "no"]
    assert answers[0].mode == "function"
    assert answers[0].cost is None


def test_a_plain_function_runs_in_another_thread():
    seen = []
    ask(FunctionTeacher(lambda _: seen.append(threading.get_ident()), LABELS), "x")
    assert seen != [threading.get_ident()]


def test_an_exception_is_a_reason_without_secrets():
    def fail(text):
        raise ValueError(f"no key sk-abcdef123 for\n{text}")

    answer = ask(FunctionTeacher(fail, LABELS), "x")
    assert answer.reason == "ValueError: no key *** for x"
    assert not answer.keep


def test_a_function_can_say_that_nothing_works():
    def fail(_text):
        raise TeacherError("the service is closed")

    with pytest.raises(TeacherError, match="closed"):
        ask(FunctionTeacher(fail, LABELS), "x")


def test_stop_iteration_does_not_hang_the_loop():
    answer = ask(FunctionTeacher(lambda _: next(iter(())), LABELS), "x")
    assert "StopIteration" in answer.reason


NOT_A_DICT = (
    """answer is not one of the labels: "{'yes': 0.9}"; return a label, or """
    "Answer(label, probabilities={…})"
)


NO_LIST = (
    "answer is not one of the labels: \"['yes']\"; a row has one label here: return one, or say "
    "several=True (--several any)"
)


@pytest.mark.parametrize(
    ("returned", "label", "reason", "keep"),
    [
        (" YES ", "yes", None, True),
        ("maybe", None, "answer is not one of the labels: 'maybe'", True),
        (3, None, "answer is not one of the labels: '3'", True),
        (
            {"yes": 0.9},
            None,
            NOT_A_DICT,
            True,
        ),
        (
            ["yes"],
            None,
            NO_LIST,
            True,
        ),
        (None, None, "the function returned None", False),
    ],
)
def test_what_a_function_returns(returned, label, reason, keep):
    answer = ask(FunctionTeacher(lambda _: returned, LABELS, cost=0.0), "x")
    assert (answer.label, answer.reason, answer.keep, answer.cost) == (label, reason, keep, 0.0)


def test_a_whole_answer_passes():
    whole = Answer("yes", probabilities={"yes": 0.9, "no": 0.1}, cost=0.25)
    assert ask(FunctionTeacher(lambda _: whole, LABELS), "x") is whole


def test_batches_go_to_the_function_as_lists():
    teacher = FunctionTeacher(lambda texts: [by_length(t) for t in texts], LABELS, batch_size=8)
    answers = _ask_batch(teacher, ["hello", "hi"])
    assert [a.label for a in answers] == ["yes", "no"]
    short = FunctionTeacher(lambda _: ["yes"], LABELS, batch_size=8)
    assert {a.reason for a in _ask_batch(short, ["a", "b"])} == {"1 labels for 2 texts"}


def _ask_batch(teacher, texts):
    async def run():
        try:
            return await teacher.label(texts)
        finally:
            await teacher.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"concurrency": 0}, {"cost": -1}, {"cost": float("nan")}]
)
def test_numbers_out_of_range(options):
    with pytest.raises(InvalidInput, match=next(iter(options))):
        FunctionTeacher(by_length, LABELS, **options)


def _define(source):
    scope = {"__name__": "notebook"}
    exec(source, scope)
    return scope["f"]


PLAIN = "PROMPT = 'a'\ndef helper(t):\n    return t\ndef f(t, k=1):\n    return helper(t) + PROMPT"


@pytest.mark.parametrize(
    ("old", "new"),
    [("= 'a'", "= 'b'"), ("k=1", "k=2"), ("+ PROMPT", "+ 'x'"), ("return t\n", "return t[1:]\n")],
)
def test_a_changed_function_starts_a_new_set(old, new):
    assert fingerprint(_define(PLAIN)) == fingerprint(_define(PLAIN))
    assert fingerprint(_define(PLAIN)) != fingerprint(_define(PLAIN.replace(old, new)))


NESTED = """
WORDS = ["a", "b"]
SHOTS = {"x": ["y", 1]}
PAIR = ("k", {"s"})
LIMIT = 3
def f(t):
    def inner():
        return LIMIT
    return [w for w in WORDS if w in t], (lambda: SHOTS), PAIR, inner()
"""


@pytest.mark.parametrize(
    ("old", "new"), [('"b"]', '"c"]'), ('"y", 1', '"y", 2'), ('{"s"}', '{"r"}'), ("= 3", "= 4")]
)
def test_globals_in_containers_and_in_inner_functions_count(old, new):
    assert fingerprint(_define(NESTED)) == fingerprint(_define(NESTED))
    assert fingerprint(_define(NESTED)) != fingerprint(_define(NESTED.replace(old, new)))


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("N = 0", "global N; N += 1"),
        ("N = []", "N.append(t)"),
        ("N = {}", "N[t] = 1"),
        ("N = {}", "N.update({t: 1})"),
        ("N = set()", "(lambda: N.add(t))()"),
    ],
)
def test_globals_that_the_function_changes_do_not_count(state, change):
    fn = _define(f"{state}\ndef f(t):\n    {change}\n    return t")
    before = fingerprint(fn)
    fn("x")
    assert fn.__globals__["N"]
    assert fingerprint(fn) == before


def test_a_large_global_counts_by_its_size():
    fn = _define("BIG = list(range(20_000))\ndef f(t):\n    return t in BIG")
    before = fingerprint(fn)
    fn.__globals__["BIG"].append(1)
    assert fingerprint(fn) != before


def test_what_a_function_closes_over_counts():
    def above(n):
        return lambda t: "yes" if len(t) > n else "no"

    assert fingerprint(above(1)) == fingerprint(above(1)) != fingerprint(above(2))
    assert fingerprint(Judge("a")) == fingerprint(Judge("a")) != fingerprint(Judge("b"))
    assert fingerprint(functools.partial(by_length, k=1)) != fingerprint(
        functools.partial(by_length, k=2)
    )


def test_the_fingerprint_is_the_same_in_another_process():
    import subprocess
    import sys

    code = (
        "from tracer_nb.teachers.fingerprint import fingerprint\n"
        "s = {'__name__': 'n'}\n"
        'exec(\'def f(t):\\n    return t in {"a", "b", "c"} or (lambda: 1)\', s)\n'
        "print(fingerprint(s['f']))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_a_function_that_refers_to_itself_has_a_fingerprint():
    loop = []
    loop.append(loop)
    assert fingerprint(lambda: loop)
    assert fingerprint(_define("def f(t):\n    return f(t)"))


def test_recorded_labels():
    import pandas as pd

    recorded = {"hello": " Yes", "hi": "no", "odd": "perhaps", "gap": None}
    for record in (recorded, pd.Series(recorded)):
        teacher = ReplayTeacher(record, labels=LABELS)
        known, odd, gap, unknown = ask(teacher, "hello", "odd", "gap", "never seen")
        assert (known.label, known.mode, known.cost) == ("yes", "recorded", 0.0)
        assert odd.reason == "recorded label is not one of the labels: 'perhaps'"
        for missing in (gap, unknown):
            assert missing.reason == "no recorded label for this text"
            assert not missing.keep


def test_recorded_texts_and_labels_in_two_lists():
    teacher = ReplayTeacher(["b", "a", "b"], ["yes", "no", "no"])
    assert teacher.labels == ("no", "yes")
    assert [a.label for a in ask(teacher, "a", "b")] == ["no", "yes"]
    assert teacher.identity == ReplayTeacher({"a": "no", "b": "yes"}).identity
    assert teacher.identity != ReplayTeacher({"a": "no", "b": "no"}, labels=LABELS).identity


@pytest.mark.parametrize(
    "arguments", [(["a"],), (["a"], ["x", "y"]), ({1: "x", "b": "y"},), ({"a": 1, "b": "y"},)]
)
def test_records_that_are_none(arguments):
    with pytest.raises(InvalidInput):
        ReplayTeacher(*arguments)
