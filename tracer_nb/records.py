"""Frozen records that travel between the steps, in the order in which the steps run.

label → featurize → fit → calibrate → route → audit. A step takes records and returns a
new one; nothing is written back. Only numpy is imported here, so that everything else,
charts and widgets included, can depend on these without depending on the engine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "STATUSES",
    "Answer",
    "AnswerRun",
    "AnswerSet",
    "Batch",
    "Caps",
    "Certificate",
    "Choice",
    "ClassCertificate",
    "Collected",
    "ColumnMap",
    "Comparison",
    "ConfusedPair",
    "Confusion",
    "Disputes",
    "Frontier",
    "HandThreshold",
    "LabelAgreement",
    "LabelCounts",
    "Labels",
    "LearningCurve",
    "Pilot",
    "Plan",
    "Preview",
    "Progress",
    "Reliability",
    "Report",
    "Review",
    "ReviewItem",
    "ReviewQueue",
    "ReviewState",
    "Routing",
    "RowPage",
    "RowView",
    "Scan",
    "Selection",
    "Setting",
    "Slice",
    "Spending",
    "Submitted",
    "Superseded",
    "Targets",
    "TeacherAccuracy",
    "Timeline",
    "Trial",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

# Answers from which a run may foretell its end.
_ENOUGH = 10
# Of a timeline.
_MOMENTS = 240


# --- label ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What the teacher said about one text.

    Attributes
    ----------
    label : str or None
        One of the labels, or None when there is none; then ``reason`` says why.
    reason : str or None
        Why there is no label, in words a user can act on ("answer is not one of the
        labels: 'foo'", "refused", "truncated", "server error 500 after 5 tries").
    mode : str
        How the label was obtained: "json-schema", "tool", "codes" or "text" (in no form that
        a server could enforce), with ", repaired" behind it after a wrong first answer;
        "recorded", "function".
    probabilities : mapping of str to float, or None
        The teacher's own distribution over labels, where it gave one.
    prompt_tokens, completion_tokens : int
        Tokens that the server reported (or the estimate, where it reported none; for a
        time-out the most that they can be).
    counted : bool
        False where they are, in part at least, an estimate.
    cost : float or None
        Dollars for all requests this answer took; None when the price is unknown.
    seconds : float or None
        That it took; None when nobody measured it.
    keep : bool
        False for a failure that was not an answer (no connection, time-out, server
        error): it is not stored, so a later run asks again.
    """

    label: str | None
    reason: str | None = None
    mode: str = ""
    probabilities: Mapping[str, float] | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    counted: bool = True
    cost: float | None = None
    seconds: float | None = None
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Spending:
    """What a labelling run asked for and paid. Costs in dollars, None when unknown.

    ``waited`` are the seconds that its answers took, all added up. ``lost`` texts were sent
    and broken off by a stop: the server may bill them, so ``cost`` holds the most that they
    can cost, and ``lost_tokens`` the most tokens.
    """

    asked: int = 0
    reused: int = 0
    missing: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    waited: float = 0.0
    lost: int = 0
    lost_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """Hard caps of a job; None for no cap.

    Attributes
    ----------
    max_cost : float or None
        Dollars.
    max_tokens : int or None
        Tokens of prompts and answers together.
    max_rows : int or None
        Distinct texts that are asked; those that are stored already do not count.
    """

    max_cost: float | None = None
    max_tokens: int | None = None
    max_rows: int | None = None

    def left(self, spending: Spending) -> Caps:
        """What a job that spent so much may still spend; nothing where that is not known.

        >>> Caps(max_cost=2.0, max_rows=10).left(Spending(asked=4, cost=0.5))
        Caps(max_cost=1.5, max_tokens=None, max_rows=6)
        """
        cost, tokens, rows = self.max_cost, self.max_tokens, self.max_rows
        used = spending.prompt_tokens + spending.completion_tokens + spending.lost_tokens
        if cost is not None:
            cost = 0.0 if spending.cost is None else max(cost - spending.cost, 0.0)
        return Caps(
            max_cost=cost,
            max_tokens=None if tokens is None else max(tokens - used, 0),
            max_rows=None if rows is None else max(rows - spending.asked - spending.lost, 0),
        )


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """What one teacher, with one prompt, label set and parameters, has answered.

    Attributes
    ----------
    key : str
        Eight hexadecimal digits that name the set.
    teacher, prompt : str
    n_labels, n_answers, n_missing, n_runs : int
        Labels to choose from; answers stored; those without a label; runs they came in.
    prompt_tokens, completion_tokens : int
    cost : float or None
        Dollars; None when that of an answer is unknown.
    seconds : float or None
        Mean that an answer took; None when nobody measured it.
    first, last : str
        Times of the first and the last answer, ISO 8601.
    """

    key: str
    teacher: str
    prompt: str
    n_labels: int
    n_answers: int
    n_missing: int
    n_runs: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float | None
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """What one run has added to a set of answers.

    Attributes
    ----------
    began, last : str
        Times of its beginning and of its last answer, ISO 8601.
    elapsed : float
        Seconds between the two.
    n_answers, n_missing, prompt_tokens, completion_tokens, cost, seconds
        As in :class:`AnswerSet`.
    """

    began: str
    last: str
    elapsed: float
    n_answers: int
    n_missing: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of answers on the texts that both have labelled.

    Attributes
    ----------
    teachers : tuple of str
    n_shared, n_agree : int
    agreement_low, agreement_high, confidence : float
        Clopper-Pearson interval for the share that agrees, and its confidence.
    costs : tuple of (float or None)
        Dollars that each paid for these texts; None when that of one is unknown.
    pairs : tuple of (label, other label, int)
        Labels that stand against each other, and how often; at most twenty.
    disagreements : tuple of (text, label, other label)
        At most twenty.
    """

    teachers: tuple[str, str]
    n_shared: int
    n_agree: int
    agreement_low: float
    agreement_high: float
    confidence: float
    costs: tuple[float | None, float | None]
    pairs: tuple[tuple[str, str, int], ...]
    disagreements: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Superseded:
    """Stored answers to the texts of a job that do not apply to it.

    Attributes
    ----------
    n : int
        Answers; texts that this teacher has answered itself do not count.
    differs : tuple of str
        In what the teachers that gave them differ: "prompt", "label set", "model", "server",
        "function", "setting".
    """

    n: int = 0
    differs: tuple[str, ...] = ()

    def __add__(self, other: Superseded) -> Superseded:
        """Both together."""
        both = dict.fromkeys((*self.differs, *other.differs))
        return Superseded(self.n + other.n, tuple(both))


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that were sent to a server's batch endpoint together.

    Attributes
    ----------
    key : str
        Eight hexadecimal digits that name the batch here.
    teacher, server : str
    state : str
        "noted" (nothing was sent), "sending" (nobody knows whether the server has made it),
        then the server's: "validating", "in_progress", "finalizing", "completed", "failed",
        "expired", "cancelling", "cancelled"; or "given up", "lost".
    n_texts : int
    n_done, n_failed : int
        Requests that were answered and that failed, by the server's count.
    n_answers : int
        Answers stored from it.
    reserved : float or None
        Dollars that it may cost at the most; None when the price is unknown.
    cost : float or None
        Dollars that it did cost; None while nobody knows.
    sent_at, collected_at : str or None
        ISO 8601. A batch without ``collected_at`` holds its texts.
    note : str
        What went wrong, on one line; empty when nothing did.
    """

    key: str
    teacher: str
    server: str
    state: str
    n_texts: int
    n_done: int
    n_failed: int
    n_answers: int
    reserved: float | None
    cost: float | None
    sent_at: str | None
    collected_at: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of submitting texts.

    Attributes
    ----------
    batches : tuple of Batch
        That were made now.
    n_texts : int
        Texts in them.
    n_stored : int
        Texts that have an answer already.
    n_waiting : int
        Texts that are in an earlier batch.
    n_unusable : int
        Texts whose reply, when a batch asked, held no label: asking online can repair it.
    """

    batches: tuple[Batch, ...]
    n_texts: int
    n_stored: int = 0
    n_waiting: int = 0
    n_unusable: int = 0


@dataclass(frozen=True, slots=True)
class Collected:
    """What the batches of a teacher brought in.

    Attributes
    ----------
    batches : tuple of Batch
        That were not collected before, as they are now.
    n_answers : int
        Answers stored now, those without a label included.
    n_unusable : int
        Replies that held no label; asking online can repair them.
    n_free : int
        Texts that got no reply, and may be submitted again.
    spending : Spending
        What the batches that ended had cost.
    n_others : int
        Batches of other teachers that wait in the same store.
    """

    batches: tuple[Batch, ...]
    n_answers: int
    n_unusable: int
    n_free: int
    spending: Spending
    n_others: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a labelling run, for a progress display."""

    done: int
    total: int
    spending: Spending
    seconds: float
    step: str = "label"

    @property
    def rate(self) -> float:
        """Answers per second of this run (reused answers do not count)."""
        return self.spending.asked / self.seconds if self.seconds > 0 else math.nan

    @property
    def cost_all(self) -> float | None:
        """Dollars that the whole run will cost, by what it has so far; None when unknown."""
        if self.spending.cost is None or self.spending.asked < _ENOUGH:
            return None
        return self.spending.cost * (1.0 + self._left / self.spending.asked)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the run is done, at its rate so far; None when unknown."""
        if self.spending.asked < _ENOUGH or not self.rate > 0:
            return None
        return self._left / self.rate

    @property
    def _left(self) -> int:
        return max(self.total - self.done, 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a labelling job will ask for and may cost, before anything is sent.

    Attributes
    ----------
    teacher : str
    n_rows, n_texts, n_unique : int
        Rows of the column, those that hold text, distinct texts (asked once each).
    n_sample : int
        Rows that would be drawn at random for labelling.
    n_ask, n_stored : int
        Distinct texts of the sample that must be asked, and that are stored already.
    n_waiting : int
        Those that are in a batch, and are not asked about again.
    fewest_labels : int
        Labelled rows without which this target cannot be certified, however well
        surrogate and teacher agree.
    prompt_tokens, completion_tokens : int
        Estimate for the texts to ask.
    cost, cost_low, cost_high : float or None
        Dollars for the sample: estimate and its spread; None when the price is unknown.
    cost_all : float or None
        Estimate for asking every distinct text.
    max_cost, max_tokens, max_rows
        The hard caps that were set; see :class:`Caps`.
    token_source : str
        How tokens were counted ("estimated at 4 characters a token").
    price_source : str
        Where the price is from, with its date; "unknown" otherwise.
    seconds : float or None
        That asking for the sample will take, at the rate of the last run; None when there was
        none.
    time_source : str
        Whose rate that is ("as in the last run").
    superseded : Superseded
        Stored answers to the texts to ask that another teacher gave, and do not apply.
    batch_cost : float or None
        Dollars for the sample in a batch, estimated; None when the price of one is unknown.
    """

    teacher: str
    n_rows: int
    n_texts: int
    n_unique: int
    n_sample: int
    n_ask: int
    n_stored: int
    fewest_labels: int
    target: float
    confidence: float
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    cost_all: float | None
    max_cost: float | None
    token_source: str
    price_source: str
    max_tokens: int | None = None
    max_rows: int | None = None
    seconds: float | None = None
    time_source: str = ""
    superseded: Superseded = Superseded()
    n_waiting: int = 0
    batch_cost: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The teacher's answers on a simple random sample of a column's rows.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        Positions in the column, in the random order in which they were drawn.
    codes : ndarray of shape (n,), int
        Index into ``classes``; -1 where there is no label.
    classes : tuple of str
        The label set.
    reasons : tuple of (str or None), length n
        Why a row has no label.
    n_failed : int
        Rows among them without a label because no answer could be had (no connection,
        time-out). They count as disagreements like the others without one; asking again may
        bring their labels in.
    spending : Spending
    stopped : str or None
        Why the run ended before every sampled row was asked; None when it did not.
    probabilities : ndarray of shape (n, K), float, or None
        The teacher's own distribution over ``classes``; a row of NaN where it gave none,
        None when it gave none at all.
    superseded : Superseded
        Stored answers to these texts that another teacher gave, and did not apply.
    """

    rows: IntArray
    codes: IntArray
    classes: tuple[str, ...]
    reasons: tuple[str | None, ...]
    n_failed: int
    spending: Spending
    stopped: str | None = None
    probabilities: FloatArray | None = None
    superseded: Superseded = Superseded()


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """How coverage grows with labels, and what labelling and deferring cost in all.

    Estimated on fitting rows alone, so that stopping by it has seen no calibration label.

    Attributes
    ----------
    n_labels : ndarray of shape (n_points,), int
        Sizes that were tried: labels in all, calibration rows included.
    coverage : ndarray of shape (n_points,), float
        Coverage that a certificate may be expected to reach with them.
    sizes : ndarray of shape (n_sizes,), int
        Sizes that are projected, from the labels there are to the whole column.
    projected_coverage, projected_cost : ndarray of shape (n_sizes,), float
        The fitted curve, and labels plus deferrals at ``price`` each.
    price : float
        Of one answer; 1 when unknown, so that costs count answers.
    best : int
        Labels with the least projected cost.
    """

    n_labels: IntArray
    coverage: FloatArray
    sizes: IntArray
    projected_coverage: FloatArray
    projected_cost: FloatArray
    price: float
    best: int

    @property
    def enough(self) -> bool:
        """Another batch is not worth its price."""
        return self.best <= int(self.n_labels[-1])


# --- fit -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Pilot:
    """Out-of-fold scores of the fitting rows: what the surrogate did on rows it had not seen.

    Free of charge for the certificate, because no calibration row is in it.

    Attributes
    ----------
    scores : ndarray of shape (n,), float
        Scores in [0, 1] along the path of the strategy; higher means handled earlier. -inf
        for rows that the guard defers whatever the surrogate says.
    agree : ndarray of shape (n,), bool
        The out-of-fold prediction is the teacher's label.
    codes : ndarray of shape (n,), int, or None
        Predicted classes, for certificates per class.
    costs : ndarray of shape (n,), float, or None
        What asking the teacher about a row costs; None when all cost the same.
    """

    scores: FloatArray
    agree: BoolArray
    codes: IntArray | None = None
    costs: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to answer that was tried, judged on the fitting rows only.

    Attributes
    ----------
    name : str
        The surrogate, or both of a cascade ("kernel-ridge + logistic").
    view : str
        How the features were prepared: "plain", "smoothed", "fused".
    gate : str
    settings : str
        Hyper-parameters, for people.
    agreement : float
        Out-of-fold agreement with the teacher over the rows it was tried on.
    expected_coverage : float
        Coverage that the certificate may be expected to reach with it.
    n_rows : int
        Fitting rows it was tried on.
    seconds : float
    chosen : bool
    skipped : str
        Why it was not tried ("no time left"); empty when it was.
    """

    name: str
    view: str
    gate: str
    settings: str
    agreement: float
    expected_coverage: float
    n_rows: int
    seconds: float
    chosen: bool = False
    skipped: str = ""


