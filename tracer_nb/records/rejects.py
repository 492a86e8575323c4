"""The reject option: when a row comes out without a label on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.answers import Answer

__all__ = ["RejectOption"]

# Shares of votes are sums of fractions, which may miss a whole by the last digit.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class RejectOption:
    """Which rows neither the surrogate nor the teacher should answer.

    It never touches a row that the surrogate answers, nor what a certificate is tested on: one
    kind looks at features of rows that are deferred already, the other at answers of the
    teacher, which count in full wherever rows are fitted on or tested.

    Attributes
    ----------
    unlike : bool
        Deferred rows that the guard finds unlike every labelled one are not asked about.
    unsure : float or None
        A label to which the teacher itself gave a smaller probability is withheld.
    """

    unlike: bool = False
    unsure: float | None = None

    def doubt(self, answer: Answer) -> float | None:
        """The teacher's probability of its own label, where it is too small; else None.

        An answer that came without a distribution stands: nothing says that it is unsure.
        Probabilities that sum to less than 1 are taken as they are, since the rest may be on
        labels that were not told.
        """
        if self.unsure is None or answer.label is None or not answer.probabilities:
            return None
        total = sum(answer.probabilities.values())
        share = answer.probabilities.get(answer.label, 0.0) / max(total, 1.0)
        return share if share < self.unsure - _ROUNDING else None
