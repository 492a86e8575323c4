"""Another surrogate for a column that is routed: fitted, certified, and put beside the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.rounds import Draw, Trail, extra_rows
from tracer_nb.engine import Router
from tracer_nb.engine.certificates import round_confidence
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import NotFitted
from tracer_nb.records import Answer, Certificate, Labels, Routing
from tracer_nb.steps.audit.evidence import fit_key, watch_key
from tracer_nb.steps.audit.step import MonitorSteps
from tracer_nb.steps.certify import Making, in_round
from tracer_nb.steps.column.sample import collect_labels, label_names
from tracer_nb.steps.update.scope import Layer, OpenRows, Scope

__all__ = ["Remaking", "Side"]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A router, and what it goes with.

    Attributes
    ----------
    router : Router
        With the column certificates that are in force with it.
    labels : Labels
    answers : Answers
        On the column's distinct texts.
    coverage : float
        Share of the rows kept for tests that it answers, by its certificate for new rows.
    scope : Scope or None
    """

    router: Router
    labels: Labels
    answers: Answers
    coverage: float
    scope: Scope | None


class Remaking(MonitorSteps, Making):
    """The part of a Tracer that makes another surrogate, and keeps what the one before did."""

    _trail: Trail | None
    _target: float | None

    def _decide(self, target: float | None) -> Routing:
        """Who answers each distinct text of the column."""
        raise NotImplementedError

    @property
    def _next_confidence(self) -> float:
        """Confidence of the tests of the next update."""
        return round_confidence(self.confidence, self.rounds + 1)

    def _now(self, draw: Draw) -> Side:
        """The router in use."""
        router, labels, answers = self.router, self.labels, self._answers
        if router is None or labels is None or answers is None:
            raise NotFitted(
                "nothing is calibrated yet; call fit() and calibrate() first (%tracer fit, %tracer calibrate)"
            )
        return Side(router, labels, answers, self._coverage(router, answers, draw), self._scope)

    def _coverage(self, router: Router, answers: Answers, draw: Draw) -> float:
        """Share of the rows kept for tests that a router would answer as new rows."""
        texts = self._labelled()[0].texts
        certificate = router.certificate_for(self._target)
        handled = router.decide(answers, certificate, self._costs(texts)).handled
        return float(handled[texts.codes[draw.kept]].mean())

    def _remake(
        self, draw: Draw, order: NDArray[np.intp], known: Mapping[str, Answer], now: Side
    ) -> Side:
        """Fit on everything but the fresh rows, and certify on these.

        Parameters
        ----------
        draw : Draw
        order : ndarray of int
            The column's rows in random order.
        known : mapping of str to Answer
            Everything that the teacher said about texts of the column and elsewhere.
        now : Side
        """
        texts, _, X = self._featurized()
        asker, trail = self._asker, self._trail
        assert trail is not None  # noqa: S101  rows were drawn
        labels = collect_labels(
            texts,
            order[: draw.start + len(draw.fresh)],
            known,
            classes=self.teacher.labels,
            spending=asker.spending,
            stopped=None,
            superseded=asker.superseded,
        )
        extra, elsewhere = extra_rows(texts, X, draw, trail, known)
        fitted = self._fit_on(
            *(texts, labels, X),
            extra=extra,
            calibration=np.arange(len(labels.rows)) >= draw.start,
            confidence=self._next_confidence,
            # Cross-fitting was verified on rows that were drawn at random.
            certificate=self.options.certificate.replace("cross-fit", "held-out"),
        )
        router, answers = self._certify_on(texts, labels, X, fitted, column=False)
        tested = fitted.calibration_rows
        tested = tested[draw.open[texts.codes[labels.rows[tested]]]]
        others = texts.codes[np.setdiff1d(texts.usable, labels.rows)]
        rows = OpenRows(
            router,
            answers,
            draw.open,
            texts.codes[labels.rows[tested]],
            others[draw.open[others]],
            label_names(labels)[tested],
            self._costs(texts),
        )
        untested = draw.open.copy()
        untested[texts.codes[labels.rows]] = False
        layers, picture = {}, now.router.column_frontier or now.router.frontier
        for i, before in enumerate(now.router.column_certificates or ()):
            routing, key = self._decide(before.target), self._promise(before).key
            about = None if now.scope is None else now.scope.layers[before.target].open
            # What an audit has refuted is open again, if something else passes.
            refuted = self._auditor.has_alarm(self._promise(before))
            start = replace(routing, handled=routing.handled & (not refuted))
            found = rows.certify(start, before.target)
            certificate: Certificate = before
            if found is not None:
                routing, certificate, seen = found
                picture = picture if i else seen
                fit = fit_key(texts, labels, fitted=fitted, answers=answers)
                key = watch_key(self.teacher.identity, fit, certificate)
                about = untested
            layers[before.target] = Layer(routing, certificate, key, about)
        column = tuple(layer.certificate for layer in layers.values())
        made = replace(router, column_certificates=column, column_frontier=picture)
        coverage = self._coverage(router, answers, draw)
        return Side(made, labels, answers, coverage, Scope(draw.learned, layers, elsewhere))

    def _take_over(self, side: Side, new: Side) -> None:
        """Use one of two routers for new rows, and what both answer for the column."""
        self._count(new.router)
        router = replace(
            side.router,
            column_certificates=new.router.column_certificates,
            column_frontier=new.router.column_frontier,
        )
        self.router = in_round(router, self._errors)
        self.fitted, self.labels, self._answers = side.router.fit, side.labels, side.answers
        assert new.scope is not None  # noqa: S101  an update has one
        fitted = side.scope or Scope(np.zeros_like(new.scope.learned), {})
        self._scope = replace(new.scope, learned=fitted.learned, elsewhere=fitted.elsewhere)
        self._decided = {}
        self.outcome = self._others = None
