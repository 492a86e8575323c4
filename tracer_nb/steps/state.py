"""What a job has done so far, and what all of its steps share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import Router, SurrogateFit
from tracer_nb.engine.features import Features
from tracer_nb.engine.options import Options
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.records import Labels, LearningCurve, RejectOption, Routing
from tracer_nb.steps.column.features import Blocks, as_blocks
from tracer_nb.steps.column.frames import Texts, read_texts
from tracer_nb.steps.column.outcome import Outcome
from tracer_nb.steps.column.sample import collect_labels, distinct_texts, draw_rows
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.plan import check_job, check_sample, fewest_labels
from tracer_nb.steps.update.scope import Scope
from tracer_nb.teachers import ReplayTeacher, ReviewStore, Teacher

if TYPE_CHECKING:
    from tracer_nb.steps.label.batches import Batches

__all__ = ["Column", "Job", "first_draw"]

# Rows that "auto" labels before it judges for the first time.
_FIRST_BATCH = 300


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column that was read, with the features of its distinct texts once they are made."""

    source: Any
    texts: Texts
    X: Blocks | None = None


class Job:
    """The state of a job: what the steps read, and the latest record of each.

    :class:`~tracer_nb.Tracer` makes it; the classes of steps beside this one are its parts.
    """

    teacher: Teacher
    options: Options
    seed: int
    labels: Labels | None
    curve: LearningCurve | None
    fitted: SurrogateFit | None
    router: Router | None
    outcome: Outcome | None
    _reject: RejectOption
    _asker: Asker
    _batches: Batches
    _reviews: ReviewStore
    _column: Column | None
    _features: Features | None
    _named: tuple[str, ...]
    _featurizing: threading.Lock
    _underway: NDArray[np.intp] | None
    _chosen: dict[str, None]
    _routed: tuple[Texts, Routing] | None
    _others: Texts | None
    _errors: tuple[float, ...]
    _scope: Scope | None

    @property
    def rounds(self) -> int:
        """Certificates that were made on rows of this column."""
        return len(self._errors)

    @property
    def target(self) -> float:
        """The main target."""
        return self.options.targets[0]

    @property
    def confidence(self) -> float:
        """Of all promises together."""
        return self.options.confidence

    def _drawn(
        self, column: Any, table: Any, sample: int | str, fewest: int | None = None
    ) -> tuple[Texts, NDArray[np.intp]]:
        """A column, and the rows that labelling draws from it at first."""
        texts = read_texts(column, table, self._named)
        askable = self._askable(texts)
        needed = self._fewest(len(texts.usable))
        drawn = first_draw(sample, needed, len(askable.usable))
        check_job(askable, self.teacher.labels, drawn, needed if fewest is None else fewest)
        return texts, draw_rows(askable, drawn, self.seed)

    def _askable(self, texts: Texts) -> Texts:
        """The column without the rows that the teacher has no record of.

        Only recorded labels know beforehand which rows they can label. That those rows are a
        random sample of the column is then an assumption, and the promise is worded under it.
        """
        if not isinstance(self.teacher, ReplayTeacher):
            return texts
        recorded = np.array([self.teacher.knows(text) for text in texts.unique])
        if not recorded.any():
            raise InvalidInput(
                f"none of the {len(texts.unique)} texts has a recorded label; check the record"
            )
        known = (texts.codes >= 0) & recorded[texts.codes]
        return replace(texts, codes=np.where(known, texts.codes, -1))

    def _featurized(self) -> tuple[Texts, Labels, Blocks]:
        """The labelled column, its labels, and the features of its distinct texts."""
        _, labels = self._labelled()
        X = self._column_features()
        assert self._column is not None  # noqa: S101
        return self._column.texts, labels, X

    def _column_features(self) -> Blocks:
        """Features of the column's distinct texts, made once."""
        with self._featurizing:
            column = self._column
            assert column is not None  # noqa: S101
            if column.X is None:
                assert self._features is not None  # noqa: S101  label() took a matrix's rows
                plain = column.texts.plain
                X = as_blocks(self._features.fit(plain).transform(plain))
                column = self._column = replace(column, X=X)
            assert column.X is not None  # noqa: S101
            return column.X

    def _fewest(self, n_texts: int) -> int:
        """Labels without which the main target cannot be certified."""
        cross = self.options.certificate == "cross-fit"
        return fewest_labels(self.target, self.options.level, n_texts, cross_fit=cross)

    def _labels_so_far(self) -> Labels | None:
        """The labels; while they are asked for, those of the sample's first answered rows."""
        rows, column = self._underway, self._column
        if rows is None or column is None:
            return self.labels
        asker = self._asker
        return collect_labels(
            column.texts,
            rows,
            asker.known(distinct_texts(column.texts, rows)),
            classes=self.teacher.labels,
            spending=asker.spending,
            stopped="not done",
            superseded=asker.superseded,
        )

    def _labelled(self) -> tuple[Column, Labels]:
        if self._column is None or self.labels is None:
            raise NotFitted(
                "nothing is labelled yet; call label(column) first (%tracer label df.text)"
            )
        if not len(self.labels.rows):
            why = f" ({self.labels.stopped})" if self.labels.stopped else ""
            raise NotEnoughData(
                f"no row of the sample has an answer yet{why}; call label(column) again"
            )
        return self._column, self.labels


def first_draw(sample: Any, fewest: int, n_texts: int) -> int:
    """Rows to draw at first."""
    if not isinstance(sample, str):
        return check_sample(sample)
    if sample != "auto":
        raise InvalidInput(f"sample must be a number of rows or 'auto', got {sample!r}")
    return min(max(_FIRST_BATCH, 2 * fewest), n_texts)
