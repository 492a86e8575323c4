"""Steps of the job: from plan to route, and what comes after: gaps, audit, reask, review and update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.live.task import Reins
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line, check_only
from tracer_nb.magics.names import read_caps, read_sample, read_source, unquote
from tracer_nb.magics.workspace import Workspace, made, note_of

__all__ = [
    "audit",
    "back",
    "calibrate",
    "fit",
    "gaps",
    "label",
    "panel",
    "plan",
    "reask",
    "review",
    "route",
    "run",
    "show_watch",
    "update",
]


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
    """Ask the teacher about rows of the column."""
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
    del line
    from tracer_nb.magics.show import Trials, placed  # noqa: PLC0415

    with placed(live=space.in_kernel) as place:
        place.show(Trials(made(job).fit(on_progress=place.tell).trials))
    job.session.look(anew=True)


def calibrate(space: Workspace, job: Job, line: Line) -> None:
    """Certify a threshold; where hard rows were chosen, ask about those of the test."""
    del line
    tracer, caps = made(job), asdict(job.caps)
    if tracer.labelling == "hard-first":

        def work(reins: Reins) -> None:
            tracer.calibrate(**caps, on_progress=reins.on_progress, stop=reins.stop)

        space.follow(job, work, lambda: _card(tracer))
        return
    tracer.calibrate()
    job.session.look(anew=True)
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
        space.assign(job, source, args.output)

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


def gaps(space: Workspace, job: Job, line: Line) -> None:
    """Show where surrogate and teacher part, or where two fits differ."""
    from tracer_nb.magics.show import DifferenceTables, GapTables  # noqa: PLC0415

    if line.args.against is not None:
        before = _other(space, unquote(line.args.against), job)
        display(DifferenceTables(made(job).differences(before)))
        return
    display(GapTables(made(job).gaps(job.home_table)))
    job.session.look()


def audit(space: Workspace, job: Job, line: Line) -> None:
    """Ask about handled rows drawn by chance."""
    tracer = made(job)
    show_watch(tracer, line, asdict(tracer.caps_left(job.caps)), lambda: space.renew(job))
    job.session.look()


def show_watch(
    router: Any, line: Line, caps: dict[str, Any], after: Callable[[], list[str]] = list
) -> None:
    """Audit as the line says, and show what all audits tell."""
    from tracer_nb.charts import watch_chart  # noqa: PLC0415
    from tracer_nb.magics.show import Drawn  # noqa: PLC0415
    from tracer_nb.words import watch_lines  # noqa: PLC0415

    options = _given(line, caps, {"rate": line.args.rate, "on_alarm": line.args.on_alarm})
    before = router.watch()
    watch = router.audit(**options)
    alt = "Agreement on audited texts over the number of audits"
    lines = [*watch_lines(watch, before), *note_of(router), *after()]
    display(Drawn(lines, watch_chart(watch), alt))


def reask(space: Workspace, job: Job, line: Line) -> None:
    """Ask about sampled rows again."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import reask_lines, reask_plan_lines  # noqa: PLC0415

    del space
    tracer = made(job)
    options = _given(line, asdict(tracer.caps_left(job.caps)), {"rows": line.args.rows})
    if line.args.dry_run:
        plan = reask_plan_lines(tracer.plan_reask(**options))
        display(Lines([*plan, "Nothing was asked or paid."]))
        return
    display(Lines([*reask_lines(tracer.reask(**options)), *note_of(tracer)]))
    job.session.look()


def update(space: Workspace, job: Job, line: Line) -> None:
    """Fit again, certify on fresh rows, and route again."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.widgets import UpdateCard  # noqa: PLC0415
    from tracer_nb.words import update_plan_lines  # noqa: PLC0415

    tracer, cards = made(job), []
    given = {"sample": read_sample(line.args.sample), "ask_teacher": line.args.ask}
    plan = update_plan_lines(tracer.plan_update(sample=given["sample"]))
    if line.args.dry_run:
        display(Lines([*plan, "Nothing was asked or paid."]))
        return
    display(Lines(plan))
    options = _given(line, asdict(tracer.caps_left(job.caps)), given)

    def work(reins: Reins) -> None:
        before = tracer.outcome
        found = tracer.update(**options, on_progress=reins.on_progress, stop=reins.stop)
        anew = line.args.output or tracer.outcome is not before
        name = space.assign(job, job.home, line.args.output) if anew else ""
        follows = [f"{name} is the frame of this routing."] if name else []
        cards.append(UpdateCard(found, [*note_of(tracer), *follows]))

    space.follow(job, work, lambda: cards[0])
    if space.in_kernel:  # where the panel shows where the job stands
        display(cards[0])


def back(space: Workspace, job: Job, line: Line) -> None:
    """Put the certificate from before the last update in force again."""
    del line
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import back_lines  # noqa: PLC0415

    tracer, lines = made(job), []

    def work(reins: Reins) -> None:
        del reins
        before = tracer.outcome
        lines.extend(back_lines(tracer.back(), tracer.earlier))
        if tracer.outcome is not before and (name := space.assign(job, job.home, None)):
            lines.append(f"{name} is the frame of this routing.")

    space.follow(job, work, lambda: Lines(lines))
    if space.in_kernel:  # where the panel shows where the job stands
        display(Lines(lines))


def review(space: Workspace, job: Job, line: Line) -> None:
    """Show rows to judge one at a time, or write what was said to the file that is named."""
    if line.table:
        _export(job, line)
        return
    from tracer_nb.widgets import ReviewPanel  # noqa: PLC0415

    del space
    given = {name: getattr(line.args, name) for name in ("of", "rows", "blind", "against")}
    options = {name: value for name, value in given.items() if value is not None}
    ReviewPanel(made(job).review(**options)).show()


def _export(job: Job, line: Line) -> None:
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import written_lines  # noqa: PLC0415

    what = f"review {line.table} writes what was said, and heeds --escape and --name alone"
    check_only(line, what, ("escape",))
    if job.tracer is None:
        raise InvalidInput("no job yet; start with %tracer label df.text --teacher …")
    written = job.tracer.export_reviews(line.table, escape=bool(line.args.escape))
    display(Lines(written_lines("review", written.rows, written.formulas, line.table)))


def _given(line: Line, caps: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a step beside the job: what the line gives, else the caps that are left."""
    given = {**options, **read_caps(line.args)}
    return {**caps, **{name: value for name, value in given.items() if value is not None}}


def _other(space: Workspace, name: str, job: Job) -> Any:
    """The Tracer of another job."""
    others = {n: j.tracer for n, j in space.jobs.items() if j is not job and j.tracer is not None}
    if name not in others:
        raise InvalidInput.unknown_name("other job", name, others)
    space.jobs[name].session.check_free()
    return others[name]
