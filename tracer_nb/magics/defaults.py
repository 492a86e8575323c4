"""Defaults that last in a kernel: ``%config TracerMagics.teacher = "openai:MODEL"``.

Each is a text, as a line would give it, checked by the table of settings. A line's own option
wins, and a job that began keeps what it began with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics
from traitlets import TraitError, Unicode
from traitlets.config import Config

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.form import options_of
from tracer_nb.magics.job import may_be_key
from tracer_nb.magics.lines import Line, parse
from tracer_nb.magics.steps import heeds
from tracer_nb.settings import BY_NAME, KERNEL, Setting

__all__ = ["Default", "Defaults", "default_lines", "fill", "fill_alone"]

_KEY = (
    "a key is no default, and this one is now in the notebook and in its history: delete it there. "
    "Write --ask-key on a line to type the key into a hidden prompt, or set OPENAI_API_KEY (for "
    "another server TRACER_NB_API_KEY) before the kernel starts"
)


class Default(Unicode):
    """A trait for one setting: a text as a line would give it; empty for none.

    Parameters
    ----------
    setting : Setting
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__("", allow_none=False, help=setting.hint)
        self.setting = setting
        self.tag(config=True)

    def validate(self, obj: Any, value: Any) -> str:
        """The text, checked.

        Raises
        ------
        TraitError
            It cannot be the setting's, or looks like a key; its text is not repeated then.
        """
        if value is None:
            return ""
        if not isinstance(value, str):
            raise TraitError(
                f"{_trait(self.setting)} must be text, as it stands on a line: the name of a "
                f"variable too stands in quotes; got {type(value).__name__}"
            )
        variables = getattr(getattr(obj, "shell", None), "user_ns", {})
        return _checked(self.setting, value.strip(), variables)


class Defaults(Magics):
    """Magics with a default for each setting that may have one in a kernel."""

    teacher = Default(BY_NAME["teacher"])
    base_url = Default(BY_NAME["base_url"])
    price = Default(BY_NAME["price"])
    store = Default(BY_NAME["store"])

    def __init__(self, shell: Any) -> None:
        _check_names(getattr(shell, "config", {}).get(type(self).__name__, {}))
        super().__init__(shell)

    def update_config(self, config: Config) -> None:
        """Take over what ``%config`` sets, if all of it can be.

        Raises
        ------
        UsageError
            There is no such default; a key is none.
        """
        _check_names(config.get(type(self).__name__, {}))
        super().update_config(config)

    def set_defaults(self) -> dict[str, str]:
        """The defaults that are set, by the name of the setting."""
        texts = {setting.name: str(getattr(self, setting.name)) for setting in KERNEL}
        return {name: text for name, text in texts.items() if text}


def fill(
    line: Line,
    defaults: Mapping[str, str],
    teacher_of: Callable[[Line], Any],
    *,
    begins: bool,
) -> tuple[Line, dict[str, str]]:
    """A line about a job, with the defaults that it heeds and does not say otherwise.

    Parameters
    ----------
    line : Line
    defaults : mapping
        Texts by the name of the setting.
    teacher_of : callable
        The teacher that a line names, or None; for the options that only some take.
    begins : bool
        Whether there is no job of that name yet. One that began keeps what it began with, unless
        the line names its teacher.

    Returns
    -------
    Line
    dict of str to str
        What was filled in, by the name of the setting.
    """
    if not begins and line.args.teacher is None:
        return line, {}
    names = [name for name in ("teacher", "store") if name in defaults]
    full, used = _filled(line, defaults, names)
    names = [name for name in ("base_url", "price") if name in defaults]
    if names and _is_behind_server(teacher_of(full)):
        if not _is_priced(line.args, defaults):
            names = [name for name in names if name != "price"]
        full, more = _filled(full, defaults, names)
        used |= more
    return full, used


def fill_alone(
    line: Line, defaults: Mapping[str, str], teacher_of: Callable[[Line], Any]
) -> tuple[Line, dict[str, str]]:
    """The same for a line about files and stored answers; no teacher is named for a saved router."""
    if line.table:
        return line, {}
    if line.args.teacher is not None:
        return fill(line, defaults, teacher_of, begins=False)
    return _filled(line, defaults, [name for name in ("store",) if name in defaults])


def default_lines(
    used: Mapping[str, str], defaults: Mapping[str, str], *, named: bool = True
) -> list[str]:
    """Which defaults a job took, and whether they have changed since.

    ``named`` : whether its teacher is a default.
    """
    if not used:
        return []
    lines = [f"Defaults of this kernel used: {_written(used)}."]
    other = defaults.get("teacher", "")
    if named and other not in ("", used.get("teacher", other)):
        lines.append(
            f"The default is {other} now, and this job goes on with what it began with; to begin "
            f"another one write --teacher {other}."
        )
    return lines


def _written(texts: Mapping[str, str]) -> str:
    from tracer_nb.teachers.server import redact  # noqa: PLC0415  as heavy as the Tracer

    return redact(" ".join(options_of(texts)))


def _filled(
    line: Line, defaults: Mapping[str, str], names: Iterable[str]
) -> tuple[Line, dict[str, str]]:
    """A line with these defaults where it heeds them and gives none."""
    used = {
        name: defaults[name]
        for name in names
        if getattr(line.args, name) is None and heeds(line.step, BY_NAME[name])
    }
    args = argparse.Namespace(**{**vars(line.args), **used})
    return replace(line, args=args), used


def _is_behind_server(teacher: Any) -> bool:
    """Whether a teacher, or a member of a panel, is a model behind a server of choice."""
    members = teacher if isinstance(teacher, (list, tuple)) else [teacher]
    named = [m.partition(":")[0].strip() for m in members if isinstance(m, str)]
    return "openai" in named or "anyllm" in named


def _is_priced(args: Any, defaults: Mapping[str, str]) -> bool:
    """Whether the default price is that of a line's model: another one has another price."""
    given = {name: getattr(args, name) for name in ("teacher", "base_url")}
    return all(
        text is None or defaults.get(name, text) == text.strip("'\"")
        for name, text in given.items()
    )


def _trait(setting: Setting) -> str:
    return f"TracerMagics.{setting.name}"


def _checked(setting: Setting, text: str, variables: Mapping[str, Any]) -> str:
    if not text:
        return ""
    from tracer_nb.teachers.server import public_address, redact  # noqa: PLC0415  as heavy as the Tracer

    plain = setting.name != "store" and may_be_key(text, variables)
    if plain or redact(text) != text:
        raise TraitError(f"{_trait(setting)}: {_KEY}")
    if not text.isprintable():
        raise TraitError(f"{_trait(setting)} must be one line of text, got {text!r}")
    try:
        if setting.name == "base_url":
            public_address(text)
        parse((setting,), [setting.flag, text])
    except (InvalidInput, UsageError) as error:
        raise TraitError(f"{_trait(setting)}: {error}") from error
    return text


def _check_names(given: Mapping[str, Any]) -> None:
    """Refuse what is no default, without repeating its value."""
    known = [setting.name for setting in KERNEL]
    for name in given:
        if name in known:
            continue
        if any(word in name.lower() for word in ("key", "secret", "password", "token")):
            raise UsageError(_KEY)
        raise UsageError(str(InvalidInput.unknown_name("default", name, known)))
