"""N-grams of texts, counted, weighted and projected; by way of the distinct words.

What scikit-learn counts, number for number, and it takes words apart, into letters and digits or characters.
N-grams of characters do not cross words, and a long column has far fewer distinct words than words: each is
taken apart and projected once, and texts are sums over words.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

__all__ = ["ANALYZERS", "NGrams", "Projector", "Words"]

# What a saved file may name.
ANALYZERS = ("word", "char_wb")
# Distinct words whose counts of n-grams are kept: 30 MB of short ones.
_MOST_APART = 100_000
# What is taken out of what stands between white space: one letter or digit is a word, too.
_tokens = CountVectorizer(token_pattern=r"(?u)\b\w+\b").build_tokenizer()  # noqa: S106  no secret


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Texts as their words.

    Attributes
    ----------
    distinct : list of str
        In lower case and alphabetical order.
    codes : ndarray of int
        Which of them stands where, one text after the other.
    lengths : ndarray of shape (n_texts,), int
        Words of each text.
    """

    distinct: list[str]
    codes: NDArray[np.intp]
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """What stands between white space."""
        numbers = _Numbers()
        # Lower case of the whole: that of a letter can depend on its neighbours.
        codes = [[numbers[word] for word in text.lower().split()] for text in texts]
        lengths = np.fromiter(map(len, codes), np.intp, len(codes))
        flat = np.fromiter(itertools.chain.from_iterable(codes), np.intp, int(lengths.sum()))
        words, rank = _in_order(list(numbers))
        return cls(words, rank[flat], lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def rows(self) -> NDArray[np.intp]:
        """The text that each word is in."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


class NGrams:
    """Terms, their inverse document frequencies, and what texts hold of them.

    Term frequencies are 1 + log of the counts, and rows have unit length.

    Parameters
    ----------
    analyzer : str
        ``"word"`` or ``"char_wb"``: n-grams of words, or of the characters within each.
    ngram_range : tuple of int
        Shortest and longest.
    terms : sequence of str
        In the order of the columns.
    idf : ndarray of shape (n_terms,), float32
    """

    def __init__(
        self,
        analyzer: str,
        ngram_range: tuple[int, int],
        terms: Sequence[str],
        idf: NDArray[np.float32],
    ) -> None:
        self.analyzer = analyzer
        self.ngram_range = ngram_range
        self.terms = terms
        self.idf = idf
        if analyzer == "word":
            self._phrases = _Phrases(terms, ngram_range)
        else:
            self._counter = _characters(ngram_range, vocabulary=terms)

    @classmethod
    def fit(
        cls, analyzer: str, ngram_range: tuple[int, int], texts: Words, *, min_df: int
    ) -> NGrams | None:
        """Learn terms that at least ``min_df`` texts hold, and their weights; None without any."""
        if analyzer == "word":
            names, counts = _grams(texts, ngram_range)
        elif texts.distinct:
            counter = _characters(ngram_range)
            counts = _counted(texts, counter.fit_transform(texts.distinct))
            names = counter.get_feature_names_out().tolist()
        else:
            return None
        frequencies = np.bincount(counts.indices, minlength=counts.shape[1])
        kept = sorted(np.flatnonzero(frequencies >= min_df).tolist(), key=names.__getitem__)
        if not kept:
            return None
        # As if one more text held every term.
        idf = np.log((1 + len(texts)) / (1 + frequencies[kept])) + 1.0
        return cls(analyzer, ngram_range, [names[i] for i in kept], idf.astype(np.float32))

    def transform(self, texts: Words) -> sparse.csr_matrix:
        """Weighted rows; (n_texts, n_terms), float32."""
        if self.analyzer == "word":
            counts = self._phrases.count(texts)
        else:
            counts = _counted(texts, self._counter.transform(texts.distinct))
            # In one order whatever other texts are counted with it, and so with the same rounding.
            counts.sort_indices()
        counts.data = (1.0 + np.log(counts.data)) * self.idf[counts.indices]
        return normalize(counts, copy=False)

    def projector(self, projection: NDArray[np.float32]) -> Projector:
        """:meth:`transform` times ``projection`` (n_terms, d), of one part of a column after the other."""
        if self.analyzer == "word":
            return Projector(self.idf, projection, count=self._phrases.count)
        return Projector(self.idf, projection, apart=_Apart(self._counter.transform))


class Projector:
    """Projects texts by way of what is counted in them: terms, or words that hold terms.

    Nearly all terms occur once in a text: what the counted projects to is added up, and put right
    for terms that occur more often. Each row is the same in any company, and that of the product
    up to rounding.

    Parameters
    ----------
    idf : ndarray of shape (n_terms,), float32
    projection : ndarray of shape (n_terms, d), float32
    count : callable, optional
        Counts the terms of texts.
    apart : callable, optional
        Counts the terms of words; one of the two.
    """

    def __init__(
        self,
        idf: NDArray[np.float32],
        projection: NDArray[np.float32],
        *,
        count: Callable[[Words], sparse.csr_matrix] | None = None,
        apart: _Apart | None = None,
    ) -> None:
        self._idf, self._projection, self._count, self._apart = idf, projection, count, apart
        self._squares = (idf**2).astype(np.float64)
        self._terms = None if count is None else idf[:, None] * projection

    def __call__(self, texts: Words) -> NDArray[np.float32]:
        """Rows of texts; (n_texts, d)."""
        often, squares, found = self._as_if_once(texts)
        idf, weights = self._idf[often.indices], 1.0 + np.log(often.data)
        more = (weights * idf) ** 2 - often.data * self._squares[often.indices]
        rows = np.repeat(np.arange(len(texts)), np.diff(often.indptr))
        squares += np.bincount(rows, more, minlength=len(texts))
        often.data = (weights - often.data) * idf
        found += often @ self._projection
        found /= np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)[:, None]
        return found

    def _as_if_once(
        self, texts: Words
    ) -> tuple[sparse.csr_matrix, NDArray[np.float64], NDArray[np.float32]]:
        """Counts above 1; and sums over all terms, each as often as it occurs, of squares and rows."""
        if self._count is not None:
            counts = self._count(texts)
            return _often(counts), counts @ self._squares, counts @ self._terms
        assert self._apart is not None  # noqa: S101  one of the two
        of_texts, words = _words(texts), self._apart(texts.distinct)
        often, squares = _often((of_texts @ words).tocsr()), of_texts @ (words @ self._squares)
        words.data *= self._idf[words.indices]
        return often, squares, of_texts @ (words @ self._projection)


def _often(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Counts above 1 alone, in the order of the columns."""
    at = np.flatnonzero(counts.data > 1.0)
    ends = np.searchsorted(at, counts.indptr)
    often = sparse.csr_matrix((counts.data[at], counts.indices[at], ends), shape=counts.shape)
    often.sort_indices()
    return often


class _Apart:
    """Counts of terms in words: each word of a column is taken apart once.

    Parameters
    ----------
    count : callable
        From words to counts (n_words, n_terms).
    """

    def __init__(self, count: Callable[[Sequence[str]], sparse.csr_matrix]) -> None:
        self._count = count
        self._numbers: dict[str, int] = {}
        self._counts: sparse.csr_matrix | None = None

    def __call__(self, words: Sequence[str]) -> sparse.csr_matrix:
        """Counts of these words, which may be written over."""
        new = [word for word in words if word not in self._numbers]
        if len(self._numbers) + len(new) > _MOST_APART:
            self._numbers, self._counts, new = {}, None, list(words)
        if new or self._counts is None:
            start, more = len(self._numbers), self._count(new)
            self._numbers.update(zip(new, range(start, start + len(new)), strict=True))
            known = self._counts
            self._counts = more if known is None else sparse.vstack([known, more], "csr")
        return self._counts[[self._numbers[word] for word in words]]


class _Phrases:
    """Terms of one or more words, found by the numbers of their words.

    The beginnings of terms are a tree: a key is a node of the level above, times the number of
    words, plus the word that goes on from there.

    Parameters
    ----------
    terms : sequence of str
        Their words with a blank between.
    ngram_range : tuple of int
    """

    def __init__(self, terms: Sequence[str], ngram_range: tuple[int, int]) -> None:
        numbers, (fewest, most) = _Numbers(), ngram_range
        split = [term.split(" ") for term in terms]
        paths = {
            column: [numbers[word] for word in words]
            for column, words in enumerate(split)
            if fewest <= len(words) <= most
        }
        self._numbers, self._n_terms = dict(numbers), len(terms)
        self._levels: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        nodes = dict.fromkeys(paths, 0)
        for n in range(1, max(map(len, paths.values()), default=0) + 1):
            nodes = {column: at for column, at in nodes.items() if len(paths[column]) >= n}
            given = [at * len(numbers) + paths[column][n - 1] for column, at in nodes.items()]
            keys, found = np.unique(np.array(given, dtype=np.intp), return_inverse=True)
            nodes = dict(zip(nodes, found.tolist(), strict=True))
            columns = np.full(len(keys), -1, dtype=np.intp)
            for column, at in nodes.items():
                if len(paths[column]) == n:
                    columns[at] = column
            self._levels.append((keys, columns))

    def count(self, texts: Words) -> sparse.csr_matrix:
        """How often each text holds each term; (n_texts, n_terms)."""
        rows, words = _letters(texts, lambda word: self._numbers.get(word, -1))
        at, nodes = np.arange(len(words)), np.zeros(len(words), dtype=np.intp)
        found = [(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))]
        for n, (keys, columns) in enumerate(self._levels):
            inside = at + n < len(words)
            at, nodes = at[inside], nodes[inside]
            known = (rows[at + n] == rows[at]) & (words[at + n] >= 0)
            at, nodes = at[known], nodes[known]
            wanted = nodes * len(self._numbers) + words[at + n]
            nodes = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            known = keys[nodes] == wanted
            at, nodes = at[known], nodes[known]
            ends = columns[nodes] >= 0
            found.append((rows[at[ends]], columns[nodes[ends]]))
        all_rows, all_columns = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return _count(all_rows, all_columns, len(texts), self._n_terms)


