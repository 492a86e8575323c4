"""The step that puts two fits of one column side by side."""

from __future__ import annotations

from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import FitDifferences
from tracer_nb.steps.comparing import compare, look
from tracer_nb.steps.frames import same_texts
from tracer_nb.steps.inspecting import Inspecting
from tracer_nb.steps.inspection import Inspection

__all__ = ["DifferenceSteps"]


class DifferenceSteps(Inspecting):
    """The part of a Tracer that compares it with another one."""

    def differences(self, before: DifferenceSteps) -> FitDifferences:
        """Compare this fit with another one of the same column and the same labels.

        Coverage and rows that changed sides are told of the column; agreement of rows with a
        teacher's label that neither surrogate was fitted on. Nothing is asked or changed. To
        choose between fits by these figures and to certify the choice on the same rows would
        void the promise: draw fresh rows for that.

        Parameters
        ----------
        before : Tracer
            Calibrated, on an equal column, with the same label set.

        Returns
        -------
        FitDifferences

        Raises
        ------
        NotFitted
            One of the two is not calibrated.
        InvalidInput
            ``before`` is no other Tracer, or about another column or label set.
        """
        if not isinstance(before, DifferenceSteps) or before is self:
            raise InvalidInput("before must be another Tracer, to compare this one with")
        new = self._calibrated("this fit")
        # A Tracer, as this one is.
        old = before._calibrated("the fit to compare with")
        if not same_texts(old.texts, new.texts):
            raise InvalidInput(
                f"the two fits are about different columns ({old.texts.n_rows:,} and "
                f"{new.texts.n_rows:,} rows); compare fits of one column"
            )
        if {*old.labels.classes} != {*new.labels.classes}:
            odd = sorted({*old.labels.classes} ^ {*new.labels.classes})
            raise InvalidInput(
                f"the two fits have different label sets ({', '.join(odd[:5])} in one of them "
                "only); compare fits with the same labels"
            )
        same = dict(before.teacher.identity) == dict(self.teacher.identity)
        names = new.labels.classes
        return compare(look(old, names), look(new, names), same_teacher=same)

    def _calibrated(self, which: str) -> Inspection:
        now = self._inspect()
        if now is None or now.router is None:
            raise NotFitted(
                f"{which} is not calibrated; call label(column), fit() and calibrate() (or "
                "%tracer label, fit, calibrate)"
            )
        return now
