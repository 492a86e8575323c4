"""Recall of a rare label: test rows go where misses can be.

Two strata, fixed when everything is frozen: *kept* rows are deferred or given the label, and cannot
be missed; *dropped* rows are handled with another label. Within each, rows are drawn at random.
They are never pooled: in one binomial test the kept rows, where wanted ones are many, would hide
what is missed among the dropped ones.

For evidence of one's own. A job makes the test of :mod:`tracer_nb.draws.reading`, which takes fewer
rows; its plan says by :func:`share_to_read` what no test can do without.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import stats

from tracer_nb.engine.certificates.promise import check_level
from tracer_nb.errors import InvalidInput

__all__ = ["Strata", "Stratum", "recall_of_strata", "rows_to_read", "share_to_read"]


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows of one kind, and what was read of them.

    Attributes
    ----------
    n_rows : int
    n_read : int
        Drawn at random among them, without replacement, after they were fixed.
    n_wanted : int
        Of those, rows to which the teacher gave the label. A read row that got no label is wanted
        among dropped rows, and not among kept ones.

    Raises
    ------
    InvalidInput
        Counts that do not hold one another.
    """

    n_rows: int
    n_read: int
    n_wanted: int

    def __post_init__(self) -> None:
        if not 0 <= self.n_wanted <= self.n_read <= self.n_rows:
            raise InvalidInput(
                f"a stratum of {self.n_rows} rows with {self.n_read} read and {self.n_wanted} of these "
                "wanted; give counts that hold one another"
            )


@dataclass(frozen=True, slots=True)
class Strata:
    """What two strata show of recall.

    Attributes
    ----------
    missed_upper : int
        Most wanted rows among the dropped ones, read ones included.
    wanted_lower : int
        Fewest wanted rows among the kept ones.
    recall_lower : float
        What both make of recall, wanted rows that were known before included; 1 where nothing can
        be missed.
    passed : bool
        At least the target.
    """

    missed_upper: int
    wanted_lower: int
    recall_lower: float
    passed: bool


def recall_of_strata(
    kept: Stratum, dropped: Stratum, *, target: float, delta: float, known: int = 0
) -> Strata:
    """The exact test of recall on two strata.

    Parameters
    ----------
    kept, dropped : Stratum
    target : float
        R, in (0, 1).
    delta : float
        Error budget, in (0, 1); half for each of the two bounds.
    known : int
        Wanted rows outside both, which the teacher has answered.

    Returns
    -------
    Strata
        ``passed`` where w+ <= (1 - R) (known + p- + w+), for w+ the largest number of wanted rows
        among the dropped ones, and p- the smallest among the kept ones, that an exact
        hypergeometric test at delta / 2 does not refute.

    Raises
    ------
    InvalidInput
        A level outside (0, 1), or a number of known rows below 0.

    References
    ----------
    GUARANTEES, "Rare labels"; the union bound over two exact one-sided tests.

    Examples
    --------
    >>> kept, dropped = Stratum(300, 300, 160), Stratum(2000, 700, 0)
    >>> found = recall_of_strata(kept, dropped, target=0.95, delta=0.1)
    >>> found.missed_upper, found.wanted_lower, found.passed
    (6, 160, True)
    """
    target, delta = check_level("target", target), check_level("delta", delta)
    if known < 0:
        raise InvalidInput(f"known must be a number of rows, got {known}")
    missed, wanted = _most(dropped, delta / 2.0), _fewest(kept, delta / 2.0)
    total = known + wanted + missed
    lower = 1.0 if missed == 0 else 1.0 - missed / total
    return Strata(missed, wanted, lower, missed <= (1.0 - target) * total + 1e-9)


def share_to_read(n_wanted: int, target: float, delta: float) -> float:
    """Share of the dropped rows that any test must read, where none of those read is wanted.

    Of P wanted rows, W = floor((1 - R) P) + 1 missed ones break the promise; a share f read at
    random holds none of them with probability (1 - f)^W, at most ``delta`` from 1 - delta^(1 / W).

    Parameters
    ----------
    n_wanted : int
        P.
    target, delta : float
        The union bound of :func:`recall_of_strata` has half of its delta for these rows.

    References
    ----------
    GUARANTEES, "Rare labels".

    Examples
    --------
    >>> round(share_to_read(170, 0.95, 0.1), 3)
    0.226
    """
    target, delta = check_level("target", target), check_level("delta", delta)
    return float(1.0 - delta ** (1.0 / _breaking(n_wanted, target)))


def rows_to_read(n_dropped: int, n_wanted: int, target: float, delta: float) -> int:
    """Fewest dropped rows to read, none of them wanted, after which the promise can hold.

    The exact form of :func:`share_to_read`, for a known number of dropped rows.

    Parameters
    ----------
    n_dropped, n_wanted : int
    target, delta : float

    Examples
    --------
    >>> rows_to_read(2000, 170, 0.95, 0.1)
    451
    """
    target, delta = check_level("target", target), check_level("delta", delta)
    breaking = _breaking(n_wanted, target)
    if breaking > n_dropped:
        return 0

    def refuted(n: int) -> bool:
        return bool(stats.hypergeom.pmf(0, n_dropped, breaking, n) <= delta)

    return _first(refuted, 0, n_dropped)


def _breaking(n_wanted: int, target: float) -> int:
    """Missed rows with which the promise does not hold; the tiny term keeps a permitted one."""
    return math.floor((1.0 - target) * n_wanted + 1e-9) + 1


def _most(rows: Stratum, delta: float) -> int:
    """Largest number of wanted rows that is not refuted: P(X <= found) above delta."""
    low, high = rows.n_wanted, rows.n_rows - (rows.n_read - rows.n_wanted)

    def refuted(total: int) -> bool:
        return bool(stats.hypergeom.cdf(rows.n_wanted, rows.n_rows, total, rows.n_read) <= delta)

    return _first(refuted, low, high + 1) - 1


def _fewest(rows: Stratum, delta: float) -> int:
    """Smallest number of wanted rows that is not refuted: P(X >= found) above delta."""

    def possible(total: int) -> bool:
        p = stats.hypergeom.sf(rows.n_wanted - 1, rows.n_rows, total, rows.n_read)
        return bool(p > delta)

    return _first(possible, rows.n_wanted, rows.n_rows)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from ``low`` at which something holds that holds from there on.

    ``high`` where it holds nowhere below.
    """
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