# --- calibrate -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """Coverage against agreement over a grid of thresholds, strict to loose.

    Estimates for a picture: each point stands alone ("pointwise"), none is a certificate.

    Attributes
    ----------
    thresholds, coverage, agreement, lower, upper : ndarray of shape (n_thresholds,), float
        ``agreement`` is selective agreement on the calibration rows handled at the
        threshold; ``lower`` and ``upper`` its pointwise 90 % Clopper-Pearson interval.
    n_handled : ndarray of shape (n_thresholds,), int
        Calibration rows handled.
    """

    thresholds: FloatArray
    coverage: FloatArray
    agreement: FloatArray
    lower: FloatArray
    upper: FloatArray
    n_handled: IntArray


@dataclass(frozen=True, slots=True)
class Setting:
    """A threshold that passed its test. All that passed hold together, so one may choose.

    Attributes
    ----------
    threshold : float
    coverage : float
        As in :class:`Certificate`.
    cost_coverage : float
        Share of the teacher's cost that the handled rows save.
    """

    threshold: float
    coverage: float
    cost_coverage: float


@dataclass(frozen=True, slots=True)
class ClassCertificate:
    """What is promised about the handled rows that the surrogate puts into one class.

    Attributes
    ----------
    label : object
        The predicted label.
    threshold : float
        ``inf`` when nothing is promised: rows of this class are deferred.
    certified : bool
    n_calibration, n_handled, n_agree : int
        Calibration rows predicted as this class; those at or above the threshold, or, when
        it is refused, all of them; those agreeing among the latter.
    agreement_low, agreement_high : float
        Two-sided, pointwise Clopper-Pearson interval for those rows, at the confidence of
        the whole certificate: a diagnosis, not a promise.
    needed_rows : int or None
        When refused: calibration rows of this class that pass if all of them agree.
    """

    label: object
    threshold: float
    certified: bool
    n_calibration: int
    n_handled: int
    n_agree: int
    agreement_low: float
    agreement_high: float
    needed_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is promised about the handled rows, and on what evidence.

    The promise is *selective agreement*: with confidence ``confidence``, at least a share
    ``target`` of the handled rows carry the label that the teacher would have given. It is
    agreement with the teacher, not with the truth.

    Attributes
    ----------
    method : str
        "held-out" (rows drawn like the calibration rows; GUARANTEES section 2), "column"
        (the known rows of one column, section 3), either with ", cross-fit" (section 4) or
        ", per class" (section 6) behind it.
    strategy : str
        "adaptive-threshold", "fixed-threshold" or "cost-aware" (section 5).
    target, confidence : float
        Fractions in (0, 1).
    threshold : float
        Rows with path score >= threshold are handled; ``inf`` when nothing is, ``nan`` when
        each class has its own.
    certified : bool
        False: nothing may be handled at this target, every row goes to the teacher.
    by_simulation : bool
        True: the promise has no finite-sample proof and was verified by simulation only.
    coverage : float
        Share handled: of the calibration rows ("held-out"), of all rows that are not
        fitting rows ("column").
    cost_coverage : float
        The same share with every row weighted by what asking about it costs.
    agreement : float
        Observed on the handled calibration rows; nan when none is handled.
    agreement_lower : float
        One-sided Clopper-Pearson (column: hypergeometric) bound at this threshold and
        confidence. Pointwise: it does not account for how the threshold was found, so the
        claim that is certified is the target, not this bound. 0 when nothing is handled.
    whole_output_lower : float
        What the promise implies for the *whole* output, deferred rows counted as agreeing:
        1 - (1 - target) * coverage for a column, the target for new rows, 1 when no row is
        handled.
    n_rounds : int
        Certificates that were made on rows of this column, this one included. Each spends
        the error budget, so all of them together hold with confidence
        1 - n_rounds * (1 - confidence).
    n_fit, n_calibration, n_handled, n_agree : int
        Rows the surrogate was fitted on; rows of the test; those handled; those agreeing.
        Under cross-fitting every labelled row is fitted on, and those of the test are among
        them.
    n_set_aside : int
        Labelled rows used for neither, because their text is among the fitting rows.
    n_population, n_population_handled : int or None
        "column": rows the certificate speaks about, and those handled, labelled ones
        included. None for the others.
    n_tested : int
        Thresholds tested in the fixed sequence.
    n_targets : int
        Targets that share the error budget.
    settings : tuple of Setting
        The thresholds that passed, strict to loose; empty per class.
    classes : tuple of ClassCertificate
        One for each predicted class, for certificates per class.
    needed_rows : int or None
        When not certified: about how many labelled rows (fitting and calibration) would
        make it likely, judged by the pilot; None when more rows alone do not help.
    note : str
        One plain sentence on why nothing was certified; empty otherwise.
    """

    method: str
    target: float
    confidence: float
    threshold: float
    certified: bool
    coverage: float
    agreement: float
    agreement_lower: float
    n_fit: int
    n_calibration: int
    n_handled: int
    n_agree: int
    n_tested: int = 0
    n_population: int | None = None
    n_population_handled: int | None = None
    needed_rows: int | None = None
    note: str = ""
    strategy: str = "adaptive-threshold"
    by_simulation: bool = False
    cost_coverage: float = 0.0
    whole_output_lower: float = 0.0
    n_set_aside: int = 0
    n_targets: int = 1
    n_rounds: int = 1
    settings: tuple[Setting, ...] = ()
    classes: tuple[ClassCertificate, ...] = ()

    @property
    def total_confidence(self) -> float:
        """Confidence that every certificate made on rows of this column holds."""
        return max(1.0 - self.n_rounds * (1.0 - self.confidence), 0.0)

    @property
    def whole_output_agreement(self) -> float:
        """Observed share of *all* calibration rows that would carry the teacher's label.

        Deferred rows count as equal, so this is a larger figure than ``agreement`` and a
        different promise (GUARANTEES section 1).
        """
        if self.n_calibration == 0:
            return math.nan
        return 1.0 - (self.n_handled - self.n_agree) / self.n_calibration


