"""The router: a certified rule that says who answers each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.certificates import row_thresholds
from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.fitting import SurrogateFit
from tracer_nb.engine.options import strategy_costs
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Frontier, Routing

__all__ = ["Router"]


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """A certified rule: rows with score >= threshold are handled, the others deferred.

    Attributes
    ----------
    fit : SurrogateFit
    certificates : tuple of Certificate
        For new rows drawn like the labelled ones, one for each target.
    column_certificates : tuple of Certificate, or None
        For the known rows of one column, when they were given.
    frontier : Frontier
        Coverage against agreement on the calibration rows, for a picture.
    column_frontier : Frontier or None
        The same on the rows that the main column certificate was tested on, by its rule: the
        guard defers fewer of them.
    """

    fit: SurrogateFit
    certificates: tuple[Certificate, ...]
    column_certificates: tuple[Certificate, ...] | None
    frontier: Frontier
    column_frontier: Frontier | None = None

    @property
    def certificate(self) -> Certificate:
        """For new rows, at the main target."""
        return self.certificates[0]

    @property
    def column_certificate(self) -> Certificate | None:
        """For the column, at the main target."""
        return None if self.column_certificates is None else self.column_certificates[0]

    def certificate_for(self, target: float | None = None, *, column: bool = False) -> Certificate:
        """The certificate at one of the targets.

        Parameters
        ----------
        target : float, optional
            The main one by default.
        column : bool
            That of the column.

        Raises
        ------
        InvalidInput
            Not one of the targets, or there is no column certificate.
        """
        found = self.column_certificates if column else self.certificates
        if found is None:
            raise InvalidInput(
                "this router has no column certificate; call route(X) without column"
            )
        if target is None:
            return found[0]
        for certificate in found:
            if certificate.target == target:
                return certificate
        known = ", ".join(f"{c.target:g}" for c in found)
        raise InvalidInput(
            f"target {target!r} was not certified; there are: {known}. Another one needs "
            "calibration with it"
        )

    def route(
        self,
        X: Any,
        *,
        column: bool = False,
        target: float | None = None,
        costs: ArrayLike | None = None,
    ) -> Routing:
        """Decide who answers each row.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, d), or a list of several
            The same features as in the fit.
        column : bool
            The rows belong to the column that was certified; use that certificate.
        target : float, optional
            One of the targets that were certified; the main one by default.
        costs : array_like of shape (n,), optional
            What asking the teacher about each row costs; needed by the cost-aware strategy.

        Returns
        -------
        Routing

        Raises
        ------
        InvalidInput
            Another number of features, NaN or infinite values, an unknown target, missing
            costs, ``column=True`` without a column certificate, or a router of a chain, whose
            stages must be heard.
        """
        if self.fit.pooled is not None:
            raise InvalidInput(
                "this router's answers are pooled with those of a chain's stages, which must be heard: "
                "route with the job itself (tracer.route, %tracer route)"
            )
        blocks = check_blocks(X, n_features=self.fit.n_features)
        each = strategy_costs(self.fit.options.strategy, costs, blocks[0].shape[0])
        certificate = self.certificate_for(target, column=column)
        return self.decide(self.fit.pipeline.predict(blocks), certificate, each)

    def decide(
        self, answers: Answers, certificate: Certificate, costs: NDArray[np.float64] | None
    ) -> Routing:
        """Who answers rows that the surrogate has looked at already.

        Parameters
        ----------
        answers : Answers
            Of the fit's pipeline on n rows.
        certificate : Certificate
            From :meth:`certificate_for`.
        costs : ndarray of shape (n,), or None
            As in :meth:`route`, checked.
        """
        new = certificate.n_population is None
        path = self.fit.path(answers, costs, certificate.target, new=new)
        return Routing(
            handled=path
            >= row_thresholds(certificate, answers.codes, self.fit.classes.tolist(), self.fit.sets),
            labels=self.fit.names(answers.codes),
            scores=answers.scores,
            far=answers.deferred(new=new),
            strange=answers.strange & ~answers.far if new and answers.strange is not None else None,
        )
