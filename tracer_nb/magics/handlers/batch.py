"""Steps about batches: submit, collect, list and cancel."""

from __future__ import annotations

from dataclasses import asdict

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line, check_only
from tracer_nb.magics.names import unquote
from tracer_nb.magics.workspace import Workspace, made, note_of

__all__ = ["cancel", "collect", "list_batches", "submit"]


def submit(space: Workspace, job: Job, line: Line) -> None:
    """Send the sample, or what was deferred, to the server's batch endpoint."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import submit_plan_lines, submitted_lines  # noqa: PLC0415

    del space
    tracer, caps, deferred = made(job), asdict(job.caps), line.args.deferred
    given = line.operand or ("" if line.args.sample is None else "--sample")
    if deferred and given:
        raise InvalidInput(
            f"batch submit --deferred sends what the last route left to the teacher; leave {given} out"
        )
    if line.args.dry_run:
        planned = (
            tracer.plan_submit_deferred(**caps)
            if deferred
            else tracer.plan_submit(job.column, table=job.table, sample=job.sample, **caps)
        )
        display(Lines([*submit_plan_lines(planned), "Nothing was sent or paid."]))
        return
    if deferred:
        submitted = tracer.submit_deferred(**caps)
    else:
        submitted = tracer.submit(job.column, table=job.table, sample=job.sample, **caps)
    display(Lines([*submitted_lines(submitted), *note_of(tracer)]))


def collect(space: Workspace, job: Job, line: Line) -> None:
    """Bring in the answers of batches that are done."""
    del space, line
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import collected_lines  # noqa: PLC0415

    tracer = made(job)
    display(Lines([*collected_lines(tracer.collect()), *note_of(tracer)]))


def list_batches(space: Workspace, job: Job, line: Line) -> None:
    """List the batches under way: of the job, or without one of the whole store."""
    del space
    from tracer_nb.magics.show import BatchTable  # noqa: PLC0415

    if job.tracer is not None:
        display(BatchTable(job.tracer.batches()))
        return
    what = "without a job batch list lists all of a store, and heeds --store alone"
    check_only(line, what, ("store",))
    from tracer_nb.labelling.batch.book import all_batches  # noqa: PLC0415
    from tracer_nb.store import LabelStore  # noqa: PLC0415

    with LabelStore(None if line.args.store is None else unquote(line.args.store)) as store:
        display(BatchTable(all_batches(store)))


def cancel(space: Workspace, job: Job, line: Line) -> None:
    """Cancel the batch that the line names."""
    del space
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.words import batch_sentence  # noqa: PLC0415

    if not line.operand:
        raise InvalidInput("name a batch: %tracer batch cancel BATCH, see %tracer batch list")
    display(Lines([batch_sentence(made(job).cancel(line.operand))]))
