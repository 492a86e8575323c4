"""A magic line, read: its step, what is named behind that, and its options.

A line that cannot be done changes nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NoReturn

from IPython.core.magic_arguments import MagicArgumentParser

from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.magics.job import Job
from tracer_nb.magics.names import Source, unquote
from tracer_nb.magics.steps import STEPS, WORDS, Step, heeds, settings_of, words_behind
from tracer_nb.settings import ADVANCED, BY_FLAG, SETTINGS, Setting
from tracer_nb.settings.record import number

__all__ = [
    "TABLES",
    "Line",
    "check_begun",
    "check_loaded",
    "check_named",
    "check_only",
    "check_step",
    "check_work",
    "leading",
    "parse",
    "plans",
    "read_line",
    "split_line",
    "step_of",
    "undoing",
]


TABLES = (".csv", ".parquet")
"""Endings of the files that a step may write as a table."""

# Quoted parts keep their spaces wherever they stand, as in df["two  words"]; a quote that is
# never closed is an ordinary character, for the column expression to complain about.
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\S)+""")
_VALUELESS = re.compile(r"argument (\S+): expected one argument")


class _Parser(MagicArgumentParser):
    """Its mistakes in our words."""

    def error(self, message: str) -> NoReturn:
        """Refuse a line."""
        if found := _VALUELESS.fullmatch(message):
            flag = next(f for s in SETTINGS for f in s.flags if f.flag == found[1])
            raise InvalidInput(f"{flag.flag} needs a value behind it: {flag.flag} {flag.metavar}")
        raise InvalidInput(message)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of ``%tracer``.

    Attributes
    ----------
    step : Step
    operand : str
        What is named behind it, as it is written.
    args : namespace
        Every setting by its name; None for what the line does not give.
    """

    step: Step
    operand: str
    args: Any

    @property
    def name(self) -> str:
        """Of the job."""
        return unquote(self.args.name)

    @property
    def table(self) -> str:
        """The table file that a step with ``exports`` is to write; empty where it is another."""
        file = unquote(self.operand.strip())
        return file if self.step.exports and file.endswith(TABLES) else ""

    @property
    def takes_loaded(self) -> bool:
        """Whether a router from a file will do; a panel with a teacher begins a job of its own."""
        begins = self.step.looks and self.args.teacher is not None
        return ("router" in self.step.needs and not begins) or self.drains

    @property
    def drains(self) -> bool:
        """Whether it is about the texts that wait for a loaded router's teacher."""
        return self.step.name == "label" and not self.operand and self.args.teacher is None

    def is_alone(self, *, begun: bool) -> bool:
        """Whether it is about files and stored answers, and changes no settings of a job."""
        whole_store = self.step.anywhere and not begun and self.args.teacher is None
        return self.step.alone or bool(self.table) or whole_store


def split_line(line: str) -> list[str]:
    """The words of a magic line, quotes kept.

    >>> split_line('plan df["two  words"] --labels "card lost, refund"')
    ['plan', 'df["two  words"]', '--labels', '"card lost, refund"']
    """
    return _WORD.findall(line)


