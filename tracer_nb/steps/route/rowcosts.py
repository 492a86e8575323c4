"""What asking about rows costs, for routers that go by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer_nb.engine import Router
from tracer_nb.engine.options import check_costs
from tracer_nb.errors import InvalidInput
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.costs import text_costs

__all__ = ["row_costs"]


def row_costs(
    router: Router,
    about: Mapping[str, Any],
    asker: Asker | None,
    texts: Texts,
    given: ArrayLike | None,
) -> Any:
    """Costs of the distinct texts on the scale of the fit, where routing needs them.

    Parameters
    ----------
    router : Router
    about : mapping
        Where it comes from.
    asker : Asker or None
        Whose price counts where no costs are given.
    texts : Texts
    given : array_like of shape (n_unique,), or None

    Raises
    ------
    InvalidInput
        There are none, or they are in another unit.
    """
    fit = router.fit
    if fit.options.strategy != "cost-aware":
        return given
    costs: Any = given
    if given is None and asker is not None:
        costs = text_costs(
            asker.teacher,
            texts.unique,
            seconds=float(about["seconds"]),
            latency_weight=float(about["latency_weight"]),
        )
    if costs is None:
        raise InvalidInput(
            "strategy 'cost-aware' needs costs, what asking about each distinct text costs, or "
            "a teacher with a price"
        )
    values = check_costs("costs", costs, len(texts.unique))
    # A single text may be far from the mean; many of them tell another unit.
    typical = float(np.median(values)) if len(values) > 1 else fit.typical_cost
    if not 0.05 <= typical / fit.typical_cost <= 20.0:
        raise InvalidInput(
            f"costs are about {typical:g} a text, and were {fit.typical_cost:g} at the fit; the "
            "certificate holds in that unit only"
        )
    return values
