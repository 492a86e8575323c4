"""The router: a certified rule that says who answers each row, and how labelled rows make one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify, certify_classes
from tracer_nb.engine.checks import check_blocks, check_groups, label_codes, row_groups
from tracer_nb.engine.fitting import SurrogateFit, fit_surrogate
from tracer_nb.engine.judge import frontier, path_pilot
from tracer_nb.engine.options import check_costs, strategy_costs
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Frontier, Routing

__all__ = ["Router", "calibrate_router", "certify_known", "fit_router", "row_thresholds"]


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """A certified rule: rows with score >= threshold are handled, the others deferred.

    Attributes
    ----------
    fit : SurrogateFit
    certificates : tuple of Certificate
        For new rows drawn like the labelled ones, one for each target.
    column_certificates : tuple of Certificate, or None
        For the known rows of one column, when they were given.
    frontier : Frontier
        Coverage against agreement on the calibration rows, for a picture.
    column_frontier : Frontier or None
        The same on the rows that the main column certificate was tested on, where they are
        other ones.
    """

    fit: SurrogateFit
    certificates: tuple[Certificate, ...]
    column_certificates: tuple[Certificate, ...] | None
    frontier: Frontier
    column_frontier: Frontier | None = None

    @property
    def certificate(self) -> Certificate:
        """For new rows, at the main target."""
        return self.certificates[0]

    @property
    def column_certificate(self) -> Certificate | None:
        """For the column, at the main target."""
        return None if self.column_certificates is None else self.column_certificates[0]

    def certificate_for(self, target: float | None = None, *, column: bool = False) -> Certificate:
        """The certificate at one of the targets.

        Parameters
        ----------
        target : float, optional
            The main one by default.
        column : bool
            That of the column.

        Raises
        ------
        InvalidInput
            Not one of the targets, or there is no column certificate.
        """
        found = self.column_certificates if column else self.certificates
        if found is None:
            raise InvalidInput(
                "this router has no column certificate; call route(X) without column"
            )
        if target is None:
            return found[0]
        for certificate in found:
            if certificate.target == target:
                return certificate
        known = ", ".join(f"{c.target:g}" for c in found)
        raise InvalidInput(
            f"target {target!r} was not certified; there are: {known}. Another one needs "
            "calibration with it"
        )

    def route(
        self,
        X: Any,
        *,
        column: bool = False,
        target: float | None = None,
        costs: ArrayLike | None = None,
    ) -> Routing:
        """Decide who answers each row.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, d), or a list of several
            The same features as in the fit.
        column : bool
            The rows belong to the column that was certified; use that certificate.
        target : float, optional
            One of the targets that were certified; the main one by default.
        costs : array_like of shape (n,), optional
            What asking the teacher about each row costs; needed by the cost-aware strategy.

        Returns
        -------
        Routing

        Raises
        ------
        InvalidInput
            Another number of features, NaN or infinite values, an unknown target, missing
            costs, or ``column=True`` without a column certificate.
        """
        blocks = check_blocks(X, n_features=self.fit.n_features)
        each = strategy_costs(self.fit.options.strategy, costs, blocks[0].shape[0])
        certificate = self.certificate_for(target, column=column)
        return self.decide(self.fit.pipeline.predict(blocks), certificate, each)

    def decide(
        self, answers: Answers, certificate: Certificate, costs: NDArray[np.float64] | None
    ) -> Routing:
        """Who answers rows that the surrogate has looked at already.

        Parameters
        ----------
        answers : Answers
            Of the fit's pipeline on n rows.
        certificate : Certificate
            From :meth:`certificate_for`.
        costs : ndarray of shape (n,), or None
            As in :meth:`route`, checked.
        """
        path = self.fit.path(answers, costs, certificate.target)
        return Routing(
            handled=path >= row_thresholds(certificate, answers.codes),
            labels=self.fit.classes[answers.codes],
            scores=answers.scores,
            far=answers.far,
        )


def row_thresholds(
    certificate: Certificate, codes: NDArray[np.intp]
) -> float | NDArray[np.float64]:
    """One threshold for all rows, or that of each row's predicted class, (n,)."""
    if not certificate.classes:
        return certificate.threshold
    return np.array([part.threshold for part in certificate.classes])[codes]


# Answers on rows, and what asking about each of them costs.
Costed = tuple[Answers, NDArray[np.float64] | None]


def calibrate_router(
    fit: SurrogateFit,
    X: Any,
    y: ArrayLike,
    *,
    column: Any | None = None,
    column_costs: ArrayLike | None = None,
) -> Router:
    """Certify a fitted surrogate on the labelled rows set aside for it.

    Parameters
    ----------
    fit : SurrogateFit
    X, y : as in :func:`~tracer_nb.engine.fit_surrogate`
        The same labelled rows in the same order.
    column : matrix of shape (n_others, d) or several, or Answers, optional
        The column's other rows, or what the fit's pipeline says on them: those without a label
        whose text is not among the fitting rows. When given, the router also gets the column
        certificate.
    column_costs : array_like of shape (n_others,), optional
        What asking the teacher about each of them costs.

    Returns
    -------
    Router

    Raises
    ------
    InvalidInput
        Anything of the wrong shape, type or range.
    """
    blocks = check_blocks(X, n_features=fit.n_features)
    n = blocks[0].shape[0]
    given = label_codes(y, fit.classes, n)
    rows = fit.calibration_rows
    if n <= np.r_[fit.fit_rows, rows].max():
        raise InvalidInput(f"X has {n} rows, fewer than in the fit; pass the same labelled rows")
    answers = fit.left_out or fit.pipeline.predict([block[rows] for block in blocks])
    tested = answers, None if fit.costs is None else fit.costs[rows]
    # A missing label (None, NaN) has code -1, so it counts as a disagreement.
    agree = answers.codes == given[rows]
    others = None
    if column is not None:
        if not isinstance(column, Answers):
            column = fit.pipeline.predict(check_blocks(column, n_features=fit.n_features))
        strategy, m = fit.options.strategy, len(column.codes)
        others = column, strategy_costs(strategy, column_costs, m, name="column_costs")
    targets = fit.options.targets
    about_column = None
    if others is not None:
        about_column = tuple(_certify(fit, tested, agree, others, t) for t in targets)
    about_new = tuple(_certify(fit, tested, agree, None, t) for t in targets)
    picture = frontier(fit.path(*tested, targets[0]), agree)
    return Router(fit, about_new, about_column, picture)


