"""What a job has asked its teacher: answers, money, and the store behind them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

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
        self.stopped: str | None = None
        self._path = store
        self._stores = not isinstance(teacher, ReplayTeacher) and (
            store is None or os.fspath(store) != ":memory:"
        )

    def begin(self) -> None:
        """Count money anew, for a new labelling job; answers stay."""
        self.spending = Spending()
        self.stopped = None

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
        """Get an answer to every text, from the store where there is one."""
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
            run = run_labels(self.teacher, texts, max_cost=cap, on_progress=on_progress, step=step)
        self.answers.update(run.answers)
        self.spending = _add(self.spending, run.spending)
        self.stopped = run.stopped or self.stopped


def check_cost(max_cost: float | None) -> float | None:
    """``max_cost`` as float.

    Raises
    ------
    InvalidInput
        Not a number of dollars.
    """
    if max_cost is None:
        return None
    if isinstance(max_cost, bool) or not isinstance(max_cost, (int, float)) or not max_cost >= 0:
        raise InvalidInput(f"max_cost must be dollars, 0 or more, got {max_cost!r}")
    return float(max_cost)


def _add(a: Spending, b: Spending) -> Spending:
    return Spending(
        asked=a.asked + b.asked,
        reused=a.reused + b.reused,
        missing=a.missing + b.missing,
        prompt_tokens=a.prompt_tokens + b.prompt_tokens,
        completion_tokens=a.completion_tokens + b.completion_tokens,
        cost=None if a.cost is None or b.cost is None else a.cost + b.cost,
    )
