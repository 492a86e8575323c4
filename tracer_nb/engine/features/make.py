"""From what a user writes to features."""

from __future__ import annotations

from tracer_nb.engine.features.base import Features
from tracer_nb.engine.features.function import FunctionFeatures
from tracer_nb.engine.features.fused import FusedFeatures
from tracer_nb.engine.features.lsa import LsaFeatures
from tracer_nb.engine.features.sentence import SentenceFeatures
from tracer_nb.errors import InvalidInput

__all__ = ["make_features"]


def make_features(spec: object, *, seed: int = 0) -> Features:
    """Features from what a user writes.

    Parameters
    ----------
    spec : str or callable
        "lsa", "fastembed:NAME", "fastembed:DIRECTORY", one of these "+lsa" for both, or a
        function from a list of texts to a matrix.

    Raises
    ------
    InvalidInput, MissingExtra
    """
    if callable(spec):
        return FunctionFeatures(spec)
    if spec == "lsa":
        return LsaFeatures(seed=seed)
    if isinstance(spec, str) and spec.endswith("+lsa"):
        first = make_features(spec.removesuffix("+lsa").strip(), seed=seed)
        return FusedFeatures([first, LsaFeatures(seed=seed)])
    if isinstance(spec, str) and spec.startswith("fastembed:") and spec != "fastembed:":
        return SentenceFeatures(spec.removeprefix("fastembed:"))
    raise InvalidInput(
        f"features must be 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or a matrix, got {spec!r}"
    )
