"""Certifying again and again: all promises of a history hold at once, as often as is said.

First certificates alone, in worlds whose truth is a formula: 20 rounds at the levels of an update.
Two rules that must fail go through the same harness: the whole error budget in every round, and
a test on the answers to deferred rows. Then updates of a Tracer, whose rows are drawn, deferred,
answered and fitted on as a user's are, with every promise counted against the teacher's labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from tracer_nb import Tracer
from tracer_nb.engine import ExtraRows
from tracer_nb.engine.bounds import held_out_p_value
from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify, round_confidence
from tracer_nb.errors import NotEnoughData
from tracer_nb.steps.column.features import take
from tracer_nb.steps.update import remake

from .harness import CONFIDENCE, DELTA
from .worlds import BORDERS, FLAT, Clusters, part, steps, stress

TARGET = 0.92
ROUNDS = 20


def allowed(n_histories, delta):
    """Exceeded by a valid rule once in a thousand runs."""
    return int(binom.ppf(0.999, n_histories, delta))


# --- certificates -------------------------------------------------------------------------


def levels_of_updates(n_round):
    return round_confidence(CONFIDENCE, n_round)


def whole_budget(n_round):
    """Must be caught."""
    del n_round
    return CONFIDENCE


def at_one_threshold(world, threshold, level, *, drawn=None, n_rounds=ROUNDS, n_rows=150):
    """A history of tests of one threshold, which takes no time; whether a promise is broken.

    ``drawn`` gives the rows of the tests where they are not drawn from the world.
    """
    breaks = world.about(threshold).breaks(TARGET)

    def broken(rng, _seed):
        rows = (drawn or world.draw)(rng, n_rounds * n_rows)
        each = rows.scores.reshape(n_rounds, n_rows) >= threshold
        agreeing = (each & rows.agree.reshape(n_rounds, n_rows)).sum(axis=1)
        p = held_out_p_value(agreeing, each.sum(axis=1), TARGET)
        budgets = 1.0 - np.array([level(r) for r in range(1, n_rounds + 1)])
        return breaks and bool((p <= budgets).any())

    return broken


def of_the_product(world, level, *, n_rows=150):
    """A history of certificates as the product makes them, each with a pilot of its own."""

    def broken(rng, seed):
        found = False
        for n_round in range(1, ROUNDS + 1):
            pilot, rows = world.draw(rng, 2 * n_rows), world.draw(rng, n_rows)
            evidence = Evidence(pilot, Rows(rows.scores, rows.agree))
            certificate = certify(Promise(TARGET, level(n_round)), evidence, seed=seed)
            found |= world.about(certificate.threshold).breaks(TARGET)
        return found

    return broken


def count_broken(history, n_histories):
    """Histories in which a promise of some round is broken."""
    rng = np.random.default_rng(n_histories)
    return sum(history(rng, seed) for seed in range(n_histories))


PLATEAU = stress(TARGET)[0]  # agreement is just below the target everywhere


def test_twenty_rounds_break_a_promise_as_rarely_as_one():
    history = at_one_threshold(PLATEAU, 0.2, levels_of_updates)
    n = count_broken(history, 2000)
    # Not for want of power: a good part of the budget is spent.
    assert 0.3 * DELTA * 2000 < n <= allowed(2000, DELTA)


def test_the_whole_budget_in_every_round_breaks_it():
    n = count_broken(at_one_threshold(PLATEAU, 0.2, whole_budget), 200)
    assert n > 2 * allowed(200, DELTA)


# Of rows like the column's .9165 agree. A surrogate that was fitted on answers to deferred rows
# is good on those (the last three tenths), and as before on the others.
LEARNED = steps("deferred rows were learned", [0.7, 0.3], [0.885, 0.99])


def deferred_answers(rng, n):
    """Must be caught: the test is made on answers that are there already."""
    rows = LEARNED.draw(rng, 4 * n)
    return part(rows, np.flatnonzero(rows.scores < 0.3)[:n])


def test_answers_to_deferred_rows_certify_what_is_not_so_and_fresh_rows_do_not():
    fresh = at_one_threshold(LEARNED, 0.0, levels_of_updates)
    assert count_broken(fresh, 500) <= allowed(500, DELTA)
    stale = at_one_threshold(LEARNED, 0.0, levels_of_updates, drawn=deferred_answers, n_rounds=3)
    assert count_broken(stale, 50) == 50


@pytest.mark.long
@pytest.mark.parametrize("world", stress(TARGET), ids=lambda world: world.name)
def test_twenty_rounds_under_stress_long(world):
    n = count_broken(of_the_product(world, levels_of_updates), 150)
    assert n <= allowed(150, DELTA), n


@pytest.mark.long
def test_the_whole_budget_under_stress_long():
    n = count_broken(of_the_product(PLATEAU, whole_budget), 40)
    assert n > 2 * allowed(40, DELTA), n


# --- updates of a Tracer --------------------------------------------------------------------

COLUMN, SAMPLE, NEW = 700, 250, 2500
# About six tenths can be certified with the sample, and more with more labels.
MIDDLING = {"spread": 2.2, "noise": 0.02, "border_noise": 0.35}
SURE = 0.8


@dataclass(frozen=True)
class Found:
    """What a Tracer has reached: broken promises, and what the surrogate answers.

    ``column_broken``, ``new_broken``: the certificate promises more agreement than there is, of
    the column's rows that it speaks about, and of new rows. ``answered``: rows of the column
    that the surrogate may answer, ``coverage`` its share of new rows.
    """

    column_broken: bool
    new_broken: bool
    answered: int
    coverage: float


class Job:
    """A column that is labelled, routed up to a cap, and updated, with the truth beside it."""

    def __init__(self, world, seed, surrogate="kernel-ridge"):
        source = Clusters(seed, **world)
        rows, self.new = source.draw(COLUMN), source.draw(NEW)
        # Equal rows are equal texts.
        self.texts = [row.tobytes().hex() for row in rows.X]
        self.names = rows.labels.astype(str)
        truth = dict(zip(self.texts, self.names.tolist(), strict=True))
        self.tracer = Tracer(
            truth.__getitem__,
            ["0", "1", "2", "3"],
            features=rows.X,
            target=TARGET,
            confidence=SURE,
            surrogate=surrogate,
            gate="margin",
            pipeline="single",
            store=":memory:",
            seed=seed,
            labelling="random",
        )
        self.order = np.random.default_rng(seed).permutation(COLUMN)
        self.n_drawn = SAMPLE

    def begin(self, cap):
        """The first certificate."""
        self.tracer.label(self.texts, sample=SAMPLE)
        fit = self.tracer.fit()
        certificate = self.tracer.calibrate()
        self.tracer.route(max_rows=cap)
        self.cap = cap
        untested = np.setdiff1d(np.arange(SAMPLE), fit.calibration_rows)
        return self._found(certificate, ~self._holding(self.order[untested]))

    def update(self):
        """A further one; None when no rows are left for its test."""
        open_rows = self._open()
        column = self.tracer.router.column_certificate
        try:
            update = self.tracer.update(max_rows=self.cap + 75)
        except NotEnoughData:
            return None
        self.n_drawn += update.n_fresh
        certificate = update.after.column_certificate
        if certificate.threshold == column.threshold:  # that of an earlier round, counted there
            certificate = None
        return self._found(certificate, open_rows)

    def _holding(self, rows):
        """Rows with the texts of these."""
        return np.isin(self.texts, [self.texts[row] for row in rows])

    def _open(self):
        """Rows that the teacher has not answered, by what a user can see."""
        answered = np.array([source == "teacher" for source in self.tracer.outcome.source])
        return ~answered & ~self._holding(self.order[: self.n_drawn])

    def _found(self, certificate, about):
        tracer, codes = self.tracer, self.tracer._state.column.texts.codes
        routing = tracer._state.certified.routings[TARGET]
        handled, said = routing.handled[codes], routing.labels[codes].astype(str)
        broken = False
        if certificate is not None and certificate.certified:
            # It speaks about exactly these rows.
            assert certificate.n_population == about.sum()
            assert certificate.n_population_handled == (handled & about).sum()
            broken = (said == self.names)[handled & about].mean() < TARGET - 1e-12
        fitted = {self.texts[row] for row in tracer.labels.rows}
        if tracer._state.scope is not None:
            fitted |= {
                tracer._state.column.texts.unique[i]
                for i in np.flatnonzero(tracer._state.scope.learned)
            }
        unseen = np.array([row.tobytes().hex() not in fitted for row in self.new.X])
        new = tracer.router.route(self.new.X)
        chances = self.new.chances[np.arange(NEW), new.labels.astype(int)]
        agree = chances[new.handled & unseen]
        return Found(
            broken,
            bool(len(agree)) and agree.mean() < TARGET - 1e-12,
            int(handled.sum()),
            float(new.handled.mean()),
        )


def updated(world, n_histories, *, n_updates=2, cap=40, **options):
    """Histories of a Tracer: what each of their steps found."""
    found = []
    with threadpool_limits(1):
        for seed in range(n_histories):
            job = Job(world, seed, **options)
            steps_of = [job.begin(cap), *(job.update() for _ in range(n_updates))]
            found.append([step for step in steps_of if step is not None])
    return found


KINDS = ("column_broken", "new_broken")


def broken_histories(found):
    """Histories in which the column's promise, and that for new rows, is ever broken."""
    return [sum(any(getattr(s, kind) for s in steps_of) for steps_of in found) for kind in KINDS]


