"""Looking at a job: what charts, tables and panels ask for, at any time; two fits side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import gaps
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.labelsets import SetsSeen, codes_of, united
from tracer_nb.records import (
    STATUSES,
    ColumnMap,
    Confusion,
    FitDifferences,
    HandThreshold,
    LabelAgreement,
    Reliability,
    Routing,
    RowChange,
    RowPage,
    Selection,
)
from tracer_nb.steps.column.frames import same_texts
from tracer_nb.steps.explain.inspection import Inspection
from tracer_nb.steps.explain.rows import make_page
from tracer_nb.steps.route.outcome import SURROGATE, TEACHER

__all__ = [
    "Looked",
    "at_threshold",
    "column_map",
    "compare",
    "confusion",
    "differences",
    "label_agreement",
    "look",
    "reliability",
    "rows",
]


_LIMIT = 100
_POINTS = 2000


def confusion(now: Inspection | None) -> Confusion | None:
    """The teacher's labels against the surrogate's."""
    return (
        None
        if now is None or now.judged is None
        else gaps.confusion(gaps.label_by_label(now.judged))
    )


def label_agreement(now: Inspection | None, by: str) -> LabelAgreement | None:
    """Agreement for each label, by who gave it."""
    if by not in (TEACHER, SURROGATE):
        raise InvalidInput(f"by must be 'teacher' or 'surrogate', got {by!r}")
    if now is None or now.judged is None:
        return None
    return gaps.label_agreement(gaps.label_by_label(now.judged), target=now.main, by=by)


def reliability(now: Inspection | None) -> Reliability | None:
    """Gate scores against observed agreement."""
    return None if now is None or now.judged is None else gaps.reliability(now.judged)


def at_threshold(now: Inspection | None, threshold: Any) -> HandThreshold | None:
    """What a threshold moved by hand gives."""
    if not is_number(threshold) or not 0.0 <= threshold <= 1.0:
        raise InvalidInput(f"threshold must be a score in [0, 1], got {threshold!r}")
    if now is None or now.parts is None:
        return None
    return gaps.at_threshold(*now.parts, float(threshold), main=now.main)


def column_map(now: Inspection | None, method: str, n_points: int | None) -> ColumnMap | None:
    """Texts of the column as points in the plane."""
    if method not in gaps.LAYOUTS:
        raise InvalidInput.unknown_name("map", method, gaps.LAYOUTS)
    wanted = _POINTS if n_points is None else n_points
    if not is_number(wanted) or not 1 <= wanted <= gaps.MOST_POINTS:
        raise InvalidInput(f"n_points must be from 1 to {gaps.MOST_POINTS:,}, got {n_points!r}")
    return None if now is None else now.map(method, int(wanted))


def rows(
    now: Inspection | None, selection: Selection | None, *, offset: Any, limit: Any
) -> RowPage:
    """Rows that match a selection, one page of them."""
    if not is_number(offset) or offset < 0:
        raise InvalidInput(f"offset must be 0 or more rows, got {offset!r}")
    if not is_number(limit) or not 1 <= limit <= _LIMIT:
        raise InvalidInput(f"limit must be from 1 to {_LIMIT} rows, got {limit!r}")
    wanted = selection or Selection()
    if now is None:
        return RowPage()
    for name in (*(wanted.teacher or ()), *(wanted.surrogate or ())):
        if name not in now.known_labels:
            raise InvalidInput.unknown_name("label", name, now.known_labels)
    for name in wanted.status or ():
        if name not in STATUSES:
            raise InvalidInput.unknown_name("status", name, STATUSES)
    return make_page(
        now.texts,
        now.row_table,
        now.outcome,
        wanted,
        now.folded if wanted.search else (),
        offset=int(offset),
        limit=int(limit),
        known=now.state.setup.asker.known,
    )


_EXAMPLES = 20


def differences(old: Inspection | None, new: Inspection | None) -> FitDifferences:
    """Compare two fits of one column: see :meth:`tracer_nb.Tracer.differences`."""
    new = _calibrated(new, "this fit")
    old = _calibrated(old, "the fit to compare with")
    if not same_texts(old.texts, new.texts):
        raise InvalidInput(
            f"the two fits are about different columns ({old.texts.n_rows:,} and "
            f"{new.texts.n_rows:,} rows); compare fits of one column"
        )
    sides = ({*now.state.setup.teacher.labels} for now in (old, new))
    if odd := sorted(set.symmetric_difference(*sides)):
        raise InvalidInput(
            f"the two fits have different label sets ({', '.join(odd[:5])} in one of them "
            "only); compare fits with the same labels"
        )
    before, after = (now.state.setup.teacher.identity for now in (old, new))
    # Of several labels a row, each side has its own sets.
    names = united(new.labels.classes, old.labels.classes)
    return compare(look(old, names), look(new, names), same_teacher=dict(before) == dict(after))


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What one calibrated fit says about each distinct text of its column, (n_unique,) each.

    Attributes
    ----------
    now : Inspection
        Where the job stood.
    names : tuple of str
        That indices are of.
    routing : Routing
        Who answers, by the deployed fit.
    teacher : ndarray of int
        Label by name's index; -1 where the sample has none.
    surrogate, scores, handled : ndarray of int, float and bool
        As the routing; on tested rows by a surrogate that was not fitted on them.
    drawn, unseen : ndarray of bool
        In the sample; and looked at by a surrogate that was not fitted on the text.
    """

    now: Inspection
    names: tuple[str, ...]
    routing: Routing
    teacher: NDArray[np.intp]
    surrogate: NDArray[np.intp]
    scores: NDArray[np.float64]
    handled: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    unseen: NDArray[np.bool_]

    def judged(self, texts: NDArray[np.intp], teacher: NDArray[np.intp]) -> gaps.Judged:
        """Some of the texts, with the teacher's labels of all."""
        return gaps.Judged(
            self.names,
            teacher[texts],
            self.surrogate[texts],
            self.scores[texts],
            self.handled[texts],
            self.now.sample.basis,
        )


