"""A router in a file, with its text features and what it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.features import (
    Features,
    FusedFeatures,
    LsaFeatures,
    SentenceFeatures,
    WordllamaFeatures,
)
from tracer_nb.engine.router import Router
from tracer_nb.engine.saving.archive import read_archive, write_archive
from tracer_nb.engine.saving.coherence import incoherent
from tracer_nb.engine.saving.router_state import (
    MISFITS,
    part_of,
    router_from_state,
    router_state,
    under,
)
from tracer_nb.engine.saving.schema import CONTENT, check_content
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets

__all__ = ["RouterFile", "features_from_state", "read_router", "write_router"]


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


# Addresses of texts, 16 hexadecimal digits each.
_FITTED = "about/fitted"
_ADDRESS_BYTES = 8
_PREFIXES = ("router/", "features/")


@dataclass(frozen=True, slots=True, eq=False)
class RouterFile:
    """What a file holds.

    Attributes
    ----------
    router : Router
    features : Features or None
        None when each column comes with features of its own.
    about : mapping
        What the schema says under ``about``, and ``fitted``, a list of short addresses. Of several
        labels a row its ``labels`` are a :class:`~tracer_nb.labelsets.LabelSets`.
    """

    router: Router
    features: Features | None
    about: Mapping[str, Any]


def write_router(path: str | os.PathLike[str], saved: RouterFile) -> None:
    """Write a router to one file, which replaces the one at ``path`` only when whole.

    Parameters
    ----------
    path : str or path-like
        May begin with ``~``.
    saved : RouterFile

    Raises
    ------
    InvalidInput
        Something cannot be saved, or the file cannot be written.
    """
    state, router_arrays = router_state(saved.router)
    arrays = under("router/", router_arrays)
    settings = None
    if saved.features is not None:
        settings, its = saved.features.state()
        arrays |= under("features/", its)
    about = {**saved.about, "labels": list(saved.about["labels"])}
    fitted = bytes.fromhex("".join(about.pop("fitted")))
    arrays[_FITTED] = np.frombuffer(fitted, dtype=np.uint8).reshape(-1, _ADDRESS_BYTES)
    content = {"about": about, "router": state, "features": settings}
    check_content(content, CONTENT)
    write_archive(_expanded(path), content, arrays)


def read_router(path: str | os.PathLike[str], *, with_features: bool = True) -> RouterFile:
    """Read what :func:`write_router` wrote; no code in the file is run.

    Parameters
    ----------
    path : str or path-like
        May begin with ``~``.
    with_features : bool
        False: features are not made, which may need a model, and are None.

    Raises
    ------
    InvalidInput
        No such file, or one that is damaged, contradicts itself, or is of another version.
    MissingExtra
        The embedding model's package is not installed.
    """
    content, arrays = read_archive(_expanded(path))
    check_content(content, CONTENT)
    about = content["about"] | {"fitted": _addresses(arrays.pop(_FITTED, None))}
    router = router_from_state(content["router"], part_of(arrays, "router/"))
    unknown = [name for name in arrays if not name.startswith(_PREFIXES)]
    if unknown:
        raise incoherent(f"an array {unknown[0]!r:.60}, which is not known")
    strange = set(router.fit.classes.tolist()) - set(about["labels"])
    if strange:
        raise incoherent(f"label {min(strange, key=str)!r:.60} is none of the label set")
    pooled = router.fit.pooled
    if len(about["chain"]) != (0 if pooled is None else len(pooled.stages)):
        raise incoherent(f"{len(about['chain'])} stages, and weights for others")
    features = None
    if content["features"] is not None and with_features:
        features = features_from_state(content["features"], part_of(arrays, "features/"))
        _check_features(router, features)
    if router.fit.sets is not None:
        about["labels"] = LabelSets(about["labels"], router.fit.sets.how_many)
    return RouterFile(router, features, about)


def _check_features(router: Router, features: Features) -> None:
    """One text through features and router: what does not fit shows here, not in use."""
    try:
        with np.errstate(all="ignore"):
            blocks = check_blocks(features.transform(["a text"]), n_features=router.fit.n_features)
            router.fit.pipeline.predict(blocks)
    except MISFITS as error:
        why = " ".join(str(error).split())[:200]
        raise incoherent(f"its features do not fit the router: {why}") from error


def _expanded(path: Any) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidInput(
            f"path must be a file's name, got {type(path).__name__}; give the path of a router"
        )
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111  never raises


def _addresses(fitted: NDArray[np.uint8] | None) -> list[str]:
    right = fitted is not None and fitted.dtype == np.uint8 and fitted.ndim == 2
    if fitted is None or not right or fitted.shape[1] != _ADDRESS_BYTES:
        raise incoherent(f"no {_FITTED}, or of another shape")
    return [row.tobytes().hex() for row in fitted]
