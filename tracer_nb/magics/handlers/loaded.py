"""Steps with a router from a file."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from tracer_nb.magics.checks import check_loaded
from tracer_nb.magics.handlers.after import show_watch
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line
from tracer_nb.magics.names import Source, unquote
from tracer_nb.magics.options import read_caps, read_settings, read_source
from tracer_nb.magics.workspace import Workspace, note_of

__all__ = ["with_loaded"]


def with_loaded(space: Workspace, job: Job, line: Line, prompt: str | None) -> None:
    """Route a column, audit, or say what the router is.

    Raises
    ------
    InvalidInput
        The line gives settings that the router would not heed.
    """
    loaded, variables = job.loaded, space.variables
    source = read_source(line.operand, variables)
    check_loaded(read_settings(line.args, source, prompt, variables))
    audits, routes = line.step.own_caps, line.step.visits
    teacher = None if loaded is None else loaded.teacher
    space.keys.give(job, teacher, wanted=bool(line.args.ask_key), asks=source is not None or audits)
    if audits:
        show_watch(loaded, line, {})
    elif routes and source is not None:
        _route(space, loaded, line, source)
    else:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import saved_lines  # noqa: PLC0415

        assert loaded is not None  # noqa: S101  the step is taken for jobs that have one
        display(Lines(saved_lines(loaded.about, loaded.certificate)))


def _route(space: Workspace, loaded: Any, line: Line, source: Source) -> None:
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import count, spent_sentence, stopped_sentence  # noqa: PLC0415

    args = line.args
    loaded.route(
        source.column,
        table=source.frame,
        target=args.at,
        **read_caps(args),
        ask_teacher=args.ask,
        again=None if args.again is None else unquote(args.again),
    )
    outcome = loaded.outcome
    if args.output:
        space.put(args.output, outcome.onto(source.table))
    parts = [f"{outcome.count('surrogate'):,} answered by the surrogate"]
    parts.append(f"{outcome.count('teacher'):,} by the teacher")
    if abstained := outcome.count("abstained"):
        parts.append(f"{abstained:,} abstained")
    parts.append(f"{outcome.count(None):,} deferred")
    lines = [f"Of {count(len(outcome.source), 'row')}: {', '.join(parts)}."]
    if loaded.teacher is not None:
        lines += [spent_sentence(loaded.spending), *note_of(loaded)]
    if loaded.stopped:
        lines.append(stopped_sentence(loaded.stopped))
    if loaded.warning:
        lines.append(loaded.warning)
    display(Lines(lines))