def leading(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The first words that are neither options nor their values, and all the others."""
    first = 0
    while first < len(words) and words[first].startswith("-"):
        setting = BY_FLAG.get(words[first])
        flags = () if setting is None else setting.flags
        first += 2 if any(f.flag == words[first] and f.value is None for f in flags) else 1
    last = first
    while last < len(words) and not words[last].startswith("-"):
        last += 1
    return [*words[first:last]], [*words[:first], *words[last:]]


def read_line(words: Sequence[str], *, cell: bool) -> Line:
    """Read a line; a cell without a step runs the whole job.

    Raises
    ------
    InvalidInput
        There is no such step or option, an option has no value or one of the wrong kind, or the
        step would pass over it in silence.
    """
    named, given = leading(words)
    step, operand = _read_step(named, cell=cell)
    _check_heeded(step, given)
    return Line(step, operand, parse(settings_of(step), given))


def step_of(words: Sequence[str]) -> Step:
    """The step of a line that may not be whole yet; a cell without one runs the whole job."""
    return STEPS.get(" ".join(words[:2])) or STEPS.get(" ".join(words[:1])) or STEPS["run"]


def parse(settings: tuple[Setting, ...], words: Sequence[str]) -> Any:
    """The values of options, and None for every setting that is not given.

    Raises
    ------
    InvalidInput
        An option that is none of the settings, or without its value, or a text that cannot be one
        of its values.
    """
    given = argparse.Namespace(
        **{s.name: s.default if s.of == "always" else None for s in SETTINGS}
    )
    args, unknown = _parser(settings).parse_known_args([*words], given)
    if unknown and not unknown[0].startswith("-"):
        raise InvalidInput(
            f"{unknown[0]!r} stands behind an option; write STEP and COLUMN before the options"
        )
    if unknown:
        known = [flag.flag for setting in settings for flag in setting.flags]
        raise InvalidInput.unknown_name("option", unknown[0].partition("=")[0], known)
    for setting in settings:
        value = getattr(args, setting.name)
        if value is None:
            continue
        if setting.kind in ("number", "whole") and value is not False:  # of --no-guard
            setattr(args, setting.name, number(setting, unquote(value)))
        elif setting.check is not None:
            setting.check(setting, unquote(value))
    return args


def check_only(line: Line, what: str, heeded: tuple[str, ...]) -> None:
    """Refuse an option that one use of a step passes over, though the step heeds it otherwise.

    Parameters
    ----------
    line : Line
    what : str
        The use, a sentence without its full stop.
    heeded : tuple of str
        The settings that count.

    Raises
    ------
    InvalidInput
        The line gives another one.
    """
    for setting in SETTINGS:
        value = getattr(line.args, setting.name)
        if value is not None and setting.of != "always" and setting.name not in heeded:
            flag = next((f for f in setting.flags if f.value is value), setting.flags[0])
            raise InvalidInput(f"{what}; leave {flag.flag} out")


@cache
def _parser(settings: tuple[Setting, ...]) -> argparse.ArgumentParser:
    """One small parser of these settings."""
    parser: argparse.ArgumentParser = _Parser(prog="%tracer", add_help=False)
    for setting in settings:
        for flag in setting.flags:
            how: dict[str, Any] = (
                {} if flag.value is None else {"action": "store_const", "const": flag.value}
            )
            parser.add_argument(flag.flag, dest=setting.name, **how)
    return parser


def _read_step(words: list[str], *, cell: bool) -> tuple[Step, str]:
    """The step, and what stands behind it."""
    for n in (2, 1):
        if " ".join(words[:n]) in STEPS:
            return STEPS[" ".join(words[:n])], " ".join(words[n:])
    if words and (behind := words_behind(words[0])):
        if len(words) > 1:
            raise InvalidInput.unknown_name(f"word behind {words[0]}", words[1], behind)
        raise InvalidInput(f"say what of it to do: %tracer {words[0]} {'|'.join(behind)}")
    if cell:
        return STEPS["run"], " ".join(words)
    if not words:
        raise InvalidInput(
            f"say what to do: %tracer {'|'.join(WORDS)}; %tracer --help says what each does"
        )
    if "." in words[0] or "[" in words[0]:
        raise InvalidInput(
            f"no step {words[0]!r:.80}; if it is a column, %tracer run {words[0]:.80} does the whole job, "
            f"and so does a cell that begins with %%tracer {words[0]:.80}, its prompt below"
        )
    raise InvalidInput.unknown_name("step", words[0], WORDS)


def _check_heeded(step: Step, words: Iterable[str]) -> None:
    """Refuse an option that the step would pass over in silence, and name the steps that heed it."""
    for word in words:
        flag = word.partition("=")[0]
        if flag in ADVANCED:
            name = ADVANCED[flag].name
            raise InvalidInput(
                f"{flag} is no option of a line: in Python it is {name}=…, and the panel has it "
                "under Advanced"
            )
        setting = BY_FLAG.get(flag)
        if setting is not None and not heeds(step, setting):
            steps = ", ".join(other.name for other in STEPS.values() if heeds(other, setting))
            why = f": {step.why}" if step.why else ""
            raise InvalidInput(f"{flag} goes with {steps}, not with {step.name}{why}")


def check_named(line: Line, jobs: Mapping[str, Job]) -> None:
    """Refuse a step of a job that is not there, where there are others."""
    begun = [name for name, job in jobs.items() if job.tracer or job.loaded]
    goes_on = "job" in line.step.needs and line.args.teacher is None
    if goes_on and begun and line.name not in begun:
        raise InvalidInput.unknown_name("job", line.name, begun)


def check_step(line: Line, source: Source | None, job: Job) -> None:
    """Refuse a step that needs labels where the job has none, or those of another column."""
    step = line.step
    if job.loaded is not None and line.args.teacher is None:
        takes = [other.name for other in STEPS.values() if "router" in other.needs]
        raise InvalidInput(
            f"{step.name} needs the labels that the router was made from, and a file has none; a "
            f"loaded router takes {_listed(takes)}. A line with --teacher begins a job of its own"
        )
    if "labels" in step.needs and source is not None and not source.is_same(job.home):
        raise InvalidInput(
            f"{step.name} goes on with the labelled column, which is not {line.operand}; "
            f"first write %tracer label {line.operand}"
        )


def check_begun(line: Line, settings: Mapping[str, Any], job: Job) -> None:
    """Refuse to show a job that no line has begun."""
    if line.step.looks and job.tracer is None and not settings:
        raise InvalidInput("no job yet; start with %tracer plan df.text --teacher …")


def plans(line: Line) -> bool:
    """Whether it says what labelling would ask and cost, and does no more."""
    return line.step.name == "plan" or bool(
        line.args.dry_run and line.step.name in ("run", "label")
    )


def check_work(line: Line, settings: Mapping[str, Any], job: Job) -> None:
    """Refuse settings that would put work away, on a line that only shows."""
    dry = line.args.dry_run
    if (line.step.shows or dry) and job.would_begin_anew(settings):
        raise _would_begin_anew(settings, f"{line.step.name} --dry-run" if dry else line.step.name)


def check_loaded(settings: Mapping[str, Any]) -> None:
    """Refuse settings that a loaded router would not heed."""
    if settings:
        then = (
            "name its teacher with %tracer load FILE --teacher …"
            if "teacher" in settings
            else "leave it out"
        )
        raise InvalidInput(
            f"{_options(settings)}: a loaded router was made with its own settings; {then}"
        )


@contextmanager
def undoing(job: Job, settings: dict[str, Any], line: Line) -> Iterator[None]:
    """A line that cannot be done leaves the job as it was."""
    before, labels = replace(job), None if job.tracer is None else job.tracer.labels
    try:
        yield
    except NotEnoughData:
        # Nothing was asked about, so what is too few is said of the line; a cap holds on all the same.
        if job.tracer is None or job.tracer.labels is (
            labels if job.tracer is before.tracer else None
        ):
            job.sample = before.sample
            job.written = {n: text for n, text in job.written.items() if n != "sample"}
            if "sample" in before.written:
                job.written["sample"] = before.written["sample"]
        raise
    except InvalidInput:
        job.undo(before, settings)
        raise
    except NotFitted as error:
        if before.tracer is None or job.tracer is before.tracer:
            raise
        # A setting made another Tracer, of which nothing is done: the one before comes back.
        job.undo(before, {})
        raise _would_begin_anew(settings, line.step.name) from error


def _would_begin_anew(settings: Mapping[str, Any], verb: str) -> InvalidInput:
    return InvalidInput(
        f"{_options(settings)} would begin another job, of which nothing is done for {verb} to use; "
        "the job is as it was. Leave it out, give it to label or run, or name another job: --name NEW"
    )


def _options(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(settings))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
