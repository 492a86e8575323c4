"""The cheap classifiers that imitate the teacher, and how one is chosen.

Every choice is made on out-of-fold predictions of the fitting rows, by the coverage that
the certificate may be expected to reach; calibration rows stay untouched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from tracer_nb.engine.gate import Gate, fit_gate
from tracer_nb.engine.kernel_ridge import KernelRidge, Matrix, fit_kernel_ridge
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot, Trial

__all__ = ["SURROGATES", "FittedSurrogate", "Model", "choose_surrogate"]

# Candidates after the first are compared on at most this many fitting rows.
_RACE_ROWS = 1500
_FOLDS = 5
_LOGISTIC_C = 10.0


class Model(Protocol):
    """A fitted classifier: outputs (n, K), the largest of a row is its label."""

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Outputs (n, K) of rows that ``unit_rows`` has prepared."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FittedSurrogate:
    """A frozen surrogate with its gate, and the pilot that came with the fit.

    Attributes
    ----------
    name : str
    model : Model
    gate : Gate
    pilot : Pilot
        Out-of-fold gate scores and agreement of the fitting rows.
    trials : tuple of Trial
        What was tried, on which rows, and what was chosen.
    """

    name: str
    model: Model
    gate: Gate
    pilot: Pilot
    trials: tuple[Trial, ...] = ()

    def predict(self, X: Matrix) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Class codes and gate scores of rows that ``unit_rows`` has prepared."""
        if X.shape[0] == 0:  # scikit-learn refuses it
            return np.empty(0, dtype=np.intp), np.empty(0)
        outputs = self.model.outputs(X)
        return outputs.argmax(axis=1), self.gate.scores(outputs)


@dataclass(frozen=True, slots=True, eq=False)
class _Logistic:
    """scikit-learn's multinomial logistic regression over all K classes of the router."""

    model: LogisticRegression
    n_classes: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        out = np.zeros((X.shape[0], self.n_classes), dtype=np.float32)
        out[:, self.model.classes_] = self.model.predict_proba(X)
        return out


Fitter = Callable[[Matrix, NDArray[np.float32], int], tuple[Model, NDArray[np.floating], str]]


def _kernel_ridge(
    X: Matrix, Y: NDArray[np.float32], seed: int
) -> tuple[Model, NDArray[np.floating], str]:
    model: KernelRidge = fit_kernel_ridge(X, Y, seed=seed)
    return model, model.left_out, f"width {model.width:.3g}, ridge {model.ridge:.3g}"


def _logistic(
    X: Matrix, Y: NDArray[np.float32], seed: int
) -> tuple[Model, NDArray[np.floating], str]:
    out_of_fold = np.zeros_like(Y)
    # Small products lose more to handing work between threads than they gain.
    with threadpool_limits(1):
        for fit, held in KFold(_FOLDS, shuffle=True, random_state=seed).split(Y):
            out_of_fold[held] = _fit_logistic(X[fit], Y[fit]).outputs(X[held])
        model = _fit_logistic(X, Y)
    return model, out_of_fold, f"C {_LOGISTIC_C:g}, {_FOLDS} folds"


def _fit_logistic(X: Matrix, Y: NDArray[np.float32]) -> Model:
    """Soft rows are entered once per class, weighted by the teacher's probability."""
    rows, codes = np.nonzero(Y)
    model = LogisticRegression(C=_LOGISTIC_C, tol=1e-3, max_iter=200)
    if len(np.unique(codes)) < 2:
        return _Constant(int(codes[0]) if len(codes) else 0, Y.shape[1])
    model.fit(X[rows], codes, sample_weight=Y[rows, codes])
    return _Logistic(model, Y.shape[1])


@dataclass(frozen=True, slots=True)
class _Constant:
    """What is left when a fold holds a single class."""

    code: int
    n_classes: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        out = np.zeros((X.shape[0], self.n_classes), dtype=np.float32)
        out[:, self.code] = 1.0
        return out


SURROGATES: dict[str, Fitter] = {"kernel-ridge": _kernel_ridge, "logistic": _logistic}


def choose_surrogate(
    X: Matrix,
    Y: NDArray[np.float32],
    codes: NDArray[np.intp],
    *,
    surrogate: str,
    n_calibration: int,
    target: float,
    confidence: float,
    seed: int,
) -> FittedSurrogate:
    """Fit the named surrogate, or with "auto" the best of all by expected coverage.

    Parameters
    ----------
    X : matrix of shape (n, d)
        Fitting rows from ``unit_rows``.
    Y : ndarray of shape (n, K)
        What to imitate: class indicators or the teacher's probabilities.
    codes : ndarray of shape (n,), int
        The teacher's recorded labels, which agreement is counted against.
    surrogate : str
        "auto" or a key of ``SURROGATES``.
    n_calibration, target, confidence
        Of the certificate to come; used to predict its coverage, nothing else.
    seed : int

    Returns
    -------
    FittedSurrogate

    Raises
    ------
    InvalidInput
        Unknown surrogate.
    """
    if surrogate != "auto" and surrogate not in SURROGATES:
        raise InvalidInput.unknown_name("surrogate", surrogate, ["auto", *SURROGATES])
    names = list(SURROGATES) if surrogate == "auto" else [surrogate]

    def run(name: str, rows: NDArray[np.intp] | slice) -> FittedSurrogate:
        start = time.perf_counter()
        model, out_of_fold, settings = SURROGATES[name](X[rows], Y[rows], seed)
        agree = out_of_fold.argmax(axis=1) == codes[rows]
        gate = fit_gate(out_of_fold, agree)
        pilot = Pilot(gate.scores(out_of_fold), agree)
        expected = plan_sequence(
            pilot, n_calibration, target=target, confidence=confidence, seed=seed
        ).expected_coverage
        seconds = time.perf_counter() - start
        trial = Trial(name, settings, float(agree.mean()), expected, len(agree), seconds)
        return FittedSurrogate(name, model, gate, pilot, (trial,))

    everything = slice(None)
    n = len(codes)
    if n > _RACE_ROWS and len(names) > 1:
        few = np.random.default_rng(seed).choice(n, _RACE_ROWS, replace=False)
        race = [run(name, few) for name in names]
    else:
        race = [run(name, everything) for name in names]
    # max keeps the first on a tie: kernel ridge, whose pilot is the closest to the deployed fit.
    best = max(race, key=lambda fitted: fitted.trials[0].expected_coverage)
    chosen = best if len(best.pilot.agree) == n else run(best.name, everything)
    trials = [t.trials[0] for t in race if t is not chosen]
    return replace(chosen, trials=(replace(chosen.trials[0], chosen=True), *trials))
