"""Steps that a page begins beside the job: an audit, an update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeAlias

from tracer_nb.live.task import Reins, Task
from tracer_nb.records import Caps, Update

__all__ = ["Beside", "audit_work", "back_work", "update_work"]

Beside: TypeAlias = Callable[[Task, Caps, Reins], Any]
"""A step of a task, with what the caps of the job leave."""


def audit_work(rate: float, max_rows: int) -> Beside:
    """Ask about handled rows, ``max_rows`` at the most."""

    def work(task: Task, left: Caps, reins: Reins) -> Any:
        watch = task.tracer.audit(
            rate,
            max_cost=left.max_cost,
            max_tokens=left.max_tokens,
            max_rows=max_rows if left.max_rows is None else min(max_rows, left.max_rows),
            on_progress=reins.on_progress,
            stop=reins.stop,
        )
        if task.after is not None:
            task.after()
        return watch

    return work


def back_work(task: Task, left: Caps, reins: Reins) -> Any:
    """Put the other certificate of the last update in force; nobody is asked."""
    del left, reins
    before = task.tracer.outcome
    found = task.tracer.back()
    if task.rerouted is not None and task.tracer.outcome is not before:
        task.rerouted()
    return found


def update_work(told: Callable[[Update], object]) -> Beside:
    """Learn from the answers to deferred rows and test on fresh ones; ``told`` hears what came of it."""

    def work(task: Task, left: Caps, reins: Reins) -> Any:
        before = task.tracer.outcome
        made = task.tracer.update(**asdict(left), on_progress=reins.on_progress, stop=reins.stop)
        if task.rerouted is not None and task.tracer.outcome is not before:
            task.rerouted()
        told(made)
        return made

    return work
