"""Labels that are at hand in a review: as many as there are digit keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tracer_nb.store.rows import text_address

__all__ = ["SHORTLIST", "shortlist"]

SHORTLIST = 9
"""Labels at hand: as many as there are digit keys."""


def shortlist(
    text: str,
    likely: Sequence[str],
    labels: Sequence[str],
    counts: Mapping[str, int],
    *,
    blind: bool,
) -> tuple[str, ...]:
    """At most nine labels to have at hand.

    Parameters
    ----------
    text : str
    likely : sequence of str
        The teacher's label first.
    labels : sequence of str
        The label set.
    counts : mapping of str to int
        How often the teacher gave each.
    blind : bool
        The likely ones must not stand out: the others are drawn as frequently as the teacher
        gives them, and all stand in the order of the label set. Otherwise the likely ones
        come first, then the most frequent.
    """
    if len(labels) <= SHORTLIST:  # the same keys for every row
        return tuple(labels)
    chosen = list(dict.fromkeys(likely))
    others = [label for label in labels if label not in chosen]
    if not blind:
        others.sort(key=lambda label: -counts.get(label, 0))
        return tuple([*chosen, *others][:SHORTLIST])
    weights = np.array([counts.get(label, 0) + 0.5 for label in others])
    # The same text always has the same list.
    rng = np.random.default_rng(int(text_address(text)[:16], 16))
    drawn = rng.choice(
        len(others), SHORTLIST - len(chosen), replace=False, p=weights / weights.sum()
    )
    kept = {*chosen, *(others[i] for i in drawn)}
    return tuple(label for label in labels if label in kept)
