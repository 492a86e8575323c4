"""``anyllm:PROVIDER/MODEL``, with a stand-in for the any-llm package."""

import asyncio
import builtins
import json
import sys
import types

import pytest

from tracer_nb.errors import InvalidInput, KeyRefused, MissingExtra, TeacherError
from tracer_nb.teachers import make_teacher
from tracer_nb.teachers.anyllm import reach_anyllm
from tracer_nb.teachers.chat.costs import MAX_REPLIES
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.prices import Price

from .chatserver import LABELS, ask

KEY = "hunter2-hunter2"


class AnyLLMError(Exception):
    def __init__(self, message="", original=None, status_code=None, code=None, retry_after=None):
        super().__init__(message)
        self.message = message
        self.original_exception = original
        self.status_code = status_code
        self.code = code
        self.retry_after = retry_after


def kind_of_error(name):
    return type(name, (AnyLLMError,), {})


NAMES = (
    *("AuthenticationError", "InvalidRequestError", "ModelNotFoundError", "ProviderError"),
    *("RateLimitError", "UnsupportedParameterError", "InsufficientFundsError"),
    "ContentFilterError",
)
ERRORS = {name: kind_of_error(name) for name in NAMES}


class MissingApiKeyError(AnyLLMError):
    env_var_name = "ACME_API_KEY"


class UnsupportedProviderError(AnyLLMError):
    supported_providers = ("acme", "local", "openai")


class Reply:
    def __init__(self, content, usage=(100, 5), **choice):
        message = {"role": "assistant", "content": content, "refusal": None}
        choices = [{"index": 0, "finish_reason": "stop", "message": message, **choice}]
        names = ("prompt_tokens", "completion_tokens")
        self.value = {"choices": choices, "usage": dict(zip(names, usage, strict=True))}

    def model_dump_json(self, *, warnings):
        assert not warnings
        return json.dumps(self.value)


def labelled(label):
    return Reply(json.dumps({"label": label}))


class World:
    """What the providers were made with and asked, and what they are to say next."""

    def __init__(self):
        self.made = []
        self.asked = []
        self.script = []
        self.seconds = 0.0
        self.closed = 0
        self.retries = True


