"""Which answers the next move goes by, while those of the last one are being waited for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, PILOT, TEST, Draw, in_test, rows_of
from tracer_nb.draws.moves import Column

__all__ = ["aside_ahead", "awaited", "foregone"]

# From this share of the random start the first batch is chosen, while the others are answered.
_SEEN = 0.5
# A cap that pays for so many times the rest of a test is none that has to be kept in mind.
_ROOMY = 3


def foregone(column: Column, draws: tuple[Draw, ...]) -> NDArray[np.bool_]:
    """Texts whose answers what is chosen ahead does not go by, (n_texts,)."""
    if in_test(draws):
        return np.ones(column.n_texts, dtype=bool)
    last, mask = draws[-1], column.drawn_for(draws, NEW_ROWS)
    n_seen = int(_SEEN * len(last.rows)) if last.purpose == PILOT else 0
    mask[column.codes[last.rows[n_seen:]]] = True
    mask[column.codes[last.rows[:n_seen]]] = False
    return mask


def awaited(column: Column, draws: tuple[Draw, ...]) -> NDArray[np.bool_]:
    """Texts whose answers the next step goes by, (n_texts,): of a test, only its own."""
    if in_test(draws):
        return column.drawn_for(draws[-1:], TEST)
    return ~column.drawn_for(draws, NEW_ROWS)


def aside_ahead(
    column: Column, draws: tuple[Draw, ...], labels: NDArray[np.intp], room: int | None
) -> NDArray[np.intp]:
    """Texts set aside, where there is money for them and for all of the test."""
    waiting = column.unasked(rows_of(d for d in draws if d.purpose == NEW_ROWS), labels)
    left = len(column.unasked(draws[-1].rows, labels))
    # Under a cap there may be a use for these rows' money, where the test fails.
    return waiting[:0] if room is not None and room < _ROOMY * left else waiting
