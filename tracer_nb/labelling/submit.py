"""Sends texts as batches: within the limits of a file, and within the cap on the cost.

And from the lines of a finished batch to answers, and to what is left open.
"""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

from tracer_nb.errors import InvalidInput, KeyRefused, TeacherError
from tracer_nb.labelling.book import BatchBook, Entry
from tracer_nb.records import Answer, Caps, Spending
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.budget import dollars, total_cost
from tracer_nb.teachers.chat.batches import BatchServer, NotMade, ServerBatch
from tracer_nb.teachers.chat.batchfile import Line, line_name, request_line, split_texts
from tracer_nb.teachers.chat.costs import BELIEVED
from tracer_nb.teachers.prices import Price

__all__ = [
    "BatchTeacher",
    "Body",
    "Parcel",
    "Settled",
    "check_caps",
    "make_parcels",
    "send",
    "settle",
]


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


# From a text to the body of its request.
Body = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Parcel:
    """Texts that go into one batch.

    Attributes
    ----------
    key : str
    texts : sequence of str
    bounds : sequence of (int, float or None)
        Tokens and dollars that each of them can take at the most.
    """

    key: str
    texts: Sequence[str]
    bounds: Sequence[tuple[int, float | None]]

    @property
    def tokens(self) -> int:
        """Of the whole batch, at the most."""
        return sum(tokens for tokens, _ in self.bounds)

    @property
    def dollars(self) -> float | None:
        """Of the whole batch, at the most; None when the price is unknown."""
        return total_cost(cost for _, cost in self.bounds)


def make_parcels(teacher: BatchTeacher, texts: Sequence[str], body: Body) -> list[Parcel]:
    """Divide texts among as few batches as the limits allow; ``body`` makes a request."""
    parts = split_texts(texts, lambda text: len(request_line(text, body(text))))
    return [Parcel(uuid.uuid4().hex, part, list(map(teacher.batch_bound, part))) for part in parts]


def check_caps(
    teacher: BatchTeacher,
    parcels: Sequence[Parcel],
    out: Sequence[Entry],
    caps: Caps,
) -> None:
    """Check that everything may be sent: a batch cannot be stopped at a cap once it runs.

    Parameters
    ----------
    teacher : BatchTeacher
    parcels : sequence of Parcel
    out : sequence of Entry
        The teacher's batches that are under way: what is set aside for them counts, too.
    caps : Caps

    Raises
    ------
    InvalidInput
        It might take more than a cap, or nobody knows what it costs and nothing bounds it.
    """
    if not parcels:
        return
    tokens, costs = zip(*(bound for parcel in parcels for bound in parcel.bounds), strict=True)
    known = [cost for cost in (*costs, *(e.shown.reserved for e in out)) if cost is not None]
    unknown = len(known) < len(costs) + len(out)
    if unknown and (caps.max_cost is not None or caps == Caps()):
        raise InvalidInput(
            f"the price of a batch is unknown for {teacher.name}, so nothing bounds what this "
            "costs; give batch_price as IN,OUT in dollars per million tokens (0,0 for a server "
            "of your own), or max_tokens or max_rows instead of max_cost"
        )
    if caps.max_cost is not None:
        held = sum(known[len(costs) :])
        _check_cap("max_cost", caps.max_cost, known[: len(costs)], held, dollars)
    if caps.max_tokens is not None:
        _check_cap("max_tokens", caps.max_tokens, tokens, sum(e.most_tokens for e in out), _count)
    if caps.max_rows is not None:
        n_out = sum(e.shown.n_texts for e in out)
        _check_cap("max_rows", caps.max_rows, [1] * len(tokens), n_out, _count)


def _check_cap(
    name: str, cap: float, each: Sequence[float], held: float, show: Callable[[float], str]
) -> None:
    total = held + math.fsum(each)
    if total <= cap:
        return
    fit = sum(held + part <= cap for part in accumulate(each))
    aside = f", {show(held)} set aside for batches under way included" if held else ""
    raise InvalidInput(
        f"this may come to {show(total)}{aside}, more than {name} {show(cap)}, and a batch cannot "
        f"be stopped there; {fit:,} texts would fit: lower sample or max_answer_tokens, or raise "
        f"{name}"
    )


def _count(n: float) -> str:
    return f"{n:,.0f}"


async def send(
    book: BatchBook, server: BatchServer, parcels: Sequence[Parcel], form: str, body: Body
) -> None:
    """Note all parcels, and send one after the other.

    Raises
    ------
    TeacherError
        The server did not take one; those before it are under way, all others are forgotten.
    """
    taken = book.note([(p.key, p.texts, p.tokens, p.dollars) for p in parcels], server.shown, form)
    if taken:
        raise TeacherError(
            f"another process has just submitted {taken:,} of these texts; run again"
        )
    n_sent = 0
    for parcel in parcels:
        try:
            await _send_one(book, server, parcel, body)
        except TeacherError as error:
            book.withdraw()
            if not n_sent:
                raise
            raise TeacherError(f"{error}; {n_sent:,} texts were submitted before") from error
        n_sent += len(parcel.texts)


async def _send_one(book: BatchBook, server: BatchServer, parcel: Parcel, body: Body) -> None:
    # A file on disk, made when its turn comes: it may be as large as 200 MB.
    with TemporaryDirectory(prefix="tracer-nb-") as folder:
        path = Path(folder) / "batch.jsonl"
        with path.open("wb") as file:
            file.writelines(request_line(text, body(text)) for text in parcel.texts)
        with path.open("rb") as file:
            file_id = await server.upload(file)
    if not book.begin_sending(parcel.key, file_id):
        raise TeacherError("another process asks about these texts now; run again")
    try:
        made = await server.create(file_id, parcel.key)
    except (NotMade, KeyRefused):
        book.drop(parcel.key)
        raise
    except TeacherError as error:
        raise TeacherError(
            f"{error}; it may have made the batch all the same: %tracer batch collect looks for it"
        ) from error
    book.see(parcel.key, made)
