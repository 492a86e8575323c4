"""The stages of a chain: cheap teachers that are heard before the dear one is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.draws.opinions import Opinions
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling import INTERRUPTED
from tracer_nb.records import Caps, Spending, StagePlan
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.steps.label.grown import answers_of, soft_of
from tracer_nb.store import Shelf
from tracer_nb.teachers import PanelTeacher, Teacher, make_teacher

__all__ = ["Stages", "make_stages", "mean_price"]

# Texts whose cost is worked out to know what a stage takes.
_PRICED = 200
# A stage that gets no answer about so many of the texts it is asked about is left out.
_SILENT = 0.5


class Stages:
    """Asks the stages of a chain and remembers what each said.

    Parameters
    ----------
    teachers : sequence of Teacher
        Cheap ones, in the order in which they were named.
    shelf : Shelf
        Where their answers are kept, each under its own name.

    Attributes
    ----------
    askers : tuple of Asker
    muted : dict of int to str
        Stages that are not heard any more, and why.
    """

    def __init__(self, teachers: Sequence[Teacher], shelf: Shelf) -> None:
        self.askers = tuple(Asker(teacher, shelf) for teacher in teachers)
        self.muted: dict[int, str] = {}
        self._silent: list[set[str]] = [set() for _ in teachers]

    def __bool__(self) -> bool:
        return bool(self.askers)

    @property
    def spending(self) -> Spending:
        """What all stages took since :meth:`begin`."""
        spent = Spending()
        for asker in self.askers:
            spent = spent.plus(asker.spending)
        return spent

    def begin(self, *, anew: bool) -> None:
        """Begin a job; a new one counts money ``anew``, and hears every stage again."""
        for asker in self.askers:
            asker.begin(anew=anew)
        self.muted.clear()
        for silent in self._silent:
            silent.clear()

    def prices(self, teacher: Teacher, texts: Sequence[str]) -> tuple[float, ...]:
        """What hearing each stage about a text costs, in askings of the teacher.

        Raises
        ------
        InvalidInput
            A price is unknown, or a stage is no cheaper than the teacher.
        """
        if not self:
            return ()
        whole = mean_price(teacher, texts)
        found = []
        for asker in self.askers:
            name, own = asker.teacher.name, mean_price(asker.teacher, texts)
            if own == 0.0:
                found.append(0.0)
                continue
            if own is None or whole is None:
                unknown = name if own is None else teacher.name
                raise InvalidInput(
                    f"a chain goes by prices, and that of {unknown} is unknown; give it: price as "
                    "IN,OUT in dollars per million tokens, or of a function cost=, the dollars of "
                    "one answer; of a stage as chain=[(stage, {'price': 'IN,OUT'})]"
                )
            if own >= whole:
                raise InvalidInput(
                    f"stage {name} takes ${own:.2g} a text, and {teacher.name} behind it "
                    f"${whole:.2g}: a stage must be cheaper than the teacher; leave it out"
                )
            found.append(own / whole)
        return tuple(found)

    def plans(self, teacher: Teacher, texts: Sequence[str]) -> tuple[StagePlan, ...]:
        """What each stage may take of a column; raises as :meth:`prices`."""
        each = [mean_price(asker.teacher, texts) for asker in self.askers]
        return tuple(
            StagePlan(asker.teacher.name, price, None if one is None else one * len(texts))
            for asker, price, one in zip(
                self.askers, self.prices(teacher, texts), each, strict=True
            )
        )

    def opinions(
        self, texts: Sequence[str], classes: tuple[str, ...], before: Opinions | None = None
    ) -> Opinions:
        """What is known to have been said about the texts of a column, from the store too.

        What was known ``before`` stays, and only what this session asked is added.
        """
        codes = np.full((len(self.askers), len(texts)), UNASKED, dtype=np.intp)
        soft: list[NDArray[np.float32] | None] = []
        for s, asker in enumerate(self.askers):
            known = asker.known(texts) if before is None else asker.answers
            codes[s] = answers_of(
                known, texts, classes, None if before is None else before.codes[s]
            )
            quiet = [i for i, text in enumerate(texts) if text in self._silent[s]]
            codes[s, quiet] = np.where(codes[s, quiet] == UNASKED, NO_LABEL, codes[s, quiet])
            soft.append(soft_of(known, texts, classes, None if before is None else before.soft[s]))
        return Opinions(codes, tuple(soft))

    def hear(
        self,
        wanted: Mapping[int, Sequence[str]],
        *,
        caps: Caps,
        on_progress: OnProgress | None,
        step: str,
        stop: threading.Event | None,
        since: Spending | None = None,
    ) -> bool:
        """Ask stages about texts, one stage after the other; whether it was interrupted.

        A stage that cannot be asked, or that a cap ends, is left out from here on: the column is
        certified without it. Caps count what all stages took ``since`` a moment, or the beginning.
        """
        since = since or Spending()
        for stage, texts in wanted.items():
            asker = self.askers[stage]
            if stage in self.muted:
                continue
            if stop is not None and stop.is_set():
                return True
            asker.stop(step, None)
            left = caps.left(self.spending.since(since))
            told = None if on_progress is None else _telling(on_progress)
            try:
                asker.ask(texts, caps=left, on_progress=told, step=step, stop=stop)
            except (TeacherError, InvalidInput) as error:
                self.muted[stage] = str(error)
                continue
            why = asker.stopped_in(step)
            if why == INTERRUPTED:  # by Ctrl-C, too
                return True
            if why is not None:
                self.muted[stage] = why
                continue
            silent = [text for text in texts if text not in asker.answers]
            self._silent[stage].update(silent)
            if len(silent) > _SILENT * len(texts):
                self.muted[stage] = f"{len(silent):,} of {len(texts):,} texts got no answer"
        return False

    @contextmanager
    def heard(
        self, wanted: Mapping[int, Sequence[str]], *, step: str, stop: threading.Event | None
    ) -> Iterator[threading.Event]:
        """Hear stages while the teacher answers, until all is said or the event is set."""
        ended = _Ended(stop)
        if not wanted:
            yield ended
            return
        failed: list[Exception] = []

        def work() -> None:
            try:
                self.hear(wanted, caps=Caps(), on_progress=None, step=step, stop=ended)
            except Exception as error:  # noqa: BLE001  raised where the step is
                failed.append(error)

        thread = threading.Thread(target=work, name="stages", daemon=True)
        thread.start()
        try:
            yield ended
            thread.join()
        except BaseException as error:
            ended.set()
            thread.join()
            if not isinstance(error, KeyboardInterrupt):
                raise
        if failed:
            raise failed[0]


def _telling(on_progress: OnProgress) -> OnProgress:
    """Told of a step of its own."""
    return lambda progress: on_progress(replace(progress, step="stages"))


class _Ended(threading.Event):
    """Set by itself, or with another event."""

    def __init__(self, other: threading.Event | None) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or (self._other is not None and self._other.is_set())


def make_stages(
    chain: Any,
    teacher: Teacher,
    prompt: str,
    options: Mapping[str, Any],
    shelf: Shelf,
    *,
    labelling: str,
) -> Stages:
    """The stages of a chain before a teacher.

    Parameters
    ----------
    chain : sequence, or None
        Stages as a teacher is given, or pairs of such and a mapping of its own options.
    teacher : Teacher
        Its labels are those of all stages.
    prompt : str
    options : mapping
        Of the teacher; stages with a name take them, but for its price, key and explanations.
    shelf : Shelf
    labelling : str

    Raises
    ------
    InvalidInput
        Nothing that can be a stage, the same one twice, or other labels.
    """
    if chain is None:
        return Stages((), shelf)
    listed = list(chain) if isinstance(chain, (list, tuple)) else [chain]
    if isinstance(chain, tuple) and len(chain) == 2 and isinstance(chain[1], Mapping):
        listed = [chain]
    if not listed:
        raise InvalidInput("chain is empty; name cheap teachers, or leave it out")
    if labelling != "hard-first":
        raise InvalidInput(
            f"a chain goes with labelling 'hard-first', got {labelling!r}; leave one of them out"
        )
    made = [_stage(item, teacher, prompt, options) for item in listed]
    seen = [(teacher, teacher.identity)]
    for stage in made:
        if isinstance(stage, PanelTeacher):
            raise InvalidInput(
                "a stage of a chain is one teacher, not a panel; name its members apart"
            )
        for other, identity in seen:
            if stage is other or stage.identity == identity:
                raise InvalidInput(
                    f"{stage.name} is in the chain twice, or is the teacher itself; name each once"
                )
        seen.append((stage, stage.identity))
        odd = sorted(set(stage.labels) - set(teacher.labels))
        if odd:
            raise InvalidInput(
                f"stage {stage.name} gives label {odd[0]!r}, which {teacher.name} does not know; all "
                "stages need the teacher's label set"
            )
    return Stages(made, shelf)


def _stage(item: Any, teacher: Teacher, prompt: str, options: Mapping[str, Any]) -> Teacher:
    own: dict[str, Any] = {}
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Mapping):
        item, own = item[0], dict(item[1])
    if isinstance(item, Teacher) and not isinstance(item, type):
        if own:
            raise InvalidInput(
                f"stage {item.name} is made already; give its options where it is made"
            )
        return item
    if isinstance(item, str):
        shared = {k: v for k, v in options.items() if k not in _OWN}
        own = {**shared, **own}
    labels = None if hasattr(item, "items") else teacher.labels
    return make_teacher(item, labels, prompt, **own)


_OWN = (
    *("price", "batch_price", "api_key", "combine", "adaptive", "arbiter", "pairwise", "cost"),
    "reasons",  # what a stage would write is shown nowhere
)


def mean_price(teacher: Teacher, texts: Sequence[str]) -> float | None:
    """Mean dollars of the first texts; None when unknown."""
    costs = [teacher.cost_estimate(text)[2] for text in texts[:_PRICED]]
    known = [cost for cost in costs if cost is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None
