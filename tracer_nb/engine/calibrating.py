"""How labelled rows make a router: what was fitted on some of them is certified on the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.certificates import (
    Evidence,
    Promise,
    Rows,
    certify_classes,
    certify_together,
    kind_of,
    teacher_codes,
    with_promised,
)
from tracer_nb.engine.checks import check_blocks, label_array
from tracer_nb.engine.fitting import SurrogateFit, fit_surrogate
from tracer_nb.engine.judge import frontier, path_pilot
from tracer_nb.engine.options import check_costs, strategy_costs
from tracer_nb.engine.pipeline import Answers
from tracer_nb.engine.router import Router
from tracer_nb.engine.split import unseen_rows
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Frontier

__all__ = ["calibrate_router", "certify_known", "fit_router"]

Costed = tuple[Answers, NDArray[np.float64] | None]  # with what asking about each row costs


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """The calibration rows: what both said, and what asking costs."""

    answers: Answers
    costs: NDArray[np.float64] | None
    agree: NDArray[np.bool_]
    teacher: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        fit: SurrogateFit,
        answers: Answers,
        costs: NDArray[np.float64] | None,
        y: ArrayLike,
        *,
        rows: NDArray[np.intp],
        n: int,
    ) -> _Tested:
        """From the teacher's labels of n rows, and which of these they are."""
        # A missing label (None, NaN) has code -1, so it counts as a disagreement.
        numbers = fit.numbers(y, n)[rows]
        said = numbers
        if fit.sets is None:  # labels that the surrogate does not know are told apart, too
            said = teacher_codes(label_array(y, n)[rows], _known(fit))
        return cls(answers, costs, answers.codes == numbers, said)

    def rows(self, fit: SurrogateFit, target: float, *, new: bool = False) -> Rows:
        path = fit.path(self.answers, self.costs, target, new=new)
        return Rows(path, self.agree, self.answers.codes, self.costs, self.teacher)


def _known(fit: SurrogateFit) -> list[str]:
    """Labels that the surrogate knows, and those that are promised."""
    return with_promised(fit.classes, fit.options.promises)


def calibrate_router(
    fit: SurrogateFit,
    X: Any,
    y: ArrayLike,
    *,
    column: Any | None = None,
    column_costs: ArrayLike | None = None,
    n_delivered: int | None = None,
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
    n_delivered : int, optional
        All rows of the column that come out, of which a promise of the whole output speaks; by
        default the labelled and the other ones.

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
    rows = fit.calibration_rows
    if n <= np.r_[fit.fit_rows, rows].max():
        raise InvalidInput(f"X has {n} rows, fewer than in the fit; pass the same labelled rows")
    answers = fit.left_out or fit.pipeline.predict([block[rows] for block in blocks])
    costs = None if fit.costs is None else fit.costs[rows]
    tested = _Tested.of(fit, answers, costs, y, rows=rows, n=n)
    if fit.sets is not None:  # a promise of one label looks into the sets of the pilot's rows
        said = fit.numbers(y, n)[fit.pilot_rows]
        fit = replace(fit, pilot=replace(fit.pilot, teacher=said))
    others = None
    if column is not None:
        if not isinstance(column, Answers):
            column = fit.pipeline.predict(check_blocks(column, n_features=fit.n_features))
        strategy, m = fit.options.strategy, len(column.codes)
        others = column, strategy_costs(strategy, column_costs, m, name="column_costs")
        n_delivered = n + m if n_delivered is None else n_delivered
    targets = fit.options.targets
    about_new = tuple(_certify(fit, tested, None, t) for t in targets)
    about_column = None
    if others is not None:
        about_column = tuple(_certify(fit, tested, others, t, n_delivered) for t in targets)
    picture = _picture(fit, tested, targets[0], new=True)
    of_column = None if others is None else _picture(fit, tested, targets[0])
    return Router(fit, about_new, about_column, picture, of_column)


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
    n = len(tested.codes)
    rows = _Tested.of(fit, tested, costs, y, rows=np.arange(n), n=n)
    return _certify(fit, rows, (others, other_costs), target), _picture(fit, rows, target)


def _certify(
    fit: SurrogateFit,
    tested: _Tested,
    others: Costed | None,
    target: float,
    n_delivered: int | None = None,
) -> Certificate:
    options, classes, new = fit.options, fit.classes.tolist(), others is None
    evidence = Evidence(
        path_pilot(fit.new_pilot if new else fit.pilot, options, target, fit.typical_cost),
        tested.rows(fit, target, new=new),
        others and Rows(fit.path(*others, target), codes=others[0].codes, costs=others[1]),
        n_delivered,
    )
    how: Any = {"thresholds": options.fixed_sequence, "seed": options.seed}
    level = target, options.confidence, options.n_shares
    if options.certificate == "per-class":
        certificate = certify_classes(Promise(*level), evidence, classes, **how)
    else:
        kinds = [kind_of(name, _known(fit), fit.sets) for name in options.promises]
        promises = [Promise(*level, kind) for kind in kinds]
        certificate = certify_together(promises, evidence, **how)
    certificate = replace(certificate, also=tuple(_signed(fit, c) for c in certificate.also))
    return _signed(fit, certificate)


def _signed(fit: SurrogateFit, certificate: Certificate) -> Certificate:
    """The certificate with what the test did not know of the fit."""
    cross, method = fit.options.certificate == "cross-fit", certificate.method
    return replace(
        certificate,
        method=f"{method}, cross-fit" if cross else method,
        by_simulation=cross,
        strategy=fit.options.strategy,
        # The pilot may hold rows without a label, which were not fitted on.
        n_fit=fit.n_fit,
        n_set_aside=len(fit.set_aside),
    )


def _picture(fit: SurrogateFit, tested: _Tested, target: float, *, new: bool = False) -> Frontier:
    """The main promise at every threshold."""
    kind = kind_of(fit.options.promises[0], _known(fit), fit.sets)
    rows = tested.rows(fit, target, new=new)
    counted = None if kind.counted is None else kind.counted(rows)
    return frontier(kind.scores_of(rows), ~kind.wrong(rows), counted=counted)


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
    n_delivered = None
    if column is not None:
        others = check_blocks(column, n_features=fit.n_features)
        tested, first = fit.calibration_rows, check_blocks(X)[0]
        if fit.left_out is not None:  # under cross-fitting all labelled rows are fitted on
            tested = tested[:0]
        unseen = unseen_rows(first, others[0], groups, column_groups, tested=tested)
        if column_costs is not None:
            column_costs = check_costs("column_costs", column_costs, len(unseen))[unseen]
        n_delivered = first.shape[0] + len(unseen)
        column = [block[unseen] for block in others]
    return calibrate_router(
        fit, X, y, column=column, column_costs=column_costs, n_delivered=n_delivered
    )
