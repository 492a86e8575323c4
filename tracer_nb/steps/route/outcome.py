"""Who answers the rows of a column, surrogate or teacher, and the output columns that come of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.records import Answer, Caps, RejectOption, Routing
from tracer_nb.steps.column.frames import OUTPUT_COLUMNS, Texts, label_frame
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.steps.label.reject import ask_about, deferred_texts

__all__ = ["Outcome", "answer_rows", "combine"]


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

    Raises
    ------
    InvalidInput
        Nothing bounds the cost, or the reject option needs a distribution and there is none.
    """
    asker.stop("deferred", None)
    known = asker.known(texts.unique)
    again = asker.missing(texts.unique) if missing else frozenset()
    deferred = deferred_texts(texts, routing, known, reject, again)
    unasked = "deferred, teacher not asked"
    if alarm:
        unasked += ": an audit raised an alarm"
    elif not certified:
        unasked += ": nothing was certified"
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
        unasked = f"deferred, not asked: {asker.stopped}"
    return combine(texts, routing, known, unasked, reject)


SURROGATE = "surrogate"
TEACHER = "teacher"
ABSTAINED = "abstained"
_FAR = "unlike every labelled text; "
_UNLIKE = "unlike every labelled row"
_UNSURE = "teacher unsure"


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
    reason : tuple of (str or None)
        Why there is no label.
    n_saved : int
        Distinct texts that the surrogate answered, and the teacher was never asked about.
    n_unlike, n_unsure : int
        Abstained rows that are unlike every labelled one, which cost nothing; and those of
        whose label the teacher was unsure, which were paid for.
    n_spared : int
        Distinct texts among the former.
    """

    label: tuple[str | None, ...]
    source: tuple[str | None, ...]
    score: tuple[float | None, ...]
    reason: tuple[str | None, ...]
    n_saved: int = 0
    n_unlike: int = 0
    n_unsure: int = 0
    n_spared: int = 0

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
        values = (self.label, self.source, self.score, self.reason)
        return label_frame(source, dict(zip(OUTPUT_COLUMNS, values, strict=True)))

    def missing_reasons(self) -> tuple[tuple[str, int], ...]:
        """Reasons for missing labels, most frequent first."""
        pairs = zip(self.source, self.reason, strict=True)
        return tuple(Counter(r for s, r in pairs if s is None and r is not None).most_common())


def combine(
    texts: Texts,
    routing: Routing,
    answers: Mapping[str, Answer],
    unasked: str,
    reject: RejectOption | None = None,
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
    unasked : str
        Reason for a deferred text that the teacher was not asked about.
    reject : RejectOption, optional
        By default no row is abstained from. A text that the teacher did answer is not
        rejected for being unlike the others: that answer is paid.
    """
    reject = reject or RejectOption()
    label: list[str | None] = []
    source: list[str | None] = []
    reason: list[str | None] = []
    for i, text in enumerate(texts.unique):
        answer = answers.get(text)
        doubt = None if answer is None else reject.doubt(answer)
        if answer is not None and doubt is not None:
            label.append(None)
            source.append(ABSTAINED)
            reason.append(f"{_UNSURE}: probability {doubt:.3g} of its answer {answer.label!r}")
        elif answer is not None:
            label.append(answer.label)
            source.append(TEACHER if answer.label is not None else None)
            reason.append(None if answer.label is not None else answer.reason or "no answer")
        elif routing.handled[i]:
            label.append(str(routing.labels[i]))
            source.append(SURROGATE)
            reason.append(None)
        elif reject.unlike and routing.far[i]:
            label.append(None)
            source.append(ABSTAINED)
            reason.append(_UNLIKE)
        else:
            label.append(None)
            source.append(None)
            reason.append(f"{_FAR}{unasked}" if routing.far[i] else unasked)
    codes = texts.codes.tolist()
    unlike = [s == ABSTAINED and r == _UNLIKE for s, r in zip(source, reason, strict=True)]
    abstained = [c for c in codes if c >= 0 and source[c] == ABSTAINED]
    n_unlike = sum(unlike[c] for c in abstained)
    return Outcome(
        label=tuple(label[c] if c >= 0 else None for c in codes),
        source=tuple(source[c] if c >= 0 else None for c in codes),
        score=tuple(float(routing.scores[c]) if c >= 0 else None for c in codes),
        reason=tuple(
            reason[c] if c >= 0 else texts.reasons.get(row) for row, c in enumerate(codes)
        ),
        n_saved=source.count(SURROGATE),
        n_unlike=n_unlike,
        n_unsure=len(abstained) - n_unlike,
        n_spared=sum(unlike),
    )
