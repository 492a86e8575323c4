"""What a job that asks about hard rows first is given, and what it says is to be done next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, NEW_ROWS, NO_LABEL, PILOT, TEST, UNASKED, Draw, rows_of
from tracer_nb.draws.frozen import Frozen
from tracer_nb.engine.certificates.promise import round_delta
from tracer_nb.engine.outlook import Outlook
from tracer_nb.records import HANDLED, Certificate, PromiseName

__all__ = ["Ask", "Column", "Done", "Job", "Terms", "drive"]

# Of the error budget for the first test. With a second one at .012 delta beside it instead of .015,
# the rows of BANKING77 that are never asked about are .003 more.
_FIRST_ROUND = 0.8
# A test of the whole output hardly fails, and after one of recall there is little left to save.
_NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of rows.

    Attributes
    ----------
    X : list of matrix of shape (n_texts, d)
        Features of the distinct texts.
    codes : ndarray of shape (n_rows,), int
        Text of each row; -1 for rows without one, which nobody asks about.
    """

    X: list[Any]
    codes: NDArray[np.intp]

    @property
    def n_texts(self) -> int:
        """Distinct texts."""
        return int(self.X[0].shape[0])

    def holding(self, texts: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows whose text is one of these."""
        return np.flatnonzero((self.codes >= 0) & texts[self.codes])

    def drawn_for(self, draws: Iterable[Draw], *purposes: str) -> NDArray[np.bool_]:
        """Texts that were drawn for these purposes, (n_texts,)."""
        mask = np.zeros(self.n_texts, dtype=bool)
        for draw in draws:
            if draw.purpose in purposes:
                mask[self.codes[draw.rows]] = True
        return mask

    def touched(self, draws: Iterable[Draw]) -> NDArray[np.bool_]:
        """Texts that were drawn for anything: no row with one of them is open."""
        return self.drawn_for(draws, PILOT, HARD, TEST, NEW_ROWS)

    def open_rows(self, draws: Iterable[Draw]) -> NDArray[np.intp]:
        """Rows whose text was drawn for nothing."""
        return self.holding(~self.touched(draws))

    def fitted_on(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Answered texts outside the set-aside rows, and which of them came at random."""
        aside = self.drawn_for(draws, NEW_ROWS)
        used = self.drawn_for(draws, PILOT, HARD, TEST) & ~aside & (labels != UNASKED)
        texts = np.flatnonzero(used)
        return texts, self.drawn_for(draws, PILOT, TEST)[texts]

    def without_label(self, draws: Iterable[Draw], labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rows of these draws that were answered without a label."""
        every = rows_of(draws)
        return np.asarray(every[labels[self.codes[every]] == NO_LABEL], dtype=np.intp)

    def as_then(self, draw: Draw, labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Answers as they were at a test, as far as these can have changed."""
        then: NDArray[np.intp] = labels.copy()
        then[self.codes[draw.bare]] = NO_LABEL
        if draw.missing is not None:
            then[self.codes[draw.missing]] = UNASKED
        return then

    def unasked(self, rows: NDArray[np.intp], labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Texts of rows that have no answer, each once, in order of first appearance."""
        texts = self.texts_of(rows)
        return np.asarray(texts[labels[texts] == UNASKED])

    def texts_of(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Texts of rows, each once, in order of first appearance."""
        return np.array(list(dict.fromkeys(self.codes[rows].tolist())), dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a job is set to.

    Attributes
    ----------
    target, confidence : float
    start : int
        Rows of the random start; a fifth of a small column.
    most : int or None
        Texts asked about before anything is tested; None: as many as are worth it.
    new_rows : int
        Rows that are set aside for a promise about new rows.
    one_round : bool
        Only one test, at the whole error budget.
    at_a_time : int
        Texts that the teacher takes at a time: in a large column no batch is smaller.
    seed : int
    prices : tuple of float
        Of a chain: what hearing each stage about a text costs, in askings of the teacher.
    options : mapping
        Of the fit.
    features : str
        What tells these features from others.
    promise : PromiseName
        What a test is of, and which rows are hard for it. A test of another promise is a further
        round.
    beside : tuple of PromiseName
        What else is promised of the same rows.
    shares : int
        Tests that the error budget is divided among.
    """

    target: float
    confidence: float
    start: int = 150
    most: int | None = None
    new_rows: int = 0
    one_round: bool = False
    at_a_time: int = 1
    seed: int = 0
    prices: tuple[float, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    features: str = ""
    promise: PromiseName = HANDLED
    beside: tuple[PromiseName, ...] = ()
    shares: int = 1

    @property
    def promises(self) -> tuple[PromiseName, ...]:
        """All that is promised."""
        return (self.promise, *self.beside)

    @property
    def promised(self) -> str:
        """The same as it is asked for."""
        return ",".join(map(str, self.promises))

    def fingerprint(self, classes: tuple[str, ...], parts: Iterable[NDArray[Any]]) -> str:
        """Digest of the terms, the labels and whole numbers that something was frozen by."""
        levels = self.target, self.confidence, self.promised, self.seed, self.features
        said = repr((*levels, sorted(self.options.items())))
        digest = hashlib.sha256(f"{said} {classes!r}".encode())
        for part in parts:
            digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
        return digest.hexdigest()

    def delta(self, n_round: int) -> float:
        """Error budget of a round."""
        delta = (1.0 - self.confidence) / self.shares
        alone = self.shares == 1 and self.promise.kind in ("output", "recall")
        first = _NEARLY_ALL if alone else _FIRST_ROUND
        return delta if self.one_round else round_delta(delta, n_round, first=first)


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """The next thing to do: put the draw on record, then ask about its texts.

    Attributes
    ----------
    draws : tuple of Draw
        The record with it; to be kept before anything is asked about.
    texts : ndarray of int
        Texts that have no answer yet, in the order in which they are wanted.
    outlook : Outlook or None
        What was expected when it was decided.
    hear : mapping of ndarray of int
        Of a chain: texts to hear each stage about, at the same time.
    last : bool
        Nothing more is asked about before the next test, as it looks now: what is frozen for it can
        be fitted while stages are heard.
    """

    draws: tuple[Draw, ...]
    texts: NDArray[np.intp]
    outlook: Outlook | None = None
    hear: Mapping[int, NDArray[np.intp]] = field(default_factory=dict)
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Nothing more is asked about before the column is routed.

    Attributes
    ----------
    draws : tuple of Draw
    reason : str
        Why nothing is certified; empty where something is.
    frozen : Frozen or None
        What was certified.
    certificate, new_rows : Certificate or None
        About the rows that were open when it was frozen, tested ones included; and about rows
        drawn like those set aside.
    tested : tuple of Draw
        The draws up to the test that certified, its own the last.
    """

    draws: tuple[Draw, ...]
    reason: str
    frozen: Frozen | None = None
    certificate: Certificate | None = None
    new_rows: Certificate | None = None
    tested: tuple[Draw, ...] = ()


class Job(Protocol):
    """Decides what is done next."""

    column: Column
    opinions: Any

    def step(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], *, closed: bool = False
    ) -> Ask | Done:
        """What to do next."""
        ...

    def ahead(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> Ask | None:
        """What to ask about while texts of the last draw are being answered."""
        ...


def drive(
    job: Job,
    ask: Callable[[NDArray[np.intp]], NDArray[np.intp]],
    *,
    draws: tuple[Draw, ...] = (),
    labels: NDArray[np.intp] | None = None,
    keep: Callable[[tuple[Draw, ...], NDArray[np.intp]], None] | None = None,
    late: bool = False,
    hear: Callable[[int, NDArray[np.intp]], NDArray[np.intp]] | None = None,
) -> tuple[Done, NDArray[np.intp]]:
    """Drive a job to its end.

    Parameters
    ----------
    job : HardFirst
    ask : callable
        From texts to codes of labels; ``UNASKED`` for one that was not answered, which ends
        the asking.
    draws, labels : optional
        Of a job that was stopped.
    keep : callable, optional
        Told of the record before anything is asked about.
    late : bool
        Answers come as late as they can: what can be chosen ahead of them is.
    hear : callable, optional
        Of a chain: from a stage and texts to codes of its labels.

    Returns
    -------
    Done
    ndarray of shape (n_texts,), int
        Answers.
    """
    said = np.full(job.column.n_texts, UNASKED) if labels is None else labels.copy()
    closed = False
    ahead: Ask | None = None
    while True:
        move = ahead or job.step(draws, said, closed=closed)
        draws = move.draws
        if keep is not None:
            keep(draws, said)
        if isinstance(move, Done):
            return move, said
        if len(move.texts):
            said[move.texts] = ask(move.texts)
            closed = bool((said[move.texts] == UNASKED).any())
        for stage, texts in move.hear.items():
            assert hear is not None  # noqa: S101  a chain has somebody to hear
            job.opinions.codes[stage, texts] = hear(stage, texts)
        ahead = job.ahead(draws, said) if late and not closed else None
