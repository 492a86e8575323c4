"""Draws, rules, and the count of broken promises.

A rule takes pilot, calibration rows, target, seed and, for a column, the others' scores. It
returns its promises: a mapping from target to the threshold (per class: thresholds) at which
agreement is claimed to be at least that. Any broken one counts.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import binom
from threadpoolctl import threadpool_limits

from tracer_nb.engine import fit_router
from tracer_nb.engine.bounds import held_out_p_value
from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify, certify_classes
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.records import Pilot

from .worlds import About, part, share

CONFIDENCE = 0.9
DELTA = 1.0 - CONFIDENCE


@dataclass(frozen=True)
class Outcome:
    """Draws in which the promise was broken, and the mean coverage of all draws."""

    n_broken: int
    n_draws: int
    coverage: float

    @classmethod
    def of(cls, draws):
        """From pairs (broken, coverage)."""
        broken, coverage = zip(*draws, strict=True)
        return cls(sum(broken), len(broken), float(np.mean(coverage)))

    @property
    def most_allowed(self):
        """Exceeded by a valid rule once in a thousand runs of this many draws."""
        return int(binom.ppf(0.999, self.n_draws, DELTA))

    @property
    def kept(self):
        return self.n_broken <= self.most_allowed


# --- rules -------------------------------------------------------------------------------


def evidence(pilot, tested, others=None):
    """The rows of a world as a test takes them."""
    known = others and Rows(others.scores, codes=others.codes, costs=others.costs)
    rows = Rows(tested.scores, tested.agree, tested.codes, tested.costs)
    return Evidence(pilot, rows, known)


def promise(pilot, tested, target, seed, others=None, *, n_shares=1, **options):
    """The certificate of the product over all rows."""
    rows = evidence(pilot, tested, others)
    return certify(Promise(target, CONFIDENCE, n_shares), rows, seed=seed, **options)


def certified(pilot, tested, target, seed, others=None):
    return {target: promise(pilot, tested, target, seed, others).threshold}


def naive(_pilot, tested, target, _seed, _others=None):
    """Must be caught: the lowest threshold whose observed agreement is enough."""
    order = np.argsort(-tested.scores)
    observed = tested.agree[order].cumsum() / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(observed >= target)
    return {target: tested.scores[order][enough[-1]] if len(enough) else np.inf}


def all_rows_twice(pilot, tested, target, seed, others=None):
    """Must be caught: rows that choose where to start are tested as well."""
    both = Pilot(np.r_[pilot.scores, tested.scores], np.r_[pilot.agree, tested.agree])
    return certified(both, both, target, seed, others)


def per_class(pilot, tested, target, seed, others=None):
    classes = range(pilot.codes.max() + 1)
    found = evidence(pilot, tested, others)
    certificate = certify_classes(Promise(target, CONFIDENCE), found, classes, seed=seed)
    return {target: np.array([part.threshold for part in certificate.classes])}


def each_class(rule):
    """Must be caught: a rule for all rows, used on each class with the whole error budget."""

    def rule_for_classes(pilot, tested, target, seed, others=None):
        thresholds = []
        for code in range(pilot.codes.max() + 1):
            own = [None if r is None else part(r, r.codes == code) for r in (pilot, tested, others)]
            thresholds.append(rule(own[0], own[1], target, seed, own[2])[target])
        return {target: np.array(thresholds)}

    return rule_for_classes


def several(*targets):
    """All targets on the same rows."""

    def rule(pilot, tested, _target, seed, others=None):
        return {
            target: promise(pilot, tested, target, seed, others, n_shares=len(targets)).threshold
            for target in targets
        }

    return rule


def naive_each(*targets):
    """Must be caught: the naive rule at each target."""

    def rule(pilot, tested, _target, seed, others=None):
        return {target: naive(pilot, tested, target, seed, others)[target] for target in targets}

    return rule


def one_test_each(thresholds, *, split):
    """One test for each target, at a threshold chosen beforehand.

    With ``split=False`` it must be caught.
    """
    delta = DELTA / len(thresholds) if split else DELTA

    def rule(_pilot, tested, _target, _seed, _others=None):
        promises = {}
        for target, threshold in thresholds.items():
            agree = tested.agree[tested.scores >= threshold]
            passed = held_out_p_value(agree.sum(), len(agree), target) <= delta
            promises[target] = threshold if passed else np.inf
        return promises

    return rule


def at(threshold):
    """The fixed-threshold strategy."""
    fixed = np.array([threshold])

    def rule(pilot, tested, target, seed, others=None):
        found = promise(pilot, tested, target, seed, others, thresholds=fixed)
        return {target: found.threshold}

    return rule


def naive_at(threshold):
    """Must be caught: observed agreement at the threshold is enough."""

    def rule(_pilot, tested, target, _seed, _others=None):
        agreement, _ = share(tested.agree, tested.scores >= threshold)
        return {target: threshold if agreement >= target else np.inf}

    return rule


def bound_at(threshold, bound="agreement_lower"):
    """The lower bound that a certificate states at the user's threshold, as a promise."""
    fixed = np.array([threshold])

    def rule(pilot, tested, target, seed, others=None):
        found = promise(pilot, tested, target, seed, others, thresholds=fixed)
        return {getattr(found, bound): found.threshold}

    return rule


