"""The promise, what it was tested on, and who answers each row.

And what the fit measured on rows that it did not fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from tracer_nb.records.arrays import BoolArray, FloatArray, IntArray
from tracer_nb.records.origins import Origin
from tracer_nb.records.promises import HANDLED, PromiseName

__all__ = ["Certificate", "ClassCertificate", "Frontier", "Pilot", "Routing", "Setting", "Trial"]


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

    By default the promise is *selective agreement*: with confidence ``confidence``, at least a
    share ``target`` of the handled rows carry the label that the teacher would have given; what
    else it may be says ``promise``. It is agreement with the teacher, not with the truth.

    Attributes
    ----------
    method : str
        "held-out" (GUARANTEES, "Rows drawn like the calibration rows") or "column" (GUARANTEES,
        "The rows of one column"), either with ", cross-fit" (GUARANTEES, "Every label in both
        parts (cross-fit)") or ", per class" (GUARANTEES, "A promise for each label") behind it; ", updated" when it speaks about the rows that the
        teacher had not answered, and what surrogates before answered among them.
    strategy : str
        "adaptive-threshold", "fixed-threshold" or "cost-aware"; GUARANTEES, "Three strategies,
        one path".
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
        handled. Where the output itself is promised, the target; recall implies nothing, 0, nor does
        the precision of a label where a row has several.
    n_rounds : int
        Certificates that were made on rows of this column, this one included.
    earlier : float
        Chance of error that the others spend; each adds its own.
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
        Targets and promises that share the error budget.
    settings : tuple of Setting
        The thresholds that passed, strict to loose; empty per class.
    classes : tuple of ClassCertificate
        One for each predicted class, for certificates per class.
    needed_rows : int or None
        When not certified: about how many labelled rows (fitting and calibration) would
        make it likely, judged by the pilot; None when more rows alone do not help.
    note : str
        One plain sentence on why nothing was certified; empty otherwise.
    promise : PromiseName
        What there is at least the target of. Agreement and its bound are those of the handled
        rows whatever is promised.
    n_counted, n_wrong : int
        Calibration rows that the promised share is of, at this threshold, and those among them
        that break it. Of the handled ones these are ``n_handled`` and those that disagree; of the
        whole output all rows count; of recall those that the teacher gives the label, and the
        wrong ones are missed.
    n_delivered : int or None
        Rows of the whole output of a column, where that is promised: those that the teacher has
        answered are among them.
    n_known : int
        Where the recall of a column is tested on rows that are not given the label: rows that the
        teacher had given it before. They are counted, and the rows read are ``n_calibration``.
    also : tuple of Certificate
        What else is promised about the same rows, at the same threshold; they hold together.
    origin : Origin or None
        Where it comes from; None for one that the engine alone made. No part of what is
        compared or shown, since the same evidence carries the same promise on any day.
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
    earlier: float = 0.0
    settings: tuple[Setting, ...] = ()
    classes: tuple[ClassCertificate, ...] = ()
    promise: PromiseName = HANDLED
    n_counted: int = 0
    n_wrong: int = 0
    n_delivered: int | None = None
    n_known: int = 0
    also: tuple[Certificate, ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: promise, evidence, error budget and origin.

        They follow the schema of :func:`tracer_nb.words.certificate_schema`; numbers are finite, and
        what there is none of is None.

        Examples
        --------
        >>> from tracer_nb import certify
        >>> said = certify([0.9] * 200, [True] * 200, target=0.9, threshold=0.5).to_dict()
        >>> said["promise"]["kind"], said["target"], said["certified"]
        ('selective_agreement', 0.9, True)
        """
        # A certificate speaks for itself, and its words are those of cards and reports.
        from tracer_nb.words.documents import certificate_document  # noqa: PLC0415

        return certificate_document(self)

    def describe(self) -> str:
        """The promise in one sentence, or why there is none: as cards, reports and JSON say it.

        Examples
        --------
        >>> from tracer_nb import certify
        >>> certify([0.9] * 200, [True] * 200, target=0.9, threshold=0.5).describe()
        'With 95 % confidence, at least 90 % of the new rows that the surrogate answers carry the label that the teacher would give.'
        """
        from tracer_nb.words.documents import certificate_document  # noqa: PLC0415  as above

        return str(certificate_document(self)["promise"]["short"])

    @property
    def unaudited(self) -> PromiseName | None:
        """What is promised that no audit refutes; None where audits watch all of it.

        They count handled rows that agree, so they watch agreement and precision.
        """
        promised = (self.promise, *(other.promise for other in self.also))
        # Of the precision of a label among several no agreement of whole sets follows.
        watched = ("handled", "precision") if self.whole_output_lower > 0.0 else ("handled",)
        return next((p for p in promised if p.kind not in watched), None)

    @property
    def curve(self) -> PromiseName:
        """What its curve over all thresholds is of: the promise, else agreement of handled rows.

        Where rows are read to find a label, or none were tested, nothing tells the promised share
        at other thresholds.
        """
        return self.promise if self.n_calibration and not self.n_known else HANDLED

    @property
    def total_confidence(self) -> float:
        """Confidence that every certificate made on rows of this column holds."""
        return max(self.confidence - self.earlier, 0.0)

    @property
    def whole_output_agreement(self) -> float:
        """Observed share of *all* calibration rows that would carry the teacher's label.

        Deferred rows count as equal, so this is a larger figure than ``agreement`` and a
        different promise; GUARANTEES, "Two shares".
        """
        if self.n_calibration == 0:
            return math.nan
        return 1.0 - (self.n_handled - self.n_agree) / self.n_calibration


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
        True where the guard defers the row whatever its score: it is unlike everything that
        was fitted on, or a new one that fits its label badly.
    strange : ndarray of shape (n,), bool, or None
        True for those of the second kind; None for none.
    waiting : ndarray of shape (n,), object, or None
        Of a chain: the stage that is to be heard before the row is decided, an empty name for none.
    """

    handled: BoolArray
    labels: NDArray[Any]
    scores: FloatArray
    far: BoolArray
    strange: BoolArray | None = None
    waiting: NDArray[Any] | None = None

    @property
    def unlike(self) -> BoolArray:
        """Rows unlike everything that was fitted on, whatever they are said to be."""
        return self.far if self.strange is None else self.far & ~self.strange


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
    teacher : ndarray of shape (n,), int, or None
        Classes that the teacher gave, -1 where it gave none; None where no test needs them.
    """

    scores: FloatArray
    agree: BoolArray
    codes: IntArray | None = None
    costs: FloatArray | None = None
    teacher: IntArray | None = None


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
