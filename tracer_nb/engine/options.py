"""What a user may choose about fit and certificate, checked once."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer_nb.engine.certificates import check_level, check_targets
from tracer_nb.engine.checks import check_seed, is_number
from tracer_nb.engine.gates import GATES
from tracer_nb.engine.guard import GUARD_SHARE
from tracer_nb.engine.strategy import STRATEGIES, check_threshold
from tracer_nb.engine.zoo import SURROGATES, Fitter, from_estimator
from tracer_nb.errors import InvalidInput

__all__ = ["CERTIFICATES", "PIPELINES", "Options", "check_names", "make_options"]

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
    time_budget : float or None
        Seconds after which no further surrogate is tried.
    seed : int
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

    @property
    def level(self) -> float:
        """Confidence of each target's tests: the error budget is split over them."""
        return 1.0 - (1.0 - self.confidence) / len(self.targets)

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
        guard=_share(guard),
        time_budget=_seconds(time_budget),
        seed=check_seed(seed),
    )
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


def _share(guard: Any) -> float:
    if isinstance(guard, (bool, np.bool_)):
        return GUARD_SHARE if guard else 0.0
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
