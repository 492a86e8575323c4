"""Manners of giving log-probabilities; a request that asks for none is answered politely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer_nb.standin.manners.manner import Manner, Occasion

__all__ = ["CHANCES"]

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
