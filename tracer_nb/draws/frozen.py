"""What is frozen before rows of a test are drawn, and the tests of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import Draw
from tracer_nb.draws.chained import Chained
from tracer_nb.draws.fitted import Fitted, rows_on
from tracer_nb.draws.opinions import Opinions
from tracer_nb.engine.certificates import (
    Evidence,
    Kind,
    Promise,
    Rows,
    certify,
    certify_together,
    kind_of,
    with_promised,
)
from tracer_nb.engine.outlook import Outlook, bin_ends, look_ahead
from tracer_nb.records import HANDLED, Certificate, PromiseName, tested_apart

__all__ = ["Frozen", "certify_new", "certify_open", "evidence_of", "plan_test"]

# A hair below the score of the row that is the quantile, in whatever batch it is scored.
_HAIR = 1e-6
# Tests stand so much closer than the bins that their start is planned in: of the rows between the
# last that passes and the next, half could have been answered. On BANKING77 .003 of the column.
_FINER = 4
# Where every threshold may be tried.
_FINEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class Frozen(Fitted):
    """What was fitted, and the test that was planned for it.

    Attributes
    ----------
    thresholds : ndarray, decreasing
        In the order of testing.
    outlook : Outlook
    chain : Chained or None
        How the answers of a chain's stages are weighed.
    last : bool
        Nothing behind the test can be paid for: its rows come from those that the loosest threshold
        handles, and are looked at once.
    """

    thresholds: NDArray[np.float64]
    outlook: Outlook
    chain: Chained | None = None
    last: bool = False

    def about(
        self, texts: NDArray[np.intp], opinions: Opinions
    ) -> tuple[Frozen, dict[int, NDArray[np.intp]]]:
        """The same with some texts answered just as the rule of a chain answers a new one.

        Parameters
        ----------
        texts : ndarray of int
        opinions : Opinions
            What the stages have said until now.

        Returns
        -------
        Frozen
        dict of ndarray of int
            Texts about which a stage is still to be heard for that, by stage.
        """
        assert self.chain is not None  # noqa: S101  nothing else has a rule
        own = np.unique(texts)
        codes, scores, waiting = self.chain.follow(own, opinions)
        answers, path = self.answers, self.scores.copy()
        answers = replace(answers, codes=answers.codes.copy(), scores=answers.scores.copy())
        answers.codes[own], answers.scores[own] = codes, scores
        path[own] = np.where(answers.far[own], -np.inf, scores)
        return replace(self, answers=answers, scores=path), waiting


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
    n_delivered: int | None = None,
    chain: Chained | None = None,
    chosen: float = 0.0,
    last: bool = False,
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
    n_delivered : int, optional
        As in :func:`~tracer_nb.engine.outlook.look_ahead`: then all thresholds are tested.
    chain : Chained, optional
        Of :func:`~tracer_nb.draws.fitted.chained`.
    chosen, last : as in :func:`~tracer_nb.engine.outlook.look_ahead`
    """
    among = fitted.scores[open_codes]
    outlook = look_ahead(
        among,
        *fitted.left_out,
        n_open=len(open_codes),
        n_labels=n_labels,
        target=target,
        delta=delta,
        failed=failed,
        most=most,
        n_delivered=n_delivered,
        calibrated=chain is not None,
        chosen=chosen,
        last=last,
        seed=seed,
    )
    ordered = np.sort(among[np.isfinite(among)])[::-1]
    ends = bin_ends(len(ordered), _FINER if n_delivered is None else _FINEST)
    grid = np.maximum(ordered[np.maximum(ends, 1) - 1] - _HAIR, 0.0) if len(ordered) else ordered
    first = (outlook.start + 1) * _FINER - 1 if n_delivered is None else 0
    end = outlook.top * _FINER if n_delivered is None else None
    thresholds = np.unique(grid[first : end : outlook.stride])[::-1]
    return Frozen(
        *(fitted.fit, fitted.answers, fitted.scores, fitted.labelled, fitted.codes),
        *(thresholds, outlook, chain, last),
    )


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
    promise: PromiseName = HANDLED,
    n_delivered: int | None = None,
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
    promise : PromiseName
    n_delivered : int, optional
        All rows that come out, where the promise is about them.

    Returns
    -------
    Certificate
        About all handled rows among the open ones, tested ones included.
    """
    planned = draw.looks[look]
    kind, evidence = evidence_of(
        *(frozen, codes, open_, draw.rows[: planned.n_rows]),
        labels=labels,
        classes=classes,
        promise=promise,
        n_delivered=n_delivered,
    )
    asked = Promise(target, 1.0 - planned.error, kind=kind)
    return certify(asked, evidence, thresholds=frozen.thresholds)


def evidence_of(
    frozen: Frozen,
    codes: NDArray[np.intp],
    open_: NDArray[np.intp],
    rows: NDArray[np.intp],
    *,
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    promise: PromiseName,
    among: tuple[PromiseName, ...] = (),
    n_delivered: int | None = None,
) -> tuple[Kind, Evidence]:
    """A promise by its kind, and some of the open rows as its evidence.

    Parameters
    ----------
    frozen, codes, open_
        As in :func:`certify_open`.
    rows : ndarray of int
        A simple random sample of the open rows.
    labels, classes, promise, n_delivered
        As in :func:`certify_open`.
    among : tuple of PromiseName
        All that are made of these rows, where there are several.
    """
    others = np.setdiff1d(open_, rows)
    tested = rows_on(frozen, codes[rows], labels, classes, among or (promise,))
    rest = Rows(frozen.scores[codes[others]], codes=frozen.answers.codes[codes[others]])
    evidence = Evidence(frozen.fit.pilot, tested, rest, n_delivered=n_delivered)
    known = with_promised(frozen.fit.classes.tolist(), among or (promise,))
    return kind_of(promise, known), evidence


def certify_new(
    frozen: Frozen,
    texts: NDArray[np.intp],
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    *,
    target: float,
    confidence: float,
    seed: int,
    promises: tuple[PromiseName, ...] = (HANDLED,),
) -> Certificate:
    """The test of rows that were set aside before anything was chosen: about new rows.

    Parameters
    ----------
    frozen : Frozen
    texts : ndarray of int
        Text of each row set aside.
    labels, classes
        As in :func:`certify_open`.
    target, confidence, seed, promises
    """
    known = with_promised(frozen.fit.classes.tolist(), promises)
    levels = target, confidence, len(tested_apart(promises))
    asked = [Promise(*levels, kind=kind_of(promise, known)) for promise in promises]
    rows = rows_on(frozen, texts, labels, classes, promises, new=True)
    return certify_together(asked, Evidence(frozen.fit.new_pilot, rows), seed=seed)
