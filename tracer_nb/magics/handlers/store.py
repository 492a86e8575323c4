"""Steps about stored answers: what there is, where two sets differ, and a file of all."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import TABLES, Line
from tracer_nb.magics.names import unquote
from tracer_nb.magics.workspace import Workspace

__all__ = ["compare", "labels"]


def compare(space: Workspace, job: Job, line: Line) -> None:
    """Say where two sets of stored answers differ."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.teachers.comparing import compare_sets  # noqa: PLC0415
    from tracer_nb.words import comparison_lines  # noqa: PLC0415

    del space, job
    keys = line.operand.split()
    if len(keys) != 2:
        raise InvalidInput("name two sets: %tracer compare KEY KEY, see %tracer labels")
    with _opened(line) as store:
        display(Lines(comparison_lines(compare_sets(store, *keys))))


def labels(space: Workspace, job: Job, line: Line) -> None:
    """List the sets of stored answers, or the runs of one, or write all to a file."""
    from tracer_nb.magics.show import AnswerRuns, AnswerSets, Lines  # noqa: PLC0415
    from tracer_nb.teachers.exporting import export_answers  # noqa: PLC0415
    from tracer_nb.teachers.ledger import answer_runs, answer_sets  # noqa: PLC0415
    from tracer_nb.words import written_lines  # noqa: PLC0415

    del space, job
    words = line.operand
    with _opened(line) as store:
        if _is_key(words):
            display(AnswerRuns(answer_runs(store, words)))
        elif words:
            file = unquote(words.strip())
            if not file.endswith(TABLES):
                raise InvalidInput(
                    f"{file!r} is no key of a set of answers and no .csv or .parquet file to "
                    "write; %tracer labels shows the keys"
                )
            written = export_answers(store, file, escape=bool(line.args.escape))
            display(Lines(written_lines("answer", written.rows, written.formulas, file)))
        else:
            display(AnswerSets(answer_sets(store), str(store.path)))


def _opened(line: Line) -> Any:
    from tracer_nb.teachers import LabelStore  # noqa: PLC0415

    return LabelStore(None if line.args.store is None else unquote(line.args.store))


def _is_key(words: str) -> bool:
    """Whether these are the digits that name a set of answers, and not a file."""
    return bool(words) and not set(words) - set("0123456789abcdef")
