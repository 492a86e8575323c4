"""Latent semantic analysis as features: n-grams, counted and projected.

Lists of terms are two arrays, so that a file holds them without escapes or separators; what a
file says is checked, for it may hold anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from tracer_nb.engine.features.base import LONGEST
from tracer_nb.engine.features.ngrams import ANALYZERS, NGrams, Words
from tracer_nb.errors import InvalidInput, NotFitted

__all__ = [
    "LONGEST_NGRAM",
    "LsaFeatures",
    "check_lsa_state",
    "pack_terms",
    "unpack_terms",
]


def pack_terms(terms: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the terms' UTF-8 bytes one after the other, and the n + 1 offsets between them.

    A term may hold any character, also newlines, NUL and single surrogates.
    """
    pieces = [term.encode("utf-8", "surrogatepass") for term in terms]
    offsets = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
    return np.frombuffer(b"".join(pieces), dtype=np.uint8), offsets


def unpack_terms(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    """Return the terms that :func:`pack_terms` was given.

    Raises
    ------
    ValueError
        Offsets that do not cut the bytes into UTF-8 texts.
    """
    if data.ndim != 1 or data.dtype != np.uint8 or offsets.ndim != 1 or offsets.dtype != np.int64:
        raise ValueError("terms must be bytes with whole-number offsets")
    whole = len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(data)
    # Compared, not subtracted: a difference of two wild numbers can overflow.
    if not whole or (offsets[1:] < offsets[:-1]).any():
        raise ValueError("term offsets do not fit the terms")
    raw, cuts = data.tobytes(), offsets.tolist()
    return [
        raw[start:end].decode("utf-8", "surrogatepass") for start, end in itertools.pairwise(cuts)
    ]


LONGEST_NGRAM = 8
# Texts whose n-grams are in memory at once.
_PIECE = 16384

_SETTINGS = {"kind", "n_components", "n_fit_texts", "seed", "vectorizers"}
_ARRAYS = {"terms", "term_offsets", "idf", "components"}
_VECTORIZER = {"analyzer", "ngram_range", "n_terms"}


def check_lsa_state(
    settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> list[NGrams]:
    """Return the n-grams of a saved state whose components fit them.

    Raises
    ------
    InvalidInput
        Unknown settings, or arrays that do not fit them or one another.
    """
    _check_settings(settings)
    if set(arrays) != _ARRAYS:
        raise _unusable(f"arrays must be {sorted(_ARRAYS)}, got {sorted(map(str, arrays))[:8]}")
    try:
        terms = unpack_terms(arrays["terms"], arrays["term_offsets"])
    except ValueError as error:
        raise _unusable(str(error)) from error
    _check_numbers(arrays, len(terms))
    vectorizers, start = [], 0
    for saved in settings["vectorizers"]:
        own = slice(start, start + saved["n_terms"])
        if len(set(terms[own])) < len(terms[own]):
            raise _unusable("a term occurs twice")
        start = own.stop
        if start <= len(terms):
            pair = tuple(saved["ngram_range"])
            made = NGrams(saved["analyzer"], pair, terms[own], arrays["idf"][own])
            vectorizers.append(made)
    if start != len(terms):
        raise _unusable(f"there are {len(terms)} terms, the vectorizers need {start}")
    return vectorizers


def _check_settings(settings: Mapping[str, Any]) -> None:
    if set(settings) != _SETTINGS:
        raise _unusable(
            f"settings must be {sorted(_SETTINGS)}, got {sorted(map(str, settings))[:8]}"
        )
    if settings["kind"] != "lsa":
        raise _unusable(f"kind must be 'lsa', got {settings['kind']!r:.60}")
    for name, least in (("n_components", 1), ("n_fit_texts", 1), ("seed", 0)):
        if not _is_whole(settings[name]) or not least <= settings[name] <= 2**53:
            raise _unusable(f"{name} must be a whole number, got {settings[name]!r:.60}")
    saved = settings["vectorizers"]
    if not isinstance(saved, list) or not 1 <= len(saved) <= len(ANALYZERS):
        raise _unusable("there must be one or two vectorizers")
    for vectorizer in saved:
        _check_vectorizer(vectorizer)


def _check_vectorizer(saved: Any) -> None:
    if not isinstance(saved, dict) or set(saved) != _VECTORIZER:
        raise _unusable(f"a vectorizer must have {sorted(_VECTORIZER)}")
    analyzer, ngrams, n_terms = saved["analyzer"], saved["ngram_range"], saved["n_terms"]
    if not isinstance(analyzer, str) or analyzer not in ANALYZERS:
        raise _unusable(f"analyzer must be one of {sorted(ANALYZERS)}, got {analyzer!r:.60}")
    pair = isinstance(ngrams, list) and len(ngrams) == 2 and all(map(_is_whole, ngrams))
    if not pair or not 1 <= ngrams[0] <= ngrams[1] <= LONGEST_NGRAM:
        raise _unusable(f"ngram_range must lie in 1 to {LONGEST_NGRAM}, got {ngrams!r:.60}")
    if not _is_whole(n_terms) or n_terms < 1:
        raise _unusable(f"n_terms must be a whole number, 1 or larger, got {n_terms!r:.60}")


def _check_numbers(arrays: Mapping[str, NDArray[Any]], n_terms: int) -> None:
    idf, components = arrays["idf"], arrays["components"]
    if idf.dtype != np.float32 or idf.shape != (n_terms,):
        raise _unusable(f"idf must be {n_terms} float32, got {idf.dtype} {idf.shape}")
    if not (np.isfinite(idf) & (idf > 0)).all():
        raise _unusable("idf holds NaN, infinite or negative values")
    shape = components.shape
    if components.dtype != np.float16 or len(shape) != 2 or shape[0] != n_terms or shape[1] == 0:
        raise _unusable(f"components must be {n_terms} rows of float16, got {shape}")
    if not np.isfinite(components).all():
        raise _unusable("components hold NaN or infinite values")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _unusable(what: str) -> InvalidInput:
    return InvalidInput(f"saved LSA features cannot be used: {what}; fit and save them again")


class LsaFeatures:
    """Latent semantic analysis of word and character n-grams, fitted on the whole column.

    Words 1-2 and characters 2-5 within word boundaries, tf-idf weighted, projected on the
    leading singular vectors. Using all texts, labelled or not, is what makes it strong for
    a few labels: on BANKING77 it certifies far more than tf-idf of the labelled rows alone.

    Parameters
    ----------
    n_components : int
        Singular vectors kept, at most; fewer when the column is small.
    n_fit_texts : int
        Texts that are fitted on, at most; a random subset beyond.
    seed : int

    Attributes
    ----------
    note : str
        Why it is these features, where others were to be had; empty where they were asked for.
    """

    kind: ClassVar[str] = "lsa"
    name = "lsa"

    def __init__(
        self, n_components: int = 300, *, n_fit_texts: int = 15_000, seed: int = 0
    ) -> None:
        self.n_components = n_components
        self.n_fit_texts = n_fit_texts
        self.seed = seed
        self.note = ""
        self._ngrams: list[NGrams] = []
        # From n-grams (n_terms, n_components) in rows, so that a product need not copy it.
        self._projection: NDArray[np.float32] | None = None

    def fit(self, texts: Sequence[str]) -> LsaFeatures:
        """Learn vocabulary, weights and projection.

        Raises
        ------
        InvalidInput
            No text holds a character that counts.
        """
        sample = list(texts)
        if len(sample) > self.n_fit_texts:
            rows = np.random.default_rng([self.seed, 6]).choice(
                len(sample), self.n_fit_texts, replace=False
            )
            sample = [sample[i] for i in np.sort(rows)]
        words = Words.of([text[:LONGEST] for text in sample])
        # Rare n-grams say nothing about other rows; in a small column nearly all are rare.
        rare = len(sample) < 1000
        found = [
            NGrams.fit(analyzer, ngram_range, words, min_df=1 if rare else min_df)
            for analyzer, ngram_range, min_df in (("word", (1, 2), 2), ("char_wb", (2, 5), 3))
        ]
        self._ngrams = [ngrams for ngrams in found if ngrams is not None]
        if not self._ngrams:
            raise InvalidInput(
                "no text holds a word or two equal characters; nothing to learn from"
            )
        counts = sparse.hstack([ngrams.transform(words) for ngrams in self._ngrams]).tocsr()
        kept = min(self.n_components, *counts.shape)
        svd = TruncatedSVD(kept, n_iter=2, random_state=self.seed)
        # Equal texts have no variance, by which scikit-learn divides for a figure not used here.
        with np.errstate(divide="ignore", invalid="ignore"):
            components = svd.fit(counts).components_
        # Rounded to what a file holds: half the size, and the same features before and after.
        self._projection = _rows(components.T.astype(np.float16))
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Project texts.

        Returns
        -------
        ndarray of shape (n, n_components), float32

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        """
        projection = self._fitted()
        if not len(texts):
            return np.empty((0, projection.shape[1]), dtype=np.float32)
        projectors, end = [], 0
        for ngrams in self._ngrams:
            start, end = end, end + len(ngrams.terms)
            projectors.append(ngrams.projector(projection[start:end]))
        found = np.zeros((len(texts), projection.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), _PIECE):
            piece = slice(start, start + _PIECE)
            words = Words.of([text[:LONGEST] for text in texts[piece]])
            for project in projectors:
                found[piece] += project(words)
        return found

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What :meth:`from_state` needs: JSON settings and arrays.

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        """
        projection = self._fitted()
        data, offsets = pack_terms([term for ngrams in self._ngrams for term in ngrams.terms])
        settings = {
            "kind": self.kind,
            "n_components": int(self.n_components),
            "n_fit_texts": int(self.n_fit_texts),
            "seed": int(self.seed),
            "vectorizers": [
                {
                    "analyzer": ngrams.analyzer,
                    "ngram_range": list(ngrams.ngram_range),
                    "n_terms": len(ngrams.terms),
                }
                for ngrams in self._ngrams
            ],
        }
        return settings, {
            "terms": data,
            "term_offsets": offsets,
            "idf": np.concatenate([ngrams.idf for ngrams in self._ngrams]),
            "components": projection.astype(np.float16),  # exact, see fit
        }

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> LsaFeatures:
        """Make features again from what :meth:`state` gave; they equal the fitted ones.

        Raises
        ------
        InvalidInput
            Unknown settings, or arrays that do not fit them or one another.
        """
        vectorizers = check_lsa_state(settings, arrays)
        features = cls(
            settings["n_components"], n_fit_texts=settings["n_fit_texts"], seed=settings["seed"]
        )
        features._ngrams = vectorizers
        features._projection = _rows(arrays["components"])
        return features

    def _fitted(self) -> NDArray[np.float32]:
        if self._projection is None:
            raise NotFitted("LsaFeatures has no vocabulary yet; call fit(texts) first")
        return self._projection


def _rows(components: NDArray[np.float16]) -> NDArray[np.float32]:
    return np.ascontiguousarray(components, dtype=np.float32)
