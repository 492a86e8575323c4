"""Fit and certify in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.engine.calibrating import calibrate_router
from tracer_nb.engine.checks import check_blocks, check_groups, row_groups
from tracer_nb.engine.fitting import SurrogateFit, fit_surrogate
from tracer_nb.engine.router import Router
from tracer_nb.engine.strategy import check_costs
from tracer_nb.errors import InvalidInput

__all__ = ["fit_router"]


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