# --- route ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Routing:
    """Who answers each row.

    Attributes
    ----------
    handled : ndarray of shape (n,), bool
        True where the surrogate answers, False where the row is deferred to the teacher.
    labels : ndarray of shape (n,)
        The surrogate's label of every row. On deferred rows it is a guess that nothing
        certifies; ask the teacher there.
    scores : ndarray of shape (n,), float
        Gate score: estimated probability that surrogate and teacher agree.
    far : ndarray of shape (n,), bool
        True where the row is unlike everything that was fitted on, and is deferred whatever
        its score.
    """

    handled: BoolArray
    labels: NDArray[Any]
    scores: FloatArray
    far: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A group of rows on which surrogate and teacher disagree more often than elsewhere.

    Attributes
    ----------
    kind : str
        "word", "length", "column" or "likeness".
    name : str
        As a person would name it: the word, "3 to below 6 words", "country = DE".
    rows : ndarray of shape (n_rows,), int
        Positions among the rows that were tested.
    n_rows, n_disagree : int
    agreement, lower, upper : float
        Share of its rows that agree, with its pointwise 90 % Clopper-Pearson interval.
    agreement_elsewhere : float
        Of all other rows.
    excess : float
        Effect size: disagreements beyond those of as many rows elsewhere.
    p_value, adjusted : float
        One-sided Fisher test; adjusted for all groups that were tried.
    """

    kind: str
    name: str
    rows: IntArray
    n_rows: int
    n_disagree: int
    agreement: float
    lower: float
    upper: float
    agreement_elsewhere: float
    excess: float
    p_value: float
    adjusted: float


# --- review --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Review:
    """What a human said about one text.

    Attributes
    ----------
    text : str
    label : str or None
        One of the labels; None when the human skipped it.
    note : str
    drawn : str
        Why it was shown: "random", "uncertain", "disputed" or "chosen".
    blind : bool
        The human had not seen the teacher's label when answering.
    reviewed_at : str
        Time, ISO 8601.
    """

    text: str
    label: str | None
    note: str = ""
    drawn: str = "random"
    blind: bool = True
    reviewed_at: str = ""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One row to review.

    Attributes
    ----------
    text : str
    row : int
        Position in the column, of its first row where several have this text.
    drawn : str
        "random", "uncertain" or "disputed".
    why : str
        The same in words that give no label away.
    teacher_label : str
    other_label : str or None
        Of the surrogate (or of the set of answers that was named), when it has one that is
        not fitted on this very text.
    score : float or None
        Gate score of the surrogate.
    shortlist : tuple of str
        At most nine labels to have at hand.
    shown : str
        The text as people read it, where it is a document of several columns; else empty.
    """

    text: str
    row: int
    drawn: str
    why: str
    teacher_label: str
    other_label: str | None = None
    score: float | None = None
    shortlist: tuple[str, ...] = ()
    shown: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReviewQueue:
    """The rows of a review in the order in which they are shown, reviewed ones among them.

    Attributes
    ----------
    items : tuple of ReviewItem
        Each text once.
    random : tuple of int
        Positions in ``items`` of the rows that the accuracy is about, in the random order in
        which they were drawn: rows with one text repeat its position.
    disagreements : mapping of str to (str, str)
        Teacher's and other label of every text on which they differ, shown or not.
    labels : tuple of str
        The label set.
    teacher, other : str
        Names.
    """

    items: tuple[ReviewItem, ...]
    random: tuple[int, ...]
    disagreements: Mapping[str, tuple[str, str]]
    labels: tuple[str, ...]
    teacher: str
    other: str


