"""Who answers the rows of a column: the surrogate, and the teacher where it is asked."""

from __future__ import annotations

import threading

from tracer_nb.errors import StoreError, TeacherError
from tracer_nb.records import Caps, RejectOption, Routing
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.steps.label.reject import ask_about, deferred_texts
from tracer_nb.steps.route.outcome import Outcome, combine

__all__ = ["answer_rows"]


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
