"""Features as the engine takes them: blocks of rows, one row per distinct text."""

from __future__ import annotations

import hashlib
import reprlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine import ExtraRows
from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.features import Features, FunctionFeatures
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import sets_of
from tracer_nb.steps.column.frames import Texts
from tracer_nb.words import count

__all__ = [
    "Blocks",
    "Once",
    "as_blocks",
    "column_features",
    "features_key",
    "featurize",
    "name_rows",
    "ready_matrix",
    "rows_of",
    "take",
]

T = TypeVar("T")

# Matrices that describe the same rows, each of shape (n, d).
Blocks = list[Any]


class Once(Generic[T]):
    """What takes long is made when it is first asked for, once, whichever thread asks.

    Examples
    --------
    >>> texts = Once(lambda: print("reading") or ["a text"])
    >>> texts(), texts()
    reading
    (['a text'], ['a text'])
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._lock = threading.Lock()
        self._make = make
        self._made: list[T] = []

    def __call__(self) -> T:
        """What was made."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


def features_key(made_by: Features | None, X: Blocks) -> str:
    """What tells features from others: their name, and of a matrix or a function's the values.

    Values of the own ones may differ in the last digit from machine to machine.
    """
    if made_by is not None and made_by.kind != FunctionFeatures.kind:
        return made_by.name
    digest = hashlib.sha256()
    for block in X:
        if sparse.issparse(block):  # a dense one might not fit
            rows = sparse.csr_matrix(block)
            parts = [rows.indptr, rows.indices, rows.data.astype(np.float32)]
        else:
            parts = [np.asarray(block, dtype=np.float32)]
        for part in parts:
            digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def ready_matrix(features: Any) -> Blocks:
    """A ready matrix, (rows, d), or a list of several; values are checked where they are used.

    Raises
    ------
    InvalidInput
        Not two-dimensional.
    """
    several = isinstance(features, (list, tuple)) and len(features) > 0
    if several and all(getattr(block, "ndim", 0) == 2 for block in features):
        return [_matrix(block) for block in features]
    return [_matrix(features)]


def _matrix(features: Any) -> Any:
    if sparse.issparse(features):
        return sparse.csr_matrix(features)
    try:
        matrix = np.asarray(features)
    except ValueError:  # rows of several lengths
        matrix = np.empty(0)
    if matrix.ndim != 2:
        raise InvalidInput(
            "features must be 'auto', 'wordllama', 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or "
            f"a matrix with one row per row of the column, got {' '.join(reprlib.repr(features).split())}"
        )
    return matrix


def rows_of(blocks: Blocks, texts: Texts) -> Blocks:
    """Features of the distinct texts, (n_unique, d); equal texts take their first row's.

    Raises
    ------
    InvalidInput
        Another number of rows than the column, or values that are not finite.
    """
    for block in blocks:
        if block.shape[0] != texts.n_rows:
            raise InvalidInput(
                f"the features matrix has {count(block.shape[0], 'row')}, the column {texts.n_rows:,}; "
                "give one row of features per row"
            )
    first = np.unique(texts.codes[texts.usable], return_index=True)[1]
    return check_blocks([block[texts.usable[first]] for block in blocks])


def as_blocks(made: Any) -> Blocks:
    """What features made of texts, as a list of blocks."""
    return list(made) if isinstance(made, (list, tuple)) else [made]


def featurize(texts: Texts, made_by: Features | None, given: Any, missing: str) -> Blocks:
    """Features of the distinct texts of new rows, (n_unique, d).

    Parameters
    ----------
    texts : Texts
    made_by : Features or None
        None where they are the user's own, who then gives theirs.
    given : matrix, list of several, or None
    missing : str
        What to say when they are not given.

    Raises
    ------
    InvalidInput
        Features are missing, given in vain, or do not fit the rows.
    """
    if made_by is None:
        if given is None:
            raise InvalidInput(missing)
        return rows_of(ready_matrix(given), texts)
    if given is not None:
        raise InvalidInput(f"features are made by {made_by.name!r}; leave features out")
    return as_blocks(made_by.transform(texts.plain))


def column_features(texts: Texts, made_by: Features | None, matrix: Blocks | None) -> Once[Blocks]:
    """Features of a column's distinct texts, made when they are needed.

    A ready matrix is looked at now, before anything is paid.
    """
    if matrix is not None:
        ready = rows_of(matrix, texts)
        return Once(lambda: ready)
    assert made_by is not None  # noqa: S101  the other way to have them

    def make() -> Blocks:
        return as_blocks(made_by.fit(texts.plain).transform(texts.plain))

    return Once(make)


def take(blocks: Blocks, rows: NDArray[np.generic]) -> Blocks:
    """These rows of every block."""
    return [block[rows] for block in blocks]


def name_rows(
    made_by: Features | None, texts: Mapping[str, str], classes: Sequence[str] = ()
) -> ExtraRows | None:
    """Features of what the labels are called, by label, as rows to fit on; None where nothing makes them.

    They are no rows of the column and no answers: a text that is equal to a name is open like
    any other. A user's function may know the column's texts alone, so it is not asked. Where a
    row may have several of ``classes``, each name stands for the set of it alone.
    """
    if made_by is None or isinstance(made_by, FunctionFeatures):
        return None
    sets = sets_of(classes)
    named = [*texts] if sets is None else [sets.spelled([name]) for name in texts]
    labels = np.array(named, dtype=object)
    return ExtraRows(as_blocks(made_by.transform([*texts.values()])), labels)
