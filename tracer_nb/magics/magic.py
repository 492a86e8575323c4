"""``%tracer`` and ``%%tracer``: read the line, take over its settings, do its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from tracer_nb.errors import KeyRefused, TracerError
from tracer_nb.magics.form import written_options
from tracer_nb.magics.handlers import HANDLERS, with_loaded
from tracer_nb.magics.job import Job, Keys, refuse_keys
from tracer_nb.magics.lines import (
    Line,
    check_begun,
    check_named,
    check_step,
    check_work,
    leading,
    read_line,
    split_line,
    undoing,
)
from tracer_nb.magics.names import read_caps, read_sample, read_settings, read_source
from tracer_nb.magics.reference import complete, magic_doc, show_help
from tracer_nb.magics.workspace import Workspace, made, user_variables
from tracer_nb.settings import BY_NAME

__all__ = ["TracerMagics", "register"]


def _documented(magic: Callable[..., None]) -> Callable[..., None]:
    """Give the magic the help that the tables of steps and settings make."""
    magic.__doc__ = magic_doc()
    return magic


@magics_class
class TracerMagics(Magics):
    """The magics of one kernel; jobs are kept by name."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.jobs: dict[str, Job] = {}
        self._keys = Keys()
        self._space = Workspace(shell, self._keys, self.jobs)

    @no_var_expand
    @line_cell_magic
    @_documented
    def tracer(self, line: str, cell: str | None = None) -> None:  # noqa: D102  by _documented
        self._space.warm()
        try:
            self._do(line, cell)
        except TracerError as error:
            from tracer_nb.teachers.server import redact  # noqa: PLC0415  as heavy as the Tracer

            if isinstance(error, KeyRefused):
                self._keys.forget()
            # IPython shows a UsageError as one line without a traceback.
            raise UsageError(redact(str(error))) from error
        except KeyboardInterrupt as stop:
            raise UsageError(
                "stopped; what is stored is kept, and the same line begins this step again"
            ) from stop

    def _do(self, text: str, cell: str | None) -> None:
        words = split_line(text)
        refuse_keys(words, self._space.variables)
        if BY_NAME["help"].flag in words:
            show_help(leading(words)[0])
            return
        line = read_line(words, cell=cell is not None)
        job = self.jobs.get(line.name, Job())
        check_named(line, self.jobs)
        if line.is_alone(begun=job.tracer is not None):
            HANDLERS[line.step.name](self._space, job, line)
        elif job.loaded is not None and line.takes_loaded:
            with_loaded(self._space, job, line, cell)
        else:
            self._of_job(job, line, cell)

    def _of_job(self, job: Job, line: Line, cell: str | None) -> None:
        """Take over what the line sets, and do its step."""
        step, args, variables = line.step, line.args, self._space.variables
        source = read_source(line.operand, variables) if step.names_column else None
        check_step(line, source, job)
        about = None if step.visits else source
        settings = read_settings(args, about or job.source, cell, variables)
        written = written_options(args, settings)
        caps, sample = read_caps(args), read_sample(args.sample)
        if step.own_caps:
            written = {name: v for name, v in written.items() if BY_NAME[name].of != "rows"}
            caps, sample = {}, None
        check_begun(line, settings, job)
        check_work(line, settings, job)
        if job.session.moment.running and step.looks and not settings:
            self._space.look(job)
            return
        job.session.check_free()
        with undoing(job, settings, line):
            job.change(settings, about, sample, caps, written)
            if about is not None:
                job.expression = line.operand
            self.jobs[line.name] = job
            self._space.attach(line.name, job)
            asks = step.asks and not args.dry_run
            self._keys.give(job, made(job).teacher, wanted=bool(args.ask_key), asks=asks)
            HANDLERS[step.name](self._space, job, line)


def register(ipython: Any) -> None:
    """Register the magics and their completion in a shell."""
    ipython.register_magics(TracerMagics(ipython))
    ipython.set_hook(
        "complete_command",
        lambda _, event: complete(event, user_variables(ipython)),
        re_key=r"%{1,2}tracer\b",
    )
