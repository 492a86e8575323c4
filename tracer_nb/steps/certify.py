"""Fitting and certifying: what the first fit and every update of it share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import Router, SurrogateFit, calibrate_router, fit_surrogate
from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import (
    Certificate,
    Labels,
    Routing,
)
from tracer_nb.steps.column.features import Blocks, take
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.sample import label_names, soft_labels
from tracer_nb.steps.label.costs import text_costs
from tracer_nb.steps.state import Job

__all__ = ["Making", "in_round", "learned_on_column", "rows_to_route"]


class Making(Job):
    """The part of a Tracer that makes surrogates and routers of its column."""

    _choices: dict[str, Any]
    _latency_weight: float
    _seconds: float
    _answers: Answers | None
    _decided: dict[float | None, Routing]
    _found: frozenset[str]
    _tested: Texts | None

    def _costs(self, texts: Texts) -> NDArray[np.float64] | None:
        """Dollars for each distinct text, where the strategy asks for them."""
        if self.options.strategy != "cost-aware":
            return None
        return text_costs(
            self.teacher, texts.unique, seconds=self._seconds, latency_weight=self._latency_weight
        )

    def _fit_on(self, texts: Texts, labels: Labels, X: Blocks, **how: Any) -> SurrogateFit:
        """A surrogate fitted on labelled rows of the column.

        Parameters
        ----------
        texts, labels : Texts, Labels
        X : blocks of shape (n_unique, d)
        **how
            Of :func:`tracer_nb.engine.fit_surrogate`, over what the Tracer was given.
        """
        codes, costs = texts.codes[labels.rows], self._costs(texts)
        return fit_surrogate(
            take(X, codes),
            label_names(labels),
            unlabelled=take(X, texts.codes[np.setdiff1d(texts.usable, labels.rows)]),
            soft_labels=soft_labels(labels),
            costs=None if costs is None else costs[codes],
            groups=codes,
            **{**self._choices, **how},
        )

    def _certify_on(
        self, texts: Texts, labels: Labels, X: Blocks, fitted: SurrogateFit, *, column: bool = True
    ) -> tuple[Router, Answers]:
        """A router for the column, and what its surrogate says on each distinct text.

        With ``column=False`` it has no column certificate.
        """
        costs = self._costs(texts)
        # The whole column at once: for the certificate, and to route it.
        answers = fitted.pipeline.predict(check_blocks(X))
        about: dict[str, Any] = {}
        if column:
            others = texts.codes[rows_to_route(texts, labels, fitted)]
            about["column"] = answers.take(others)
            about["column_costs"] = None if costs is None else costs[others]
        rows = take(X, texts.codes[labels.rows])
        return calibrate_router(fitted, rows, label_names(labels), **about), answers

    def _count(self, router: Router) -> None:
        """Count a router's certificates as a try on rows of this column.

        The same ones again say nothing new; other ones are a further try, which spends its own
        part of an error budget.
        """
        found = repr((router.certificates, router.column_certificates))
        if found not in self._found or not self._errors:
            self._errors = (*self._errors, 1.0 - router.fit.options.confidence)
            self._found |= {found}
        self._tested = self._column.texts if self._column is not None else None


def rows_to_route(texts: Texts, labels: Labels, fitted: SurrogateFit) -> NDArray[np.intp]:
    """Rows outside the sample that a column certificate speaks about.

    Those whose text the surrogate was not fitted on; under cross-fitting it is fitted on every
    labelled row.
    """
    codes = texts.codes[labels.rows]
    tested = np.zeros(len(codes), dtype=bool)
    if fitted.left_out is None:
        tested[fitted.calibration_rows] = True
    seen = np.zeros(len(texts.unique), dtype=bool)
    seen[codes[~tested]] = True
    others = np.setdiff1d(texts.usable, labels.rows)
    return others[~seen[texts.codes[others]]]


def learned_on_column(features: str, fitted: SurrogateFit | None) -> bool:
    """Whether the features saw the calibration rows: for new rows it is close, not exact."""
    smoothed = fitted is not None and fitted.uses_column
    return smoothed or features == "lsa" or features.endswith("+ lsa")


def in_round(router: Router, errors: tuple[float, ...]) -> Router:
    """The router, its certificates saying what else was certified on rows of this column.

    Parameters
    ----------
    router : Router
    errors : tuple of float
        Error budget of every certificate that was made on them, this router's included.
    """

    def among(certificates: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
        return tuple(
            replace(c, n_rounds=len(errors), earlier=sum(errors) - (1.0 - c.confidence))
            for c in certificates
        )

    column = router.column_certificates
    return replace(
        router,
        certificates=among(router.certificates),
        column_certificates=None if column is None else among(column),
    )
