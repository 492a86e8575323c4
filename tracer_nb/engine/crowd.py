"""Several teachers on the same rows: how right each is, without knowing the truth.

What the truth is, and how each teacher errs, is estimated together from where they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import FloatArray, IntArray

__all__ = ["Crowd", "dawid_skene", "estimated_accuracy", "one_coin"]


# Below every share that can be estimated; its logarithm is finite.
_TINY = 1e-300
# In the form with one number for each teacher: what is supposed of it before anything is known, the
# rows that this weighs as much as, and the limits within which its answers count.
_SUPPOSED, _ROWS, _LIMITS = 0.8, 20.0, (0.02, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """What was estimated about m teachers, k classes and n rows.

    Attributes
    ----------
    prior : ndarray of shape (k,)
        Share of rows of each true class.
    confusion : ndarray of shape (m, k, k)
        ``confusion[t, j, l]`` is the probability that teacher ``t`` answers ``l`` where the
        truth is ``j``; each row sums to 1.
    posterior : ndarray of shape (n, k)
        Probability of each class to be the true one of each row.
    n_iterations : int
        Of EM.
    converged : bool
        Whether it ended because nothing moved any more.
    """

    prior: FloatArray
    confusion: FloatArray
    posterior: FloatArray
    n_iterations: int
    converged: bool


def dawid_skene(
    answers: ArrayLike,
    n_classes: int,
    *,
    teachers: Sequence[int] | None = None,
    smoothing: float = 0.01,
    tolerance: float = 1e-6,
    most_iterations: int = 500,
) -> Crowd:
    """Estimate the true classes and the teachers' errors by EM, from answers alone.

    A. P. Dawid and A. M. Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the
    EM Algorithm, Applied Statistics 28 (1979), 20-28. It begins with the shares of answers
    (their 3.1), and takes turns: from the posterior the prior (2.4) and the confusion matrices
    (2.3); from these the posterior (2.5). It supposes that teachers err independently, given
    the truth: copies of one teacher count as so many witnesses. A missing answer says nothing;
    that is right also where others' answers decided who was asked.

    Parameters
    ----------
    answers : array of int, shape (n, r)
        Codes of answers in [0, ``n_classes``); -1 for none.
    n_classes : int
        k, at least 2.
    teachers : sequence of int, length r, optional
        Whose answers each column holds, from 0, where a teacher has several; each its own by
        default.
    smoothing : float
        Rows that are added to every cell of a confusion matrix, and to every class. With 0 an
        answer that never came is held to be impossible.
    tolerance : float
        EM ends when no posterior probability moves by more.
    most_iterations : int

    Returns
    -------
    Crowd

    Raises
    ------
    InvalidInput
        No matrix of codes, a code out of range, columns without a teacher, or a number out of
        range.

    Examples
    --------
    >>> found = dawid_skene([[0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, -1]], 2)
    >>> found.posterior.argmax(axis=1).tolist()
    [0, 1, 1, 0]
    """
    codes, owners = _checked(answers, n_classes, teachers, smoothing)
    n, k, m = len(codes), n_classes, max(owners, default=-1) + 1
    columns = [(owner, np.flatnonzero(codes[:, r] >= 0)) for r, owner in enumerate(owners)]
    posterior = np.zeros((n, k))
    for r, (_, rows) in enumerate(columns):
        posterior[rows, codes[rows, r]] += 1.0
    total = posterior.sum(axis=1, keepdims=True)
    posterior = np.where(total > 0, posterior / np.maximum(total, 1.0), 1.0 / k)
    prior, confusion = np.full(k, 1.0 / k), np.full((m, k, k), 1.0 / k)
    done, converged = 0, n == 0
    while done < most_iterations and not converged:
        prior = _shares(posterior.sum(axis=0) + smoothing)
        counts = np.full((m, k, k), float(smoothing))
        for r, (owner, rows) in enumerate(columns):
            # Transposed: what is added is a row of the posterior to the column of an answer.
            np.add.at(counts[owner].T, codes[rows, r], posterior[rows])
        confusion = _shares(counts)
        logs = np.log(np.maximum(confusion, _TINY))
        score = np.tile(np.log(np.maximum(prior, _TINY)), (n, 1))
        for r, (owner, rows) in enumerate(columns):
            score[rows] += logs[owner].T[codes[rows, r]]
        now = _shares(np.exp(score - score.max(axis=1, keepdims=True)))
        converged = bool(np.abs(now - posterior).max() <= tolerance)
        posterior, done = now, done + 1
    return Crowd(prior, confusion, posterior, done, converged)


def estimated_accuracy(crowd: Crowd) -> FloatArray:
    """Probability that each teacher's answer is the truth, as estimated.

    The sum over classes j of ``prior[j] * confusion[t, j, j]``.

    Parameters
    ----------
    crowd : Crowd

    Returns
    -------
    ndarray of shape (m,)
    """
    right = np.diagonal(crowd.confusion, axis1=1, axis2=2)
    return np.asarray(right @ crowd.prior, dtype=np.float64)


def one_coin(
    answers: ArrayLike, n_classes: int, *, tolerance: float = 1e-6, most_iterations: int = 500
) -> FloatArray:
    """How right each of m teachers is, by EM with one number for each.

    The model of Dawid and Skene with an even prior, in which a teacher that errs says each wrong
    class alike: where rows are few or classes many, a confusion matrix for each has more
    numbers than there are answers.

    Parameters
    ----------
    answers : array of int, shape (n, m)
        Codes of answers in [0, ``n_classes``); -1 for none. Best of all teachers about each row.
    n_classes : int
        k, at least 2.
    tolerance : float
        EM ends when no accuracy moves by more.
    most_iterations : int

    Returns
    -------
    ndarray of shape (m,)
        Never below chance, nor certain: so no single teacher silences all others.

    Raises
    ------
    InvalidInput
        No matrix of codes, or a code out of range.

    Examples
    --------
    >>> one_coin([[0, 0, 1], [1, 1, 1], [2, 2, 0], [0, 0, 0]] * 30, 3).round(1).tolist()
    [1.0, 1.0, 0.5]
    """
    codes, _ = _checked(answers, n_classes, None, 0.0)
    n, m = codes.shape
    said = codes >= 0
    lowest, highest = 1.0 / n_classes + _LIMITS[0], _LIMITS[1]
    accuracy = np.full(m, _SUPPOSED)
    columns = [np.flatnonzero(said[:, t]) for t in range(m)]
    for _ in range(most_iterations):
        weight = np.log(accuracy * (n_classes - 1) / (1.0 - accuracy))
        score = np.zeros((n, n_classes))
        for t, rows in enumerate(columns):
            score[rows, codes[rows, t]] += weight[t]
        posterior = _shares(np.exp(score - score.max(axis=1, keepdims=True)))
        right = [float(posterior[rows, codes[rows, t]].sum()) for t, rows in enumerate(columns)]
        now = (np.array(right) + _ROWS * _SUPPOSED) / (said.sum(axis=0) + _ROWS)
        now = np.clip(now, min(lowest, highest), highest)
        moved, accuracy = float(np.abs(now - accuracy).max(initial=0.0)), now
        if moved <= tolerance:
            break
    return np.asarray(accuracy, dtype=np.float64)


def _shares(counts: NDArray[np.float64]) -> FloatArray:
    """Counts over their sum along the last axis; the same for all where there are none."""
    total = counts.sum(axis=-1, keepdims=True)
    even = 1.0 / counts.shape[-1]
    return np.asarray(np.where(total > 0, counts / np.maximum(total, _TINY), even))


def _checked(
    answers: ArrayLike, n_classes: int, teachers: Sequence[int] | None, smoothing: float
) -> tuple[IntArray, list[int]]:
    codes = np.asarray(answers)
    if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer):
        raise InvalidInput(
            "answers must be whole numbers, a row for each text and a column for each teacher, got "
            f"shape {codes.shape} of {codes.dtype}; give codes of labels, -1 for none"
        )
    if not (is_number(n_classes) and n_classes >= 2 and n_classes == int(n_classes)):
        raise InvalidInput(f"n_classes must be a whole number of at least 2, got {n_classes!r}")
    if codes.size and not (codes.min() >= -1 and codes.max() < n_classes):
        raise InvalidInput(
            f"answers must be from -1 to {n_classes - 1}, got {codes.min()} to {codes.max()}"
        )
    if not (is_number(smoothing) and 0 <= smoothing < np.inf):
        raise InvalidInput(f"smoothing must be a number of at least 0, got {smoothing!r}")
    owners = list(range(codes.shape[1])) if teachers is None else [int(t) for t in teachers]
    if len(owners) != codes.shape[1] or min(owners, default=0) < 0:
        raise InvalidInput(
            f"teachers must name that of each of the {codes.shape[1]} columns, from 0, got {owners}"
        )
    return codes.astype(np.intp), owners