# --- draws of scores -----------------------------------------------------------------------


def held_out(world, n_labels, target, n_draws, *, rule=certified, fit_share=FIT_SHARE):
    """Certify on fresh draws and compare with the truth about new rows."""
    rng = np.random.default_rng([n_labels, round(1000 * target)])
    n_fit = math.floor(fit_share * n_labels)

    def one(seed):
        pilot, tested = world.draw(rng, n_fit), world.draw(rng, n_labels - n_fit)
        return _verdict(rule(pilot, tested, target, seed), world.about)

    return Outcome.of([one(seed) for seed in range(n_draws)])


def known_column(
    world, n_labels, n_others, target, n_draws, *, rule=certified, fit_share=FIT_SHARE
):
    """Draw calibration rows from one column without replacement and count all its rows.

    The column is the same in every draw, as the promise is about the draw alone.
    """
    rng = np.random.default_rng([n_labels, n_others, round(1000 * target)])
    n_fit = math.floor(fit_share * n_labels)
    n_tested = n_labels - n_fit
    everyone = world.column(n_tested + n_others)

    def one(seed):
        pilot = world.draw(rng, n_fit)
        order = rng.permutation(len(everyone.scores))
        tested, others = part(everyone, order[:n_tested]), part(everyone, order[n_tested:])
        promises = rule(pilot, tested, target, seed, others)
        return _verdict(promises, lambda thresholds: world.counted(everyone, thresholds))

    return Outcome.of([one(seed) for seed in range(n_draws)])


def _verdict(promises, about):
    """Whether one of the promises is broken, and the coverage of the last one."""
    broken = False
    for target, thresholds in promises.items():
        truth = about(thresholds)
        broken |= truth.breaks(target)
    return broken, truth.coverage[0]


# --- draws of rows -------------------------------------------------------------------------


@dataclass(frozen=True)
class Ends:
    """Outcomes of the whole engine on draws of rows, and of the naive rule on its scores.

    ``best`` is the mean largest coverage that keeps the promise on new rows along these scores;
    ``chosen`` counts the names of the pipelines, views and gates that were taken.
    """

    new: Outcome
    column: Outcome
    naive_new: Outcome
    naive_column: Outcome
    best: float
    chosen: Counter = field(repr=False)

    @property
    def kept(self):
        return self.new.kept and self.column.kept


def end_to_end(source, n_draws, *, target=0.92, soft=False, **options):
    """Run the whole engine on draws of rows.

    ``source(seed)`` gives labelled rows, the other rows of their column, and new rows. Of
    several targets, a promise broken at any counts, and coverage is that at the first.
    """
    with threadpool_limits(1):
        draws = [
            _one_end(source(seed), seed=seed, soft=soft, target=target, **options)
            for seed in range(n_draws)
        ]
    outcomes = [Outcome.of([draw[k] for draw in draws]) for k in range(4)]
    best = float(np.mean([draw[4] for draw in draws]))
    return Ends(*outcomes, best, Counter(name for draw in draws for name in draw[5]))


