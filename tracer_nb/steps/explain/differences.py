"""The step that puts two fits of one column side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import gaps
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import FitDifferences, Routing, RowChange
from tracer_nb.steps.column.frames import same_texts
from tracer_nb.steps.explain.inspection import Inspection

__all__ = ["Looked", "compare", "differences", "look"]


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
    if {*old.labels.classes} != {*new.labels.classes}:
        odd = sorted({*old.labels.classes} ^ {*new.labels.classes})
        raise InvalidInput(
            f"the two fits have different label sets ({', '.join(odd[:5])} in one of them "
            "only); compare fits with the same labels"
        )
    before, after = (now.state.setup.teacher.identity for now in (old, new))
    names = new.labels.classes
    return compare(look(old, names), look(new, names), same_teacher=dict(before) == dict(after))


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What one calibrated fit says about each distinct text of its column, (n_unique,) each.

    Attributes
    ----------
    now : Inspection
        Where the job stood.
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
            self.now.labels.classes,
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
    number = {name: i for i, name in enumerate(names)}
    own = np.array([number[name] for name in now.labels.classes])
    surrogate = np.array([number[str(name)] for name in routing.labels.tolist()], dtype=np.intp)
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
    return Looked(now, routing, teacher, surrogate, scores, handled, drawn, unseen)


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
