"""Coins that fall the same way again, and tests that each spend their own error budget."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tracer_nb.draws import SAMPLE, TEST, Draw, add_test, coin, errors_of

# --- coins -------------------------------------------------------------------------------


def test_a_coin_falls_as_it_did_when_earlier_sessions_threw_it():
    """Were it another coin, a job that goes on would audit rows that its first session did not."""
    assert coin("audit", 0, "where is my card") == 0.346332914738804
    assert coin("audit", 1, "where is my card") == 0.9662393629124719
    assert coin("reask", 0, "where is my card") == 0.23547879596000335


def test_coins_are_uniform_and_those_of_other_purposes_and_seeds_tell_nothing_of_them():
    texts = [f"text {i}" for i in range(2000)]
    audit, other_seed, reask = (
        np.array([coin(*key, text) for text in texts])
        for key in (("audit", 0), ("audit", 1), ("reask", 0))
    )
    for thrown in (audit, other_seed, reask):
        assert ((thrown >= 0) & (thrown < 1)).all()
        # Fixed texts: measured p-values .2 and above.
        assert stats.kstest(thrown, "uniform").pvalue > 0.01
    for other in (other_seed, reask):
        assert abs(np.corrcoef(audit, other)[0, 1]) < 4 / np.sqrt(len(texts))


# --- tests -------------------------------------------------------------------------------


def test_every_further_test_is_a_round_of_its_own():
    sample = Draw(SAMPLE, 0, 0, 7, np.arange(5))
    draws = add_test((sample,), np.array([1, 4]), seed=7, error=0.03, found="one")
    draws = add_test(draws, np.array([6, 5]), seed=8, error=0.01, found="two")
    assert draws[0] is sample
    assert [(d.purpose, d.round, d.look, d.seed, d.error, d.found) for d in draws[1:]] == [
        (TEST, 1, 0, 7, 0.03, "one"),
        (TEST, 2, 0, 8, 0.01, "two"),
    ]
    assert [d.rows.tolist() for d in draws[1:]] == [[1, 4], [6, 5]]
    assert errors_of(draws) == (0.03, 0.01)


@pytest.mark.parametrize("again", ["one", "two"])
def test_the_same_certificates_again_spend_nothing(again):
    draws = ()
    for found in ("one", "two"):
        draws = add_test(draws, np.arange(3), seed=0, error=0.02, found=found)
    assert add_test(draws, np.arange(9), seed=1, error=0.02, found=again) is draws


def test_a_sample_spends_nothing_whatever_it_found():
    sample = Draw(SAMPLE, 0, 0, 0, np.arange(5), found="one")
    draws = add_test((sample,), np.arange(3), seed=0, error=0.02, found="one")
    assert errors_of(draws) == (0.02,)
