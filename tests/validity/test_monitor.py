"""The monitor at the boundary of its promise, and after a change; beside a test run again and again."""

import numpy as np
import pytest
from scipy.stats import binom

from tracer_nb.engine.monitor import Monitor

ALPHA, DELTA = 0.05, 0.05
N_AUDITS = 3000


def streams(n_streams, n_audits, rate, seed):
    return np.random.default_rng(seed).random((n_streams, n_audits)) < rate


def first(stream, stops, monitor):
    """Audits until ``stops`` holds; one more than there are when it never does."""
    for i, x in enumerate(stream.tolist()):
        monitor = monitor.audited(disagrees=x)
        if stops(monitor):
            return i + 1
    return len(stream) + 1


def broken(monitor):
    return monitor.is_broken


def drifted(monitor):
    return monitor.has_drifted


def false_alarms(n_streams, seed):
    at = [
        first(s, broken, Monitor(ALPHA, DELTA)) for s in streams(n_streams, N_AUDITS, ALPHA, seed)
    ]
    return sum(t <= N_AUDITS for t in at)


def check_false_alarms(n_streams, seed):
    n = false_alarms(n_streams, seed)
    allowed = int(binom.ppf(0.999, n_streams, DELTA))
    assert n <= allowed, f"{n} false alarms in {n_streams} streams, at most {allowed} allowed"


def test_the_promise_at_its_boundary_is_hardly_ever_refuted():
    check_false_alarms(150, seed=0)


@pytest.mark.long
def test_the_promise_at_its_boundary_is_hardly_ever_refuted_long():
    check_false_alarms(2000, seed=1)


def test_a_binomial_test_after_every_audit_cries_wolf():
    xs = streams(400, N_AUDITS, ALPHA, seed=2)
    n = np.arange(1, N_AUDITS + 1)
    p = binom.sf(np.cumsum(xs, axis=1) - 1, n, ALPHA)
    # The control that must fail: looking often is what breaks it.
    assert (p <= DELTA).any(axis=1).sum() > 2 * binom.ppf(0.999, 400, DELTA)


def test_false_drift_alarms_are_as_rare_as_promised():
    limit, n_streams, most = 200.0, 150, 4000
    at = np.array(
        [
            first(s, drifted, Monitor(ALPHA, DELTA, limit))
            for s in streams(n_streams, most, ALPHA, seed=3)
        ]
    )
    assert at.mean() >= limit  # cutting streams off only lowers it


def test_a_change_is_seen_soon():
    good = streams(60, 500, 0.03, seed=4)
    bad = streams(60, 2500, 0.10, seed=5)
    both = np.concatenate([good, bad], axis=1)
    drift = np.array([first(s, drifted, Monitor(ALPHA, DELTA)) for s in both]) - 500
    refuted = np.array([first(s, broken, Monitor(ALPHA, DELTA)) for s in both]) - 500
    # Medians of 206 and 652 were measured before.
    assert 120 < np.median(drift[drift > 0]) < 320
    assert 450 < np.median(refuted) < 900
    assert (drift <= 0).sum() <= 20  # false alarms in the good times: 500 of 2,000 audits


def misses(n_streams, seed):
    """Streams whose interval misses the true share at some of its moments."""
    missed = 0
    for stream in streams(n_streams, 600, ALPHA, seed):
        monitor, wrong = Monitor(ALPHA, DELTA), False
        for i, x in enumerate(stream.tolist()):
            monitor = monitor.audited(disagrees=x)
            if i % 5 == 4 and not wrong:
                lower, upper = monitor.interval()
                wrong = not lower <= ALPHA <= upper
        missed += wrong
    return missed


def test_the_interval_holds_at_all_times_together():
    assert misses(60, seed=6) <= binom.ppf(0.999, 60, DELTA)
