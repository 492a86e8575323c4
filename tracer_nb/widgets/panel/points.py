"""A map as the page draws it: points as binary arrays, names apart; texts stay in the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.charts.map import LAYERING, map_title, ranked_labels
from tracer_nb.charts.parts import LABEL_COLOURS, OTHER, STATUS_COLOURS
from tracer_nb.records import STATUSES, ColumnMap
from tracer_nb.words import beginning

__all__ = ["map_values"]

# Places along each axis: finer than any screen.
_GRID = 65_535
_NO_LABEL = 65_535


def map_values(points: ColumnMap) -> dict[str, Any]:
    """Eleven bytes a point: where it stands, its row, its status and its label.

    ``x``, ``y`` and ``label`` are unsigned of 16 bits, ``status`` of 8, ``row`` signed of 32, all
    little-endian; a label is a place in ``names``, the most frequent first, 65,535 for none.
    """
    names, codes = ranked_labels(points)
    label = np.array(codes, dtype=np.int64)
    label[(label < 0) | (label >= _NO_LABEL)] = _NO_LABEL
    shown = names[:_NO_LABEL]
    return {
        "n": len(points.rows),
        "x": _on_grid(points.x),
        "y": _on_grid(-points.y),
        "row": points.rows.astype("<i4").tobytes(),
        "status": points.status.astype("<u1").tobytes(),
        "label": label.astype("<u2").tobytes(),
        "names": [beginning(name, 60) for name in shown],
        "statuses": list(STATUSES),
        "layering": [STATUSES.index(status) for status in LAYERING],
        "colours": {"status": list(STATUS_COLOURS), "label": [*LABEL_COLOURS, OTHER]},
        "title": [line for line in map_title(points) if line],
    }


def _on_grid(values: NDArray[np.float64]) -> bytes:
    low = values.min() if len(values) else 0.0
    span = float(np.ptp(values)) if len(values) else 0.0
    places = np.round((values - low) / (span if span > 0 else 1.0) * _GRID)
    return places.astype("<u2").tobytes()
