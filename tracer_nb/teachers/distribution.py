"""From the log-probabilities of tokens to a distribution over labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

__all__ = ["TokenChances", "label_distribution"]

TokenChances = tuple[str, Mapping[str, float]]
"""A token that was said, and the probability of it and of others in its place."""


def label_distribution(
    said: Sequence[TokenChances], written: Mapping[str, str]
) -> dict[str, float] | None:
    """Probability of each label that the model considered, summing to 1.

    Parameters
    ----------
    said : sequence of TokenChances
        The answer, token by token.
    written : mapping of str to str
        What the whole answer would be for each label, to that label.

    Returns
    -------
    dict of str to float, or None
        None when no alternatives came with the tokens, or none of them begins a label.

    Notes
    -----
    Along the answer, every alternative token that some label goes on with takes its
    probability, times that of the tokens before it, to that label. Several labels that go on
    with it share it evenly: what would have followed is not known. Alternatives that no label
    begins with are left out, and the rest is normalised, which is the distribution given that
    the model answers with a label.
    """
    if not any(len(chances) > 1 for _, chances in said):
        return None
    shares = dict.fromkeys(written.values(), 0.0)
    folded = {w: w.casefold() for w in written}
    path, mass, alive = "", 1.0, list(written)
    for token, chances in said:
        if token not in chances:  # it came without its probability
            return None
        for other, chance in chances.items():
            if other == token:
                continue
            going = _going(path + other, alive, folded)
            for w in going:
                shares[written[w]] += mass * chance / len(going)
        mass *= chances[token]
        path += token
        alive = _going(path, alive, folded)
        if len(alive) <= 1:
            break
    for w in alive:
        shares[written[w]] += mass / len(alive)
    total = math.fsum(shares.values())
    if total <= 0:
        return None
    return {label: share / total for label, share in shares.items() if share > 0}


def _going(beginning: str, answers: Sequence[str], folded: Mapping[str, str]) -> list[str]:
    """The answers that one which begins so can be, or is, with no word after it."""
    beginning = beginning.lstrip().casefold()
    if beginning.isascii():
        return [w for w in answers if _goes_on(beginning, folded[w])]
    # A token may end inside a character; then its bytes begin the label all the same.
    parts = _bytes(beginning)
    whole = beginning if parts is None else parts.decode("utf-8", "replace")
    return [
        w
        for w in answers
        if folded[w].startswith(beginning)
        or (parts is not None and folded[w].encode("utf-8", "replace").startswith(parts))
        or _goes_on(whole, folded[w])
    ]


def _goes_on(beginning: str, whole: str) -> bool:
    if whole.startswith(beginning):
        return True
    return beginning.startswith(whole) and not beginning[len(whole) : len(whole) + 1].isalnum()


def _bytes(text: str) -> bytes | None:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character that is no byte
        return None
