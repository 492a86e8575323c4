"""Certify a fitted surrogate on labelled rows that it was not fitted on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify, certify_classes
from tracer_nb.engine.checks import check_blocks, label_codes
from tracer_nb.engine.fitting import SurrogateFit
from tracer_nb.engine.frontier import frontier
from tracer_nb.engine.judge import path_pilot
from tracer_nb.engine.pipeline import Answers
from tracer_nb.engine.router import Router
from tracer_nb.engine.strategy import check_costs
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Frontier

__all__ = ["calibrate_router", "certify_known"]

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
        costs = None
        if column_costs is not None:
            costs = check_costs("column_costs", column_costs, len(column.codes))
        elif fit.options.strategy == "cost-aware":
            raise InvalidInput("strategy 'cost-aware' needs column_costs for the column's rows")
        others = column, costs
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
        n_fit=len(fit.fit_rows) + fit.n_extra,
        n_set_aside=len(fit.set_aside),
    )