@dataclass(frozen=True, slots=True)
class TeacherAccuracy:
    """How often the teacher gave the label that a human gives, on rows drawn at random.

    Rows that were shown because they are uncertain or disputed do not count: they were
    chosen because they look wrong.

    Attributes
    ----------
    n_reviewed, n_right : int
        Random rows with a human's label; those with the same label of the teacher.
    n_skipped : int
        Random rows that the human skipped. They count as wrong in ``lower`` and as right in
        ``upper``, because rows that are hard to judge may be wrong more often.
    n_seen : int
        Rows among the reviewed ones whose teacher's label the human had seen.
    accuracy : float
        n_right / n_reviewed; nan when there is none.
    lower, upper : float
        Two-sided Clopper-Pearson interval for all rows that the teacher labelled, for a
        number of rows that was fixed beforehand.
    confidence : float
    """

    n_reviewed: int
    n_right: int
    n_skipped: int
    n_seen: int
    accuracy: float
    lower: float
    upper: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Disputes:
    """Reviewed texts on which teacher and surrogate differ, and who had the human's label.

    Attributes
    ----------
    n_reviewed, n_teacher, n_other : int
        The rest had neither.
    """

    n_reviewed: int
    n_teacher: int
    n_other: int


@dataclass(frozen=True, slots=True)
class ReviewState:
    """One moment of a review.

    Attributes
    ----------
    item : ReviewItem or None
        To be answered next; None when all are.
    n_done, n_skipped, n_total : int
        Texts answered or skipped, those skipped among them, and all of the queue.
    accuracy : TeacherAccuracy
    disputes : Disputes
    last : tuple of (ReviewItem, Review), or None
        Answered last: what undoing takes back.
    taken_back : Review or None
        Of ``item``, when it is shown again because it was undone.
    teacher, other : str
        Names.
    blind : bool
        The teacher's label is shown after the answer only.
    """

    item: ReviewItem | None
    n_done: int
    n_skipped: int
    n_total: int
    accuracy: TeacherAccuracy
    disputes: Disputes
    last: tuple[ReviewItem, Review] | None
    taken_back: Review | None
    teacher: str
    other: str
    blind: bool