@pytest.fixture
def world(monkeypatch):  # noqa: C901 -- a module in one piece
    world = World()

    class Acme:
        ENV_API_KEY_NAME = "ACME_API_KEY"
        ENV_API_BASE_NAME = "ACME_API_BASE"
        MISSING_PACKAGES_ERROR = None

        def __init__(self):
            self.client = self

        async def acompletion(self, **fields):
            world.asked.append(fields)
            await asyncio.sleep(world.seconds)
            said = world.script.pop(0) if world.script else labelled("refund")
            if isinstance(said, Exception):
                raise said
            return said

        async def close(self):
            world.closed += 1

    class Local(Acme):
        ENV_API_KEY_NAME = "None"
        ENV_API_BASE_NAME = None

    class Bare(Acme):
        MISSING_PACKAGES_ERROR = ImportError("no module named bare")

    class AnyLLM:
        kinds = {"acme": Acme, "local": Local, "bare": Bare}  # noqa: RUF012

        @classmethod
        def get_provider_class(cls, name):
            if name == "broken":
                raise ImportError("no module named broken")
            if name not in cls.kinds:
                raise UnsupportedProviderError
            return cls.kinds[name]

        @classmethod
        def create(cls, name, api_key=None, api_base=None, **options):
            if "max_retries" in options and not world.retries:
                raise ERRORS["UnsupportedParameterError"]("'max_retries' is not supported")
            world.made.append({"api_key": api_key, "api_base": api_base, **options})
            if name == "acme" and not api_key:
                raise MissingApiKeyError("No acme API key provided")
            return cls.kinds[name]()

    package, errors = types.ModuleType("any_llm"), types.ModuleType("any_llm.exceptions")
    package.AnyLLM = AnyLLM
    ours = (AnyLLMError, MissingApiKeyError, UnsupportedProviderError)
    vars(errors).update({kind.__name__: kind for kind in ours}, **ERRORS)
    monkeypatch.setitem(sys.modules, "any_llm", package)
    monkeypatch.setitem(sys.modules, "any_llm.exceptions", errors)
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint.pause", lambda *_: 0)
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint._PAUSE", 0)
    for name in ("ACME_API_KEY", "ACME_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    return world


def teacher_of(spec="anyllm:local/m", **options):
    return make_teacher(spec, LABELS, "Choose the intent.", **options)


# --- the same as every chat teacher -----------------------------------------------------


def test_a_label_with_its_tokens_and_no_price_unless_one_is_given(world):
    teacher = teacher_of()
    assert isinstance(teacher, ChatTeacher)
    answer = ask(teacher, "money back please")
    assert (answer.label, answer.mode) == ("refund", "json-schema")
    assert (answer.prompt_tokens, answer.completion_tokens) == (100, 5)
    assert answer.cost is None
    assert teacher.cost_bound("x") is None
    priced = teacher_of(price=Price(1.0, 2.0))
    assert ask(priced, "x").cost == pytest.approx(110e-6)
    assert world.closed == 2


def test_what_is_asked_and_what_identifies_it(world):
    teacher = teacher_of("anyllm: local/vendor/gpt-4o-mini", max_answer_tokens=77)
    ask(teacher, "x")
    fields = world.asked[0]
    assert (fields["model"], fields["max_tokens"]) == ("vendor/gpt-4o-mini", 77)
    assert fields["response_format"]["json_schema"]["strict"] is True
    assert "timeout" not in fields  # not every provider's library has one
    assert teacher.name == "vendor/gpt-4o-mini"
    assert teacher.server == teacher.identity["server"] == "any-llm/local"
    assert teacher.price is None
    same = make_teacher(
        "openai:vendor/gpt-4o-mini", LABELS, "Choose the intent.", max_answer_tokens=77
    )
    assert teacher.identity != same.identity
    json.dumps(dict(teacher.identity))


def test_a_wrong_answer_is_repaired(world):
    world.script = [Reply('{"label": "lost"}'), labelled("card lost")]
    assert ask(teacher_of(), "x").mode == "json-schema, repaired"


def test_a_refusal_is_kept(world):
    world.script = [Reply("", finish_reason="content_filter")]
    answer = ask(teacher_of(), "x")
    assert (answer.label, answer.reason, answer.keep) == (None, "refused", True)


# --- failures -------------------------------------------------------------------------


def test_failures_that_pass_are_retried(world):
    world.script = [
        ERRORS["RateLimitError"]("slow down"),
        ERRORS["ProviderError"]("overloaded", status_code=529),
        ERRORS["ProviderError"]("lost", original=ConnectionResetError("reset")),
    ]
    assert ask(teacher_of(max_retries=3), "x").label == "refund"
    assert len(world.asked) == 4


def test_the_wait_that_a_provider_asks_for_is_kept(world, monkeypatch):
    waits = []
    monkeypatch.setattr(
        "tracer_nb.teachers.chat.endpoint.pause",
        lambda error, _: waits.append(error.response.headers["retry-after"]) or 0,
    )
    response = types.SimpleNamespace(headers={"retry-after": "7"})
    unavailable = Exception("unavailable")
    unavailable.response = response
    world.script = [
        ERRORS["RateLimitError"]("slow down", retry_after="0.5"),
        ERRORS["ProviderError"]("unavailable", original=unavailable, status_code=503),
    ]
    assert ask(teacher_of(), "x").label == "refund"
    assert waits == ["0.5", "7"]


@pytest.mark.parametrize(
    "refusal",
    [
        ERRORS["UnsupportedParameterError"]("'response_format' is not supported for local"),
        ERRORS["InvalidRequestError"]("unknown field: response_format", status_code=400),
        # Under the name that Anthropic has for it.
        ERRORS["InvalidRequestError"]("output_config: not permitted", status_code=400),
        # The provider's library cannot send it, and says so in its own way.
        ERRORS["ProviderError"]("bad", original=ValueError("cannot convert response_format")),
        ERRORS["ProviderError"](
            "bad", original=TypeError("got an unexpected keyword argument 'response_format'")
        ),
    ],
    ids=lambda error: str(error.original_exception or error),
)
def test_a_field_that_a_provider_does_not_take_is_replaced(world, refusal):
    world.script = [refusal, Reply("refund")]
    assert ask(teacher_of(), "x").label == "refund"
    assert ["response_format" in fields for fields in world.asked] == [True, False]
    assert "tools" in world.asked[1]


def test_what_any_llm_cannot_read_is_asked_for_again_and_counted(world):
    broken = [
        ERRORS["ProviderError"]("not JSON", original=json.JSONDecodeError("bad", "{", 1)),
        ERRORS["ProviderError"]("no shape", status_code=200),
        TypeError("int() argument must not be NoneType"),
    ]
    world.script = [*broken, labelled("refund")]
    answer = ask(teacher_of(price=Price(1.0, 1.0)), "x")
    assert answer.label is None
    assert answer.reason.startswith("the reply was not readable, 3 times: int() argument")
    assert len(world.asked) == MAX_REPLIES
    assert answer.cost > 0


def test_a_time_out_is_a_failure_of_one_text_whatever_the_library_waits(world):
    world.seconds = 5
    answer = ask(teacher_of(timeout=0.05, max_retries=0), "x")
    assert answer.reason == "no reply within 0.05 s, 1 tries"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ERRORS["AuthenticationError"]("not valid", status_code=400), "wants an API key"),
        (ERRORS["ModelNotFoundError"]("no m here"), "has no model 'm'"),
        (ERRORS["InsufficientFundsError"]("empty"), "cannot pay"),
        (ERRORS["RateLimitError"]("gone", code="insufficient_quota"), "cannot pay"),
        (NotImplementedError("Provider doesn't support completion."), "any-llm cannot do this"),
    ],
)
def test_failures_of_the_whole_teacher(world, error, says):
    world.script = [error]
    with pytest.raises(TeacherError, match=says) as caught:
        ask(teacher_of(max_retries=0), "x")
    assert "any-llm" in str(caught.value)
    assert "\n" not in str(caught.value)


