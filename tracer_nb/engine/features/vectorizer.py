"""The n-gram counters of LSA: how they are made for a fit, and again from a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

__all__ = ["ANALYZERS", "LONGEST_NGRAM", "frozen_vectorizer", "new_vectorizer", "terms_of"]

# What a saved file may name. Other options are fixed here: a pattern from a file could be one
# that takes forever.
ANALYZERS: dict[str, dict[str, Any]] = {
    "word": {"analyzer": "word", "token_pattern": r"(?u)\b\w+\b"},
    "char_wb": {"analyzer": "char_wb"},
}
LONGEST_NGRAM = 8


def new_vectorizer(analyzer: str, ngram_range: tuple[int, int], **options: Any) -> TfidfVectorizer:
    """Vectorizer to be fitted; ``analyzer`` is a key of :data:`ANALYZERS`."""
    return TfidfVectorizer(
        **ANALYZERS[analyzer],
        ngram_range=ngram_range,
        sublinear_tf=True,
        dtype=np.float32,
        **options,
    )


def frozen_vectorizer(
    analyzer: str,
    ngram_range: tuple[int, int],
    terms: Sequence[str],
    idf: NDArray[np.float32],
) -> TfidfVectorizer:
    """Vectorizer that is fitted: these terms in this order, with these weights."""
    vectorizer = new_vectorizer(analyzer, ngram_range, vocabulary=terms)
    vectorizer.idf_ = idf
    return vectorizer


def terms_of(vectorizer: TfidfVectorizer) -> list[str]:
    """Terms of a fitted vectorizer in the order of its columns."""
    return sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
