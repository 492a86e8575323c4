"""From the lines of a finished batch to answers, and to what is left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tracer_nb.records import Answer, Spending
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.budget import total_cost
from tracer_nb.teachers.chat.batches import BatchServer, ServerBatch
from tracer_nb.teachers.chat.batchfile import Line, line_name
from tracer_nb.teachers.chat.costs import BELIEVED
from tracer_nb.teachers.prices import Price

__all__ = ["BatchTeacher", "Settled", "settle"]

_NO_REPLY = "the server gave no reply, or a broken one"


@runtime_checkable
class BatchTeacher(Teacher, Protocol):
    """A teacher whose server takes batches.

    Attributes
    ----------
    batch_price : Price or None
        What tokens cost in a batch.
    """

    batch_price: Price | None

    def batch_requests(self) -> tuple[str, Callable[[str], dict[str, Any]]]:
        """Name of the form that answers are asked in now, and what makes a text's request."""
        ...

    def answer_from(self, text: str, body: bytes, form: str) -> Answer:
        """Read the one reply to a request of a batch, which asked in this ``form``."""
        ...

    def refuse_form(self, form: str, status: int, said: str) -> None:
        """Learn that a batch was refused, by this ``status``, in this ``form``."""
        ...

    def batch_bound(self, text: str) -> tuple[int, float | None]:
        """Tokens and dollars (None when unknown) of ``text`` in a batch at the very most."""
        ...

    def open_batches(self) -> BatchServer:
        """Open the batch endpoints of the teacher's server."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch has brought.

    Attributes
    ----------
    answers : tuple of (str, Answer)
        To be stored, by text; those without a label say why.
    unusable : tuple of (str, str)
        Texts whose reply was paid and holds no label, and why. A second question may repair
        it, and a batch cannot ask one. They are not stored as missing, since the same teacher
        asked online might have given a label; they are not submitted again either, because the
        same request would most likely be paid for the same reply. The next run that asks online
        asks about them.
    n_free : int
        Texts without a reply, which nobody has paid.
    spending : Spending
    note : str
        The most frequent failures.
    """

    answers: tuple[tuple[str, Answer], ...]
    unusable: tuple[tuple[str, str], ...]
    n_free: int
    spending: Spending
    note: str


def settle(
    teacher: BatchTeacher,
    form: str,
    texts: Iterable[str],
    lines: Iterable[Line],
    batch: ServerBatch,
) -> Settled:
    """Match lines with texts, in whatever order they come, and count what they cost.

    Of several lines about one text the first one with a reply counts; lines about other texts
    are none of this batch's. The cost is what the lines report, or what the server reports of
    the whole batch where that is more: a line may be broken, and is billed all the same. What
    no batch of these texts can have taken, more than ten times its bound, is left out.
    """
    texts = list(texts)
    said: dict[str, Line] = {}
    for line in lines:
        if line.name not in said or said[line.name].body is None:
            said[line.name] = line
    answers: list[tuple[str, Answer]] = []
    unusable: list[tuple[str, str]] = []
    paid: list[Answer] = []
    failures: Counter[str] = Counter()
    unread = batch.n_done - sum(line.body is not None for line in said.values())
    for text in texts:
        line = said.get(line_name(text), Line("", None, _NO_REPLY))
        if line.body is None:
            failures[line.reason] += 1
            if line.reason == _NO_REPLY and unread > 0:
                unread -= 1
                paid.append(teacher.answer_from(text, b"", form))
            continue
        answer = teacher.answer_from(text, line.body, form)
        paid.append(answer)
        if answer.keep:
            answers.append((text, answer))
        else:
            unusable.append((text, answer.reason or ""))
    refused = _refusal(said.values())
    if refused is not None and not paid:
        teacher.refuse_form(form, refused.status, refused.reason)
    shown = (f"{n:,} × {reason}" for reason, n in failures.most_common(2))
    return Settled(
        tuple(answers),
        tuple(unusable),
        sum(failures.values()),
        _spending(teacher, texts, paid, answers, batch),
        "; ".join(shown),
    )


def _refusal(lines: Iterable[Line]) -> Line | None:
    """The failure that most requests met; None when they met none that has a status."""
    failed = Counter((line.status, line.reason) for line in lines if line.body is None)
    for (status, reason), _ in failed.most_common(1):
        return Line("", None, reason, status) if status else None
    return None


def _spending(
    teacher: BatchTeacher,
    texts: list[str],
    paid: list[Answer],
    answers: list[tuple[str, Answer]],
    batch: ServerBatch,
) -> Spending:
    told = batch.prompt_tokens, batch.completion_tokens
    if sum(told) > BELIEVED * sum(teacher.batch_bound(text)[0] for text in texts):
        told = 0, 0
    cost = total_cost(answer.cost for answer in paid)
    if cost is not None and teacher.batch_price is not None:
        cost = max(cost, teacher.batch_price.of(*told))
    return Spending(
        asked=len(answers),
        missing=sum(answer.label is None for _, answer in answers),
        prompt_tokens=max(sum(a.prompt_tokens for a in paid), told[0]),
        completion_tokens=max(sum(a.completion_tokens for a in paid), told[1]),
        cost=cost,
    )