def most_broken(found):
    """The first certificate and all updates: 1.4 delta at the most."""
    return allowed(len(found), 1.4 * (1.0 - SURE))


def gained(found):
    """Mean rows of the column that the surrogate answers, and coverage of new rows: first, last."""
    ends = [[(s[k].answered, s[k].coverage) for s in found] for k in (0, -1)]
    return np.mean(ends, axis=1)


def test_updates_keep_their_promises_and_gain():
    found = updated(MIDDLING, 8)
    assert max(broken_histories(found)) <= most_broken(found)
    first, last = gained(found)
    assert last[0] > first[0] + 15, (first, last)


def test_an_update_that_fits_on_its_own_test_breaks_them(monkeypatch):
    """Must be caught: a surrogate that knows the rows of the test by heart."""

    def of_the_test(texts, X, draw, trail, known):
        del trail
        codes = texts.codes[draw.fresh]
        names = [known[texts.unique[code]].label for code in codes]
        others = len(texts.unique) + np.arange(len(codes))  # as if their texts were other ones
        return ExtraRows(take(X, codes), np.array(names, dtype=object), others), frozenset()

    by_heart = {"n_updates": 1, "surrogate": KNeighborsClassifier(1)}
    honest = updated(BORDERS, 8, **by_heart)
    assert max(broken_histories(honest)) <= most_broken(honest)
    monkeypatch.setattr(remake, "extra_rows", of_the_test)
    found = updated(BORDERS, 8, **by_heart)
    assert min(broken_histories(found)) > most_broken(found)


# Of 700 rows those that the surrogate may answer, and its share of new rows, after the first
# certificate and after three updates: measured 480 and 522, .61 and .71 in the middling world,
# 240 and 258, .28 and .32 where borders are wide.
@pytest.mark.long
@pytest.mark.parametrize(
    ("world", "rows", "share"),
    [(MIDDLING, 25, 0.05), (BORDERS, 5, 0.01), (FLAT, 0, 0.0)],
    ids=["middling", "borders", "flat"],
)
def test_updates_keep_their_promises_and_gain_long(world, rows, share):
    found = updated(world, 200, n_updates=3)
    assert max(broken_histories(found)) <= most_broken(found), broken_histories(found)
    first, last = gained(found)
    assert last[0] >= first[0] + rows, (first, last)
    assert last[1] >= first[1] + share, (first, last)
