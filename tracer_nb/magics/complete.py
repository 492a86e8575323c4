"""Tab completion on a magic line: steps, options, dataframes and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.magics.verbs import VERBS

__all__ = ["VALUES", "complete"]

VALUES: dict[str, tuple[str, ...]] = {
    "--surrogate": ("auto", "kernel-ridge", "logistic", "xgboost"),
    "--answers": ("auto", "json-schema", "tool", "codes", "text"),
    "--examples": ("reviewed",),
    "--certificate": ("held-out", "per-class", "cross-fit"),
    "--gate": ("auto", "margin", "max-probability", "entropy", "learned"),
    "--pipeline": ("auto", "accept-all", "single", "cascade"),
    "--sample": ("auto",),
    "--features": ("lsa", "fastembed:"),
    "--teacher": ("openai:", "anyllm:", "standin:support", "standin:banking77"),
    "--on-alarm": ("defer", "stricter", "tell"),
    "--of": ("mixed", "random", "uncertain", "disputed"),
    "--strategy": ("adaptive-threshold", "fixed-threshold", "cost-aware"),
}
"""Values that an option may have, for those that have a list of them."""
_FUNCTION_TOO = ("--features", "--teacher")


def complete(event: Any, parser: Any, variables: Mapping[str, Any]) -> list[str]:
    """Candidates for the word under the cursor.

    Parameters
    ----------
    event : object with ``line`` and ``symbol``
        From IPython's completer hook.
    parser : argparse.ArgumentParser
        Of the magic; its options are offered.
    variables : mapping
        The notebook's.
    """
    words = event.line.split()
    word = "" if event.line.endswith(" ") else words[-1]
    before = words if not word else words[:-1]
    if word.startswith("-"):
        options = [o for action in parser._actions for o in action.option_strings]  # noqa: SLF001
        return [o for o in options if o.startswith(word) and o.startswith("--")]
    if before and before[-1] in VALUES:
        values = [*VALUES[before[-1]]]
        if before[-1] in _FUNCTION_TOO:
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
    steps = list(VERBS) if len(before) == 1 else []
    return [n for n in [*steps, *frames] if n.startswith(word)]


def _is_columnar(value: Any) -> bool:
    return hasattr(value, "columns") and not isinstance(value, type)


def _is_own_function(value: Any) -> bool:
    return callable(value) and getattr(value, "__module__", "") == "__main__"


def _columns(value: Any) -> list[str]:
    from tracer_nb.steps.column.frames import column_names, is_frame  # noqa: PLC0415  brings narwhals

    return column_names(value) if is_frame(value) else []
