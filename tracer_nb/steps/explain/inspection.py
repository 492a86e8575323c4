"""One moment of a job, looked at from all sides; what is worked out is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import SurrogateFit, gaps
from tracer_nb.engine.pipeline import Answers
from tracer_nb.labelsets import NO_LABEL, SetsSeen, codes_of, names_of, numbers_of, sets_of
from tracer_nb.records import (
    Choice,
    ColumnMap,
    LabelCounts,
    Labels,
    Preview,
    Routing,
    Targets,
)
from tracer_nb.steps.certify import rows_to_route
from tracer_nb.steps.column.features import take
from tracer_nb.steps.explain.rows import (
    Sample,
    calibrated_rows,
    judge_sample,
    judged_rows,
    make_map,
    row_table,
    text_table,
)
from tracer_nb.steps.label.costs import costs_of, mean_cost, unasked_dollars
from tracer_nb.steps.label.step import labels_so_far
from tracer_nb.steps.route.outcome import ABSTAINED, SURROGATE, TEACHER
from tracer_nb.steps.state import JobState

__all__ = ["Inspection", "inspect"]


class Inspection:
    """What a job has reached; made by :func:`inspect`.

    Parameters
    ----------
    state : JobState
        With a column.
    labels : Labels
        So far.
    """

    def __init__(self, state: JobState, labels: Labels) -> None:
        assert state.column is not None  # noqa: S101  inspect() has looked
        self.state = state
        self._labels = labels
        self.texts = state.column.texts
        self.features = state.column.features
        self.fitted = state.fitted if state.router is None else state.router.fit
        self.router = state.router
        self.outcome = state.own_outcome
        self.target = state.target
        self.main = state.main
        self.options = state.setup.options
        self.scope = state.scope
        self._maps: dict[tuple[str, int], ColumnMap] = {}

    def is_of(self, state: JobState, labels: Labels) -> bool:
        """Whether it is about this moment of the job."""
        own, parts = self.state, ("column", "fitted", "certified", "routed", "target")
        same = all(getattr(own, part) is getattr(state, part) for part in parts)
        return same and self._labels is labels

    @cached_property
    def labels(self) -> Labels:
        """The answers of the sample. Of several labels a row, the sets that occur are the classes."""
        labels = self._labels
        sets = sets_of(labels.classes)
        if sets is None:
            return labels
        names = names_of(labels.classes, labels.codes)
        seen = {str(name) for name in names if name is not None}
        if self.fitted is not None and self.fitted.pilot.codes is not None:
            seen.update(map(str, self.fitted.names(self.fitted.pilot.codes)))
        if self.router is not None:
            seen.update(map(str, self.decided().labels))
        if self.outcome is not None:
            seen.update(str(label) for label in self.outcome.label if label is not None)
        classes = SetsSeen(sorted(seen), sets)
        return replace(labels, classes=classes, codes=codes_of(classes, names))

    @property
    def known_labels(self) -> tuple[str, ...]:
        """What rows can be chosen by: labels, and of several a row the sets that occur."""
        classes = self.labels.classes
        if isinstance(classes, SetsSeen):
            return (*classes.sets, NO_LABEL, *classes)
        return classes

    def decided(self) -> Routing:
        """Who answers each distinct text, at the target in use; once it is calibrated."""
        return self.state.in_force().routings[self.main]

    @cached_property
    def label_counts(self) -> LabelCounts:
        """How often each label occurs."""
        number = numbers_of(self.labels.classes)
        by: dict[str | None, list[int]] = {SURROGATE: [], TEACHER: [], ABSTAINED: [], None: []}
        if self.outcome is not None:
            for label, source in zip(self.outcome.label, self.outcome.source, strict=True):
                by[source].append(number.get(str(label), -1))
        classes = self.labels.classes
        sides = (self.labels.codes, *(np.array(by[s], dtype=np.intp) for s in (TEACHER, SURROGATE)))
        counts = gaps.count_labels(
            (*classes.sets, NO_LABEL) if isinstance(classes, SetsSeen) else classes,
            *(gaps.single_labels(classes, side) for side in sides),
            n_missing=len(by[None]),
            n_abstained=len(by[ABSTAINED]),
        )
        return replace(counts, n_sample=len(self.labels.codes))

    @cached_property
    def sample(self) -> Sample:
        """The labelled rows."""
        if self.router is None:
            return judge_sample(self.labels, None, self.fitted, None, None)
        X = take(self.features(), self.texts.codes[self.labels.rows])
        certificate = self.router.certificate_for(self.target, column=self.scope is None)
        said = self.state.as_certified
        if said is not None:
            assert self.fitted is not None  # noqa: S101  it is certified
            said = said.take(self.texts.codes[self.labels.rows[self.fitted.calibration_rows]])
        return judge_sample(self.labels, X, self.fitted, self.router, certificate, said=said)

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
            routing=None if self.router is None else self.decided(),
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
        """The fit, the tested rows and the column's texts; None before calibration.

        None too where something else than selective agreement is promised, of which targets and a
        threshold moved by hand would be taken to speak.
        """
        if self.fitted is None or self.router is None or self.options.promised:
            return None
        tested = calibrated_rows(self.sample, self.fitted)
        if tested is None:
            return None
        routing = self.decided()
        n = len(self.texts.unique)
        answers = Answers(np.zeros(n, dtype=np.intp), routing.scores, routing.far)
        costs = costs_of(self.state, self.texts)
        if self.scope is not None:
            # The rows that are left are not like the tested ones, which stand for all.
            return self.fitted, tested, gaps.Others(answers, np.zeros(n, np.intp), costs, None)
        rows = rows_to_route(self.texts, self.labels, self.fitted)
        n_rows = np.bincount(self.texts.codes[rows], minlength=n)
        dollars = unasked_dollars(self.texts, self.labels, costs, self._price())
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
                saved = float(
                    others.dollars[self.state.in_force().routings[c.target].handled].sum()
                )
            certified.append(
                Choice(c.target, certified=c.certified, coverage=c.coverage, saved=saved)
            )
        return gaps.target_estimates(fitted, tested, others, certified=certified, main=self.main)

    @cached_property
    def preview(self) -> Preview | None:
        """The frontier of the labels so far; None while there are too few, or hard ones among them.

        Chosen rows say nothing of the others: what is expected is in the bill. It speaks of selective
        agreement, so there is none where something else is promised.
        """
        if not len(self.labels.rows) or self.state.grown is not None or self.options.promised:
            return None
        X = take(self.features(), self.texts.codes[self.labels.rows])
        return gaps.preview(
            X, self._labels.codes, options=self.options, sets=sets_of(self._labels.classes)
        )

    def map(self, method: str, n_points: int) -> ColumnMap:
        """The column as points; each map is drawn once."""
        if (method, n_points) not in self._maps:
            self._maps[method, n_points] = make_map(
                self.texts,
                self.text_table,
                self.features(),
                outputs=None if self.fitted is None else self._outputs,
                method=method,
                n_points=n_points,
                seed=self.options.seed,
            )
        return self._maps[method, n_points]

    def _outputs(self, codes: NDArray[np.intp]) -> NDArray[np.floating]:
        assert self.fitted is not None  # noqa: S101  asked for with a fit only
        return self.fitted.pipeline.outputs(take(self.features(), codes))[0]

    def _price(self) -> float | None:
        """Dollars for a text; None when unknown."""
        setup = self.state.setup
        known = setup.asker.known(self.texts.unique)
        return mean_cost(setup.teacher, self.texts.unique, setup.asker.spending, known)


def inspect(state: JobState, before: Inspection | None = None) -> Inspection | None:
    """Where a job stands; None before its labels.

    Parameters
    ----------
    state : JobState
    before : Inspection, optional
        The last one: it comes back as long as nothing has happened, with what it has worked out.
    """
    labels = labels_so_far(state)
    if state.column is None or labels is None:
        return None
    if before is not None and before.is_of(state, labels):
        return before
    return Inspection(state, labels)
