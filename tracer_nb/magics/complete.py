"""Tab completion on a magic line: steps, options, dataframes and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.magics.lines import step_of
from tracer_nb.magics.steps import WORDS, settings_of, words_behind
from tracer_nb.settings import BY_FLAG

__all__ = ["complete"]

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
