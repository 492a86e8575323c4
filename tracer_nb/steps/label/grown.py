"""How far hard-first labelling is, and its rows as the labelled rows of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NO_LABEL, UNASKED, Draw, rows_of
from tracer_nb.draws.fitted import Fitted
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Done
from tracer_nb.engine import SurrogateFit
from tracer_nb.engine.bounds import column_agreement_lower
from tracer_nb.labelsets import numbers_of, sets_of
from tracer_nb.records import Answer, Certificate
from tracer_nb.steps.column.sample import distributions

__all__ = [
    "Arranged",
    "Grown",
    "answers_of",
    "arrange",
    "expected_bill",
    "placed",
    "soft_of",
    "the_promise",
]

# Shares of a column that were asked about in all, least and most: BANKING77 with MiniLM vectors at
# target .90, and GPT-4's answers to babe at .92 (notebooks/measured.md, "The whole bill").
_MEASURED = (0.13, 0.83)
_LATEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """What hard-first labelling has reached.

    Attributes
    ----------
    job : HardFirst
        Says what is done next; it holds nothing that a restart would miss.
    key : str
        Of the column's draws in the store.
    said : ndarray of shape (n_unique,), int
        Answers: codes of labels, ``NO_LABEL`` or ``UNASKED``.
    done : Done or None
        Nothing more is drawn.
    """

    job: HardFirst
    key: str
    said: NDArray[np.intp]
    done: Done | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Rows of the column that were drawn, in the order of ``Labels.rows``.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        Of each text that came at random and is fitted on one row, then of each that was chosen,
        then the rows of the test, then what else has an answer.
    n_random, n_chosen, n_tested : int
    """

    rows: NDArray[np.intp]
    n_random: int
    n_chosen: int
    n_tested: int

    @property
    def tested(self) -> NDArray[np.intp]:
        """Rows of the test."""
        start = self.n_random + self.n_chosen
        return self.rows[start : start + self.n_tested]


def arrange(
    job: HardFirst,
    before: tuple[Draw, ...],
    said: NDArray[np.intp],
    draws: tuple[Draw, ...],
    tested: NDArray[np.intp],
) -> Arranged:
    """The rows that were drawn, with those that a frozen fit was made of in front.

    Parameters
    ----------
    job : HardFirst
    before : tuple of Draw
        Of which it was made.
    said : ndarray of shape (n_unique,), int
    draws : tuple of Draw
        All.
    tested : ndarray of int
        Rows of its test.
    """
    codes = job.column.codes
    texts, by_chance = job.column.fitted_on(before, said)
    every = rows_of(draws)
    first = np.full(job.column.n_texts, -1, dtype=np.intp)
    first[codes[every[::-1]]] = every[::-1]
    left = np.zeros(job.column.n_texts, dtype=bool)
    left[codes[every]] = True
    left[texts] = left[codes[tested]] = False
    others = np.flatnonzero(left & (said != UNASKED))
    parts = [first[texts[by_chance]], first[texts[~by_chance]], tested, first[others]]
    return Arranged(
        np.concatenate(parts).astype(np.intp),
        int(by_chance.sum()),
        int((~by_chance).sum()),
        len(tested),
    )


def answers_of(
    answers: Mapping[str, Answer],
    texts: Sequence[str],
    classes: tuple[str, ...],
    before: NDArray[np.intp] | None = None,
) -> NDArray[np.intp]:
    """The teacher's answers by text, codes of labels; what was known ``before`` stays."""
    number = numbers_of(classes)
    said = np.full(len(texts), UNASKED, dtype=np.intp) if before is None else before.copy()
    for i, text in enumerate(texts):
        if (answer := answers.get(text)) is not None:
            said[i] = number.get(answer.label, NO_LABEL)
    return said


def soft_of(
    answers: Mapping[str, Answer],
    texts: Sequence[str],
    classes: tuple[str, ...],
    before: NDArray[np.float32] | None = None,
) -> NDArray[np.float32] | None:
    """The teacher's distributions by text, (n_texts, K), NaN where it gave none; None without any.

    Those that were known ``before`` stay.
    """
    if sets_of(classes) is not None:  # shares of votes for sets are no chances of labels
        return None
    new = {
        i: answer
        for i, text in enumerate(texts)
        if (answer := answers.get(text)) is not None
        and answer.probabilities
        and (before is None or np.isnan(before[i, 0]))
    }
    if not new:
        return before
    soft = np.full((len(texts), len(classes)), np.nan, dtype=np.float32)
    if before is not None:
        soft[:] = before
    soft[list(new)] = distributions([*new.values()], classes)
    return soft


def expected_bill(
    grown: Grown | None, n_texts: int, n_start: int, fewest: int
) -> tuple[int, int, str]:
    """How many texts will be asked about in all, from where to where, and what says so.

    Parameters
    ----------
    grown : Grown or None
        Where the column is being labelled: then the latest outlooks say it.
    n_texts : int
        Distinct texts.
    n_start, fewest : int
        Of the random start, and of the smallest test; less cannot be.
    """
    least = min(n_start + fewest, n_texts)
    if grown is not None and grown.job.outlooks:
        latest = grown.job.outlooks[-_LATEST:]
        # An outlook is on the safe side; at the least all passes at the first look of the test.
        low = min(grown.job.aim.least(look) for look in latest)
        high = max(look.bill for look in latest)
        shares, source = (low / n_texts, high / n_texts), "the answers so far"
    else:
        shares = _MEASURED
        source = "three columns that were measured, before anything is known of this one"
    first, last = (_rounded(share * n_texts) for share in shares)
    return max(first, least), min(max(last, least), n_texts), source


def _rounded(n: float) -> int:
    """To two digits: more would be made up."""
    digits = 10 ** max(len(str(int(n))) - 2, 0)
    return int(round(n / digits) * digits)


def placed(fit: SurrogateFit, at: Arranged) -> SurrogateFit:
    """A frozen fit, its rows being positions among the arranged ones.

    It was made of the random texts, with the chosen ones behind them.
    """
    fitted = at.n_random + at.n_chosen
    return replace(
        fit,
        fit_rows=np.r_[fit.fit_rows, np.arange(at.n_random, fitted)],
        calibration_rows=np.arange(fitted, fitted + at.n_tested),
        set_aside=np.arange(fitted + at.n_tested, len(at.rows)),
        n_extra=0,
    )


def the_promise(
    certificate: Certificate, confidence: float, errors: tuple[float, ...], fitted: Fitted
) -> Certificate:
    """A certificate of one look as the promise of all rounds together.

    Rounds share one error budget, so that each of them holds with all of the confidence. What
    was spent beyond it, by another way of labelling, is named as earlier.
    """
    spent = sum(errors)
    over = spent - (1.0 - confidence) > 1e-9
    share = 1.0 - (1.0 - confidence) / certificate.n_targets
    return replace(
        certificate,
        confidence=confidence,
        # Where recall was tested on rows that are not given the label, nothing is said of agreement.
        agreement_lower=0.0
        if certificate.n_known
        else column_agreement_lower(
            certificate.n_agree,
            certificate.n_handled,
            certificate.n_population_handled or 0,
            confidence if certificate.n_targets == 1 else share,
        ),
        n_rounds=len(errors) if over else 1,
        earlier=spent - (1.0 - confidence) if over else 0.0,
        n_fit=fitted.fit.n_fit,
        also=tuple(the_promise(one, confidence, errors, fitted) for one in certificate.also),
    )
