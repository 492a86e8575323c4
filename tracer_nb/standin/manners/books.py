"""Manners of counting: what a server says that an answer took."""

from __future__ import annotations

from typing import Any

from tracer_nb.standin.manners.manner import Manner, Occasion

__all__ = ["BOOKS"]

_THOUGHTS = 600
_ESTIMATE = "the cost is estimated from the texts, and marked as estimated"
_MODELS = ("small", "large-2026-05-01", "provider/other")


def _only_in_total(usage: dict[str, Any], _: Occasion) -> None:
    usage["completion_tokens"] -= _THOUGHTS
    usage["completion_tokens_details"] = {"reasoning_tokens": _THOUGHTS}


def _none_but_total(usage: dict[str, Any], occasion: Occasion) -> None:
    _only_in_total(usage, occasion)
    usage["completion_tokens"] = 0


def _all(value: Any) -> Any:
    def count(usage: dict[str, Any], _: Occasion) -> None:
        usage.update(dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), value))

    return count


def _as_text(usage: dict[str, Any], _: Occasion) -> None:
    usage.update({name: f"{count:,} tokens" for name, count in usage.items()})


def _renamed(usage: dict[str, Any], _: Occasion) -> None:
    told = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
    usage.clear()
    usage.update(told)


def _times(factor: int) -> Any:
    def count(usage: dict[str, Any], _: Occasion) -> None:
        usage.update({name: factor * count for name, count in usage.items()})

    return count


def _digits(usage: dict[str, Any], _: Occasion) -> None:
    usage["completion_tokens"] = 10**399


def _long_prompt(said: dict[str, Any], _: Occasion) -> None:
    said["usage"]["prompt_tokens"] *= 4


def _another_model(said: dict[str, Any], occasion: Occasion) -> None:
    said["model"] = _MODELS[occasion.number % len(_MODELS)]


def _cut(said: dict[str, Any], _: Occasion) -> None:
    said["usage"]["prompt_tokens"] = min(32, said["usage"]["prompt_tokens"])


BOOKS = (
    Manner(
        name="total-only",
        does="counts the tokens of thoughts in `total_tokens` only",
        who=("Gemini", "any-llm"),
        we="total less prompt is billed as answer where it is more",
        thoughts=lambda _: _THOUGHTS,
        count=_only_in_total,
    ),
    Manner(
        name="total-alone",
        does="says 0 answer tokens, and the thoughts in `total_tokens`",
        who=("CLIProxyAPI",),
        we="total less prompt is billed as answer where it is more",
        thoughts=lambda _: _THOUGHTS,
        count=_none_but_total,
    ),
    Manner(
        name="usage-zero",
        does="says that everything took 0 tokens",
        who=("proxies that do not count",),
        we=_ESTIMATE,
        books="estimated",
        count=_all(0),
    ),
    Manner(
        name="usage-no-prompt",
        does="says 0 prompt tokens, and counts the answer",
        who=("mere-run",),
        we="what is said to be 0 is estimated, and marked so",
        books="estimated",
        count=lambda usage, _: usage.update(
            prompt_tokens=0, total_tokens=usage["completion_tokens"]
        ),
    ),
    Manner(
        name="usage-negative",
        does="counts below zero",
        we=_ESTIMATE,
        books="estimated",
        count=_all(-7),
    ),
    Manner(
        name="usage-null",
        does="gives `null` for every count",
        who=("OpenRouter",),
        we=_ESTIMATE,
        books="estimated",
        count=_all(None),
    ),
    Manner(
        name="usage-text",
        does="gives counts as text",
        we=_ESTIMATE,
        books="estimated",
        count=_as_text,
    ),
    Manner(
        name="usage-nan",
        does="gives counts that are no numbers (`NaN`)",
        we=_ESTIMATE,
        books="estimated",
        count=_all(float("nan")),
    ),
    Manner(
        name="usage-renamed",
        does="counts in `input_tokens` and `output_tokens`",
        who=("proxies of Anthropic's protocol",),
        we="read as prompt and answer tokens",
        count=_renamed,
    ),
    Manner(
        name="usage-absurd",
        does="counts a million times what an answer took",
        we="beyond ten times the bound of a request the bound is booked, and marked",
        books="bound",
        count=_times(1_000_000),
    ),
    Manner(
        name="usage-64-bits",
        does="counts beyond 64 bits",
        we="beyond ten times the bound of a request the bound is booked, and marked",
        books="bound",
        count=_all(2**70),
    ),
    Manner(
        name="usage-400-digits",
        does="counts in 400 digits",
        we="beyond ten times the bound of a request the bound is booked, and marked",
        books="bound",
        count=_digits,
    ),
    Manner(
        name="dear-answer",
        does="thinks three times as long as `max_tokens` allows, and bills it",
        who=("servers that limit only what is shown",),
        we="booked as said; the bounds of all requests rise at once, so that the cap holds",
        thoughts=lambda occasion: 3 * occasion.limit,
    ),
    Manner(
        name="dear-prompt",
        does="counts four times as many prompt tokens as were sent, and bills them",
        who=("servers with a prompt of their own",),
        we="booked as said; the bounds of all requests rise at once, so that the cap holds",
        say=_long_prompt,
    ),
    Manner(
        name="other-models",
        does="lets several models answer, and says which",
        who=("OpenRouter", "LiteLLM proxy"),
        we="the model is kept with each answer; plan, card and certificate name them all",
        say=_another_model,
    ),
    Manner(
        name="prompt-cut",
        does="cuts the prompt to its context without a word",
        who=("Ollama", "KoboldCpp"),
        we="a warning, once, with the tokens that were sent and those that were counted",
        say=_cut,
    ),
)  # fmt: skip
"""Counts, bounds and models."""
