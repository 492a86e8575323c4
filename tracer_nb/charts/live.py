"""A chart taken apart: a specification that stays, and data that are sent again and again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

__all__ = ["join", "split", "values_of"]


def split(chart: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Specification without values, and the values of each data set by its name.

    Parameters
    ----------
    chart : altair chart
        One of this package: all its data have names.

    Returns
    -------
    specification : dict
        Vega-Lite. As long as it is equal to that of the last split, sending the values is
        enough: ``view.data(name, rows)`` for each.
    values : dict of str to rows
    """
    specification = chart.to_dict()
    return specification, specification.pop("datasets")


def values_of(chart: Any) -> dict[str, list[dict[str, Any]]]:
    """The values alone: what a chart on the page needs while the specification stays.

    The specification of a chart depends on its size and options alone, and for a map on the
    statuses, or the most frequent labels, that occur. This is quick: nothing of it is made.
    """
    return dict(chart.datasets)


def join(
    specification: Mapping[str, Any], values: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The whole picture again, as Vega-Lite."""
    return {**copy.deepcopy(dict(specification)), "datasets": dict(values)}
