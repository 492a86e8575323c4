"""Recall of a label where some of its rows have been answered: these are never missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from tracer_nb.engine.bounds import held_out_p_value
from tracer_nb.engine.certificates.kinds import Counts, Kind

__all__ = ["lower_target", "most_wanted", "with_known"]

# Part of the error budget for how many of the open rows have the label at the most.
_OF_TOTAL = 0.1


def most_wanted(n_wanted: int, n_tested: int, n_open: int, error: float) -> int:
    """Most of some rows that can have a label, so many of those drawn from them having it.

    Examples
    --------
    >>> most_wanted(10, 100, 1000, 0.05)
    160
    """
    low, high = n_wanted, n_open - (n_tested - n_wanted)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(n_wanted, n_open, middle, n_tested) > error:
            low = middle
        else:
            high = middle - 1
    return low


def lower_target(target: float, n_known: int, n_most: float) -> float:
    """Recall among so many open rows, at the most, with which that of all rows keeps its target.

    Examples
    --------
    >>> round(lower_target(0.9, 100, 200), 3)
    0.85
    """
    return 1.0 - (1.0 - target) * (1.0 + n_known / max(n_most, 1.0))


def with_known(kind: Kind, n_known: int, n_tested: int, delta: float) -> Kind:
    """Recall of all rows of a column, of which so many with the label have been answered.

    Of P open rows with the label w are missed; the promise is broken where w > (1 - R) (known + P),
    which is a share above (1 - R) (1 + known / P) of them. P is at most P+, at a tenth of the error
    budget; given how many of the tested rows have the label, they are a simple random sample of the P,
    and the binomial test of the share with P+ in place of P has the rest.

    Parameters
    ----------
    kind : Kind
        Of :func:`~tracer_nb.engine.certificates.recall_of`.
    n_known, n_tested : int
    delta : float
        Error budget of the test.

    References
    ----------
    GUARANTEES, "Recall and precision of a label".
    """

    def of_column(
        wrong: Counts, wanted: Counts, known: Counts, _delivered: int, target: float
    ) -> NDArray[np.float64]:
        n_open = int(known[0]) if len(known) else 0
        p = np.ones(len(wanted))
        for i, m in enumerate(wanted.tolist()):
            most = most_wanted(m, n_tested, n_open, _OF_TOTAL * delta)
            level = lower_target(target, n_known, most)
            right = np.array([m - int(wrong[i])])
            # Where known rows make up for all that can be missed there is nothing to break.
            p[i] = 0.0 if level <= 0.0 else held_out_p_value(right, np.array([m]), level)[0]
        return np.minimum(p / (1.0 - _OF_TOTAL), 1.0)

    return replace(kind, column=of_column)
