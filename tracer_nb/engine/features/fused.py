"""Several kinds of features side by side: a sentence embedding and n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from tracer_nb.engine.features.base import Features

__all__ = ["FusedFeatures"]


class FusedFeatures:
    """Makes one matrix per part; the engine decides out-of-fold whether to fuse their kernels.

    Parameters
    ----------
    parts : sequence of Features
        The first is the one that is used alone when fusing does not help.
    """

    kind: ClassVar[str] = "fused"

    def __init__(self, parts: Sequence[Features]) -> None:
        self.parts = tuple(parts)
        self.name = " + ".join(part.name for part in self.parts)

    def fit(self, texts: Sequence[str]) -> FusedFeatures:
        """Fit every part."""
        self.parts = tuple(part.fit(texts) for part in self.parts)
        return self

    def transform(self, texts: Sequence[str]) -> list[Any]:
        """One matrix (n, d) per part."""
        return [part.transform(texts) for part in self.parts]

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """States of the parts, their arrays under their number."""
        settings, arrays = [], {}
        for i, part in enumerate(self.parts):
            own, its = part.state()
            settings.append(own)
            arrays.update({f"{i}/{name}": array for name, array in its.items()})
        return {"kind": self.kind, "parts": settings}, arrays
