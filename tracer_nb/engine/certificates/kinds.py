"""Kinds of promises: what is counted, among which rows, and by which exact test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import column_p_value, held_out_p_value
from tracer_nb.engine.checks import missing_labels
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets
from tracer_nb.records import HANDLED, Certificate, Pilot, PromiseName

__all__ = [
    "AGREEMENT",
    "OUTPUT",
    "Counts",
    "Kind",
    "Rows",
    "agreement_of",
    "code_of",
    "kind_of",
    "precision_of",
    "recall_of",
    "row_thresholds",
    "teacher_codes",
    "with_promised",
]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows under the frozen surrogate and gate.

    Attributes
    ----------
    scores : ndarray of shape (n,), float
        Along the path of the strategy, in [0, 1]; -inf for rows that are deferred whatever
        happens.
    agree : ndarray of shape (n,), bool
        Surrogate and teacher give the same label. Empty where the teacher was not asked.
    codes : ndarray of shape (n,), int, or None
        Predicted classes, for promises about classes.
    costs : ndarray of shape (n,), float, or None
        What asking the teacher about each row costs.
    teacher : ndarray of shape (n,), int, or None
        Classes that the teacher gave, -1 where it gave none (:func:`teacher_codes`), for recall.
    """

    scores: NDArray[np.float64]
    agree: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    codes: NDArray[np.intp] | None = None
    costs: NDArray[np.float64] | None = None
    teacher: NDArray[np.intp] | None = None


Flags = Callable[[Rows | Pilot], NDArray[np.bool_]]
Counts = NDArray[np.intp]


def _column_share(
    wrong: Counts, counted: Counts, known: Counts, _delivered: int, target: float
) -> NDArray[np.float64]:
    """More than a share 1 - T of the known rows are wrong."""
    return column_p_value(wrong, counted, known, target)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of promise: "at least a share T of these rows is right".

    Attributes
    ----------
    noun : str
        What there is at least a share T of, in messages.
    among : callable
        Rows that the promise is about at all; known without a label of the teacher's where the
        promise is to be made about a column.
    wrong : callable
        Rows that break it if they are handled; read on labelled rows only.
    counted : callable or None
        Rows that the share is of, handled or not; read on labelled rows only. A wrong row outside
        of them joins them when it is handled. Then only the wrong ones grow along the path, with
        them the p-value, and every threshold is tried. None: the share is of the handled rows,
        so both counts grow; tests follow the order that the pilot planned, and stop at the first
        failure.
    held_out : callable
        P-values from right rows, counted rows and T; (n_thresholds,).
    column : callable
        P-values from wrong rows, counted rows, rows of the column that it is about (handled ones
        where ``counted`` is None), rows that come out, and T.
    may : callable or None
        Rows that the surrogate may answer at all under this promise; the others are deferred
        whatever their score. None: all.
    name : PromiseName
        Under which it is asked for.
    several : bool
        A row may have several labels.
    """

    noun: str
    among: Flags
    wrong: Flags
    counted: Flags | None = None
    held_out: Callable[[Counts, Counts, float], NDArray[np.float64]] = held_out_p_value
    column: Callable[[Counts, Counts, Counts, int, float], NDArray[np.float64]] = _column_share
    may: Flags | None = None
    name: PromiseName = HANDLED
    several: bool = False

    @property
    def of_handled(self) -> bool:
        """The share is of handled rows."""
        return self.counted is None

    def scores_of(self, rows: Rows | Pilot) -> NDArray[np.float64]:
        """Scores of rows; of those that may not be answered, -inf."""
        if self.may is None:
            return rows.scores
        return np.where(self.may(rows), rows.scores, -np.inf)


def _every(rows: Rows | Pilot) -> NDArray[np.bool_]:
    return np.ones(len(rows.scores), dtype=bool)


def _disagrees(rows: Rows | Pilot) -> NDArray[np.bool_]:
    return ~rows.agree


AGREEMENT = Kind("agreement", _every, _disagrees)
"""Selective agreement: of the handled rows, a share T carries the teacher's label."""


def _column_output(
    wrong: Counts, counted: Counts, known: Counts, delivered: int, target: float
) -> NDArray[np.float64]:
    """More than a share 1 - T of all rows that come out are wrong; they are all among the known."""
    return column_p_value(wrong, counted, known, target, n_delivered=delivered)


OUTPUT = Kind(
    noun=PromiseName("output").noun,
    among=_every,
    wrong=_disagrees,
    counted=_every,
    column=_column_output,
    name=PromiseName("output"),
)
"""Whole output: of all rows that come out, deferred and answered ones included, a share T carries
the teacher's label. GUARANTEES, "The whole output"."""


def agreement_of(code: int) -> Kind:
    """Selective agreement of the rows that the surrogate puts into one class."""
    return Kind(AGREEMENT.noun, lambda rows: np.asarray(rows.codes == code), _disagrees)


def precision_of(code: int, label: object = None, sets: LabelSets | None = None) -> Kind:
    """Of the rows that the surrogate puts into one class and answers, a share T belongs there.

    The chain of that one class at the full error budget; rows of other classes are deferred. Where a
    row has several labels, it may be answered where the label is one of the surrogate's, and is wrong
    where it is none of the teacher's; of the other labels of the set nothing is said.

    Parameters
    ----------
    code : int
    label : object
        What it stands for.
    sets : LabelSets, optional
        Where a row has several labels: ``codes`` and ``teacher`` are numbers of sets.
    """
    name = PromiseName("precision", str(code if label is None else label))

    def given(rows: Rows | Pilot) -> NDArray[np.bool_]:
        assert rows.codes is not None  # noqa: S101  who promises a label has them
        return np.asarray(rows.codes == code) if sets is None else sets.members(rows.codes)[:, code]

    def strays(rows: Rows | Pilot) -> NDArray[np.bool_]:
        if sets is None or rows.teacher is None:
            return ~rows.agree
        return ~sets.members(rows.teacher)[:, code]

    return Kind(
        noun=name.noun,
        among=_every,
        wrong=strays,
        may=given,
        name=name,
        several=sets is not None,
    )


