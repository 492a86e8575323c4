"""Who answers the rows of a column, surrogate or teacher, and the output columns that come of it."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracer_nb.documents import make_document
from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.labelsets import LabelSets, labels_in, sets_of
from tracer_nb.records import Answer, Caps, Certificate, RejectOption, Routing
from tracer_nb.steps.column.frames import EXPLAINED, OUTPUT_COLUMNS, Texts, cell_text, label_frame
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.steps.label.reject import ask_about, deferred_texts

__all__ = [
    "ABSTAINED",
    "SURROGATE",
    "TEACHER",
    "UNASKED",
    "Outcome",
    "Why",
    "answer_rows",
    "answered",
    "combine",
    "waiting_document",
]


_BEFORE = "answered before"
_TOO_LOW = "deferred: score too low"
_ALARMED = "deferred: an audit raised an alarm"
_UNCERTIFIED = "deferred: nothing was certified"
_FOR_ALL = (_ALARMED, _UNCERTIFIED)

UNASKED = "teacher not asked"
"""Behind why a row is deferred, where nobody was asked about it and nothing hindered that."""
# Behind it too, with what did hinder that.
_HINDERED = "not asked: "
# Between the two: what stands before it is said of the row when the teacher has answered.
_THEN = "; "


@dataclass(frozen=True, slots=True)
class Why:
    """Words for the rows of a column; the same text for all rows of a kind.

    Frames, files, services and single rows have them from here, so that a row has one reason
    wherever it is asked about.

    Attributes
    ----------
    handled : str
        Of a row that the surrogate answers.
    deferred, far, strange : str
        Of a row that is the teacher's because its score is low, or because all are; because it is
        unlike all others; because it is a new one that fits no label well.
    drawn : mapping of str to str
        Of texts that the teacher was asked about for something else.
    heard : mapping of str to str
        Of texts in whose label stages of a chain count.
    """

    handled: str
    deferred: str
    far: str = "deferred: unlike every labelled text"
    strange: str = "deferred: fits no label well"
    drawn: Mapping[str, str] = field(default_factory=dict)
    heard: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, certificate: Certificate, *, alarm: bool, by_cost: bool) -> Why:
        """Words for rows that are routed under a certificate; ``by_cost`` where costs count too."""
        if alarm:
            deferred = _ALARMED
        elif not certificate.certified:
            deferred = _UNCERTIFIED
        elif by_cost or not math.isfinite(certificate.threshold):
            deferred = _TOO_LOW
        else:
            deferred = f"deferred: score below {certificate.threshold:.4g}"
        low = deferred.partition("below ")[2]
        handled = f"handled: score at least {low}" if low else "handled: score high enough"
        return cls(handled, deferred)

    def left(self, routing: Routing, i: int) -> str:
        """Why the deferred text ``i`` is the teacher's."""
        if self.deferred in _FOR_ALL:
            return self.deferred
        if routing.far[i]:
            fits_badly = routing.strange is not None and routing.strange[i]
            return self.strange if fits_badly else self.far
        if routing.waiting is not None and routing.waiting[i]:
            return f"deferred: {routing.waiting[i]} of the chain was not heard"
        return self.deferred

    def asked(self, text: str, routing: Routing, i: int) -> str:
        """Why the teacher was asked about a text."""
        if text in self.drawn:
            return self.drawn[text]
        return _BEFORE if routing.handled[i] else self.left(routing, i)

    @staticmethod
    def answered_later(waited: str) -> str:
        """Why the teacher was asked about a row that waited for it with this reason."""
        return waited.partition(_THEN)[0]


