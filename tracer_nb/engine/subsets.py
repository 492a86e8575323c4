"""From one-vs-rest outputs to a set of labels, and to the chance that the whole set is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets

if TYPE_CHECKING:
    from tracer_nb.engine.options import Options

__all__ = ["SET_GATES", "SetRule", "fit_rule", "indicators", "options_for_sets"]

SET_GATES = ("margin", "max-probability")
"""Gates on the chance of a set, the one that is taken on a tie first."""

_SURROGATE = "kernel-ridge"
_SLOPE_PENALTY = 1e-3
_ROUNDS = 25
_LEAST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SetRule:
    """Which set of labels a row's outputs speak for.

    Each label is there with a chance of its own, by one logistic curve of its output; sets of a
    size count as often more, or less, as they are found to occur. So the likeliest set need never
    have been seen, and how many labels rows have is learned.

    Attributes
    ----------
    sets : LabelSets
    slope, intercept : float
        Of the curve from an output to a label's log-odds.
    weights : ndarray of shape (m + 1,)
        Of the sets of each size; 0 for those that no row has.
    """

    sets: LabelSets
    slope: float
    intercept: float
    weights: NDArray[np.float64]

    def read(self, outputs: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The likeliest set of each row, and how likely it is.

        Parameters
        ----------
        outputs : ndarray of shape (n, L)
            One for each label; about 1 where it is there, else about 0.

        Returns
        -------
        codes : ndarray of shape (n,), int
            Numbers of sets.
        chances : ndarray of shape (n, 2)
            log P and log(1 - P) of that set: gates take them for a surrogate's outputs.

        Notes
        -----
        P(S) is proportional to w(|S|) prod p_i prod (1 - p_j): among sets of one size those of
        the likeliest labels win, so one sorting finds the best of all 2^L. The sum over all sets is
        the sum of w(k) times the Poisson-binomial chance of k labels.
        """
        odds = self.slope * outputs.astype(np.float64) + self.intercept
        order = np.argsort(-odds, axis=1, kind="stable")
        most = len(self.weights) - 1
        with np.errstate(divide="ignore"):
            logs = np.log(self.weights)
        top = np.take_along_axis(odds, order[:, :most], axis=1)
        gains = np.hstack([np.zeros((len(odds), 1)), top.cumsum(axis=1)]) + logs
        size = gains.argmax(axis=1)
        members = np.zeros(odds.shape, dtype=bool)
        np.put_along_axis(members, order[:, :most], np.arange(most) < size[:, None], axis=1)
        none = log_expit(-odds).sum(axis=1)
        own = gains[np.arange(len(odds)), size] + none
        total = np.log(np.maximum(_sizes(odds, most) @ self.weights, 1e-300))
        log_p = np.minimum(own - total, np.log1p(-_LEAST))
        return self.sets.numbers(members), np.column_stack([log_p, np.log(-np.expm1(log_p))])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings as JSON values, and arrays."""
        settings = {
            "how_many": self.sets.how_many,
            "slope": self.slope,
            "intercept": self.intercept,
        }
        return settings, {"weights": self.weights}

    @classmethod
    def from_state(
        cls,
        labels: list[str],
        settings: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> SetRule:
        """From what :meth:`state` gave, and the labels.

        Raises
        ------
        InvalidInput
            Not such settings and arrays.
        """
        sets = LabelSets(labels, str(settings.get("how_many")))
        slope, intercept = settings.get("slope"), settings.get("intercept")
        weights = arrays.get("weights")
        right = (
            isinstance(slope, float)
            and isinstance(intercept, float)
            and slope > 0
            and np.isfinite([slope, intercept]).all()
            and isinstance(weights, np.ndarray)
            and weights.dtype == np.float64
            and weights.ndim == 1
            and 1 <= len(weights) <= sets.largest + 1
            and bool(np.isfinite(weights).all() and (weights >= 0).all() and weights.any())
        )
        if not right or weights is None:
            raise InvalidInput(
                "the saved router says nothing usable of sets of labels; fit and save it again"
            )
        return cls(sets, float(slope), float(intercept), weights)  # type: ignore[arg-type]


def indicators(codes: NDArray[np.intp], sets: LabelSets | None = None) -> NDArray[np.float32]:
    """What a surrogate imitates: of each row 1 for its label, or for the labels of its set.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Numbers of labels, all from 0 to the largest; or of sets.
    sets : LabelSets, optional
    """
    if sets is not None:
        return sets.members(codes).astype(np.float32)
    return np.eye(int(codes.max(initial=0)) + 1, dtype=np.float32)[codes]


def fit_rule(
    sets: LabelSets, outputs: NDArray[np.floating], members: NDArray[np.floating]
) -> SetRule:
    """Fit on outputs of rows that were left out.

    Parameters
    ----------
    sets : LabelSets
    outputs : ndarray of shape (n, L)
        Out of fold.
    members : ndarray of shape (n, L)
        1 for labels that the teacher gave.

    Notes
    -----
    Two numbers by likelihood (Platt's curve, one for all labels), and one for each size that occurs,
    by iterative scaling until sizes are as frequent as they were.
    """
    said, there = outputs.astype(np.float64), members > 0

    def loss(parameters: NDArray[np.float64]) -> float:
        z = np.exp(parameters[0]) * said + parameters[1]
        return float(
            -np.where(there, log_expit(z), log_expit(-z)).mean()
            + _SLOPE_PENALTY * 1e-3 * parameters[0] ** 2
        )

    found = minimize(loss, np.array([1.5, -3.0]), method="BFGS").x
    slope = float(np.exp(np.clip(found[0], -3.0, 6.0)))
    intercept = float(np.clip(found[1], -50.0, 50.0))
    sizes = there.sum(axis=1)
    most = min(int(sizes.max(initial=1)), sets.largest)
    counts = np.bincount(np.minimum(sizes, most), minlength=most + 1).astype(np.float64)
    shares = counts / counts.sum()
    of_size = _sizes(slope * said + intercept, most)
    weights = np.where(shares > 0, 1.0, 0.0)
    for _ in range(_ROUNDS):
        each = of_size * weights
        expected = (each / np.maximum(each.sum(axis=1, keepdims=True), 1e-300)).mean(axis=0)
        weights = np.where(shares > 0, weights * shares / np.maximum(expected, 1e-12), 0.0)
        weights = np.clip(weights / weights.max(), 0.0, 1.0)
        weights[shares > 0] = np.maximum(weights[shares > 0], 1e-12)
    return SetRule(sets, slope, intercept, weights)


def _sizes(odds: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The chance of 0 to ``most`` labels, (n, most + 1): Poisson-binomial."""
    chances = expit(odds)
    out = np.zeros((len(odds), most + 1))
    out[:, 0] = 1.0
    for p in chances.T[:, :, None]:
        more = out[:, :-1] * p
        out *= 1.0 - p
        out[:, 1:] += more
    return out


def options_for_sets(options: Options) -> Options:
    """The same options where a row has several labels.

    Raises
    ------
    InvalidInput
        What takes one label a row.
    """
    wanted = [name for name, _ in options.surrogates]
    # "auto" and lists are tried in order, as far as they go with sets.
    ridge = tuple(each for each in options.surrogates if each[0] == _SURROGATE)
    if not ridge:
        raise InvalidInput(
            f"several labels a row are learned by surrogate {_SURROGATE!r}, one output a label, "
            f"got {wanted[0]!r}; leave surrogate out"
        )
    if options.gate not in ("auto", *SET_GATES):
        raise InvalidInput(
            f"gate {options.gate!r} takes one label a row; with several use "
            f"{' or '.join(map(repr, SET_GATES))}"
        )
    if options.certificate != "held-out":
        raise InvalidInput(
            f"certificate {options.certificate!r} takes one label a row; with several the promise is "
            "about whole sets: use 'held-out'"
        )
    if options.pipeline == "cascade":
        raise InvalidInput(
            "pipeline 'cascade' takes one label a row; with several use 'single' or leave it out"
        )
    single = "single" if options.pipeline == "auto" else options.pipeline
    return replace(options, surrogates=ridge, pipeline=single)
