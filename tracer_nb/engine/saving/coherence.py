"""Whether certificates, options, labels and sizes of a file fit together.

Sizes are checked against one another before an array is made by them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.bounds import agreement_lower, column_agreement_lower
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Pipeline, decided
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, ClassCertificate, Frontier

__all__ = [
    "check_certificates",
    "check_frontier",
    "check_shapes",
    "check_sizes",
    "incoherent",
    "label_array",
]


_METHODS = {"held-out": "", "per-class": ", per class", "cross-fit": ", cross-fit"}
_ROUNDING = 1e-9


def incoherent(what: str) -> InvalidInput:
    """Error for a file whose parts contradict one another."""
    return InvalidInput(f"the saved router contradicts itself: {what}; fit it and save it again")


def _require(condition: Any, what: str) -> None:
    if not condition:
        raise incoherent(what)


def check_certificates(
    certificates: Sequence[Certificate],
    options: Options,
    labels: Sequence[Any],
    *,
    column: bool,
) -> None:
    """Check the certificates of all targets against the options, the labels and themselves.

    Parameters
    ----------
    certificates : sequence of Certificate
    options : Options
    labels : sequence
        The router's.
    column : bool
        They are about a known column, not about new rows.

    Raises
    ------
    InvalidInput
        The first contradiction.
    """
    targets = tuple(c.target for c in certificates)
    _require(targets == options.targets, f"certificates at {targets}, not {options.targets}")
    method = ("column" if column else "held-out") + _METHODS[options.certificate]
    for c in certificates:
        asked = (c.promise, *(one.promise for one in c.also))
        _require(asked == options.promises, "promises that were not asked for")
    everything = [one for c in certificates for one in (c, *c.also)]
    for c in everything:
        _require(not c.also or c in certificates, "promises beside promises")
        _require(
            c.method in ({method, f"{method}, updated"} if column else {method}),
            f"a certificate by method {c.method!r:.60}, not {method!r}",
        )
        _require(c.by_simulation == (options.certificate == "cross-fit"), "proof or simulation")
        same = (c.confidence, c.strategy, c.n_targets) == (
            *(options.confidence, options.strategy, options.n_shares),
        )
        _require(same, "confidence, strategy or number of targets of a certificate")
        _require(1.0 - c.confidence + c.earlier <= 1.0 + _ROUNDING, "an error budget above 1")
        _check_counts(c, column=column)
        _check_bound(c, options, column=column)
        if options.certificate == "per-class":
            _check_classes(c, options, labels, column=column)
        else:
            _check_thresholds(c, options)


def _check_counts(c: Certificate, *, column: bool) -> None:
    """Counts among one another, and the shares that follow from them."""
    words = f"{c.n_agree:,} of {c.n_handled:,} handled rows of {c.n_calibration:,}"
    _require(c.n_agree <= c.n_handled <= c.n_calibration, words)
    _check_promise(c, column=column)
    handled, about = c.n_handled, c.n_calibration
    if column:
        population = c.n_population_handled is not None and c.n_population is not None
        _require(population, "a column certificate without the column's rows")
        handled, about = c.n_population_handled or 0, c.n_population or 0
        _require(c.n_handled <= handled <= about >= c.n_calibration, f"{words} in {about:,}")
    else:
        none = c.n_population is None and c.n_population_handled is None
        _require(none, "a column's rows for new ones")
    _require(_equal(c.coverage, handled / about if about else 0.0), f"coverage {c.coverage}")
    agreement = c.n_agree / c.n_handled if c.n_handled else math.nan
    _require(_equal(c.agreement, agreement), f"agreement {c.agreement} with {words}")


def _check_promise(c: Certificate, *, column: bool) -> None:
    """What the promised share is of, and the rows that break it, as that promise counts them."""
    kind, wrong = c.promise.kind, c.n_handled - c.n_agree
    labelled = kind in ("recall", "precision")
    _require(labelled == (c.promise.label is not None), f"a promise of {kind} by label")
    right = (c.n_counted, c.n_wrong) == (c.n_handled, wrong)
    if kind == "precision":  # where a row has several labels, one that is wrong may be another
        right = c.n_counted == c.n_handled and c.n_wrong <= wrong
    if kind == "output":
        right = (c.n_counted, c.n_wrong) == (c.n_calibration, wrong)
    elif kind == "recall":
        known = c.n_counted - c.n_known
        right = c.n_wrong <= wrong and c.n_wrong <= known <= c.n_calibration
    _require(kind == "recall" or not c.n_known, "known rows with a label")
    _require(right, f"{c.n_wrong:,} of {c.n_counted:,} rows that break a promise of {kind}")
    whole = kind == "output" and column
    _require(whole == (c.n_delivered is not None), f"rows that come out for a promise of {kind}")
    _require(not whole or (c.n_delivered or 0) >= (c.n_population or 0), "rows that come out")


def _check_bound(c: Certificate, options: Options, *, column: bool) -> None:
    """The bound follows from the counts, and what is certified has one above the target."""
    bound = agreement_lower(c.n_agree, c.n_handled, options.level)
    if column:
        total = c.n_population_handled or 0
        bound = column_agreement_lower(c.n_agree, c.n_handled, total, options.level)
    if c.n_known:  # rows that are given the label were not read
        bound = 0.0
    _require(abs(c.agreement_lower - bound) < 1e-6, f"lower bound {c.agreement_lower}")
    silent = c.promise.kind in ("recall", "precision") and c.n_handled
    implied = 0.0 if silent else c.target
    _require(c.whole_output_lower >= implied - _ROUNDING, "agreement of the whole output")


def _check_thresholds(c: Certificate, options: Options) -> None:
    """One threshold, the last that passed; its bound is above the target."""
    _require(not c.classes, "classes of a certificate over all of them")
    passed = [s.threshold for s in c.settings]
    _require(c.certified == bool(passed), "certified, or not, by the thresholds that passed")
    _require(
        all(strict > loose for strict, loose in itertools.pairwise(passed)),
        "the order of the thresholds that passed",
    )
    _require(c.threshold == (passed[-1] if passed else math.inf), f"threshold {c.threshold}")
    _require(c.n_tested >= len(passed), "fewer thresholds tested than passed")
    if passed:
        _require(_equal(c.coverage, c.settings[-1].coverage), "coverage at the threshold")
        # What was counted of the promise itself carries the target, whatever handled rows show.
        bound = agreement_lower(c.n_counted - c.n_wrong, c.n_counted, options.level)
        if c.promise.kind in ("handled", "precision"):
            right = c.n_counted - c.n_wrong, c.n_counted
            total = c.n_population_handled
            bound = agreement_lower(*right, options.level)
            if total is not None:
                bound = column_agreement_lower(*right, total, options.level)
        elif c.n_delivered is not None or c.n_known:
            bound = 1.0  # of rows that come out, most were not tested: the counts say too little
        low = f"certified at {c.target:g} with lower bound {bound:g}"
        _require(bound >= c.target - 1e-6, low)
        _check_fixed(c.threshold, options)


def _check_classes(
    c: Certificate, options: Options, labels: Sequence[Any], *, column: bool
) -> None:
    """One threshold for each label, each with counts and a bound of its own."""
    _require([part.label for part in c.classes] == list(labels), "classes of other labels")
    _require(not c.settings, "thresholds over all classes beside those of each")
    _require(c.certified == any(p.certified for p in c.classes), "certified, or not, by class")
    right = math.isnan(c.threshold) if c.certified else c.threshold == math.inf
    _require(right, f"threshold {c.threshold} of all classes")
    _require(sum(p.n_calibration for p in c.classes) == c.n_calibration, "rows of the classes")
    for part in c.classes:
        _check_class(part)
        if part.certified:
            _check_fixed(part.threshold, options)
        if part.certified and not column:
            # The class has a part of this budget, so its own bound is stricter.
            bound = agreement_lower(part.n_agree, part.n_handled, options.level)
            low = f"{part.label!r:.60} certified with lower bound {bound:g}"
            _require(bound >= c.target - 1e-6, low)


def _check_class(part: ClassCertificate) -> None:
    label = repr(part.label)[:60]
    counts = part.n_agree <= part.n_handled <= part.n_calibration
    _require(counts and part.agreement_low <= part.agreement_high, f"the counts of {label}")
    _require(part.certified == math.isfinite(part.threshold), f"the threshold of {label}")


def _check_fixed(threshold: float, options: Options) -> None:
    fixed = options.fixed_sequence
    if fixed is not None:
        _require(threshold == float(fixed[0]), f"threshold {threshold}, not the one to test")


def check_frontier(frontier: Frontier, n_calibration: int) -> None:
    """Check the picture's arrays.

    Raises
    ------
    InvalidInput
        Other lengths or types, or shares that are none.
    """
    values = {f.name: getattr(frontier, f.name) for f in fields(Frontier)}
    counts = values.pop("n_handled")
    shapes = {array.shape for array in (counts, *values.values())}
    _require(len(shapes) == 1 and counts.ndim == 1, "the lengths of the frontier's arrays")
    whole = np.issubdtype(counts.dtype, np.integer)
    _require(
        whole and ((counts >= 0) & (counts <= n_calibration)).all(), "the counts of the frontier"
    )
    for name, array in values.items():
        share = array.dtype == np.float64 and ((array >= 0.0) & (array <= 1.0)).all()
        _require(share, f"the frontier's {name}")


def _equal(found: float, expected: float) -> bool:
    if math.isnan(expected):
        return math.isnan(found)
    return abs(found - expected) <= _ROUNDING


# Characters of all labels as an array, where each takes as much as the longest.
_LARGEST_LABELS = 10_000_000
# Columns of a sparse matrix, which take no memory in the file.
_MOST_FEATURES = 10_000_000


def label_array(labels: list[Any], *, as_objects: bool) -> NDArray[Any]:
    """The labels as an array of shape (K,).

    Raises
    ------
    InvalidInput
        Equal labels, several types of them, or lengths that would need far more memory as an
        array than in the file.
    """
    if len(set(labels)) < len(labels) or len({type(label) for label in labels}) > 1:
        raise incoherent("labels that are equal, or of several types")
    if as_objects:
        return np.array(labels, dtype=object)
    longest = max((len(label) for label in labels if isinstance(label, str)), default=1)
    if len(labels) * longest > _LARGEST_LABELS:
        raise incoherent(f"{len(labels):,} labels of up to {longest:,} characters")
    return np.array(labels)


def check_sizes(
    pipeline: Mapping[str, Any], widths: tuple[int, ...], n_classes: int, n_axes: int | None = None
) -> None:
    """Check the numbers of features and classes that settings name.

    Parameters
    ----------
    pipeline : mapping
        Of a manifest, as the schema has it.
    widths : tuple of int
        Features of each block.
    n_classes : int
    n_axes : int, optional
        Axes that the first block in use is projected on.

    Raises
    ------
    InvalidInput
        Two of them differ, or one is beyond what a surrogate is fitted on.
    """
    weights = pipeline["view"]["weights"]
    if len(weights) > len(widths):
        raise incoherent(f"{len(weights)} blocks of features, not {len(widths)}")
    if not any(weights):
        raise incoherent("no block of features in use")
    used = [w for w, weight in zip(widths, weights, strict=False) if weight > 0]
    width = sum(used) if n_axes is None else sum(used[1:]) + n_axes + 1
    if sum(widths) > _MOST_FEATURES:
        raise incoherent(f"{sum(widths):,} features")
    for stage in pipeline["stages"]:
        for name, size in (("n_features", width), ("n_classes", n_classes)):
            if stage["model"].get(name, size) != size:
                raise incoherent(f"{name} {stage['model'][name]!r:.60}, not {size}")


def check_shapes(
    pipeline: Pipeline, widths: tuple[int, ...], n_classes: int, *, is_sparse: bool
) -> None:
    """Send one row through the whole rule: shapes that do not fit show here, not in use.

    Parameters
    ----------
    pipeline : Pipeline
    widths : tuple of int
    n_classes : int
    is_sparse : bool
        Whether it holds sparse matrices.

    Raises
    ------
    InvalidInput
        The surrogate has other labels; besides, what numpy raises.
    """
    view = pipeline.view
    dense = None if view.smoothing is None and view.axes is None else view.first
    probe = [
        # Nothing in a sparse matrix vouches for its width, so no memory is taken for it.
        sparse.csr_matrix(([np.float32(1.0)], ([0], [0])), shape=(1, width))
        if is_sparse and i != dense
        else np.ones((1, width), dtype=np.float32)
        for i, width in enumerate(widths)
    ]
    X = view.prepare(probe)
    for stage in pipeline.stages:
        outputs = stage.model.outputs(X)
        if outputs.shape != (1, n_classes):
            raise InvalidInput(
                f"the saved surrogate knows {outputs.shape[-1]} labels and the router "
                f"{n_classes}; save it again"
            )
        scores = stage.gate.scores(decided(outputs, stage.rule)[1], X)
        if scores.shape != (1,):
            raise incoherent(f"gate scores of shape {scores.shape}")
    pipeline.predict(probe)
