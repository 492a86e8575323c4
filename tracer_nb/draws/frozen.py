"""What is frozen before rows of a test are drawn, and the tests of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import Draw
from tracer_nb.engine import ExtraRows, SurrogateFit, fit_surrogate
from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify
from tracer_nb.engine.extra import over_present
from tracer_nb.engine.outlook import Outlook, bin_ends, look_ahead
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import Certificate

__all__ = [
    "Fitted",
    "Frozen",
    "agreement_on",
    "best_look",
    "certify_new",
    "certify_open",
    "fit_answers",
    "plan_test",
]

# A hair below the score of the row that is the quantile, in whatever batch it is scored.
_HAIR = 1e-6
_LEAST_TEST = 30
# Tests stand so much closer than the bins that their start is planned in: of the rows between the
# last that passes and the next, half could have been answered. On BANKING77 .003 of the column.
_FINER = 4


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A surrogate with its gate, and what it says of all texts.

    Attributes
    ----------
    fit : SurrogateFit
    answers : Answers
        On all distinct texts of the column.
    scores : ndarray of shape (n_texts,)
        Along the path; -inf where the guard defers.
    """

    fit: SurrogateFit
    answers: Answers
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frozen(Fitted):
    """The same, and the test that was planned for it.

    Attributes
    ----------
    thresholds : ndarray, decreasing
        In the order of testing.
    outlook : Outlook
    """

    thresholds: NDArray[np.float64]
    outlook: Outlook