def _characters(ngram_range: tuple[int, int], **options: Any) -> CountVectorizer:
    return CountVectorizer(
        analyzer="char_wb", lowercase=False, ngram_range=ngram_range, dtype=np.float32, **options
    )


class _Numbers(dict[str, int]):
    """Numbers words by their first use."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def _in_order(names: list[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Names in alphabetical order, and where each has come to stand."""
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.intp)
    rank[order] = np.arange(len(names))
    return [names[i] for i in order], rank


def _words(texts: Words) -> sparse.csr_matrix:
    """How often each text holds each of its distinct words."""
    return _count(texts.rows, texts.codes, len(texts), len(texts.distinct))


def _counted(texts: Words, in_words: sparse.csr_matrix) -> sparse.csr_matrix:
    """Counts of terms in texts from those in distinct words."""
    return (_words(texts) @ in_words).tocsr()


def _letters(
    texts: Words, number: Callable[[str], int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The letters-and-digits words of texts by number, and the text that each is in."""
    inside = [[number(token) for token in _tokens(word)] for word in texts.distinct]
    sizes = np.fromiter(map(len, inside), np.intp, len(inside))
    starts = np.cumsum(sizes) - sizes
    of_words = np.fromiter(itertools.chain.from_iterable(inside), np.intp, int(sizes.sum()))
    taken = sizes[texts.codes]
    first = np.repeat(starts[texts.codes] - (np.cumsum(taken) - taken), taken)
    return np.repeat(texts.rows, taken), of_words[first + np.arange(len(first))]


def _grams(texts: Words, ngram_range: tuple[int, int]) -> tuple[list[str], sparse.csr_matrix]:
    """Distinct n-grams of the texts' letters-and-digits words, and how often each text holds each."""
    numbers = _Numbers()
    rows, codes = _letters(texts, numbers.__getitem__)
    tokens = list(numbers)

    names: list[str] = []
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    own, grams, at = tokens, codes, np.arange(len(codes))
    for n in range(1, ngram_range[1] + 1):
        if n > 1:
            goes_on = at + n - 1 < len(codes)
            at, grams = at[goes_on], grams[goes_on]
            goes_on = rows[at + n - 1] == rows[at]
            at, grams = at[goes_on], grams[goes_on]
            pairs, grams = np.unique(grams * len(tokens) + codes[at + n - 1], return_inverse=True)
            before, after = np.divmod(pairs, max(len(tokens), 1))
            own = [f"{own[a]} {tokens[b]}" for a, b in zip(before, after, strict=True)]
        if n >= ngram_range[0]:
            found.append((rows[at], grams + len(names)))
            names = names + own
    all_rows, columns = (np.concatenate(parts) for parts in zip(*found, strict=True))
    names, rank = _in_order(names)
    return names, _count(all_rows, rank[columns], len(texts), len(names))


def _count(
    rows: NDArray[np.intp], columns: NDArray[np.intp], n_rows: int, n_columns: int
) -> sparse.csr_matrix:
    ones = np.ones(len(rows), np.float32)
    counts = sparse.csr_matrix((ones, (rows, columns)), shape=(n_rows, n_columns))
    counts.sum_duplicates()
    return counts
