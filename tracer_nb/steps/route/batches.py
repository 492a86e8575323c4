"""A saved router as one pure function of a batch of rows, for files and clusters.

It asks nobody and keeps nothing: a batch decides as the same rows of a whole column do, whoever
calls it, and in whatever process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracer_nb.engine import Router
from tracer_nb.engine.features import Features
from tracer_nb.engine.saving import RouterFile, read_router
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Certificate, RejectOption, Routing
from tracer_nb.steps.audit.auditor import Auditor, Promise, deferring, watch_key
from tracer_nb.steps.column.features import as_blocks
from tracer_nb.steps.column.frames import Texts, batch_texts
from tracer_nb.steps.label.reject import deferred_texts
from tracer_nb.steps.route.outcome import Outcome, Why, combine
from tracer_nb.store import Shelf

__all__ = ["BatchRouter", "Known", "load_batch_router"]

Known = Callable[[Sequence[str]], Mapping[str, Answer]]
"""Looks up what the teacher has answered already."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchRouter:
    """Decides who answers the rows of a batch.

    Attributes
    ----------
    router : Router
    features : Features
    about : mapping
        As of :class:`~tracer_nb.engine.saving.RouterFile`.
    certificate : Certificate
        For new rows, at the target that was asked for.
    alarm : bool
        An audit defers everything.
    reject : RejectOption
    """

    router: Router
    features: Features
    about: Mapping[str, Any]
    certificate: Certificate
    alarm: bool
    reject: RejectOption

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns beside the text that the prompt names."""
        return tuple(self.about.get("columns", ()))

    @property
    def identity(self) -> Mapping[str, Any]:
        """Of the teacher that the router was fitted on."""
        identity: Mapping[str, Any] = self.about["identity"]
        return identity

    @property
    def defers_all(self) -> bool:
        """Whether nothing is certified, or an alarm was raised: then nobody is asked unless told."""
        return self.alarm or not self.certificate.certified

    def decide(
        self,
        cells: Sequence[Any],
        beside: Mapping[str, Sequence[str | None]] | None = None,
        *,
        known: Known | None = None,
        first: int = 0,
    ) -> tuple[Outcome, list[str]]:
        """The output columns of a batch, and its distinct texts that are left to the teacher.

        Parameters
        ----------
        cells : sequence
            Texts; None, NaN, empty or white space where there is none.
        beside : mapping of str to sequence of (str or None), optional
            Cells of :attr:`columns`.
        known : callable, optional
            Answers of the teacher, which go first as everywhere.
        first : int
            Number of the batch's first row, for messages.

        Raises
        ------
        InvalidInput
            A cell that is neither text nor missing, or the strategy needs costs.
        """
        texts = batch_texts(cells, beside or {}, first)
        routing = self._route(texts)
        answers = {} if known is None else dict(known(texts.unique))
        # Strategies that weigh costs are refused.
        why = Why.of(self.certificate, alarm=self.alarm, by_cost=False)
        outcome = combine(texts, routing, answers, why, self.reject)
        return outcome, deferred_texts(texts, routing, answers, self.reject)

    def _route(self, texts: Texts) -> Routing:
        if not texts.unique:
            none = np.zeros(0, dtype=bool)
            return Routing(none, np.zeros(0, dtype=object), np.zeros(0), none)
        X = as_blocks(self.features.transform(texts.plain))
        routing = self.router.route(X, target=self.certificate.target)
        return deferring(routing) if self.alarm else routing


def load_batch_router(
    router: str | os.PathLike[str] | RouterFile,
    *,
    target: float | None = None,
    shelf: Shelf | None = None,
) -> BatchRouter:
    """Make the function of a saved router.

    Parameters
    ----------
    router : path, or what was read from one
    target : float, optional
        One of the saved targets; the main one by default.
    shelf : Shelf, optional
        A store whose audits are heeded.

    Raises
    ------
    InvalidInput
        No such file or target, or a router that cannot decide about texts alone.
    MissingExtra
        The embedding model's package is not installed.
    StoreError
        The store cannot be read.
    """
    saved = router if isinstance(router, RouterFile) else read_router(router)
    if saved.features is None:
        raise InvalidInput(
            "this router was fitted on features of your own, which no file of texts has; fit one with "
            "features='auto', or route in Python: load(path).route(column, features=matrix)"
        )
    options = saved.router.fit.options
    if options.strategy == "cost-aware":
        raise InvalidInput(
            "this router decides by what asking about each text costs (strategy 'cost-aware'), which "
            "a file does not say; fit one with 'adaptive-threshold'"
        )
    certificate, alarm = saved.router.certificate_for(target), False
    about, confidence = saved.about, options.confidence
    if shelf is not None:

        def promise(of: Certificate) -> Promise:
            return Promise(watch_key(about["identity"], about["fit"], of), of.target, confidence)

        certificate, alarm = Auditor(shelf).heed(certificate, saved.router.certificates, promise)
    abstain = about["abstain"]
    reject = RejectOption(bool(abstain["unlike"]), abstain["unsure"])
    return BatchRouter(saved.router, saved.features, about, certificate, alarm, reject)
