"""Jobs on one column side by side: what each takes, and how right it is."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.certificates import Certificate

__all__ = ["BASES", "KINDS", "ComparedJob", "JobComparison"]

KINDS = ("single teacher", "chain", "panel")
"""Who answers in a job, beside its surrogate."""

BASES = ("counted", "estimated", "stored")
"""What an agreement is made of; see :class:`ComparedJob`."""


@dataclass(frozen=True, slots=True)
class ComparedJob:
    """One job: its bill, its agreement with the reference, and its promise.

    Attributes
    ----------
    name : str
        Who answers, in the order in which they are heard.
    kind : str
        One of :data:`KINDS`.
    n_texts : int
        Distinct texts of the column.
    n_asked : int
        Those that the teacher is asked about: to fit, to test, and all that are deferred.
    n_calls : int
        Single calls: of the teacher or of all members of a panel, stages included.
    cost : float or None
        Dollars of these calls, whenever they were paid, and at the mean price of one where they
        are still to come; None when a price is unknown.
    cost_all : float or None
        Dollars of asking the job's own teacher about every text.
    agreement : float
        Share of rows that carry the reference's label in the output; nan where there are none to
        compare.
    n_compared : int
        Rows that this rests on.
    basis : str
        "counted" on rows that were given, or on the whole column; "estimated" from the random
        rows of the test, where the reference is the job's own teacher and did not answer all:
        what it answered agrees with it by itself; "stored": on the rows that the reference
        has answered, which are no random sample.
    target : float
    certificate : Certificate
        Of the column where there is one; it is about the job's own teacher.
    """

    name: str
    kind: str
    n_texts: int
    n_asked: int
    n_calls: int
    cost: float | None
    cost_all: float | None
    agreement: float
    n_compared: int
    basis: str
    target: float
    certificate: Certificate

    @property
    def saved_share(self) -> float:
        """Share of the texts that the teacher is never asked about."""
        return 1.0 - self.n_asked / self.n_texts if self.n_texts else 0.0


@dataclass(frozen=True, slots=True)
class JobComparison:
    """Jobs on the same texts, compared without asking anybody.

    Attributes
    ----------
    reference : str
        With whose labels agreement is counted.
    n_rows : int
        Rows of the column that hold text.
    n_known : int
        Those of which the reference's label is known.
    jobs : tuple of ComparedJob
        In the order in which they were named.
    simulated : bool
        Prices are made up.
    """

    reference: str
    n_rows: int
    n_known: int
    jobs: tuple[ComparedJob, ...]
    simulated: bool = False
