"""The three routing strategies: in which order rows are handed to the surrogate.

A strategy turns gate scores into a *path*: one number per row, and a threshold on it decides.
Handled sets along a path are nested, so one test along it serves every strategy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput

__all__ = [
    "STRATEGIES",
    "check_costs",
    "check_threshold",
    "cost_path",
    "path_of",
    "strategy_costs",
]

STRATEGIES = ("adaptive-threshold", "fixed-threshold", "cost-aware")


def cost_path(
    scores: NDArray[np.float64], costs: NDArray[np.float64], target: float, typical: float
) -> NDArray[np.float64]:
    """Path scores in [0, 1] that send money where it helps.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Estimated probability that surrogate and teacher agree.
    costs : ndarray of shape (n,)
        What asking the teacher about each row costs, positive.
    target : float
    typical : float
        A cost that sets the scale; that of the mean fitting row.

    Returns
    -------
    ndarray of shape (n,)
        Rows with a score of at least the target lie in [1/2, 1], by score. The others lie
        below, by how much agreement is lost for each dollar saved: ascending
        (target - score) / cost.

    References
    ----------
    GUARANTEES, "Three strategies, one path". With true probabilities this order is the greedy solution of the
    knapsack "save most dollars subject to selective agreement of at least the target".
    """
    sure = scores >= target
    above = 0.5 + 0.5 * (scores - target) / (1.0 - target)
    lost = np.maximum(target - scores, 0.0) * typical / costs
    return np.where(sure, above, 0.5 / (1.0 + lost) * (1.0 - 1e-9))


def check_costs(name: str, costs: Any, n_rows: int) -> NDArray[np.float64]:
    """Costs of rows, positive and finite.

    Raises
    ------
    InvalidInput
        Another length, not numbers, or a cost that is not above 0.
    """
    try:
        values = np.asarray(costs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be numbers, got {type(costs).__name__}") from error
    if values.shape != (n_rows,):
        raise InvalidInput(
            f"{name} must have one entry for each of the {n_rows} rows, got shape {values.shape}"
        )
    n_bad = int((~(np.isfinite(values) & (values > 0))).sum())
    if n_bad:
        raise InvalidInput(
            f"{name} holds {n_bad} values that are not above 0; give what asking about a row costs"
        )
    return values


def strategy_costs(strategy: str, costs: Any, n_rows: int) -> NDArray[np.float64] | None:
    """Costs of rows from :func:`check_costs`, None when none are given.

    Raises
    ------
    InvalidInput
        The strategy needs them.
    """
    if costs is not None:
        return check_costs("costs", costs, n_rows)
    if strategy == "cost-aware":
        raise InvalidInput("strategy 'cost-aware' needs costs, what asking about each row costs")
    return None


def check_threshold(strategy: str, threshold: Any) -> float | None:
    """The user's threshold, which belongs to the fixed-threshold strategy and to no other.

    Raises
    ------
    InvalidInput
        Missing, given to another strategy, or outside [0, 1].
    """
    if strategy != "fixed-threshold":
        if threshold is not None:
            raise InvalidInput(
                f"threshold {threshold!r} belongs to strategy 'fixed-threshold', and strategy is "
                f"{strategy!r}"
            )
        return None
    if not is_number(threshold) or not 0.0 <= float(threshold) <= 1.0:
        raise InvalidInput(
            "strategy 'fixed-threshold' needs threshold, a gate score in [0, 1] such as 0.9, got "
            f"{threshold!r}"
        )
    return float(threshold)


def path_of(
    strategy: str,
    scores: NDArray[np.float64],
    costs: NDArray[np.float64] | None,
    target: float,
    typical: float,
) -> NDArray[np.float64]:
    """Path scores of a strategy; rows at -inf stay there.

    Parameters
    ----------
    strategy : str
        One of ``STRATEGIES``.
    scores : ndarray of shape (n,)
    costs : ndarray of shape (n,) or None
        None stands for the typical cost everywhere.
    target, typical : float
        As in :func:`cost_path`.
    """
    if strategy != "cost-aware":
        return scores
    each = np.full(len(scores), typical) if costs is None else costs
    path = cost_path(np.maximum(scores, 0.0), each, target, typical)
    return np.where(np.isneginf(scores), -np.inf, path)
