"""Why nothing was certified, and how likely other numbers are, judged by the pilot.

The pilot is made of fitting rows, so what is said here spends nothing of any promise, and promises
nothing: it is for plans and for what a card says.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from tracer_nb.engine.bounds import fewest_handled, held_out_p_value
from tracer_nb.engine.sequence import threshold_grid
from tracer_nb.records import Certificate, Pilot

__all__ = ["chance_to_certify", "likely_target", "refusal_cause", "surest_agreement"]

_SUREST = 0.2
# A try that passes as often as not is bad luck when it fails.
_LUCK = 0.5
# What the surest fifth must gain of what is wrong on all rows, for the gate to tell anything.
_TELLS = 0.25
_LIKELY, _LEAST = 0.8, 50
_THRESHOLDS = 20


def chance_to_certify(pilot: Pilot, n_test: int, target: float, confidence: float) -> float:
    """How likely so many test rows certify something, judged by the pilot.

    Agreement above each threshold is known only as far as the pilot goes: it is taken as
    Beta(a + 1/2, h - a + 1/2) for a of h pilot rows that agree, so that the number of test rows that
    agree is beta-binomial. The most likely threshold counts: tests begin near it. More labels also make
    a better surrogate, which is left out.

    Parameters
    ----------
    pilot : Pilot
    n_test : int
        Rows of the test, drawn at random like the pilot's.
    target, confidence : float
        Of selective agreement, and of this test.

    Returns
    -------
    float
        nan without a pilot.

    References
    ----------
    Jeffreys' prior: Brown, Cai and DasGupta, Statistical Science 16 (2001).
    """
    n = len(pilot.scores)
    if not n:
        return math.nan
    best = 0.0
    grid = threshold_grid(pilot.scores)
    for threshold in grid[:: max(1, len(grid) // _THRESHOLDS)]:
        above = pilot.scores >= threshold
        handled, agreeing = int(above.sum()), int(pilot.agree[above].sum())
        m = round(n_test * handled / n)
        if not m or not handled:
            continue
        k = np.arange(m + 1)
        passing = k[held_out_p_value(k, np.full(m + 1, m), target) <= 1.0 - confidence]
        if len(passing):
            a, b = agreeing + 0.5, handled - agreeing + 0.5
            best = max(best, float(stats.betabinom.sf(passing[0] - 1, m, a, b)))
    return best


def likely_target(pilot: Pilot, n_test: int, below: float, confidence: float) -> float | None:
    """The highest target under ``below``, in hundredths, that so many test rows likely certify."""
    low, high = _LEAST - 1, math.ceil(100 * below - 1e-9)
    while high - low > 1:  # a lower target is never less likely
        middle = (low + high) // 2
        likely = chance_to_certify(pilot, n_test, middle / 100, confidence) >= _LIKELY
        low, high = (middle, high) if likely else (low, middle)
    return low / 100 if low >= _LEAST else None


def surest_agreement(pilot: Pilot) -> tuple[float, float]:
    """Agreement out of fold of all pilot rows, and of the fifth with the highest scores; nan for none."""
    n = len(pilot.scores)
    if not n:
        return math.nan, math.nan
    first = np.argsort(-pilot.scores, kind="stable")[: max(1, math.ceil(_SUREST * n))]
    return float(pilot.agree.mean()), float(pilot.agree[first].mean())


def refusal_cause(
    certificate: Certificate,
    pilot: Pilot,
    *,
    stopped: bool = False,
    unlabelled: float = 0.0,
    ceiling: float = math.nan,
    chance: float = math.nan,
) -> str:
    """What stands in the way of a certificate, one of :data:`tracer_nb.records.CAUSES`.

    Parameters
    ----------
    certificate : Certificate
        The refusal.
    pilot : Pilot
    stopped : bool
        The asking ended before its time.
    unlabelled : float
        Share of the texts asked about that got no label.
    ceiling : float
        How often the best surrogate can agree with this teacher; nan where it was not asked twice.
    chance : float
        As :func:`chance_to_certify` for the test that failed.
    """
    c, (agreement, surest) = certificate, surest_agreement(pilot)
    flat = surest - agreement < _TELLS * (1.0 - agreement)
    holds = {
        "stopped": stopped,
        "labels": unlabelled > 1.0 - c.target,
        "teacher": ceiling < c.target,
        "threshold": c.strategy == "fixed-threshold",
        "classes": bool(c.classes),
        "rows": 0 < c.n_calibration < _fewest(c),
        # A surrogate that cannot follow the teacher would not have passed before, either.
        "late": not c.n_calibration and not surest < c.target,
        "column": c.n_population is not None and c.n_population <= _fewest(c),
        "luck": chance >= _LUCK,
        "few": surest >= c.target,
        "gate": flat and agreement >= 2.0 * c.target - 1.0,
    }
    return next((cause for cause, held in holds.items() if held), "surrogate")


def _fewest(certificate: Certificate) -> int:
    return fewest_handled(certificate.target, certificate.confidence)