def fit_answers(
    X: list[Any],
    texts: NDArray[np.intp],
    codes: NDArray[np.intp],
    by_chance: NDArray[np.bool_],
    *,
    classes: tuple[str, ...],
    soft: NDArray[np.float32] | None,
    rest: NDArray[np.intp],
    target: float,
    confidence: float,
    seed: int,
    options: Mapping[str, Any],
    called: ExtraRows | None = None,
) -> Fitted:
    """Fit on all answers.

    Parameters
    ----------
    X : list of matrix of shape (n_texts, d)
    texts : ndarray of shape (n,), int
        Texts to fit on.
    codes : ndarray of shape (n,), int
        Their labels among the K ``classes``, below 0 where there is none.
    by_chance : ndarray of shape (n,), bool
        Which of them were drawn at random: these choose and plan.
    classes : tuple of str
    soft : ndarray of shape (n, K), or None
        The teacher's distributions; a row of NaN where it gave none.
    rest : ndarray of int
        Texts without an answer.
    target, confidence : float
    seed : int
    options : mapping
        Of the fit.
    called : ExtraRows, optional
        What the labels are called; fitted on where out-of-fold answers say so.
    """
    names, chosen = _names(codes, classes), ~by_chance

    def softly(rows: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        return None if soft is None else over_present(soft[rows], codes[rows], classes)

    own, more = texts[by_chance], texts[chosen]
    extra = None
    if len(more):
        X_more = [block[more] for block in X]
        extra = ExtraRows(X_more, names[chosen], more, softly(chosen))
    fit = fit_surrogate(
        [block[own] for block in X],
        names[by_chance],
        soft_labels=softly(by_chance),
        unlabelled=[block[rest] for block in X] if len(rest) else None,
        groups=own,
        calibration=np.zeros(len(own), dtype=bool),
        extra=extra,
        names=called,
        n_tested=max(_LEAST_TEST, len(own)),
        **{**options, "target": target, "confidence": confidence, "seed": seed},
    )
    answers = fit.pipeline.predict(X)
    return Fitted(fit, answers, fit.path(answers, None, target))


def plan_test(
    fitted: Fitted,
    open_codes: NDArray[np.intp],
    *,
    n_labels: int,
    target: float,
    delta: float,
    failed: int,
    most: int | None,
    seed: int,
) -> Frozen:
    """Plan the test of the open rows; nothing is fitted.

    Parameters
    ----------
    fitted : Fitted
    open_codes : ndarray of int
        Text of each open row.
    n_labels : int
        Texts that were asked about.
    target, delta : float
    failed : int
        Tests that did not pass.
    most : int or None
        Rows that the test may have.
    seed : int
    """
    fit, among = fitted.fit, fitted.scores[open_codes]
    parts = [fit.pilot] if fit.extra_pilot is None else [fit.pilot, fit.extra_pilot]
    left_out = np.concatenate([part.scores for part in parts])
    outlook = look_ahead(
        among,
        left_out,
        np.concatenate([part.agree for part in parts]),
        np.arange(len(left_out)) < len(fit.pilot.scores),
        n_open=len(open_codes),
        n_labels=n_labels,
        target=target,
        delta=delta,
        failed=failed,
        most=most,
        seed=seed,
    )
    ordered = np.sort(among[np.isfinite(among)])[::-1]
    ends = bin_ends(len(ordered), _FINER)
    grid = np.maximum(ordered[np.maximum(ends, 1) - 1] - _HAIR, 0.0) if len(ordered) else ordered
    thresholds = np.unique(grid[(outlook.start + 1) * _FINER - 1 :: outlook.stride])[::-1]
    return Frozen(fit, fitted.answers, fitted.scores, thresholds, outlook)


def _names(codes: NDArray[np.intp], classes: tuple[str, ...]) -> NDArray[np.object_]:
    """Labels by name, None where there is none."""
    return np.array([*classes, None], dtype=object)[np.where(codes >= 0, codes, len(classes))]


def agreement_on(
    fitted: Fitted, texts: NDArray[np.intp], labels: NDArray[np.intp], classes: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Whether surrogate and teacher agree; never where there is no label, or no answer."""
    said = _names(labels[texts], classes)
    mine = fitted.fit.classes[fitted.answers.codes[texts]]
    return np.array([a == b for a, b in zip(said, mine, strict=True)], dtype=bool)


def certify_open(
    frozen: Frozen,
    codes: NDArray[np.intp],
    open_: NDArray[np.intp],
    draw: Draw,
    look: int,
    *,
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    target: float,
) -> Certificate:
    """The exact test of the open rows at one look.

    Parameters
    ----------
    frozen : Frozen
    codes : ndarray of shape (n_rows,), int
        Text of each row of the column.
    open_ : ndarray of int
        Rows that were open when it was frozen.
    draw : Draw
        The rows of the test, a simple random sample of them.
    look : int
        At the first rows of the draw, as many as were planned for this look. Rows that were not
        drawn never count, though a copy's answer may be known.
    labels, classes
        Answers; a row without a label, or without an answer, is a disagreement.
    target : float

    Returns
    -------
    Certificate
        About all handled rows among the open ones, tested ones included.
    """
    planned = draw.looks[look]
    rows = draw.rows[: planned.n_rows]
    others = np.setdiff1d(open_, rows)
    evidence = Evidence(
        frozen.fit.pilot,
        Rows(frozen.scores[codes[rows]], agreement_on(frozen, codes[rows], labels, classes)),
        Rows(frozen.scores[codes[others]]),
    )
    return certify(Promise(target, 1.0 - planned.error), evidence, thresholds=frozen.thresholds)


def best_look(
    frozen: Frozen,
    codes: NDArray[np.intp],
    open_: NDArray[np.intp],
    draw: Draw,
    looks: int,
    *,
    complete: Sequence[bool],
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    target: float,
) -> Certificate | None:
    """The certificate with the loosest threshold that passed at one of the first looks.

    Parameters
    ----------
    frozen, codes, open_, draw, labels, classes, target
        As in :func:`certify_open`.
    looks : int
    complete : sequence of bool
        Whether every row of each look has an answer. One that is not complete is never taken, but
        for the last, at which rows without an answer are disagreements.
    """
    best: Certificate | None = None
    for k in range(looks):
        if not complete[k] and k < len(draw.looks) - 1:
            continue
        found = certify_open(
            *(frozen, codes, open_, draw, k), labels=labels, classes=classes, target=target
        )
        if found.certified and (best is None or found.threshold < best.threshold):
            best = found
    return best


def certify_new(
    frozen: Frozen,
    texts: NDArray[np.intp],
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    *,
    target: float,
    confidence: float,
    seed: int,
) -> Certificate:
    """The test of rows that were set aside before anything was chosen: about new rows.

    Parameters
    ----------
    frozen : Frozen
    texts : ndarray of int
        Text of each row set aside.
    labels, classes
        As in :func:`certify_open`.
    target, confidence : float
    seed : int
    """
    rows = Rows(frozen.scores[texts], agreement_on(frozen, texts, labels, classes))
    evidence = Evidence(frozen.fit.pilot, rows)
    return certify(Promise(target, confidence), evidence, seed=seed)
