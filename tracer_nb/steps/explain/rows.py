"""From what a job has reached to the rows that pictures of agreement are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.documents import plain_text
from tracer_nb.engine import Router, SurrogateFit, gaps
from tracer_nb.engine.certificates import row_thresholds
from tracer_nb.engine.gaps import Judged, Labelled, RowTable
from tracer_nb.engine.judge import path_pilot
from tracer_nb.engine.pipeline import Answers
from tracer_nb.labelsets import codes_of, numbers_of
from tracer_nb.records import (
    STATUSES,
    Answer,
    Certificate,
    ColumnMap,
    Labels,
    Routing,
    RowPage,
    RowView,
    Selection,
)
from tracer_nb.steps.column.features import Blocks, take
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.route.outcome import TEACHER, Outcome
from tracer_nb.steps.update.scope import Scope

__all__ = [
    "Sample",
    "calibrated_rows",
    "judge_sample",
    "judged_rows",
    "make_map",
    "make_page",
    "row_table",
    "text_table",
]

_AGREE, _DISAGREE, _HANDLED, _DEFERRED, _LABELLED, _UNLABELLED = range(len(STATUSES))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The labelled rows, (n,) each, with what a surrogate not fitted on them says.

    Attributes
    ----------
    names : tuple of str
        The label set.
    teacher, surrogate : ndarray of int
        Index into ``names``; -1 for no label, and where no such surrogate has looked.
    scores : ndarray of float
        Gate scores; -inf where the guard defers, nan where no such surrogate has looked.
    handled : ndarray of bool
    counted : ndarray of int
        The rows that pictures count.
    calibration : Answers or None
        On the calibration rows, once there is a certificate.
    basis : str
        As in :class:`tracer_nb.records.Confusion`; empty before the fit.
    """

    names: tuple[str, ...]
    teacher: NDArray[np.intp]
    surrogate: NDArray[np.intp]
    scores: NDArray[np.float64]
    handled: NDArray[np.bool_]
    counted: NDArray[np.intp]
    calibration: Answers | None
    basis: str


def judge_sample(
    labels: Labels,
    X: Blocks | None,
    fitted: SurrogateFit | None,
    router: Router | None,
    certificate: Certificate | None,
    *,
    said: Answers | None = None,
) -> Sample:
    """Gather what the surrogate says on rows of the sample that it was not fitted on.

    Before a test these are the fitting rows out of fold that were drawn at random; the calibration rows are not
    looked at, so that going back and fitting otherwise has seen nothing of them.

    Parameters
    ----------
    labels : Labels
    X : blocks of shape (n, d), or None
        Features of the labelled rows; not needed before calibration.
    fitted, router, certificate : SurrogateFit, Router and Certificate, or None
        What there is of them; the certificate in use.
    said : Answers, optional
        On the calibration rows, where the certified answers are not those of the fit alone.
    """
    n = len(labels.rows)
    surrogate, scores = np.full(n, -1, dtype=np.intp), np.full(n, np.nan)
    handled, counted = np.zeros(n, dtype=bool), np.empty(0, dtype=np.intp)
    calibration, basis = None, ""
    if fitted is not None:
        tested = fitted.calibration_rows
        counted = fitted.pilot_rows
        pilot, basis = fitted.pilot, "out-of-fold"
        assert pilot.codes is not None  # noqa: S101  every fit has them
        surrogate[counted] = codes_of(labels.classes, fitted.names(pilot.codes))
        scores[counted] = pilot.scores
        if certificate is not None:
            path = path_pilot(pilot, fitted.options, certificate.target, fitted.typical_cost)
            handled[counted] = path.scores >= row_thresholds(
                certificate, pilot.codes, fitted.classes.tolist(), fitted.sets
            )
        if router is not None and certificate is not None and X is not None and len(tested):
            calibration = said or fitted.left_out or fitted.pipeline.predict(take(X, tested))
            surrogate[tested] = codes_of(labels.classes, fitted.names(calibration.codes))
            scores[tested] = np.where(calibration.far, -np.inf, calibration.scores)
            costs = None if fitted.costs is None else fitted.costs[tested]
            handled[tested] = fitted.path(calibration, costs, certificate.target) >= row_thresholds(
                certificate, calibration.codes, fitted.classes.tolist(), fitted.sets
            )
            counted = tested
            basis = "calibration" if fitted.left_out is None else "left-out"
    return Sample(
        labels.classes, labels.codes, surrogate, scores, handled, counted, calibration, basis
    )


