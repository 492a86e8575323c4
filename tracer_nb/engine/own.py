"""Certificates for a model of one's own: its scores, and where it was right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine import certificates
from tracer_nb.engine.certificates import Evidence, Promise, Rows
from tracer_nb.engine.checks import check_seed
from tracer_nb.engine.split import PILOT_SHARE, is_calibration
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Pilot

__all__ = ["certify", "certify_column"]


def certify(
    scores: ArrayLike,
    agree: ArrayLike,
    *,
    target: float = 0.92,
    confidence: float = 0.95,
    pilot: tuple[ArrayLike, ArrayLike] | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> Certificate:
    """Certify which rows a model of your own may answer: new rows, drawn like these.

    Parameters
    ----------
    scores : array_like of shape (n,), float
        How sure the model is of each row, in [0, 1]; higher is surer. The rows are a random
        sample of those that it will be used on, and were not used to fit, choose or tune it.
    agree : array_like of shape (n,), bool
        Whether its label is the teacher's. A row without a label of the teacher's is False.
    target : float
        Share of the rows it answers that are to carry the teacher's label, in (0, 1).
    confidence : float
        Chance of a sample whose certificate keeps its promise, in (0, 1).
    pilot : tuple of (scores, agree), optional
        Of other rows, which order the tests: out-of-fold ones of the rows that it was fitted
        on, for example. Without them a quarter of the rows given, drawn at random, takes their
        place, and the others are tested.
    threshold : float, optional
        The only one to test, chosen before these rows were looked at. It needs no pilot.
    seed : int
        Draws that quarter, and what orders the tests.

    Returns
    -------
    Certificate
        Rows with ``score >= certificate.threshold`` may be answered. When nothing passes,
        ``certified`` is False, the threshold is infinite and ``note`` says why.

    Raises
    ------
    InvalidInput
        Lengths that differ, a score outside [0, 1], agreement that is not bool, or a level
        outside (0, 1).

    References
    ----------
    GUARANTEES, "Rows drawn like the calibration rows".

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scores = rng.random(1000)
    >>> agree = rng.random(1000) < 0.7 + 0.3 * scores
    >>> certificate = certify(scores, agree, target=0.9)
    >>> certificate.certified, certificate.method, certificate.n_fit, certificate.n_calibration
    (True, 'held-out', 250, 750)
    >>> bool((scores >= certificate.threshold).mean() > 0.3)
    True
    """
    promise = Promise(target, confidence)
    return _certify(promise, scores, agree, None, pilot=pilot, threshold=threshold, seed=seed)


def certify_column(
    scores: ArrayLike,
    agree: ArrayLike,
    other_scores: ArrayLike,
    *,
    target: float = 0.92,
    confidence: float = 0.95,
    pilot: tuple[ArrayLike, ArrayLike] | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> Certificate:
    """Certify which rows of one known column a model of your own may answer.

    Parameters
    ----------
    scores, agree
        As in :func:`certify`, of rows that were drawn at random, without replacement, among
        all of the column that the model was not fitted on.
    other_scores : array_like of shape (m,), float
        Of the others of these, whose labels nobody knows.
    target, confidence, pilot, threshold, seed
        As in :func:`certify`.

    Returns
    -------
    Certificate
        About all handled rows of the column together, the tested ones included. Rows that took
        the place of a pilot are not among them: their labels are known.

    Raises
    ------
    InvalidInput
        As :func:`certify`.

    References
    ----------
    GUARANTEES, "The rows of one column".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(5000)
    >>> agree = rng.random(5000) < 0.7 + 0.3 * scores
    >>> drawn = rng.permutation(5000)[:1000]
    >>> others = np.delete(scores, drawn)
    >>> certificate = certify_column(scores[drawn], agree[drawn], others, target=0.9)
    >>> certificate.certified, certificate.method, certificate.n_population
    (True, 'column', 4750)
    """
    promise, others = Promise(target, confidence), Rows(_numbers("other_scores", other_scores))
    return _certify(promise, scores, agree, others, pilot=pilot, threshold=threshold, seed=seed)


def _certify(
    promise: Promise,
    scores: ArrayLike,
    agree: ArrayLike,
    others: Rows | None,
    *,
    pilot: tuple[ArrayLike, ArrayLike] | None,
    threshold: float | None,
    seed: int,
) -> Certificate:
    order, tested = Pilot(np.empty(0), np.empty(0, dtype=bool)), _rows("", scores, agree)
    number = check_seed(seed)
    fixed = None if threshold is None else _numbers("threshold", [threshold])
    if pilot is not None:
        if not isinstance(pilot, (tuple, list)) or len(pilot) != 2:
            raise InvalidInput(
                f"pilot must be a pair, (scores, agree) of other rows, got {type(pilot).__name__}"
            )
        known = _rows("pilot ", *pilot)
        order = Pilot(known.scores, known.agree)
    elif fixed is None:
        order, tested = _parted(tested, number)
    evidence = Evidence(order, tested, others)
    return certificates.certify(promise, evidence, thresholds=fixed, seed=number)


def _parted(rows: Rows, seed: int) -> tuple[Pilot, Rows]:
    """A quarter of the rows to order the tests by, and the others; drawn without their labels."""
    n = len(rows.scores)
    drawn = np.random.default_rng([seed, 7]).permutation(n)
    held = is_calibration(n, PILOT_SHARE)
    first, rest = drawn[~held], drawn[held]
    pilot = Pilot(rows.scores[first], rows.agree[first])
    return pilot, Rows(rows.scores[rest], rows.agree[rest])


def _rows(whose: str, scores: ArrayLike, agree: ArrayLike) -> Rows:
    numbers, flags = _numbers(f"{whose}scores", scores), _flags(f"{whose}agree", agree)
    if len(numbers) != len(flags):
        raise InvalidInput(
            f"{whose}scores and {whose}agree must be equally long, got {len(numbers)} and "
            f"{len(flags)}; pass one entry per row"
        )
    return Rows(numbers, flags)


def _numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be numbers, got {type(values).__name__}") from error
    if numbers.ndim != 1:
        raise InvalidInput(f"{name} must have one entry per row, got shape {numbers.shape}")
    bad = numbers[~((numbers >= 0.0) & (numbers <= 1.0))]
    if len(bad):
        raise InvalidInput(
            f"{name} must be in [0, 1], and {len(bad)} are not, {bad[0]:g} for one; a margin m may "
            "be given as 1 / (1 + exp(-m))"
        )
    return numbers


def _flags(name: str, values: Any) -> NDArray[np.bool_]:
    flags = np.asarray(values)
    if flags.ndim != 1:
        raise InvalidInput(f"{name} must have one entry per row, got shape {flags.shape}")
    if flags.dtype != bool:
        # 0 and 1, and a column of objects that are True and False.
        odd = [value for value in flags.tolist() if not _is_flag(value)]
        if odd:
            raise InvalidInput(
                f"{name} must be True or False for each row, got {odd[0]!r}; a row without a label "
                "is False"
            )
    return flags.astype(bool)


def _is_flag(value: Any) -> bool:
    try:
        return value in (0, 1)
    except (TypeError, ValueError):  # pandas' NA is neither equal nor unequal
        return False
