"""Repeated answers to one text: a vote, and the distribution that it shows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from tracer_nb.records import Answer
from tracer_nb.store.ballots import Ballots
from tracer_nb.teachers.base import NotAsked
from tracer_nb.teachers.budget import total_cost

__all__ = ["count_votes", "poll"]


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
