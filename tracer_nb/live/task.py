"""What a session runs, and what leads it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tracer_nb.live.lookout import Followed
from tracer_nb.records import Caps, Progress

__all__ = ["Reins", "Task"]


@dataclass(frozen=True, slots=True)
class Reins:
    """What a run is led by; to be handed to the methods of a Tracer.

    Attributes
    ----------
    on_progress : callable
    stop : threading.Event
    go_on : bool
        An earlier run of the task was stopped: money is counted on.
    """

    on_progress: Callable[[Progress], None]
    stop: threading.Event
    go_on: bool


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a session runs.

    Attributes
    ----------
    work : callable
        What it returns, a run in a cell returns.
    tracer : Followed
        The Tracer that works; it is asked where the job stands between its steps.
    caps : Caps
        To be shown; the work keeps them.
    table : dataframe, optional
        The labelled column's own, whose other columns are looked at for gaps.
    routed : callable, optional
        Gives the frame or column that was routed last, which may be another one.
    after : callable, optional
        Called after an audit: what was made of the routed rows may follow it.
    rerouted : callable, optional
        Called after an update that routed the labelled column again.
    """

    work: Callable[[Reins], Any]
    tracer: Followed
    caps: Caps = field(default_factory=Caps)
    table: Any = None
    routed: Callable[[], Any] | None = None
    after: Callable[[], object] | None = None
    rerouted: Callable[[], object] | None = None
