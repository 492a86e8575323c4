"""Looking at a job: what charts, tables and panels ask for, at any time.

Nothing here asks the teacher, changes anything, or fails because a step is missing: what needs a
later step is None, or empty. Every function takes where the job stands, None before its labels,
and is described where :class:`tracer_nb.Tracer` has it.
"""

from __future__ import annotations

from typing import Any

from tracer_nb.engine import gaps
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import (
    STATUSES,
    ColumnMap,
    Confusion,
    HandThreshold,
    LabelAgreement,
    Reliability,
    RowPage,
    Selection,
)
from tracer_nb.steps.column.outcome import SURROGATE, TEACHER
from tracer_nb.steps.explain.inspection import Inspection
from tracer_nb.steps.explain.rows import make_page

__all__ = ["at_threshold", "column_map", "confusion", "label_agreement", "reliability", "rows"]

_LIMIT = 100
_POINTS = 2000


def confusion(now: Inspection | None) -> Confusion | None:
    """The teacher's labels against the surrogate's."""
    return None if now is None or now.judged is None else gaps.confusion(now.judged)


def label_agreement(now: Inspection | None, by: str) -> LabelAgreement | None:
    """Agreement for each label, by who gave it."""
    if by not in (TEACHER, SURROGATE):
        raise InvalidInput(f"by must be 'teacher' or 'surrogate', got {by!r}")
    if now is None or now.judged is None:
        return None
    return gaps.label_agreement(now.judged, target=now.main, by=by)


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
    most = gaps.LAYOUTS[method]
    wanted = min(_POINTS, most) if n_points is None else n_points
    if not is_number(wanted) or not 1 <= wanted <= most:
        raise InvalidInput(
            f"n_points must be from 1 to {most:,} for the map {method!r}, got {n_points!r}"
        )
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
        if name not in now.labels.classes:
            raise InvalidInput.unknown_name("label", name, now.labels.classes)
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
    )
