"""Dataframes in and out: one column in, a few label columns out, whatever the library.

A frame is read once and written once. Between the two there are only numpy arrays and row
positions, so an index (non-unique, non-default, none at all) can never misplace a label.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from tracer_nb.documents import make_document, plain_text
from tracer_nb.errors import InvalidInput

__all__ = [
    "EXPLAINED",
    "OUTPUT_COLUMNS",
    "Texts",
    "batch_texts",
    "cell_text",
    "column_names",
    "is_frame",
    "is_missing",
    "label_frame",
    "read_cells",
    "read_column",
    "read_texts",
    "same_texts",
]

OUTPUT_COLUMNS = ("label", "label_source", "label_score", "label_reason")
"""What routing adds to a frame or file."""

EXPLAINED = "label_explanation"
"""What it adds to a job's frame where the teacher was asked to explain its labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column's texts, each distinct one once.

    Attributes
    ----------
    unique : tuple of str
        Distinct texts, stripped, in order of first appearance; where the prompt names other
        columns, documents of a text and its row's cells (:mod:`tracer_nb.documents`).
    codes : ndarray of shape (n_rows,), int
        Index into ``unique`` of every row; -1 where the cell holds no text.
    reasons : dict of int to str
        Why a row holds no text.
    """

    unique: tuple[str, ...]
    codes: NDArray[np.intp]
    reasons: Mapping[int, str]
    has_cells: bool = False

    @property
    def n_rows(self) -> int:
        """Rows of the column, those without text included."""
        return len(self.codes)

    @property
    def plain(self) -> tuple[str, ...]:
        """``unique`` as text alone, for features."""
        return tuple(map(plain_text, self.unique)) if self.has_cells else self.unique

    @property
    def usable(self) -> NDArray[np.intp]:
        """Positions of the rows that hold text."""
        return np.flatnonzero(self.codes >= 0)


def same_texts(a: Texts, b: Texts) -> bool:
    """Whether two columns hold the same texts in the same rows."""
    return a.unique == b.unique and np.array_equal(a.codes, b.codes)


def read_column(frame: Any, name: str) -> Any:
    """The column ``name`` of a pandas, polars or pyarrow frame.

    Raises
    ------
    InvalidInput
        Not a dataframe, or no such column (the nearest names are in the message).
    """
    if not is_frame(frame):
        raise InvalidInput(
            f"expected a dataframe with a column {name!r}, got {type(frame).__name__}; "
            "pass a pandas, polars or pyarrow frame"
        )
    names = column_names(frame)
    if names.count(name) > 1:
        raise InvalidInput(f"the frame has {names.count(name)} columns named {name!r}; rename one")
    if name not in names:
        raise InvalidInput.unknown_name("column", name, names)
    if nw.dependencies.is_pandas_dataframe(frame):
        # By position: narwhals refuses a frame in which any two columns share a name.
        return frame.iloc[:, names.index(name)]
    return nw.from_native(frame, eager_only=True)[name].to_native()


def read_texts(column: Any, table: Any = None, names: Sequence[str] = ()) -> Texts:
    """Read a column or a list of texts.

    Parameters
    ----------
    column : pandas, polars or pyarrow series, numpy array, list or tuple
        Cells that are None, NaN, empty or only white space are kept as rows without text;
        they are never sent anywhere.
    table : dataframe, optional
        Of the same rows, with the columns ``names``.
    names : sequence of str
        Columns whose cells belong to each text, because the prompt speaks of them.

    Returns
    -------
    Texts

    Raises
    ------
    InvalidInput
        Not a column; a cell that is neither text nor missing; no text at all; or a column
        in ``names`` that is not there.
    """
    cells = read_cells(column)
    texts = batch_texts(cells, _cells_beside(column, len(cells), table, names))
    if not cells:
        raise InvalidInput("the column has no rows; pass one with texts")
    if not texts.unique:
        raise InvalidInput(f"all {len(cells)} cells are empty or missing; pass a column with texts")
    return texts


def batch_texts(
    cells: Sequence[Any], beside: Mapping[str, Sequence[str | None]], first: int = 0
) -> Texts:
    """Texts of some rows of a column, of which none need hold any.

    Parameters
    ----------
    cells : sequence
        As of :func:`read_texts`.
    beside : mapping of str to sequence of (str or None)
        Cells that belong to each text, by column.
    first : int
        Number of the first row, for messages.

    Raises
    ------
    InvalidInput
        A cell that is neither text nor missing.
    """
    codes: list[int] = []
    numbers: dict[str, int] = {}
    reasons: dict[int, str] = {}
    for row, cell in enumerate(cells):
        text = _text(cell, first + row)
        if text:
            text = make_document(text, {name: values[row] for name, values in beside.items()})
            codes.append(numbers.setdefault(text, len(numbers)))
        else:
            codes.append(-1)
            reasons[row] = "empty text" if text is not None else "missing text"
    return Texts(tuple(numbers), np.asarray(codes, dtype=np.intp), reasons, bool(beside))


def _cells_beside(
    column: Any, n_rows: int, table: Any, names: Sequence[str]
) -> dict[str, list[str | None]]:
    """Cells of the named columns as text, None where one is missing."""
    if not names:
        return {}
    braces = f"{{{{{names[0]}}}}}"
    if table is None or not is_frame(table):
        raise InvalidInput(
            f"the prompt names the column {braces}, and no dataframe was given to find it in; "
            f"pass table=df, or write \\{braces} for the braces themselves"
        )
    if (own := getattr(column, "name", None)) in names:
        raise InvalidInput(
            f"the prompt names the labelled column as {{{{{own}}}}}; write {{{{text}}}} for it"
        )
    read = {name: read_cells(read_column(table, name)) for name in names}
    if any(len(cells) != n_rows for cells in read.values()):
        raise InvalidInput(
            f"the table has {len(read[names[0]])} rows, the column {n_rows}; take both from one frame"
        )
    return {name: [cell_text(cell) for cell in cells] for name, cells in read.items()}


def cell_text(cell: Any) -> str | None:
    """A cell that belongs to a text, as it stands beside it; None for a missing one."""
    return None if is_missing(cell) else str(cell).strip()


def read_cells(column: Any) -> list[Any]:
    """The cells of a series, array, list or tuple.

    Raises
    ------
    InvalidInput
        None of these.
    """
    if isinstance(column, (list, tuple)):
        return list(column)
    if isinstance(column, np.ndarray) and column.ndim == 1:
        return list(column.tolist())
    try:
        series = nw.from_native(column, series_only=True)
    except TypeError as error:
        raise InvalidInput(
            f"expected a column of texts, got {type(column).__name__}; write df['text'], "
            "or pass a list of strings"
        ) from error
    return list(series.to_list())


def is_frame(value: Any) -> bool:
    """Whether it is a pandas, polars or pyarrow dataframe."""
    if nw.dependencies.is_pandas_dataframe(value):
        return True
    return isinstance(nw.from_native(value, pass_through=True, eager_only=True), nw.DataFrame)


def column_names(frame: Any) -> list[str]:
    """Names of a dataframe's columns, as text; several may be equal in pandas."""
    if nw.dependencies.is_pandas_dataframe(frame):
        return [str(name) for name in frame.columns]
    return list(nw.from_native(frame, eager_only=True).columns)


