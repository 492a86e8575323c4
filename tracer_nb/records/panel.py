"""What the members of a panel of teachers have answered, and how right each of them is."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import FloatArray, IntArray

__all__ = ["PanelReport"]


@dataclass(frozen=True, slots=True, eq=False)
class PanelReport:
    """The m members of a panel, on the distinct texts that it has answered.

    Accuracy and confusion are estimates without any truth (Dawid and Skene 1979), good as far as
    members err independently: models of one family make the same mistakes, and seem better
    than they are. A review measures accuracy.

    Attributes
    ----------
    members : tuple of str, length m
    labels : tuple of str, length k
    n_rows : int
        Distinct texts that the panel has answered.
    n_disputed : int
        Those to which two members gave different labels.
    answered : ndarray of shape (m,), int
        Texts to which each gave a label; an adaptive panel asks some only where others differ.
    cost : tuple of (float or None), length m
        Dollars that each member's answers took, whenever they were given; None when unknown.
    agreement : ndarray of shape (m,), float
        Share of the texts labelled by each and by the panel on which both say the same; nan
        where there are none. Who is asked only where others differ agrees less.
    accuracy : ndarray of shape (m,), float
        Estimated share of all texts on which each is right, asked or not.
    confusion : ndarray of shape (m, k, k), float
        Estimated probability that a member answers the second label where the truth is the first.
    """

    members: tuple[str, ...]
    labels: tuple[str, ...]
    n_rows: int
    n_disputed: int
    answered: IntArray
    cost: tuple[float | None, ...]
    agreement: FloatArray
    accuracy: FloatArray
    confusion: FloatArray
