"""N-grams of texts, counted, weighted and projected; by way of the distinct words.

What scikit-learn counts, number for number, and it takes words apart, into letters and digits or characters.
N-grams of characters do not cross words, and a long column has far fewer distinct words than words: each is
taken apart and projected once, and texts are sums over words.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

__all__ = ["ANALYZERS", "NGrams", "Words"]

# What a saved file may name.
ANALYZERS = ("word", "char_wb")
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
        self._columns = {term: column for column, term in enumerate(terms)}
        self._counter = _characters(ngram_range, vocabulary=terms)

    @classmethod
    def fit(
        cls, analyzer: str, ngram_range: tuple[int, int], texts: Words, *, min_df: int
    ) -> NGrams | None:
        """Learn terms that at least ``min_df`` texts hold, and their weights; None without any."""
        names, counts = _grams(texts, ngram_range) if analyzer == "word" else _words(texts)
        if analyzer != "word":
            counter = _characters(ngram_range)
            if not names:
                return None
            counts = (counts @ counter.fit_transform(names)).tocsr()
            names = counter.get_feature_names_out().tolist()
        frequencies = np.bincount(counts.indices, minlength=counts.shape[1])
        kept = sorted(np.flatnonzero(frequencies >= min_df).tolist(), key=names.__getitem__)
        if not kept:
            return None
        # As if one more text held every term.
        idf = np.log((1 + len(texts)) / (1 + frequencies[kept])) + 1.0
        return cls(analyzer, ngram_range, [names[i] for i in kept], idf.astype(np.float32))

    def transform(self, texts: Words) -> sparse.csr_matrix:
        """Weighted rows; (n_texts, n_terms), float32."""
        counts = self._counted(texts)[0]
        counts.data = 1.0 + np.log(counts.data)
        return normalize(counts.multiply(self.idf).tocsr(), copy=False)

    def project(self, texts: Words, projection: NDArray[np.float32]) -> NDArray[np.float32]:
        """:meth:`transform` times ``projection`` (n_terms, d); each row the same in any company.

        Up to rounding. Nearly all terms occur once in a text: what words project to is added up,
        and put right for terms that occur more often.
        """
        counts, names, of_texts = self._counted(texts)
        own = sparse.csr_matrix(names.multiply(self.idf), dtype=np.float32)
        found = of_texts @ (own @ projection)
        often = counts.data > 1.0
        rows = np.repeat(np.arange(len(texts)), np.diff(counts.indptr))
        over = 1.0 + np.log(counts.data[often]) - counts.data[often]
        ends = np.r_[0, np.bincount(rows[often], minlength=len(texts)).cumsum()]
        columns = counts.indices[often]
        right = sparse.csr_matrix((over * self.idf[columns], columns, ends), shape=counts.shape)
        found += right @ projection
        squares = ((1.0 + np.log(counts.data)) * self.idf[counts.indices]) ** 2
        length = np.sqrt(np.bincount(rows, squares, minlength=len(texts)))
        found /= np.where(length > 0, length, 1.0).astype(np.float32)[:, None]
        return np.asarray(found, dtype=np.float32)

    def _counted(
        self, texts: Words
    ) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
        """Counts of terms in texts, of terms in names, and of names in texts.

        Names are words for n-grams of characters, and n-grams of words themselves.
        """
        if self.analyzer == "word":
            names, of_texts = _grams(texts, self.ngram_range)
            columns = [self._columns.get(name, -1) for name in names]
            known = np.flatnonzero(np.array(columns, dtype=np.intp) >= 0)
            own = np.array(columns, dtype=np.intp)[known]
            in_names = sparse.csr_matrix(
                (np.ones(len(known), np.float32), (known, own)), shape=(len(names), len(self.terms))
            )
        else:
            names, of_texts = _words(texts)
            in_names = self._counter.transform(names)
        counts = (of_texts @ in_names).tocsr()
        # In one order whatever other texts are counted with it, and so with the same rounding.
        counts.sort_indices()
        return counts, in_names, of_texts


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


def _words(texts: Words) -> tuple[list[str], sparse.csr_matrix]:
    """Distinct words of texts, and how often each text holds each."""
    return texts.distinct, _count(texts.rows, texts.codes, len(texts), len(texts.distinct))


def _grams(texts: Words, ngram_range: tuple[int, int]) -> tuple[list[str], sparse.csr_matrix]:
    """Distinct n-grams of the texts' letters-and-digits words, and how often each text holds each."""
    flat, numbers = texts.codes, _Numbers()
    inside = [[numbers[token] for token in _tokens(word)] for word in texts.distinct]
    tokens = list(numbers)
    sizes = np.fromiter(map(len, inside), np.intp, len(inside))
    starts = np.cumsum(sizes) - sizes
    of_words = np.fromiter(itertools.chain.from_iterable(inside), np.intp, int(sizes.sum()))
    taken = sizes[flat]
    first = np.repeat(starts[flat] - (np.cumsum(taken) - taken), taken)
    codes = of_words[first + np.arange(len(first))]
    rows = np.repeat(texts.rows, taken)

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
