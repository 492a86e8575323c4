"""Text features from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from tracer_nb.engine.features import (
    Features,
    FusedFeatures,
    LsaFeatures,
    SentenceFeatures,
    WordllamaFeatures,
)
from tracer_nb.engine.saving.parts import part_of
from tracer_nb.errors import InvalidInput

__all__ = ["features_from_state"]


def features_from_state(
    settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> Features:
    """Features from what their ``state`` gave.

    Raises
    ------
    InvalidInput
        Unknown features, a damaged state, or an embedding model that is another one than at
        the fit.
    MissingExtra
        The package that makes the embeddings is not installed.
    """
    kind = settings.get("kind")
    if kind == LsaFeatures.kind:
        return LsaFeatures.from_state(settings, arrays)
    if kind == SentenceFeatures.kind:
        return _sentence(settings)
    if kind == WordllamaFeatures.kind:
        return WordllamaFeatures.from_state(settings)
    if kind == FusedFeatures.kind:
        parts = settings.get("parts")
        if set(settings) != {"kind", "parts"} or not isinstance(parts, list) or not parts:
            raise InvalidInput("the saved features have no parts; save the router again")
        for part in parts:
            if not isinstance(part, dict) or part.get("kind") == FusedFeatures.kind:
                raise InvalidInput("a part of the saved features is none; save the router again")
        return FusedFeatures(
            [features_from_state(p, part_of(arrays, f"{i}/")) for i, p in enumerate(parts)]
        )
    raise InvalidInput(
        f"the file needs features {kind!r:.60}, which this version does not know; update tracer_nb"
    )


def _sentence(settings: Mapping[str, Any]) -> SentenceFeatures:
    if set(settings) != {"kind", "model", "digest"}:
        raise InvalidInput("the saved features must have kind, model and digest; save them again")
    model = settings["model"]
    if not isinstance(model, str) or not model.isprintable() or not 0 < len(model) < 1000:
        raise InvalidInput(f"the saved features name no embedding model, but {model!r:.60}")
    features = SentenceFeatures(model)
    saved, here = settings.get("digest"), features.state()[0]["digest"]
    if saved is not None and here is not None and saved != here:
        raise InvalidInput(
            f"the embedding model {features.model!r} is another one than the router was fitted "
            "with; its certificate does not hold for these vectors"
        )
    return features
