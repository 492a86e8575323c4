"""What every kind of features can do; a user's own function, and several kinds side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.errors import InvalidInput

__all__ = ["LONGEST", "Features", "FunctionFeatures", "FusedFeatures", "Memory"]

LONGEST = 1_000_000
"""Characters of a text that are looked at: its n-grams take 200 times the memory of a text."""


class Memory(Protocol):
    """Vectors of texts that were embedded before."""

    def vectors(
        self,
        encoder: str,
        texts: Sequence[str],
        embed: Callable[[Sequence[str]], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """One vector a text (n, d), by ``embed`` where it has none of this encoder."""
        ...


class Features(Protocol):
    """Turns texts into rows of a matrix; may learn from the whole column, never from labels."""

    kind: ClassVar[str]
    name: str

    def fit(self, texts: Sequence[str]) -> Features:
        """Learn what can be learned from the column's texts, and return itself."""
        ...

    def transform(self, texts: Sequence[str]) -> Any:
        """Matrix (n, d), one row per text."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What a file must hold to make these features again: JSON settings and arrays."""
        ...


class FunctionFeatures:
    """Any function from a list of texts to a matrix."""

    kind: ClassVar[str] = "function"

    def __init__(self, function: Callable[[list[str]], Any]) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function

    def fit(self, texts: Sequence[str]) -> FunctionFeatures:
        """Nothing to learn."""
        del texts
        return self

    def transform(self, texts: Sequence[str]) -> Any:
        """What the function returns for the texts.

        Raises
        ------
        InvalidInput
            It returns another number of rows.
        """
        matrix = self._function(list(texts))
        matrix = matrix if sparse.issparse(matrix) else np.asarray(matrix)
        if matrix.shape[:1] != (len(texts),):
            raise InvalidInput(
                f"features function {self.name} must return one row per text, got shape "
                f"{matrix.shape} for {len(texts)} texts"
            )
        return matrix

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Nothing: a function is code, and files of routers hold none.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise InvalidInput(
            f"features function {self.name} cannot be saved; save the router without features, "
            "and give the loaded one a matrix or the same function again"
        )


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
