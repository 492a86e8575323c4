"""What an update of a router did: what it learned from, and the figures before and after."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.certificates import Certificate

__all__ = ["Update", "UpdateSide"]


@dataclass(frozen=True, slots=True)
class UpdateSide:
    """A router before or after an update.

    Attributes
    ----------
    n_fit : int
        Labels that its surrogate was fitted on.
    coverage : float
        Share that it answers of the column's rows that were kept for tests, which neither
        surrogate was fitted on: by the certificate for new rows, 0 without one.
    certificate : Certificate
        For new rows drawn like the sample, at the target in use.
    column_certificate : Certificate
        For the column's rows that the teacher had not answered.
    n_surrogate, n_teacher, n_missing : int or None
        Rows of the routed column that the surrogate, the teacher or nobody answered; None when
        it was not routed by this one.
    n_calls : int or None
        Distinct texts of the column that the teacher has answered; None as above.
    """

    n_fit: int
    coverage: float
    certificate: Certificate
    column_certificate: Certificate
    n_surrogate: int | None = None
    n_teacher: int | None = None
    n_missing: int | None = None
    n_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """What :meth:`tracer_nb.Tracer.update` did.

    Attributes
    ----------
    n_round : int
        Which certificate on rows of this column it made; the first one is round 1.
    delta : float
        Error budget of this round.
    spent : float
        Error budget of all rounds together: with confidence 1 - ``spent`` every certificate
        made on rows of this column holds, the kept one among them.
    n_learned : int
        Answers to deferred and audited texts of the column that were fitted on.
    n_elsewhere : int
        Answers to deferred texts of other columns that were fitted on.
    n_held_back : int
        Answers to deferred and audited texts that were not, as their rows are kept for tests.
    n_fresh, n_asked : int
        Rows of the test; distinct texts among them that the teacher had to be asked about.
    n_left : int
        Rows that are left for tests of later rounds.
    new_labels : tuple of (str, int)
        Labels that the surrogate before had never seen, and their texts, most frequent first.
    outside : tuple of (str, int)
        Why texts that were asked about since have no label, as when an answer is not one of
        the labels; most frequent first.
    before : UpdateSide
    after : UpdateSide or None
        None when the update was stopped.
    taken : bool
        Whether the new router is in use; otherwise the one before still is.
    n_to_surrogate, n_to_teacher : int
        Rows of the column that the surrogate answers now and did not before, and the reverse.
    had_alarm : bool
        An audit had raised an alarm about the router before.
    stopped : str or None
        Why it ended early: then nothing was fitted, tested or spent of the error budget.
    """

    n_round: int
    delta: float
    spent: float
    n_learned: int
    n_elsewhere: int
    n_held_back: int
    n_fresh: int
    n_asked: int
    n_left: int
    new_labels: tuple[tuple[str, int], ...]
    outside: tuple[tuple[str, int], ...]
    before: UpdateSide
    after: UpdateSide | None = None
    taken: bool = False
    n_to_surrogate: int = 0
    n_to_teacher: int = 0
    had_alarm: bool = False
    stopped: str | None = None
