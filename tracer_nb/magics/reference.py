"""Help on the magic, made from the tables of steps and settings.

While a line is typed, in the notebook, and as a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.lines import step_of
from tracer_nb.magics.steps import STEPS, WORDS, Step, heeds, settings_of, words_behind
from tracer_nb.settings import ADVANCED, BY_FLAG, FORM, SETTINGS, Flag, Setting

__all__ = ["complete", "magic_doc", "page", "show_help"]


# Settings that may also name a function of the notebook.
_FUNCTION_TOO = ("features", "teacher")


def complete(event: Any, variables: Mapping[str, Any]) -> list[str]:
    """Candidates for the word under the cursor.

    Parameters
    ----------
    event : object with ``line`` and ``symbol``
        From IPython's completer hook.
    variables : mapping
        The notebook's.
    """
    words = event.line.split()
    word = "" if event.line.endswith(" ") else words[-1]
    before = words if not word else words[:-1]
    if word.startswith("-"):
        settings = settings_of(step_of(before[1:]))
        flags = [flag.flag for setting in settings for flag in setting.flags]
        return [flag for flag in flags if flag.startswith(word)]
    setting = BY_FLAG.get(before[-1]) if before else None
    if setting is not None and setting.values:
        values = [*setting.values]
        if setting.name in _FUNCTION_TOO:
            values += [n for n, v in variables.items() if _is_own_function(v)]
        # IPython completes what stands behind the colon.
        behind = word.rpartition(":")[0] + word.rpartition(":")[1]
        return [v.removeprefix(behind) for v in values if v.startswith(word)]
    frame, dot, _ = word.partition(".")
    if dot:
        names = _columns(variables.get(frame))
        return [
            f"{frame}.{n}" for n in names if n.isidentifier() and f"{frame}.{n}".startswith(word)
        ]
    frames = [n for n, v in variables.items() if not n.startswith("_") and _is_columnar(v)]
    steps = [*WORDS] if len(before) == 1 else []
    if len(before) == 2:
        steps = [*words_behind(before[1])]
    return [n for n in [*steps, *frames] if n.startswith(word)]


def _is_columnar(value: Any) -> bool:
    return hasattr(value, "columns") and not isinstance(value, type)


def _is_own_function(value: Any) -> bool:
    return callable(value) and getattr(value, "__module__", "") == "__main__"


def _columns(value: Any) -> list[str]:
    from tracer_nb.steps.column.frames import column_names, is_frame  # noqa: PLC0415  brings narwhals

    return column_names(value) if is_frame(value) else []


_MAGIC = """\
Label a column with a teacher; a certified surrogate answers the easy rows.

``%%tracer df.text --teacher openai:gpt-6-luna --labels intents.txt --output routed``
with the task in words as the cell's text does the whole job; ``%tracer run df.text``
does it for a teacher that needs no words, such as a function. ``%tracer STEP`` does
one step, with the settings of the lines before it; ``%tracer --help`` lists them.

COLUMN is df.text, df['text'] or a variable.
"""
_TOP = """\
# Every step and every option

`%load_ext tracer_nb` gives one magic, `%tracer`. As a line, `%tracer STEP COLUMN --option value …`
does one step, with the settings of the lines before it. As a cell, `%%tracer COLUMN --option value …`
with the task in words below it does the whole job. COLUMN is `df.text`, `df["text"]` or a variable.
In Python, a setting `--max-cost` is an argument `max_cost` of `Tracer` or of its step.

`%tracer --help` shows the steps, `%tracer STEP --help` one of them, `%tracer?` everything. The panel
explains each setting in the same words. `%config TracerMagics.teacher = "…"` sets a default that lasts in the
kernel, and so do `base_url`, `price` and `store`; a line's own option wins.

*Written from the tables of steps and settings by `task reference`; a test fails when it is out of date.*

## Steps
"""
_SETTINGS = """\
## Settings of the job

