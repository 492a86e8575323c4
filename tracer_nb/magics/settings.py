"""The options of the magics as a form, and a form as a magic line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.complete import VALUES
from tracer_nb.magics.verbs import options_of
from tracer_nb.moments import Option

__all__ = ["GROUPS", "Form", "line_of", "written_options"]

# What is asked first stands first; an option that is in no group is not a setting.
GROUPS = {
    "Job": (
        *("teacher", "labels", "prompt", "sample", "max_cost", "max_tokens", "max_rows"),
        *("output", "ask", "abstain_unlike", "abstain_unsure"),
    ),
    "Promise": ("target", "confidence", "certificate", "strategy", "threshold", "latency_weight"),
    "Surrogate": ("features", "surrogate", "gate", "pipeline", "guard", "time_budget", "seed"),
    "Teacher": (
        *("answers", "logprobs", "shuffle", "examples", "n_examples", "votes"),
        *("concurrency", "price"),
        *("requests_per_minute", "tokens_per_minute"),
        *("base_url", "max_answer_tokens", "reasoning_effort", "latency", "wrong", "store"),
    ),
}
_PROMPT = Option(
    "prompt", "prompt", "", "The task in words, for teachers that read.", "Job", long=True
)


def written_options(args: Any, parser: Any, read: Mapping[str, Any]) -> dict[str, str]:
    """What a line gives, by the name of the setting and as it would be written.

    An option without a value has itself: ``{"guard": "--no-guard"}``. The prompt, which is no
    option, is taken from what was ``read``.
    """
    written = {"prompt": str(read["prompt"])} if "prompt" in read else {}
    settings = {name for group in GROUPS.values() for name in group}
    for name, actions in options_of(parser).items():
        value = getattr(args, name, None)
        if value is None or name not in settings:
            continue
        flag = next((a.option_strings[0] for a in actions if a.const is value), None)
        written[name] = flag or str(value)
    return written


def line_of(column: str, written: Mapping[str, str], name: str, parser: Any) -> str:
    """The magic line, or cell, that does the whole job with these settings.

    Raises
    ------
    InvalidInput
        A value that cannot be written on a line.
    """
    actions = options_of(parser)
    words = [column] if column else []
    for setting in (s for group in GROUPS.values() for s in group):
        value = written.get(setting, "")
        if not value or setting not in actions:
            continue
        words.append(
            value
            if value.startswith("--")
            else f"{actions[setting][0].option_strings[0]} {_word(value)}"
        )
    words += _named(name)
    prompt = written.get("prompt", "")
    if prompt:
        return f"%%tracer {' '.join(words)}\n{prompt}"
    return f"%tracer run {' '.join(words)}"


class Form:
    """The settings of one job, to be seen and changed in a panel.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the magic.
    written : callable
        Says how the settings are written now.
    draft : callable
        From settings to the magic line.
    apply : callable
        Takes over new settings, all of them, as if the line had been run up to its first step.
    name : str
        Of the job.
    """

    def __init__(
        self,
        parser: Any,
        written: Callable[[], Mapping[str, str]],
        draft: Callable[[Mapping[str, str]], str],
        apply: Callable[[Mapping[str, str]], None],
        name: str,
    ) -> None:
        self._parser, self._written = parser, written
        self._draft, self._apply, self._name = draft, apply, name

    @property
    def options(self) -> tuple[Option, ...]:
        """Every setting with its present value, in order."""
        written, actions = self._written(), options_of(self._parser)
        found = []
        for group, names in GROUPS.items():
            for name in names:
                value = written.get(name, "")
                if name == "prompt":
                    found.append(replace(_PROMPT, value=value))
                elif name in actions:
                    found.append(_option(name, value, group, actions[name]))
        return tuple(found)

    @property
    def line(self) -> str:
        """The line that does the job with the present settings."""
        return self._draft(self._written())

    def step(self, words: str) -> str:
        """The line of one step of this job: ``words`` are the step and its options."""
        return " ".join(["%tracer", words, *_named(self._name)])

    def draft(self, values: Mapping[str, str]) -> str:
        """The line that does the job with ``values``; nothing is changed.

        Raises
        ------
        InvalidInput
            A name or value that no line has.
        """
        return self._draft(self._checked(values))

    def apply(self, values: Mapping[str, str]) -> None:
        """Take over ``values``.

        Raises
        ------
        InvalidInput
            A setting cannot be used; nothing is changed.
        """
        self._apply(self._checked(values))

    def _checked(self, values: Mapping[str, str]) -> dict[str, str]:
        known = {option.name: option for option in self.options}
        for name, value in values.items():
            if name not in known:
                raise InvalidInput.unknown_name("setting", name, list(known))
            if not isinstance(value, str):
                raise InvalidInput(f"setting {name} must be text, got {value!r}")
            choices = known[name].choices
            if value.startswith("--") and value not in choices:
                raise InvalidInput(f"setting {name} must not begin with --, got {value!r}")
        return {name: value.strip() for name, value in values.items() if value.strip()}


def _option(name: str, value: str, group: str, actions: list[Any]) -> Option:
    first = actions[0]
    flags = tuple(a.option_strings[0] for a in actions if a.const is not None)
    hint = " ".join(str(a.help) for a in actions)
    choices = flags or VALUES.get(first.option_strings[0], ())
    # A value that may also be something else is suggested, not demanded.
    closed = all(a.const is not None for a in actions)
    return Option(name, first.option_strings[0], value, hint, group, choices, closed=closed)


def _named(name: str) -> list[str]:
    """How a line says which job it is about."""
    return [] if name == "main" else [f"--name {_word(name)}"]


def _word(value: str) -> str:
    """A value as one word of a line: in quotes where it needs them."""
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    if quoted or not any(c.isspace() or c in "'\"" for c in value):
        return value
    if "\n" in value or ('"' in value and "'" in value):
        raise InvalidInput(f"{value!r} cannot stand on one line; put it into a variable")
    return f"'{value}'" if '"' in value else f'"{value}"'
