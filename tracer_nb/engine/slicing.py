"""Groups of rows on which the surrogate fails the teacher more often than elsewhere.

Groups that a person could name: by a word, by length, by another column, by likeness. Tested with
false discoveries bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats
from sklearn.cluster import MiniBatchKMeans
from sklearn.feature_extraction.text import CountVectorizer

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Slice

__all__ = ["Candidate", "find_slices", "propose"]


_MOST_WORDS = 400
_MOST_VALUES = 50
_BINS = 5
_ROWS_PER_CLUSTER = 40
_MOST_CLUSTERS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A group of rows: its kind ("word", "length", "column", "likeness"), name and rows."""

    kind: str
    name: str
    rows: NDArray[np.intp]


def propose(
    texts: Sequence[str],
    *,
    X: Any = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    fewest: int = 10,
    seed: int = 0,
) -> list[Candidate]:
    """Groups of at least ``fewest`` rows, and of at most as many as leave so many outside.

    Parameters
    ----------
    texts : sequence of str, length n
    X : matrix of shape (n, d), optional
        Features, for groups of rows that are alike.
    columns : mapping of str to sequence of length n, optional
        Other columns: each value of one with few, ranges of a numeric one.
    fewest : int
    seed : int
        Of the clustering.

    Returns
    -------
    list of Candidate
        No two with the same rows.
    """
    n = len(texts)
    found: list[Candidate] = []
    seen: set[bytes] = set()
    for candidate in _all(texts, X, columns or {}, fewest, seed):
        key = candidate.rows.tobytes()
        if fewest <= len(candidate.rows) <= n - fewest and key not in seen:
            seen.add(key)
            # Names are to be shown, and no message can carry half a surrogate pair.
            name = candidate.name.encode("utf-8", "replace").decode("utf-8")
            found.append(replace(candidate, name=name))
    return found


def _all(
    texts: Sequence[str],
    X: Any,
    columns: Mapping[str, Sequence[Any]],
    fewest: int,
    seed: int,
) -> Iterator[Candidate]:
    yield from _words(texts, fewest)
    lengths = np.array([len(text.split()) for text in texts])
    yield from _ranges("length", "{} words", lengths.astype(float))
    for name, cells in columns.items():
        yield from _column(name, cells)
    if X is not None:
        yield from _clusters(X, texts, seed)


def _words(texts: Sequence[str], fewest: int) -> Iterator[Candidate]:
    """Words and pairs of words that enough texts hold."""
    counter = CountVectorizer(
        binary=True, ngram_range=(1, 2), min_df=fewest, max_df=0.5, max_features=_MOST_WORDS
    )
    try:
        matrix = sparse.csc_matrix(counter.fit_transform(texts))
    except ValueError:  # no word is in so many texts and not in too many
        return
    for place, word in enumerate(counter.get_feature_names_out()):
        rows = matrix.indices[matrix.indptr[place] : matrix.indptr[place + 1]]
        yield Candidate("word", str(word), np.sort(rows).astype(np.intp))


def _column(name: str, cells: Sequence[Any]) -> Iterator[Candidate]:
    known = [cell for cell in cells if cell is not None]
    if known and all(is_number(cell) for cell in known) and len(set(known)) > _BINS:
        values = np.array([np.nan if cell is None else float(cell) for cell in cells])
        yield from _ranges("column", name + " {}", values)
        return
    names = np.array(["missing" if cell is None else str(cell) for cell in cells], dtype=object)
    values_of, codes = np.unique(names.astype(str), return_inverse=True)
    if len(values_of) > _MOST_VALUES:
        return
    for code, value in enumerate(values_of):
        yield Candidate("column", f"{name} = {value}", np.flatnonzero(codes == code))


def _ranges(kind: str, words: str, values: NDArray[np.float64]) -> Iterator[Candidate]:
    """Ranges of about equal numbers of rows."""
    known = values[np.isfinite(values)]
    if not len(known):
        return
    # Values that occur: an edge of 8.8 words would be read by nobody.
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1), method="higher"))
    for i, (low, high) in enumerate(pairwise(edges.tolist())):
        last = i == len(edges) - 2
        inside = (values >= low) & ((values <= high) if last else (values < high))
        span = f"{low:g} to {high:g}" if last else f"{low:g} to below {high:g}"
        yield Candidate(kind, words.format(span), np.flatnonzero(inside))