def of_library(status, body):
    """An error of a provider's library, which holds the reply of the server."""
    error = Exception(f"Error code: {status} - {body}")
    error.status_code, error.body = status, body
    return error


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_wrong_key_is_recognised_by_what_the_library_says(world, status):
    original = of_library(status, [{"error": {"message": "API key not valid."}}])
    world.script = [ERRORS["ProviderError"]("failed", original=original)] * 9
    with pytest.raises(KeyRefused, match=r"\(API key not valid\.\)"):
        ask(teacher_of(), "x")
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        ERRORS["ContentFilterError"]("no"),
        ERRORS["InvalidRequestError"]("input was flagged", status_code=400),
        ERRORS["ProviderError"]("no", original=of_library(403, {"detail": "input was flagged"})),
    ],
)
def test_a_moderated_row_is_that_rows_failure(world, error):
    world.script = [error]
    moderated, after = ask(teacher_of(), "x", "y")
    assert moderated.reason.startswith("the server's moderation refused the text: ")
    assert (after.label, len(world.asked)) == ("refund", 2)


def test_a_wait_of_hours_ends_the_run_and_says_until_when(world):
    world.script = [ERRORS["RateLimitError"]("slow down", retry_after="7200")] * 9
    with pytest.raises(TeacherError, match=r"asks to wait until .*slow down.*run this again then"):
        ask(teacher_of(), "x")
    assert len(world.asked) == 1


class Piece:
    def __init__(self, text, finish=None):
        self.value = {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}

    def model_dump_json(self, *, warnings):
        assert not warnings
        return json.dumps(self.value)


async def streamed(pieces):
    for piece in pieces:
        yield piece


def test_a_reply_that_streams_anyway_is_joined(world):
    world.script = [streamed([Piece('{"label": "re'), Piece('fund"}', "stop")])]
    assert ask(teacher_of(), "x").label == "refund"
    world.script = [streamed([Piece('{"label": "refund"}')]), labelled("top up")]
    assert ask(teacher_of(), "x").label == "top up"  # the first broke off
    assert world.asked[0]["stream"] is False


def test_a_stream_without_end_is_given_up(world):
    endless = (Piece(" " * 100_000) for _ in iter(int, 1))
    world.script = [streamed(endless) for _ in range(9)]
    assert "the reply has no end" in ask(teacher_of(), "x").reason


@pytest.mark.parametrize("odd", [None, "text", 7, [], {}])
def test_what_is_no_reply_is_asked_for_again(world, odd):
    world.script = [odd, labelled("refund")]
    assert ask(teacher_of(), "x").label == "refund"


def test_a_provider_that_cannot_be_reached_fails_fast(world):
    below = type("ConnectError", (Exception,), {})("connection refused")
    lost = Exception("Connection error.")
    lost.__cause__ = below
    world.script = [ERRORS["ProviderError"]("Connection error.", original=lost)] * 9
    with pytest.raises(TeacherError, match=r"cannot reach any-llm/local \(connection refused\)"):
        ask(teacher_of(), "x")
    assert len(world.asked) == 2


