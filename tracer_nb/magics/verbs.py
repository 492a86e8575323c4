"""The steps of ``%tracer``: what each does, what is named behind it, which options it heeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tracer_nb.errors import InvalidInput

__all__ = [
    "ALWAYS",
    "HEEDED_BY",
    "OF_TEACHER",
    "STEPS",
    "VERBS",
    "Step",
    "check_heeded",
    "check_only",
    "heeds",
    "options_of",
    "step_help",
]

OF_TEACHER = (
    *("answers", "base_url", "batch_price", "concurrency", "latency", "logprobs"),
    *("max_answer_tokens", "n_examples", "price", "reasoning_effort", "requests_per_minute"),
    *("shuffle", "tokens_per_minute", "votes", "wrong"),
)
"""Settings that a teacher takes as they stand."""


class Step(NamedTuple):
    """One step.

    Attributes
    ----------
    operand : str
        What is named behind it; empty for nothing.
    does : str
        What it does, a sentence without its subject and full stop.
    only : tuple of str or None
        The options that it heeds, by what they set, for a step that changes no settings of the
        job; None for a step that takes all settings.
    why : str
        Why it does not heed the others, where that needs saying.
    """

    operand: str
    does: str
    only: tuple[str, ...] | None = None
    why: str = ""


STEPS: dict[str, Step] = {
    "run": Step("[COLUMN]", "does the whole job: labels a sample, fits, calibrates and routes"),
    "plan": Step("[COLUMN]", "says what the sample would ask and cost; asks and pays nothing"),
    "label": Step("[COLUMN]", "asks the teacher about a random sample"),
    "fit": Step("", "fits surrogate and gate on a part of the labelled rows"),
    "calibrate": Step("", "certifies a threshold on the other labelled rows"),
    "route": Step(
        "[COLUMN]", "labels every row: the surrogate where it is certified, the teacher elsewhere"
    ),
    "status": Step("", "shows certificate, counts and money again"),
    "panel": Step("[COLUMN]", "opens the workspace of the job, with all settings"),
    "report": Step("FILE", "writes one page of HTML that asks no network for anything", ()),
    "save": Step("FILE", "keeps router, certificates and text features in one file", ()),
    "load": Step(
        "FILE",
        "takes a saved router, for route and audit",
        ("teacher", "store", "examples", "ask_key", *OF_TEACHER),
        "a saved router keeps its own settings",
    ),
    "labels": Step(
        "[KEY or FILE]",
        "lists the sets of stored answers, or the runs of one, or writes all to a .csv or .parquet",
        ("store", "escape"),
    ),
    "compare": Step("KEY KEY", "says where two sets of stored answers differ", ("store",)),
    "review": Step(
        "[FILE]", "shows rows to judge one at a time, or writes what was said to a .csv or .parquet"
    ),
    "submit": Step("[COLUMN]", "sends the sample to the server's batch endpoint"),
    "collect": Step("", "brings in the answers of batches that are done"),
    "batches": Step("", "lists the batches under way"),
    "cancel": Step("BATCH", "cancels a batch"),
    "scan": Step(
        "FILE",
        "reads a log of past calls, a file or a variable, and says how much could be routed",
        ("columns", "confidence", "features", "sample", "seed", "target"),
    ),
    "gaps": Step("", "says where surrogate and teacher part"),
    "reask": Step("", "asks about sampled rows again: whether the teacher agrees with itself"),
    "audit": Step("", "asks about handled rows drawn by chance, and watches the promise"),
    "update": Step(
        "", "fits again on the answers to deferred rows, certifies on fresh rows, and routes again"
    ),
}
"""Every step by its name."""

VERBS = tuple(STEPS)

HEEDED_BY: dict[str, tuple[str, ...]] = {
    # Elsewhere it is a setting of the job, kept for the next line that draws.
    "sample": tuple(verb for verb in STEPS if verb not in ("audit", "reask")),
    "at": ("route",),
    "output": ("run", "plan", "route", "panel", "update"),
    "ask": ("run", "plan", "route", "panel", "update"),
    "dry_run": ("plan", "run", "label", "submit", "reask"),
    "again": ("run", "plan", "label", "route"),
    "deferred": ("submit",),
    "columns": ("scan",),
    "of": ("review",),
    "rows": ("review", "reask"),
    "against": ("review", "gaps"),
    "blind": ("review",),
    "rate": ("audit",),
    "on_alarm": ("audit",),
    "escape": ("labels", "review"),
}
"""The steps that heed an option, for options that are not settings of the whole job."""

ALWAYS = ("name", "help")
"""Options of every line: which job is meant, and help."""


def heeds(verb: str, option: str) -> bool:
    """Whether a step heeds an option, by the name of what that sets."""
    if option in ALWAYS:
        return True
    only = STEPS[verb].only
    return verb in HEEDED_BY.get(option, VERBS) if only is None else option in only


def check_heeded(verb: str, args: Any, parser: Any) -> None:
    """Refuse an option that the step would pass over in silence.

    Raises
    ------
    InvalidInput
        The line gives one; the message names the steps that heed it.
    """
    for option, flag in _given(args, parser):
        if heeds(verb, option):
            continue
        steps = ", ".join(v for v in VERBS if heeds(v, option))
        why = f": {STEPS[verb].why}" if STEPS[verb].why else ""
        raise InvalidInput(f"{flag} goes with {steps}, not with {verb}{why}")


def check_only(what: str, heeded: tuple[str, ...], args: Any, parser: Any) -> None:
    """Refuse an option that one use of a step passes over, though the step heeds it otherwise.

    Parameters
    ----------
    what : str
        The use, a sentence without its full stop.
    heeded : tuple of str
        The options that count, by what they set.

    Raises
    ------
    InvalidInput
        The line gives another one.
    """
    for option, flag in _given(args, parser):
        if option not in (*heeded, *ALWAYS):
            raise InvalidInput(f"{what}; leave {flag} out")


def _given(args: Any, parser: Any) -> Iterator[tuple[str, str]]:
    """Options that a line gives: what each sets, and how it is written."""
    for option, actions in options_of(parser).items():
        value = getattr(args, option)
        if value is not None and value != parser.get_default(option):
            flag = next((a for a in actions if a.const is value), actions[0])
            yield option, flag.option_strings[0]


def options_of(parser: Any) -> dict[str, list[Any]]:
    """Options of an argparse parser by the name of what they set."""
    found: dict[str, list[Any]] = {}
    for action in parser._actions:  # noqa: SLF001  argparse has no public way
        if action.option_strings:
            found.setdefault(action.dest, []).append(action)
    return found


def step_help() -> str:
    """All steps in one paragraph, for the help of IPython."""
    return " ".join(f"{name}: {step.does}." for name, step in STEPS.items())
