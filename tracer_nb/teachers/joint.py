"""One answer from those of several teachers: by votes, by what each vote weighs, or decided."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tracer_nb.records import Answer
from tracer_nb.teachers.base import explanation_for
from tracer_nb.teachers.budget import total_cost

__all__ = ["count_members", "vote_weights"]


def vote_weights(accuracies: Sequence[float], n_labels: int) -> tuple[float, ...]:
    """What votes of teachers weigh that are so often right: logarithms of odds against chance.

    A label that got votes is so much likelier than one that got none; where all err alike often
    and independently, the label with the largest sum is the likeliest.

    >>> [round(weight, 2) for weight in vote_weights([0.9, 0.6], 3)]
    [2.89, 1.1]
    """
    return tuple(math.log(a * (n_labels - 1) / (1.0 - a)) for a in accuracies)


def count_members(
    given: Mapping[int, Answer],
    new: Sequence[Answer],
    *,
    weights: Sequence[float] | None = None,
    n_labels: int = 0,
    verdict: str | None = None,
    undecided: Answer | None = None,
) -> Answer:
    """One answer from those of members, in their order.

    Parameters
    ----------
    given : mapping of int to Answer
        By the place of the member in the panel; one or more.
    new : sequence of Answer
        Those that were asked for now, which make tokens, cost and seconds.
    weights : sequence of float, optional
        What the vote of each member weighs; all the same by default.
    n_labels : int
        Labels that there are, with ``weights``.
    verdict : str, optional
        The one of the labels given that an arbiter chose.
    undecided : Answer, optional
        A request to the arbiter that failed: it leaves the text open.

    Examples
    --------
    >>> count_members({0: Answer("a"), 1: Answer("b"), 2: Answer("b")}, ()).label
    'b'
    >>> count_members({0: Answer("a"), 1: Answer("b")}, ()).probabilities
    {'a': 0.5, 'b': 0.5}
    >>> count_members({0: Answer("a"), 1: Answer("b")}, (), verdict="b").probabilities
    {'a': 0.25, 'b': 0.75}
    """
    answers = [given[i] for i in sorted(given)]
    votes = {i: given[i].label for i in sorted(given)}
    label, scores = _winner(votes, weights)
    failed = [i for i in votes if given[i].label is None and not given[i].keep]
    # With the failed votes on another label, or on one that nobody gave.
    rivals = ({*scores} - {label}) | {""} if failed else set[str]()
    is_open = undecided is not None or any(
        _winner({**votes, **dict.fromkeys(failed, rival)}, weights)[0] != label for rival in rivals
    )
    seconds = [answer.seconds for answer in new if answer.seconds is not None]
    made = Answer(
        None,
        reason=(undecided or (given[failed[0]] if is_open else answers[0])).reason,
        prompt_tokens=sum(answer.prompt_tokens for answer in new),
        completion_tokens=sum(answer.completion_tokens for answer in new),
        counted=all(answer.counted for answer in new),
        cost=total_cost(answer.cost for answer in new),
        seconds=sum(seconds) if seconds or not new else None,
        model=" / ".join(dict.fromkeys(a.model for a in answers if a.model)) or None,
        keep=not is_open,
    )
    if label is None or is_open:
        return made
    shares = _shares(scores, weights, n_labels)
    mode = ""
    if verdict is not None:
        # As much as all votes together.
        shares = {name: (share + (name == verdict)) / 2 for name, share in shares.items()}
        label, mode = verdict, ", the arbiter's choice"
    counts = Counter(vote for vote in votes.values() if vote is not None)
    return replace(
        made,
        label=label,
        reason=None,
        mode=f"panel, {counts[label]} of {counts.total()} votes{mode}",
        probabilities=shares,
        explanation=explanation_for(label, answers),
    )


def _winner(
    votes: Mapping[int, str | None], weights: Sequence[float] | None
) -> tuple[str | None, dict[str, float]]:
    """The label with most votes, the first of several such to be given; and what each has."""
    scores: dict[str, float] = {}
    for i, vote in votes.items():
        if vote is not None:
            scores[vote] = scores.get(vote, 0) + (1 if weights is None else weights[i])
    return max(scores, key=scores.__getitem__, default=None), scores


def _shares(
    scores: Mapping[str, float], weights: Sequence[float] | None, n_labels: int
) -> dict[str, float]:
    """Shares of votes; with weights the probability of each label that was given."""
    if weights is None:
        return {name: score / sum(scores.values()) for name, score in scores.items()}
    top = max(scores.values())
    odds = {name: math.exp(score - top) for name, score in scores.items()}
    total = sum(odds.values()) + (n_labels - len(odds)) * math.exp(-top)
    return {name: each / total for name, each in odds.items()}
