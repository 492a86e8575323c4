"""The settings of a job as a form, and a form as a magic line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.names import unquote
from tracer_nb.records.moments import Option
from tracer_nb.settings import FORM, Setting

__all__ = ["Form", "line_of", "options_of", "written_options"]

# What nearly every job says; the page folds all others.
_ESSENTIAL = "Essential"
_ESSENTIALS = frozenset(("teacher", "labels", "prompt", "target", "max_cost", "output"))


def written_options(args: Any, read: Mapping[str, Any]) -> dict[str, str]:
    """What a line gives, by the name of the setting and as it would be written.

    An option without a value has itself: ``{"guard": "--no-guard"}``. The prompt, which is no
    option, is taken from what was ``read``.
    """
    written = {"prompt": str(read["prompt"])} if "prompt" in read else {}
    for setting in FORM:
        value = getattr(args, setting.name)
        if value is not None:
            flag = next((f.flag for f in setting.flags if f.value is value), None)
            written[setting.name] = flag or str(value)
    return written


def options_of(written: Mapping[str, str], places: tuple[str, ...] = ("line",)) -> list[str]:
    """Settings as options of a line, in the order of the form.

    Those of the place "advanced" stand on no line of a user.

    Raises
    ------
    InvalidInput
        A value that cannot be written on a line.
    """
    words = []
    for setting in FORM:
        value = written.get(setting.name, "")
        if value and setting.place in places:
            words.append(value if value.startswith("--") else f"{setting.flag} {_word(value)}")
    return words


def line_of(column: str, written: Mapping[str, str], name: str) -> str:
    """The magic line, or cell, that does the whole job with these settings.

    Raises
    ------
    InvalidInput
        A value that cannot be written on a line.
    """
    words = [*([column] if column else []), *options_of(written), *_named(name)]
    prompt = written.get("prompt", "")
    if prompt:
        return f"%%tracer {' '.join(words)}\n{prompt}"
    return f"%tracer run {' '.join(words)}"


class Form:
    """The settings of one job, to be seen and changed in a panel.

    Parameters
    ----------
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
        written: Callable[[], Mapping[str, str]],
        draft: Callable[[Mapping[str, str]], str],
        apply: Callable[[Mapping[str, str]], None],
        name: str,
    ) -> None:
        self._written, self._draft, self._apply, self._name = written, draft, apply, name

    @property
    def options(self) -> tuple[Option, ...]:
        """Every setting with its present value, in order."""
        written = self._written()
        return tuple(_option(setting, written.get(setting.name, "")) for setting in FORM)

    @property
    def line(self) -> str:
        """The line that does the job with the present settings."""
        return self._draft(self._written())

    def aside(self, values: Mapping[str, str] | None = None) -> str:
        """What the line cannot say of ``values``, by default of the present settings, in Python."""
        written = self._written() if values is None else self._checked(values)
        words = [
            f"{setting.name}={_python(setting, written[setting.name])}"
            for setting in FORM
            if setting.place == "advanced" and written.get(setting.name)
        ]
        return f"The line does not say: {', '.join(words)}, as in Tracer(…)." if words else ""

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


def _option(setting: Setting, value: str) -> Option:
    group = _ESSENTIAL if setting.name in _ESSENTIALS else setting.group
    if setting.place == "cell":
        return Option(setting.name, setting.name, value, setting.hint, group, long=True)
    bare = tuple(flag.flag for flag in setting.flags if flag.value is not None)
    # A value that may also be something else is suggested, not demanded.
    label = setting.name if setting.place == "advanced" else setting.flag
    return Option(
        *(setting.name, label, value, setting.hint, group),
        choices=bare or setting.values,
        closed=len(bare) == len(setting.flags),
    )


def _python(setting: Setting, value: str) -> str:
    """A value as Python writes it."""
    if setting.kind == "flag":
        return str(next((f.value for f in setting.flags if f.flag == value), True))
    return value if setting.kind in ("number", "whole") else repr(unquote(value))


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
