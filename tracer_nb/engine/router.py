"""From labelled rows to a router: split, fit, certify, route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.engine.certificate import certify_column, certify_held_out, check_level
from tracer_nb.engine.checks import (
    check_groups,
    check_labels,
    check_matrix,
    check_seed,
    check_soft_labels,
    label_codes,
    row_groups,
)
from tracer_nb.engine.frontier import frontier
from tracer_nb.engine.kernel_ridge import unit_rows
from tracer_nb.engine.split import split_rows
from tracer_nb.engine.surrogates import FittedSurrogate, choose_surrogate
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import Certificate, Frontier, Pilot, Routing, Trial

__all__ = ["Router", "SurrogateFit", "calibrate_router", "fit_router", "fit_surrogate"]

STRATEGIES = ("adaptive",)
# Cross-validation has this many folds.
_FEWEST_FIT_ROWS = 5


@dataclass(frozen=True, slots=True, eq=False)
class SurrogateFit:
    """A frozen surrogate, and the rows that it has not seen and may be certified on.

    Attributes
    ----------
    surrogate : FittedSurrogate
    classes : ndarray of shape (K,)
        Sorted labels of the fitting rows; codes index into it.
    fit_rows, calibration_rows : ndarray of int
        Positions among the labelled rows given; disjoint.
    target, confidence : float
    n_features : int
    seed : int
    """

    surrogate: FittedSurrogate
    classes: NDArray[Any]
    fit_rows: NDArray[np.intp]
    calibration_rows: NDArray[np.intp]
    target: float
    confidence: float
    n_features: int
    seed: int

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Surrogates that were tried; the chosen one first."""
        return self.surrogate.trials


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """A certified rule: rows with score >= threshold are handled, the others deferred.

    Attributes
    ----------
    fit : SurrogateFit
    certificate : Certificate
        For new rows drawn like the labelled ones ("held-out").
    column_certificate : Certificate or None
        For the known rows of one column, when they were given.
    frontier : Frontier
        Coverage against agreement on the calibration rows, for a picture.
    """

    fit: SurrogateFit
    certificate: Certificate
    column_certificate: Certificate | None
    frontier: Frontier

    def route(self, X: Any, *, column: bool = False) -> Routing:
        """Decide who answers each row.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, d)
            The same features as in the fit.
        column : bool
            The rows belong to the column that was certified; use that certificate.

        Returns
        -------
        Routing

        Raises
        ------
        InvalidInput
            Another number of features, NaN or infinite values, or ``column=True``
            without a column certificate.
        """
        certificate = self.column_certificate if column else self.certificate
        if certificate is None:
            raise InvalidInput(
                "this router has no column certificate; call route(X) without column"
            )
        matrix = unit_rows(check_matrix(X, n_features=self.fit.n_features))
        codes, scores = self.fit.surrogate.predict(matrix)
        return Routing(
            handled=scores >= certificate.threshold,
            labels=self.fit.classes[codes],
            scores=scores,
        )