def _clusters(X: Any, texts: Sequence[str], seed: int) -> Iterator[Candidate]:
    """Groups of like rows, named by the text nearest to their middle."""
    k = min(_MOST_CLUSTERS, len(texts) // _ROWS_PER_CLUSTER)
    if k < 2:
        return
    model = MiniBatchKMeans(k, random_state=seed, n_init=3, batch_size=1024)
    distance = model.fit_transform(X)
    for place in range(k):
        rows = np.flatnonzero(model.labels_ == place)
        if len(rows):
            nearest = texts[int(rows[distance[rows, place].argmin()])]
            short = " ".join(nearest.split())
            name = short if len(short) <= 60 else short[:59] + "…"
            yield Candidate("likeness", f"like “{name}”", rows)


_CONFIDENCE = 0.9
# A slice that shares so many rows with a surer one says the same thing again.
_OVERLAP = 0.7


def find_slices(
    candidates: Sequence[Candidate],
    disagrees: ArrayLike,
    *,
    false_discoveries: float = 0.05,
    most: int = 20,
) -> tuple[Slice, ...]:
    """Groups in which surrogate and teacher disagree more often than outside of them.

    Parameters
    ----------
    candidates : sequence of Candidate
        Made without looking at agreement.
    disagrees : array_like of shape (n,), bool
        For rows that the surrogate was not fitted on.
    false_discoveries : float
        Expected share of slices found by chance, at the most. When surrogate and teacher
        disagree at random everywhere, it is the chance of finding any.
    most : int
        Slices to give.

    Returns
    -------
    tuple of Slice
        The surest first; of groups with nearly the same rows, the surest alone.

    Raises
    ------
    InvalidInput
        Not one value for each row.

    Notes
    -----
    One-sided Fisher tests (hypergeometric tail: given all disagreements, as many of them fall
    among the group's rows as do), adjusted by Benjamini and Yekutieli (2001), which holds
    whatever the dependence: groups overlap.
    """
    wrong = np.asarray(disagrees, dtype=bool)
    if wrong.ndim != 1 or any(len(c.rows) and c.rows.max() >= len(wrong) for c in candidates):
        raise InvalidInput(
            f"disagrees must hold one value for each row, got shape {wrong.shape}; pass all rows"
        )
    if not candidates or not wrong.any():
        return ()
    n, total = len(wrong), int(wrong.sum())
    sizes = np.array([len(c.rows) for c in candidates])
    inside = np.array([int(wrong[c.rows].sum()) for c in candidates])
    p = stats.hypergeom.sf(inside - 1, n, total, sizes)
    adjusted = _benjamini_yekutieli(p)
    kept: list[Slice] = []
    for place in np.lexsort((sizes, p)):
        if adjusted[place] > false_discoveries or len(kept) == most:
            break
        candidate = candidates[place]
        if any(_overlap(candidate.rows, other.rows) > _OVERLAP for other in kept):
            continue
        kept.append(_slice(candidate, wrong, float(p[place]), float(adjusted[place])))
    return tuple(kept)


def _slice(candidate: Candidate, wrong: NDArray[np.bool_], p: float, adjusted: float) -> Slice:
    m, d = len(candidate.rows), int(wrong[candidate.rows].sum())
    rest = (int(wrong.sum()) - d) / (len(wrong) - m)
    low, high = agreement_interval(np.array([m - d]), np.array([m]), _CONFIDENCE)
    return Slice(
        kind=candidate.kind,
        name=candidate.name,
        rows=candidate.rows,
        n_rows=m,
        n_disagree=d,
        agreement=1.0 - d / m,
        lower=float(low[0]),
        upper=float(high[0]),
        agreement_elsewhere=1.0 - rest,
        excess=d - m * rest,
        p_value=p,
        adjusted=adjusted,
    )


def _overlap(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / min(len(a), len(b))


def _benjamini_yekutieli(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.false_discovery_control(p, method="by"), dtype=np.float64)
