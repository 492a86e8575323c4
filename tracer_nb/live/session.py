"""One job that a notebook watches: it runs in a cell or in the background, and can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tracer_nb.errors import InvalidInput, NotFitted, TracerError
from tracer_nb.live.lookout import Followed, Lookout
from tracer_nb.records import Caps, ColumnMap, Plan, Progress, RowPage, Selection
from tracer_nb.records.moments import Moment, Option

__all__ = ["Reins", "Session", "SettingsForm", "Task"]


@dataclass(frozen=True, slots=True)
class Reins:
    """What a run is led by; to be handed to the methods of a Tracer.

    Attributes
    ----------
    on_progress : callable
    stop : threading.Event
    go_on : bool
        An earlier run of the task was stopped: money is counted on.
    """

    on_progress: Callable[[Progress], None]
    stop: threading.Event
    go_on: bool


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a session runs.

    Attributes
    ----------
    work : callable
        What it returns, a run in a cell returns.
    tracer : Followed
        The Tracer that works; it is asked where the job stands between its steps.
    caps : Caps
        To be shown; the work keeps them.
    table : dataframe, optional
        The labelled column's own, whose other columns are looked at for gaps.
    """

    work: Callable[[Reins], Any]
    tracer: Followed
    caps: Caps = field(default_factory=Caps)
    table: Any = None


class SettingsForm(Protocol):
    """The settings of a job, to be seen and changed."""

    @property
    def options(self) -> tuple[Option, ...]:
        """Every setting with its present value, in order."""

    @property
    def line(self) -> str:
        """The magic line that does the job with them."""

    def aside(self, values: Mapping[str, str] | None = None) -> str:
        """What the line cannot say of them, or of other values."""

    def step(self, words: str) -> str:
        """The magic line of one step of the job."""

    def draft(self, values: Mapping[str, str]) -> str:
        """The magic line for other values; nothing is changed."""

    def apply(self, values: Mapping[str, str]) -> None:
        """Take over other values."""


