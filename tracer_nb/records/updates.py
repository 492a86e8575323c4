"""What an update of a router did, and what differs between two fits of one column."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import IntArray
from tracer_nb.records.certificates import Certificate

__all__ = ["FitDifferences", "LabelDifference", "RowChange", "Update", "UpdatePlan", "UpdateSide"]


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """What an update would ask, spend and likely bring, before it asks anything.

    Attributes
    ----------
    n_learned : int
        Texts that the teacher answered since, and that are fitted on.
    n_new : int
        Answers, of other columns too, that the last update was not fitted on; rows of its test are
        among them where its router was taken.
    n_fresh, n_ask : int
        Rows of the test, and distinct texts among them that are asked about.
    cost : float or None
        Dollars for these, estimated; None where the price is unknown.
    target : float
    delta : float
        Chance of error that the test spends.
    chance : float
        That the test certifies something, judged by the rows that are fitted on now; nan where nothing
        tells. What is fitted on besides makes it likelier.
    tried : Update or None
        The last one, where its router was not taken.
    """

    n_learned: int
    n_new: int
    n_fresh: int
    n_ask: int
    cost: float | None
    target: float
    delta: float
    chance: float
    tried: Update | None = None


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


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that two fits treat differently; of each pair the first is before.

    Attributes
    ----------
    row : int
        Position in the column.
    text : str
    labels : (str, str)
        The surrogate's, where the row is deferred too.
    handled : (bool, bool)
    """

    row: int
    text: str
    labels: tuple[str, str]
    handled: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class LabelDifference:
    """The tested rows with one label of the teacher; of each pair the first is before.

    Attributes
    ----------
    label : str
    n_rows : int
    n_handled, n_agree : (int, int)
        Handled rows, and those of them on which surrogate and teacher agree.
    """

    label: str
    n_rows: int
    n_handled: tuple[int, int]
    n_agree: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class FitDifferences:
    """Two fits side by side; of each pair the first is before, the second after.

    Attributes
    ----------
    targets : (float, float)
    n_rows : int
        Rows that both routings decide: those with text that is in neither sample. Sampled rows
        carry the teacher's label whatever the fit.
    n_handled : (int, int)
    to_handled, to_deferred, relabelled : ndarray of int
        Rows that changed sides, deferred to handled and back; rows on which the surrogate's
        label changed, wherever they are. Positions in the column.
    n_relabelled_handled : int
        Of the last, those that are handled before and after.
    n_tested : int
        Rows with a teacher's label that neither surrogate was fitted on.
    n_tested_handled, n_tested_agree : (int, int)
        Of these, handled ones, and those of them that agree.
    n_both : int
        Tested rows that are handled before and after.
    only_before, only_after : int
        Of these, rows that agree before and not after, and after and not before.
    lower, upper : float
        Interval of the agreement after minus that before, on rows that both handle: exact and
        conservative; (-1, 1) for no rows.
    p_value : float
        Exact McNemar test of no difference there.
    confidence : float
        Of the interval.
    labels : tuple of LabelDifference
        By the teacher's label on the tested rows; the label with most rows first.
    changes : tuple of RowChange
        Examples, each text once: rows that changed sides, then rows with another label.
    same_teacher : bool
        Else each agreement is with the fit's own teacher, on rows that both have labelled.
    """

    targets: tuple[float, float]
    n_rows: int
    n_handled: tuple[int, int]
    to_handled: IntArray
    to_deferred: IntArray
    relabelled: IntArray
    n_relabelled_handled: int
    n_tested: int
    n_tested_handled: tuple[int, int]
    n_tested_agree: tuple[int, int]
    n_both: int
    only_before: int
    only_after: int
    lower: float
    upper: float
    p_value: float
    confidence: float
    labels: tuple[LabelDifference, ...]
    changes: tuple[RowChange, ...] = ()
    same_teacher: bool = True
