"""Help on the magic, made from its parser: in the notebook, and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.settings import GROUPS
from tracer_nb.magics.verbs import ALWAYS, HEEDED_BY, STEPS, VERBS, heeds, options_of

__all__ = ["page", "show_help"]

_KINDS = {float: "NUMBER", int: "INTEGER"}
_TOP = """\
# Every step and every option

`%load_ext tracer_nb` gives one magic, `%tracer`. As a line, `%tracer STEP COLUMN --option value …`
does one step, with the settings of the lines before it. As a cell, `%%tracer COLUMN --option value …`
with the task in words below it does the whole job. COLUMN is `df.text`, `df["text"]` or a variable.
In Python, a setting `--max-cost` is an argument `max_cost` of `Tracer` or of its step.

`%tracer --help` shows the steps, `%tracer STEP --help` one of them, `%tracer?` everything. The panel
explains each setting in the same words.

*Written from the parser by `task reference`; a test fails when it is out of date.*

## Steps
"""
_SETTINGS = """\
## Settings of the job

Any step of the job may give them; they hold until another line changes them. In brackets: what
holds without. `report`, `save`, `labels`, `compare`, `load` and `scan` change no settings and take
the options that stand beside them above.
"""


def show_help(words: Sequence[str], parser: Any) -> None:
    """Show what the steps do, or what one does and which options are its own.

    Raises
    ------
    InvalidInput
        There is no such step.
    """
    from tracer_nb.magics.show import Table  # noqa: PLC0415

    if words and words[0] not in VERBS:
        raise InvalidInput.unknown_name("step", words[0], VERBS)
    shown = [
        *((_usage(verb), _sentence(STEPS[verb].does)) for verb in words[:1] or VERBS),
        *((_written(action), action.help) for verb in words[:1] for action in _own(verb, parser)),
    ]
    help_ = Table(shown)
    help_.head = ("", "what it does")
    help_.note = (
        "%tracer STEP --help says which options belong to a step; %tracer? shows all of them."
    )
    display(help_)


def page(parser: Any) -> str:
    """The page of all steps and options, in Markdown."""
    actions = options_of(parser)
    group_of = {name: group for group, names in GROUPS.items() for name in names}
    single = [name for name in actions if name in HEEDED_BY]
    parts = [
        _TOP,
        _table(("Step", "What it does", "Options of its own"), _steps(parser)),
        _SETTINGS,
    ]
    for group in GROUPS:
        named = [
            action
            for name in sorted(actions)
            if name not in (*ALWAYS, *single) and group_of.get(name, "Teacher") == group
            for action in actions[name]
        ]
        parts += [f"### {group}\n", _table(("Option", "Meaning"), map(_described, named))]
    parts.append("## Options of single steps\n\nAny other step refuses them.\n")
    of_steps = [
        (_described(action)[0], ", ".join(v for v in VERBS if heeds(v, name)), action.help)
        for name in sorted(single)
        for action in actions[name]
    ]
    parts.append(_table(("Option", "Steps", "Meaning"), of_steps))
    parts.append("## Options of every line\n")
    always = [_described(action) for name in ALWAYS for action in actions[name]]
    parts.append(_table(("Option", "Meaning"), always).rstrip("\n"))
    return "\n".join(parts) + "\n"


def _steps(parser: Any) -> list[tuple[str, ...]]:
    return [
        (
            f"`{_usage(verb)}`",
            _sentence(STEPS[verb].does),
            " ".join(f"`{action.option_strings[0]}`" for action in _own(verb, parser)),
        )
        for verb in VERBS
    ]


def _own(verb: str, parser: Any) -> list[Any]:
    """Options of a step that are no settings of the job, or all that it takes."""
    alone = STEPS[verb].only is not None
    return [
        action
        for name, actions in sorted(options_of(parser).items())
        if name not in ALWAYS and heeds(verb, name) and (alone or name in HEEDED_BY)
        for action in actions
    ]


def _usage(verb: str) -> str:
    return f"%tracer {verb} {STEPS[verb].operand}".rstrip()


def _sentence(does: str) -> str:
    return f"{does[0].upper()}{does[1:]}."


def _written(action: Any) -> str:
    """An option as it is typed."""
    kind = "" if action.nargs == 0 else f" {_KINDS.get(action.type, 'VALUE')}"
    return f"{action.option_strings[0]}{kind}"


def _described(action: Any) -> tuple[str, str]:
    return f"`{_written(action)}`", str(action.help)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
