"""Steps of the job: plan, run, label, fit, calibrate, route, and where it stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from IPython.display import display

from tracer_nb.live.session import Reins
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line
from tracer_nb.magics.names import read_source, unquote
from tracer_nb.magics.workspace import Workspace, made

__all__ = ["calibrate", "fit", "label", "panel", "plan", "route", "run"]


def plan(space: Workspace, job: Job, line: Line) -> None:
    """Say what the sample would ask and cost."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import plan_lines  # noqa: PLC0415

    del space
    planned = made(job).plan(
        job.column,
        table=job.table,
        sample=job.sample,
        again=_again(line),
        **asdict(job.caps),
    )
    display(Lines([*plan_lines(planned), "Nothing was asked or paid."]))


def run(space: Workspace, job: Job, line: Line) -> None:
    """Do the whole job."""
    if line.args.dry_run:
        plan(space, job, line)
        return
    job.home = job.source
    work = space.whole(job, line.args.output, line.args.ask, _again(line))
    space.follow(job, work, lambda: _card(made(job)))


def label(space: Workspace, job: Job, line: Line) -> None:
    """Ask the teacher about a random sample."""
    if line.args.dry_run:
        plan(space, job, line)
        return
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import label_lines  # noqa: PLC0415

    tracer, column = made(job), job.column
    job.home = job.source

    def work(reins: Reins) -> None:
        tracer.label(
            column,
            table=job.table,
            sample=job.sample,
            **asdict(job.caps),
            on_progress=reins.on_progress,
            stop=reins.stop,
            go_on=reins.go_on,
            again=_again(line),
        )

    def result() -> Any:
        note = tracer.report.note
        return Lines([*label_lines(tracer.labels), *([note] if note else [])])

    space.follow(job, work, result)


def fit(space: Workspace, job: Job, line: Line) -> None:
    """Fit the surrogate, and show what was tried."""
    del space, line
    from tracer_nb.magics.show import Trials  # noqa: PLC0415

    display(Trials(made(job).fit().trials))
    job.session.look()


def calibrate(space: Workspace, job: Job, line: Line) -> None:
    """Certify a threshold; where hard rows were chosen, ask about those of the test."""
    del line
    tracer, caps = made(job), asdict(job.caps)
    if job.settings.get("labelling") == "hard-first":

        def work(reins: Reins) -> None:
            tracer.calibrate(**caps, on_progress=reins.on_progress, stop=reins.stop)

        space.follow(job, work, lambda: _card(tracer))
        return
    tracer.calibrate()
    job.session.look()
    display(_card(tracer))


def route(space: Workspace, job: Job, line: Line) -> None:
    """Label every row of the column, or of another one that the line names."""
    tracer, args = made(job), line.args
    source = read_source(line.operand, space.variables) or job.home

    def work(reins: Reins) -> None:
        tracer.route(
            None if source is None else source.column,
            table=None if source is None else source.frame,
            target=args.at,
            **asdict(tracer.caps_left(job.caps)),
            ask_teacher=args.ask,
            on_progress=reins.on_progress,
            stop=reins.stop,
            again=_again(line),
        )
        space.assign(tracer, source, args.output)

    space.follow(job, work, lambda: _card(tracer))


def panel(space: Workspace, job: Job, line: Line) -> None:
    """Open the workspace of the job; where no page can show, say where the job stands."""
    del line
    if not space.in_kernel:
        display(_card(made(job)))
        return
    space.prepare(job)
    space.look(job)


def _again(line: Line) -> str | None:
    """Which texts are asked about again."""
    return None if line.args.again is None else unquote(line.args.again)


def _card(tracer: Any) -> Any:
    from tracer_nb.widgets import Card  # noqa: PLC0415

    return Card(tracer.report)
