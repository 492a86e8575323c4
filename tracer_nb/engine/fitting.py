"""Split the labelled rows, and fit the surrogate on the fitting part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.checks import check_mask, label_codes
from tracer_nb.engine.extra import ExtraRows, LabelledRows, join_rows
from tracer_nb.engine.judge import Judge, Rows
from tracer_nb.engine.options import Options, check_names, make_options, path_of, strategy_costs
from tracer_nb.engine.pipeline import Answers, Pipeline, make_views, over_column
from tracer_nb.engine.pool import Pooled
from tracer_nb.engine.race import OnPart, choose_pipeline
from tracer_nb.engine.split import (
    FIT_SHARE,
    PILOT_SHARE,
    Split,
    cross_split,
    is_calibration,
    split_rows,
)
from tracer_nb.engine.subsets import indicators, options_for_sets
from tracer_nb.engine.zoo import Smoothing
from tracer_nb.engine.zoo.kernel_ridge import EXACT_ROWS
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.labelsets import LabelSets, names_of
from tracer_nb.records import Pilot, Trial

__all__ = ["SurrogateFit", "fit_surrogate"]

# Cross-validation has this many folds.
_FEWEST_FIT_ROWS = 5


@dataclass(frozen=True, slots=True, eq=False)
class SurrogateFit:
    """A frozen surrogate, and the rows that it may be certified on.

    Attributes
    ----------
    pipeline : Pipeline
    classes : ndarray of shape (K,)
        Sorted labels of the fitting rows; codes index into it. With ``sets`` all labels.
    fit_rows, calibration_rows, set_aside : ndarray of int
        Positions among the labelled rows given; disjoint, unless the certificate is
        cross-fit: then ``fit_rows`` are all rows with a label.
    pilot_rows : ndarray of int
        Positions of the rows that chose and order.
    pilot : Pilot
        Their out-of-fold scores and agreement.
    left_out : Answers or None
        Cross-fit: answers on the calibration rows, each from a fit without it.
    options : Options
    costs : ndarray of shape (n,) or None
        Of the labelled rows given.
    typical_cost : float
    n_features : tuple of int
        Columns of each block of features.
    uses_column : bool
        Whether features were smoothed over rows among which are the calibration rows; for
        new rows the certificate is then close, not exact.
    trials : tuple of Trial
        What was tried; the chosen one first.
    n_extra : int
        Rows that were fitted on as well, and are none of the labelled rows given.
    n_names : int
        Names of labels that were fitted on as well: rows of no sample.
    extra_pilot : Pilot or None
        Out-of-fold scores and agreement of the extra rows that have a label: not drawn at random,
        they neither choose nor order.
    outputs : ndarray of shape (n_pilot + n_extra_pilot, K), or None
        Of the surrogate on the rows of ``pilot`` and then of ``extra_pilot``, each left out of the
        fit; of a cascade, those of its first stage.
    strange : ndarray of shape (n_pilot,), bool, or None
        Rows of the pilot that the guard defers besides where they are new.
    pooled : Pooled or None
        How others' opinions were pooled with it for what is certified: alone it answers no new row.
    sets : LabelSets or None
        Where a row has several labels: codes are its numbers of sets.
    """

    pipeline: Pipeline
    classes: NDArray[Any]
    fit_rows: NDArray[np.intp]
    calibration_rows: NDArray[np.intp]
    set_aside: NDArray[np.intp]
    pilot_rows: NDArray[np.intp]
    pilot: Pilot
    left_out: Answers | None
    options: Options
    costs: NDArray[np.float64] | None
    typical_cost: float
    n_features: tuple[int, ...]
    uses_column: bool
    trials: tuple[Trial, ...]
    n_extra: int = 0
    n_names: int = 0
    extra_pilot: Pilot | None = None
    outputs: NDArray[np.floating] | None = None
    strange: NDArray[np.bool_] | None = None
    pooled: Pooled | None = None
    sets: LabelSets | None = None

    def names(self, codes: NDArray[np.intp]) -> NDArray[Any]:
        """Labels by their codes; sets as they are written."""
        return self.classes[codes] if self.sets is None else names_of(self.sets, codes)

    def numbers(self, y: ArrayLike, n_rows: int) -> NDArray[np.intp]:
        """Codes of labels, -1 for a missing label or one that is not there."""
        return label_codes(y, self.classes, n_rows, self.sets)

    @property
    def n_fit(self) -> int:
        """Rows that it was fitted on, extra ones included and names of labels not."""
        return len(self.fit_rows) + self.n_extra

    @property
    def new_pilot(self) -> Pilot:
        """The pilot as if its rows were new ones."""
        if self.strange is None:
            return self.pilot
        return replace(self.pilot, scores=np.where(self.strange, -np.inf, self.pilot.scores))

    def path(
        self,
        answers: Answers,
        costs: NDArray[np.float64] | None,
        target: float,
        *,
        new: bool = False,
    ) -> NDArray[np.float64]:
        """Path scores of rows under the strategy; -inf where the guard defers, more of new ones."""
        scores = np.where(answers.deferred(new=new), -np.inf, answers.scores)
        return path_of(self.options.strategy, scores, costs, target, self.typical_cost)


def fit_surrogate(
    X: Any,
    y: ArrayLike,
    *,
    unlabelled: Any = None,
    soft_labels: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    in_random_order: bool = False,
    calibration: ArrayLike | None = None,
    extra: ExtraRows | None = None,
    names: ExtraRows | None = None,
    n_tested: int | None = None,
    sets: LabelSets | None = None,
    on_part: OnPart | None = None,
    **options: Any,
) -> SurrogateFit:
    """Split the labelled rows and fit a surrogate on the fitting part.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d), or a list of several
        Features of the labelled rows, which must be a simple random sample of the rows that
        will be routed. Several matrices describe the same rows (a sentence embedding first,
        then n-gram vectors); whether they are fused is decided out-of-fold.
    y : array_like of shape (n,)
        The teacher's labels. None or NaN where it gave none: such a row is not fitted on,
        and as a calibration row it counts as a disagreement, whatever the surrogate says.
    unlabelled : as X, or callable, optional
        The column's other rows: features may be smoothed over them, worth most with few labels.
        Few of many are looked at; where a function gives them, they go when these are drawn.
    soft_labels : array_like of shape (n, K), optional
        The teacher's probabilities, columns in sorted order of the labels in ``y``; a row of
        NaN where there is none. They are imitated; the certificate is about ``y``.
    costs : array_like of shape (n,), optional
        What asking the teacher about each row costs (tokens times price, and latency times
        what a second is worth); needed by the cost-aware strategy.
    groups : array_like of shape (n,), optional
        Rows with equal values stay on one side of the split; by default those of equal features.
    in_random_order : bool
        The rows stand in the random order in which they were drawn, so that the split may
        follow it: more rows behind them leave these where they are. By default it is drawn.
    calibration : array_like of shape (n,), bool, optional
        Rows for the test, where that was decided when they were drawn. Not for cross-fitting.
    extra : ExtraRows, optional
        More rows to fit on that were not drawn at random, such as deferred ones that the
        teacher answered. Nothing is chosen, ordered or tested by their outcome.
    names : ExtraRows, optional
        Features of the names of labels, and the labels. They are fitted on where out-of-fold
        answers say that they know something, and are rows of no sample: a calibration row may
        have the same text. Not with cross-fitting, which was not verified with them.
    n_tested : int, optional
        Rows of the test to come, where they are drawn afterwards; by default those there are.
    sets : LabelSets, optional
        Where a row has several labels: ``y`` are sets as it writes them, and agreement is that of
        the whole set. Each label is learned by itself, so that an answer may be a set that no row
        had: by "kernel-ridge", with gate "margin" or "max-probability", "held-out".
    on_part : callable, optional
        Told how many parts of the fit are done, and of how many.
    target : float or sequence of float, default 0.92
        Fractions in (0, 1): the promise to come. Several share the error budget, and may
        then be chosen from freely. Candidates are compared by the coverage to expect.
    confidence : float, default 0.95
    strategy : str, default "adaptive-threshold"
        "adaptive-threshold", "fixed-threshold" (needs ``threshold``) or "cost-aware".
    threshold : float, optional
        Gate score in [0, 1].
    certificate : str, default "held-out"
        "held-out", "per-class" (a promise for each predicted label) or "cross-fit" (every
        label both fits and tests; verified by simulation, not proved).
    surrogate : str, scikit-learn classifier, or a sequence of them, default "auto"
        One of ``SURROGATES``. "auto" tries kernel ridge and logistic regression, and with
        ``time_budget`` the whole zoo.
    gate : str, default "auto"
        "margin", "max-probability", "entropy" or "learned".
    pipeline : str, default "auto"
        "accept-all", "single" or "cascade".
    guard : bool or float, default True
        Defer rows that are farther from all fitting rows than all but a share of these are, and
        of new rows to be handled that share that fits its label worst, or less where that costs
        more. True is .002, and .045 of new rows; a number is both; False is no guard.
    time_budget : float, optional
        Seconds after which no further surrogate is tried.
    seed : int, default 0

    Returns
    -------
    SurrogateFit

    Raises
    ------
    InvalidInput
        Anything of the wrong shape, type or range.
    NotEnoughData
        Too few labelled rows, or a single label.
    """
    check_names(options)
    chosen_options = make_options(**options)
    if sets is not None:
        chosen_options = options_for_sets(chosen_options)
    cross = chosen_options.certificate == "cross-fit"
    if cross and not (extra is None and calibration is None):
        raise InvalidInput(
            "certificate 'cross-fit' tests on the rows that it fits on, so it takes neither "
            "calibration nor extra rows; use 'held-out' with them"
        )
    given = join_rows(X, y, soft_labels, groups, extra, names=None if cross else names, sets=sets)
    n, blocks, codes = given.n, given.blocks, given.codes
    each = strategy_costs(chosen_options.strategy, costs, n)
    split = _split(given, chosen_options, calibration, in_random_order=in_random_order)
    smoothings: list[Smoothing | None] = []
    column = None
    widths = tuple(block.shape[1] for block in blocks)
    if unlabelled is not None:
        own_rows = [block[:n] for block in blocks]
        smoothings, column = over_column(own_rows, unlabelled, chosen_options.seed)
    if cross and n > EXACT_ROWS:
        raise InvalidInput(
            f"certificate 'cross-fit' was verified up to {EXACT_ROWS:,} labelled rows, got {n:,}; "
            "'held-out' has rows enough"
        )
    wanted_rows = np.arange(n) if cross else split.fit
    labelled = codes[wanted_rows] >= 0
    own, without = wanted_rows[labelled], wanted_rows[~labelled]
    rows = np.r_[own, given.extra]
    typical = 1.0 if each is None else float(each[own].mean())
    classes, fitted = _rows_to_fit(given, rows, split, each, typical)
    named = named_classes = None
    if given.n_names:
        behind = np.r_[rows, given.names]
        named_classes, named = _rows_to_fit(given, behind, split, each, typical)
    n_tested = len(split.calibration) if n_tested is None else n_tested
    chosen = choose_pipeline(
        fitted,
        views=make_views(len(blocks), *smoothings or [None]),
        options=chosen_options,
        judge=Judge(chosen_options, n_tested, typical),
        named=named,
        column=column,
        on_part=on_part,
    )
    fit_codes = fitted.codes
    if chosen.named and named is not None and named_classes is not None:
        classes, fit_codes = named_classes, named.codes[: len(rows)]
    # Rows without a label are not fitted on, so out of fold, and disagreements like those in
    # the test to come.
    bare = [block[without] for block in blocks]
    parts = [(rows, chosen.left_out), (without, chosen.pipeline.predict(bare))]
    known = Answers.spread(len(codes), parts)
    outputs = np.zeros((len(codes), len(classes)), dtype=np.float32)
    outputs[rows], outputs[without] = chosen.outputs, chosen.pipeline.outputs(bare)[0]
    agree = np.zeros(len(codes), dtype=bool)
    agree[rows] = chosen.left_out.codes == fit_codes

    def out_of_fold(at: NDArray[np.intp], its: NDArray[np.float64] | None) -> Pilot:
        scores = np.where(known.far, -np.inf, known.scores)[at]
        return Pilot(scores, agree[at], known.codes[at], its)

    return SurrogateFit(
        pipeline=chosen.pipeline,
        classes=classes,
        fit_rows=own,
        calibration_rows=split.calibration,
        set_aside=split.set_aside,
        pilot_rows=split.fit,
        pilot=out_of_fold(split.fit, None if each is None else each[split.fit]),
        left_out=known.take(split.calibration) if cross else None,
        options=chosen_options,
        costs=each,
        typical_cost=typical,
        n_features=widths,
        uses_column=chosen.smoothed,
        trials=chosen.trials,
        n_extra=len(given.extra),
        n_names=given.n_names if chosen.named else 0,
        extra_pilot=out_of_fold(given.extra, None) if len(given.extra) else None,
        outputs=outputs[np.r_[split.fit, given.extra]],
        sets=sets,
        strange=None if known.strange is None else known.strange[split.fit],
    )


def _split(
    given: LabelledRows,
    options: Options,
    calibration: ArrayLike | None,
    *,
    in_random_order: bool,
) -> Split:
    n = given.n
    keys, others = given.groups[:n], given.groups[n : len(given.groups) - given.n_names]
    if calibration is not None:
        return split_rows(keys, check_mask("calibration", calibration, n), others)
    cross = options.certificate == "cross-fit"
    order = np.arange(n)
    if not in_random_order:
        # Random order by our own draw, so that a sorted input cannot spoil the split. Its
        # stream is not default_rng(seed): a caller who drew the sample with that one would get
        # the same shuffle twice, and with it a calibration part that is not drawn evenly.
        order = np.random.default_rng([options.seed, 1]).permutation(n)
    tested = is_calibration(n, PILOT_SHARE if cross else FIT_SHARE)
    parts = cross_split(keys[order], tested) if cross else split_rows(keys[order], tested, others)
    return Split(order[parts.fit], order[parts.calibration], order[parts.set_aside])


def _rows_to_fit(
    given: LabelledRows,
    places: NDArray[np.intp],
    split: Split,
    each: NDArray[np.float64] | None,
    typical: float,
) -> tuple[NDArray[Any], Rows]:
    """The classes of some rows, and these rows to be fitted on.

    Those of the split choose and order; not extra rows, names, nor rows of a test. What these cost
    is looked at by nobody.
    """
    classes, codes, Y = _targets(given, places)
    judged = np.isin(places, split.fit)
    if not judged.any():
        raise NotEnoughData(
            f"none of the {len(split.fit)} rows to choose by has a label; label more rows"
        )
    costs = None
    if each is not None:
        costs = np.full(len(places), typical)
        costs[places < given.n] = each[places[places < given.n]]
    blocks = [block[places] for block in given.blocks]
    return classes, Rows(blocks, Y, codes, judged, costs, given.sets)


def _targets(
    given: LabelledRows, rows: NDArray[np.intp]
) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.float32]]:
    """Classes, codes and what to imitate of the fitting rows."""
    classes, codes, soft = given.classes, given.codes, given.soft
    if len(rows) < _FEWEST_FIT_ROWS:
        raise NotEnoughData(f"{len(rows)} fitting rows have a label; label more rows")
    # A label that only calibration rows carry must leave no trace in the fit.
    present, fit_codes = np.unique(codes[rows], return_inverse=True)
    if len(present) < 2:
        raise NotEnoughData(f"the {len(rows)} fitting rows have one label only; label more rows")
    if given.sets is not None:  # which labels there are was known before any row was
        return classes, codes[rows], indicators(codes[rows], given.sets)
    one_hot = indicators(fit_codes)
    if soft is None:
        return classes[present], fit_codes, one_hot
    # So must the teacher's probability of such a label: a calibration row's own label would
    # always be among the known ones, and that of a new row not.
    wanted = soft[np.ix_(rows, present)]
    total = wanted.sum(axis=1, keepdims=True)
    there = total > 0  # False for NaN too
    wanted = np.where(there, wanted / np.where(there, total, 1.0), one_hot)
    return classes[present], fit_codes, wanted.astype(np.float32)