def answer_rows(
    asker: Asker,
    texts: Texts,
    routing: Routing,
    *,
    reject: RejectOption,
    certified: bool,
    alarm: bool = False,
    caps: Caps,
    ask_teacher: bool | None,
    on_progress: OnProgress | None,
    stop: threading.Event | None = None,
    missing: bool = False,
    why: Why,
) -> Outcome:
    """Ask about deferred texts if that is wanted, and combine both sources.

    Parameters
    ----------
    asker : Asker
    texts : Texts
        The column.
    routing : Routing
        One entry per distinct text.
    reject : RejectOption
    certified : bool
        Whether anything is: without a certificate the whole column is deferred, and the
        teacher is asked about it only when ``ask_teacher`` says so.
    alarm : bool
        An alarm deferred the whole column; then, too, the teacher is asked only when told.
    caps : Caps
        Of what is asked now.
    ask_teacher, on_progress, stop
        As in :meth:`tracer_nb.Tracer.route`.
    missing : bool
        Ask again about texts whose answer holds no label, whoever might answer the row.
    why : Why

    Raises
    ------
    InvalidInput
        Nothing bounds the cost, or the reject option needs a distribution and there is none.
    """
    asker.stop("deferred", None)
    known = asker.known(texts.unique)
    again = asker.missing(texts.unique) if missing else frozenset()
    deferred = deferred_texts(texts, routing, known, reject, again)
    unasked = UNASKED
    if (certified and not alarm) if ask_teacher is None else ask_teacher:
        try:
            ask_about(
                asker,
                deferred,
                reject,
                caps=caps,
                on_progress=on_progress,
                step="deferred",
                stop=stop,
                missing=missing,
            )
        except (StoreError, TeacherError) as error:
            # The surrogate's rows are certified all the same; these come out missing.
            asker.stop("deferred", str(error))
        known.update((t, asker.answers[t]) for t in deferred if t in asker.answers)
        unasked = f"{_HINDERED}{asker.stopped}"
    sets = sets_of(asker.teacher.labels)
    return combine(texts, routing, known, why, reject, unasked=unasked, sets=sets)


def waiting_document(cell: Any, reason: Any, beside: Mapping[str, Any]) -> str | None:
    """What the teacher is asked about a routed row that waits for it; None where none does.

    Rows of a frame in which everything was deferred do not wait: that nothing was certified, or that
    an audit raised an alarm, is no reason to pay for all of it.

    Parameters
    ----------
    cell, reason : object
        Its text, and its ``label_reason``.
    beside : mapping of str to object
        Its cells in the columns that the prompt names.
    """
    if not isinstance(reason, str) or not isinstance(cell, str):
        return None
    if not reason.endswith(f"{_THEN}{UNASKED}") or reason.startswith(_FOR_ALL):
        return None
    return make_document(cell.strip(), {name: cell_text(value) for name, value in beside.items()})


SURROGATE = "surrogate"
TEACHER = "teacher"
ABSTAINED = "abstained"
_UNLIKE = "unlike every labelled row"
_UNSURE = "teacher unsure"


