"""The step that finds where surrogate and teacher part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tracer_nb.engine import gaps, slicing
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import (
    BoundaryPair,
    Gain,
    Gaps,
    LostCoverage,
    SelfAgreement,
    Slice,
    Suspect,
)
from tracer_nb.steps.column.features import take
from tracer_nb.steps.column.frames import (
    EXPLAINED,
    OUTPUT_COLUMNS,
    column_names,
    is_frame,
    is_missing,
    read_cells,
    read_column,
)
from tracer_nb.steps.explain.inspection import Inspection
from tracer_nb.steps.explain.rows import judged_rows
from tracer_nb.steps.label.reask import self_agreement
from tracer_nb.steps.state import JobState

__all__ = ["find_gaps", "known_gaps"]


def find_gaps(state: JobState, now: Inspection | None, table: Any = None) -> JobState:
    """Find where surrogate and teacher part: see :meth:`tracer_nb.Tracer.gaps`.

    Parameters
    ----------
    state : JobState
    now : Inspection or None
        Of this state.
    table : dataframe, optional
    """
    column = state.column
    if now is None or now.judged is None or column is None:
        raise NotFitted(
            "nothing is fitted yet; call label(column) and fit() first (%tracer label df.text, "
            "%tracer fit)"
        )
    judged = now.judged
    rows = now.labels.rows[now.sample.counted]
    codes = now.texts.codes[rows]
    texts = [now.texts.plain[code] for code in codes.tolist()]
    unit = gaps.joined_rows(take(now.features(), codes))
    beside = _columns(table, now, rows.tolist(), getattr(column.source, "name", None))
    candidates = slicing.propose(texts, X=unit, columns=beside, seed=now.options.seed)
    slices: tuple[Slice, ...] = slicing.find_slices(candidates, ~judged.agree)
    pairs = tuple(
        BoundaryPair(
            rows=(int(rows[i]), int(rows[j])),
            texts=(texts[i], texts[j]),
            teacher=(judged.names[judged.teacher[i]], judged.names[judged.teacher[j]]),
            handled=(bool(judged.handled[i]), bool(judged.handled[j])),
            similarity=similarity,
        )
        for i, j, similarity in gaps.boundary_pairs(judged, unit, codes)
    )
    twice = self_agreement(state)
    each = gaps.label_by_label(judged)
    lost = (
        None
        if now.router is None or now.options.promised
        else gaps.lost_coverage(judged, target=now.main)
    )
    found = Gaps(
        rows=rows,
        n_agree=int(judged.agree.sum()),
        by_teacher=gaps.label_agreement(each, target=now.main),
        by_surrogate=gaps.label_agreement(each, target=now.main, by="surrogate"),
        confusion=gaps.confusion(each),
        slices=slices,
        reliability=gaps.reliability(judged),
        pairs=pairs,
        suspects=_suspects(now),
        risk_area=gaps.risk_area(judged),
        lost=lost,
        gains=() if lost is None or not lost.n_rows else _gains(now, lost, twice),
        self_agreement=twice,
    )
    return replace(state, gaps=(found, len(state.setup.again.answers)))


def known_gaps(state: JobState) -> Gaps | None:
    """What was found last, if nothing has happened since; nothing is computed."""
    if state.gaps is None:
        return None
    found, n_again = state.gaps
    return found if n_again == len(state.setup.again.answers) else None


def _gains(now: Inspection, lost: LostCoverage, twice: SelfAgreement | None) -> tuple[Gain, ...]:
    """What would win lost coverage back."""
    assert now.fitted is not None and now.judged is not None  # noqa: S101, PT018  it is calibrated
    looked = np.flatnonzero(now.sample.surrogate >= 0)
    choosing = judged_rows(now.sample, np.setdiff1d(looked, now.sample.counted))
    more = len(now.labels.rows) < len(now.texts.usable)
    return (
        *((gaps.label_gain(now.fitted, lost),) if more else ()),
        *gaps.loss_gains(lost, twice),
        *gaps.merge_gains(now.judged, choosing, target=now.main),
    )


def _suspects(now: Inspection) -> tuple[Suspect, ...]:
    """Of all labelled rows on which a surrogate looked that was not fitted on them."""
    sample = now.sample
    looked = np.flatnonzero(sample.surrogate >= 0)
    judged = judged_rows(sample, looked)
    suspects: dict[int, Suspect] = {}
    for i, usual in zip(*(a.tolist() for a in gaps.likely_mistakes(judged)), strict=True):
        row = int(now.labels.rows[looked[i]])
        code = int(now.texts.codes[row])
        # Equal texts have one label, so one of them is enough to look at.
        suspects.setdefault(
            code,
            Suspect(
                row=row,
                text=now.texts.plain[code],
                teacher=judged.names[judged.teacher[i]],
                surrogate=judged.names[judged.surrogate[i]],
                score=float(judged.scores[i]),
                usual=usual,
            ),
        )
    return tuple(suspects.values())


def _columns(table: Any, now: Inspection, rows: list[int], own: str | None) -> dict[str, list[Any]]:
    """Cells of the other columns at these rows, None where one is missing."""
    if table is None:
        return {}
    if not is_frame(table):
        raise InvalidInput(
            f"table must be the column's dataframe, got {type(table).__name__}; pass table=df"
        )
    if len(table) != now.texts.n_rows:
        raise InvalidInput(
            f"the table has {len(table)} rows, the column {now.texts.n_rows}; "
            "pass the frame that the column is from"
        )
    names = column_names(table)
    # What an earlier routing wrote knows of the agreement, which would void the tests.
    written = (*OUTPUT_COLUMNS, EXPLAINED)
    wanted = [n for n in names if names.count(n) == 1 and n != own and n not in written]
    found = {}
    for name in wanted:
        cells = read_cells(read_column(table, name))
        found[name] = [None if is_missing(cells[row]) else cells[row] for row in rows]
    return found
