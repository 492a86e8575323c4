"""What comes over the wire: JSON to rows that a router can take, and results to JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracer_nb.serve.limits import Limits, Refused

__all__ = ["Rows", "encode", "read_batch", "read_row"]

Cells = Mapping[str, str | None]


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``/predict``."""

    text: str | msgspec.UnsetType | None = msgspec.UNSET
    vector: list[float] | msgspec.UnsetType = msgspec.UNSET
    cells: dict[str, str | None] = {}


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``/predict_batch``."""

    texts: list[str | None] | msgspec.UnsetType = msgspec.UNSET
    vectors: list[list[float]] | msgspec.UnsetType = msgspec.UNSET
    cells: dict[str, list[str | None]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one request, in its order.

    Attributes
    ----------
    texts : sequence of (str or None), or None
        None for a row without text; None instead where there are vectors alone.
    vectors : ndarray of shape (n, d), float32, or None
    cells : mapping of str to sequence of (str or None)
        Cells of the columns that the prompt names, by column.
    """

    texts: Sequence[str | None] | None
    vectors: NDArray[np.float32] | None
    cells: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.texts is not None:
            return len(self.texts)
        return 0 if self.vectors is None else len(self.vectors)

    @property
    def table(self) -> Any:
        """The cells as a dataframe; None where there are none."""
        if not self.cells:
            return None
        import pandas as pd  # noqa: PLC0415  few prompts name columns

        return pd.DataFrame(dict(self.cells), dtype=object)

    def part(self, rows: slice) -> Rows:
        """Some of the rows."""
        return Rows(
            None if self.texts is None else self.texts[rows],
            None if self.vectors is None else self.vectors[rows],
            {name: cells[rows] for name, cells in self.cells.items()},
        )


_encoder = msgspec.json.Encoder()
_row_decoder = msgspec.json.Decoder(_Row)
_batch_decoder = msgspec.json.Decoder(_Batch)


def encode(content: Any) -> bytes:
    """One line of JSON."""
    return _encoder.encode(content) + b"\n"


def read_row(body: bytes, width: int | None, limits: Limits, named: Sequence[str] = ()) -> Rows:
    """The row of a ``/predict`` request.

    Parameters
    ----------
    body : bytes
    width : int or None
        Numbers of a vector; None where the router takes none.
    limits : Limits
    named : sequence of str
        Columns that the prompt names.

    Raises
    ------
    Refused
        No such JSON, or a row that the router cannot take.
    """
    said = _decoded(_row_decoder, body, '{"text": "…"} or {"vector": [0.1, …]}')
    texts = vectors = None
    if said.vector is not msgspec.UNSET:
        vectors = _matrix([said.vector], width, "vector")
    if said.text is not msgspec.UNSET:
        texts = [said.text]
    rows = Rows(texts, vectors, {name: [cell] for name, cell in said.cells.items()})
    return _checked(rows, limits, '"text" or a "vector"', named)


def read_batch(body: bytes, width: int | None, limits: Limits, named: Sequence[str] = ()) -> Rows:
    """The rows of a ``/predict_batch`` request; see :func:`read_row`."""
    said = _decoded(_batch_decoder, body, '{"texts": ["…", …]} or {"vectors": [[0.1, …], …]}')
    texts = vectors = None
    if said.texts is not msgspec.UNSET:
        texts = said.texts
        _check_rows(len(texts), limits)
    if said.vectors is not msgspec.UNSET:
        _check_rows(len(said.vectors), limits)
        vectors = _matrix(said.vectors, width, "vectors")
    return _checked(Rows(texts, vectors, said.cells), limits, '"texts" or "vectors"', named)


def _decoded(decoder: Any, body: bytes, form: str) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refused(422, f"{error}; send {form}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if isinstance(error, UnicodeDecodeError):
            why = "it is no UTF-8"
        elif str(error) == "Input data was truncated" and b"\\u" in body:
            why = "JSON ends too early, or half of a surrogate pair stands alone"
        else:
            why = str(error) or "JSON is nested too deeply"
        raise Refused(400, f"{why}; send {form}, in UTF-8") from error


def _check_rows(n: int, limits: Limits) -> None:
    if n > limits.batch:
        raise Refused(
            413, f"{n:,} rows are above the limit of {limits.batch:,}; send fewer at a time"
        )


def _matrix(vectors: list[list[float]], width: int | None, name: str) -> NDArray[np.float32]:
    if width is None:
        raise Refused(
            422, f"this router makes its features of texts and takes no {name}; send texts"
        )
    for i, vector in enumerate(vectors):
        if len(vector) != width:
            where = f"vectors[{i}]" if name == "vectors" else name
            raise Refused(
                422,
                f"{where} has {len(vector):,} numbers and the router was made on vectors of {width:,}; "
                "use the same embedding model",
            )
    with np.errstate(over="ignore"):  # what overflows is refused below
        matrix = np.array(vectors, dtype=np.float32).reshape(len(vectors), width)
    if not np.isfinite(matrix).all():
        raise Refused(422, f"{name} holds numbers beyond 3e38; send finite ones")
    return matrix


def _checked(rows: Rows, limits: Limits, what: str, named: Sequence[str]) -> Rows:
    if rows.texts is None and rows.vectors is None:
        raise Refused(422, f"neither of {what} is there; send one of them".replace(" or ", " and "))
    if rows.texts is not None:
        if rows.vectors is not None and len(rows.texts) != len(rows.vectors):
            raise Refused(
                422,
                f"there are {len(rows.texts):,} texts and {len(rows.vectors):,} vectors; send one each a row",
            )
        for i, text in enumerate(rows.texts):
            if text is not None and len(text) > limits.text:
                raise Refused(
                    413,
                    f"text {i} has {len(text):,} characters, above the limit of {limits.text:,}; cut it",
                )
    for name, cells in rows.cells.items():
        if name not in named:
            raise Refused(
                422,
                f"cells holds {name!r:.60}, and the columns that the prompt names are: "
                f"{', '.join(named) or 'none'}; leave it out",
            )
        if rows.texts is None or len(cells) != len(rows):
            raise Refused(
                422, f"cells {name!r:.60} are {len(cells):,} for {len(rows):,} texts; send one each"
            )
        if any(cell is not None and len(cell) > limits.text for cell in cells):
            raise Refused(
                413, f"a cell of {name!r:.60} is longer than {limits.text:,} characters; cut it"
            )
    return rows