def is_missing(cell: Any) -> bool:
    """None, NaN of any kind, or pandas' marks for missing cells."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, Number) and bool(cell != cell)  # noqa: PLR0124  NaN


def label_frame(source: Any, columns: Mapping[str, Sequence[Any]]) -> Any:
    """``source`` (a frame, series or list) with ``columns`` added, as a new frame.

    The frame's library, index and order are kept; the user's object is untouched. Columns
    of the same name are replaced in the copy. A series gives a frame of the series and the
    columns; a list, a pandas frame with a column "text".
    """
    if isinstance(source, (list, tuple, np.ndarray)):
        import pandas as pd  # noqa: PLC0415  slow to import

        try:
            source = pd.DataFrame({"text": list(source)})
        except UnicodeError:  # half a surrogate pair, which Arrow's strings cannot hold
            source = pd.DataFrame({"text": list(source)}, dtype=object)
    if nw.dependencies.is_pandas_series(source):
        source = source.to_frame("text" if source.name is None else source.name)
    if nw.dependencies.is_pandas_dataframe(source):
        return _label_pandas(source, columns)
    table = nw.from_native(source, eager_only=True, allow_series=True)
    if isinstance(table, nw.Series):
        table = table.to_frame() if table.name else table.alias("text").to_frame()
    space = nw.get_native_namespace(table)
    added = [
        nw.new_series(name, list(values), _dtype(name, values), backend=space)
        for name, values in columns.items()
    ]
    return table.with_columns(*added).to_native()


def _label_pandas(source: Any, columns: Mapping[str, Sequence[Any]]) -> Any:
    import pandas as pd  # noqa: PLC0415  slow to import

    labelled = source.copy(deep=False)
    upper = [""] * (source.columns.nlevels - 1)
    for name, values in columns.items():
        dtype: Any = "Float64" if name == "label_score" else "string"
        # pandas aligns by index when it adds a series; plain arrays go by position.
        if _has(list, values):
            dtype = object
        elif _has(bool, values):
            dtype = "boolean"
        labelled[(name, *upper) if upper else name] = pd.array(list(values), dtype=dtype)
    return labelled


def _dtype(name: str, values: Sequence[Any]) -> Any:
    if _has(list, values):
        return nw.List(nw.String())
    if _has(bool, values):
        return nw.Boolean()
    return nw.Float64() if name == "label_score" else nw.String()


def _has(kind: type, values: Sequence[Any]) -> bool:
    # Of each type once: a column may have a million cells.
    return any(issubclass(cell, kind) for cell in set(map(type, values)))


def _text(cell: Any, row: int) -> str | None:
    """The stripped text, "" for white space, None for a missing cell."""
    if isinstance(cell, str):
        return cell.strip()
    if is_missing(cell):
        return None
    shown = " ".join(reprlib.repr(cell).split())
    raise InvalidInput(
        f"row {row} holds {shown} ({type(cell).__name__}), not text; "
        "convert the column first, for example df['text'].astype(str)"
    )
