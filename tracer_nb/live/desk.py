"""What a panel has written for it: the router, the rows, each in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from tracer_nb.errors import InvalidInput
from tracer_nb.store.tables import write_table

__all__ = ["KINDS", "Kept", "free_path", "write_router", "write_rows"]

KINDS = ("csv", "parquet")
"""Formats of rows."""


class Kept(Protocol):
    """What is asked of a Tracer to be written."""

    def save(self, path: Path) -> None:
        """Write the router to a file."""

    def frame_now(self, source: Any) -> Any:
        """What was routed last, with the output columns and all that the teacher said since."""


def free_path(stem: str, ending: str) -> Path:
    """A file of that name in the present folder that does not exist yet: nothing is overwritten."""
    path, n = Path(f"{stem}.{ending}"), 1
    while path.exists():
        n += 1
        path = Path(f"{stem}-{n}.{ending}")
    return path


def write_router(tracer: Kept) -> Path:
    """Write router, certificates and features; the file."""
    path = free_path("router", "tracer")
    tracer.save(path)
    return path


def write_rows(tracer: Kept, table: Any, kind: str) -> tuple[Path, int]:
    """Write every row of ``table``, which was routed last, with label, source, score and reason.

    The file, and how many of its cells a spreadsheet may run as formulas. A CSV file has lists with
    "; " between their parts, and nothing for what is missing.

    Raises
    ------
    InvalidInput
        Another kind, a column that stands in no frame, or a file that cannot be written.
    """
    if kind not in KINDS:
        raise InvalidInput.unknown_name("kind of file", kind, KINDS)
    if table is None:
        raise InvalidInput(
            "the column stands in no frame, so there are no rows to write; tracer.frame_now(column) "
            "has the labels"
        )
    import narwhals as nw  # noqa: PLC0415  slow to import

    frame = nw.from_native(tracer.frame_now(table), eager_only=True)
    path = free_path("routed", kind)
    if kind == "csv":
        rows = (
            {name: _cell(value) for name, value in row.items()}
            for row in frame.iter_rows(named=True)
        )
        return path, write_table(path, frame.columns, rows).formulas
    try:
        frame.write_parquet(str(path))
    except ImportError as error:
        raise InvalidInput(f"{kind} cannot be written here: {error}") from error
    except OSError as error:
        raise InvalidInput.cannot_write(path, error) from error
    return path, 0


def _cell(value: Any) -> Any:
    """A value as a cell of a CSV file has it."""
    if isinstance(value, str):
        return value
    value = value.tolist() if hasattr(value, "tolist") else value  # of numpy
    if isinstance(value, (list, tuple)):
        return "; ".join(str(_cell(part)) for part in value)
    # Missing is None, or what does not equal itself: nan, NaT; pandas' NA does not even say.
    return "" if value is None or str(value) == "<NA>" or value != value else value  # noqa: PLR0124