def _one_end(parts, *, seed, soft, **options):
    labelled, others, fresh = parts
    if options.get("strategy") == "cost-aware":
        options |= {"costs": prices(labelled.X), "column_costs": prices(others.X)}
    router = fit_router(
        labelled.X,
        labelled.labels,
        column=others.X,
        soft_labels=labelled.chances if soft else None,
        confidence=CONFIDENCE,
        seed=seed,
        **options,
    )
    seen = seen_rows(router, labelled.X)
    parts = labelled, others.without(seen), fresh.without(seen)
    each = [_at_target(router, parts, target) for target in router.fit.options.targets]
    verdicts = [
        (any(found[k][0] for found in each), each[0][k][1])
        for k in range(4)  # new rows and column by the engine's rule, and by the naive one
    ]
    trial = router.fit.trials[0]
    return *verdicts, each[0][4], (router.fit.pipeline.name, trial.view, trial.gate)


def _at_target(router, parts, target):
    labelled, others, fresh = parts
    tested = from_fit(router, labelled, target)
    rest = judged(router, others, target, column=True)
    column = Judged(*(np.r_[a, b] for a, b in zip(tested, rest, strict=True)))
    # The figures of the certificate are those of the rows that get routed.
    certificate = router.certificate_for(target, column=True)
    assert certificate.n_population == len(column.scores)
    assert certificate.n_population_handled == column.handled.sum()
    new = judged(router, fresh, target, by_chance=True)
    threshold = naive(None, Pilot(tested.scores, tested.agree), target, 0)[target]
    per_class = len(certificate.classes) > 0
    # The naive threshold is of rows of the column, so the guard for new rows is no help to it.
    unguarded = judged(router, fresh, target, column=True, by_chance=True)
    verdicts = [rows.verdict(rows.handled, target, per_class) for rows in (new, column)]
    verdicts += [
        rows.verdict(rows.scores >= threshold, target, per_class) for rows in (unguarded, column)
    ]
    return *verdicts, _best_coverage(new, target)


class Judged(NamedTuple):
    """Rows under a router: gate scores, labels, agreement or its chance, who is handled."""

    scores: np.ndarray
    labels: np.ndarray
    agree: np.ndarray
    handled: np.ndarray

    def verdict(self, handled, target, per_class):
        """Whether the promise about all handled rows, or about a class, is broken; coverage."""
        groups = [handled]
        if per_class:
            groups += [handled & (self.labels == label) for label in np.unique(self.labels)]
        truth = About(*np.transpose([share(self.agree, group) for group in groups]))
        return truth.breaks(target), truth.coverage[0]


def judged(router, rows, target, *, column=False, by_chance=False):
    """Route rows; against their labels, or against the chances of each label."""
    routing = router.route(rows.X, column=column, target=target, costs=prices(rows.X))
    scores = np.where(routing.far, -np.inf, routing.scores)
    agree = routing.labels == rows.labels
    if by_chance and rows.chances is not None:
        agree = rows.chances[np.arange(len(agree)), routing.labels]
    return Judged(scores, routing.labels, agree, routing.handled)


def prices(X):
    """What asking about rows costs: a fixed function of them."""
    return np.exp(X[:, 0] / np.linalg.norm(X, axis=1))


def from_fit(router, labelled, target):
    """The calibration rows as the certificate saw them."""
    rows, answers = router.fit.calibration_rows, router.fit.left_out
    if answers is None:
        return judged(router, labelled.take(rows), target, column=True)
    scores = np.where(answers.far, -np.inf, answers.scores)
    labels = router.fit.classes[answers.codes]
    threshold = router.certificate_for(target, column=True).threshold
    return Judged(scores, labels, labels == labelled.labels[rows], scores >= threshold)


def seen_rows(router, X):
    """Labelled rows that the promise does not speak about: fitted on, or set aside."""
    fit = router.fit
    tested = fit.calibration_rows if fit.left_out is None else []
    return X[np.setdiff1d(np.arange(len(X)), tested)]


def _best_coverage(new, target):
    order = np.argsort(-new.scores)
    agreement = new.agree[order].cumsum() / np.arange(1, len(order) + 1)
    kept = np.flatnonzero((agreement >= target) & np.isfinite(new.scores[order]))
    return (kept[-1] + 1) / len(order) if len(kept) else 0.0
