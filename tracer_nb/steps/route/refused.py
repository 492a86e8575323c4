"""Why nothing was certified about the column, and the ways out with what they cost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tracer_nb.draws import NO_LABEL
from tracer_nb.engine.bounds import fewest_handled
from tracer_nb.engine.refusal import (
    chance_to_certify,
    likely_target,
    refusal_cause,
    surest_agreement,
)
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.records import HANDLED, Carried, Certificate, Pilot, Refused, WayOut
from tracer_nb.steps.label.reask import self_agreement
from tracer_nb.steps.state import JobState
from tracer_nb.teachers import ReplayTeacher

__all__ = ["refused"]

# Second answers that are asked for by default.
_REASKED = 100


def refused(
    state: JobState,
    certificate: Certificate | None,
    each: float | None,
    told: tuple[Carried, ...] = (),
    *,
    n_known: int = 0,
) -> Refused | None:
    """Why nothing is certified about the column; None where something is, or nothing was tried.

    Parameters
    ----------
    state : JobState
    certificate : Certificate or None
        By which the column is routed.
    each : float or None
        Dollars of one text.
    told : tuple of Carried
        What the labels are likely to carry, where the card says it.
    n_known : int
        Texts of the column that have an answer.
    """
    tried = certificate is not None and state.fitted is not None and state.labels is not None
    if certificate is None or not tried or certificate.certified:
        return None
    if certificate.promise != HANDLED:
        return None  # the fitting rows tell of agreement alone, and the note says what is needed
    assert state.fitted is not None and state.labels is not None  # noqa: S101, PT018  tried
    pilot, labels = state.fitted.pilot, state.labels
    stopped = labels.stopped is not None or state.setup.asker.stopped_in("calibrate") is not None
    twice = self_agreement(state)
    ceiling = math.nan if twice is None or twice.ceiling is None else twice.ceiling
    n_test, chance = certificate.n_calibration or _fewest_test(certificate), math.nan
    if state.setup.labelling == "random" and not certificate.classes:
        chance = chance_to_certify(pilot, n_test, certificate.target, certificate.confidence)
    unlabelled = float((labels.codes == NO_LABEL).mean()) if len(labels.codes) else 0.0
    seen: dict[str, Any] = {"stopped": stopped, "unlabelled": unlabelled, "ceiling": ceiling}
    cause = refusal_cause(certificate, pilot, **seen, chance=chance)
    agreement, surest = surest_agreement(pilot)
    return Refused(
        cause,
        agreement=agreement,
        surest=surest,
        ceiling=ceiling,
        unlabelled=unlabelled,
        chance=chance,
        ways=_Ways(state, certificate, pilot, each, n_test, n_known=n_known, told=told).found(
            cause
        ),
    )


def _fewest_test(certificate: Certificate) -> int:
    return 2 * fewest_handled(certificate.target, certificate.confidence)


class _Ways:
    """What there is to do, each with its price."""

    def __init__(
        self,
        state: JobState,
        certificate: Certificate,
        pilot: Pilot,
        each: float | None,
        n_test: int,
        *,
        n_known: int,
        told: tuple[Carried, ...],
    ) -> None:
        self._told = told
        self._state, self._certificate, self._pilot = state, certificate, pilot
        self._each, self._n_test = each, n_test
        texts, labels = state.labelled()
        self._open = len(texts.unique) - n_known
        self._n_labels, self._n_rows = len(labels.rows), len(texts.usable)
        self._random = state.setup.labelling == "random"
        # Hard-first tests have each its own part of the error; others add their own.
        total = certificate.total_confidence
        self._left = total - (1.0 - certificate.confidence) if self._random else total

    def found(self, cause: str) -> tuple[WayOut, ...]:
        """Those that help against a cause; the teacher about every row always does."""
        ways: list[WayOut | None] = []
        if cause in ("stopped", "labels"):
            ways.append(WayOut("again", cost=None))
        if cause not in ("stopped", "labels", "column"):
            ways.append(self._labels())
        if cause not in ("stopped", "labels"):
            ways.append(self._target())
        if self._random and cause in ("rows", "few", "surrogate", "luck"):
            ways.append(WayOut("hard-first", cost=None, confidence=self._left))
        if cause in ("surrogate", "gate"):
            ways.append(WayOut("features", confidence=self._left))
        if cause in ("surrogate", "gate", "teacher") and self._wavers():
            ways.append(self._paid(WayOut("reask", min(_REASKED, self._n_labels))))
        if self._open:
            ways.append(self._paid(WayOut("ask", self._open)))
        return tuple(way for way in ways if way is not None)

    def _wavers(self) -> bool:
        """Whether asking a second time can tell anything."""
        return not isinstance(self._state.setup.teacher, ReplayTeacher)

    def _paid(self, way: WayOut) -> WayOut:
        free = 0.0 if not way.n_texts else None
        return replace(way, cost=free if self._each is None else self._each * way.n_texts)

    def _chance(self, n_test: int, target: float) -> float:
        c = self._certificate
        if c.promise != HANDLED or c.classes:
            return math.nan
        return chance_to_certify(self._pilot, n_test, target, c.confidence)

    def _labels(self) -> WayOut | None:
        """More of them: as many as are needed by the certificate, or twice as many."""
        if not self._random:
            return None  # it went on for as long as a test could be expected to pass
        wanted = self._certificate.needed_rows or 2 * self._n_labels
        n_labels = min(wanted, self._n_rows)
        if n_labels <= self._n_labels:
            return None
        chance = self._chance(round(n_labels * (1.0 - FIT_SHARE)), self._certificate.target)
        n_texts = min(n_labels - self._n_labels, self._open)
        return self._paid(WayOut("labels", n_texts, None, chance, self._left, n_labels))

    def _target(self) -> WayOut | None:
        c = self._certificate
        if c.promise != HANDLED or c.classes or not len(self._pilot.scores):
            return None
        if self._told:
            return self._told_target(self._told[-1])
        if not self._random:  # chosen rows are a poor pilot for the open ones
            return None
        target = likely_target(self._pilot, self._n_test, c.target, c.confidence)
        if target is None:
            return None
        chance = self._chance(self._n_test, target)
        return WayOut("target", 0, 0.0, chance, self._left, target=target)

    def _told_target(self, last: Carried) -> WayOut | None:
        """The highest target that is likely: what the card says of it, and no other one beside it."""
        if last.target >= self._certificate.target or not last.is_likely:
            return None
        way = WayOut("target", last.n_more, None, last.chance, self._left, target=last.target)
        return self._paid(way)
