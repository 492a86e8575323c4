"""Looking at a job: what charts, tables and panels ask a Tracer for, at any time."""

from __future__ import annotations

from tracer_nb.engine import gaps
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import (
    STATUSES,
    ColumnMap,
    Confusion,
    HandThreshold,
    LabelAgreement,
    LabelCounts,
    Preview,
    Reliability,
    RowPage,
    Selection,
    Targets,
)
from tracer_nb.steps.column.outcome import SURROGATE, TEACHER
from tracer_nb.steps.explain.moment import Inspection
from tracer_nb.steps.explain.rows import make_page
from tracer_nb.steps.state import Job

__all__ = ["Inspecting"]

_LIMIT = 100
_POINTS = 2000


class Inspecting(Job):
    """The part of a Tracer that shows where it stands.

    Nothing here asks the teacher, changes anything, or fails because a step is missing: what
    needs a later step is None, or empty. While another thread labels, the answers that were
    stored so far are looked at.
    """

    def _inspect(self) -> Inspection | None:
        """Where the job stands; None before :meth:`label`."""
        raise NotImplementedError

    def label_counts(self) -> LabelCounts | None:
        """How often each label occurs, in the sample so far and in the routed output.

        Returns
        -------
        LabelCounts or None
            None before :meth:`label`.
        """
        now = self._inspect()
        return None if now is None else now.label_counts

    def confusion(self) -> Confusion | None:
        """The teacher's labels against the surrogate's; None before :meth:`fit`.

        Counted on the calibration rows, or, before :meth:`calibrate`, on the fitting rows out
        of fold: rows that the surrogate was not fitted on.
        """
        now = self._inspect()
        if now is None or now.judged is None:
            return None
        return gaps.confusion(now.judged)

    def label_agreement(self, by: str = "teacher") -> LabelAgreement | None:
        """Agreement for each label, on the rows of :meth:`confusion`; None before :meth:`fit`.

        Parameters
        ----------
        by : str
            Whose label groups the rows: "teacher" or "surrogate".

        Raises
        ------
        InvalidInput
            ``by`` is neither.
        """
        if by not in (TEACHER, SURROGATE):
            raise InvalidInput(f"by must be 'teacher' or 'surrogate', got {by!r}")
        now = self._inspect()
        if now is None or now.judged is None:
            return None
        return gaps.label_agreement(now.judged, target=now.main, by=by)

    def reliability(self) -> Reliability | None:
        """Gate scores against observed agreement, on the same rows; None before :meth:`fit`."""
        now = self._inspect()
        if now is None or now.judged is None:
            return None
        return gaps.reliability(now.judged)

    def targets(self) -> Targets | None:
        """What each target would give, estimated or certified; None before :meth:`calibrate`.

        To have another target certified, calibrate with it; each certificate on the same
        column spends the error budget again.
        """
        now = self._inspect()
        return None if now is None else now.targets

    def at_threshold(self, threshold: float) -> HandThreshold | None:
        """What a threshold moved by hand gives, which is never certified.

        Parameters
        ----------
        threshold : float
            Score in [0, 1] along the path of the strategy: a gate score, unless rows are
            handed over by cost.

        Returns
        -------
        HandThreshold or None
            None before :meth:`calibrate`.

        Raises
        ------
        InvalidInput
            Not a number in [0, 1].
        """
        if not is_number(threshold) or not 0.0 <= threshold <= 1.0:
            raise InvalidInput(f"threshold must be a score in [0, 1], got {threshold!r}")
        now = self._inspect()
        if now is None or now.parts is None:
            return None
        return gaps.at_threshold(*now.parts, float(threshold), main=now.main)

    def preview(self) -> Preview | None:
        """The frontier of the labels so far; None while there are too few.

        May be called from another thread while :meth:`label` runs. It looks at fitting rows
        alone, so that watching it costs the certificate nothing.
        """
        now = self._inspect()
        return None if now is None else now.preview

    def map(self, method: str = "pca", *, n_points: int | None = None) -> ColumnMap | None:
        """Texts of the column as points in the plane; None before :meth:`label`.

        Parameters
        ----------
        method : str
            "pca" (at once), "t-sne" or "umap" (a few seconds; the second needs umap-learn).
        n_points : int, optional
            At most 3,000, 1,000 and 2,000. By default 2,000, or as many as the method takes.
            Of more texts a sample is drawn, in which rare statuses are seen more often.

        Raises
        ------
        InvalidInput
            An unknown method, or too many points for it.
        MissingExtra
            umap-learn is not installed.
        """
        if method not in gaps.LAYOUTS:
            raise InvalidInput.unknown_name("map", method, gaps.LAYOUTS)
        most = gaps.LAYOUTS[method]
        wanted = min(_POINTS, most) if n_points is None else n_points
        if not is_number(wanted) or not 1 <= wanted <= most:
            raise InvalidInput(
                f"n_points must be from 1 to {most:,} for the map {method!r}, got {n_points!r}"
            )
        now = self._inspect()
        return None if now is None else now.map(method, int(wanted))

    def rows(
        self, selection: Selection | None = None, *, offset: int = 0, limit: int = 25
    ) -> RowPage:
        """Rows that match a selection, one page of them; no rows before :meth:`label`.

        Parameters
        ----------
        selection : Selection, optional
            Every row with text by default. :meth:`Confusion.cell`, :meth:`LabelAgreement.bar`
            and :meth:`Reliability.bin` make those of their charts.
        offset, limit : int
            Matching rows to leave out, and to give: at most 100.

        Raises
        ------
        InvalidInput
            A label or status that does not exist, or numbers out of range.
        """
        if not is_number(offset) or offset < 0:
            raise InvalidInput(f"offset must be 0 or more rows, got {offset!r}")
        if not is_number(limit) or not 1 <= limit <= _LIMIT:
            raise InvalidInput(f"limit must be from 1 to {_LIMIT} rows, got {limit!r}")
        now, wanted = self._inspect(), selection or Selection()
        if now is None:
            return RowPage()
        for name in (*(wanted.teacher or ()), *(wanted.surrogate or ())):
            if name not in now.labels.classes:
                raise InvalidInput.unknown_name("label", name, now.labels.classes)
        for name in wanted.status or ():
            if name not in STATUSES:
                raise InvalidInput.unknown_name("status", name, STATUSES)
        return make_page(
            now.texts,
            now.row_table,
            now.outcome,
            wanted,
            now.folded if wanted.search else (),
            offset=int(offset),
            limit=int(limit),
        )
