"""Manners of refusing a form of the answer, or one that did not fit it; manners of log-probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer_nb.standin.manners.manner import Manner, Occasion, Refusal

__all__ = ["CHANCES", "FORMS"]


_NEXT = "before the form has worked once: one try in the next form; remembered for the server"
_SCHEMA = ("response_format",)
_OPTIONAL = ("response_format", "tools", "logprobs")
_Refuse = Callable[[Occasion], "Refusal | None"]


def _openai(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def _detail(*loc: str) -> dict[str, Any]:
    """As the servers say it that are made with FastAPI."""
    wrong = {"type": "literal_error", "loc": ["body", *loc], "msg": "Input should be 'text'"}
    return {"detail": [wrong]}


def _with(fields: tuple[str, ...], refusal: Refusal) -> _Refuse:
    """Refuse requests that have one of the fields."""
    return lambda o: refusal if any(field in o.body for field in fields) else None


def _each_in_its_way(occasion: Occasion) -> Refusal | None:
    """Refuse a schema, functions and log-probabilities, each with other words."""
    for field, refusal in (
        ("response_format", Refusal(400, "response_format: not here, on purpose")),
        ("tools", Refusal(500, {"error": "template has no tools, on purpose"})),
        ("logprobs", Refusal(422, _detail("logprobs"))),
    ):
        if field in occasion.body:
            return refusal
    return None


_INVALID = Refusal(
    400,
    _openai(
        "The generated JSON did not validate, on purpose. See 'failed_generation'.",
        code="json_validate_failed",
        failed_generation='{"label":',
    ),
    spent=True,
)
_UNFIT = _with(("response_format", "tools"), _INVALID)


def _refusing(name: str, does: str, refusal: Refusal, *who: str) -> Manner:
    return Manner(name=name, does=does, who=who, we=_NEXT, refuse=_with(_SCHEMA, refusal))


FORMS = (
    _refusing(
        "grammar-400",
        'refuses a schema with 400 "failed to parse grammar"',
        Refusal(400, _openai("failed to parse grammar", code=400)),
        "llama.cpp",
    ),
    _refusing(
        "grammar-500",
        'refuses a schema with 500 "grammar: unimplemented"',
        Refusal(500, {"error": {"code": 500, "message": "grammar: unimplemented"}}),
        "builds without grammars",
    ),
    _refusing(
        "schema-422",
        "refuses a schema with 422 and a list of details",
        Refusal(422, _detail("response_format", "type")),
        "servers made with FastAPI",
    ),
    _refusing(
        "schema-text",
        "refuses a schema with 400 in plain text",
        Refusal(400, "unsupported output format"),
        "proxies",
    ),
    _refusing(
        "schema-error",
        "refuses a schema with 400 and the error as text",
        Refusal(400, {"error": "'response_format.type' must be 'json_object' or 'text'"}),
        "proxies",
    ),
    _refusing(
        "schema-404",
        "refuses a schema with 404: no endpoint takes it",
        Refusal(404, {"error": {"code": 404, "message": "No endpoints can do this, on purpose"}}),
        "OpenRouter",
    ),
    _refusing(
        "schema-501",
        "refuses a schema with 501",
        Refusal(501, {"message": "Not Implemented"}),
        "gateways",
    ),
    _refusing(
        "schema-empty",
        "refuses a schema with 400 and not a word",
        Refusal(400, ""),
        "proxies",
    ),
    Manner(
        name="plain-only",
        does="takes neither schema, functions nor log-probabilities, and says so in three ways",
        who=("small servers",),
        we=_NEXT,
        refuse=_each_in_its_way,
    ),
    Manner(
        name="strict-fields",
        does="refuses every field that it does not know with 422",
        who=("servers made with FastAPI",),
        we=_NEXT,
        refuse=_with(_OPTIONAL, Refusal(422, {"object": "error", "message": _detail("extra")})),
    ),
    Manner(
        name="generation-refused",
        does="answers 400 where one answer did not fit the schema",
        who=("Groq",),
        we="retried once; the form stays; what was thrown away counts as billed",
        books="estimated",
        share=0.3,
        times=1,
        refuse=_UNFIT,
    ),
    Manner(
        name="generation-refused-again",
        does="answers 400 whenever the answers to some texts do not fit schema or function",
        who=("Groq",),
        we="retried once; then that row takes a form without a schema, and the others keep theirs",
        books="estimated",
        share=0.2,
        refuse=_UNFIT,
    ),
)
"""Refusals that another request goes around."""


_NONE = "the label is read, without a distribution; said once"
_Entries = list[dict[str, Any]]


def _tokens(change: Callable[[_Entries, Occasion], Any]) -> Any:
    """Let the list of tokens be what ``change`` makes of it, where there is one."""

    def say(said: dict[str, Any], occasion: Occasion) -> None:
        given = said["choices"][0].get("logprobs")
        if given:
            given["content"] = change(given["content"], occasion)

    return say


def _entry(token: str, logprob: Any = -0.1) -> dict[str, Any]:
    one = {"token": token, "logprob": logprob, "bytes": list(token.encode())}
    return {**one, "top_logprobs": [dict(one)]}


def _thoughts_first(entries: _Entries, occasion: Occasion) -> _Entries:
    """The thoughts weigh the other label, in full."""
    return [*map(_entry, ("<think>", "Maybe ", occasion.wrong, "?", "</think>", "\n\n")), *entries]


def _other_spelling(entries: _Entries, _: Occasion) -> _Entries:
    return [_entry(f"\u0120{entry['token'].encode().hex()}") for entry in entries]


def _first_without(entries: _Entries, _: Occasion) -> _Entries:
    return entries[1:]


def _each(logprob: Any) -> Callable[[_Entries, Occasion], _Entries]:
    def change(entries: _Entries, _: Occasion) -> _Entries:
        return [_entry(entry["token"], logprob) for entry in entries]

    return change


def _old(said: dict[str, Any], _: Occasion) -> None:
    choice = said["choices"][0]
    if choice.get("logprobs"):
        tokens = [entry["token"] for entry in choice["logprobs"]["content"]]
        choice["logprobs"] = {"tokens": tokens, "token_logprobs": [-0.1] * len(tokens)}


CHANCES = (
    Manner(
        name="logprobs-thoughts",
        does="puts the tokens of the thoughts before those of the answer",
        who=("SGLang",),
        we="only the tokens that spell the answer make the distribution",
        say=_tokens(_thoughts_first),
    ),
    Manner(
        name="logprobs-other",
        does="gives tokens that do not spell the answer",
        who=("servers that show the pieces of their vocabulary",),
        we=_NONE,
        say=_tokens(_other_spelling),
    ),
    Manner(
        name="logprobs-short",
        does="leaves out the first token",
        we=_NONE,
        say=_tokens(_first_without),
    ),
    Manner(
        name="logprobs-empty",
        does="gives an empty list of tokens",
        we=_NONE,
        say=_tokens(lambda _entries, _: []),
    ),
    Manner(
        name="logprobs-old",
        does="gives the lists of the older completions endpoint",
        who=("Together",),
        we=_NONE,
        say=_old,
    ),
    Manner(
        name="logprobs-null",
        does="gives `null` for every log-probability",
        we=_NONE,
        say=_tokens(_each(None)),
    ),
    Manner(
        name="logprobs-infinite",
        does="gives log-probabilities of minus infinity",
        we=_NONE,
        say=_tokens(_each(float("-inf"))),
    ),
    Manner(
        name="logprobs-400-digits",
        does="gives log-probabilities of 400 digits",
        we=_NONE,
        say=_tokens(_each(-(10**399))),
    ),
)
"""Log-probabilities."""