def recall_of(code: int, label: object = None, sets: LabelSets | None = None) -> Kind:
    """Of the rows to which the teacher gives one label, a share T comes out with it.

    A miss is a handled row with another label whose teacher's label is the wanted one. Given how
    many of the tested rows are wanted, these are a simple random sample of the wanted rows among
    those that the test is about; wanted rows that are deferred or were answered cannot be missed.
    A drawn row that got no label counts as missed once it is handled with another label. Where a
    row has several labels, it is wanted where the label is one of the teacher's, and missed where
    it is none of the surrogate's.

    Parameters
    ----------
    code : int
        Rows need ``codes`` and ``teacher``.
    label : object
        What it stands for.
    sets : LabelSets, optional
        Where a row has several labels: ``codes`` and ``teacher`` are numbers of sets.

    References
    ----------
    GUARANTEES, "Recall and precision of a label": the binomial tail bounds that of a column, whose number of
    wanted rows is not known.
    """
    name = PromiseName("recall", str(code if label is None else label))

    def given(said: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.asarray(said == code) if sets is None else sets.members(said)[:, code]

    def counted(rows: Rows | Pilot) -> NDArray[np.bool_]:
        if rows.teacher is None or rows.codes is None:
            raise InvalidInput(
                f"{name.noun} needs the teacher's and the surrogate's label of each row; pass codes "
                "and teacher"
            )
        return given(rows.teacher)

    def missed(rows: Rows | Pilot) -> NDArray[np.bool_]:
        wanted = counted(rows)
        assert rows.teacher is not None and rows.codes is not None  # noqa: S101, PT018  just counted
        return np.asarray((wanted | (rows.teacher < 0)) & ~given(rows.codes))

    def of_column(
        wrong: Counts, wanted: Counts, _known: Counts, _delivered: int, target: float
    ) -> NDArray[np.float64]:
        return held_out_p_value(wanted - wrong, wanted, target)

    return Kind(
        noun=name.noun,
        among=_every,
        wrong=missed,
        counted=counted,
        column=of_column,
        name=name,
        several=sets is not None,
    )


def code_of(label: object, classes: Sequence[Any]) -> int:
    """Code of a label: its place among the classes, or the one behind them all where it has none.

    Labels are told by their text, as a promise names them.

    Examples
    --------
    >>> code_of("b", ["a", "b"]), code_of("c", ["a", "b"])
    (1, 2)
    """
    texts = [str(one) for one in classes]
    return texts.index(str(label)) if str(label) in texts else len(texts)


def kind_of(name: PromiseName, classes: Sequence[Any], sets: LabelSets | None = None) -> Kind:
    """The kind of a promise that was asked for.

    Parameters
    ----------
    name : PromiseName
    classes : sequence of length K
        Labels that the surrogate knows.
    sets : LabelSets, optional
        Where a row has several of them: rows' codes are its numbers of sets.
    """
    if name.kind == "output":
        return OUTPUT
    if name.label is None:
        return AGREEMENT
    code = code_of(name.label, classes)
    if name.kind == "recall":
        return recall_of(code, name.label, sets)
    return precision_of(code, name.label, sets)


def with_promised(classes: Iterable[Any], names: Iterable[PromiseName]) -> list[str]:
    """Texts of the labels that the surrogate knows, and behind them those that are promised only.

    Examples
    --------
    >>> with_promised(["a", "b"], [PromiseName("recall", "c"), PromiseName("output")])
    ['a', 'b', 'c']
    """
    wanted = [name.label for name in names if name.label is not None]
    return list(dict.fromkeys([*map(str, classes), *wanted]))


def teacher_codes(
    labels: NDArray[Any], classes: Sequence[Any], name: PromiseName = HANDLED
) -> NDArray[np.intp]:
    """Codes of the teacher's labels: -1 where it gave none.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    classes : sequence of length K
    name : PromiseName
        One whose label :func:`with_promised` is to know as well.

    Returns
    -------
    ndarray of shape (n,), int
        A label that is none of them has the code behind them all.

    Examples
    --------
    >>> teacher_codes(np.array(["a", None, "c", "d"], dtype=object), ["a", "b", "c"])
    array([ 0, -1,  2,  3])
    """
    number = {label: code for code, label in enumerate(with_promised(classes, [name]))}
    missing = missing_labels(labels)
    found = [
        -1 if gone else number.get(str(label), len(number))
        for label, gone in zip(labels.tolist(), missing.tolist(), strict=True)
    ]
    return np.array(found, dtype=np.intp)


def row_thresholds(
    certificate: Certificate,
    codes: NDArray[np.intp],
    classes: Sequence[Any],
    sets: LabelSets | None = None,
) -> float | NDArray[np.float64]:
    """One threshold for all rows, or that of each row's predicted class, (n,).

    Under a promise of one label's precision, rows that the surrogate calls otherwise have none.

    Parameters
    ----------
    certificate : Certificate
    codes : ndarray of shape (n,), int
    classes : sequence of length K
        What the codes stand for.
    sets : LabelSets, optional
        Where a row has several labels: codes are its numbers of sets.
    """
    if certificate.promise.kind == "precision":
        code = code_of(certificate.promise.label, classes)
        own = codes == code if sets is None else sets.members(codes)[:, code]
        return np.where(own, certificate.threshold, np.inf)
    if not certificate.classes:
        return certificate.threshold
    return np.array([part.threshold for part in certificate.classes])[codes]
