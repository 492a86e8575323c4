"""Token log-probabilities in OpenAI's format, made from probabilities of labels."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

__all__ = ["token_logprobs"]

_PIECE = re.compile(r"[\W_]*[^\W_]+|[\W_]+")
_HEAD = ('{"', "label", '":', ' "')
_END = '"}'


def token_logprobs(
    distribution: Mapping[str, float], answer: str, *, as_json: bool, top: int
) -> list[dict[str, Any]]:
    """Return the ``logprobs.content`` of an answer.

    Parameters
    ----------
    distribution : mapping of str to float
        Probability of each label that the model considered; holds ``answer``.
    answer : str
        The label that the message names.
    as_json : bool
        The message is ``{"label": "<answer>"}`` rather than the bare label.
    top : int
        How many alternatives to list at each token.

    Notes
    -----
    A token's probability is the share of the labels that begin like the answer up to it,
    among those that begin like it up to the token before. So the tokens multiply to the
    probability of the label (in JSON, where the closing token tells "card" from "card
    lost"), and the alternatives at a token are what the other labels would go on with.
    """
    tokens = {label: _tokens(label, as_json=as_json) for label in distribution}
    out = [_entry(token, {token: 1.0}, top) for token in (_HEAD if as_json else ())]
    alive = dict(distribution)
    for place, token in enumerate(tokens[answer]):
        total = sum(alive.values())
        following: dict[str, float] = defaultdict(float)
        for label, probability in alive.items():
            if place < len(tokens[label]):
                following[tokens[label][place]] += probability / total
        out.append(_entry(token, following, top))
        alive = {
            label: p for label, p in alive.items() if tokens[label][place : place + 1] == [token]
        }
    return out


def _tokens(label: str, *, as_json: bool) -> list[str]:
    """Cut a label at its words, about as language models do."""
    written = json.dumps(label, ensure_ascii=False)[1:-1] if as_json else label
    return _PIECE.findall(written) + ([_END] if as_json else [])


def _entry(token: str, following: Mapping[str, float], top: int) -> dict[str, Any]:
    ranked = sorted(following.items(), key=lambda item: -item[1])[:top]
    return {
        **_one(token, following[token]),
        "top_logprobs": [_one(other, probability) for other, probability in ranked],
    }


def _one(token: str, probability: float) -> dict[str, Any]:
    # Never above 0: sums of floats can exceed 1 by a rounding error.
    logprob = min(0.0, math.log(probability))
    raw = token.encode("utf-8", "surrogatepass")
    return {"token": token, "logprob": logprob, "bytes": list(raw)}
