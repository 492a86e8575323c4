"""The review in the panel: opened and closed at a press, shown below the buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.records.moments import Moment
from tracer_nb.widgets.panel.needs import SessionLike
from tracer_nb.widgets.sitting import Sitting
from tracer_nb.words import count

__all__ = ["Seat"]

# Which rows a review is of.
_MIXED, _CHOSEN = "mixed", "chosen"


class Seat:
    """Where a review takes place in a panel, if one does.

    Parameters
    ----------
    view : PanelView
        Shows ``review`` (labels, whether a row may have several, and of which rows it is; empty while
        none takes place) and its ``row``.
    session : SessionLike
    """

    def __init__(self, view: Any, session: SessionLike) -> None:
        self._view, self._session = view, session
        self._sitting: Sitting | None = None
        self._run, self._of = 0, ""
        # Rows that were left in the review of a run: what was found at its end is older.
        self._left: tuple[int, int] | None = None

    def sit(self, *, opened: bool) -> None:
        """Open the review, as the step does without options, or close it.

        Raises
        ------
        TracerError
            It is refused; why is said.
        """
        if not opened:
            self.close()
        elif self._sitting is None or self._of != _MIXED:
            self._open(_MIXED)

    def sit_for_chosen(self) -> None:
        """Open the review of the rows that were sent to it; what was open gives way.

        Raises
        ------
        TracerError
            It is refused; why is said.
        """
        self._open(_CHOSEN)

    def _open(self, of: str) -> None:
        self.close()
        with self._view.hold_sync():
            sitting = Sitting(self._session.review(of), self._show, self.close)
            self._view.review = {
                "labels": sitting.labels,
                "several": sitting.several,
                "of": of,
            }
        self._sitting, self._run, self._of = sitting, self._session.moment.run, of

    def judge(self, said: Mapping[str, Any]) -> None:
        """Pass on what was pressed in the review."""
        if self._sitting is not None:
            self._sitting.receive(said)

    def close(self) -> None:
        """Take the review off the page; every answer is stored."""
        if self._sitting is not None and self._of == _MIXED:
            self._left = (self._run, self._sitting.n_left)
        self._sitting, self._view.review = None, {}

    def keep_up(self, moment: Moment) -> None:
        """Close the review of a job that went on, or gave way to one with nothing to review."""
        went_on = moment.running or moment.run != self._run
        if self._sitting is not None and (went_on or moment.findings.review is None):
            self.close()

    def words(self, moment: Moment) -> str:
        """The button, with the rows that wait; empty where a review would be refused."""
        if moment.running or moment.findings.review is None:
            return ""
        if self._sitting is not None and self._of == _MIXED:
            return "Close the review"
        run, left = self._left or (-1, 0)
        n = left if run == moment.run else moment.findings.review
        return f"Review, {count(n, 'row waits', 'rows wait')}" if n else "Review, no row waits"

    def _show(self, row: Mapping[str, Any]) -> None:
        self._view.row = row
