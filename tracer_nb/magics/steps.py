"""The steps of ``%tracer``: what each does, what it needs, and which settings it heeds."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.settings import SETTINGS, Setting

__all__ = ["COLUMN", "STEPS", "WORDS", "Step", "heeds", "settings_of", "words_behind"]

COLUMN = "[COLUMN]"
"""What stands behind a step that may be about another column than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes
    ----------
    name : str
        One word, or two: ``batch submit``.
    does : str
        What it does, a sentence without its subject and full stop.
    operand : str
        What is named behind it; empty for nothing.
    needs : tuple of str
        "job": a job of that name. "labels": it goes on with the labelled column, and refuses
        another. "router": a router, of the job or from a file.
    asks : bool
        It may ask the teacher.
    shows : bool
        It only shows where the job stands, or what was sent: it puts no work away.
    looks : bool
        It may be done while the job runs, without touching it.
    alone : bool
        It is about files and stored answers, and changes no settings of a job.
    exports : bool
        A table file behind it is written, and nothing else done.
    anywhere : bool
        Without a job it is about the whole store.
    own_caps : bool
        Caps and rows of its line are for that line alone.
    visits : bool
        The job stays about its own column when another is named.
    why : str
        Why it does not heed other settings, where that needs saying.
    """

    name: str
    does: str
    operand: str = ""
    needs: tuple[str, ...] = ()
    asks: bool = False
    shows: bool = False
    looks: bool = False
    alone: bool = False
    exports: bool = False
    anywhere: bool = False
    own_caps: bool = False
    visits: bool = False
    why: str = ""

    @property
    def names_column(self) -> bool:
        """Whether what stands behind it is a column; other steps take the labelled one."""
        return self.operand == COLUMN or "labels" in self.needs or not self.operand

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"%tracer {self.name} {self.operand}".rstrip()


_TABLE = (
    Step(
        name="run",
        operand=COLUMN,
        does="does the whole job: labels, fits, calibrates and routes",
        asks=True,
    ),
    Step(
        name="plan",
        operand=COLUMN,
        does="says what labelling would ask and cost; asks and pays nothing",
        shows=True,
    ),
    Step(
        name="label",
        operand=COLUMN,
        does="asks the teacher about rows to fit on, hard ones first, or about a random sample; "
        "after load, without COLUMN, about the texts that tracer_nb route left for it",
        asks=True,
    ),
    Step(
        name="fit",
        does="fits surrogate and gate on labelled rows",
        needs=("job", "labels"),
    ),
    Step(
        name="calibrate",
        does="certifies a threshold on rows that were not fitted on: fresh ones, drawn at random and "
        "asked about, or those of the random sample",
        needs=("job", "labels"),
    ),
    Step(
        name="route",
        operand=COLUMN,
        does="labels every row: the surrogate where it is certified, the teacher elsewhere",
        needs=("router",),
        asks=True,
        visits=True,
    ),
    Step(
        name="panel",
        operand=COLUMN,
        does="opens the workspace of the job, with all settings; where no page can show, it says "
        "certificate, counts and money in text",
        needs=("job", "router"),
        asks=True,
        shows=True,
        looks=True,
    ),
    Step(
        name="report",
        operand="FILE",
        does="writes one page of HTML that asks no network for anything",
        needs=("job",),
        alone=True,
    ),
    Step(
        name="save",
        operand="FILE",
        does="keeps router, certificates and text features in one file",
        needs=("job",),
        alone=True,
    ),
    Step(
        name="load",
        operand="FILE",
        does="takes a saved router, for route and audit",
        alone=True,
        why="a saved router keeps its own settings",
    ),
    Step(
        name="store list",
        operand="[KEY]",
        does="lists the sets of stored answers, or the runs of one",
        alone=True,
    ),
    Step(
        name="store compare",
        operand="KEY KEY",
        does="says where two sets of stored answers differ",
        alone=True,
    ),
    Step(
        name="store export",
        operand="FILE",
        does="writes all stored answers to a .csv or .parquet",
        alone=True,
    ),
    Step(
        name="review",
        operand="[FILE]",
        does="shows rows to judge one at a time, or writes what was said to a .csv or .parquet",
        needs=("job", "labels"),
        exports=True,
    ),
    Step(
        name="batch submit",
        operand=COLUMN,
        does="sends the sample to the server's batch endpoint",
        asks=True,
    ),
    Step(
        name="batch collect",
        does="brings in the answers of batches that are done",
        asks=True,
        shows=True,
    ),
    Step(
        name="batch list",
        does="lists the batches under way",
        asks=True,
        shows=True,
        anywhere=True,
    ),
    Step(
        name="batch cancel",
        operand="BATCH",
        does="cancels a batch",
        asks=True,
        shows=True,
    ),
    Step(
        name="scan",
        operand="FILE",
        does="reads a log of past calls, a file or a variable, and says how much could be routed",
        alone=True,
    ),
    Step(
        name="gaps",
        does="says where surrogate and teacher part",
        needs=("job", "labels"),
    ),
    Step(
        name="reask",
        does="asks about sampled rows again: whether the teacher agrees with itself",
        needs=("job", "labels"),
        asks=True,
        own_caps=True,
    ),
    Step(
        name="audit",
        does="asks about handled rows drawn by chance, and watches the promise",
        needs=("job", "labels", "router"),
        asks=True,
        own_caps=True,
    ),
    Step(
        name="update",
        does="fits again on the answers to deferred rows, certifies on fresh rows, and routes again",
        needs=("job", "labels"),
        asks=True,
        own_caps=True,
    ),
    Step(
        name="back",
        does="puts the certificate from before the last update in force again, or after that the "
        "update's; asks and pays nothing",
        needs=("job", "labels"),
    ),
)

STEPS: dict[str, Step] = {step.name: step for step in _TABLE}
"""Every step by its name, which may have a second word."""

WORDS = tuple(dict.fromkeys(name.split()[0] for name in STEPS))
"""The first words of all steps."""


def words_behind(word: str) -> tuple[str, ...]:
    """The second words of the steps that begin with one."""
    pairs = [name.split() for name in STEPS]
    return tuple(pair[1] for pair in pairs if pair[0] == word and len(pair) == 2)


def heeds(step: Step, setting: Setting) -> bool:
    """Whether a line with a step may give a setting."""
    if setting.place != "line" or step.name in setting.but:
        return False
    if setting.steps:
        return step.name in setting.steps
    return setting.of == "always" or not step.alone or step.name in setting.also


def settings_of(step: Step) -> tuple[Setting, ...]:
    """The settings that a line with a step may give."""
    return tuple(setting for setting in SETTINGS if heeds(step, setting))
