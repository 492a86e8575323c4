"""One job that a notebook watches: it runs in a cell or in the background, and can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tracer_nb.errors import InvalidInput, NotFitted, TracerError
from tracer_nb.live.beside import Beside, audit_work, back_work, update_work
from tracer_nb.live.desk import write_router, write_rows
from tracer_nb.live.lookout import Followed, Lookout
from tracer_nb.live.task import Reins, Task
from tracer_nb.records import ColumnMap, Plan, Progress, RowPage, Selection
from tracer_nb.records.moments import Moment, SettingsForm

__all__ = ["Session"]

# Distinct texts that a map shows at the most.
_MAP_POINTS = 100_000


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
        return self._tracer.map(method, n_points=_MAP_POINTS)

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
        threading.Thread(None, self._analyse, "tracer-gaps", (task,), daemon=True).start()

    def relabel(self, row: int, label: str, note: str = "") -> None:
        """Say which label a row should have; see :meth:`tracer_nb.Tracer.relabel`."""
        self._tracer.relabel(row, label, note)

    def send_to_review(self, row: int) -> int:
        """Put a row aside for a review; how many wait there."""
        return self._tracer.send_to_review([row])

    def review(self, of: str = "mixed") -> Any:
        """Rows to judge one at a time; see :meth:`tracer_nb.Tracer.review`."""
        self.check_free()
        return self._tracer.review(of=of)

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
            self._spawn(self._task, go_on=go_on)

    def audit(self, rate: float, max_rows: int) -> None:
        """Audit handled rows in the background.

        The job itself stays where it is: what was paused goes on with the next :meth:`start`.

        Raises
        ------
        InvalidInput
            The session is running.
        """
        self._beside(audit_work(rate, max_rows))

    def update(self) -> None:
        """Learn and test on fresh rows as an audit asks; what came of it is in the moment."""
        self._beside(update_work(lambda made: self._set(updated=made)))

    def back(self) -> None:
        """Put the other certificate of the last update in force, beside the job as well."""
        self._beside(back_work)

    def write_router(self) -> str:
        """Write the router to a new file in the present folder; its name.

        Raises
        ------
        NotFitted
            Nothing is calibrated yet.
        InvalidInput
            The file cannot be written, or the session is running.
        """
        self.check_free()
        return str(write_router(self._tracer))

    def write_rows(self, kind: str) -> tuple[str, int]:
        """Write the routed rows as "csv" or "parquet" to a new file in the present folder.

        Its name, and how many of its cells a spreadsheet may run as formulas.

        Raises
        ------
        NotFitted
            Nothing is routed yet.
        InvalidInput
            The file cannot be written, or the session is running.
        """
        self.check_free()
        tracer, task = self._tracer, self._task
        assert task is not None  # noqa: S101  it has a tracer
        table = task.table if task.routed is None else task.routed()
        path, formulas = write_rows(tracer, table, kind)
        return str(path), formulas

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

    def look(self, *, anew: bool = False) -> None:
        """Take over where the job stands after a step that was made outside a run.

        ``anew``: the step made another result, as a run does; the panel of the run before stays as
        it is.
        """
        if self._task is not None:
            lookout = Lookout(self._task.tracer)
            report = lookout.report()
            found = lookout.findings(report)
            # At once: a panel of the run before must not take the new result for its own.
            values = {"report": report, "findings": found, "paid": report.spending.cost}
            self._set(run=self.moment.run + anew, unexplained="", **values)

    # --- the run ---------------------------------------------------------------------

    @property
    def _tracer(self) -> Followed:
        if self._task is None:
            raise NotFitted("nothing is labelled yet; start the job first")
        return self._task.tracer

    def _beside(self, work: Beside) -> None:
        """Run what is not the job itself in the background, with what the job's caps leave."""
        with self._lock:
            self.check_free()
            tracer, task = self._tracer, self._task
            assert task is not None  # noqa: S101  it has a tracer

            def run(reins: Reins) -> Any:
                return work(task, tracer.caps_left(task.caps), reins)

            self._spawn(replace(task, work=run), before=self._moment)

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

    def _spawn(self, task: Task, *, go_on: bool = False, before: Moment | None = None) -> None:
        """Run in the background; ``before``: the moment to come back to, of what is not the job."""
        self._begin(task, blocking=False)

        def work() -> None:
            with suppress(BaseException):  # it is in the message
                self._do(task, go_on=go_on, before=before)

        # A daemon: answers are in the store, and an interpreter that ends need not wait.
        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def _do(self, task: Task, *, go_on: bool, before: Moment | None = None) -> Any:
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
            self._ended(task, state, message, before)
        return result

    def _ended(self, task: Task, state: str, message: str, before: Moment | None) -> None:
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
        if before is not None:  # the job stands where it stood
            state, found["plan"] = before.state, before.plan
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