def judged_rows(sample: Sample, rows: NDArray[np.intp] | None = None) -> Judged:
    """The rows that pictures of agreement count, or other ones of the sample."""
    rows = sample.counted if rows is None else rows
    return Judged(
        sample.names,
        sample.teacher[rows],
        sample.surrogate[rows],
        sample.scores[rows],
        sample.handled[rows],
        sample.basis,
    )


def calibrated_rows(sample: Sample, fitted: SurrogateFit) -> Labelled | None:
    """The calibration rows, for estimates at other targets; None before calibration."""
    if sample.calibration is None:
        return None
    rows = fitted.calibration_rows
    costs = None if fitted.costs is None else fitted.costs[rows]
    agree = sample.teacher[rows] == sample.surrogate[rows]
    return Labelled(sample.calibration, agree, costs)


def text_table(
    texts: Texts,
    labels: Labels,
    sample: Sample,
    *,
    fitted: SurrogateFit | None,
    routing: Routing | None,
    outcome: Outcome | None,
    scope: Scope | None = None,
) -> RowTable:
    """What is known about each distinct text of the column; ``rows`` are their first rows.

    Parameters
    ----------
    texts : Texts
        The column.
    labels : Labels
    sample : Sample
    fitted : SurrogateFit or None
    routing : Routing or None
        One entry per distinct text, once there is a certificate.
    outcome : Outcome or None
        Of this column, once it is routed.
    scope : Scope or None
        After an update.
    """
    n = len(texts.unique)
    number = numbers_of(labels.classes)
    teacher, surrogate = np.full(n, -1, dtype=np.intp), np.full(n, -1, dtype=np.intp)
    scores, status = np.full(n, np.nan), np.full(n, _UNLABELLED)
    if routing is not None:
        surrogate = codes_of(labels.classes, routing.labels)
        scores = np.where(routing.far, -np.inf, routing.scores)
        status = np.where(routing.handled, _HANDLED, _DEFERRED)
    first = texts.usable[np.unique(texts.codes[texts.usable], return_index=True)[1]]
    if outcome is not None:
        for i, row in enumerate(first.tolist()):
            if outcome.source[row] == TEACHER:
                teacher[i] = number[str(outcome.label[row])]
    drawn = texts.codes[labels.rows]
    if scope is not None:
        surrogate[scope.learned], scores[scope.learned] = -1, np.nan
    # What it says on texts that were drawn is for left-out predictions alone to tell.
    surrogate[drawn], scores[drawn] = -1, np.nan
    teacher[drawn] = labels.codes
    status[drawn] = np.where(labels.codes >= 0, _LABELLED, _UNLABELLED)
    looked = np.flatnonzero(sample.surrogate >= 0)
    at = drawn[looked]
    surrogate[at], scores[at] = sample.surrogate[looked], sample.scores[looked]
    status[at] = _verdict(sample, looked)
    tested, seen = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    tested[drawn[sample.counted]] = True
    if fitted is not None:
        seen[drawn[fitted.fit_rows]] = True
    if scope is not None:
        seen |= scope.learned
    return RowTable(labels.classes, first, teacher, surrogate, scores, status, tested, seen)


def row_table(texts: Texts, labels: Labels, sample: Sample, of_texts: RowTable) -> RowTable:
    """The same for each row that holds text."""
    rows = texts.usable
    code = texts.codes[rows]
    surrogate, scores = of_texts.surrogate[code], of_texts.scores[code]
    status, tested = of_texts.status[code], np.zeros(len(rows), dtype=bool)
    place = np.searchsorted(rows, labels.rows)
    # Of equal texts that were drawn, each row has its own left-out prediction.
    looked = np.flatnonzero(sample.surrogate >= 0)
    at = place[looked]
    surrogate[at], scores[at] = sample.surrogate[looked], sample.scores[looked]
    status[at] = _verdict(sample, looked)
    tested[place[sample.counted]] = True
    return RowTable(
        names=of_texts.names,
        rows=rows,
        teacher=of_texts.teacher[code],
        surrogate=surrogate,
        scores=scores,
        status=status,
        tested=tested,
        fitted=of_texts.fitted[code],
    )


