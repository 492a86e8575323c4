"""How good a way of answering is: the coverage that its certificate may be expected to reach."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tracer_nb.engine.options import Options
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.engine.strategy import path_of
from tracer_nb.records import Pilot

__all__ = ["Judge", "path_pilot"]


def path_pilot(pilot: Pilot, options: Options, target: float, typical: float) -> Pilot:
    """The pilot along the path of the user's strategy at one of the targets."""
    scores = path_of(options.strategy, pilot.scores, pilot.costs, target, typical)
    return replace(pilot, scores=scores)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges pilots for one certificate to come.

    Attributes
    ----------
    options : Options
    n_calibration : int
        Rows of the test to come.
    typical : float
        Cost of the mean fitting row.
    """

    options: Options
    n_calibration: int
    typical: float

    def expected_coverage(self, pilot: Pilot) -> float:
        """Mean over the targets of the coverage to expect; by cost where costs are known."""
        options = self.options
        return float(
            np.mean(
                [
                    plan_sequence(
                        path_pilot(pilot, options, target, self.typical),
                        self.n_calibration,
                        target=target,
                        confidence=options.level,
                        grid=options.fixed_sequence,
                        seed=options.seed,
                    ).expected_coverage
                    for target in options.targets
                ]
            )
        )
