"""What a panel needs of the session that it shows, and of its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tracer_nb.records import ColumnMap, RowPage, Selection
from tracer_nb.records.moments import Moment, SettingsForm
from tracer_nb.widgets.sitting import Reviewing

__all__ = ["SessionLike"]


class SessionLike(Protocol):
    """What the panel needs of a session: see :class:`tracer_nb.live.session.Session`."""

    @property
    def moment(self) -> Moment:
        """Where it stands."""

    @property
    def form(self) -> SettingsForm | None:
        """Its settings, where they can be changed."""

    def follow(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call after every change; returns what ends that."""

    def start(self) -> None:
        """Begin, or go on."""

    def pause(self) -> None:
        """End the run, to go on later."""

    def stop(self) -> None:
        """End the run."""

    def analyse(self) -> None:
        """Look for the gaps."""

    def audit(self, rate: float, max_rows: int) -> None:
        """Ask about handled rows."""

    def update(self) -> None:
        """Learn from what the teacher said since."""

    def back(self) -> None:
        """Put the other certificate of the last update in force."""

    def write_router(self) -> str:
        """Write the router; the name of the file."""

    def write_rows(self, kind: str) -> tuple[str, int]:
        """Write the routed rows; the name of the file, and how many cells may run as formulas."""

    def rows(self, selection: Selection, *, offset: int, limit: int) -> RowPage:
        """Rows that match."""

    def map(self, method: str) -> ColumnMap | None:
        """Texts as points."""

    def relabel(self, row: int, label: str, note: str) -> None:
        """Say which label a row should have."""

    def send_to_review(self, row: int) -> int:
        """Put a row aside; how many wait."""

    def review(self, of: str) -> Reviewing:
        """Rows to judge one at a time, in an order of theirs."""
