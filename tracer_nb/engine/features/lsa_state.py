"""Checks of saved LSA features: a file may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.features.terms import unpack_terms
from tracer_nb.engine.features.vectorizer import ANALYZERS, LONGEST_NGRAM
from tracer_nb.errors import InvalidInput

__all__ = ["SavedVectorizer", "check_lsa_state"]

_SETTINGS = {"kind", "n_components", "n_fit_texts", "seed", "vectorizers"}
_ARRAYS = {"terms", "term_offsets", "idf", "components"}
_VECTORIZER = {"analyzer", "ngram_range", "n_terms"}


@dataclass(frozen=True, slots=True, eq=False)
class SavedVectorizer:
    """One vectorizer of the saved features, checked."""

    analyzer: str
    ngram_range: tuple[int, int]
    terms: list[str]
    idf: NDArray[np.float32]


def check_lsa_state(
    settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> list[SavedVectorizer]:
    """Return the vectorizers of a saved state whose components fit them.

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
    parts, start = [], 0
    for saved in settings["vectorizers"]:
        end = start + saved["n_terms"]
        parts.append(
            SavedVectorizer(
                saved["analyzer"],
                tuple(saved["ngram_range"]),
                terms[start:end],
                arrays["idf"][start:end],
            )
        )
        start = end
    if start != len(terms):
        raise _unusable(f"there are {len(terms)} terms, the vectorizers need {start}")
    if any(len(set(part.terms)) < len(part.terms) for part in parts):
        raise _unusable("a term occurs twice")
    return parts


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
