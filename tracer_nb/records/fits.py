"""What the fit measured on rows that it did not fit."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Pilot", "Trial"]


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
