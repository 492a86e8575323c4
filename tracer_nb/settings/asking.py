"""Settings of the teacher: how it is asked."""

from __future__ import annotations

from typing import Any

from tracer_nb.settings.record import Setting, one_of, some

__all__ = ["ASKING"]


def _teacher(name: str, help_: str, **more: Any) -> Setting:
    given = {"group": "Teacher", "of": "teacher", "also": ("load",), **more}
    return Setting(name=name, help=help_, **given)


def _job(name: str, help_: str, **more: Any) -> Setting:
    return Setting(name=name, help=help_, **more)


ASKING: tuple[Setting, ...] = (
    _teacher(
        "answers",
        "Form of answers to begin with: auto, json-schema, tool, codes or text ({default}).",
        check=one_of,
        default="auto",
        values=("auto", "json-schema", "tool", "codes", "text"),
    ),
    _teacher(
        "logprobs",
        "Ask for log-probabilities: the teacher's distribution over the labels.",
        kind="flag",
        default=False,
    ),
    _teacher(
        "shuffle",
        "List the labels in another order for every text.",
        kind="flag",
        default=False,
        group="Advanced",
        place="advanced",
    ),
    _teacher(
        "examples",
        "A dict from text to label, or reviewed (what was said in reviews): the nearest are shown "
        "with a text.",
        check=some,
        values=("reviewed",),
        of="job",
    ),
    _teacher(
        "n_examples",
        "How many examples with one text ({default}).",
        kind="whole",
        default=8,
        group="Advanced",
        place="advanced",
    ),
    _teacher(
        "votes",
        "How often each text is asked about; the votes count ({default}).",
        kind="whole",
        default=1,
    ),
    _teacher(
        "concurrency",
        "Most requests at the same time ({default}); fewer when the server has trouble.",
        kind="whole",
        default=64,
        unit="requests",
    ),
    _teacher(
        "price",
        "IN,OUT: dollars per million tokens, where the price is unknown.",
        check=some,
        unit="in,out",
    ),
    _teacher(
        "requests_per_minute",
        "Most requests a minute (no limit).",
        kind="number",
        unit="requests",
    ),
    _teacher("tokens_per_minute", "Most tokens a minute (no limit).", kind="number", unit="tokens"),
    _teacher("base_url", "Address of an OpenAI-compatible server.", check=some),
    _teacher(
        "max_answer_tokens",
        "Most tokens of one single answer ({default}); the cap on a job is --max-tokens.",
        kind="whole",
        default=1024,
        unit="tokens",
    ),
    _teacher("reasoning_effort", "Effort of a reasoning model: minimal, low, …", check=some),
    _teacher(
        "latency",
        "Seconds an answer of the stand-in takes ({default}).",
        kind="number",
        default=0.0,
        unit="seconds",
        group="Advanced",
        place="advanced",
    ),
    _teacher(
        "wrong",
        "Share of wrong answers of the stand-in ({default}).",
        kind="number",
        default=0.02,
        unit="share",
        group="Advanced",
        place="advanced",
    ),
    _job(
        "store",
        "File that keeps paid answers (.tracer_nb/labels.sqlite).",
        check=some,
        unit="file",
        group="Teacher",
        also=("load", "store list", "store compare", "store export"),
    ),
    _teacher(
        "batch_price",
        "IN,OUT: dollars per million tokens of a batch (at OpenAI half the price).",
        check=some,
        unit="in,out",
        group="",
    ),
)
"""In the order of the panel's form."""