class Session:
    """Runs a job, and tells everybody who watches where it stands.

    Answers are stored as they come in, so a pause, a stop, a failure or a killed kernel loses
    none; going on asks only what is left, and the caps hold for all parts together.

    Every method may be called from any thread.

    Attributes
    ----------
    form : SettingsForm or None
        The settings of the job, where they can be changed.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._moment = Moment()
        self._task: Task | None = None
        self._lookout: Lookout | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._followers: list[Callable[[], None]] = []
        self.form: SettingsForm | None = None

    # --- for those who look ----------------------------------------------------------

    @property
    def moment(self) -> Moment:
        """Where the session stands now."""
        with self._lock:
            return self._moment

    def follow(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after every change; returns what ends that.

        It is called in the thread that made the change, and should return soon.
        """
        with self._lock:
            self._followers.append(callback)

        def unfollow() -> None:
            with self._lock, suppress(ValueError):
                self._followers.remove(callback)

        return unfollow

    def rows(self, selection: Selection, *, offset: int = 0, limit: int = 25) -> RowPage:
        """Rows of the column that match; see :meth:`tracer_nb.Tracer.rows`."""
        return self._tracer.rows(selection, offset=offset, limit=limit)

    def map(self, method: str) -> ColumnMap | None:
        """The column's texts as points; see :meth:`tracer_nb.Tracer.map`."""
        return self._tracer.map(method)

    def analyse(self) -> None:
        """Look for the gaps in a thread of its own, unless that goes on already.

        They are in the findings once they are found; see :meth:`tracer_nb.Tracer.gaps`.

        Raises
        ------
        InvalidInput
            The session is running.
        """
        with self._lock:
            self.check_free()
            task = self._task
            if task is None or self._moment.analysing:
                return
            self._moment = replace(self._moment, analysing=True, unexplained="")
        self._tell()
        threading.Thread(
            target=self._analyse, args=(task,), name="tracer-gaps", daemon=True
        ).start()

    def relabel(self, row: int, label: str, note: str = "") -> None:
        """Say which label a row should have; see :meth:`tracer_nb.Tracer.relabel`."""
        self._tracer.relabel(row, label, note)

    def send_to_review(self, row: int) -> int:
        """Put a row aside for a review; how many wait there."""
        return self._tracer.send_to_review([row])

    # --- for those who act -----------------------------------------------------------

    def prepare(self, task: Task, plan: Plan | None = None) -> None:
        """Name what :meth:`start` begins, and what it would ask.

        Raises
        ------
        InvalidInput
            The session is running.
        """
        with self._lock:
            self.check_free()
            old, self._task = self._task, task
            moment = self._moment
            if old is not None and old.tracer is not task.tracer:  # another job
                moment = Moment(run=moment.run)
            self._moment = replace(moment, ready=True, plan=plan, caps=task.caps)
        self.look()

    def run(self, task: Task) -> Any:
        """Run ``task`` in this thread, as a cell does; returns its result.

        Raises
        ------
        InvalidInput
            The session is running.
        Exception
            What the task raises.
        """
        with self._lock:
            self.check_free()
            self._task = task
            self._begin(task, blocking=True)
        return self._do(task, go_on=False)

    def start(self) -> None:
        """Run the task in the background; goes on where an earlier run of it was stopped.

        Raises
        ------
        InvalidInput
            The session is running, or there is nothing to run.
        """
        with self._lock:
            self.check_free()
            if self._task is None:
                raise InvalidInput("there is nothing to run yet; name a column and a teacher")
            go_on = self._moment.state in ("paused", "stopped")
            self._begin(self._task, blocking=False)
            # A daemon: answers are in the store, and an interpreter that ends need not wait.
            self._thread = threading.Thread(
                target=self._in_background, args=(self._task, go_on), daemon=True
            )
            self._thread.start()

    def pause(self) -> None:
        """End the run in about a second, to go on later."""
        self._end("paused")

    def stop(self) -> None:
        """End the run in about a second."""
        self._end("stopped")

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until a run in the background has ended; whether it has."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        return not self.moment.running

    def check_free(self) -> None:
        """Refuse what cannot be done during a run.

        Raises
        ------
        InvalidInput
            The session is running.
        """
        if self.moment.running:
            raise InvalidInput("this job is running already; pause or stop it first")

    def look(self) -> None:
        """Take over where the job stands after a step that was made outside a run."""
        if self._task is not None:
            lookout = Lookout(self._task.tracer)
            report = lookout.report()
            found = lookout.findings(report)
            self._set(report=report, findings=found, unexplained="")

    # --- the run ---------------------------------------------------------------------

    @property
    def _tracer(self) -> Followed:
        if self._task is None:
            raise NotFitted("nothing is labelled yet; start the job first")
        return self._task.tracer

    def _begin(self, task: Task, *, blocking: bool) -> None:
        self._stop = threading.Event()
        self._lookout = Lookout(task.tracer, task.caps)
        self._moment = replace(
            Moment(report=self._moment.report, findings=self._moment.findings, caps=task.caps),
            state="running",
            blocking=blocking,
            run=self._moment.run + 1,
            ready=True,
            analysing=self._moment.analysing,
        )

    def _in_background(self, task: Task, go_on: bool) -> None:  # noqa: FBT001
        # What it raises is in the message.
        with suppress(BaseException):
            self._do(task, go_on=go_on)

    def _do(self, task: Task, *, go_on: bool) -> Any:
        self._tell()
        state, message = "failed", ""
        try:
            result = task.work(Reins(self._progress, self._stop, go_on))
            state = "done"
        except KeyboardInterrupt:
            state = "stopped"
            raise
        except TracerError as error:
            message = str(error)
            raise
        except BaseException as error:
            message = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._ended(task, state, message)
        return result

    def _ended(self, task: Task, state: str, message: str) -> None:
        # Both are heavy, and loaded by now.
        from tracer_nb.labelling import INTERRUPTED  # noqa: PLC0415
        from tracer_nb.teachers.server import redact  # noqa: PLC0415

        found: dict[str, Any] = {}
        try:
            lookout = Lookout(task.tracer)
            found["report"] = report = lookout.report()
            found["paid"] = report.spending.cost
            if state == "done" and report.stopped == INTERRUPTED:
                state = self.moment.ending or "stopped"
            found["findings"] = lookout.findings(report)
        except Exception as error:  # noqa: BLE001 -- the run itself is over and its answers kept
            message = message or f"{type(error).__name__}: {error}"
        self._set(state=state, ending="", blocking=False, message=redact(message), **found)

    def _progress(self, progress: Progress) -> None:
        lookout, run = self._lookout, self.moment.run
        assert lookout is not None  # noqa: S101  _begin() made it
        self._set(**lookout.seen(progress))

        def found(message: str = "", **findings: Any) -> None:
            with self._lock:
                if self._moment.run != run or not self._moment.running:
                    return
                both = replace(self._moment.findings, **findings)
                self._moment = replace(self._moment, findings=both, message=message)
            self._tell()

        lookout.look_on(progress, found)

    def _end(self, state: str) -> None:
        with self._lock:
            if self._moment.running:
                self._stop.set()
                self._moment = replace(self._moment, ending=state)
            elif self._moment.state == "paused" and state == "stopped":
                self._moment = replace(self._moment, state="stopped")
        self._tell()

    def _analyse(self, task: Task) -> None:
        from tracer_nb.teachers.server import redact  # noqa: PLC0415  loaded by the job

        said = ""
        try:
            if task.tracer.known_gaps is None:
                task.tracer.gaps(task.table)
        except TracerError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 -- said in the panel
            said = f"{type(error).__name__}: {error}"
        found = task.tracer.known_gaps
        if found is None and not said:
            said = "The job has gone on meanwhile; look again."
        with self._lock:
            changes: dict[str, Any] = {"analysing": False}
            if self._task is not None and self._task.tracer is task.tracer:
                both = replace(self._moment.findings, gaps=found)
                changes.update(findings=both, unexplained=redact(said))
            self._moment = replace(self._moment, **changes)
        self._tell()

    # --- telling ---------------------------------------------------------------------

    def _set(self, **values: Any) -> None:
        with self._lock:
            self._moment = replace(self._moment, **values)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            followers = list(self._followers)
        for callback in followers:
            self._call(callback)

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 -- who watches must not break the run
            said = f"The panel could not be updated: {type(error).__name__}: {error}"
            with self._lock:
                self._moment = replace(self._moment, message=said)
