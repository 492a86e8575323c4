"""Runs of the magics below a live panel, and what the panel may do with a job."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from IPython.core.error import UsageError
from IPython.display import display

from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.live.task import Reins, Task
from tracer_nb.magics.form import Form, line_of, options_of
from tracer_nb.magics.job import Job, Keys, refuse_keys
from tracer_nb.magics.lines import parse, split_line
from tracer_nb.magics.names import Source, read_caps, read_sample, read_settings, unquote
from tracer_nb.settings import FORM

__all__ = ["Work", "Workspace", "made", "note_of", "user_variables"]

Work = Callable[[Reins], None]
"""What a session runs."""


class Workspace:
    """Lets jobs run and shows them.

    Parameters
    ----------
    shell : InteractiveShell
    keys : Keys
    jobs : dict
        By name.
    """

    def __init__(self, shell: Any, keys: Keys, jobs: dict[str, Job]) -> None:
        self._shell, self.keys, self.jobs = shell, keys, jobs
        self._waiting: Any = None  # what is shown until the panel is there

    @property
    def variables(self) -> dict[str, Any]:
        """The notebook's."""
        return user_variables(self._shell)

    def put(self, name: str, value: Any) -> None:
        """Give the user a variable."""
        self._shell.push({name: value})

    def check_free(self, name: str | None, *, overwrite: bool) -> None:
        """Refuse to take a variable that holds something of the user's.

        Raises
        ------
        InvalidInput
            It holds neither a frame that was routed, nor nothing.
        """
        if name is None or overwrite or self._is_free(name):
            return
        kind = type(self.variables[name]).__name__
        raise InvalidInput(
            f"--output {name}: that variable holds a {kind} already; choose another name, or add "
            "--overwrite"
        )

    def _is_free(self, name: str) -> bool:
        value = self.variables.get(name)
        return value is None or _is_routed(value)

    @property
    def in_kernel(self) -> bool:
        """Whether somebody sees what is shown there."""
        return hasattr(self._shell, "kernel")

    def warm(self) -> None:
        """Begin to make the panel's script, which takes a second."""
        if self.in_kernel:
            from tracer_nb.widgets.panel import warm  # noqa: PLC0415

            warm()

    def wait(self) -> None:
        """Say at once what takes seconds in a fresh kernel; the panel takes its place."""
        if self.in_kernel and "tracer_nb.tracer" not in sys.modules:
            said = {"text/plain": "Loading tracer_nb, once in each kernel…"}
            self._waiting = display(said, raw=True, display_id=True)

    def arrived(self) -> None:
        """Take that back, where no panel took its place."""
        if self._waiting is not None:
            self._waiting.update({"text/plain": ""}, raw=True)
        self._waiting = None

    # --- runs ------------------------------------------------------------------------

    def whole(
        self,
        job: Job,
        output: str | None,
        ask: bool | None,  # noqa: FBT001
        again: str | None = None,
    ) -> Work:
        """The whole job, on the column that is named now."""
        tracer, column, source = made(job), job.column, job.source
        table, sample, caps = job.table, job.sample, asdict(job.caps)

        def work(reins: Reins) -> None:
            tracer.run(
                column,
                table=table,
                sample=sample,
                **caps,
                ask_teacher=ask,
                on_progress=reins.on_progress,
                stop=reins.stop,
                go_on=reins.go_on,
                again=again,
            )
            self.assign(job, source, output)

        return work

    def assign(self, job: Job, source: Source | None, given: str | None) -> str:
        """Put the frame that was routed into the variable given, or into that which had it before.

        Its name, where there is one; what became the user's own meanwhile stays.
        """
        tracer, name = made(job), job.output_of(source, given)
        if tracer.outcome is None or source is None:
            return ""
        job.routed = source
        if not name or not (given or self._is_free(name)):
            return ""
        self.put(name, tracer.frame_of(source.table))
        return name

    def renew(self, job: Job) -> list[str]:
        """Bring the frame that was routed last up to date with what was said since."""
        tracer, source, name = made(job), job.routed, job.output_of(job.routed)
        if not name or source is None or not _is_routed(self.variables.get(name)):
            return []
        self.put(name, tracer.frame_now(source.table))
        return [f"{name} has the teacher's label on every row that it was asked about."]

    def follow(self, job: Job, work: Work, result: Callable[[], Any]) -> None:
        """Do ``work`` in this cell below a live panel; a terminal gets ``result`` alone."""
        task = self._task(job, work)
        if not self.in_kernel:
            job.session.run(task)
            display(result())
            return
        from tracer_nb.widgets.panel import Panel  # noqa: PLC0415

        panel = Panel(job.session, record=True).show(self._waiting)
        self._waiting = None
        try:
            job.session.run(task)
        except BaseException:
            if job.session.moment.progress is None:  # what was wrong is said below the cell
                panel.remove()
            raise

    def _task(self, job: Job, work: Work) -> Task:
        """``work`` with what the job's panel asks for beside it."""

        def routed() -> Any:
            source = job.routed or job.home
            return None if source is None else source.table

        after, rerouted = partial(self.renew, job), partial(self.assign, job, job.home, None)
        return Task(work, made(job), job.caps, job.home_table, routed, after, rerouted)

    # --- panels ----------------------------------------------------------------------

    def look(self, job: Job) -> None:
        """Show a job, which may run in the background, without touching it."""
        from tracer_nb.widgets import Panel  # noqa: PLC0415

        Panel(job.session).show()

    def prepare(self, job: Job) -> None:
        """Let the panel's start button do the whole job."""
        tracer = made(job)
        if job.source is not None:
            job.home = job.source
            ask = {"--ask": True, "--no-ask": False}.get(job.written.get("ask", ""))
            output = job.written.get("output")
            work = self.whole(job, None if output is None else unquote(output), ask)
            plan = None
            if tracer.labels is None:
                plan = tracer.plan(
                    job.column, table=job.table, sample=job.sample, **asdict(job.caps)
                )
            job.session.prepare(self._task(job, work), plan)

    def attach(self, name: str, job: Job) -> None:
        """Give the session of a job a form of its settings."""

        def draft(written: Mapping[str, str]) -> str:
            line = line_of(job.expression, written, name)
            refuse_keys(split_line(line), self.variables)
            return line

        def apply(written: Mapping[str, str]) -> None:
            from tracer_nb.teachers.server import redact  # noqa: PLC0415  loaded by the job

            try:
                self._apply(job, written)
            except (TracerError, UsageError) as error:
                raise InvalidInput(redact(str(error))) from error

        job.session.form = Form(lambda: job.written, draft, apply, name)

    def _apply(self, job: Job, written: Mapping[str, str]) -> None:
        """Take over settings as if a line had named all of them."""
        job.session.check_free()
        variables = self.variables
        words = split_line(" ".join(options_of(written, ("line", "advanced"))))
        refuse_keys(words, variables)
        args = parse(tuple(s for s in FORM if s.place != "cell"), words)
        settings = read_settings(args, job.source, written.get("prompt"), variables)
        sample = read_sample(args.sample)
        job.change(settings, None, sample, read_caps(args), written, whole=True)
        job.defaults = {n: text for n, text in job.defaults.items() if written.get(n) == text}
        self.keys.give(job, made(job).teacher, wanted=False, asks=True)
        self.prepare(job)


def _is_routed(value: Any) -> bool:
    """Whether it is a frame with the columns that routing adds."""
    from tracer_nb.steps.column.frames import OUTPUT_COLUMNS, column_names, is_frame  # noqa: PLC0415

    return is_frame(value) and {*OUTPUT_COLUMNS} <= {*column_names(value)}


def made(job: Job) -> Any:
    """The job's Tracer, which every change of its settings makes."""
    assert job.tracer is not None  # noqa: S101
    return job.tracer


def note_of(tracer: Any) -> list[str]:
    """What must be said with every answer of this teacher."""
    note = str(getattr(tracer.teacher, "note", ""))
    return [note] if note else []


def user_variables(shell: Any) -> dict[str, Any]:
    """The notebook's variables, without those that IPython puts there."""
    hidden = shell.user_ns_hidden
    return {k: v for k, v in shell.user_ns.items() if k not in hidden or v is not hidden[k]}
