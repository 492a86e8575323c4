"""What a user may choose about fit and certificate, checked once.

Three routing strategies say in which order rows are handed to the surrogate.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.certificates import check_level, check_targets
from tracer_nb.engine.checks import check_seed, is_number
from tracer_nb.engine.gates import GATES
from tracer_nb.engine.gates.guard import GUARD_SHARE, NEW_ROWS_SHARE
from tracer_nb.engine.zoo import SURROGATES, Fitter, from_estimator
from tracer_nb.errors import InvalidInput
from tracer_nb.records import HANDLED, PromiseName, parse_promises, tested_apart

__all__ = [
    "CERTIFICATES",
    "PIPELINES",
    "STRATEGIES",
    "Options",
    "check_costs",
    "check_names",
    "check_threshold",
    "cost_path",
    "make_options",
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


def strategy_costs(
    strategy: str, costs: Any, n_rows: int, *, name: str = "costs"
) -> NDArray[np.float64] | None:
    """Costs of rows from :func:`check_costs`, None when none are given.

    Raises
    ------
    InvalidInput
        The strategy needs them.
    """
    if costs is not None:
        return check_costs(name, costs, n_rows)
    if strategy == "cost-aware":
        raise InvalidInput(f"strategy 'cost-aware' needs {name}, what asking about each row costs")
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


CERTIFICATES = ("held-out", "per-class", "cross-fit")
PIPELINES = ("auto", "accept-all", "single", "cascade")
# Tried when nothing is said, and no time is given to try more: both take seconds.
_QUICK = ("kernel-ridge", "logistic")
# Above it the guard would no longer be about rows unlike the others.
_MOST_GUARDED = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """Checked choices; see :func:`tracer_nb.engine.fit_surrogate` for their meaning.

    Attributes
    ----------
    targets : tuple of float
        The first is the main one.
    confidence : float
    strategy, certificate, gate, pipeline : str
    threshold : float or None
        Of the fixed-threshold strategy.
    surrogates : tuple of (str, Fitter)
        In the order in which they are tried.
    guard : float
        Share of rows drawn like the labelled ones that the guard defers; 0 for no guard.
    new_share : float
        Share of the rows to be handled that it defers in all where they are new.
    time_budget : float or None
        Seconds after which no further surrogate is tried.
    seed : int
    promises : tuple of PromiseName
        Several share the error budget, and hold at one threshold; the first is the main one.
    """

    targets: tuple[float, ...]
    confidence: float
    strategy: str
    threshold: float | None
    certificate: str
    surrogates: tuple[tuple[str, Fitter], ...]
    gate: str
    pipeline: str
    guard: float
    time_budget: float | None
    seed: int
    new_share: float
    promises: tuple[PromiseName, ...] = (HANDLED,)

    @property
    def n_shares(self) -> int:
        """Targets and promises that share the error budget."""
        return len(self.targets) * len(tested_apart(self.promises))

    @property
    def level(self) -> float:
        """Confidence of each test of a target: the error budget is split over them."""
        return 1.0 - (1.0 - self.confidence) / self.n_shares

    @property
    def promised(self) -> str:
        """The promises as they are asked for; empty for selective agreement alone."""
        return "" if self.promises == (HANDLED,) else ",".join(map(str, self.promises))

    @property
    def fixed_sequence(self) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        """The one threshold to test, where the user fixed it; None to plan a sequence."""
        if self.pipeline == "accept-all":
            return np.zeros(1)
        return None if self.threshold is None else np.array([self.threshold])


def make_options(
    *,
    target: Any = 0.92,
    confidence: Any = 0.95,
    strategy: str = "adaptive-threshold",
    threshold: Any = None,
    certificate: str = "held-out",
    surrogate: Any = "auto",
    gate: str = "auto",
    pipeline: str = "auto",
    guard: Any = True,
    time_budget: Any = None,
    seed: Any = 0,
    promise: Any = "handled",
) -> Options:
    """Check what a user chose.

    Raises
    ------
    InvalidInput
        An unknown name, a number out of range, or choices that do not go together.
    """
    for kind, value, known in (
        ("strategy", strategy, STRATEGIES),
        ("certificate", certificate, CERTIFICATES),
        ("gate", gate, ("auto", *GATES)),
        ("pipeline", pipeline, PIPELINES),
    ):
        if value not in known:
            raise InvalidInput.unknown_name(kind, str(value), known)
    options = Options(
        targets=check_targets(target),
        confidence=check_level("confidence", confidence),
        strategy=strategy,
        threshold=check_threshold(strategy, threshold),
        certificate=certificate,
        surrogates=_surrogates(surrogate, time_budget),
        gate=gate,
        pipeline=pipeline,
        guard=_share(guard, GUARD_SHARE),
        time_budget=_seconds(time_budget),
        seed=check_seed(seed),
        new_share=_share(guard, NEW_ROWS_SHARE),
        promises=parse_promises(promise),
    )
    _check_promises(options)
    _check_together(options)
    return options


def check_names(options: Iterable[str]) -> None:
    """Refuse an option that :func:`make_options` does not have.

    Raises
    ------
    InvalidInput
        The message names the nearest one.
    """
    known = inspect.signature(make_options).parameters
    for name in options:
        if name not in known:
            raise InvalidInput.unknown_name("option", name, known)


def _check_together(options: Options) -> None:
    """Refuse what was not proved or makes no sense."""
    if options.certificate == "cross-fit":
        # Both would be trained on outcomes of rows that are tested later.
        if options.gate == "learned":
            raise InvalidInput(
                "gate 'learned' needs rows of its own; use certificate 'held-out' with it"
            )
        if options.pipeline == "cascade":
            raise InvalidInput(
                "pipeline 'cascade' needs rows of its own; use certificate 'held-out' with it"
            )
        # What was not simulated is not offered under a name that says it was.
        others = [name for name, _ in options.surrogates if name not in _QUICK]
        if others:
            raise InvalidInput(
                f"certificate 'cross-fit' was verified with {' and '.join(_QUICK)} only, got "
                f"{others[0]!r}; use certificate 'held-out' with it"
            )
        if options.strategy == "cost-aware":
            raise InvalidInput(
                "certificate 'cross-fit' was not verified with strategy 'cost-aware'; use "
                "'held-out' with it"
            )
    if options.strategy == "cost-aware" and options.certificate == "per-class":
        raise InvalidInput(
            "strategy 'cost-aware' orders rows of all classes; use certificate 'held-out' with it"
        )
    if options.threshold is not None and options.pipeline == "accept-all":
        raise InvalidInput("pipeline 'accept-all' has no threshold; leave strategy out")


def _check_promises(options: Options) -> None:
    """Refuse promises with what they were not proved with."""
    if not (asked := options.promised):
        return
    for name, value, proved in (
        ("certificate", options.certificate, "held-out"),
        ("strategy", options.strategy, "adaptive-threshold"),
    ):
        if value != proved:
            raise InvalidInput(
                f"promise {asked!r} is proved with {name} {proved!r}, got {value!r}; leave one of them "
                "out"
            )
    if len(options.targets) > 1:
        raise InvalidInput(
            f"promise {asked!r} takes one target, got {len(options.targets)}; write the one that is "
            "to be kept"
        )
    kinds = [name.kind for name in options.promises]
    if "precision" in kinds and len(kinds) > 1:
        raise InvalidInput(
            f"promise 'precision' leaves rows of other labels to the teacher, so it stands alone, got "
            f"{asked!r}; ask for it in a job of its own"
        )


def _surrogates(spec: Any, time_budget: Any) -> tuple[tuple[str, Fitter], ...]:
    if isinstance(spec, str) and spec == "auto":
        names = _QUICK if time_budget is None else tuple(SURROGATES)
        return tuple((name, SURROGATES[name]) for name in names)
    several = isinstance(spec, Iterable) and not isinstance(spec, str) and not hasattr(spec, "fit")
    chosen = tuple(_surrogate(s) for s in (spec if several else [spec]))
    if not chosen:
        raise InvalidInput("surrogate is empty; write 'auto', a name, or a scikit-learn classifier")
    found: dict[str, Fitter] = {}
    for name, fitter in chosen:
        if fitter in found.values():
            continue
        numbered, i = name, 2
        while numbered in found:  # two classifiers of one type
            numbered, i = f"{name} {i}", i + 1
        found[numbered] = fitter
    return tuple(found.items())


def _surrogate(spec: Any) -> tuple[str, Fitter]:
    if isinstance(spec, str):
        if spec not in SURROGATES:
            raise InvalidInput.unknown_name("surrogate", spec, ["auto", *SURROGATES])
        return spec, SURROGATES[spec]
    return type(spec).__name__, from_estimator(spec)


def _share(guard: Any, usual: float) -> float:
    if isinstance(guard, (bool, np.bool_)):
        return usual if guard else 0.0
    if not is_number(guard) or not 0.0 <= guard <= _MOST_GUARDED:
        raise InvalidInput(
            f"guard must be True, False or a share of rows up to {_MOST_GUARDED}, got {guard!r}"
        )
    return float(guard)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if not is_number(value) or not value > 0:
        raise InvalidInput(f"time_budget must be seconds above 0, got {value!r}")
    return float(value)