def fit_surrogate(
    X: Any,
    y: ArrayLike,
    *,
    target: float = 0.92,
    confidence: float = 0.95,
    soft_labels: ArrayLike | None = None,
    surrogate: str = "auto",
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> SurrogateFit:
    """Split the labelled rows and fit a surrogate on the fitting part.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d)
        Features of the labelled rows, which must be a simple random sample of the rows
        that will be routed.
    y : array_like of shape (n,)
        The teacher's labels. None or NaN where it gave none: such a row is not fitted on,
        and as a calibration row it counts as a disagreement, whatever the surrogate says.
    target, confidence : float
        Fractions in (0, 1): the promise to come. Candidates are compared by the coverage
        they let expect of it.
    soft_labels : array_like of shape (n, K), optional
        The teacher's probabilities, columns in sorted order of the labels in ``y``.
    surrogate : str
        "auto", "kernel-ridge" or "logistic".
    groups : array_like of shape (n,), optional
        Rows with equal values stay on one side of the split; by default rows with equal
        features.
    seed : int

    Returns
    -------
    SurrogateFit

    Raises
    ------
    InvalidInput
        Anything of the wrong shape, type or range.
    NotEnoughData
        Too few rows, or a single label.
    """
    check_level("target", target)
    check_level("confidence", confidence)
    check_seed(seed)
    matrix = check_matrix(X)
    n = matrix.shape[0]
    classes, codes = check_labels(y, n)
    soft = check_soft_labels(soft_labels, n, len(classes))
    keys = row_groups(matrix) if groups is None else check_groups(groups, n)
    # Random order by our own draw, so that a sorted input cannot spoil the split. Its stream
    # is not default_rng(seed): a caller who drew the sample with that one would get the same
    # shuffle twice, and with it a calibration part that is not drawn evenly.
    order = np.random.default_rng([seed, 1]).permutation(n)
    first, second = split_rows(keys[order])
    calibration_rows, labelled = order[second], codes[order[first]] >= 0
    fit_rows, unlabelled = order[first][labelled], order[first][~labelled]
    if len(fit_rows) < _FEWEST_FIT_ROWS:
        raise NotEnoughData(f"{len(fit_rows)} fitting rows have a label; label more rows")
    # A label that only calibration rows carry must leave no trace in the fit.
    present, fit_codes = np.unique(codes[fit_rows], return_inverse=True)
    if len(present) < 2:
        raise NotEnoughData(
            f"the {len(fit_rows)} fitting rows have one label only; label more rows"
        )
    if soft is None:
        classes, wanted = classes[present], np.eye(len(present), dtype=np.float32)[fit_codes]
    else:
        fit_codes, wanted = codes[fit_rows], soft[fit_rows]
    chosen = choose_surrogate(
        unit_rows(matrix[fit_rows]),
        wanted,
        fit_codes,
        surrogate=surrogate,
        n_calibration=len(calibration_rows),
        target=target,
        confidence=confidence,
        seed=seed,
    )
    if len(unlabelled):
        # Not fitted on, so out of fold, and disagreements like those in the test to come.
        scores = np.r_[chosen.pilot.scores, chosen.predict(unit_rows(matrix[unlabelled]))[1]]
        agree = np.r_[chosen.pilot.agree, np.zeros(len(unlabelled), dtype=bool)]
        chosen = replace(chosen, pilot=Pilot(scores, agree))
    return SurrogateFit(
        chosen,
        classes,
        fit_rows,
        calibration_rows,
        float(target),
        float(confidence),
        matrix.shape[1],
        seed,
    )


def calibrate_router(
    fit: SurrogateFit, X: Any, y: ArrayLike, *, column: Any | None = None
) -> Router:
    """Certify a fitted surrogate on the labelled rows it has not seen.

    Parameters
    ----------
    fit : SurrogateFit
    X, y : as in :func:`fit_surrogate`
        The same labelled rows in the same order.
    column : array or sparse matrix of shape (n_others, d), optional
        The column's other rows: those without a label whose text is not among the fitting
        rows. When given, the router also gets the column certificate.

    Returns
    -------
    Router

    Raises
    ------
    InvalidInput
        Anything of the wrong shape, type or range.
    """
    matrix = check_matrix(X, n_features=fit.n_features)
    given = label_codes(y, fit.classes, matrix.shape[0])
    rows = fit.calibration_rows
    if matrix.shape[0] <= np.r_[fit.fit_rows, rows].max():
        raise InvalidInput(
            f"X has {matrix.shape[0]} rows, fewer than in the fit; pass the same labelled rows"
        )
    codes, scores = fit.surrogate.predict(unit_rows(matrix[rows]))
    # A missing label (None, NaN) has code -1, so it counts as a disagreement.
    agree = codes == given[rows]
    level = {"target": fit.target, "confidence": fit.confidence, "seed": fit.seed}
    pilot = fit.surrogate.pilot
    certificate = certify_held_out(pilot, scores, agree, **level)  # type: ignore[arg-type]
    # The pilot may hold rows without a label, which were not fitted on.
    certificate = replace(certificate, n_fit=len(fit.fit_rows))
    column_certificate = None
    if column is not None:
        others = unit_rows(check_matrix(column, n_features=fit.n_features))
        column_certificate = certify_column(
            pilot,
            scores,
            agree,
            fit.surrogate.predict(others)[1],
            **level,  # type: ignore[arg-type]
        )
        column_certificate = replace(column_certificate, n_fit=len(fit.fit_rows))
    return Router(fit, certificate, column_certificate, frontier(scores, agree))


def fit_router(
    X: Any,
    y: ArrayLike,
    *,
    soft_labels: ArrayLike | None = None,
    target: float = 0.92,
    confidence: float = 0.95,
    strategy: str = "adaptive",
    surrogate: str = "auto",
    groups: ArrayLike | None = None,
    column: Any | None = None,
    seed: int = 0,
) -> Router:
    """Fit and certify a router from labelled rows: the whole engine in one call.

    Parameters
    ----------
    X, y, soft_labels, target, confidence, surrogate, groups, seed
        As in :func:`fit_surrogate`.
    strategy : str
        "adaptive": the loosest threshold that can be certified.
    column : array or sparse matrix, optional
        As in :func:`calibrate_router`. Without ``groups``, rows equal to one that was set
        aside for fitting are left out of it here, as they are of the calibration rows.

    Returns
    -------
    Router
        ``router.certificate`` says what is promised; when nothing could be certified,
        ``router.route`` defers every row.

    Raises
    ------
    InvalidInput, NotEnoughData
        As in the two steps.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 8))
    >>> y = np.where(X[:, 0] > 0, "refund", "delivery")
    >>> router = fit_router(X, y, target=0.9, confidence=0.95)
    >>> router.certificate.certified
    True
    >>> routing = router.route(rng.normal(size=(5, 8)))
    >>> routing.handled.shape
    (5,)
    """
    if strategy not in STRATEGIES:
        raise InvalidInput.unknown_name("strategy", strategy, STRATEGIES)
    fit = fit_surrogate(
        X,
        y,
        target=target,
        confidence=confidence,
        soft_labels=soft_labels,
        surrogate=surrogate,
        groups=groups,
        seed=seed,
    )
    if column is not None and groups is None:
        column = _unseen(check_matrix(column, n_features=fit.n_features), check_matrix(X), fit)
    return calibrate_router(fit, X, y, column=column)


def _unseen(column: Any, matrix: Any, fit: SurrogateFit) -> Any:
    """The column's rows that equal none of the labelled rows outside the calibration part."""
    n = matrix.shape[0]
    if sparse.issparse(matrix) or sparse.issparse(column):
        parts = [sparse.csr_matrix(matrix), sparse.csr_matrix(column)]
        keys = row_groups(sparse.vstack(parts, "csr"))
    else:
        keys = row_groups(np.r_[matrix, column])
    outside = np.setdiff1d(np.arange(n), fit.calibration_rows)
    return column[~np.isin(keys[n:], keys[outside])]
