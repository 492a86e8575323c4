"""``%tracer scan``: a log of past calls, read and judged at no cost."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line
from tracer_nb.magics.names import unquote
from tracer_nb.magics.options import read_settings
from tracer_nb.magics.workspace import Workspace

__all__ = ["scan"]

_OPTIONS = ("confidence", "features", "seed")


def scan(space: Workspace, job: Job, line: Line) -> None:
    """Scan the log that the line names, a file or a variable, and show what it says.

    Raises
    ------
    InvalidInput
        No log is named, or it cannot be read.
    """
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.steps.scan import scan_logs  # noqa: PLC0415
    from tracer_nb.words import scan_lines  # noqa: PLC0415

    del job
    variables, args = space.variables, line.args
    named = unquote(line.operand.strip())
    if not named:
        raise InvalidInput("name a log: %tracer scan calls.jsonl")
    source = variables.get(named, named)
    given = read_settings(args, None, None, variables)
    options = {name: given[name] for name in _OPTIONS if name in given}
    if "target" in given:
        options["targets"] = given["target"]
    if args.sample is not None:
        options["sample"] = _rows(args.sample)

    places: list[Any] = []

    def show(what: Any, **how: Any) -> None:
        """Show it in the place of what was shown before."""
        if places:
            places[0].update(what, **how)
        else:
            places.append(display(what, display_id=True, **how))

    try:
        found = scan_logs(
            source,
            columns=_columns(args.columns),
            on_step=lambda step: show(Lines([f"{step} …"])),
            **options,
        )
    except BaseException:
        if places:
            show({"text/plain": ""}, raw=True)
        raise
    show(Lines(scan_lines(found)))


def _rows(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise InvalidInput(f"--sample must be a number of calls to use, got {text!r}")
    return int(text)


def _columns(text: str | None) -> dict[str, str] | None:
    """``text=body,label=verdict``, field to the log's own name."""
    if text is None:
        return None
    pairs = [part.partition("=") for part in unquote(text).split(",")]
    return {field.strip(): name.strip() for field, _, name in pairs}
