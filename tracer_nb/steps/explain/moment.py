"""One moment of a job, looked at from all sides; what is worked out is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import Router, SurrogateFit, gaps
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import (
    Choice,
    ColumnMap,
    Gaps,
    LabelCounts,
    Labels,
    Preview,
    Routing,
    Targets,
)
from tracer_nb.steps.certify import rows_to_route
from tracer_nb.steps.column.features import Blocks, take
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.outcome import ABSTAINED, SURROGATE, TEACHER, Outcome
from tracer_nb.steps.explain.rows import (
    Sample,
    calibrated_rows,
    judge_sample,
    judged_rows,
    make_map,
    row_table,
    text_table,
)
from tracer_nb.steps.label.costs import unasked_dollars
from tracer_nb.steps.update.scope import Scope

__all__ = ["Inspection", "Makers"]


@dataclass(frozen=True, slots=True)
class Makers:
    """What a Tracer works out when it is asked for, and keeps.

    Attributes
    ----------
    features : callable
        Features of the column's distinct texts.
    decide : callable
        Who answers each distinct text, at one of the targets.
    costs : callable
        Dollars for each distinct text, where the strategy goes by them.
    price : callable
        Dollars for a text; None when unknown.
    """

    features: Callable[[], Blocks]
    decide: Callable[[float | None], Routing]
    costs: Callable[[Texts], NDArray[np.float64] | None]
    price: Callable[[], float | None]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a job has reached; None for what it has not.

    Attributes
    ----------
    texts : Texts
        The labelled column.
    labels : Labels
        So far.
    fitted, router : SurrogateFit, Router or None
    outcome : Outcome or None
        Of the labelled column.
    target : float or None
        Of the last routing; the main one when None.
    options : Options
    make : Makers
    scope : Scope or None
        After an update.
    """

    texts: Texts
    labels: Labels
    fitted: SurrogateFit | None
    router: Router | None
    outcome: Outcome | None
    target: float | None
    options: Options
    make: Makers
    scope: Scope | None = None

    def is_of(self, other: Inspection) -> bool:
        """Whether both are of one moment."""
        names = ("texts", "labels", "fitted", "router", "outcome", "target", "scope")
        return all(getattr(self, name) is getattr(other, name) for name in names)

    @property
    def main(self) -> float:
        """The target in use."""
        return self.options.targets[0] if self.target is None else self.target

    @cached_property
    def label_counts(self) -> LabelCounts:
        """How often each label occurs."""
        number = {name: i for i, name in enumerate(self.labels.classes)}
        by: dict[str | None, list[int]] = {SURROGATE: [], TEACHER: [], ABSTAINED: [], None: []}
        if self.outcome is not None:
            for label, source in zip(self.outcome.label, self.outcome.source, strict=True):
                by[source].append(number.get(str(label), -1))
        return gaps.count_labels(
            self.labels.classes,
            self.labels.codes,
            np.array(by[TEACHER], dtype=np.intp),
            np.array(by[SURROGATE], dtype=np.intp),
            n_missing=len(by[None]),
            n_abstained=len(by[ABSTAINED]),
        )

    @cached_property
    def sample(self) -> Sample:
        """The labelled rows."""
        if self.router is None:
            return judge_sample(self.labels, None, self.fitted, None, None)
        X = take(self.make.features(), self.texts.codes[self.labels.rows])
        certificate = self.router.certificate_for(self.target, column=self.scope is None)
        return judge_sample(self.labels, X, self.fitted, self.router, certificate)

    @cached_property
    def judged(self) -> gaps.Judged | None:
        """The rows that pictures of agreement count; None before the fit."""
        return judged_rows(self.sample) if self.sample.basis else None

    @cached_property
    def text_table(self) -> gaps.RowTable:
        """The distinct texts."""
        return text_table(
            self.texts,
            self.labels,
            self.sample,
            fitted=self.fitted,
            routing=None if self.router is None else self.make.decide(self.target),
            outcome=self.outcome,
            scope=self.scope,
        )

    @cached_property
    def row_table(self) -> gaps.RowTable:
        """The rows that hold text."""
        return row_table(self.texts, self.labels, self.sample, self.text_table)

    @cached_property
    def folded(self) -> list[str]:
        """Distinct texts as they are searched."""
        return [text.casefold() for text in self.texts.plain]

    @cached_property
    def parts(self) -> tuple[SurrogateFit, gaps.Labelled, gaps.Others] | None:
        """The fit, the tested rows and the column's texts; None before calibration."""
        if self.fitted is None or self.router is None:
            return None
        tested = calibrated_rows(self.sample, self.fitted)
        if tested is None:
            return None
        routing = self.make.decide(self.target)
        n = len(self.texts.unique)
        answers = Answers(np.zeros(n, dtype=np.intp), routing.scores, routing.far)
        costs = self.make.costs(self.texts)
        if self.scope is not None:
            # The rows that are left are not like the tested ones, which stand for all.
            return self.fitted, tested, gaps.Others(answers, np.zeros(n, np.intp), costs, None)
        rows = rows_to_route(self.texts, self.labels, self.fitted)
        n_rows = np.bincount(self.texts.codes[rows], minlength=n)
        dollars = unasked_dollars(self.texts, self.labels, costs, self.make.price())
        return self.fitted, tested, gaps.Others(answers, n_rows, costs, dollars)

    @cached_property
    def targets(self) -> Targets | None:
        """What each target gives; None before calibration."""
        if self.parts is None or self.router is None:
            return None
        fitted, tested, others = self.parts
        certified = []
        router = self.router
        about = router.column_certificates if self.scope is None else router.certificates
        for c in about or ():
            saved = None
            if others.dollars is not None:
                saved = float(others.dollars[self.make.decide(c.target).handled].sum())
            certified.append(
                Choice(c.target, certified=c.certified, coverage=c.coverage, saved=saved)
            )
        return gaps.target_estimates(fitted, tested, others, certified=certified, main=self.main)

    @cached_property
    def preview(self) -> Preview | None:
        """The frontier of the labels so far; None while there are too few."""
        if not len(self.labels.rows):
            return None
        X = take(self.make.features(), self.texts.codes[self.labels.rows])
        return gaps.preview(X, self.labels.codes, options=self.options)

    def keep(self, found: Gaps, n_again: int) -> None:
        """Remember an analysis of this moment, the last one.

        Parameters
        ----------
        found : Gaps
        n_again : int
            Second answers of the teacher that there were.
        """
        self.__dict__["_gaps"] = found, n_again

    @property
    def kept(self) -> tuple[Gaps, int] | None:
        """The analysis of this moment that was made last; None before the first."""
        return self.__dict__.get("_gaps")

    def map(self, method: str, n_points: int) -> ColumnMap:
        """The column as points; each map is drawn once."""
        maps: dict[tuple[str, int], ColumnMap] = self.__dict__.setdefault("_maps", {})
        if (method, n_points) not in maps:
            maps[method, n_points] = make_map(
                self.texts,
                self.text_table,
                self.make.features(),
                method=method,
                n_points=n_points,
                seed=self.options.seed,
            )
        return maps[method, n_points]