# --- keys -----------------------------------------------------------------------------


def test_the_key_is_the_provider_s_own_variable(world, monkeypatch):
    monkeypatch.setenv("TRACER_NB_API_KEY", "gateway")
    monkeypatch.setenv("OPENAI_API_KEY", "openai")
    teacher = teacher_of("anyllm:acme/m")
    assert world.made == []  # a plan needs no key
    with pytest.raises(TeacherError, match="set ACME_API_KEY") as caught:
        ask(teacher, "x")
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("ACME_API_KEY", KEY)
    assert ask(teacher, "x").label == "refund"
    ask(teacher_of("anyllm:acme/m", api_key="given"), "x")
    assert [made["api_key"] for made in world.made] == [None, KEY, "given"]
    assert all(made["unified_exceptions"] for made in world.made)
    assert all(made["max_retries"] == 0 for made in world.made)


def test_the_key_goes_to_no_other_address(world, monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", KEY)
    address = "http://gateway.example/v1"
    with pytest.raises(InvalidInput, match="question mark") as caught:
        teacher_of("anyllm:acme/m", base_url=f"{address}?token={KEY}")
    assert KEY not in str(caught.value)
    teacher = teacher_of("anyllm:acme/m", base_url=address)
    assert teacher.server == f"any-llm/acme at {address}"
    assert KEY not in f"{teacher!r} {vars(teacher)} {teacher.identity}"
    ask(teacher, "x")
    monkeypatch.setenv("ACME_API_BASE", address)
    ask(teacher_of("anyllm:acme/m", base_url=address), "x")
    assert [made["api_key"] for made in world.made] == ["none", KEY]
    assert [made["api_base"] for made in world.made] == [address, address]


def test_the_key_is_taken_out_of_what_the_provider_says(world, monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", KEY)
    wrong = ERRORS["AuthenticationError"](f"bad key {KEY}\nreally", status_code=401)
    world.script = [wrong, RuntimeError(f"odd {KEY}")]
    teacher = teacher_of("anyllm:acme/m", max_retries=0)
    with pytest.raises(TeacherError, match="check ACME_API_KEY") as caught:
        ask(teacher, "x")
    assert KEY not in f"{caught.value} {teacher!r} {vars(teacher)}"
    world.script = [RuntimeError(f"odd {KEY}")] * 3
    assert KEY not in ask(teacher, "x").reason


def test_a_library_that_has_no_retries_to_turn_off(world):
    world.retries = False
    assert ask(teacher_of(), "x").label == "refund"
    assert "max_retries" not in world.made[0]


# --- names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ("anyllm:m", InvalidInput, "anyllm:PROVIDER/MODEL"),
        ("anyllm:acme/", InvalidInput, "anyllm:PROVIDER/MODEL"),
        ("anyllm:acem/m", InvalidInput, "did you mean 'acme'"),
        ("anyllm:bare/m", MissingExtra, r"pip install 'any-llm-sdk\[bare\]'"),
        ("anyllm:broken/m", MissingExtra, r"pip install 'any-llm-sdk\[broken\]'"),
    ],
)
@pytest.mark.usefixtures("world")
def test_names_that_lead_nowhere(spec, error, says):
    with pytest.raises(error, match=says) as caught:
        teacher_of(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bse_url": "x"}, "did you mean 'base_url'"),
        ({"wire": None}, "option of this teacher"),
        ({"base_url": "not an address"}, "base_url must be an address"),
    ],
)
@pytest.mark.usefixtures("world")
def test_options_are_those_of_a_chat_teacher(options, says):
    with pytest.raises(InvalidInput, match=says):
        teacher_of("anyllm:acme/m", **options)


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "any_llm", raising=False)
    real = builtins.__import__

    def no_any_llm(name, *args, **kwargs):
        if name.startswith("any_llm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_any_llm)
    if sys.version_info < (3, 11):
        with pytest.raises(InvalidInput, match=r"Python 3\.11"):
            reach_anyllm("acme/m")
    else:
        with pytest.raises(MissingExtra, match="pip install any-llm-sdk") as caught:
            reach_anyllm("acme/m")
        assert "\n" not in str(caught.value)