# --- show ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several targets that share the error budget.

    Attributes
    ----------
    target : float
    certified : bool
    coverage : float
    saved : float or None
        Estimated dollars that not asking about the handled rows saves.
    """

    target: float
    certified: bool
    coverage: float
    saved: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a log of past calls says about routing: how much, at which target, for what saving.

    The promise rests on the assumption that later calls are like the logged ones.

    Attributes
    ----------
    n_read, n_calls, n_texts, n_labels : int
        Rows of the log; those with a text and a label; distinct texts; distinct labels.
    n_used : int
        Calls drawn at random to fit and to certify.
    skipped : tuple of (str, int)
        Why rows were left out.
    paid : float or None
        Dollars that the logged calls cost; None when the log does not say.
    choices : tuple of Choice
        For each target what could be routed, and what that would have saved of ``paid``. All
        hold together.
    certificates : tuple of Certificate
        In the same order, for new calls.
    frontier : Frontier
    confidence : float
    """

    n_read: int
    n_calls: int
    n_texts: int
    n_labels: int
    n_used: int
    skipped: tuple[tuple[str, int], ...]
    paid: float | None
    choices: tuple[Choice, ...]
    certificates: tuple[Certificate, ...]
    frontier: Frontier
    confidence: float


@dataclass(frozen=True, slots=True)
class Report:
    """Where a job stands: the figures that cards, panels and status lines show.

    Attributes
    ----------
    teacher, features, surrogate : str
        Names; ``surrogate`` is empty before the fit.
    note : str
        What must be said about the teacher ("a stand-in: nothing was paid").
    simulated : bool
        Prices are made up.
    assumption : str
        What the promise rests on besides our own random draw; its first words.
    n_rows, n_labelled, n_surrogate, n_teacher, n_missing : int
        Rows of the column; rows of the random sample that have a label; output rows
        answered by the surrogate, by the teacher (sampled ones included), by nobody.
    n_deferred : int
        Rows that were not in the sample and were deferred to the teacher.
    certificate : Certificate or None
        By which the rows were, or will be, routed.
    choices : tuple of Choice
        Every target that was certified together with it, and what it would save.
    curve : LearningCurve or None
        When labelling decided by itself how many labels are enough.
    exact : bool
        False: features were fitted on the calibration rows too, so that for new rows the
        promise is close, not exact.
    saved : float or None
        Estimated dollars that the teacher's answers to the surrogate's rows would have cost.
    frontier : Frontier or None
    trials : tuple of Trial
    spending : Spending
        Of the whole job, all runs of this object together.
    cost_all : float or None
        Estimated dollars for asking the teacher about every distinct text.
    missing_reasons : tuple of (str, int)
        Why output rows have no label, most frequent first.
    stopped : str or None
    superseded : Superseded
        As in :class:`Labels`, for all texts that were asked about.
    """

    teacher: str
    note: str
    features: str
    surrogate: str
    n_rows: int
    n_labelled: int
    n_surrogate: int
    n_teacher: int
    n_missing: int
    n_deferred: int
    certificate: Certificate | None
    frontier: Frontier | None
    trials: tuple[Trial, ...]
    spending: Spending
    cost_all: float | None
    missing_reasons: tuple[tuple[str, int], ...] = ()
    stopped: str | None = None
    simulated: bool = False
    assumption: str = ""
    choices: tuple[Choice, ...] = ()
    curve: LearningCurve | None = None
    exact: bool = True
    saved: float | None = None
    superseded: Superseded = Superseded()