def certify_known(
    fit: SurrogateFit,
    tested: Answers,
    y: ArrayLike,
    others: Answers,
    *,
    costs: NDArray[np.float64] | None = None,
    other_costs: NDArray[np.float64] | None = None,
    target: float,
) -> tuple[Certificate, Frontier]:
    """Certify answers on known rows, whoever gave them, at one of the fit's targets.

    Parameters
    ----------
    fit : SurrogateFit
        Its pilot orders the tests; answers are codes of its classes.
    tested : Answers
        On n rows: a simple random sample, which nothing was fitted on or chosen by, of these
        and the other ones together.
    y : array_like of shape (n,)
        The teacher's labels of the tested rows.
    others : Answers
        On the other rows.
    costs, other_costs : ndarray of float, or None
        As in :func:`calibrate_router`, checked.
    target : float

    Returns
    -------
    Certificate
        Of the column.
    Frontier
        Of the tested rows.
    """
    agree = tested.codes == label_codes(y, fit.classes, len(tested.codes))
    certificate = _certify(fit, (tested, costs), agree, (others, other_costs), target)
    return certificate, frontier(fit.path(tested, costs, target), agree)


def _certify(
    fit: SurrogateFit,
    tested: Costed,
    agree: NDArray[np.bool_],
    others: Costed | None,
    target: float,
) -> Certificate:
    options = fit.options
    promise = Promise(target, options.confidence, len(options.targets))
    answers, costs = tested
    evidence = Evidence(
        path_pilot(fit.pilot, options, target, fit.typical_cost),
        Rows(fit.path(*tested, target), agree, answers.codes, costs),
        others and Rows(fit.path(*others, target), codes=others[0].codes, costs=others[1]),
    )
    how: dict[str, Any] = {"thresholds": options.fixed_sequence, "seed": options.seed}
    if options.certificate == "per-class":
        certificate = certify_classes(promise, evidence, fit.classes.tolist(), **how)
    else:
        certificate = certify(promise, evidence, **how)
    cross = options.certificate == "cross-fit"
    return replace(
        certificate,
        method=certificate.method + (", cross-fit" if cross else ""),
        by_simulation=cross,
        strategy=options.strategy,
        # The pilot may hold rows without a label, which were not fitted on.
        n_fit=fit.n_fit,
        n_set_aside=len(fit.set_aside),
    )


def fit_router(
    X: Any,
    y: ArrayLike,
    *,
    column: Any | None = None,
    column_costs: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    column_groups: ArrayLike | None = None,
    **options: Any,
) -> Router:
    """Fit and certify a router from labelled rows: the whole engine in one call.

    Parameters
    ----------
    X, y, groups
        As in :func:`fit_surrogate`.
    column : matrix of shape (n_others, d) or several, optional
        The column's other rows. Features may be smoothed over them, and the router gets a
        certificate about them. Rows of a fitting row's group (without ``groups``: equal to
        one) are left out of it, as they are of the calibration rows.
    column_groups : array_like of shape (n_others,), optional
        Their groups, when ``groups`` are given.
    column_costs : array_like of shape (n_others,), optional
        What asking the teacher about each of them costs.
    **options
        ``target``, ``confidence``, ``strategy``, ``certificate`` and all others of
        :func:`fit_surrogate`.

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
    fit = fit_surrogate(X, y, unlabelled=column, groups=groups, **options)
    if column is not None:
        others = check_blocks(column, n_features=fit.n_features)
        unseen = _unseen(fit, check_blocks(X)[0], others[0], groups, column_groups)
        if column_costs is not None:
            column_costs = check_costs("column_costs", column_costs, len(unseen))[unseen]
        column = [block[unseen] for block in others]
    return calibrate_router(fit, X, y, column=column, column_costs=column_costs)


def _unseen(
    fit: SurrogateFit,
    matrix: Any,
    column: Any,
    groups: ArrayLike | None,
    column_groups: ArrayLike | None,
) -> NDArray[np.bool_]:
    """Which of the column's rows are in no group of the labelled rows outside the test.

    Only among these could the calibration rows have been drawn.
    """
    n, n_others = matrix.shape[0], column.shape[0]
    if groups is not None:
        if column_groups is None:
            raise InvalidInput(
                "groups and column need column_groups too, the groups of the column's rows: rows "
                "of a fitting group are in no test"
            )
        both = np.r_[np.asarray(groups), np.asarray(column_groups)]
        keys = check_groups(both, n + n_others)
    elif sparse.issparse(matrix) or sparse.issparse(column):
        parts = [sparse.csr_matrix(matrix), sparse.csr_matrix(column)]
        keys = row_groups(sparse.vstack(parts, "csr"))
    else:
        keys = row_groups(np.r_[matrix, column])
    outside = np.arange(n)
    if fit.left_out is None:  # under cross-fitting all labelled rows are fitted on
        outside = np.setdiff1d(outside, fit.calibration_rows)
    return ~np.isin(keys[n:], keys[outside])
