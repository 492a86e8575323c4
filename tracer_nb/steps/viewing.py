"""Tables of rows and texts as what is shown: a page of rows, points of a map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracer_nb.documents import plain_text
from tracer_nb.engine import gaps
from tracer_nb.records import STATUSES, ColumnMap, RowPage, RowView, Selection
from tracer_nb.steps.frames import Texts
from tracer_nb.steps.matrices import Blocks
from tracer_nb.steps.outcome import TEACHER, Outcome

__all__ = ["make_map", "make_page"]

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
    """
    places = gaps.select_rows(table, selection)
    if needle := selection.search.strip().casefold():
        found = np.array([needle in text for text in folded])
        places = places[found[texts.codes[table.rows[places]]]]
    page = places[offset : offset + limit].tolist()
    return RowPage(tuple(_view(texts, table, outcome, i) for i in page), len(places), offset)


def _view(texts: Texts, table: gaps.RowTable, outcome: Outcome | None, i: int) -> RowView:
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
    )


def make_map(
    texts: Texts, table: gaps.RowTable, X: Blocks, *, method: str, n_points: int, seed: int
) -> ColumnMap:
    """Draw some of the distinct texts, and lay them out.

    Parameters
    ----------
    texts : Texts
        The column.
    table : RowTable
        Its distinct texts.
    X : blocks of shape (n_texts, d)
    method, n_points, seed
        As in :func:`tracer_nb.engine.gaps.lay_out`.
    """
    points = gaps.draw_points(table.status, n_points, seed)
    positions, explained = gaps.lay_out(X, points, method=method, seed=seed)
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