# --- inspect -------------------------------------------------------------------------

STATUSES = ("agree", "disagree", "handled", "deferred", "labelled", "unlabelled")
"""What a row of the column is: labelled, and a surrogate that was not fitted on it agrees or
disagrees with the teacher; not in the sample, and handled or deferred; labelled, with no such
surrogate yet; neither labelled nor decided about."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows to look at. What is left out does not matter; what is said holds together.

    Attributes
    ----------
    teacher, surrogate : tuple of str, or None
        Labels that the teacher, or the surrogate, may have given.
    status : tuple of str, or None
        Some of ``STATUSES``.
    scores : tuple of (float, float), or None
        Lowest and highest gate score, both included. Rows that the guard defers have none.
    rows : tuple of int, or None
        Positions in the column.
    search : str
        Text that a row must hold, whatever its case.
    tested : bool
        Only the rows that confusion, agreement and reliability count.
    """

    teacher: tuple[str, ...] | None = None
    surrogate: tuple[str, ...] | None = None
    status: tuple[str, ...] | None = None
    scores: tuple[float, float] | None = None
    rows: tuple[int, ...] | None = None
    search: str = ""
    tested: bool = False


@dataclass(frozen=True, slots=True)
class RowView:
    """One row to look at.

    Attributes
    ----------
    row : int
        Position in the column.
    text : str
        Cut at 2,000 characters; cells of other columns that the prompt names stand below.
    teacher, surrogate : str or None
        Labels. The surrogate's is always of a fit without this row, where there is one.
    score : float or None
        Gate score; None where no surrogate has looked at the row, or ``far``.
    status : str
        One of ``STATUSES``.
    answered_by : str or None
        "surrogate" or "teacher" in the routed output; before routing, "teacher" for labelled
        rows.
    fitted : bool
        The surrogate was fitted on the row's text.
    far : bool
        Unlike every labelled row, so that it is deferred whatever its score.
    """

    row: int
    text: str
    teacher: str | None
    surrogate: str | None
    score: float | None
    status: str
    answered_by: str | None
    fitted: bool
    far: bool


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some of the rows that match a selection, in the order of the column.

    Attributes
    ----------
    rows : tuple of RowView
    total : int
        Rows that match.
    offset : int
        Matching rows before the first one here.
    """

    rows: tuple[RowView, ...] = ()
    total: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LabelCounts:
    """How often each label occurs: in the random sample, and in the routed output.

    Attributes
    ----------
    labels : tuple of str
        The label set.
    sample : ndarray of shape (K,), int
        Rows of the sample with this label, by the teacher.
    by_teacher, by_surrogate : ndarray of shape (K,), int
        Rows of the output with this label, by who answered; zeros before routing.
    n_sample, n_sample_missing : int
        Rows of the sample so far; those without a label among them.
    n_missing : int
        Rows of the output without a label.
    """

    labels: tuple[str, ...]
    sample: IntArray
    by_teacher: IntArray
    by_surrogate: IntArray
    n_sample: int
    n_sample_missing: int
    n_missing: int

    @property
    def n_routed(self) -> int:
        """Rows of the output; 0 before routing."""
        return int(self.by_teacher.sum() + self.by_surrogate.sum()) + self.n_missing


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Rows to which the teacher gives one label and the surrogate another.

    Attributes
    ----------
    teacher, surrogate : str
    n, n_handled : int
        Rows, and those handled among them.
    """

    teacher: str
    surrogate: str
    n: int
    n_handled: int


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """The teacher's labels against the surrogate's, on rows it was not fitted on.

    Attributes
    ----------
    labels : tuple of str
        Rows and columns of the matrix, the label with most disagreements first.
    folded : tuple of str
        Labels that share one further row and column, the last; empty when all are shown.
    counts, handled : ndarray of shape (m, m), int
        Rows by teacher's label (first index) and surrogate's, and those handled among them.
    n_folded_agree : int
        Of the last cell, the rows on which both agree.
    pairs : tuple of ConfusedPair
        Disagreements, the most frequent first; at most fifty.
    n_rows, n_agree : int
        Rows with a teacher's label; those on which both agree.
    n_missing : int
        Rows without one, which are not in the matrix and count as disagreements elsewhere.
    basis : str
        "calibration" rows; "left-out": calibration rows, each left out of a fit;
        "out-of-fold": fitting rows, as long as nothing is calibrated.
    """

    labels: tuple[str, ...]
    folded: tuple[str, ...]
    counts: IntArray
    handled: IntArray
    n_folded_agree: int
    pairs: tuple[ConfusedPair, ...]
    n_rows: int
    n_agree: int
    n_missing: int
    basis: str

    def cell(self, i: int, j: int) -> Selection:
        """The rows of a cell: teacher's label ``i``, surrogate's ``j``."""
        return Selection(teacher=self._labels(i), surrogate=self._labels(j), tested=True)

    def _labels(self, i: int) -> tuple[str, ...]:
        return (self.labels[i],) if i < len(self.labels) else self.folded


