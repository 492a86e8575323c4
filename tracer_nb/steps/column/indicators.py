"""Several labels a row as a column of True and False for each label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.steps.column.frames import column_names, is_missing, label_frame, read_cells

__all__ = ["indicators"]


def indicators(frame: Any, labels: Iterable[str] | None = None, *, column: str = "label") -> Any:
    """A frame with a column ``label=NAME`` of True and False for each label.

    Parameters
    ----------
    frame : pandas, polars or pyarrow dataframe
        With a column of lists, as ``Tracer(..., several=True)`` makes it.
    labels : iterable of str, optional
        Which, and in which order; by default those that occur, by name.
    column : str
        The column of lists.

    Returns
    -------
    dataframe
        Of the same kind; missing where the row has no answer.

    Raises
    ------
    InvalidInput
        No such column, or one that holds no lists.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = indicators(pd.DataFrame({"label": [["card", "fee"], []]}))
    >>> {name: frame[name].tolist() for name in frame.columns[1:]}
    {'label=card': [True, False], 'label=fee': [True, False]}
    """
    if column not in column_names(frame):
        raise InvalidInput.unknown_name("column", column, column_names(frame))
    cells = [_listed(cell, column) for cell in read_cells(frame[column])]
    named = sorted({label for cell in cells for label in cell or ()}) if labels is None else labels
    held = [None if cell is None else frozenset(cell) for cell in cells]
    return label_frame(
        frame,
        {
            f"{column}={label}": [None if cell is None else label in cell for cell in held]
            for label in named
        },
    )


def _listed(cell: Any, column: str) -> list[str] | None:
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if isinstance(cell, (list, tuple)):
        return [str(label) for label in cell]
    if is_missing(cell):
        return None
    raise InvalidInput(
        f"column {column!r} holds {cell!r}, and indicators are made of lists of labels; label with "
        "several=True (--several any)"
    )