def _verdict(sample: Sample, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.where(sample.teacher[rows] == sample.surrogate[rows], _AGREE, _DISAGREE)


_ROW_TEXT, _POINT_TEXT = 2000, 160


def make_page(
    texts: Texts,
    table: gaps.RowTable,
    outcome: Outcome | None,
    selection: Selection,
    folded: Sequence[str],
    *,
    offset: int,
    limit: int,
    known: Callable[[list[str]], Mapping[str, Answer]],
) -> RowPage:
    """The rows that match a selection, from ``offset`` on, at most ``limit``.

    Parameters
    ----------
    texts : Texts
        The column.
    table : RowTable
        Its rows.
    outcome : Outcome or None
        Its output, once it is routed.
    selection : Selection
    folded : sequence of str
        Distinct texts, case-folded.
    offset, limit : int
    known : callable
        From texts to what the teacher said about them.
    """
    places = gaps.select_rows(table, selection)
    if needle := selection.search.strip().casefold():
        found = np.array([needle in text for text in folded])
        places = places[found[texts.codes[table.rows[places]]]]
    page = places[offset : offset + limit].tolist()
    answers = known([texts.unique[texts.codes[table.rows[i]]] for i in page])
    said = {text: answer.explanation or "" for text, answer in answers.items()}
    return RowPage(tuple(_view(texts, table, outcome, i, said) for i in page), len(places), offset)


def _view(
    texts: Texts, table: gaps.RowTable, outcome: Outcome | None, i: int, said: Mapping[str, str]
) -> RowView:
    row, score = int(table.rows[i]), float(table.scores[i])
    teacher, surrogate = int(table.teacher[i]), int(table.surrogate[i])
    who = None if teacher < 0 else TEACHER
    return RowView(
        row=row,
        text=_cut(_plain(texts, int(texts.codes[row])), _ROW_TEXT),
        teacher=table.names[teacher] if teacher >= 0 else None,
        surrogate=table.names[surrogate] if surrogate >= 0 else None,
        score=score if np.isfinite(score) else None,
        status=STATUSES[table.status[i]],
        answered_by=who if outcome is None else outcome.source[row],
        fitted=bool(table.fitted[i]),
        far=bool(np.isneginf(score)),
        explanation=said.get(texts.unique[texts.codes[row]], "") if teacher >= 0 else "",
    )


def make_map(
    texts: Texts,
    table: gaps.RowTable,
    X: Blocks,
    *,
    outputs: Callable[[NDArray[np.intp]], NDArray[np.floating]] | None,
    method: str,
    n_points: int,
    seed: int,
) -> ColumnMap:
    """Draw some of the distinct texts, and lay them out.

    Parameters
    ----------
    texts : Texts
        The column.
    table : RowTable
        Its distinct texts.
    X : blocks of shape (n_texts, d)
    outputs, method, n_points, seed
        As in :func:`tracer_nb.engine.gaps.lay_out`.
    """
    points = gaps.draw_points(table.status, n_points, seed)
    positions, explained = gaps.lay_out(X, points, outputs=outputs, method=method, seed=seed)
    label = np.where(table.teacher >= 0, table.teacher, table.surrogate)[points].tolist()
    every = np.bincount(table.status, minlength=len(STATUSES))
    shown = np.bincount(table.status[points], minlength=len(STATUSES))
    return ColumnMap(
        method=method,
        x=positions[:, 0],
        y=positions[:, 1],
        rows=table.rows[points],
        status=table.status[points],
        labels=tuple(table.names[i] if i >= 0 else None for i in label),
        scores=np.where(np.isfinite(table.scores), table.scores, np.nan)[points],
        texts=tuple(_cut(" ".join(_plain(texts, i).split()), _POINT_TEXT) for i in points.tolist()),
        n_texts=len(texts.unique),
        sampled=tuple((STATUSES[i], int(shown[i]), int(every[i])) for i in np.flatnonzero(every)),
        explained=explained,
    )


def _plain(texts: Texts, code: int) -> str:
    text = texts.unique[code]
    return plain_text(text) if texts.has_cells else text


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