def look(now: Inspection, names: tuple[str, ...]) -> Looked:
    """Look at a calibrated fit; indices of labels are those of ``names``, all of its own.

    What it gives stays as it is, whatever becomes of the job.
    """
    routing, sample = now.decided(), now.sample
    classes = now.labels.classes
    written = classes.written if isinstance(classes, SetsSeen) else classes
    own = codes_of(names, np.array(written, dtype=object))
    surrogate = codes_of(names, routing.labels)
    scores = np.where(routing.far, -np.inf, routing.scores)
    handled, teacher = routing.handled.copy(), np.full(len(surrogate), -1, dtype=np.intp)
    texts, known = now.texts.codes[now.labels.rows], now.labels.codes >= 0
    teacher[texts[known]] = own[now.labels.codes[known]]
    drawn = np.zeros(len(surrogate), dtype=bool)
    drawn[texts] = True
    unseen = ~drawn if now.scope is None else ~(drawn | now.scope.learned)
    tested = sample.counted
    at = texts[tested]
    surrogate[at], scores[at] = own[sample.surrogate[tested]], sample.scores[tested]
    handled[at], unseen[at] = sample.handled[tested], True
    return Looked(now, names, routing, teacher, surrogate, scores, handled, drawn, unseen)


def compare(old: Looked, new: Looked, *, same_teacher: bool) -> FitDifferences:
    """What differs between two fits of equal columns.

    Parameters
    ----------
    old, new : Looked
        With the same names.
    same_teacher : bool
        Else only rows that both teachers have labelled are judged, each by its own.
    """
    texts = new.now.texts
    sampled = texts.codes[np.union1d(old.now.labels.rows, new.now.labels.rows)]
    fair = old.unseen & new.unseen
    teachers = old.teacher, new.teacher
    if same_teacher:
        teachers = (np.where(new.drawn, new.teacher, old.teacher),) * 2
    else:
        fair &= old.drawn & new.drawn
    tested = sampled[fair[sampled]]
    usable = texts.usable
    rows = usable[~(old.drawn | new.drawn)[texts.codes[usable]]]
    found = gaps.compare_fits(
        (_of_rows(old, rows), _of_rows(new, rows)),
        rows,
        (old.judged(tested, teachers[0]), new.judged(tested, teachers[1])),
        targets=(old.now.main, new.now.main),
    )
    examples: dict[int, RowChange] = {}
    for part in (found.to_deferred, found.to_handled, found.relabelled):
        examples.update(_examples(old, new, part.tolist(), examples))
    return replace(found, changes=tuple(examples.values()), same_teacher=same_teacher)


def _of_rows(one: Looked, rows: NDArray[np.intp]) -> Routing:
    routing, codes = one.routing, one.now.texts.codes[rows]
    return Routing(
        routing.handled[codes], routing.labels[codes], routing.scores[codes], routing.far[codes]
    )


def _examples(
    old: Looked, new: Looked, rows: Iterable[int], known: dict[int, RowChange]
) -> dict[int, RowChange]:
    """The first of these rows whose texts are not known yet."""
    texts, found = new.now.texts, dict[int, RowChange]()
    for row in rows:
        code = int(texts.codes[row])
        if len(found) == _EXAMPLES:
            break
        if code not in known and code not in found:
            before, after = old.routing, new.routing
            found[code] = RowChange(
                row=row,
                text=texts.plain[code],
                labels=(str(before.labels[code]), str(after.labels[code])),
                handled=(bool(before.handled[code]), bool(after.handled[code])),
            )
    return found


def _calibrated(now: Inspection | None, which: str) -> Inspection:
    if now is None or now.router is None:
        raise NotFitted(
            f"{which} is not calibrated; call label(column), fit() and calibrate() (or "
            "%tracer label, fit, calibrate)"
        )
    return now
