"""Looking at a Tracer that works: between its steps all of it, and now and then at what comes in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from tracer_nb.errors import StoreError
from tracer_nb.live.desk import Kept
from tracer_nb.records import (
    Caps,
    Certificate,
    ColumnMap,
    Confusion,
    Gaps,
    LabelAgreement,
    LabelCounts,
    PanelReport,
    Preview,
    Progress,
    Reliability,
    Report,
    RowPage,
    Selection,
    Targets,
    Timeline,
    Update,
    UpdatePlan,
    Watch,
)
from tracer_nb.records.moments import Findings

__all__ = ["Followed", "Lookout"]

# Looking takes at most this part of the time.
_PART = 0.2
_PAUSE, _LONGEST = 1.0, 10.0
_LABEL = "label"


class Followed(Kept, Protocol):
    """What is asked of a Tracer: see :class:`tracer_nb.Tracer`."""

    @property
    def report(self) -> Report:
        """Where the job stands."""

    def label_counts(self) -> LabelCounts | None:
        """How often each label occurs."""

    def preview(self) -> Preview | None:
        """The frontier of the labels so far."""

    def label_agreement(self, by: str = "teacher") -> LabelAgreement | None:
        """Agreement for each label."""

    def confusion(self) -> Confusion | None:
        """Labels against labels."""

    def reliability(self) -> Reliability | None:
        """Scores against agreement."""

    def targets(self) -> Targets | None:
        """What each target would give."""

    def gaps(self, table: Any = None) -> Gaps:
        """Where surrogate and teacher part."""

    @property
    def known_gaps(self) -> Gaps | None:
        """Those that were found already."""

    @property
    def known_watch(self) -> Watch | None:
        """What the audits tell."""

    @property
    def panel(self) -> PanelReport | None:
        """What the members of a panel said."""

    def map(self, method: str, *, n_points: int) -> ColumnMap | None:
        """Texts as points."""

    def rows(self, selection: Selection, *, offset: int, limit: int) -> RowPage:
        """Rows that match."""

    def caps_left(self, caps: Caps) -> Caps:
        """What may still be spent of caps for the whole job."""

    def audit(
        self,
        rate: float,
        *,
        max_cost: float | None,
        max_tokens: int | None,
        max_rows: int | None,
        on_progress: Callable[[Progress], None] | None,
        stop: threading.Event | None,
    ) -> Watch:
        """Ask the teacher about handled rows."""

    @property
    def known_update(self) -> UpdatePlan | None:
        """What an update would ask."""

    @property
    def earlier(self) -> Certificate | None:
        """What might be in force instead."""

    def back(self) -> Certificate:
        """Put that in force."""

    @property
    def outcome(self) -> Any:
        """What the last routing gave."""

    def update(
        self,
        *,
        max_cost: float | None,
        max_tokens: int | None,
        max_rows: int | None,
        on_progress: Callable[[Progress], None] | None,
        stop: threading.Event | None,
    ) -> Update:
        """Learn from what the teacher said, and certify again."""

    def relabel(self, row: int, label: str, note: str = "") -> None:
        """Say which label a row should have."""

    def send_to_review(self, rows: Iterable[int]) -> int:
        """Put rows aside for a review."""

    def review(self, *, of: str) -> Any:
        """Rows to judge one at a time."""

    @property
    def known_review(self) -> int | None:
        """How many of them wait."""


class Lookout:
    """Follows one run.

    Parameters
    ----------
    tracer : Followed
    caps : Caps
        Of the whole job.
    """

    def __init__(self, tracer: Followed, caps: Caps | None = None) -> None:
        self._tracer = tracer
        self._step = ("", 0)
        self._before: float | None = 0.0  # paid before this step
        self._seconds = 0.0
        self._timeline = Timeline(max_cost=None if caps is None else caps.max_cost)
        self._next = 0.0
        self._looking = threading.Lock()

    def report(self) -> Report:
        """Where the job stands."""
        return self._tracer.report

    def findings(self, report: Report | None = None, *, running: bool = False) -> Findings:
        """All that there is to look at; what takes seconds only if it is there already.

        While something is ``running``, what all answers are read for is left out.
        """
        tracer = self._tracer
        return Findings(
            counts=tracer.label_counts(),
            agreement=tracer.label_agreement(),
            confusion=tracer.confusion(),
            reliability=tracer.reliability(),
            targets=tracer.targets(),
            gaps=tracer.known_gaps,
            watch=tracer.known_watch,
            bill=(report or self.report()).bill,
            update=None if running else tracer.known_update,
            earlier=None if running else tracer.earlier,
            review=None if running else tracer.known_review,
            panel=None if running else self._panel(),
        )

    def _panel(self) -> PanelReport | None:
        with suppress(StoreError):  # to look fails at nothing: the next step says what is wrong
            return self._tracer.panel
        return None

    def seen(self, progress: Progress) -> dict[str, Any]:
        """What a moment of the run changes in what is shown; called in the thread that works."""
        if progress.parts:  # of a step that pays nothing, and in which the job does not stand still
            return {"progress": progress}
        found: dict[str, Any] = {}
        step = (progress.step, progress.total)
        if step != self._step:
            # Between two steps, and two batches of one, the job stands still, so that it can be
            # looked at.
            report = self.report()
            found = {"report": report, "findings": self.findings(report, running=True)}
            if progress.step != self._step[0] or progress.seconds < self._seconds:
                self._before = report.spending.cost
            self._step = step
        self._seconds = progress.seconds
        paid = None
        if self._before is not None and progress.spending.cost is not None:
            paid = self._before + progress.spending.cost
        of_job = replace(progress, spending=replace(progress.spending, cost=paid))
        if progress.total > 1 or progress.done:
            self._timeline = self._timeline.after(of_job)
        return {**found, "progress": progress, "paid": paid, "timeline": self._timeline}

    def look_on(self, progress: Progress, found: Callable[..., None]) -> None:
        """Look at the labels that came in, in a thread of its own, if it is time to.

        ``found`` is called with ``counts``, with ``preview``, or with a ``message``. A look
        takes a second with thousands of labels, and a stop must not wait for it.
        """
        if progress.step != _LABEL or time.monotonic() < self._next:
            return
        if not self._looking.acquire(blocking=False):
            return
        threading.Thread(target=self._look, args=(found,), name="tracer-look", daemon=True).start()

    def _look(self, found: Callable[..., None]) -> None:
        begun = time.monotonic()
        try:
            for name, look in (
                ("bill", lambda: self._tracer.report.bill),
                ("counts", self._tracer.label_counts),
                ("preview", self._tracer.preview),
            ):
                seen = look()
                if self._step[0] == _LABEL:
                    found(**{name: seen})
        except Exception as error:  # noqa: BLE001 -- said in the panel; the run goes on
            found(message=f"No preview: {type(error).__name__}: {error}")
        finally:
            now = time.monotonic()
            self._next = now + min(max((now - begun) / _PART, _PAUSE), _LONGEST)
            self._looking.release()
