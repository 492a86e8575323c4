"""A hard cap on what a run may spend."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from tracer_nb.errors import InvalidInput

__all__ = ["Budget", "dollars", "total_cost"]

_UNIT = 10**12


def dollars(amount: float) -> str:
    """Amount for a message: cents, or as many digits as a smaller one needs.

    >>> dollars(4), dollars(0.0025)
    ('$4.00', '$0.0025')
    """
    return f"${amount:,.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.2g}"


class Budget:
    """Money that requests in flight may cost is set aside before they are sent.

    What is spent and set aside together never exceeds the cap, as long as no request costs
    more than was set aside for it. Amounts are kept as whole 10⁻¹² dollars, rounded against
    the spender, so that no sum drifts. For use in one thread.

    Parameters
    ----------
    max_cost : float
        The cap in dollars.

    Raises
    ------
    InvalidInput
        The cap is negative or not finite.

    Examples
    --------
    >>> budget = Budget(1.0)
    >>> budget.reserve(0.6), budget.reserve(0.6)
    (True, False)
    >>> budget.settle(0.6, 0.1)
    >>> budget.spent, budget.reserve(0.6)
    (0.1, True)
    """

    def __init__(self, max_cost: float) -> None:
        if not (math.isfinite(max_cost) and max_cost >= 0):
            raise InvalidInput(f"max_cost must be dollars, at least 0, got {max_cost!r}")
        self.max_cost = max_cost
        self._cap = math.floor(_units(max_cost))
        self._spent = 0
        self._reserved = 0

    @property
    def spent(self) -> float:
        """Dollars spent."""
        return self._spent / _UNIT

    @property
    def reserved(self) -> float:
        """Dollars set aside for requests in flight."""
        return self._reserved / _UNIT

    def reserve(self, bound: float | None) -> bool:
        """Set ``bound`` dollars aside; False, and nothing set aside, when they do not fit.

        Raises
        ------
        InvalidInput
            The bound is None: what cannot be priced cannot be capped.
        """
        if bound is None:
            raise InvalidInput(
                "max_cost needs the model's price, which is unknown; give it as --price IN,OUT "
                "(dollars per million tokens), or leave max_cost out"
            )
        units = _ceil(bound)
        if self._spent + self._reserved + units > self._cap:
            return False
        self._reserved += units
        return True

    def settle(self, bound: float, actual: float | None) -> None:
        """Replace what :meth:`reserve` set aside by the actual cost; None counts in full."""
        units = _ceil(bound)
        self._reserved -= units
        self._spent += units if actual is None else _ceil(actual)


def total_cost(costs: Iterable[float | None]) -> float | None:
    """Add costs up; None when one of them is unknown."""
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def _units(amount: float) -> Decimal:
    # Through the shortest decimal: 0.1 means a tenth here, not the double nearest to it.
    return Decimal(repr(float(amount))) * _UNIT


def _ceil(amount: float) -> int:
    return math.ceil(_units(amount))
