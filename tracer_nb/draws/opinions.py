"""What the LLMs of a chain said about the texts of a column, and what that is worth.

Each answer is one more opinion, which costs money: it is bought for the rows where it is expected
to spare the teacher. Nothing here is part of a promise: whoever is heard about a row before
everything is frozen may be chosen in any way. GUARANTEES, "A chain".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.engine.pool import Pool, fit_pool

__all__ = ["Heard", "Opinions", "Pools", "Rule"]

# What the next stage will change of an open row's score is taken from one of so many labelled rows
# around it.
_DONORS = 8
_FOLDS = 5
# A stage that was heard about fewer open rows says nothing about them as a whole.
_HARDLY = 0.02
# Standard errors by which a further opinion must make left-out labels more likely. Without it one that
# says nothing, or anything, is bought for the whole of a column in one look of ten.
_BEYOND_CHANCE = 1.64
_LEAST_LIKELY = 1e-6

Heard = tuple[int, ...]
"""Stages that were heard about a row, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """Answers of the S stages of a chain about all texts of a column.

    Attributes
    ----------
    codes : ndarray of shape (S, n_texts), int
        Labels; ``NO_LABEL`` or ``UNASKED``.
    soft : tuple of S ndarrays of shape (n_texts, K), or None
        Their distributions over all labels, a row of NaN where there is none.
    """

    codes: NDArray[np.intp]
    soft: tuple[NDArray[np.float32] | None, ...]

    def heard(self, stage: int) -> NDArray[np.bool_]:
        """Texts that a stage was asked about, (n_texts,)."""
        return np.asarray(self.codes[stage] != UNASKED)

    def sets(self, texts: NDArray[np.intp]) -> Iterator[tuple[Heard, NDArray[np.intp]]]:
        """Who was heard, and positions among ``texts`` of those where just these were."""
        asked = self.codes[:, texts] != UNASKED
        bits = (asked * (1 << np.arange(len(asked)))[:, None]).sum(axis=0)
        for mask in np.unique(bits).tolist():
            heard = tuple(i for i in range(len(asked)) if mask >> i & 1)
            yield heard, np.flatnonzero(bits == mask)

    def evidence(
        self, stage: int, texts: NDArray[np.intp], present: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """A stage's distribution over some labels, (n, k); zeros where it named none of them."""
        said = self.codes[stage, texts]
        found = (said[:, None] == present).astype(np.float32)
        soft = self.soft[stage]
        if soft is not None:
            own = soft[np.ix_(texts, present)]
            found = np.where(np.isnan(own) | (said < 0)[:, None], found, own)
        return np.asarray(found, dtype=np.float32)

    def only(
        self, labelled: Sequence[NDArray[np.intp]], quiet: Sequence[NDArray[np.intp]]
    ) -> Opinions:
        """The opinions as they were when each stage had labelled, or not, just these texts."""
        codes = np.full_like(self.codes, UNASKED)
        for stage, texts in enumerate(labelled):
            codes[stage, texts] = self.codes[stage, texts]
            codes[stage, quiet[stage]] = NO_LABEL
        # What was said since has no part in it, distributions neither.
        soft = tuple(
            None if each is None else np.where(said[:, None] >= 0, each, np.float32(np.nan))
            for each, said in zip(self.soft, codes, strict=True)
        )
        return Opinions(codes, soft)

    def labelled(self) -> tuple[NDArray[np.intp], ...]:
        """Texts that each stage gave a label to."""
        return tuple(np.flatnonzero(said >= 0) for said in self.codes)

    def quiet(self) -> tuple[NDArray[np.intp], ...]:
        """Texts that each stage was asked about, and gave no label to."""
        return tuple(np.flatnonzero(said == NO_LABEL) for said in self.codes)

    def digest(self) -> str:
        """Fingerprint of all that was said."""
        digest = hashlib.sha256(np.ascontiguousarray(self.codes, dtype=np.int64).tobytes())
        for stage, soft in enumerate(self.soft):
            if soft is not None:
                known = np.flatnonzero((self.codes[stage] >= 0) & ~np.isnan(soft[:, 0]))
                digest.update(np.ascontiguousarray(known, dtype=np.int64).tobytes())
                digest.update((soft[known] * 1e6).astype(np.int64).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom to hear about a row: the next of the stages in use while its score is below the cut.

    Attributes
    ----------
    used : tuple of int
        Stages, in the order in which they are heard.
    cut : float
    """

    used: Heard = ()
    cut: float = 0.0

    def next(self, heard: Heard) -> int | None:
        """The stage that is heard next where these were; None behind the last."""
        return next((stage for stage in self.used if stage not in heard), None)


class Pools:
    """A pool for each set of stages, fitted on the random rows about which these were heard.

    Chosen rows are those on which surrogate and stages part: weights from them make too little of
    agreement elsewhere. On GPT-4's answers to babe, target .90, 22 to 24 % of the open rows would be
    wrong by such weights after 690 labels, and 10 % were (2 draws).

    Parameters
    ----------
    outputs : ndarray of shape (n, k)
        The surrogate's on labelled rows, each left out of its fit.
    texts : ndarray of shape (n,), int
    codes : ndarray of shape (n,), int
        The teacher's labels among the k ``present``, -1 where it gave none.
    by_chance : ndarray of shape (n,), bool
        Which rows were drawn at random.
    opinions : Opinions
    present : ndarray of shape (k,), int
        Labels that the surrogate knows, among all of them.
    """

    def __init__(  # noqa: PLR0917  columns of one table
        self,
        outputs: NDArray[np.floating],
        texts: NDArray[np.intp],
        codes: NDArray[np.intp],
        by_chance: NDArray[np.bool_],
        opinions: Opinions,
        present: NDArray[np.intp],
    ) -> None:
        self._outputs, self._texts, self._codes = outputs, texts, codes
        self._random, self._opinions, self._present = by_chance, opinions, present
        self._made: dict[Heard, Pool | None] = {}
        self._by_others: dict[
            Heard, tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]
        ] = {}

    @property
    def n_labelled(self) -> int:
        """Labelled rows."""
        return len(self._texts)

    def hearing(self, opinions: Opinions) -> Pools:
        """The same pools, weighing what was said since."""
        for count in range(1 << len(opinions.codes)):  # none is fitted on anything new
            self.pool(tuple(s for s in range(len(opinions.codes)) if count >> s & 1))
        other = Pools(
            *(self._outputs, self._texts, self._codes, self._random, opinions, self._present)
        )
        other._made = self._made
        return other

    def pool(self, heard: Heard) -> Pool | None:
        """The pool of these stages and the surrogate; None where too few rows have heard them."""
        if heard not in self._made:
            rows = self._fitting(heard)
            opinions = self._evidence(heard, self._texts[rows])
            self._made[heard] = fit_pool(self._outputs[rows], opinions, self._codes[rows])
        return self._made[heard]

    def usable(self, heard: Heard) -> Heard:
        """Those of the stages that can be weighed."""
        while heard and self.pool(heard) is None:
            heard = heard[:-1]
        return heard

    def say(
        self, heard: Heard, outputs: NDArray[np.floating], texts: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Pooled labels and scores of rows about which these stages were heard."""
        heard = self.usable(heard)
        pool = self.pool(heard)
        if pool is None:  # hardly a label yet
            return outputs.argmax(axis=1), np.zeros(len(texts))
        p = pool.probabilities(outputs, self._evidence(heard, texts))
        return p.argmax(axis=1), p.max(axis=1)

    def now(
        self, outputs: NDArray[np.floating], texts: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Pooled labels and scores of rows, with whomever was heard about each."""
        codes, scores = np.zeros(len(texts), dtype=np.intp), np.zeros(len(texts))
        for heard, rows in self._opinions.sets(texts):
            codes[rows], scores[rows] = self.say(heard, outputs[rows], texts[rows])
        return codes, scores

    def by_rule(
        self, rule: Rule, outputs: NDArray[np.floating], texts: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], dict[int, NDArray[np.intp]]]:
        """Labels and scores as a rule has them, and rows about which a stage is still to be heard."""
        codes, scores = self.say((), outputs, texts)
        waiting: dict[int, NDArray[np.intp]] = {}
        heard: Heard = ()
        rows = np.flatnonzero(scores < rule.cut)
        for stage in rule.used:
            asked = self._opinions.heard(stage)[texts[rows]]
            waiting[stage] = rows[~asked]
            rows, heard = rows[asked], tuple(sorted((*heard, stage)))
            if not len(rows):
                break
            codes[rows], scores[rows] = self.say(heard, outputs[rows], texts[rows])
            rows = rows[scores[rows] < rule.cut]
        return codes, scores, waiting

    def labelled(self, rule: Rule) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores of the labelled rows as a rule has them, and whether the label is the teacher's."""
        codes, scores, _ = self._left_out(())
        heard: Heard = ()
        rows = np.flatnonzero(scores < rule.cut)
        for stage in rule.used:
            heard = tuple(sorted((*heard, stage)))
            rows = rows[self._opinions.heard(stage)[self._texts[rows]]]
            said, sure, _ = self._left_out(heard)
            codes[rows], scores[rows] = said[rows], sure[rows]
            rows = rows[scores[rows] < rule.cut]
        return scores, (codes == self._codes) & (self._codes >= 0)

    def helps(self, before: Heard, behind: Heard) -> bool:
        """Whether one more stage makes the random rows' labels more likely, beyond what is chance."""
        if self.pool(behind) is None:
            return False
        rows = self._fitting(behind)
        gain = np.log(self._left_out(behind)[2][rows] / self._left_out(before)[2][rows])
        return bool(gain.mean() > _BEYOND_CHANCE * gain.std() / np.sqrt(len(rows)))

    def _left_out(
        self, heard: Heard
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Pooled labels, scores, and the teacher's label's probability, by weights from other rows."""
        if heard not in self._by_others:
            codes, scores = self.say(heard, self._outputs, self._texts)
            right = np.ones(len(codes))
            weighed = self.usable(heard)
            rows, opinions = self._fitting(weighed), self._evidence(weighed, self._texts)
            for fold in range(_FOLDS):
                own, others = rows[fold::_FOLDS], np.delete(rows, np.s_[fold::_FOLDS])
                pool = fit_pool(
                    self._outputs[others], [o[others] for o in opinions], self._codes[others]
                )
                if pool is not None:
                    p = pool.probabilities(self._outputs[own], [o[own] for o in opinions])
                    codes[own], scores[own] = p.argmax(axis=1), p.max(axis=1)
                    likely = p[np.arange(len(own)), self._codes[own]]
                    right[own] = np.maximum(likely, _LEAST_LIKELY)
            self._by_others[heard] = codes, scores, right
        codes, scores, right = self._by_others[heard]
        return codes.copy(), scores.copy(), right

    def project(
        self,
        rule: Rule,
        outputs: NDArray[np.floating],
        texts: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], dict[int, NDArray[np.intp]]]:
        """Scores to expect of rows when the rule has been followed, and whom that asks about which.

        What a stage that was not heard will say is taken from labelled rows with a similar score.
        """
        scores = np.zeros(len(texts))
        bought: dict[int, list[NDArray[np.intp]]] = {stage: [] for stage in rule.used}
        for heard, rows in self._opinions.sets(texts):
            scores[rows] = self.say(heard, outputs[rows], texts[rows])[1]
            own, left = heard, rows
            while (stage := rule.next(own)) is not None:
                left = left[scores[left] < rule.cut]
                behind = tuple(sorted((*own, stage)))
                donors = self._donors(own, behind)
                if not len(left) or donors is None:
                    break
                bought[stage].append(left)
                scores[left] = _borrowed(scores[left], *donors, rng)
                own = behind
        none = np.empty(0, dtype=np.intp)
        return scores, {s: np.concatenate([none, *parts]) for s, parts in bought.items()}

    def so_far(self, outputs: NDArray[np.floating], texts: NDArray[np.intp]) -> Rule:
        """The rule that open rows were treated by: the least sure ones are heard first."""
        heard = [
            float(self._opinions.heard(s)[texts].mean()) for s in range(len(self._opinions.codes))
        ]
        used = tuple(s for s, share in enumerate(heard) if share > _HARDLY and len(texts))
        if not used:
            return Rule()
        first, share = self.say((), outputs, texts)[1], max(heard)
        return Rule(used, 1.01 if share > 1.0 - _HARDLY else float(np.quantile(first, share)))

    def _donors(
        self, before: Heard, behind: Heard
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Scores of labelled rows before a stage was heard, sorted, and behind it."""
        if self.pool(behind) is None:
            return None
        rows = self._labelled(behind)
        texts, outputs = self._texts[rows], self._outputs[rows]
        first = self.say(before, outputs, texts)[1]
        order = np.argsort(first, kind="stable")
        return first[order], self.say(behind, outputs, texts)[1][order]

    def _labelled(self, heard: Heard) -> NDArray[np.intp]:
        mask = np.ones(len(self._texts), dtype=bool)
        for stage in heard:
            mask &= self._opinions.heard(stage)[self._texts]
        return np.flatnonzero(mask)

    def _fitting(self, heard: Heard) -> NDArray[np.intp]:
        rows = self._labelled(heard)
        return rows[self._random[rows] & (self._codes[rows] >= 0)]

    def _evidence(self, heard: Heard, texts: NDArray[np.intp]) -> list[NDArray[np.float32]]:
        return [self._opinions.evidence(stage, texts, self._present) for stage in heard]


def _borrowed(
    scores: NDArray[np.float64],
    before: NDArray[np.float64],
    behind: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    at = np.searchsorted(before, scores) + rng.integers(-(_DONORS // 2), _DONORS // 2, len(scores))
    at = np.clip(at, 0, len(behind) - 1)
    # What hearing has changed, so that a stage that says nothing changes nothing.
    return np.asarray(expit(_logit(scores) + _logit(behind[at]) - _logit(before[at])))


def _logit(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(scores, _LEAST_LIKELY, 1.0 - _LEAST_LIKELY)))
