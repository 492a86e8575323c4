"""A user's own function as features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.errors import InvalidInput

__all__ = ["FunctionFeatures"]


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
