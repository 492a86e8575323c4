"""What labels are likely to carry: promises that were not tested."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Carried"]

_LIKELY, _HARDLY = 0.7, 0.05


@dataclass(frozen=True, slots=True)
class Carried:
    """What a test of a target is expected to show, judged by answers left out of the fit.

    Attributes
    ----------
    target : float
        The promise in question: selective agreement.
    n_more : int
        Texts that would be asked about for its test.
    chance : float
        That anything is certified.
    coverage : float
        Share of the column's open rows that are certified then.
    confidence : float
        Of the one test: what earlier tests on the column have left.
    n_tests : int
        These earlier ones.
    """

    target: float
    n_more: int
    chance: float
    coverage: float
    confidence: float
    n_tests: int = 0

    @property
    def is_likely(self) -> bool:
        """Whether it is likely enough to look at no lower target."""
        return self.chance >= _LIKELY

    @property
    def is_nothing(self) -> bool:
        """Whether it is so unlikely that nothing is said of it."""
        return self.chance < _HARDLY
