"""Whether a promise still holds: evidence from audits that may be looked at after every one.

A handled row is audited by an independent coin flip: the teacher is asked too, and x = 1 when
it disagrees with the surrogate. Under the promise the share of disagreements is at most
alpha = 1 - target. Three things are kept, all of them valid at every moment at once:

- an e-value against the promise: at 1 / delta or more it is refuted ("the promise is already
  broken"), with a chance of error of at most delta over the whole future;
- a drift statistic that forgets good times, so that a late change is seen soon: at a limit A
  or more it is an alarm, and false alarms are at least A audits apart on average;
- a confidence sequence for the share of disagreements, for a live chart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy import optimize, special

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput

__all__ = ["Monitor"]

# Rates of disagreement to bet on, in units of the promised one; GUARANTEES,
# "A watch that may be looked at all the time".
_BETS = (1.25, 1.5, 2.0, 3.0, 4.0)
# Rows that the confidence sequence's prior is worth, centred at the promise.
_PRIOR_ROWS = 10.0
_FLOOR = 1e-300


@dataclass(frozen=True, slots=True)
class Monitor:
    """The state after some audits; :meth:`audited` gives the next one.

    Everything is a number or a tuple of them, so that it can be kept in a file and go on after
    a restart.

    Parameters
    ----------
    alpha : float
        Disagreement that the promise permits, 1 - target, in (0, 1).
    delta : float
        Chance of ever crying "broken" while the promise holds, and of the interval ever
        missing the true share, if that stays the same.
    run_length : float
        Audits between two false drift alarms, on average, at the least.

    Attributes
    ----------
    n_audits, n_disagree : int
    log_wealth : tuple of float
        Natural log of the product of likelihood ratios of each bet.
    drift : tuple of float
        Shiryaev-Roberts statistic of each bet.

    Raises
    ------
    InvalidInput
        A number is out of range.

    References
    ----------
    E-values from products of likelihood ratios: Shafer, "Testing by betting" (2021). Drift by
    e-detectors of the Shiryaev-Roberts kind: Shin, Ramdas, Rinaldo, arXiv 2203.03532. The
    interval inverts a beta-binomial mixture martingale (Robbins 1970; Howard et al., arXiv
    1810.08240, section 3).

    Examples
    --------
    >>> monitor = Monitor(alpha=0.05, delta=0.05, run_length=2000)
    >>> for _ in range(40):
    ...     monitor = monitor.audited(disagrees=True)
    >>> monitor.is_broken, monitor.has_drifted
    (True, True)
    """

    alpha: float
    delta: float = 0.05
    run_length: float = 2000.0
    n_audits: int = 0
    n_disagree: int = 0
    log_wealth: tuple[float, ...] = ()
    drift: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("alpha", "delta"):
            value = getattr(self, name)
            if not is_number(value) or not 0.0 < value < 1.0:
                raise InvalidInput(f"{name} must be a fraction above 0 and below 1, got {value!r}")
        if not is_number(self.run_length) or not 1.0 < self.run_length < math.inf:
            raise InvalidInput(f"run_length must be audits, above 1, got {self.run_length!r}")
        if not self.log_wealth:
            object.__setattr__(self, "log_wealth", (0.0,) * len(self.bets))
            object.__setattr__(self, "drift", (0.0,) * len(self.bets))

    @property
    def bets(self) -> tuple[float, ...]:
        """Rates of disagreement that are bet on."""
        rates = tuple(self.alpha * bet for bet in _BETS if self.alpha * bet < 1.0)
        return rates or ((1.0 + self.alpha) / 2.0,)

    def audited(self, *, disagrees: bool) -> Monitor:
        """The state after one more audited row."""
        ratios = [_ratio(rate, self.alpha, disagrees) for rate in self.bets]
        return replace(
            self,
            n_audits=self.n_audits + 1,
            n_disagree=self.n_disagree + bool(disagrees),
            log_wealth=tuple(
                w + math.log(max(r, _FLOOR)) for w, r in zip(self.log_wealth, ratios, strict=True)
            ),
            drift=tuple((s + 1.0) * r for s, r in zip(self.drift, ratios, strict=True)),
        )

    @property
    def evidence(self) -> float:
        """E-value against the promise: 1 at the start, 20 is evidence as 1 in 20."""
        top = max(self.log_wealth)
        if top > 700.0:
            return math.inf
        return math.fsum(math.exp(w) for w in self.log_wealth) / len(self.log_wealth)

    @property
    def is_broken(self) -> bool:
        """Whether the promise is refuted, now; it may have been refuted before, too."""
        return self.evidence >= 1.0 / self.delta

    @property
    def drift_level(self) -> float:
        """Mean drift statistic; an alarm at ``run_length`` or more."""
        return math.fsum(self.drift) / len(self.drift)

    @property
    def has_drifted(self) -> bool:
        """Whether disagreement seems to have risen above the promise lately."""
        return self.drift_level >= self.run_length

    @property
    def to_alarm(self) -> int:
        """Disagreements in a row that would raise an alarm of either kind; 0 when there is one."""
        state, n = self, 0
        while not (state.is_broken or state.has_drifted):
            state, n = state.audited(disagrees=True), n + 1
        return n

    def interval(self) -> tuple[float, float]:
        """Share of disagreements: bounds that hold at all times together, 1 - delta.

        Returns
        -------
        lower, upper : float
            (0, 1) before the first audit.
        """
        n, s = self.n_audits, self.n_disagree
        if n == 0:
            return 0.0, 1.0
        a = _PRIOR_ROWS * self.alpha
        b = _PRIOR_ROWS - a
        mixture = special.betaln(a + s, b + n - s) - special.betaln(a, b)
        limit = float(mixture) + math.log(self.delta)

        def above(m: float) -> float:
            """Log-likelihood of a share m, above what is rejected."""
            likelihood = float(special.xlogy(s, m) + special.xlog1py(n - s, -m))
            return likelihood - limit

        middle = s / n
        edge = 1e-12
        # Where nearly all audits say the opposite of the promise, its mixture is so small that
        # not even the edge is rejected.
        lower = 0.0 if above(edge) > 0 else float(optimize.brentq(above, edge, middle))
        upper = 1.0 if above(1.0 - edge) > 0 else float(optimize.brentq(above, middle, 1.0 - edge))
        return lower, upper


def _ratio(rate: float, alpha: float, disagrees: bool) -> float:  # noqa: FBT001  the observation
    return rate / alpha if disagrees else (1.0 - rate) / (1.0 - alpha)
