"""The tests of several promises on the same shuffled rows: what each is of, and what passed until now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NO_LABEL, UNASKED, Draw
from tracer_nb.draws.filters import Recall
from tracer_nb.draws.frozen import Frozen, evidence_of
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.draws.reading import certify_reading
from tracer_nb.engine.certificates import Promise, Tally, certificate_of, walk, with_known
from tracer_nb.records import HANDLED, Certificate, PromiseName

__all__ = ["Answered", "FrozenTogether", "Made", "OwnTest", "Tested"]


@dataclass(frozen=True, slots=True)
class OwnTest:
    """The test of one of the promises, fixed when all is frozen.

    Attributes
    ----------
    promise : PromiseName
    looks : tuple of (int, float)
        Rows of its own set at each look, and part of the error budget.
    reads : bool
        Its rows are those that are not given the label; else they are all open rows.
    implied : bool
        It holds where agreement of the handled rows does, and spends nothing.
    """

    promise: PromiseName
    looks: tuple[tuple[int, float], ...]
    reads: bool = False
    implied: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FrozenTogether(Frozen):
    """What was fitted, and the tests that were planned for it.

    Attributes
    ----------
    tests : tuple of OwnTest
        In the order of the promises.
    """

    tests: tuple[OwnTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Tested:
    """What the tests speak about.

    Attributes
    ----------
    frozen : FrozenTogether
    column : Column
    classes : tuple of str
    terms : Terms
    n_rows : int
        All that come out.
    recalls : mapping of Recall
        By their promises.
    """

    frozen: FrozenTogether
    column: Column
    classes: tuple[str, ...]
    terms: Terms
    n_rows: int
    recalls: Mapping[PromiseName, Recall]

    @property
    def n_shares(self) -> int:
        """Tests that share the error budget."""
        return sum(not test.implied for test in self.frozen.tests)

    def speaks_of(self, test: OwnTest, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which rows are among those that a test is drawn from."""
        if not test.reads:
            return np.ones(len(rows), dtype=bool)
        return np.isin(rows, self.recalls[test.promise].dropped(self.frozen, rows))


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Rows of the tests, in the order in which they were shuffled.

    Attributes
    ----------
    open : ndarray of int
        Rows that were open when all was frozen.
    before : tuple of Draw
        The record until then.
    rows : ndarray of int
        The first of them.
    labels : ndarray of shape (n_texts,), int
    """

    open: NDArray[np.intp]
    before: tuple[Draw, ...]
    rows: NDArray[np.intp]
    labels: NDArray[np.intp]


class Made:
    """One of the tests at all of its looks until some rows are answered.

    Attributes
    ----------
    passed : ndarray, decreasing
        Thresholds that passed at one of them.
    over : bool
        No further look can pass.

    Parameters
    ----------
    test : OwnTest
    job : Tested
    evidence : Answered
    """

    def __init__(self, test: OwnTest, job: Tested, evidence: Answered) -> None:
        frozen, rows = job.frozen, evidence.rows
        self.test, self.job, self.frozen = test, job, frozen
        self.open, self.before, self.labels = evidence.open, evidence.before, evidence.labels
        self.rows = rows[job.speaks_of(test, rows)]
        recall = job.recalls.get(test.promise)
        # Rows with the label that have been answered.
        self.known = 0 if recall is None else recall.known(evidence.before, evidence.labels)
        self.looks = [k for k, (n, _) in enumerate(test.looks) if n <= len(self.rows)]
        self.over = len(self.looks) == len(test.looks)
        self.tallies: dict[int, tuple[Tally, NDArray[np.float64], int]] = {}
        if test.reads:
            passes = [k for k in self.looks if self._found(k) <= k]
            self.over |= bool(self.looks) and self._found(self.looks[-1]) >= len(test.looks)
            self.passes = passes
            self.passed = frozen.thresholds if passes else np.empty(0)
            return
        for k in self.looks:
            tally = self._tally(k)
            passed, n_tested = walk(tally, frozen.thresholds)
            self.tallies[k] = tally, passed[tally.about.handled(passed) > 0], n_tested
        if test.implied:
            self.passed = frozen.thresholds
            return
        every = [passed for _, passed, _ in self.tallies.values()]
        self.passed = np.unique(np.concatenate([np.empty(0), *every]))[::-1]

    def _texts(self, k: int) -> NDArray[np.intp]:
        return self.job.column.codes[self.rows[: self.test.looks[k][0]]]

    def _found(self, k: int) -> float:
        """Rows read at a look that have the label, or none; without an answer nothing passes."""
        said = self.labels[self._texts(k)]
        code = self.job.classes.index(str(self.test.promise.label))
        n = int(((said == code) | (said == NO_LABEL)).sum())
        return math.inf if (said == UNASKED).any() else n

    def _tally(self, k: int) -> Tally:
        job, n_shares = self.job, self.job.n_shares
        n, error = self.test.looks[k]
        kind, evidence = evidence_of(
            *(self.frozen, job.column.codes, self.open, self.rows[:n]),
            labels=self.labels,
            classes=job.classes,
            promise=self.test.promise,
            among=job.terms.promises,
            n_delivered=job.n_rows if self.test.promise.kind == "output" else None,
        )
        confidence = 1.0 - error * n_shares
        if self.test.promise.kind == "recall":
            kind = with_known(kind, self.known, n, error)
        return Tally.of(Promise(job.terms.target, confidence, n_shares, kind), evidence)

    def certificate(self, at: float) -> Certificate:
        """What it shows at a threshold that all tests permit; a refusal where there is none."""
        passes = math.isfinite(at)
        if self.test.reads:
            return self._of_reading(at if passes else None)
        k = max((k for k in self.tallies if not passes or self._permits(k, at)), default=None)
        if k is None:  # not one look yet
            n_shares = self.job.n_shares
            confidence = 1.0 - self.test.looks[0][1] * n_shares
            return _nothing(self.job, self.test.promise, confidence, n_shares)
        tally, passed, n_tested = self.tallies[k]
        kept = np.r_[passed[passed > at], at] if passes else passed[:0]
        found = certificate_of(tally, kept, max(n_tested, len(kept)))
        if not self.known:
            return found
        return replace(found, n_known=self.known, n_counted=found.n_counted + self.known)

    def _permits(self, k: int, at: float) -> bool:
        if self.test.implied:
            return True
        passed = self.tallies[k][1]
        if self.test.promise == HANDLED:
            return bool((passed == at).any())
        return bool(len(passed)) and float(passed[-1]) <= at

    def _of_reading(self, at: float | None) -> Certificate:
        job, frozen = self.job, self.frozen
        recall = job.recalls[self.test.promise]
        n_shares = job.n_shares
        if not self.looks:
            return _nothing(
                job, self.test.promise, 1.0 - self.test.looks[0][1] * n_shares, n_shares
            )
        k = self.passes[0] if at is not None else self.looks[-1]
        return certify_reading(
            *(frozen, job.classes, (self._texts(k), self.labels), k),
            code=recall.wanted,
            error=self.test.looks[k][1],
            scores=frozen.scores[job.column.codes[self.open]],
            known=self.known,
            terms=recall.terms,
            threshold=math.inf if at is None else at,
        )


def _nothing(job: Tested, promise: PromiseName, confidence: float, n_shares: int) -> Certificate:
    """A refusal that nothing was tested for."""
    return Certificate(
        method="column",
        target=job.terms.target,
        confidence=confidence,
        threshold=math.inf,
        certified=False,
        coverage=0.0,
        agreement=math.nan,
        agreement_lower=0.0,
        n_fit=0,
        n_calibration=0,
        n_handled=0,
        n_agree=0,
        n_targets=n_shares,
        promise=promise,
    )
