"""What a job has asked its teacher: answers, money, and the store behind them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tracer_nb.errors import InvalidInput, StoreError
from tracer_nb.labelling import INTERRUPTED, LabelRun, More, run_labels
from tracer_nb.labelling.batch import in_batches, under_way
from tracer_nb.labelsets import numbers_of
from tracer_nb.records import Answer, AskedAgain, Caps, Progress, Spending, Superseded
from tracer_nb.steps.label.learning import learn_members
from tracer_nb.store import LabelStore, Shelf
from tracer_nb.store.experience import Experience, find_experience
from tracer_nb.store.replaced import find_superseded, replace_missing, superseded_in_run
from tracer_nb.store.rows import again_identity
from tracer_nb.teachers import PanelTeacher, ReplayTeacher, Teacher
from tracer_nb.teachers.budget import check_bounded, check_caps, total_cost
from tracer_nb.words import waiting_sentence

__all__ = ["Asker", "OnProgress", "Past", "asks_again"]

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Past:
    """What the store tells about a job that is not yet asked for.

    Attributes
    ----------
    experience : Experience
        Tokens and rate of earlier answers.
    superseded : Superseded
        Answers to the same texts that do not apply.
    waiting : set of str
        Texts that are in a batch: they are not asked about again.
    """

    experience: Experience = field(default_factory=Experience)
    superseded: Superseded = field(default_factory=Superseded)
    waiting: frozenset[str] = frozenset()


class Asker:
    """Asks a teacher about texts and remembers what it said.

    Parameters
    ----------
    teacher : Teacher
    shelf : Shelf, path or None
        Where paid answers are kept; None for the default file, ":memory:" for none.
        Recorded labels are never stored: they are stored where they come from.
    again : bool, default False
        Ask a second time: its answers are kept beside the first ones, and are none of them.
    beside : sequence of Teacher
        Others that are asked about the same texts, as the stages of a chain are.

    Attributes
    ----------
    answers : dict of str to Answer
        What was asked or looked up.
    came : mapping of str to Answer
        What came of a run that goes on.
    """

    def __init__(
        self,
        teacher: Teacher,
        shelf: Shelf | str | os.PathLike[str] | None,
        *,
        again: bool = False,
        beside: Sequence[Teacher] = (),
    ) -> None:
        self.teacher, self._beside = teacher, beside
        self._again = again
        self.answers: dict[str, Answer] = {}
        self.spending = Spending()
        self.superseded = Superseded()
        self.asked_again: AskedAgain | None = None
        self.came: Mapping[str, Answer] = {}
        self._renewed: set[str] = set()
        self._unsaved: dict[str, Answer] = {}
        self._unsaved_again: set[str] = set()
        self._stops: dict[str, str] = {}
        self._shelf = shelf if isinstance(shelf, Shelf) else Shelf(shelf)
        self._stores = not isinstance(teacher, ReplayTeacher) and self._shelf.is_file

    def begin(self, *, anew: bool = True) -> None:
        """Begin to label; a new job counts money ``anew``. Answers stay."""
        if anew:
            self.spending = Spending()
            self.superseded = Superseded()
            self.begin_again()
        self._stops.clear()

    def begin_again(self) -> None:
        """Begin to ask about texts without a label: about each once from here on."""
        self.asked_again = None
        self._renewed.clear()

    @property
    def identity(self) -> Mapping[str, Any]:
        """Under which answers are stored."""
        own = self.teacher.identity
        return again_identity(own) if self._again else own

    @property
    def _others(self) -> list[Mapping[str, Any]]:
        return [teacher.identity for teacher in self._beside]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the replies, each a sentence."""
        return tuple(getattr(self.teacher, "warnings", ()))

    @property
    def told(self) -> dict[str, Any]:
        """What :func:`~tracer_nb.steps.column.sample.collect_labels` is told of the asking."""
        return {
            "classes": self.teacher.labels,
            "spending": self.spending,
            "superseded": self.superseded,
            "warnings": self.warnings,
        }

    def count(self, spending: Spending) -> None:
        """Count what was asked and paid elsewhere for the same job."""
        self.spending = self.spending.plus(spending)

    @property
    def stopped(self) -> str | None:
        """Why the first step that ended early did so; None when none did."""
        return next(iter(self._stops.values()), None)

    def stopped_in(self, step: str) -> str | None:
        """Why this step ended early; None when it did not."""
        return self._stops.get(step)

    def stop(self, step: str, why: str | None) -> None:
        """Note why a step ended early; None when it did not, or is about to begin."""
        self._stops.pop(step, None)
        if why is not None:
            self._stops[step] = why

    def known(self, texts: Iterable[str]) -> dict[str, Answer]:
        """Answers to these texts that cost nothing: remembered or stored."""
        found: dict[str, Answer] = {}
        others: list[str] = []
        for text in texts:
            if (answer := self.answers.get(text) or self.came.get(text)) is not None:
                found[text] = answer
            else:
                others.append(text)
        if self._stores and others:
            with self._shelf.open() as store:
                found.update(store.get_many(self.identity, others))
        return found

    def missing(self, texts: Iterable[str]) -> frozenset[str]:
        """Those whose answer holds no label."""
        labels = numbers_of(self.teacher.labels)
        return frozenset(
            text
            for text, answer in self.known(texts).items()
            if answer.keep and answer.label not in labels
        )

    def priced(self, again: frozenset[str]) -> AskedAgain:
        """How many texts are asked about again, and what that can cost."""
        return AskedAgain(len(again), total_cost(map(self.teacher.cost_bound, again)))

    @property
    def learns(self) -> bool:
        """Whether the teacher is a panel that has yet to learn how right its members are."""
        return isinstance(self.teacher, PanelTeacher) and self.teacher.learns

    def learn(
        self, texts: Sequence[str], *, caps: Caps, step: str, stop: threading.Event | None
    ) -> None:
        """Let such a panel learn, before it is asked; nothing for any other teacher.

        Raises
        ------
        NotEnoughData
            The asking ended before that.
        """
        panel = self.teacher
        if isinstance(panel, PanelTeacher) and panel.learns and texts:
            left = caps.left(self.spending)
            spent = learn_members(panel, self._shelf, texts, caps=left, step=step, stop=stop)
            self.count(spent)

    def check(self, texts: Sequence[str], caps: Caps, *, missing: bool = False) -> None:
        """Refuse, before anything changes, what :meth:`ask` would refuse.

        Raises
        ------
        InvalidInput
            A cap that cannot be kept; or something to ask, and nothing that bounds its cost.
        """
        if not texts:
            return
        check_caps(self.teacher, texts[0], caps)
        try:
            check_bounded(self.teacher, texts[0], caps)
        except InvalidInput:
            known = self.known(texts)
            if any(text not in known or not known[text].keep for text in texts):
                raise
            if missing and self.missing(texts):
                raise

    def past(self, texts: Sequence[str]) -> Past:
        """What was stored before about this teacher and these texts."""
        if not self._stores:
            return Past()
        with self._shelf.open() as store:
            identity = self.identity
            waiting, _ = in_batches(store, identity, texts)
            return Past(
                find_experience(store, identity),
                find_superseded(store, identity, texts, self._others),
                frozenset(waiting),
            )

    def ask(
        self,
        texts: Sequence[str],
        *,
        caps: Caps,
        on_progress: OnProgress | None,
        step: str,
        stop: threading.Event | None = None,
        missing: bool = False,
        more: More | None = None,
    ) -> None:
        """Get an answer to every text; those that are remembered or stored cost nothing.

        Texts that are in a batch are left out: they are paid there. ``missing`` asks again
        about those whose answer holds no label, each once; it stays until there is another.
        ``more`` is that of :func:`~tracer_nb.labelling.run_labels`, told of all spending since
        :meth:`begin`; what it raises is raised when all that was asked is kept.
        """
        following: _Following | None = None
        if stop is not None and stop.is_set():  # while the surrogate was fitted, for example
            self.stop(step, INTERRUPTED)
            return
        if self.learns:  # of a router that was loaded: nobody has labelled for it
            before = self.spending
            self.learn(texts, caps=Caps(**asdict(caps)), step=step, stop=stop)
            caps = caps.left(self.spending.since(before))
        if self._stores:
            with self._shelf.open() as store:
                store.begin()
                self._save_late(store)
                again = self.missing(texts) - self._renewed if missing else frozenset()
                held, since = under_way(store, self.identity, texts)
                # What is in a batch has no answer at the end of this run: nothing follows from it.
                if more is not None and not held:
                    following = _Following(self, more, partial(in_batches, store, self.identity))
                run = run_labels(
                    self.teacher,
                    [text for text in texts if text not in held],
                    store=store,
                    **asdict(caps),
                    on_progress=on_progress,
                    step=step,
                    stop=stop,
                    identity=self.identity,
                    again=again,
                    more=following,
                )
                self._take(run, step, again if missing else None)
                if held and run.stopped is None:
                    self.stop(step, waiting_sentence(len(held), since))
                # What was superseded is good to know, but not worth the new answers.
                with suppress(StoreError):
                    if not self._again:  # to which the first answers are no others
                        self.superseded += superseded_in_run(store, self.identity, self._others)
        else:
            again = self.missing(texts) - self._renewed if missing else frozenset()
            known = {t: a for t, a in self.known(texts).items() if a.keep and t not in again}
            n_missing = sum(answer.label is None for answer in known.values())
            self.count(Spending(reused=len(known), missing=n_missing))
            left = [text for text in texts if text not in known]
            if more is not None:
                following = _Following(self, more, None)
            run = run_labels(
                self.teacher,
                left,
                **asdict(caps),
                on_progress=on_progress,
                step=step,
                stop=stop,
                identity=self.identity,
                again=again,
                more=following,
            )
            self._take(run, step, again if missing else None)
        if following is not None and following.error is not None:
            raise following.error

    def _take(self, run: LabelRun, step: str, again: frozenset[str] | None) -> None:
        """Remember what came of a run, which asked ``again`` about some texts."""
        again_or_none = again or frozenset()
        came = {t: a for t, a in run.answers.items() if a.keep or t not in again_or_none}
        self.answers.update(came)
        self.came = {}
        if again is not None:
            self._count_again(again, run)
        self._unsaved.update(run.unsaved)
        self._unsaved_again |= again_or_none & run.unsaved.keys()
        self.count(run.spending)
        self.stop(step, run.stopped)

    def _count_again(self, again: frozenset[str], run: LabelRun) -> None:
        renewed = again & (run.renewed if self._stores else run.answers.keys())
        renewed = frozenset(text for text in renewed if run.answers[text].keep)
        self._renewed |= renewed
        told = self.priced(again)
        before = self.asked_again or AskedAgain(0, 0.0)
        self.asked_again = AskedAgain(
            before.n_texts + told.n_texts,
            total_cost([before.most, told.most]),
            before.n_renewed + len(renewed),
            before.n_labelled + sum(run.answers[text].label is not None for text in renewed),
        )

    def _save_late(self, store: LabelStore) -> None:
        """Store what an earlier run had to keep in memory, so that it is not asked again."""
        if self._unsaved:
            again = {t: a for t, a in self._unsaved.items() if t in self._unsaved_again}
            first = [pair for pair in self._unsaved.items() if pair[0] not in again]
            store.put_many(self.identity, first)
            replace_missing(store, self.identity, again.items(), self.teacher.labels)
            self._unsaved.clear()
            self._unsaved_again.clear()


