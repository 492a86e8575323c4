"""What every kind of features can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

__all__ = ["Features"]


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
