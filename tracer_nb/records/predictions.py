"""What a router says about one row."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Who answers one row, and what.

    Attributes
    ----------
    label : str or None
        None where nobody has answered the row. Of several labels a row the JSON array of them.
    source : str or None
        "surrogate", "teacher", "deferred" where the row is the teacher's and it has given no
        label, "abstained" where the reject option withholds one; None for a row without text.
    score : float or None
        Gate score: estimated probability that surrogate and teacher agree; None for a row
        without text.
    reason : str
        Why it has its label, or none, in the words of a frame's ``label_reason``.
    """

    label: str | None
    source: str | None
    score: float | None
    reason: str
