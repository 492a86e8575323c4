"""Whole output, recall and precision of a label, in worlds whose truth is known.

A row's rank q is uniform on [0, 1], 0 for the highest score 1 - q, and with threshold t the rows
q <= 1 - t are handled. In a ``Filter`` the teacher calls a row wanted (code 1) with probability
``wanted(q)``, and the surrogate calls a wanted row otherwise with probability ``missed(q)``, another
one wanted with probability ``called(q)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from tracer_nb.engine.certificates import (
    AGREEMENT,
    OUTPUT,
    Evidence,
    Promise,
    Rows,
    Stratum,
    certify,
    precision_of,
    recall_of,
    recall_of_strata,
    rows_to_read,
)
from tracer_nb.records import Pilot

from .harness import CONFIDENCE, DELTA, Outcome

WANTED = 1
RECALL, PRECISION = recall_of(WANTED, "wanted"), precision_of(WANTED, "wanted")
SHORT, LONG = 100, 1000


@dataclass(frozen=True)
class Filter:
    """A yes-or-no column."""

    name: str
    wanted: Callable[[np.ndarray], np.ndarray]
    missed: Callable[[np.ndarray], np.ndarray]
    called: Callable[[np.ndarray], np.ndarray]

    def rows(self, rng, n):
        """n independent rows."""
        return self._rows(rng, rng.random(n))

    def column(self, n):
        """n known rows: the same in every draw."""
        return self._rows(np.random.default_rng(77), (np.arange(n) + 0.5) / n)

    def _rows(self, rng, q):
        teacher = (rng.random(len(q)) < self.wanted(q)).astype(np.intp)
        apart = np.where(teacher == WANTED, self.missed(q), self.called(q))
        codes = np.where(rng.random(len(q)) < apart, 1 - teacher, teacher)
        return Rows(1.0 - q, codes == teacher, codes, teacher=teacher)


def flat(value):
    return lambda q: np.full(len(q), value)


def tail(start, value):
    """Nothing before a rank, and a value behind it."""
    return lambda q: np.where(q >= start, value, 0.0)


# Handling all rows misses 5.5 % of the wanted ones: nearly all thresholds are right, the last few
# are wrong by a little. And the same where misses lie among the surest rows.
EDGE = Filter("edge", flat(0.05), tail(0.7, 0.055 / 0.3), flat(0.02))
EARLY = Filter("early", flat(0.05), lambda q: np.where(q < 0.3, 0.055 / 0.3, 0.0), flat(0.02))
# 3 % are wanted, and a third of them missed: agreement of .97 and more everywhere.
RARE = Filter("rare", flat(0.03), flat(0.35), flat(0.005))
GOOD = Filter("good", flat(0.1), tail(0.9, 0.2), flat(0.02))


def some(rows, which):
    return Rows(*(None if v is None else v[which] for v in _values(rows)))


def _values(rows):
    return rows.scores, rows.agree, rows.codes, rows.costs, rows.teacher


def pilot_of(rows):
    return Pilot(rows.scores, rows.agree, rows.codes, teacher=rows.teacher)


def share_of(rows, threshold, kind, n_delivered=None):
    """The promised share of rows whose labels are all known."""
    handled = rows.scores >= threshold
    if kind is OUTPUT:
        return 1 - (handled & ~rows.agree).sum() / (n_delivered or len(handled))
    if kind is RECALL:
        wanted = rows.teacher == WANTED
        return 1 - (handled & wanted & (rows.codes != WANTED)).sum() / max(wanted.sum(), 1)
    if kind is PRECISION:
        handled &= rows.codes == WANTED
    return rows.agree[handled].mean() if handled.any() else 1.0


def new_rows(world, n, target, n_draws, *, kind, read=None):
    """Certify on fresh draws; the truth is that of 200,000 rows. ``read``: a rule of its own."""
    rng = np.random.default_rng([n, round(1000 * target)])
    everyone = world.rows(np.random.default_rng(5), 200_000)

    def one(seed):
        pilot, tested = pilot_of(world.rows(rng, n)), world.rows(rng, n)
        threshold = (read or _read(kind))(Evidence(pilot, tested), target, seed)
        coverage = (everyone.scores >= threshold).mean()
        return share_of(everyone, threshold, kind) < target - 1e-9, coverage

    return Outcome.of([one(seed) for seed in range(n_draws)])


def known_column(world, n, n_others, target, n_draws, *, kind, read=None, answered=0):
    """Draw the rows of the test from one column; ``answered`` rows come out besides."""
    rng = np.random.default_rng([n, n_others, round(1000 * target)])
    everyone = world.column(n + n_others)
    total = n + n_others + answered

    def one(seed):
        order = rng.permutation(n + n_others)
        tested, others = some(everyone, order[:n]), some(everyone, order[n:])
        evidence = Evidence(pilot_of(world.rows(rng, n)), tested, others, total)
        threshold = (read or _read(kind))(evidence, target, seed)
        share = share_of(everyone, threshold, kind, total)
        return share < target - 1e-9, (everyone.scores >= threshold).mean()

    return Outcome.of([one(seed) for seed in range(n_draws)])


def _read(kind):
    def rule(evidence, target, seed):
        return certify(Promise(target, CONFIDENCE, kind=kind), evidence, seed=seed).threshold

    return rule


def estimate(kind):
    """Must be caught: the lowest threshold at which the tested rows themselves keep the share."""

    def rule(evidence, target, _seed):
        rows = evidence.tested
        kept = [t for t in np.unique(rows.scores) if share_of(rows, t, kind) >= target]
        return min(kept, default=math.inf)

    return rule


def off_agreement(evidence, target, seed):
    """Must be caught: recall read off selective agreement."""
    return certify(Promise(target, CONFIDENCE, kind=AGREEMENT), evidence, seed=seed).threshold


def off_output(evidence, target, seed):
    """Must be caught: agreement of handled rows read off the whole output."""
    return certify(Promise(target, CONFIDENCE, kind=OUTPUT), evidence, seed=seed).threshold


def off_asked(evidence, target, _seed):
    """Must be caught: rows that the teacher has answered, and cannot be wrong, counted as tested."""
    rows, total = evidence.tested, evidence.n_delivered
    asked = total - len(rows.scores) - len(evidence.others.scores)
    null = math.floor((1 - target) * total + 1e-9) + 1
    for t in np.unique(evidence.others.scores):
        wrong = ((rows.scores >= t) & ~rows.agree).sum()
        if hypergeom.cdf(wrong, total, null, len(rows.scores) + asked) <= DELTA:
            return t
    return math.inf


# --- recall ------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [EDGE, EARLY], ids=lambda w: w.name)
def test_recall_is_kept(world):
    for found in (
        new_rows(world, 2000, 0.95, SHORT, kind=RECALL),
        known_column(world, 2000, 3000, 0.95, SHORT, kind=RECALL),
    ):
        assert found.kept, found
        assert found.coverage > 0.1


def test_recall_has_power():
    assert new_rows(GOOD, 1500, 0.95, 40, kind=RECALL).coverage > 0.95


def test_recall_read_off_agreement_is_caught():
    assert not new_rows(RARE, 600, 0.95, 20, kind=RECALL, read=off_agreement).kept
    found = known_column(RARE, 600, 3000, 0.95, 20, kind=RECALL, read=off_agreement)
    assert not found.kept
    assert new_rows(RARE, 600, 0.95, 40, kind=RECALL).kept


def test_recall_by_estimate_is_caught():
    assert not new_rows(EDGE, 600, 0.95, 30, kind=RECALL, read=estimate(RECALL)).kept


def without_labels(evidence, counts):
    """Every missed row got no label: dropped from the test, or counted by its rule."""
    rows = evidence.tested
    gone = (rows.teacher == WANTED) & (rows.codes != WANTED)
    rows = (
        some(rows, ~gone)
        if not counts
        else Rows(rows.scores, rows.agree, rows.codes, teacher=np.where(gone, -1, rows.teacher))
    )
    return Evidence(evidence.pilot, rows, evidence.others)


@pytest.mark.parametrize("counts", [True, False])
def test_rows_without_a_label_count_as_missed(counts):
    def rule(evidence, target, seed):
        return _read(RECALL)(without_labels(evidence, counts), target, seed)

    assert new_rows(EDGE, 2000, 0.95, 60, kind=RECALL, read=rule).kept == counts


def test_the_binomial_bounds_every_column():
    """P(at most k of m drawn wanted rows are missed) is at most binomial wherever it is below .2."""
    for target in (0.8, 0.9, 0.95):
        for total in range(5, 300, 7):
            missed = math.floor((1 - target) * total + 1e-9) + 1
            m = np.arange(1, total + 1)[:, None]
            k = np.arange(4)[None]
            bound = binom.cdf(k, m, 1 - target)
            exact = hypergeom.cdf(k, total, missed, m)
            assert (exact <= bound + 1e-12)[bound <= 0.2].all()


# --- the whole output --------------------------------------------------------------------------

# Handling all rows is wrong on 10.4 % of them, of which the last eighth holds nearly all.
OUT = Filter("output", flat(0.5), tail(0.875, 0.8), tail(0.875, 0.864))


def test_whole_output_is_kept():
    for found in (
        new_rows(OUT, 1000, 0.9, SHORT, kind=OUTPUT),
        known_column(OUT, 600, 2400, 0.9, SHORT, kind=OUTPUT),
        # Half of the column was answered: a fifth of the open rows may be wrong.
        known_column(OUT, 600, 2400, 0.95, SHORT, kind=OUTPUT, answered=3000),
    ):
        assert found.kept, found
        assert found.coverage > 0.9


@pytest.mark.parametrize("answered", [0, 3000])
def test_whole_output_of_answered_rows_is_caught(answered):
    found = known_column(
        OUT,
        300,
        2700,
        0.95 if answered else 0.9,
        30,
        kind=OUTPUT,
        answered=answered,
        read=off_asked,
    )
    assert found.kept == (answered == 0)


def test_whole_output_by_estimate_is_caught():
    assert not new_rows(OUT, 400, 0.9, 30, kind=OUTPUT, read=estimate(OUTPUT)).kept


def test_whole_output_and_handled_rows_are_other_promises():
    """At one target the first handles more, and what it handles does not keep the second."""
    worse = Filter("worse", flat(0.5), lambda q: 0.3 * q, lambda q: 0.3 * q)
    assert not new_rows(worse, 600, 0.95, 40, kind=AGREEMENT, read=off_output).kept
    found = {k: new_rows(worse, 1500, 0.95, 20, kind=k) for k in (AGREEMENT, OUTPUT)}
    assert found[OUTPUT].kept
    assert found[AGREEMENT].kept
    assert found[OUTPUT].coverage > 1.3 * found[AGREEMENT].coverage


# --- precision ---------------------------------------------------------------------------------

# Of the rows called wanted, the upper half is right .96 of the time, all of them .89.
MIXED = Filter("mixed", flat(0.3), flat(0.05), lambda q: np.where(q < 0.5, 0.01, 0.08))


def test_precision_is_kept():
    for found in (
        new_rows(MIXED, 1500, 0.92, 40, kind=PRECISION),
        known_column(MIXED, 1500, 3000, 0.92, 40, kind=PRECISION),
    ):
        assert found.kept, found
        assert found.coverage > 0.2


def test_precision_read_off_agreement_is_caught():
    """All rows agree on .94, of those called wanted .84."""
    world = Filter("few", flat(0.1), flat(0.05), flat(0.02))
    assert not new_rows(world, 1000, 0.95, 20, kind=PRECISION, read=off_agreement).kept


# --- strata ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """Wanted rows among the kept ones and among the dropped ones, and how many are read."""

    kept: tuple[int, int, int]
    dropped: tuple[int, int, int]
    known: int = 0

    @property
    def recall(self):
        missed = self.dropped[1]
        return 1 - missed / (missed + self.kept[1] + self.known)

    def draw(self, rng):
        return [
            Stratum(n, read, int(rng.hypergeometric(wanted, n - wanted, read)))
            for n, wanted, read in (self.kept, self.dropped)
        ]


def exact(kept, dropped, known):
    found = recall_of_strata(kept, dropped, target=0.95, delta=DELTA, known=known)
    return found.passed


def pooled(kept, dropped, _known):
    """Must be caught: one binomial test over strata of different rates."""
    wanted = kept.n_wanted + dropped.n_wanted
    return binom.cdf(dropped.n_wanted, wanted, 0.05) <= DELTA


def passed(parts, n_draws, rule=exact):
    """Draws that pass, and whether they may where recall is below."""
    rng = np.random.default_rng(11)
    n = sum(rule(*parts.draw(rng), parts.known) for _ in range(n_draws))
    return n, n <= binom.ppf(0.999, n_draws, DELTA)


# One missed row more than allowed; with every kept row read, with a part, and with known ones.
JUST_BELOW = [
    Parts((300, 170, 300), (2000, 9, 500)),
    Parts((300, 170, 150), (2000, 9, 900)),
    Parts((100, 40, 60), (3000, 6, 1500), known=65),
    Parts((300, 170, 300), (2000, 9, 2000)),
]


@pytest.mark.parametrize("parts", JUST_BELOW)
def test_strata_keep_recall(parts):
    assert parts.recall < 0.95
    n, kept = passed(parts, 150)
    assert kept, n


def test_strata_have_power():
    """With a tenth more than the floor read, and nothing missed, every draw passes."""
    n = rows_to_read(2000, 170, 0.95, DELTA / 2)
    parts = Parts((300, 170, 300), (2000, 0, round(1.1 * n)))
    assert passed(parts, 20) == (20, False)
    assert passed(Parts((300, 170, 300), (2000, 0, round(0.6 * n))), 20)[0] == 0


def test_strata_pooled_are_caught():
    """Kept rows are all read and of the dropped ones a twentieth: recall .75 passes for .95."""
    n, kept = passed(Parts((300, 150, 300), (2000, 50, 100)), 200, pooled)
    assert not kept
    assert n > 100
    assert passed(Parts((300, 150, 300), (2000, 50, 100)), 200)[0] == 0


def test_strata_chosen_after_the_fact_are_caught():
    """Groups of dropped rows in which a miss was found are deferred, and the others tested."""
    rng = np.random.default_rng(2)
    # 40 groups of 50 rows, with one missed row in each; 15 of each are read.
    found = rng.random((200, 40)) < 15 / 50
    broken = 0
    for groups in found:
        left = int((~groups).sum())
        said = recall_of_strata(
            Stratum(170, 170, 170),
            Stratum(50 * left, 15 * left, 0),
            target=0.95,
            delta=DELTA,
            known=int(groups.sum()),
        )
        broken += said.passed and 1 - left / (170 + 40) < 0.95
    assert broken > 150


# --- long --------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("n", [600, 2000])
@pytest.mark.parametrize("target", [0.9, 0.95])
@pytest.mark.parametrize(
    ("kind", "world"),
    [
        *((RECALL, EDGE), (RECALL, EARLY), (RECALL, RARE), (OUTPUT, OUT), (OUTPUT, EDGE)),
        *((PRECISION, MIXED), (PRECISION, GOOD)),
    ],
    ids=lambda v: v.name if isinstance(v, Filter) else v.noun,
)
def test_other_promises_long(kind, world, target, n):
    for found in (
        new_rows(world, n, target, LONG, kind=kind),
        known_column(world, n, 3000, target, LONG, kind=kind),
        known_column(world, n, 1000, target, LONG, kind=kind, answered=2000),
    ):
        print(kind.noun, world.name, target, n, found)
        assert found.kept, found


@pytest.mark.long
@pytest.mark.parametrize("parts", JUST_BELOW)
def test_strata_long(parts):
    n, kept = passed(parts, LONG)
    print(parts, n)
    assert kept
