"""All gates that can be fitted to one surrogate's out-of-fold outputs."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gates.learned import fit_learned_gate
from tracer_nb.engine.gates.platt import fit_simple_gate
from tracer_nb.engine.gates.statistics import STATISTICS
from tracer_nb.engine.zoo import Matrix

__all__ = ["GATES", "Gate", "fit_gates"]

GATES = (*STATISTICS, "learned")


class Gate(Protocol):
    """From a surrogate's outputs to the estimated probability of agreement."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """One of ``GATES``."""
        ...

    def scores(self, outputs: NDArray[np.floating], X: Matrix) -> NDArray[np.float64]:
        """Gate scores in [0, 1] of rows (n, d) with these outputs (n, K)."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings as JSON values, and arrays."""
        ...


def fit_gates(
    names: tuple[str, ...],
    outputs: NDArray[np.floating],
    agree: NDArray[np.bool_],
    X: Matrix,
    codes: NDArray[np.intp],
    *,
    seed: int,
) -> list[tuple[Gate, NDArray[np.float64]]]:
    """Fit the named gates, each with the out-of-fold scores of the fitting rows.

    Parameters
    ----------
    names : tuple of str
        Some of ``GATES``. The learned one falls away when there is nothing to learn, and a
        gate on the margin takes its place when it is the only one.
    outputs, agree, X, codes, seed
        As in :func:`~tracer_nb.engine.gates.learned.fit_learned_gate`.
    """
    fitted: list[tuple[Gate, NDArray[np.float64]]] = []
    for name in names:
        if name in STATISTICS:
            gate = fit_simple_gate(name, outputs, agree)
            # A curve with two parameters fits no single row: its own rows will do.
            fitted.append((gate, gate.scores(outputs, X)))
        elif (learned := fit_learned_gate(outputs, agree, X, codes, seed)) is not None:
            fitted.append(learned)
    if not fitted:
        gate = fit_simple_gate("margin", outputs, agree)
        fitted.append((gate, gate.scores(outputs, X)))
    return fitted
