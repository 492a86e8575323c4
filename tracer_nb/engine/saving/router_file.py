"""A router in a file, with its text features and what it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.features import Features
from tracer_nb.engine.router import Router
from tracer_nb.engine.saving.archive import read_archive, write_archive
from tracer_nb.engine.saving.coherence import incoherent
from tracer_nb.engine.saving.features_state import features_from_state
from tracer_nb.engine.saving.parts import part_of, under
from tracer_nb.engine.saving.router_state import MISFITS, router_from_state, router_state
from tracer_nb.engine.saving.schema import CONTENT, check_content
from tracer_nb.errors import InvalidInput

__all__ = ["RouterFile", "read_router", "write_router"]

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
        What the schema says under ``about``, and ``fitted``, a list of short addresses.
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
    about = dict(saved.about)
    fitted = bytes.fromhex("".join(about.pop("fitted")))
    arrays[_FITTED] = np.frombuffer(fitted, dtype=np.uint8).reshape(-1, _ADDRESS_BYTES)
    content = {"about": about, "router": state, "features": settings}
    check_content(content, CONTENT)
    write_archive(_expanded(path), content, arrays)


def read_router(path: str | os.PathLike[str]) -> RouterFile:
    """Read what :func:`write_router` wrote; no code in the file is run.

    Parameters
    ----------
    path : str or path-like
        May begin with ``~``.

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
    features = None
    if content["features"] is not None:
        features = features_from_state(content["features"], part_of(arrays, "features/"))
        _check_features(router, features)
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