Any step of the job may give them; they hold until another line changes them. In brackets: what
holds without. `report`, `save`, `load`, `store` and `scan` change no settings and take
the options that stand beside them above.
"""


def show_help(words: Sequence[str], defaults: Sequence[str] = ()) -> None:
    """Show what the steps do, or what one does and which options are its own.

    Parameters
    ----------
    words : sequence of str
        The step; empty for all.
    defaults : sequence of str
        Those of the kernel, as a line would write them.

    Raises
    ------
    InvalidInput
        There is no such step.
    """
    from tracer_nb.magics.show import Table  # noqa: PLC0415

    if words and words[0] not in WORDS:
        raise InvalidInput.unknown_name("step", words[0], WORDS)
    named = [step for name, step in STEPS.items() if _is_named(name, words)]
    own = [(_written(flag), flag.help) for step in named for flag in _own(step)]
    steps = [(step.usage, _sentence(step.does)) for step in named or STEPS.values()]
    shown = [*steps, *dict.fromkeys(own)]
    help_ = Table(shown)
    help_.head = ("", "what it does")
    help_.note = (
        "%tracer STEP --help says which options belong to a step; %tracer? shows all of them. "
        f"Defaults of this kernel: {' '.join(defaults) or 'none'} (%config TracerMagics)."
    )
    display(help_)


def _is_named(name: str, words: Sequence[str]) -> bool:
    """Whether a line names a step, or the first word of several."""
    second = words[1:2] if len(words) > 1 and words[1] in words_behind(words[0]) else []
    return bool(words) and name.split()[: 1 + len(second)] == [words[0], *second]


def magic_doc() -> str:
    """The help of IPython: all steps and options."""
    steps = [f"  {step.usage}\n      {_sentence(step.does)}" for step in STEPS.values()]
    options = [
        f"  {_written(flag)}\n      {flag.help}"
        for setting in _sorted(SETTINGS)
        if setting.place == "line"
        for flag in setting.flags
    ]
    return "\n".join([_MAGIC, "steps:", *steps, "", "options:", *options])


def page() -> str:
    """The page of all steps and options, in Markdown."""
    lasting = [s for s in _sorted(SETTINGS) if s.place == "line" and _lasts(s)]
    single = [s for s in _sorted(SETTINGS) if s.place == "line" and _is_single(s)]
    always = [s for s in SETTINGS if s.of == "always"]
    parts = [_TOP, _table(("Step", "What it does", "Options of its own"), _steps()), _SETTINGS]
    for group in dict.fromkeys(s.group for s in FORM if s.place == "line"):
        of_group = [s for s in lasting if (s.group or "Teacher") == group]
        parts += [f"### {group}\n", _table(("Option", "Meaning"), _described(of_group))]
    parts.append("## In Python, and under Advanced in the panel\n\nNo line sets them.\n")
    advanced = [(f"`{s.name}`", s.hint) for s in _sorted(ADVANCED.values())]
    parts.append(_table(("Argument", "Meaning"), advanced))
    parts.append("## Options of single steps\n\nAny other step refuses them.\n")
    of_steps = [
        (f"`{_written(flag)}`", ", ".join(_heeding(setting)), flag.help)
        for setting in single
        for flag in setting.flags
    ]
    parts.append(_table(("Option", "Steps", "Meaning"), of_steps))
    parts.append("## Options of every line\n")
    parts.append(_table(("Option", "Meaning"), _described(always)).rstrip("\n"))
    return "\n".join(parts) + "\n"


def _sorted(settings: Iterable[Setting]) -> list[Setting]:
    return sorted(settings, key=lambda setting: setting.name)


def _lasts(setting: Setting) -> bool:
    """Whether any step of a job may give it."""
    return not _is_single(setting) and setting.of != "always"


def _is_single(setting: Setting) -> bool:
    """Whether some steps of a job refuse it."""
    return bool(setting.steps or setting.but)


def _heeding(setting: Setting) -> list[str]:
    return [step.name for step in STEPS.values() if heeds(step, setting)]


def _steps() -> list[tuple[str, ...]]:
    return [
        (
            f"`{step.usage}`",
            _sentence(step.does),
            " ".join(f"`{flag.flag}`" for flag in _own(step)),
        )
        for step in STEPS.values()
    ]


def _own(step: Step) -> list[Flag]:
    """Options of a step that are no settings of the job, or all that it takes."""
    return [
        flag
        for setting in _sorted(settings_of(step))
        if setting.of != "always" and (step.alone or _is_single(setting))
        for flag in setting.flags
    ]


def _sentence(does: str) -> str:
    return f"{does[0].upper()}{does[1:]}."


def _written(flag: Flag) -> str:
    """An option as it is typed."""
    return f"{flag.flag} {flag.metavar}".rstrip()


def _described(settings: Iterable[Setting]) -> list[tuple[str, str]]:
    return [(f"`{_written(flag)}`", flag.help) for s in settings for flag in s.flags]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
