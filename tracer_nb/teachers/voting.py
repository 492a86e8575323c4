"""Several answers of one teacher to one text: a vote, and the distribution it shows.

Votes on texts that do not have all of theirs yet are on disk: they are paid.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Protocol, runtime_checkable

from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import identity_address, missing_identity, text_address
from tracer_nb.teachers.base import NotAsked, explanation_for
from tracer_nb.teachers.budget import total_cost

__all__ = ["Ballots", "Polled", "count_votes", "poll"]


@runtime_checkable
class Polled(Protocol):
    """A teacher that asks about a text several times."""

    votes: int

    def remember(self, ballots: Ballots | None) -> None:
        """Keep votes there until a text has all of them. Called before a run asks anything."""
        ...


class Ballots:
    """The votes of one teacher in a label store.

    A vote stays until its text has an answer; then the answer holds its cost, and it goes.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher.
    writer : ThreadPoolExecutor
        The run's only thread that writes.
    again : collection of str
        Texts that have an answer, without a label, and are asked about again.
    """

    def __init__(
        self,
        store: LabelStore,
        identity: Mapping[str, Any],
        writer: ThreadPoolExecutor,
        again: Collection[str] = (),
    ) -> None:
        self._store = store
        self._id = identity_address(identity)[0]
        self._missing_id = identity_address(missing_identity(identity))[0]
        self._writer = writer
        self._again = again
        self._left: asyncio.Future[dict[tuple[str, str], dict[int, Answer]]] | None = None

    async def of(self, text: str) -> dict[int, Answer]:
        """Votes on ``text`` that an earlier run has left, by their number.

        Raises
        ------
        StoreError
            The file cannot be read or written.
        """
        if self._left is None:
            loop = asyncio.get_running_loop()
            self._left = loop.run_in_executor(self._writer, self._read)
        return (await asyncio.shield(self._left)).get(self._address(text), {})

    async def put(self, text: str, turn: int, answer: Answer) -> None:
        """Store a vote; it is on disk when this returns.

        Raises
        ------
        StoreError
            The file cannot be written.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._write, text, turn, answer)

    def _address(self, text: str) -> tuple[str, str]:
        return self._missing_id if text in self._again else self._id, text_address(text)

    def _read(self) -> dict[tuple[str, str], dict[int, Answer]]:
        with self._store.writing() as db:
            db.execute(
                "DELETE FROM votes WHERE identity_id = ? AND text_id IN "
                "(SELECT text_id FROM answers WHERE identity_id = ?)",
                [self._id, self._id],
            )
        found: dict[tuple[str, str], dict[int, Answer]] = {}
        rows = self._store.select(
            "SELECT identity_id, text_id, turn, answer FROM votes WHERE identity_id IN (?, ?)",
            [self._id, self._missing_id],
        )
        for identity_id, text_id, turn, answer in rows:
            found.setdefault((identity_id, text_id), {})[turn] = Answer(**json.loads(answer))
        return found

    def _write(self, text: str, turn: int, answer: Answer) -> None:
        row = (*self._address(text), turn, json.dumps(asdict(answer)))
        with self._store.writing() as db:
            db.execute("INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?)", row)


async def poll(
    ask: Callable[[int], Awaitable[Answer]], votes: int, text: str, ballots: Ballots | None
) -> Answer:
    """Ask ``votes`` times side by side, and count.

    Every vote that is an answer is stored at once, so that a stop in mid-poll loses none, and
    the next run asks for the others only.

    Parameters
    ----------
    ask : callable
        From the number of a vote to its answer.
    votes : int
    text : str
    ballots : Ballots or None

    Returns
    -------
    Answer
        Without ``keep`` when a vote failed: the text is then asked about again.

    Raises
    ------
    NotAsked
        Stopped before anything was sent.
    CancelledError
        Stopped after some votes came.
    """
    given = {} if ballots is None else dict(await ballots.of(text))

    async def vote(turn: int) -> Answer:
        answer = await ask(turn)
        if ballots is not None and answer.keep:
            await ballots.put(text, turn, answer)
        return answer

    turns = [turn for turn in range(votes) if turn not in given]
    results = await asyncio.gather(*map(vote, turns), return_exceptions=True)
    errors = [r for r in results if isinstance(r, BaseException)]
    broken = next((e for e in errors if not isinstance(e, NotAsked)), None)
    if broken is not None:
        raise broken
    if errors:
        # With some of them asked, the text has cost something and has no answer.
        raise NotAsked if len(errors) == len(results) else asyncio.CancelledError
    given.update(zip(turns, [r for r in results if isinstance(r, Answer)], strict=True))
    return count_votes([given[turn] for turn in sorted(given)])


def count_votes(answers: Sequence[Answer]) -> Answer:
    """One answer from several to the same text.

    The label with the most votes; of several such, the one that the answers' own
    distributions favour, then the first to be given. The distribution is the mean of the
    answers' own where all have one, else the share of votes.

    Examples
    --------
    >>> count_votes([Answer("a"), Answer("b"), Answer("a")]).label
    'a'
    """
    failed = next((a for a in answers if not a.keep), None)
    labelled = [a for a in answers if a.label is not None]
    label, shares = None, None
    if failed is None and labelled:
        counts = Counter(a.label for a in labelled)
        shares = _mean(labelled)
        label = max(counts, key=lambda name: (counts[name], shares.get(name or "", 0.0)))
    reason = None
    if label is None:
        reason = failed.reason if failed is not None else answers[0].reason
    modes = dict.fromkeys(a.mode for a in labelled)
    seconds = [a.seconds for a in answers if a.seconds is not None]
    return Answer(
        label=label,
        reason=reason,
        mode=f"{' / '.join(modes)}, {len(labelled)} of {len(answers)} votes" if label else "",
        probabilities=shares,
        prompt_tokens=sum(a.prompt_tokens for a in answers),
        completion_tokens=sum(a.completion_tokens for a in answers),
        counted=all(a.counted for a in answers),
        cost=total_cost(a.cost for a in answers),
        seconds=max(seconds) if seconds else None,
        model=" / ".join(dict.fromkeys(a.model for a in answers if a.model)) or None,
        keep=failed is None,
        explanation=explanation_for(label, answers),
    )


def _mean(answers: Sequence[Answer]) -> dict[str, float]:
    """Mean of the answers' distributions; a vote without one is all for its label."""
    whole = all(a.probabilities for a in answers)
    total: Counter[str] = Counter()
    for answer in answers:
        own = answer.probabilities if whole else {str(answer.label): 1.0}
        for name, share in (own or {}).items():
            total[name] += share / len(answers)  # type: ignore[assignment]  # a float is kept
    return dict(total)