def answered(answer: Answer, reject: RejectOption) -> tuple[str | None, str | None, str | None]:
    """Label, source and reason of a row that the teacher was asked about."""
    doubt = reject.doubt(answer)
    if doubt is not None:
        why = f"{_UNSURE}: probability {doubt:.3g} of its answer {answer.label!r}"
        return None, ABSTAINED, why
    if answer.label is not None:
        return answer.label, TEACHER, None
    return None, None, answer.reason or "no answer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The output columns, each of length n_rows.

    Attributes
    ----------
    label : tuple of (str or None)
    source : tuple of (str or None)
        "surrogate", "teacher", "abstained" where a label was withheld or not asked for by the
        reject option, or None where there is none for another reason.
    score : tuple of (float or None)
        Gate score; None for rows without text.
    reason : tuple of str
        Why it has its label, or none; of every row.
    n_saved : int
        Distinct texts that the surrogate answered, and the teacher was never asked about.
    n_unlike, n_unsure : int
        Abstained rows that are unlike every labelled one, which cost nothing; and those of
        whose label the teacher was unsure, which were paid for.
    n_spared : int
        Distinct texts among the former.
    several : bool
        Labels are sets as :mod:`tracer_nb.labelsets` writes them; in a frame they are lists.
    explanation : tuple of (str or None)
        What the teacher wrote about the rows that it labelled; empty where it explains nothing.
    """

    label: tuple[str | None, ...]
    source: tuple[str | None, ...]
    score: tuple[float | None, ...]
    reason: tuple[str, ...]
    n_saved: int = 0
    n_unlike: int = 0
    n_unsure: int = 0
    n_spared: int = 0
    several: bool = False
    explanation: tuple[str | None, ...] = ()

    def count(self, source: str | None) -> int:
        """Rows that ``source`` answered."""
        return self.source.count(source)

    def onto(self, source: Any) -> Any:
        """``source``, the frame or column that was routed, with the output columns added.

        Raises
        ------
        InvalidInput
            It has another number of rows.
        """
        if len(source) != len(self.label):
            raise InvalidInput(
                f"the frame has {len(source)} rows, {len(self.label)} were routed; pass the same"
            )
        label: Sequence[Any] = self.label
        if self.several:
            label = [None if name is None else list(labels_in(name)) for name in self.label]
        values = (label, self.source, self.score, self.reason)
        columns = dict(zip(OUTPUT_COLUMNS, values, strict=True))
        return label_frame(
            source, columns | ({EXPLAINED: self.explanation} if self.explanation else {})
        )

    def missing_reasons(self) -> tuple[tuple[str, int], ...]:
        """Reasons for missing labels, most frequent first."""
        pairs = zip(self.source, self.reason, strict=True)
        return tuple(Counter(reason for source, reason in pairs if source is None).most_common())


def combine(
    texts: Texts,
    routing: Routing,
    answers: Mapping[str, Answer],
    why: Why,
    reject: RejectOption | None = None,
    *,
    unasked: str = UNASKED,
    sets: LabelSets | None = None,
) -> Outcome:
    """Put the teacher's answers over the surrogate's labels.

    Parameters
    ----------
    texts : Texts
        The column.
    routing : Routing
        One entry per distinct text.
    answers : mapping of str to Answer
        Everything the teacher was asked about these texts. It always goes first: a text
        that was asked about and got no label stays without one, because the certificate
        counts it as a disagreement.
    why : Why
        Words for each row.
    reject : RejectOption, optional
        By default no row is abstained from. A text that the teacher did answer is not
        rejected for being unlike the others: that answer is paid.
    unasked : str
        Why the teacher was not asked about a deferred text.
    sets : LabelSets, optional
        Where a row has several labels.
    """
    reject, unlike_all = reject or RejectOption(), routing.unlike
    label: list[str | None] = []
    source: list[str | None] = []
    reason: list[str] = []
    for i, text in enumerate(texts.unique):
        answer = answers.get(text)
        if answer is not None:
            cells = answered(answer, reject)
            label.append(cells[0])
            source.append(cells[1])
            said = cells[2] or why.asked(text, routing, i)
            if not answer.keep and said.startswith(
                _HINDERED
            ):  # of who was to be asked for it alone
                said = f"{why.left(routing, i)}{_THEN}{said}"
            reason.append(said)
        elif routing.handled[i]:
            label.append(str(routing.labels[i]))
            source.append(SURROGATE)
            reason.append(why.heard.get(text, why.handled))
        elif reject.unlike and unlike_all[i]:
            label.append(None)
            source.append(ABSTAINED)
            reason.append(_UNLIKE)
        else:
            label.append(None)
            source.append(None)
            reason.append(f"{why.left(routing, i)}{_THEN}{unasked}")
    codes = texts.codes.tolist()
    told = {t: a.explanation for t, a in answers.items() if a.explanation}
    explained = [
        told.get(t) if s == TEACHER else None for t, s in zip(texts.unique, source, strict=True)
    ]
    unlike = [s == ABSTAINED and r == _UNLIKE for s, r in zip(source, reason, strict=True)]
    abstained = [c for c in codes if c >= 0 and source[c] == ABSTAINED]
    n_unlike = sum(unlike[c] for c in abstained)
    return Outcome(
        label=tuple(label[c] if c >= 0 else None for c in codes),
        source=tuple(source[c] if c >= 0 else None for c in codes),
        score=tuple(float(routing.scores[c]) if c >= 0 else None for c in codes),
        reason=tuple(reason[c] if c >= 0 else texts.reasons[row] for row, c in enumerate(codes)),
        n_saved=source.count(SURROGATE),
        n_unlike=n_unlike,
        n_unsure=len(abstained) - n_unlike,
        n_spared=sum(unlike),
        several=sets is not None,
        explanation=tuple(explained[c] if c >= 0 else None for c in codes)
        if any(explained)
        else (),
    )
