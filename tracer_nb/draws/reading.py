"""Recall of a rare label: how many of the dropped rows are read, and what that is expected to take.

Wanted rows are asked about first, the likeliest before the others; what is left open and is not
given the label is *dropped*. A share of the dropped rows is then read at random, and the promise
holds if hardly any of those is wanted. GUARANTEES, "Rare labels".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.draws.fitted import agreement_on
from tracer_nb.draws.frozen import Frozen
from tracer_nb.draws.moves import Terms
from tracer_nb.engine.outlook import Outlook
from tracer_nb.records import Certificate, Setting

__all__ = ["Late", "breaking", "certify_reading", "expect_reading", "plan_reading", "risk"]

# Look k of a test passes with k missed rows at most. These are the parts of its error budget before all
# looks are enlarged together, until what they risk is the whole of it. With 200 wanted rows, target .95,
# one look costs .19 of the dropped rows where nothing is missed, and fails on the first missed one; these
# cost .22, and pass with three missed ones after .34 on average.
_LOOKS = (0.4, 0.3, 0.2, 0.1)
_STEPS, _LARGEST = 7, 4.0
# Wanted rows that are still to be found, over those found among the last third of the labels; and
# as many where none was found. On 6 intents of BANKING77 (1.1 to 1.7 % of the rows), from 700 labels.
_LEFT, _PRIOR = 0.35, 0.5
# Reading more of them than this hardly saves anything.
_MOST_SHARE = 0.8
# What a failed test costs in further reading, as a share of the rows not yet read.
_AFTER = 0.5
_MOST_LEFT = 60


@dataclass(frozen=True, slots=True)
class Late:
    """What the last third of the labels found.

    Attributes
    ----------
    n_rows, n_wanted : int
        Rows asked about then, and those of them that the teacher gave the label.
    n_known : int
        Wanted rows that have an answer, whenever they were asked about.
    """

    n_rows: int
    n_wanted: int
    n_known: int = 0

    @property
    def left(self) -> float:
        """Wanted rows that may still be open."""
        return _LEFT * (self.n_wanted + _PRIOR)


def breaking(n_known: int, target: float, found: int = 0) -> int:
    """Wanted rows among the dropped ones with which recall is below its target, some being found.

    The smallest w with w - found > (1 - R) (known + w): rows that were read come out right. The tiny
    term keeps a permitted one.

    >>> breaking(160, 0.95), breaking(0, 0.95), breaking(160, 0.95, found=2)
    (9, 1, 11)
    """
    return int(np.floor(((1.0 - target) * n_known + found) / target + 1e-9)) + 1


def risk(sizes: Sequence[int], n_dropped: int, n_known: int, target: float) -> float:
    """How likely a test passes though recall is below its target, at the most.

    Parameters
    ----------
    sizes : sequence of int, increasing
        Rows read at each look; look k, from 0, passes with k wanted rows among them at most.
    n_dropped, n_known : int
        Dropped rows, and wanted rows that have an answer.
    target : float

    Notes
    -----
    Of w wanted rows among the dropped ones, x of them read by a look that passes, w - x are missed of
    at least known + w. For each w the chance that some look passes while that is too many is a sum
    over paths of hypergeometric draws; from the w on at which every passing look is wrong it falls.
    A look at all dropped rows finds every wanted one: it breaks nothing, and no look is larger.
    """
    sizes = [min(n, n_dropped) for n in sizes]
    last = len(sizes) - 1
    most = min(breaking(n_known, target, last), n_dropped)
    least = breaking(n_known, target)
    return max(
        (_wrongly(sizes, n_dropped, n_known, target, w) for w in range(least, most + 1)),
        default=0.0,
    )


def _wrongly(
    sizes: Sequence[int], n_dropped: int, n_known: int, target: float, wanted: int
) -> float:
    """The same for one number of wanted rows."""
    # With more of them read than the last look allows no look passes any more.
    most = min(wanted, len(sizes) - 1)
    at = np.zeros(most + 1)
    at[0] = 1.0
    before, total = 0, 0.0
    for k, n in enumerate(sizes):
        after = np.zeros(most + 1)
        for x in np.flatnonzero(at).tolist():
            more = np.arange(most - x + 1)
            after[x:] += at[x] * _holds(more, n_dropped - before, wanted - x, n - before)
        # It passes with so many of them read; the promise is broken where that leaves too many.
        for found in range(min(k, most) + 1):
            if breaking(n_known, target, found) <= wanted:
                total += float(after[found])
            after[found] = 0.0
        at, before = after, n
    return total


def _holds(k: NDArray[np.intp], n_rows: int, n_wanted: int, n_read: int) -> NDArray[np.float64]:
    """Hypergeometric probabilities: so many wanted rows among those read."""

    def ways(n: Any, k: Any) -> Any:
        return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)

    others = n_rows - n_wanted
    possible = (k <= min(n_wanted, n_read)) & (n_read - k <= others)
    own = np.where(possible, k, max(0, n_read - others))
    log = ways(n_wanted, own) + ways(others, n_read - own) - ways(n_rows, n_read)
    return np.where(possible, np.exp(log), 0.0)


def plan_reading(
    n_dropped: int, n_known: int, target: float, delta: float, most: int | None = None
) -> tuple[tuple[int, float], ...]:
    """Looks at the dropped rows, fixed before any is drawn: rows read, and part of the error budget.

    Look k, from 0, passes with k wanted rows at most. All of them together pass wrongly with
    probability ``delta`` at the most: see :func:`risk`.

    Parameters
    ----------
    n_dropped, n_known : int
        Dropped rows, and wanted ones that have an answer.
    target, delta : float
    most : int, optional
        Rows that the test may have. Where the last look would have more, or hardly saved anything,
        there are fewer looks; without any the tuple is empty.

    Examples
    --------
    >>> [n for n, _ in plan_reading(11_500, 200, 0.95, 0.1)]
    [2327, 3714, 4857, 5960]
    """
    if breaking(n_known, target) > n_dropped:  # nothing can break it: one row is a test
        return ((min(1, n_dropped), delta),) if n_dropped else ()
    room = min(n_dropped if most is None else most, int(_MOST_SHARE * n_dropped))
    for n_looks in range(len(_LOOKS), 0, -1):
        parts = np.array(_LOOKS[:n_looks]) / sum(_LOOKS[:n_looks])
        if breaking(n_known, target, n_looks - 1) > n_dropped:
            continue
        sizes = _enlarged(n_dropped, n_known, target, delta, parts)
        if sizes[-1] <= room:
            return tuple(zip(sizes, (parts * delta).tolist(), strict=True))
    return ()


def _enlarged(
    n_dropped: int, n_known: int, target: float, delta: float, parts: NDArray[np.float64]
) -> list[int]:
    """Sizes of the looks, each as small as its part of so much more than the budget allows."""

    def sizes(larger: float) -> list[int]:
        found: list[int] = []
        for k, part in enumerate(parts):
            bad = breaking(n_known, target, k)
            fewest = _fewest(n_dropped, k, bad, larger * part * delta)
            found.append(max(fewest, found[-1] + 1 if found else 1))
        return found

    low, high = 1.0, _LARGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        keeps = risk(sizes(middle), n_dropped, n_known, target) <= delta
        low, high = (middle, high) if keeps else (low, middle)
    return sizes(low)


def _fewest(n_dropped: int, found: int, bad: int, error: float) -> int:
    """Fewest rows read, so many of them wanted, that refute ``bad`` wanted rows."""
    low, high = 1, n_dropped
    while low < high:
        middle = (low + high) // 2
        if _holds(np.arange(found + 1), n_dropped, bad, middle).sum() <= error:
            high = middle
        else:
            low = middle + 1
    return low


def expect_reading(
    n_labels: int,
    n_open: int,
    n_dropped: int,
    late: Late,
    *,
    target: float,
    delta: float,
    failed: int = 0,
    most: int | None = None,
) -> Outlook:
    """The bill, if the dropped rows were read now.

    Parameters
    ----------
    n_labels, n_open, n_dropped : int
        Rows asked about until now, open ones, and those of them that are dropped.
    late : Late
    target, delta : float
        Of the test to come.
    failed : int
        Tests that did not pass: more was left than was expected.
    most : int, optional
        Rows that the test may have.
    """
    n_known = late.n_known
    looks = plan_reading(n_dropped, n_known, target, delta, most)
    everything = float(n_labels + n_open)
    left = late.left * (1.0 + failed)
    wrong = left / max(n_known + left, 1.0)
    if not looks or not n_known:
        return Outlook(n_labels, 0, 0, 1, 0.0, 0.0, float(n_open), everything, wrong)
    read, chance = _expected(looks, n_dropped, left)
    first = looks[0][0]
    return Outlook(
        *(n_labels, first, 0, 1, chance, n_dropped / n_open, read - first, n_labels + read, wrong),
        gain=_gain(late, looks, n_dropped),
    )


def _expected(
    looks: tuple[tuple[int, float], ...], n_dropped: int, left: float
) -> tuple[float, float]:
    """Dropped rows that are read on average, and how likely a look passes.

    The missed rows are Poisson with mean ``left``; how many of them each look holds is walked
    through look by look.
    """
    n_missed = np.arange(_MOST_LEFT)
    read, chance = 0.0, 0.0
    most = len(looks) - 1
    # How likely so many missed rows have been read and as many not, none of the looks having passed.
    at = {
        (0, int(w)): float(p)
        for w, p in zip(n_missed, stats.poisson.pmf(n_missed, left), strict=True)
    }
    before = 0
    for k, (n, _) in enumerate(looks):
        share = (n - before) / max(n_dropped - before, 1)
        # With more of them read than the last look allows no look passes any more.
        parts = stats.binom.pmf(np.arange(most + 1), n_missed[:, None], share).tolist()
        after: dict[tuple[int, int], float] = {}
        for (found, rest), p in at.items():
            if p < 1e-6:
                continue
            for more, q in enumerate(parts[rest][: min(rest, most - found) + 1]):
                if found + more <= k:
                    read, chance = read + p * q * n, chance + p * q
                else:
                    key = found + more, rest - more
                    after[key] = after.get(key, 0.0) + p * q
        at, before = after, n
    failing = max(1.0 - chance, 0.0)
    return read + failing * (before + _AFTER * (n_dropped - before)), chance


def _gain(late: Late, looks: tuple[tuple[int, float], ...], n_dropped: int) -> float:
    """Rows of reading that one more row asked about saves, on average: above 1, asking pays."""
    less, more = max(late.left - 0.5, 0.0), late.left + 0.5
    rows = _expected(looks, n_dropped, more)[0] - _expected(looks, n_dropped, less)[0]
    return rows / (more - less) * late.left / max(late.n_rows, 1)


def certify_reading(
    frozen: Frozen,
    classes: tuple[str, ...],
    read: tuple[NDArray[np.intp], NDArray[np.intp]],
    look: int,
    *,
    code: int,
    error: float,
    scores: NDArray[np.float64],
    known: int,
    terms: Terms,
    threshold: float = 0.0,
) -> Certificate:
    """The exact test of recall at one look, about all open rows.

    Parameters
    ----------
    frozen : Frozen
    classes : tuple of str
    read : (ndarray of int, ndarray of int)
        Texts of the rows read, and all answers. A row that got no label counts as a wanted one; where
        a row has no answer, nothing passes.
        The texts are those of a simple random sample of the dropped rows.
    look : int
    code : int
        Of the label.
    error : float
        Of the test.
    scores : ndarray of shape (n_open,)
        Of the open rows.
    known : int
        Wanted rows that the teacher has answered before.
    terms : Terms
    threshold : float
        Open rows with this score are answered. Of a stricter one than that of all rows no more are
        missed, so it needs no test of its own.
    """
    texts, labels = read
    said, agree = labels[texts], agreement_on(frozen, texts, labels, classes)
    found = (said == code) | (said == NO_LABEL)
    n_found, n_open = int(found.sum()), len(scores)
    answered, n_handled = frozen.scores[texts] >= threshold, int((scores >= threshold).sum())
    passed = n_found <= look and not (said == UNASKED).any() and n_handled > 0
    coverage = n_handled / max(n_open, 1) if passed else 0.0
    n_answered, n_agree = int(answered.sum()), int((agree & answered).sum())
    return Certificate(
        method="column",
        target=terms.target,
        confidence=1.0 - error * terms.shares,
        threshold=threshold if passed else np.inf,
        certified=passed,
        coverage=coverage,
        cost_coverage=coverage,
        agreement=n_agree / n_answered if passed and n_answered else np.nan,
        # Rows that are given the label were not read: nothing is said of agreement.
        agreement_lower=0.0,
        whole_output_lower=0.0,
        n_fit=frozen.fit.n_fit,
        n_calibration=len(texts),
        n_handled=n_answered if passed else 0,
        n_agree=n_agree if passed else 0,
        n_tested=1,
        n_targets=terms.shares,
        n_population=n_open,
        n_population_handled=n_handled if passed else 0,
        settings=(Setting(threshold, coverage, coverage),) if passed else (),
        promise=terms.promise,
        n_counted=known + n_found,
        n_wrong=int((found & answered).sum()) if passed else n_found,
        n_known=known,
    )
