"""What the stages of a chain were asked, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StagePlan", "StageReport"]


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What a stage of a chain may take, before anything is asked.

    Attributes
    ----------
    name : str
    price : float
        What hearing it about a text costs, in askings of the teacher.
    cost_all : float or None
        Estimated dollars of hearing it about every distinct text, which is the most that it is
        heard about; None when unknown.
    """

    name: str
    price: float
    cost_all: float | None


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage of a chain: a cheap teacher that is heard before the dear one.

    Attributes
    ----------
    name : str
    price : float
        What hearing it about a text costs, in askings of the teacher.
    n_heard : int
        Distinct texts of the column that it was asked about, stored answers among them.
    n_answered : int
        Rows of the column, labelled by the surrogate, in whose label its answer counts.
    cost : float or None
        Dollars that its answers took, whenever they were given; None when unknown.
    agreement : float
        Share of the texts drawn at random on which it gave the teacher's label; nan where there
        are none.
    why : str
        Why it is not heard any more, or not about the column; empty where it is.
    """

    name: str
    price: float
    n_heard: int
    n_answered: int
    cost: float | None
    agreement: float
    why: str = ""
