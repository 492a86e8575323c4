"""``tracer_nb drain``: deferred texts of files and clusters, asked about under a cap."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tracer_nb.engine.saving import read_router
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records import Caps, Drained, Progress, RejectOption, Spending
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.steps.label.costs import make_caps
from tracer_nb.steps.label.reject import ask_about, make_reject_option
from tracer_nb.store import QueueStore, Shelf
from tracer_nb.store.rows import identity_address
from tracer_nb.teachers import ReplayTeacher, Teacher, make_teacher

__all__ = ["check_own", "drain", "drain_queue"]

# Texts that are asked about before the next are read: what is in memory at a time.
_PART = 10_000
# What a chat teacher's identity tells of its options.
_TOLD = ("answers", "reasons", "logprobs", "shuffle", "votes")
_TOLD_OF_SERVERS = ("temperature", "max_answer_tokens", "reasoning_effort")
_OPENAI = "https://api.openai.com"


def drain(
    router: str | os.PathLike[str],
    *,
    store: str | os.PathLike[str] | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    max_rows: int | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> Drained:
    """Ask a saved router's own teacher about the texts that wait for it.

    Each answer is in the store before it counts; what a cap leaves out waits on.

    Parameters
    ----------
    router : path
        Says who is asked, and how: the teacher of its certificate, no other one.
    store : path, optional
        The label store with the queue.
    max_cost, max_tokens, max_rows
        Hard caps of this call, of which one must be given.
    on_progress : callable, optional
    **options
        Of the teacher: what its identity does not tell, as ``price``, ``concurrency``, ``api_key``.

    Raises
    ------
    InvalidInput
        No cap, or a teacher that only a notebook has: ``load(path, teacher=…).drain()``.
    TeacherError, StoreError
        Nothing could be asked, or kept.
    """
    about = read_router(router).about
    teacher = _teacher_of(about, options)
    abstain = about["abstain"]
    reject = make_reject_option(abstain["unlike"], abstain["unsure"], guard=1.0, teacher=teacher)
    caps = make_caps(max_cost, max_tokens, max_rows)
    return drain_queue(teacher, Shelf(store), reject, caps, on_progress=on_progress)


def drain_queue(
    teacher: Teacher,
    shelf: Shelf,
    reject: RejectOption,
    caps: Caps,
    *,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> Drained:
    """Ask a teacher about the texts that wait for it, some at a time.

    Raises
    ------
    InvalidInput
        No cap; or recorded labels, which nobody can ask.
    TeacherError, StoreError
        Nothing could be asked, or kept.
    """
    if caps == Caps():
        raise InvalidInput(
            "say what it may cost at the most: max_cost (--max-cost 4), max_tokens or max_rows"
        )
    if isinstance(teacher, ReplayTeacher):
        raise InvalidInput(
            f"{teacher.name!r} is a record of labels, which answers no texts that wait; name a teacher "
            "that can be asked"
        )
    queue = QueueStore(shelf, teacher.identity)
    spending, stopped = Spending(), None
    with shelf.held():
        total = queue.count()
        for texts in queue.parts(_PART):
            asker = Asker(teacher, shelf)
            asker.begin()
            try:
                ask_about(
                    asker,
                    texts,
                    reject,
                    caps=caps.left(spending),
                    on_progress=_within(on_progress, spending, total),
                    step="deferred",
                    stop=stop,
                )
            except TeacherError as error:
                if not spending.asked:
                    raise
                stopped = str(error)
            spending = spending.plus(asker.spending)
            stopped = stopped or asker.stopped
            if stopped is not None:
                break
        queue.settle()
        return Drained(queue.count(), spending, stopped)


def _within(tell: OnProgress | None, before: Spending, total: int) -> OnProgress | None:
    """Progress of a part as that of the whole."""
    if tell is None:
        return None
    said: Callable[[Progress], None] = tell
    done = before.asked + before.reused

    def both(progress: Progress) -> None:
        said(
            Progress(
                progress.done + done,
                max(total, progress.done + done),
                progress.spending,
                progress.seconds,
                progress.step,
            )
        )

    return both


def _teacher_of(about: Mapping[str, Any], options: dict[str, Any]) -> Teacher:
    """The teacher that a router was fitted on, made again.

    Raises
    ------
    InvalidInput
        Only a notebook has it, or another one comes of it.
    """
    identity = about["identity"]
    if identity.get("teacher") != "chat" or identity.get("examples"):
        what = "was given examples" if identity.get("examples") else "is no server that has a name"
        raise InvalidInput(
            f"the router's teacher {about['teacher']!r} {what}; ask it in Python by tracer_nb.load(path, teacher=…).drain(max_cost=…), in a notebook by "
            "%tracer load FILE --teacher … and %tracer label"
        )
    server, model = str(identity["server"]), str(identity["model"])
    given = {name: identity[name] for name in _TOLD if name in identity}
    if server.startswith("stand-in:"):
        _, data, wrong = server.split(":")
        spec = f"standin:{data}"
        given["wrong"] = float(wrong.removeprefix("wrong="))
    else:
        given |= {name: identity[name] for name in _TOLD_OF_SERVERS if name in identity}
        if server.startswith("any-llm/"):
            provider, _, address = server.removeprefix("any-llm/").partition(" at ")
            spec = f"anyllm:{provider}/{model}"
        else:
            spec, address = f"openai:{model}", server
        if address and not address.startswith(_OPENAI):
            given["base_url"] = address
    teacher = make_teacher(spec, about["labels"], about["prompt"], **{**given, **options})
    check_own(teacher, about)
    return teacher


def check_own(teacher: Teacher, about: Mapping[str, Any]) -> None:
    """Refuse a teacher that is another one than a router's own.

    Raises
    ------
    InvalidInput
        It is.
    """
    identity, here = about["identity"], teacher.identity
    if identity_address(here)[0] != identity_address(identity)[0]:
        other = sorted(
            {name for name in {**identity, **here} if here.get(name) != identity.get(name)}
        )
        raise InvalidInput(
            f"the teacher {teacher.name!r} differs from the router's own in {', '.join(other)}, and texts "
            "wait for that one, which the certificate is about; name it, with the same options"
        )
