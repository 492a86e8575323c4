"""Why nothing was certified, and about how many labels would change that."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import (
    agreement_lower,
    column_p_value,
    fewest_handled,
    held_out_p_value,
)
from tracer_nb.engine.certificates.tally import Tally
from tracer_nb.engine.sequence import threshold_grid
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.records import Certificate, Pilot

__all__ = ["explain"]


def explain(
    certificate: Certificate, tally: Tally, thresholds: NDArray[np.float64] | None
) -> Certificate:
    """Add the note and the rows that are needed to a refusal.

    Parameters
    ----------
    certificate : Certificate
        The refusal.
    tally : Tally
    thresholds : ndarray or None
        The sequence, if the user fixed it.
    """
    pilot, column = tally.pilot, tally.column
    target, level = tally.promise.target, tally.promise.level
    n = certificate.n_calibration
    n_labels = certificate.n_fit + n
    words = tally.promise.words
    # Without one disagreement among them all.
    best_p = float(held_out_p_value(n, n, target))
    if column is not None:
        best_p = float(column_p_value(0, n, len(column.scores), target))
    if best_p > 1.0 - level:
        levels = words.replace(f" {tally.promise.kind.noun}", "")
        note = f"{n} calibration rows cannot certify {levels}, "
        note += f"which needs at least {fewest_handled(target, level)} handled ones"
        if column is not None:
            note = f"{n} calibration rows cannot certify {levels} here, even if all of them agree"
    elif thresholds is not None and len(thresholds):
        note = f"{_seen(tally, float(thresholds[0]))}, which does not certify {words}"
    else:
        note = f"no threshold passed the test for {words}"
    per_calibration_row = n_labels / n if n else 1 / (1 - FIT_SHARE)
    grid = threshold_grid(pilot.scores) if thresholds is None else thresholds
    needed = _needed_calibration_rows(pilot, grid, target, level)
    rows = None if needed is None else math.ceil(needed * per_calibration_row)
    # A need below what is there means bad luck of the draw, not a lack of rows.
    if rows is not None and rows <= n_labels:
        rows = math.ceil(1.5 * n_labels)
    if rows is None and len(grid) and (pilot.scores >= grid[-1]).any():
        note += "; the surrogate does not agree often enough for more rows alone to help"
    if rows is not None and column is not None and rows >= certificate.n_fit + len(column.scores):
        rows = None
        note += "; it would take more labels than the column has rows"
    return replace(certificate, needed_rows=rows, note=note)


def _seen(tally: Tally, threshold: float) -> str:
    """What the calibration rows show at a threshold that was not certified."""
    handled, wrong = (int(count[0]) for count in tally.handled(np.array([threshold])))
    if not handled:
        return f"at the threshold {threshold:g} no calibration row is handled"
    right = handled - wrong
    lower = agreement_lower(right, handled, tally.promise.level)
    return (
        f"at the threshold {threshold:g} {right} of {handled} handled calibration rows agree "
        f"({100 * right / handled:.1f} %, lower bound {100 * lower:.1f} %)"
    )


def _needed_calibration_rows(
    pilot: Pilot, grid: NDArray[np.float64], target: float, confidence: float
) -> int | None:
    """Fewest calibration rows that pass at some threshold with about 80 % power."""
    if not len(grid) or not len(pilot.scores):
        return None
    everyone = np.sort(pilot.scores)
    handled = len(everyone) - np.searchsorted(everyone, grid, side="left")
    agreeing = np.array([pilot.agree[pilot.scores >= t].sum() for t in grid])
    share, agreement = handled / len(everyone), (agreeing + 0.5) / (handled + 1.0)
    # A few rows without one disagreement refute no target: expect half of what is allowed.
    flawless = (agreeing == handled) & (handled >= 5)
    agreement[flawless] = np.maximum(agreement[flawless], (1.0 + target) / 2.0)
    for n in np.geomspace(10, 1e6, 200).astype(int):
        m = np.floor(n * share)
        luck = 0.84 * np.sqrt(m * agreement * (1.0 - agreement))
        k = np.floor(m * agreement - luck)
        if (held_out_p_value(k, m, target) <= 1.0 - confidence).any():
            return int(n)
    return None
