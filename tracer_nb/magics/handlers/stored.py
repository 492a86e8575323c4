"""Steps about what is kept elsewhere: batches, stored answers, and logs of past calls."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import TABLES, Line, check_only
from tracer_nb.magics.names import read_settings, unquote
from tracer_nb.magics.workspace import Workspace, made, note_of

__all__ = ["cancel", "collect", "compare", "export", "list_batches", "list_sets", "scan", "submit"]


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
    from tracer_nb.labelling.book import all_batches  # noqa: PLC0415
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


def compare(space: Workspace, job: Job, line: Line) -> None:
    """Say where two sets of stored answers differ."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.store.ledger import compare_sets  # noqa: PLC0415
    from tracer_nb.words import comparison_lines  # noqa: PLC0415

    del space, job
    keys = line.operand.split()
    if len(keys) != 2:
        raise InvalidInput("name two sets: %tracer store compare KEY KEY, see %tracer store list")
    with _opened(line) as store:
        display(Lines(comparison_lines(compare_sets(store, *keys))))


def list_sets(space: Workspace, job: Job, line: Line) -> None:
    """List the sets of stored answers, or the runs of one."""
    from tracer_nb.magics.show import AnswerRuns, AnswerSets  # noqa: PLC0415
    from tracer_nb.store.ledger import answer_runs, answer_sets  # noqa: PLC0415

    del space, job
    key = line.operand
    if key and not _is_key(key):
        raise InvalidInput(
            f"{key!r} is no key of a set of answers; %tracer store list shows the keys, and "
            "%tracer store export FILE.csv writes the answers"
        )
    with _opened(line) as store:
        if key:
            display(AnswerRuns(answer_runs(store, key)))
        else:
            display(AnswerSets(answer_sets(store), str(store.path)))


def export(space: Workspace, job: Job, line: Line) -> None:
    """Write all stored answers to a file."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.store.ledger import export_answers  # noqa: PLC0415
    from tracer_nb.words import written_lines  # noqa: PLC0415

    del space, job
    file = unquote(line.operand.strip())
    if not file.endswith(TABLES):
        raise InvalidInput(
            f"name a .csv or .parquet file to write: %tracer store export answers.csv; got {file!r}"
        )
    with _opened(line) as store:
        written = export_answers(store, file, escape=bool(line.args.escape))
        display(Lines(written_lines("answer", written.rows, written.formulas, file)))


def _opened(line: Line) -> Any:
    from tracer_nb.store import LabelStore  # noqa: PLC0415

    return LabelStore(None if line.args.store is None else unquote(line.args.store))


def _is_key(words: str) -> bool:
    """Whether these are the digits that name a set of answers, and not a file."""
    return bool(words) and not set(words) - set("0123456789abcdef")


_OPTIONS = ("confidence", "features", "seed")


def scan(space: Workspace, job: Job, line: Line) -> None:
    """Scan the log that the line names, a file or a variable, and show what it says.

    Raises
    ------
    InvalidInput
        No log is named, or it cannot be read.
    """
    from tracer_nb.magics.show import Lines, placed  # noqa: PLC0415
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

    with placed(live=space.in_kernel) as place:
        columns = _columns(args.columns)
        found = scan_logs(source, columns=columns, on_progress=place.tell, **options)
        place.show(Lines(scan_lines(found)))


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
