import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.certificates.promise import round_confidence, round_delta
from tracer_nb.engine.monitor import Monitor
from tracer_nb.errors import InvalidInput


def after(xs, **settings):
    monitor = Monitor(**{"alpha": 0.05, **settings})
    for x in xs:
        monitor = monitor.audited(disagrees=bool(x))
    return monitor


def test_the_evidence_is_the_mean_product_of_likelihood_ratios():
    xs = [0, 1, 0, 0, 1, 1, 0]
    rates = [0.05 * f for f in (1.25, 1.5, 2, 3, 4)]
    products = [math.prod(r / 0.05 if x else (1 - r) / 0.95 for x in xs) for r in rates]
    assert after(xs).evidence == pytest.approx(np.mean(products))


def test_drift_is_the_sum_over_all_moments_at_which_it_may_have_begun():
    """Of the likelihood ratios since then: as evidence that begins anew at every audit."""
    xs = [0, 1, 0, 0, 1, 1, 0]
    assert Monitor(0.05).drift_level == 0.0
    assert after(xs).drift_level == pytest.approx(
        sum(after(xs[begun:]).evidence for begun in range(len(xs)))
    )


@pytest.mark.parametrize("kept", ["log_wealth", "drift"])
def test_a_state_of_other_bets_is_not_gone_on_with(kept):
    """Cut to the bets that both have, it would be evidence of neither."""
    fewer = replace(after([0, 1]), **{kept: (0.0, 0.0)})
    with pytest.raises(ValueError, match="zip"):
        fewer.audited(disagrees=True)


def test_drift_forgets_good_times():
    late = after([0] * 500 + [1] * 12)
    early = after([1] * 12)
    assert late.drift_level > 0.2 * early.drift_level
    assert late.evidence < 1e-3 * early.evidence


def test_a_state_survives_a_restart():
    state = after([0, 1, 0, 1])
    again = Monitor(**{k: tuple(v) if isinstance(v, list) else v for k, v in asdict(state).items()})
    assert again == state
    assert again.audited(disagrees=True) == state.audited(disagrees=True)


def test_disagreements_alone_are_a_drift():
    assert after([1] * 50).has_drifted
    assert not after([0] * 50).has_drifted


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.3, 0.6, 0.95])
def test_every_bet_is_above_the_promise_and_below_one(alpha):
    assert all(alpha < rate < 1 for rate in Monitor(alpha).bets)
    assert math.isfinite(after([1, 0] * 20, alpha=alpha).evidence)


def test_the_evidence_does_not_overflow():
    assert after([1] * 5000).evidence == math.inf


def test_the_interval_holds_the_observed_share_and_shrinks():
    widths = []
    for n in (20, 200, 2000):
        state = after([1, *[0] * 19] * (n // 20))
        lower, upper = state.interval()
        assert lower < 0.05 < upper
        widths.append(upper - lower)
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] < 0.05
    assert Monitor(0.05).interval() == (0.0, 1.0)
    assert after([0] * 10).interval()[0] == 0.0
    assert after([1] * 10).interval()[1] == 1.0


def test_the_interval_is_the_set_of_shares_that_are_not_rejected():
    state = after([1] * 3 + [0] * 47)
    a, b = 0.5, 9.5
    mixture = stats.betabinom.pmf(3, 50, a, b) / math.comb(50, 3)
    for edge in state.interval():
        assert mixture / (edge**3 * (1 - edge) ** 47) == pytest.approx(1 / 0.05, rel=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 0},
        {"alpha": 1},
        {"alpha": 1.5},
        {"alpha": "x"},
        {"delta": 0},
        {"delta": 1},
        {"run_length": 1},
        {"run_length": math.inf},
    ],
)
def test_numbers_out_of_range(settings):
    with pytest.raises(InvalidInput, match=next(iter(settings))):
        Monitor(**{"alpha": 0.05, **settings})


def test_false_alarms_may_be_as_often_as_a_user_bears():
    assert after([1], run_length=1.5).has_drifted
    assert not after([0], run_length=1.5).has_drifted


def test_all_rounds_together_spend_less_than_the_whole_budget():
    for confidence in (0.8, 0.95, 0.999):
        levels = [round_confidence(confidence, r) for r in range(1, 300)]
        assert sum(1.0 - level for level in levels) < 1.0 - confidence
        for r, level in enumerate(levels, 1):
            delta = round_delta(1.0 - confidence, r)
            assert 0.9 * delta < 1.0 - level <= delta + 1e-15


def test_rounds_count_from_one():
    assert round_delta(0.1, 1) == pytest.approx(0.0608, abs=1e-4)
    with pytest.raises(InvalidInput, match="from 1"):
        round_delta(0.1, 0)


def test_rounds_waste_little_of_the_budget():
    """A thousand rounds leave 1 / 1644 of it; and what is said of a level is two digits of it."""
    assert sum(round_delta(0.1, r) for r in range(1, 1001)) == pytest.approx(0.1, rel=1e-3)
    assert round_delta(0.1, 2) == pytest.approx(round_delta(0.1, 1) / 4)
    levels = [round_confidence(0.95, r) for r in (1, 2, 3, 20)]
    assert levels == [0.97, 0.9925, 0.9967, 0.999925]


@pytest.mark.parametrize("first", [0.5, 0.8, 0.99])
def test_rounds_of_which_the_first_is_to_be_the_last_share_the_same_budget(first):
    spent = [round_delta(0.1, r, first=first) for r in range(1, 2001)]
    assert spent[0] == pytest.approx(0.1 * first)
    assert 0.0999 < sum(spent) < 0.1
    assert spent[2] == pytest.approx(spent[1] / 4)


def test_bounds_where_nearly_every_audit_disagrees():
    low, high = after([1] * 59 + [0]).interval()
    assert low > 0.5
    assert high == 1.0


def test_disagreements_in_a_row_until_an_alarm_are_counted():
    monitor = Monitor(alpha=0.08)
    for disagrees in (False,) * 20 + (True,):
        monitor = monitor.audited(disagrees=disagrees)
    n = monitor.to_alarm
    assert n > 1
    for _ in range(n - 1):
        monitor = monitor.audited(disagrees=True)
    assert not monitor.is_broken
    assert not monitor.has_drifted
    assert monitor.to_alarm == 1
    monitor = monitor.audited(disagrees=True)
    assert monitor.is_broken or monitor.has_drifted
    assert monitor.to_alarm == 0
