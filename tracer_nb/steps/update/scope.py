"""A column under an updated surrogate: who answers what, and what is still to be answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import Router, certify_known
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import Certificate, Frontier, Routing

__all__ = ["Layer", "OpenRows", "Scope"]

# Score of texts that are answered already; what is not scores below it.
_ANSWERED, _BELOW = 1.0, 1.0 - 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A column at one target.

    Attributes
    ----------
    routing : Routing
        Who answers each distinct text.
    certificate : Certificate
        In force: the update's, or the one before where the update certified nothing more.
    key : str
        What audits belong to.
    open : ndarray of shape (n_unique,), bool, or None
        Texts that the certificate speaks about and the teacher had not answered: the only ones
        whose audits tell something of it. None for a certificate from before all updates.
    """

    routing: Routing
    certificate: Certificate
    key: str
    open: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A column after an update.

    Attributes
    ----------
    learned : ndarray of shape (n_unique,), bool
        Texts outside the sample that the new surrogate was fitted on.
    layers : mapping of float to Layer
        By target.
    elsewhere : frozenset of str
        Texts of other columns that it was fitted on.
    """

    learned: NDArray[np.bool_]
    layers: Mapping[float, Layer]
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class OpenRows:
    """Rows of a column that the teacher had not answered, and a new surrogate.

    What an earlier certificate lets a surrogate answer keeps its label, because that
    certificate still stands. The new surrogate may answer more of the rest, and is tested
    together with it: so nothing is lost, and the margin of the easy rows is not either.

    Attributes
    ----------
    router : Router
    answers : Answers
        Of the new surrogate on distinct texts, (n_unique,).
    open : ndarray of shape (n_unique,), bool
    tested, others : ndarray of int
        Distinct text of each row: those of the test, a simple random sample of both together,
        and the others.
    names : ndarray of shape (n_tested,)
        The teacher's labels of the former, None where there is none.
    costs : ndarray of shape (n_unique,), or None
    """

    router: Router
    answers: Answers
    open: NDArray[np.bool_]
    tested: NDArray[np.intp]
    others: NDArray[np.intp]
    names: NDArray[Any]
    costs: NDArray[np.float64] | None

    def certify(
        self, before: Routing, target: float
    ) -> tuple[Routing, Certificate, Frontier] | None:
        """Let the new surrogate answer more than ``before`` did; None when nothing is certified.

        Parameters
        ----------
        before : Routing
            Who answers each distinct text until now.
        target : float
        """
        if not len(self.tested) or not (self.open & ~before.handled).any():
            return None
        joined, fit, costs = self._joined(before), self.router.fit, self.costs
        certificate, picture = certify_known(
            *(fit, joined.take(self.tested), self.names, joined.take(self.others)),
            costs=None if costs is None else costs[self.tested],
            other_costs=None if costs is None else costs[self.others],
            target=target,
        )
        found = self.router.decide(joined, certificate, costs)
        handled = found.handled & self.open
        # Of a class that is not certified what was answered before would be left out.
        if not certificate.certified or (before.handled & self.open & ~handled).any():
            return None
        # Answered before, a row keeps its own score; that of the test only put it first.
        scores = np.where(before.handled, before.scores, found.scores)
        routing = replace(found, handled=handled | before.handled, scores=scores)
        return routing, replace(certificate, method=f"{certificate.method}, updated"), picture

    def _joined(self, before: Routing) -> Answers:
        """What was answered until now, surest of all, and what the new surrogate says else."""
        codes, done = self.answers.codes.copy(), before.handled
        codes[done] = self.router.fit.numbers(before.labels[done], int(done.sum()))
        scores = np.where(done, _ANSWERED, np.minimum(self.answers.scores, _BELOW))
        return Answers(codes, scores, self.answers.far & ~done)
