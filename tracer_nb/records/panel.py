"""What the members of a panel of teachers have answered, and how right each of them is."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import FloatArray, IntArray

__all__ = ["PanelPlan", "PanelReport"]


@dataclass(frozen=True, slots=True)
class PanelPlan:
    """What a panel will be asked: single calls, and what decides how many they are.

    Attributes
    ----------
    always : tuple of str
        Members that are asked about every text.
    disputed : tuple of str
        Who is asked only where these differ, an arbiter among them.
    share : float
        Share of texts on which they are expected to differ.
    n_seen : int
        Texts on which this was seen; 0 where it is supposed.
    n_calls, n_calls_most : int
        Calls that are expected, and the most; of what is stored already none.
    n_learn : int
        Texts that all members are asked about first, to learn how right each is.
    """

    always: tuple[str, ...]
    disputed: tuple[str, ...]
    share: float
    n_seen: int
    n_calls: int
    n_calls_most: int
    n_learn: int = 0


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
        Estimated share of all texts on which each is right, asked or not; with few texts for the
        square of the labels by one number for each member, else by its confusion matrix.
    confusion : ndarray of shape (m, k, k), float
        Estimated probability that a member answers the second label where the truth is the first.
    added : ndarray of shape (m,), float
        By how much less of the texts the panel would be right about without each member, as
        estimated from the answers that there are.
    arbiter : str
        Who decides about disputed texts; empty where nobody does.
    n_decided : int
        Texts that it decided.
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
    added: FloatArray
    arbiter: str = ""
    n_decided: int = 0
