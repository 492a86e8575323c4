"""The promise, what it was tested on, and who answers each row.

And what the fit measured on rows that it did not fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tracer_nb.records.arrays import BoolArray, FloatArray, IntArray

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

    The promise is *selective agreement*: with confidence ``confidence``, at least a share
    ``target`` of the handled rows carry the label that the teacher would have given. It is
    agreement with the teacher, not with the truth.

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
        handled.
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
    earlier: float = 0.0
    settings: tuple[Setting, ...] = ()
    classes: tuple[ClassCertificate, ...] = ()

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
        True where the row is unlike everything that was fitted on, and is deferred whatever
        its score.
    """

    handled: BoolArray
    labels: NDArray[Any]
    scores: FloatArray
    far: BoolArray


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
