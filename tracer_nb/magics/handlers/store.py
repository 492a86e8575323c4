"""Steps about stored answers: what there is, where two sets differ, and a file of all."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import TABLES, Line
from tracer_nb.magics.names import unquote
from tracer_nb.magics.workspace import Workspace

__all__ = ["compare", "export", "list_sets"]


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
