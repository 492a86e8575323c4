"""``%tracer`` and ``%%tracer``: read the line, take over its settings, do its step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import line_cell_magic, magics_class, no_var_expand
from IPython.display import display

from tracer_nb.errors import KeyRefused, TracerError
from tracer_nb.magics.defaults import Defaults, default_lines, fill, fill_alone
from tracer_nb.magics.form import options_of, written_options
from tracer_nb.magics.handlers import HANDLERS, with_loaded
from tracer_nb.magics.job import Job, Keys, refuse_keys
from tracer_nb.magics.lines import (
    Line,
    check_begun,
    check_named,
    check_step,
    check_work,
    leading,
    plans,
    read_line,
    split_line,
    undoing,
)
from tracer_nb.magics.names import Source, read_caps, read_sample, read_settings, read_source
from tracer_nb.magics.reference import complete, magic_doc, show_help
from tracer_nb.magics.steps import COLUMN
from tracer_nb.magics.workspace import Workspace, made, user_variables
from tracer_nb.settings import BY_NAME

__all__ = ["Stopped", "TracerMagics", "register"]


def _documented(magic: Callable[..., None]) -> Callable[..., None]:
    """Give the magic the help that the tables of steps and settings make."""
    magic.__doc__ = magic_doc()
    return magic


class Stopped(Exception):
    """Somebody stopped the cell: the cells below it are not run, and one line says so."""

    def __str__(self) -> str:
        return "what is stored is kept, and the same line begins this step again"

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"Stopped: {self}."]


@magics_class
class TracerMagics(Defaults):
    """The magics of one kernel; jobs are kept by name.

    ``%config TracerMagics.teacher = "openai:MODEL"`` sets a default that lasts; so do base_url, price
    and store. A line's own option wins.
    """

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.jobs: dict[str, Job] = {}
        self._keys = Keys()
        self._space = Workspace(shell, self._keys, self.jobs)

    @no_var_expand
    @line_cell_magic
    @_documented
    def tracer(self, line: str, cell: str | None = None) -> None:  # noqa: D102  by _documented
        try:
            self._do(line, cell)
        except TracerError as error:
            from tracer_nb.teachers.server import redact  # noqa: PLC0415  as heavy as the Tracer

            if isinstance(error, KeyRefused):
                self._keys.forget()
            # IPython shows a UsageError as one line without a traceback.
            raise UsageError(redact(str(error))) from error
        except KeyboardInterrupt as stop:
            raise Stopped from stop
        finally:
            self._space.arrived()

    def _do(self, text: str, cell: str | None) -> None:
        words = split_line(text)
        refuse_keys(words, self._space.variables)
        named = [
            word for word in leading(words)[0] if word != "help" or word in self._space.variables
        ]
        if BY_NAME["help"].flag in words or len(named) < len(leading(words)[0]):
            show_help(named, options_of(self.set_defaults()))
            return
        line = read_line(words, cell=cell is not None)
        if line.step.name in ("run", "label") and not line.args.dry_run:
            self._space.wait()
        self._space.warm()
        job = self.jobs.get(line.name, Job())
        check_named(line, self.jobs)
        if line.is_alone(begun=job.tracer is not None):
            line, used = fill_alone(line, self.set_defaults(), self._teacher_of)
            self._say(default_lines(used, {}))
            HANDLERS[line.step.name](self._space, job, line)
        elif job.loaded is not None and line.takes_loaded:
            with_loaded(self._space, job, line, cell)
        else:
            self._of_job(job, line, cell)

    def _plan_aside(
        self,
        job: Job,
        line: Line,
        settings: dict[str, Any],
        about: Source | None,
        rows: tuple[int | None, dict[str, Any]],
    ) -> None:
        """Plan what would be another job, beside the one that is done."""
        other = replace(job)
        other.change(settings, about, *rows, {})
        HANDLERS["plan"](self._space, other, line)
        told = "A plan of another job: the one that is done stays as it is."
        self._say([f"{told} To do this one, give its settings to run or label."])

    def _teacher_of(self, line: Line, source: Source | None = None) -> Any:
        """The teacher that a line names."""
        if line.args.teacher is None:
            return None
        return read_settings(line.args, source, None, self._space.variables)["teacher"]

    def _say(self, lines: list[str]) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415

        if lines:
            self._space.arrived()  # the panel stands below what is said
            display(Lines(lines))

    def _of_job(self, job: Job, line: Line, cell: str | None) -> None:
        """Take over what the line sets, and do its step."""
        step, variables, defaults = line.step, self._space.variables, self.set_defaults()
        source = read_source(line.operand, variables) if step.names_column else None
        check_step(line, source, job)
        about = None if step.visits else source
        used: dict[str, str] = {}
        if not step.looks or about is not None or job.tracer is not None:
            line, used = fill(
                line,
                defaults,
                lambda full: self._teacher_of(full, about or job.source),
                begins=job.tracer is None and job.loaded is None,
            )
        args = line.args
        settings = read_settings(args, about or job.source, cell, variables)
        written = written_options(args, settings)
        caps, sample = read_caps(args), read_sample(args.sample)
        if step.own_caps:
            written = {name: v for name, v in written.items() if BY_NAME[name].of != "rows"}
            caps, sample = {}, None
        if step.visits and about is None and source is not None and not source.is_same(job.home):
            written.pop("output", None)  # of another column
        check_begun(line, settings, job)
        if plans(line) and job.would_begin_anew(settings):
            self._plan_aside(job, line, settings, about, (sample, caps))
            return
        check_work(line, settings, job)
        self._space.check_free(args.output, overwrite=bool(args.overwrite))
        if job.session.moment.running and step.looks and not settings:
            self._space.look(job)
            return
        job.session.check_free()
        with undoing(job, settings, line):
            job.change(settings, about, sample, caps, written)
            if args.teacher is not None:  # the line says what job it is
                job.defaults = used
            if about is not None:
                job.expression = line.operand
            self.jobs[line.name] = job
            self._space.attach(line.name, job)
            asks = step.asks and not args.dry_run
            self._keys.give(job, made(job).teacher, wanted=bool(args.ask_key), asks=asks)
            if step.operand == COLUMN:
                self._say(default_lines(job.defaults, defaults))
            HANDLERS[step.name](self._space, job, line)


def _bodied(lines: list[str]) -> list[str]:
    """A cell of ``%%tracer`` alone, with an empty line below it: IPython refuses it without.

    A teacher that reads nothing, such as a function, needs no task in words.
    """
    if len(lines) == 1 and lines[0].split()[:1] == ["%%tracer"]:
        return [lines[0].rstrip("\n") + "\n", "\n"]
    return lines


def register(ipython: Any) -> None:
    """Register the magics and their completion in a shell."""
    ipython.register_magics(TracerMagics(ipython))
    if _bodied not in ipython.input_transformers_cleanup:
        ipython.input_transformers_cleanup.append(_bodied)
    ipython.set_hook(
        "complete_command",
        lambda _, event: complete(event, user_variables(ipython)),
        re_key=r"%{1,2}tracer\b",
    )