@dataclass(frozen=True, slots=True, eq=False)
class LabelAgreement:
    """Agreement for each label, on rows the surrogate was not fitted on.

    Attributes
    ----------
    labels : tuple of str
        Those that occur.
    by : str
        Whose label groups the rows: "teacher" or "surrogate".
    n_rows : ndarray of shape (K,), int
    n_handled, n_agree : ndarray of shape (K,), int
        Rows that count, and those on which both agree: the handled ones, or, as long as none
        is, all.
    lower, upper : ndarray of shape (K,), float
        Two-sided, pointwise 90 % Clopper-Pearson interval of the agreement; (0, 1) for no rows.
    handled_only : bool
        Whether ``n_handled`` are handled rows.
    target : float
    basis : str
        As in :class:`Confusion`.
    """

    labels: tuple[str, ...]
    by: str
    n_rows: IntArray
    n_handled: IntArray
    n_agree: IntArray
    lower: FloatArray
    upper: FloatArray
    handled_only: bool
    target: float
    basis: str

    @property
    def agreement(self) -> FloatArray:
        """Observed; nan for no rows."""
        share = np.full(len(self.labels), np.nan)
        np.divide(self.n_agree, self.n_handled, out=share, where=self.n_handled > 0)
        return share

    @property
    def coverage(self) -> FloatArray:
        """Share of each label's rows that is handled."""
        handled = self.n_handled if self.handled_only else np.zeros(len(self.labels))
        return np.asarray(handled / np.maximum(self.n_rows, 1), dtype=np.float64)

    def bar(self, i: int) -> Selection:
        """The rows of a label."""
        label = (self.labels[i],)
        if self.by == "teacher":
            return Selection(teacher=label, tested=True)
        return Selection(surrogate=label, tested=True)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """The gate's scores against what was observed, on rows the surrogate was not fitted on.

    Bins hold about equally many rows; equal scores are in one bin.

    Attributes
    ----------
    low, high, score : ndarray of shape (n_bins,), float
        Lowest, highest and mean score of each bin.
    n_rows, n_agree : ndarray of shape (n_bins,), int
    lower, upper : ndarray of shape (n_bins,), float
        Two-sided, pointwise 90 % Clopper-Pearson interval of the agreement.
    n_far : int
        Rows that the guard defers whatever their score; they are in no bin.
    basis : str
        As in :class:`Confusion`.
    """

    low: FloatArray
    high: FloatArray
    score: FloatArray
    n_rows: IntArray
    n_agree: IntArray
    lower: FloatArray
    upper: FloatArray
    n_far: int
    basis: str

    def bin(self, i: int) -> Selection:
        """The rows of a bin."""
        return Selection(scores=(float(self.low[i]), float(self.high[i])), tested=True)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnMap:
    """Texts of the column as points in the plane.

    Attributes
    ----------
    method : str
        "pca", "t-sne" or "umap".
    x, y : ndarray of shape (n,), float
        Positions, without unit.
    rows : ndarray of shape (n,), int
        A row of the column with this text.
    status : ndarray of shape (n,), int
        Index into ``STATUSES``.
    labels : tuple of (str or None), length n
        The teacher's label, else the surrogate's.
    scores : ndarray of shape (n,), float
        Gate scores; nan where there is none.
    texts : tuple of str, length n
        Cut at 160 characters.
    n_texts : int
        Distinct texts of the column.
    sampled : tuple of (status, shown, all)
        Distinct texts shown, and all, for each status that occurs: rare ones are shown more
        often than their share.
    explained : float
        Share of the variance that the plane keeps; nan unless by "pca".
    """

    method: str
    x: FloatArray
    y: FloatArray
    rows: IntArray
    status: IntArray
    labels: tuple[str | None, ...]
    scores: FloatArray
    texts: tuple[str, ...]
    n_texts: int
    sampled: tuple[tuple[str, int, int], ...]
    explained: float


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What each target would give: estimates for a picture, beside what is certified.

    Attributes
    ----------
    targets : ndarray of shape (n,), float
        Ascending; those that were certified among them.
    thresholds : ndarray of shape (n,), float
        The loosest at which the tested rows agree that often; inf where none does.
    coverage : ndarray of shape (n,), float
        Share of the column's rows at or above it, without the fitting rows. Counted, not
        estimated.
    agreement, lower, upper : ndarray of shape (n,), float
        Observed on the tested rows there, with two-sided, pointwise 90 % Clopper-Pearson
        interval. The threshold was found on the same rows, which flatters it.
    n_handled : ndarray of shape (n,), int
        Tested rows there.
    expected : ndarray of shape (n,), float
        Coverage that a certificate may be expected to reach if calibrated at this target
        alone; judged by the pilot.
    saved : ndarray of shape (n,), float
        Dollars that not asking about the rows of ``coverage`` saves; nan when unknown.
    certified : tuple of Choice
        What was certified.
    main : float
        The target in use.
    n_rows, n_population : int
        Tested rows; rows of the column that ``coverage`` is a share of.
    """

    targets: FloatArray
    thresholds: FloatArray
    coverage: FloatArray
    agreement: FloatArray
    lower: FloatArray
    upper: FloatArray
    n_handled: IntArray
    expected: FloatArray
    saved: FloatArray
    certified: tuple[Choice, ...]
    main: float
    n_rows: int
    n_population: int


@dataclass(frozen=True, slots=True)
class HandThreshold:
    """A threshold that somebody moved by hand. It is never certified.

    Attributes
    ----------
    threshold : float
    coverage : float
        As in :class:`Targets`.
    n_rows, n_handled, n_agree : int
        Tested rows; those handled; those on which both agree among them.
    agreement, lower, upper : float
        As in :class:`Targets`; nan, 0 and 1 when none is handled.
    saved : float or None
        Dollars; None when unknown.
    """

    threshold: float
    coverage: float
    n_rows: int
    n_handled: int
    n_agree: int
    lower: float
    upper: float
    saved: float | None

    @property
    def agreement(self) -> float:
        """Observed on the handled tested rows; nan when none is handled."""
        return self.n_agree / self.n_handled if self.n_handled else math.nan

    @property
    def certified(self) -> bool:
        """Never: moving the threshold by hand voids the certificate (GUARANTEES section 6)."""
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """The frontier while labelling goes on, by a quick surrogate.

    Made of fitting rows alone, out of fold: no calibration label is looked at, so that
    watching it, and stopping by it, costs the certificate nothing.

    Attributes
    ----------
    n_labels : int
        Rows of the sample so far, calibration rows included.
    n_fit : int
        Fitting rows among them, which is all that was looked at.
    frontier : Frontier
        On them, out of fold.
    target : float
    expected_coverage : float
        Coverage that a certificate with so many labels may be expected to reach.
    """

    n_labels: int
    n_fit: int
    frontier: Frontier
    target: float
    expected_coverage: float


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """How a run went so far: at most 240 moments, whatever its length.

    Attributes
    ----------
    seconds : ndarray of shape (n,), float
        Since the run began, ascending.
    done, asked : ndarray of shape (n,), int
        Texts that have an answer; those that were asked for it in this run.
    cost : ndarray of shape (n,), float
        Dollars paid; nan when unknown.
    total : int
        Texts of the run.
    step : str
        As in :class:`Progress`.
    max_cost : float or None
        The cap in dollars.
    """

    seconds: FloatArray = field(default_factory=lambda: np.empty(0))
    done: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    asked: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    cost: FloatArray = field(default_factory=lambda: np.empty(0))
    total: int = 0
    step: str = "label"
    max_cost: float | None = None

    def after(self, progress: Progress) -> Timeline:
        """The timeline with one moment more; another step begins a new one.

        Where there would be too many moments, the one with the nearest neighbours goes, but
        never the first or the last. A moment that is not later than the last one takes its
        place.
        """
        begun = replace(Timeline(), max_cost=self.max_cost)
        old = self if progress.step == self.step else begun
        kept = slice(0, int(np.searchsorted(old.seconds, progress.seconds)))
        cost = math.nan if progress.spending.cost is None else progress.spending.cost
        seconds = np.r_[old.seconds[kept], progress.seconds]
        thin = np.ones(len(seconds), dtype=bool)
        if len(seconds) > _MOMENTS:
            thin[1 + int(np.argmin(seconds[2:] - seconds[:-2]))] = False
        return replace(
            old,
            seconds=seconds[thin],
            done=np.r_[old.done[kept], progress.done][thin],
            asked=np.r_[old.asked[kept], progress.spending.asked][thin],
            cost=np.r_[old.cost[kept], cost][thin],
            total=progress.total,
            step=progress.step,
        )
