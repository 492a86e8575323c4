"""Hard caps on what a run may spend: money and tokens.

And which caps can hold for a teacher, and which it must have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Caps
from tracer_nb.teachers.base import Teacher, members_of

__all__ = [
    "EVERYTHING",
    "Amount",
    "Budget",
    "bound_of",
    "cap_reached",
    "check_bounded",
    "check_caps",
    "dollars",
    "taken_by",
    "total_cost",
]


_UNIT = 10**12


def dollars(amount: float) -> str:
    """Amount for a message, as :func:`tracer_nb.words.money` says it, however small it is.

    >>> dollars(4), dollars(0.0217), dollars(0.000001)
    ('$4.00', '$0.0217', '$0.000001')
    """
    if amount >= 0.1 or amount == 0:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= 0.0001 else f"${amount:.12f}".rstrip("0")


def cap_reached(kind: str, cap: str) -> str:
    """Why a run stopped at a cap; nothing may be left of it when the run begins.

    >>> cap_reached("row", "10"), cap_reached("row", "0")
    ('row cap of 10 reached', 'row cap reached: nothing is left of it')
    """
    if cap in ("0", dollars(0)):
        return f"{kind} cap reached: nothing is left of it"
    return f"{kind} cap of {cap} reached"


@dataclass(frozen=True, slots=True)
class Amount:
    """What a call takes, at the most or as it came out.

    Attributes
    ----------
    cost : float or None
        Dollars; None when nobody knows.
    tokens : int or None
        As ``cost``.
    """

    cost: float | None = 0.0
    tokens: int | None = 0


class Budget:
    """What requests in flight may take is set aside before they are sent.

    What is spent and set aside together never exceeds a cap, as long as no request takes
    more than was set aside for it. Dollars are kept as whole 10⁻¹² of them, rounded against
    the spender, so that no sum drifts. For use in one thread.

    Parameters
    ----------
    caps : Caps
        The cap on rows needs no budget: what a text takes of it is known.

    Raises
    ------
    InvalidInput
        The cap on money is negative or not finite.

    Examples
    --------
    >>> budget = Budget(Caps(max_cost=1.0))
    >>> one = Amount(cost=0.6)
    >>> budget.reserve(one), budget.reserve(one), budget.reached
    (True, False, 'cost cap of $1.00 reached')
    >>> budget.settle(one, Amount(cost=0.1))
    >>> budget.spent, budget.reserve(one)
    (Amount(cost=0.1, tokens=0), True)
    """

    def __init__(self, caps: Caps) -> None:
        if caps.max_cost is not None and not (math.isfinite(caps.max_cost) and caps.max_cost >= 0):
            raise InvalidInput(f"max_cost must be dollars, 0 or more, got {caps.max_cost!r}")
        self.caps = caps
        self.reached = ""
        self._cost = _Account(None if caps.max_cost is None else math.floor(_units(caps.max_cost)))
        self._tokens = _Account(caps.max_tokens)

    @property
    def spent(self) -> Amount:
        """What calls have taken; of an amount without a cap nothing is counted."""
        return Amount(self._cost.spent / _UNIT, self._tokens.spent)

    @property
    def reserved(self) -> Amount:
        """What is set aside for calls in flight."""
        return Amount(self._cost.reserved / _UNIT, self._tokens.reserved)

    def reserve(self, bound: Amount) -> bool:
        """Set ``bound`` aside; False, and nothing set aside, when it does not fit.

        ``reached`` says then which cap was too small.

        Raises
        ------
        InvalidInput
            An amount that has a cap is None: what nobody knows cannot be capped.
        """
        cost, tokens = self._in_units(bound)
        if not self._cost.fits(cost):
            self.reached = cap_reached("cost", dollars(self.caps.max_cost or 0.0))
        elif not self._tokens.fits(tokens):
            self.reached = cap_reached("token", f"{self.caps.max_tokens or 0:,}")
        else:
            self._cost.reserve(cost)
            self._tokens.reserve(tokens)
            return True
        return False

    def change(self, bound: Amount, to: Amount) -> None:
        """Set ``to`` aside in the place of ``bound``, whether it fits or not."""
        cost, tokens = self._in_units(bound)
        to_cost, to_tokens = self._in_units(to)
        self._cost.reserve(to_cost - cost)
        self._tokens.reserve(to_tokens - tokens)

    def settle(self, bound: Amount, actual: Amount | None) -> None:
        """Replace what :meth:`reserve` set aside by what it came to; None counts in full."""
        cost, tokens = self._in_units(bound)
        came = bound if actual is None else actual
        self._cost.settle(cost, cost if came.cost is None else _ceil(came.cost))
        self._tokens.settle(tokens, tokens if came.tokens is None else came.tokens)

    def _in_units(self, bound: Amount) -> tuple[int, int]:
        caps = self.caps
        for name, cap, amount in (
            ("max_cost", caps.max_cost, bound.cost),
            ("max_tokens", caps.max_tokens, bound.tokens),
        ):
            if cap is not None and amount is None:
                raise InvalidInput(f"{name} cannot be kept: the teacher gives no bound for a text")
        cost = 0 if caps.max_cost is None or bound.cost is None else _ceil(bound.cost)
        return cost, bound.tokens or 0


@dataclass(slots=True)
class _Account:
    """One cap; without one (None) everything fits and nothing is counted."""

    cap: int | None
    spent: int = 0
    reserved: int = 0

    def fits(self, units: int) -> bool:
        return self.cap is None or self.spent + self.reserved + units <= self.cap

    def reserve(self, units: int) -> None:
        if self.cap is not None:
            self.reserved += units

    def settle(self, units: int, actual: int) -> None:
        if self.cap is not None:
            self.reserved -= units
            self.spent += actual


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


@lru_cache(maxsize=1024)  # what is set aside is looked at again when it is paid
def _ceil(amount: float) -> int:
    # Without the noise of floats, so that the bounds of parts add up to that of the whole.
    return math.ceil(round(_units(amount), 3))


EVERYTHING = Caps(max_cost=0.0, max_tokens=0)
"""For :func:`bound_of`, to bound money and tokens both."""


def check_caps(teacher: Teacher, text: str, caps: Caps) -> None:
    """Refuse a cap that could not be kept, on the strength of one text.

    Raises
    ------
    InvalidInput
        It is negative or no whole number; a cap on money, and no price; a cap on tokens, and a
        teacher that may cost something but counts no tokens.
    """
    for name, cap in (("max_tokens", caps.max_tokens), ("max_rows", caps.max_rows)):
        if cap is not None and not (isinstance(cap, int) and cap >= 0):
            raise InvalidInput(f"{name} must be a whole number, 0 or more, got {cap!r}")
    for member in members_of(teacher):
        _check_kept(member, text, caps)


def _check_kept(teacher: Teacher, text: str, caps: Caps) -> None:
    if caps.max_cost is not None and teacher.cost_bound(text) is None:
        price = "price as IN,OUT in dollars per million tokens, or leave max_cost out"
        if teacher.token_bound(text) is None:  # as of a function
            price = "max_rows instead, or in Python cost=, the dollars of one answer"
        raise InvalidInput(
            f"max_cost needs a price, and that of {teacher.name} is unknown; give {price}"
        )
    if (
        caps.max_tokens is not None
        and teacher.token_bound(text) is None
        and teacher.cost_bound(text) != 0
    ):
        raise InvalidInput(
            f"max_tokens needs a teacher that counts tokens, and {teacher.name} does not; give "
            "max_rows instead"
        )


def check_bounded(teacher: Teacher, text: str, caps: Caps) -> None:
    """Refuse to ask a teacher whose tokens have no known price, and no other cap either.

    Raises
    ------
    InvalidInput
        It has none.
    """
    if caps.max_tokens is not None or caps.max_rows is not None:
        return
    for member in members_of(teacher):
        if member.token_bound(text) is not None and member.cost_bound(text) is None:
            raise InvalidInput(
                f"the price of {member.name} is unknown, so nothing bounds what this costs; give "
                "price as IN,OUT in dollars per million tokens (0,0 for a server of your own), "
                "max_tokens or max_rows"
            )


def bound_of(teacher: Teacher, texts: Sequence[str], caps: Caps) -> Amount:
    """What asking about ``texts`` can take at the very most, of what has a cap."""
    return Amount(
        cost=None if caps.max_cost is None else total_cost(map(teacher.cost_bound, texts)),
        tokens=None if caps.max_tokens is None else sum(teacher.token_bound(t) or 0 for t in texts),
    )


def taken_by(answers: Sequence[Answer]) -> Amount:
    """What these answers took."""
    return Amount(
        cost=total_cost(answer.cost for answer in answers),
        tokens=sum(answer.prompt_tokens + answer.completion_tokens for answer in answers),
    )
