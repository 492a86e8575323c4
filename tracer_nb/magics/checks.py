"""What stands between a line and a job: lines that cannot be done change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line
from tracer_nb.magics.names import Source
from tracer_nb.magics.steps import STEPS

__all__ = ["check_begun", "check_loaded", "check_named", "check_step", "check_work", "undoing"]


def check_named(line: Line, jobs: Mapping[str, Job]) -> None:
    """Refuse a step of a job that is not there, where there are others."""
    begun = [name for name, job in jobs.items() if job.tracer or job.loaded]
    goes_on = "job" in line.step.needs and line.args.teacher is None
    if goes_on and begun and line.name not in begun:
        raise InvalidInput.unknown_name("job", line.name, begun)


def check_step(line: Line, source: Source | None, job: Job) -> None:
    """Refuse a step that needs labels where the job has none, or those of another column."""
    step = line.step
    if job.loaded is not None and line.args.teacher is None:
        takes = [other.name for other in STEPS.values() if "router" in other.needs]
        raise InvalidInput(
            f"{step.name} needs the labels that the router was made from, and a file has none; a "
            f"loaded router takes {_listed(takes)}. A line with --teacher begins a job of its own"
        )
    if "labels" in step.needs and source is not None and not source.is_same(job.home):
        raise InvalidInput(
            f"{step.name} goes on with the labelled column, which is not {line.operand}; "
            f"first write %tracer label {line.operand}"
        )


def check_begun(line: Line, settings: Mapping[str, Any], job: Job) -> None:
    """Refuse to show a job that no line has begun."""
    if line.step.looks and job.tracer is None and not settings:
        raise InvalidInput("no job yet; start with %tracer plan df.text --teacher …")


def check_work(line: Line, settings: Mapping[str, Any], job: Job) -> None:
    """Refuse settings that would put work away, on a line that only shows."""
    dry = line.args.dry_run
    if (line.step.shows or dry) and job.would_begin_anew(settings):
        raise _would_begin_anew(settings, f"{line.step.name} --dry-run" if dry else line.step.name)


def check_loaded(settings: Mapping[str, Any]) -> None:
    """Refuse settings that a loaded router would not heed."""
    if settings:
        then = (
            "name its teacher with %tracer load FILE --teacher …"
            if "teacher" in settings
            else "leave it out"
        )
        raise InvalidInput(
            f"{_options(settings)}: a loaded router was made with its own settings; {then}"
        )


@contextmanager
def undoing(job: Job, settings: dict[str, Any], line: Line) -> Iterator[None]:
    """A line that cannot be done leaves the job as it was."""
    before = replace(job)
    try:
        yield
    except InvalidInput:
        job.undo(before, settings)
        raise
    except NotFitted as error:
        if before.tracer is None or job.tracer is before.tracer:
            raise
        # A setting made another Tracer, of which nothing is done: the one before comes back.
        job.undo(before, {})
        raise _would_begin_anew(settings, line.step.name) from error


def _would_begin_anew(settings: Mapping[str, Any], verb: str) -> InvalidInput:
    return InvalidInput(
        f"{_options(settings)} would begin another job, of which nothing is done for {verb} to use; "
        "the job is as it was. Leave it out, give it to label or run, or name another job: --name NEW"
    )


def _options(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(settings))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
