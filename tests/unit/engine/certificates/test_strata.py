"""Two strata: exact bounds of each, never pooled."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.certificates import (
    Stratum,
    recall_of_strata,
    rows_to_read,
    share_to_read,
)
from tracer_nb.errors import InvalidInput


@pytest.mark.parametrize("found", [0, 1, 3, 12])
def test_bounds_are_the_last_that_is_not_refuted(found):
    n_rows, n_read = 120, 30
    rows = Stratum(n_rows, n_read, found)
    totals = np.arange(n_rows + 1)
    upper = totals[stats.hypergeom.cdf(found, n_rows, totals, n_read) > 0.05].max()
    lower = totals[stats.hypergeom.sf(found - 1, n_rows, totals, n_read) > 0.05].min()
    said = recall_of_strata(rows, rows, target=0.5, delta=0.1, known=7)
    assert (said.missed_upper, said.wanted_lower) == (upper, lower)
    assert said.recall_lower == 1 - upper / (7 + lower + upper)
    assert said.passed == (upper <= 0.5 * (7 + lower + upper))


def test_passing_is_exact_at_the_target():
    """5 missed of 100 keep a recall of .95, whatever rounding makes of 1 - .95."""
    dropped = Stratum(5, 5, 5)
    assert recall_of_strata(Stratum(95, 95, 95), dropped, target=0.95, delta=0.1).passed
    assert not recall_of_strata(Stratum(94, 94, 94), dropped, target=0.95, delta=0.1).passed
    assert recall_of_strata(Stratum(0, 0, 0), dropped, target=0.95, delta=0.1, known=95).passed


def test_nothing_that_can_be_missed_is_kept():
    none = Stratum(0, 0, 0)
    said = recall_of_strata(none, none, target=0.95, delta=0.1)
    assert (said.missed_upper, said.recall_lower, said.passed) == (0, 1.0, True)


def test_the_floor_of_reading():
    """GUARANTEES' figure: 170 wanted rows, R = .95: 23 % of the dropped ones."""
    assert round(share_to_read(170, 0.95, 0.1), 2) == 0.23
    assert share_to_read(0, 0.95, 0.1) == pytest.approx(0.9)
    n = rows_to_read(2000, 170, 0.95, 0.1)
    assert stats.hypergeom.pmf(0, 2000, 9, n) <= 0.1 < stats.hypergeom.pmf(0, 2000, 9, n - 1)
    assert n / 2000 <= share_to_read(170, 0.95, 0.1)
    assert rows_to_read(8, 170, 0.95, 0.1) == 0
    # What the union bound takes, with every kept row known.
    n = rows_to_read(2000, 170, 0.95, 0.05)
    kept = Stratum(170, 170, 170)
    assert recall_of_strata(kept, Stratum(2000, n, 0), target=0.95, delta=0.1).passed
    # With one missed row more the same kept rows allow eight: a few rows less may do.
    fewer = Stratum(2000, n - 60, 0)
    assert not recall_of_strata(kept, fewer, target=0.95, delta=0.1).passed


@pytest.mark.parametrize("counts", [(10, 11, 0), (10, 5, 6), (10, 5, -1)])
def test_counts_that_do_not_hold_one_another(counts):
    with pytest.raises(InvalidInput, match="a stratum of 10 rows"):
        Stratum(*counts)


@pytest.mark.parametrize("wrong", [{"target": 95}, {"delta": 0.0}, {"known": -1}])
def test_levels_are_checked(wrong):
    rows = Stratum(10, 5, 1)
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        recall_of_strata(rows, rows, **{"target": 0.9, "delta": 0.1, **wrong})
