"""What a job has asked its teacher: answers, money, and the store behind them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Progress, Spending
from tracer_nb.teachers import LabelStore, ReplayTeacher, Teacher, run_labels

__all__ = ["Asker", "OnProgress", "check_cost"]

OnProgress = Callable[[Progress], None]


class Asker:
    """Asks a teacher about texts and remembers what it said.

    Parameters
    ----------
    teacher : Teacher
    store : path or None
        Where paid answers are kept; None for the default file, ":memory:" for none.
        Recorded labels are never stored: they are stored where they come from.
    """

    def __init__(self, teacher: Teacher, store: str | os.PathLike[str] | None) -> None:
        self.teacher = teacher
        self.answers: dict[str, Answer] = {}
        self.spending = Spending()
        self._stops: dict[str, str] = {}
        self._path = store
        self._stores = not isinstance(teacher, ReplayTeacher) and (
            store is None or os.fspath(store) != ":memory:"
        )

    def begin(self) -> None:
        """Count money anew, for a new labelling job; answers stay."""
        self.spending = Spending()
        self._stops.clear()

    @property
    def stopped(self) -> str | None:
        """Why the first step that ended early did so; None when none did."""
        return next(iter(self._stops.values()), None)

    def stop(self, step: str, why: str | None) -> None:
        """Note why a step ended early; None when it did not, or is about to begin."""
        self._stops.pop(step, None)
        if why is not None:
            self._stops[step] = why

    def known(self, texts: Iterable[str]) -> dict[str, Answer]:
        """Answers to these texts that cost nothing: remembered or stored."""
        wanted = list(texts)
        found: dict[str, Answer] = {}
        if self._stores:
            with LabelStore(self._path) as store:
                found = store.get_many(self.teacher.identity, wanted)
        return {**found, **{t: self.answers[t] for t in wanted if t in self.answers}}

    def ask(
        self,
        texts: Sequence[str],
        *,
        max_cost: float | None,
        on_progress: OnProgress | None,
        step: str,
    ) -> None:
        """Get an answer to every text; those that are remembered or stored cost nothing."""
        cap = check_cost(max_cost)
        if self._stores:
            with LabelStore(self._path) as store:
                run = run_labels(
                    self.teacher,
                    texts,
                    store=store,
                    max_cost=cap,
                    on_progress=on_progress,
                    step=step,
                )
        else:
            known = {t: a for t, a in self.known(texts).items() if a.keep}
            missing = sum(answer.label is None for answer in known.values())
            self.spending = _add(self.spending, Spending(reused=len(known), missing=missing))
            left = [text for text in texts if text not in known]
            run = run_labels(self.teacher, left, max_cost=cap, on_progress=on_progress, step=step)
        self.answers.update(run.answers)
        self.spending = _add(self.spending, run.spending)
        self.stop(step, run.stopped)


def check_cost(max_cost: float | None) -> float | None:
    """``max_cost`` as float; None, also for infinity, is no cap.

    Raises
    ------
    InvalidInput
        Not a number of dollars.
    """
    if max_cost is None:
        return None
    if not is_number(max_cost) or not max_cost >= 0:
        raise InvalidInput(f"max_cost must be dollars, 0 or more, got {max_cost!r}")
    return None if max_cost == math.inf else float(max_cost)


def _add(a: Spending, b: Spending) -> Spending:
    return Spending(
        asked=a.asked + b.asked,
        reused=a.reused + b.reused,
        missing=a.missing + b.missing,
        prompt_tokens=a.prompt_tokens + b.prompt_tokens,
        completion_tokens=a.completion_tokens + b.completion_tokens,
        cost=None if a.cost is None or b.cost is None else a.cost + b.cost,
        waited=a.waited + b.waited,
    )
