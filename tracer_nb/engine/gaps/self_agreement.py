"""How far a teacher that was asked twice agrees with itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.records import SelfAgreement

__all__ = ["self_agreement"]

_CONFIDENCE = 0.95
_EXAMPLES = 20


def self_agreement(
    answers: Mapping[str, tuple[str, str | None]], *, confidence: float = _CONFIDENCE
) -> SelfAgreement:
    """Count texts with the same label twice.

    Parameters
    ----------
    answers : mapping of str to (str, str or None)
        First and second label of each distinct text; no second label is another answer.
    confidence : float
        Of the interval, which is exact when the texts were drawn at random.
    """
    n = len(answers)
    changed = [(text, one, two) for text, (one, two) in answers.items() if one != two]
    n_same = n - len(changed)
    lower, upper = agreement_interval(np.array([n_same]), np.array([n]), confidence)
    asked = Counter(one for one, _ in answers.values())
    by_label = Counter(one for _, one, _ in changed)
    pairs = Counter((one, two) for _, one, two in changed)
    return SelfAgreement(
        n=n,
        n_same=n_same,
        lower=float(lower[0]),
        upper=float(upper[0]),
        confidence=confidence,
        labels=tuple((name, asked[name], k) for name, k in by_label.most_common()),
        pairs=tuple((one, two, k) for (one, two), k in pairs.most_common()),
        changed=tuple(changed[:_EXAMPLES]),
    )
