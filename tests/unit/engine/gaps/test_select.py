"""Rows that match a selection, against asking each row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.gaps import RowTable, select_rows
from tracer_nb.records import STATUSES, Selection

NAMES = ("a", "b", "c")
YES_OR_NO = (True, False)
SCORES = [np.nan, -np.inf, 0.0, 0.5, 1.0]


@st.composite
def tables(draw):
    n = draw(st.integers(0, 30))
    column = lambda *values: draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))  # noqa: E731
    return RowTable(
        NAMES,
        np.arange(n) * 3,
        np.array(column(-1, 0, 1, 2), dtype=np.intp),
        np.array(column(-1, 0, 1, 2), dtype=np.intp),
        np.array(column(*SCORES), dtype=float),
        np.array(column(*range(len(STATUSES))), dtype=np.intp),
        np.array(column(*YES_OR_NO), dtype=bool),
        np.array(column(*YES_OR_NO), dtype=bool),
    )


labels = st.none() | st.sets(st.sampled_from([*NAMES, "no such label"])).map(tuple)
selections = st.builds(
    Selection,
    teacher=labels,
    surrogate=labels,
    status=st.none() | st.sets(st.sampled_from(STATUSES)).map(tuple),
    scores=st.none() | st.tuples(st.sampled_from([0.0, 0.5]), st.sampled_from([0.5, 1.0])),
    rows=st.none() | st.sets(st.integers(0, 100)).map(tuple),
    tested=st.booleans(),
)


@given(tables(), selections)
def test_matching_rows_are_those_that_match_one_by_one(table, selection):
    def matches(i):
        name = lambda code: NAMES[code] if code >= 0 else None  # noqa: E731
        low, high = selection.scores or (-np.inf, np.inf)
        return (
            (selection.teacher is None or name(table.teacher[i]) in selection.teacher)
            and (selection.surrogate is None or name(table.surrogate[i]) in selection.surrogate)
            and (selection.status is None or STATUSES[table.status[i]] in selection.status)
            and (selection.scores is None or low <= table.scores[i] <= high)
            and (selection.rows is None or table.rows[i] in selection.rows)
            and (table.tested[i] or not selection.tested)
        )

    expected = [i for i in range(len(table.rows)) if matches(i)]
    assert select_rows(table, selection).tolist() == expected


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-np.inf, np.inf)])
def test_no_range_of_scores_holds_rows_without_one(bounds):
    n = len(SCORES)
    zeros = np.zeros(n, dtype=np.intp)
    no = np.zeros(n, dtype=bool)
    table = RowTable(NAMES, np.arange(n), zeros, zeros, np.array(SCORES), zeros, no, no)
    assert select_rows(table, Selection(scores=bounds)).tolist() == [2, 3, 4]
