"""What every surrogate has in common: a frozen model, and the fit that it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.zoo.matrix import Matrix

__all__ = ["Fit", "Fitter", "Model", "SavedModel"]


class Model(Protocol):
    """A fitted classifier over K classes, frozen.

    Attributes
    ----------
    kind : str
        Word that its class is found by when a saved one is loaded.
    """

    kind: ClassVar[str]

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Outputs (n, K) of rows that ``unit_rows`` has prepared; the largest is the label."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings that JSON can hold, and numeric arrays by name.

        Raises
        ------
        InvalidInput
            It is not made of plain numbers, so that loading it would run code.
        """
        ...


class SavedModel(Model, Protocol):
    """A model that is made of plain numbers: saving needs no pickle and loading runs no code."""

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> SavedModel:
        """Model with this state.

        Raises
        ------
        InvalidInput
            Not a state that ``state`` returns.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model, and what it says of rows that it has not seen.

    Attributes
    ----------
    model : Model
        Fitted on all rows.
    out_of_fold : ndarray of shape (n, K), float32
        Outputs for each fitting row of a model fitted without it.
    settings : str
        Hyper-parameters in words.
    """

    model: Model
    out_of_fold: NDArray[np.float32]
    settings: str


# Rows from ``unit_rows`` (n, d), class indicators or the teacher's probabilities (n, K), seed.
Fitter = Callable[[Matrix, NDArray[np.float32], int], Fit]
