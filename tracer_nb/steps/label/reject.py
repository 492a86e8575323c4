"""The reject option of a job: what it needs, and how it is found out whether it is there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.labelling import More
from tracer_nb.records import Answer, Caps, RejectOption, Routing
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker, OnProgress

__all__ = [
    "FIRST_ANSWERS",
    "ask_about",
    "check_distribution",
    "deferred_texts",
    "make_reject_option",
]

FIRST_ANSWERS = 20
"""Texts that are asked about before all others where only answers show a distribution."""


def make_reject_option(unlike: Any, unsure: Any, *, guard: float, teacher: Any) -> RejectOption:
    """Check what a user chose, before anything is asked.

    Parameters
    ----------
    unlike, unsure
        As in :class:`~tracer_nb.records.RejectOption`.
    guard : float
        The guard's share; 0 for none.
    teacher : Teacher or None
        Its ``distribution``, where it has that attribute, says how its probabilities come
        about: "votes", "log-probabilities", or "" when it gives none.

    Raises
    ------
    InvalidInput
        Not such values, no guard to go by, or a teacher that is known to give no distribution.
    """
    if not isinstance(unlike, (bool, np.bool_)):
        raise InvalidInput(f"abstain_unlike must be True or False, got {unlike!r}")
    if unlike and not guard:
        raise InvalidInput(
            "abstain_unlike goes by the guard, which is off; leave out guard=False (--no-guard)"
        )
    if unsure is None:
        return RejectOption(bool(unlike))
    if not is_number(unsure) or not 0.0 < unsure <= 1.0:
        raise InvalidInput(
            f"abstain_unsure must be a probability above 0, 1 at most, got {unsure!r}"
        )
    if getattr(teacher, "distribution", None) == "":
        raise InvalidInput(
            f"abstain_unsure needs the teacher's own probabilities, and none come from {teacher.name}; "
            f"{_instead(teacher)}"
        )
    return RejectOption(bool(unlike), float(unsure))


def ask_about(
    asker: Asker,
    texts: Sequence[str],
    reject: RejectOption,
    *,
    caps: Caps,
    on_progress: OnProgress | None,
    step: str,
    stop: threading.Event | None = None,
    missing: bool = False,
    more: More | None = None,
) -> None:
    """Get an answer to every text as :meth:`Asker.ask` does.

    Where the reject option needs a distribution, and only answers can show whether there is
    one, a few texts are asked about first, so that no more is paid for in vain. Votes always
    give one; a server may leave log-probabilities out, and of a function nothing is known.

    Raises
    ------
    InvalidInput
        The teacher gives labels and no distribution.
    """
    if reject.unsure is not None and _is_open(asker.teacher):
        known = asker.known(texts)
        if not _shown(asker, [*known.values(), *asker.answers.values()]):
            first = [text for text in texts if text not in known][:FIRST_ANSWERS]
            before = asker.spending
            asker.ask(first, caps=caps, on_progress=None, step=step, stop=stop)
            _shown(asker, [asker.answers[text] for text in first if text in asker.answers])
            if asker.stopped_in(step) is not None:
                return
            caps, begun = caps.left(asker.spending.since(before)), set(first)
            texts = [text for text in texts if text not in begun]
    asker.ask(
        texts,
        caps=caps,
        on_progress=on_progress,
        step=step,
        stop=stop,
        missing=missing,
        more=more,
    )


def check_distribution(asker: Asker, texts: Sequence[str], reject: RejectOption) -> None:
    """Heed what the answers that there are tell about a distribution, before more is paid.

    Raises
    ------
    InvalidInput
        One is needed, and the teacher's answers hold none.
    """
    if reject.unsure is not None and _is_open(asker.teacher):
        _shown(asker, asker.known(texts).values())


def deferred_texts(
    texts: Texts,
    routing: Routing,
    known: Mapping[str, Answer],
    reject: RejectOption,
    again: frozenset[str] = frozenset(),
) -> list[str]:
    """Distinct texts that the teacher is to be asked about, those of ``again`` among them."""
    settled = routing.handled | routing.unlike if reject.unlike else routing.handled
    return [
        text
        for text, is_left in zip(texts.unique, ~settled, strict=True)
        # A request that failed is made again, whoever might answer the row.
        if (is_left and text not in known)
        or (text in known and not known[text].keep)
        or text in again
    ]


def _is_open(teacher: Any) -> bool:
    """Whether only its answers show that it gives a distribution."""
    return getattr(teacher, "distribution", None) != "votes"


def _shown(asker: Asker, answers: Iterable[Answer]) -> bool:
    """Whether answers came with a distribution; False while there is no label among them."""
    labelled = [answer for answer in answers if answer.label is not None]
    if any(answer.probabilities for answer in labelled):
        return True
    if labelled:
        raise InvalidInput(
            f"abstain_unsure needs the teacher's own probabilities, and {asker.teacher.name} gave "
            f"none with {len(labelled):,} answers; {_instead(asker.teacher)}"
        )
    return False


def _instead(teacher: Any) -> str:
    if hasattr(teacher, "votes"):
        return (
            "use votes=3 (--votes 3) or more, or logprobs=True (--logprobs) where the server takes "
            "it"
        )
    return "leave abstain_unsure out"
