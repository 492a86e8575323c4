"""What several promises are expected to take together, and what is fixed by it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.aims import Standing
from tracer_nb.draws.filters import Recall
from tracer_nb.draws.frozen import Frozen
from tracer_nb.draws.sampling import Wanted, expect_sample, sample_pays
from tracer_nb.engine.growing import Sketch
from tracer_nb.engine.outlook import Outlook

__all__ = ["Outlooks", "for_label", "of_all", "of_label", "stricter"]

# Thresholds begin at so much of the coverage that a label is expected to permit, and where so many times
# the fewest rows are tested.
_BEFORE, _ROOMY, _STEP = 0.7, 1.5, 0.05


@dataclass(frozen=True, slots=True)
class Outlooks(Outlook):
    """The best tests of the open rows: that of the rows that are answered, and those of each label."""

    base: Outlook | None = None
    labels: tuple[Outlook, ...] = ()


def of_label(
    aim: Recall,
    at: Standing,
    wanted: Wanted,
    base: Outlook | None,
    *,
    most: int | None = None,
    frozen: bool = False,
) -> tuple[Outlook, bool]:
    """The better way to test the recall of a label, and whether it reads rows without the label.

    Before anything is frozen it is the one that pays in the end, then the one with fewer rows.
    """
    levels = {"target": aim.terms.target, "delta": aim.terms.delta(at.n_round)}
    sampled = expect_sample(at.n_labels, wanted, **levels, base=base, most=most)
    reading = aim.expected(at, wanted.n_dropped, most)
    if frozen and sampled.n_test and reading.n_test:
        reads = reading.bill < sampled.bill
    elif frozen:
        reads = not sampled.n_test
    else:
        reads = not sample_pays(wanted, **levels)
    return (reading if reads else sampled), reads


def of_all(at: Standing, base: Outlook | None, labels: list[tuple[Outlook, bool]]) -> Outlook:
    """The bill, where the promise with the most rows decides."""
    tested = [*filter(None, [base]), *(outlook for outlook, reads in labels if not reads)]
    every = [*filter(None, [base]), *(outlook for outlook, _ in labels)]
    coverage = min((outlook.coverage for outlook in tested), default=1.0)
    n_test = max(part.n_test for part in every) if all(part.n_test for part in every) else 0
    chance, read = 0.0, float(at.n_open)
    if n_test:
        chance = math.prod(part.chance for part in every)
        # Of rows that are read, n_deferred are those behind the first look.
        reading = [outlook.n_test + outlook.n_deferred for outlook, reads in labels if reads]
        read = min(max([float(n_test), *reading]), float(at.n_open))
    rest = at.n_open - read
    numbers: dict[str, Any] = {f.name: getattr(every[0], f.name) for f in fields(Outlook)}
    numbers |= {
        "n_test": n_test,
        "chance": chance,
        "coverage": coverage,
        "n_deferred": at.n_open - n_test - rest * coverage if n_test else float(at.n_open),
        "bill": at.n_labels + at.n_open - chance * rest * coverage,
        "gain": max((outlook.gain for outlook, _ in labels), default=0.0),
    }
    return Outlooks(**numbers, base=base, labels=tuple(outlook for outlook, _ in labels))


def stricter(
    frozen: Frozen, texts: NDArray[np.intp], coverage: float, least: float
) -> NDArray[np.float64]:
    """The thresholds of agreement, with some before them that a label needs.

    Parameters
    ----------
    frozen : Frozen
    texts : ndarray of int
        Of the open rows.
    coverage : float
        Share of the open rows at which the label can be expected to pass.
    least : float
        Share that none can pass below.
    """
    scores = frozen.scores[texts]
    ordered = np.sort(np.where(np.isfinite(scores), scores, 0.0))[::-1]
    first = frozen.thresholds[0] if len(frozen.thresholds) else 1.0
    shares = np.arange(max(_BEFORE * coverage, _ROOMY * least), 1.0, _STEP)
    added = ordered[np.minimum((shares * len(ordered)).astype(int), len(ordered) - 1)]
    added = added[(added > first) & (added > 0.0)]
    return np.unique(np.r_[added, frozen.thresholds])[::-1]


def for_label(found: Sketch, code: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much speaks for a label rather than for the next best, for other rows and left-out ones."""
    assert found.outputs is not None and found.out_of_fold is not None  # noqa: S101, PT018
    own = found.present == code

    def margin(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        if not own.any():  # none of the labelled rows has it
            return np.full(len(outputs), -1.0)
        return np.asarray(outputs[:, own][:, 0] - outputs[:, ~own].max(axis=1), dtype=float)

    return margin(found.outputs), margin(found.out_of_fold)
