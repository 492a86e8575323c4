"""What is fitted on the answers of a job, and what surrogate and teacher say of rows by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.chained import Chained, pooled_by
from tracer_nb.draws.opinions import Opinions, Pools, Rule
from tracer_nb.engine import ExtraRows, SurrogateFit, fit_surrogate
from tracer_nb.engine.certificates import Rows, teacher_codes, with_promised
from tracer_nb.engine.extra import over_present
from tracer_nb.engine.growing import looked_at
from tracer_nb.engine.pipeline import Answers
from tracer_nb.engine.race import OnPart
from tracer_nb.labelsets import names_of, sets_of
from tracer_nb.records import PromiseName

__all__ = ["Fitted", "agreement_on", "chained", "fit_answers", "rows_on"]

_LEAST_TEST = 30


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
    labelled : ndarray of shape (n,), int
        Texts of the fit's pilot and extra rows, whose outputs it has.
    codes : ndarray of shape (n,), int
        Their labels among the fit's classes, -1 where there is none.
    """

    fit: SurrogateFit
    answers: Answers
    scores: NDArray[np.float64]
    labelled: NDArray[np.intp]
    codes: NDArray[np.intp]

    @property
    def left_out(self) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Of the labelled rows: scores, agreement, and which were drawn at random."""
        parts = [self.fit.pilot, *filter(None, [self.fit.extra_pilot])]
        scores = np.concatenate([part.scores for part in parts])
        agree = np.concatenate([part.agree for part in parts])
        return scores, agree, np.arange(len(scores)) < len(parts[0].scores)


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
    on_part: OnPart | None = None,
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
    on_part : callable, optional
        Told how many parts of the fit are done, and of how many.
    """
    names, chosen, sets = names_of(classes, codes), ~by_chance, sets_of(classes)

    def softly(rows: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        return None if soft is None or sets else over_present(soft[rows], codes[rows], classes)

    own, more = texts[by_chance], texts[chosen]
    extra = None
    if len(more):
        X_more = [block[more] for block in X]
        extra = ExtraRows(X_more, names[chosen], more, softly(chosen))
    fit = fit_surrogate(
        [block[own] for block in X],
        names[by_chance],
        soft_labels=softly(by_chance),
        unlabelled=(lambda: [block[looked_at(rest, seed)] for block in X]) if len(rest) else None,
        groups=own,
        calibration=np.zeros(len(own), dtype=bool),
        extra=extra,
        names=called,
        n_tested=max(_LEAST_TEST, len(own)),
        sets=sets,
        on_part=on_part,
        **{**options, "target": target, "confidence": confidence, "seed": seed},
    )
    answers = fit.pipeline.predict(X)
    known = codes >= 0
    order = np.r_[np.flatnonzero(by_chance)[fit.pilot_rows], np.flatnonzero(chosen & known)]
    own = fit.numbers(names[order], len(order))
    return Fitted(fit, answers, fit.path(answers, None, target), texts[order], own)


def chained(
    fitted: Fitted,
    X: list[Any],
    opinions: Opinions,
    rule: Rule,
    classes: tuple[str, ...],
) -> tuple[Fitted, Chained]:
    """What was fitted, pooled with what the stages of a chain said.

    Parameters
    ----------
    fitted : Fitted
    X : list of matrix of shape (n_texts, d)
    opinions : Opinions
    rule : Rule
    classes : tuple of str
    """
    fit = fitted.fit
    before, _, by_chance = fitted.left_out
    assert fit.outputs is not None  # noqa: S101  it was just fitted
    number = {name: i for i, name in enumerate(classes)}
    present = np.array([number[name] for name in fit.classes.tolist()], dtype=np.intp)
    pools = Pools(fit.outputs, fitted.labelled, fitted.codes, by_chance, opinions, present)
    outputs, far = fit.pipeline.outputs(X)
    codes, scores = pools.now(outputs, np.arange(len(far)))
    answers = Answers(codes, scores, far)
    of_labelled, agree = pools.labelled(rule)
    n = len(fit.pilot.scores)
    # The guard's verdict on labelled rows stays.
    of_labelled = np.where(np.isfinite(before), of_labelled, -np.inf)
    pilot = replace(fit.pilot, scores=of_labelled[:n], agree=agree[:n])
    extra = fit.extra_pilot
    if extra is not None:
        extra = replace(extra, scores=of_labelled[n:], agree=agree[n:])
    fit = replace(fit, pilot=pilot, extra_pilot=extra, strange=None)
    fit = replace(fit, pooled=pooled_by(pools, rule))
    path = np.where(far, -np.inf, scores)
    whole = Fitted(fit, answers, path, fitted.labelled, fitted.codes)
    return whole, Chained(pools, rule, outputs, far)


def agreement_on(
    fitted: Fitted, texts: NDArray[np.intp], labels: NDArray[np.intp], classes: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Whether surrogate and teacher agree; never where there is no label, or no answer."""
    said = names_of(classes, labels[texts])
    mine = fitted.fit.names(fitted.answers.codes[texts])
    return np.array([a == b for a, b in zip(said, mine, strict=True)], dtype=bool)


def rows_on(
    fitted: Fitted,
    texts: NDArray[np.intp],
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    promises: Sequence[PromiseName],
    *,
    new: bool = False,
) -> Rows:
    """What surrogate and teacher said of rows of the column, or of new ones, as promises count it."""
    known = with_promised(fitted.fit.classes.tolist(), promises)
    said = teacher_codes(names_of(classes, labels[texts]), known)
    agree = agreement_on(fitted, texts, labels, classes)
    scores = np.where(fitted.answers.deferred(new=new), -np.inf, fitted.scores)[texts]
    return Rows(scores, agree, fitted.answers.codes[texts], teacher=said)
