"""Steps that write or read one file, and steps with a router from one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.handlers.job import show_watch
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line, check_loaded
from tracer_nb.magics.names import Source, read_caps, read_settings, read_source, unquote
from tracer_nb.magics.workspace import Workspace, note_of

__all__ = ["load", "report", "save", "with_loaded"]


def save(space: Workspace, job: Job, line: Line) -> None:
    """Keep router, certificates and text features in one file."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415

    del space
    path = _file(line, "intents.tracer")
    if job.tracer is None:
        raise InvalidInput("nothing to save yet; label, fit and calibrate first")
    job.tracer.save(path)
    lines = [f"Saved to {path}. %tracer load {path} or tracer_nb.load({path!r}) routes with it."]
    router = job.tracer.router
    if router is not None and not router.certificate.certified:
        lines.append(
            "For new rows nothing is certified, whatever holds for the column: it will answer "
            "none of them."
        )
    display(Lines(lines))


def report(space: Workspace, job: Job, line: Line) -> None:
    """Write one page of HTML."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415

    del space
    path = _file(line, "report.html")
    if job.tracer is None:
        raise InvalidInput("nothing to report yet; label, fit and calibrate first")
    job.session.check_free()
    job.tracer.save_report(path, table=job.home_table)
    display(Lines([f"Report written to {path}: open it in a browser, no network is needed."]))


def load(space: Workspace, job: Job, line: Line) -> None:
    """Take a saved router, in the place of the job of that name, and show its card."""
    from tracer_nb.steps.route.saved import load as load_router  # noqa: PLC0415

    path, name = _file(line, "intents.tracer"), line.name
    loaded = load_router(path, **read_settings(line.args, None, None, space.variables))
    taken = Job(loaded=loaded)
    space.keys.give(taken, loaded.teacher, wanted=bool(line.args.ask_key), asks=False)
    lines = []
    if job.tracer is not None:
        lines.append(
            f"It takes the place of the job {name!r}, whose answers stay in the store; --name "
            "keeps several."
        )
    space.jobs[name] = taken
    display(_card(loaded, lines))


def _card(loaded: Any, more: Sequence[str] = ()) -> Any:
    """What a router from a file is and promises, and what else is to be said."""
    from tracer_nb.magics.show import RouterCard  # noqa: PLC0415
    from tracer_nb.steps.origin import certificates_of  # noqa: PLC0415
    from tracer_nb.words import saved_lines  # noqa: PLC0415

    certificate, others = certificates_of(loaded.router)
    origin = certificate.origin
    lines = saved_lines(loaded.about, certificate)
    lines += [note for note in (loaded.warning, "" if origin is None else origin.note) if note]
    return RouterCard([*lines, *more], certificate, others)


def _file(line: Line, example: str) -> str:
    """The file that a line names."""
    path = unquote(line.operand.strip())
    if not path:
        raise InvalidInput(f"name a file: %tracer {line.step.name} {example}")
    return path


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
    asks = source is not None or audits or line.drains
    space.keys.give(job, teacher, wanted=bool(line.args.ask_key), asks=asks)
    if line.drains:
        _drain(loaded, line)
    elif audits:
        show_watch(loaded, line, {})
    elif routes and source is not None:
        _route(space, loaded, line, source)
    else:
        display(_card(loaded))


def _drain(loaded: Any, line: Line) -> None:
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import drained_lines  # noqa: PLC0415

    display(Lines(drained_lines(loaded.drain(**read_caps(line.args)))))


def _route(space: Workspace, loaded: Any, line: Line, source: Source) -> None:
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import count, spent_sentence, stopped_sentence  # noqa: PLC0415

    args = line.args
    space.check_free(args.output, overwrite=bool(args.overwrite))
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
