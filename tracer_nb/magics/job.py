"""One named job of a kernel: its settings, its column and its Tracer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.names import Source

if TYPE_CHECKING:
    from tracer_nb.tracer import Tracer

__all__ = ["Job"]


@dataclass
class Job:
    """Settings are remembered from line to line, so that a step needs only what changes."""

    settings: dict[str, Any] = field(default_factory=dict)
    source: Source | None = None
    tracer: Tracer | None = None

    def change(self, settings: dict[str, Any], source: Source | None) -> None:
        """Take over new settings; a Tracer made from other ones is put away.

        Raises
        ------
        InvalidInput
            A setting cannot be used; the job stays as it was.
        """
        merged = {**self.settings, **settings}
        if self.tracer is None or not _equal(merged, self.settings):
            if "teacher" not in merged:
                raise InvalidInput(
                    "no teacher is named; add --teacher openai:MODEL, --teacher standin:support "
                    "or the name of a function"
                )
            from tracer_nb.tracer import Tracer  # noqa: PLC0415  brings scikit-learn

            self.tracer = Tracer(**merged)
        self.settings = merged
        self.source = source or self.source

    @property
    def column(self) -> Any:
        """The column the job is about.

        Raises
        ------
        InvalidInput
            None was named yet.
        """
        if self.source is None:
            raise InvalidInput("no column is named; write for example %tracer plan df.text")
        return self.source.column


def _equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Same settings; arrays and functions are compared by identity."""
    return a.keys() == b.keys() and all(
        a[k] is b[k]
        or (
            isinstance(a[k], (str, int, float, list, tuple))
            and type(a[k]) is type(b[k])
            and a[k] == b[k]
        )
        for k in a
    )
