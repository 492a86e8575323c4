"""What labelling will take, and the labels that came of it, some of them later.

With the reject option, a row comes out without a label on purpose.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tracer_nb.records.answers import Answer, Spending, Superseded
from tracer_nb.records.arrays import FloatArray, IntArray
from tracer_nb.records.panel import PanelPlan
from tracer_nb.records.promises import HANDLED, PromiseName
from tracer_nb.records.stages import StagePlan

__all__ = [
    "AskedAgain",
    "Batch",
    "Collected",
    "Labels",
    "Plan",
    "RejectOption",
    "Submitted",
]


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


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """Texts whose answer held no label, and that are asked about again.

    Attributes
    ----------
    n_texts : int
        There were.
    most : float or None
        Dollars that asking about all of them can take at the very most; None when the price is
        unknown.
    n_renewed, n_labelled : int
        Those that have another answer now, and those that have a label.
    """

    n_texts: int
    most: float | None
    n_renewed: int = 0
    n_labelled: int = 0


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
        surrogate and teacher agree; of "hard-first" those of a test.
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
        Whose rate that is ("as in the last run"), or that it is unknown; empty where there is
        nothing to wait for, as with recorded labels.
    superseded : Superseded
        Stored answers to the texts to ask that another teacher gave, and do not apply.
    batch_cost : float or None
        Dollars for the sample in a batch, estimated; None when the price of one is unknown.
    reject : RejectOption
        Which rows are to come out abstained.
    guard : float
        Share of rows like the labelled ones that the guard finds unlike them; 0 for no guard.
    models : tuple of (str, int)
        Who gave the stored answers, as the server names it, and how many of them.
    distribution : str or None
        How the teacher's probabilities come about ("votes", "log-probabilities"; empty when it
        gives none); None when only its answers can tell.
    labelling : str
        "random", or "hard-first": then ``n_sample`` rows are only the random start.
    bill_low, bill_high : int or None
        Texts that will be asked about in all, as far as can be expected; None where nothing is.
    bill_source : str
        What these are judged by.
    again : AskedAgain or None
        Those of the texts to ask whose stored answer holds no label; None where such answers
        stay.
    panel : PanelPlan or None
        What the members of a panel are asked.
    stages : tuple of StagePlan
        Of a chain: who is heard before the teacher.
    fits : bool
        Whether anything can be fitted on so many rows.
    chances : tuple of (int, float)
        Labelled rows in all, and how likely they certify something, judged by the rows that are
        fitted on already; empty where nothing is.
    n_pilot : int
        Rows by which that is judged.
    promises : tuple of PromiseName
        What the target is of.
    fewest_wanted : int or None
        Of the rows that test it, those that the teacher must give the label whose recall is
        promised; None where none is.
    reads : tuple of int and float, or None
        Where recall is promised and the likely rows are asked about first: if so many rows have the
        label, at least this share of the others is read.
    not_grown : str
        Why labelling is random where nobody chose it; empty where somebody did, or it is not.
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
    superseded: Superseded = field(default_factory=Superseded)
    n_waiting: int = 0
    batch_cost: float | None = None
    reject: RejectOption = field(default_factory=RejectOption)
    guard: float = 0.0
    distribution: str | None = None
    models: tuple[tuple[str, int], ...] = ()
    again: AskedAgain | None = None
    labelling: str = "random"
    bill_low: int | None = None
    bill_high: int | None = None
    bill_source: str = ""
    panel: PanelPlan | None = None
    stages: tuple[StagePlan, ...] = ()
    fits: bool = True
    chances: tuple[tuple[int, float], ...] = ()
    n_pilot: int = 0
    promises: tuple[PromiseName, ...] = (HANDLED,)
    fewest_wanted: int | None = None
    reads: tuple[int, float] | None = None
    not_grown: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The teacher's answers on the rows of a column that were drawn to be labelled.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        Positions in the column. A random sample stands in the random order in which it was
        drawn; hard rows stand behind the random start, and rows of a test behind both.
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
    models : tuple of (str, int)
        Who gave the answers, as the server names it, and how many of them.
    warnings : tuple of str
        What is odd about the server's replies, each a sentence.
    fewest : int
        Labelled rows without which the main target cannot be certified.
    again : AskedAgain or None
        What became of the texts without a label; None where nobody asked again.
    n_random : int or None
        Where hard rows were chosen: so many rows, the first ones, came at random before them;
        None where all did.
    """

    rows: IntArray
    codes: IntArray
    classes: tuple[str, ...]
    reasons: tuple[str | None, ...]
    n_failed: int
    spending: Spending
    stopped: str | None = None
    probabilities: FloatArray | None = None
    superseded: Superseded = field(default_factory=Superseded)
    fewest: int = 0
    models: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()
    again: AskedAgain | None = None
    n_random: int | None = None

    @property
    def missing_reasons(self) -> tuple[tuple[str, int], ...]:
        """Reasons for missing labels, most frequent first."""
        return tuple(Counter(reason for reason in self.reasons if reason).most_common())


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
    most : float or None
        Dollars that the batches can come to at the most; None when the price is unknown.
    """

    batches: tuple[Batch, ...]
    n_texts: int
    n_stored: int = 0
    n_waiting: int = 0
    n_unusable: int = 0
    most: float | None = None


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
