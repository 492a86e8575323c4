"""From texts to a matrix X (n, d): n-gram LSA, static vectors, or sentence embeddings."""

from __future__ import annotations

from tracer_nb.engine.features.base import Features, FunctionFeatures, FusedFeatures, Memory
from tracer_nb.engine.features.lsa import LsaFeatures
from tracer_nb.engine.features.sentence import SentenceFeatures, WordllamaFeatures
from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = [
    "Features",
    "FunctionFeatures",
    "FusedFeatures",
    "LsaFeatures",
    "Memory",
    "SentenceFeatures",
    "WordllamaFeatures",
    "make_features",
]


def make_features(spec: object, *, seed: int = 0, memory: Memory | None = None) -> Features:
    """Features from what a user writes.

    Parameters
    ----------
    spec : str or callable
        "auto", "wordllama", "lsa", "fastembed:NAME", "fastembed:DIRECTORY", one of the last
        two or "wordllama" with "+lsa" for both, or a function from a list of texts to a matrix.
        "auto" is "wordllama+lsa", and "lsa" with a note where wordllama cannot be used.
    seed : int
        Of LSA.
    memory : Memory, optional
        Where an encoder looks first.

    Raises
    ------
    InvalidInput, MissingExtra
    """
    if callable(spec):
        return FunctionFeatures(spec)
    if spec == "auto":
        return _default(seed)
    if spec == "lsa":
        return LsaFeatures(seed=seed)
    if spec == "wordllama":
        return WordllamaFeatures()
    if isinstance(spec, str) and spec.endswith("+lsa"):
        first = make_features(spec.removesuffix("+lsa").strip(), seed=seed, memory=memory)
        return FusedFeatures([first, LsaFeatures(seed=seed)])
    if isinstance(spec, str) and spec.startswith("fastembed:") and spec != "fastembed:":
        return SentenceFeatures(spec.removeprefix("fastembed:"), memory)
    raise InvalidInput(
        f"features must be 'auto', 'wordllama', 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or a "
        f"matrix, got {spec!r}"
    )


def _default(seed: int) -> Features:
    ngrams = LsaFeatures(seed=seed)
    try:
        return FusedFeatures([WordllamaFeatures(), ngrams])
    except MissingExtra:
        ngrams.note = (
            "features are n-grams alone (LSA), because wordllama is not installed; with it fewer "
            "labels do: pip install 'wordllama>=0.4,<0.5'"
        )
    except InvalidInput as error:
        ngrams.note = f"features are n-grams alone (LSA): {error}"
    return ngrams