class _Following:
    """What is asked about next while a run goes on, and what went wrong with it."""

    def __init__(
        self,
        asker: Asker,
        more: More,
        in_batch: Callable[[Sequence[str]], tuple[set[str], str]] | None,
    ) -> None:
        self.error: Exception | None = None
        self._asker, self._before = asker, asker.spending
        self._more, self._in_batch = more, in_batch

    def __call__(self, answers: Mapping[str, Answer], spending: Spending) -> Sequence[str] | None:
        self._asker.came = answers
        try:
            texts = self._more(answers, self._before.plus(spending))
            # What is paid in a batch is not asked about here: the next run says so.
            held = texts and self._in_batch is not None and self._in_batch(texts)[0]
        except Exception as error:  # noqa: BLE001 -- raised when what was asked is kept
            self.error = error
            return ()
        return () if held else texts


def asks_again(again: Any, teacher: Teacher | None) -> bool:
    """Whether to ask again about texts whose answer holds no label.

    Raises
    ------
    InvalidInput
        ``again`` is neither "missing" nor None, or nobody can ask such a teacher again.
    """
    if again is None:
        return False
    if again != "missing":
        raise InvalidInput(
            f"again must be 'missing', for texts whose answer holds no label, got {again!r}"
        )
    if isinstance(teacher, ReplayTeacher):
        raise InvalidInput(
            f"{teacher.name!r} is a record of labels, which nobody can ask again; leave again out"
        )
    return True
