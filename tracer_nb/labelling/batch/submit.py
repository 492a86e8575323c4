"""Sends texts as batches: within the limits of a file, and within the cap on the cost."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tracer_nb.errors import InvalidInput, KeyRefused, TeacherError
from tracer_nb.labelling.batch.book import BatchBook, Entry
from tracer_nb.labelling.batch.settle import BatchTeacher
from tracer_nb.records import Caps
from tracer_nb.teachers.budget import dollars, total_cost
from tracer_nb.teachers.chat.batches import BatchServer, NotMade
from tracer_nb.teachers.chat.batchfile import request_line, split_texts

__all__ = ["Body", "Parcel", "check_caps", "make_parcels", "send"]

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
