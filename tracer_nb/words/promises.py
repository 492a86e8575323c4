"""The promise in at most 25 words, and what stands behind it."""

from __future__ import annotations

from tracer_nb.records import Certificate, Report
from tracer_nb.words.bills import bill_lead, bill_sentence
from tracer_nb.words.certificates import (
    certificate_sentence,
    evidence_sentence,
    gives,
    stated,
    teacher_of,
)
from tracer_nb.words.figures import count, level, rounded_down
from tracer_nb.words.plans import answering_name

__all__ = ["meaning_lines", "short_promise", "short_stated", "unaudited_words"]


def short_promise(report: Report) -> str:
    """How sure, what share, of which rows; or why there is no promise.

    What limits it is in :func:`meaning_lines`, which stands beside it wherever it is shown.
    """
    c = report.certificate
    if c is None or not c.certified:
        return certificate_sentence(report)
    return _short(
        c, answering_name(report.teacher, report.models) if c.origin is None else teacher_of(c)
    )


def short_stated(certificate: Certificate) -> str:
    """What a certificate promises by itself, as :func:`short_promise` says it."""
    c = certificate
    return _short(c, teacher_of(c)) if c.certified else stated(c)


def _short(c: Certificate, teacher: str) -> str:
    total = c.total_confidence
    sure = level(total) if c.n_rounds == 1 else rounded_down(total)
    if c.also:
        asked = ", ".join(one.promise.title for one in (c, *c.also))
        return f"With {sure} confidence, at least {level(c.target)} of each: {asked}."
    is_new = c.n_population is None
    handled = count(c.n_population_handled or 0, "row")
    words = c.promise.sentence(
        level(c.target),
        sure,
        gives(teacher),
        n_rows="new rows" if is_new else _rows(c, handled),
        would=is_new,
    )
    return f"By simulation, not proved: {words}" if c.by_simulation else words


def _rows(c: Certificate, handled: str) -> str:
    """How many rows the promise is about, where that is known."""
    if c.promise.kind in ("handled", "precision"):
        return handled
    return "rows" if c.n_delivered is None else count(c.n_delivered, "row")


def meaning_lines(report: Report) -> list[str]:
    """The promise with everything that limits it, where the calls went, and the evidence."""
    c = report.certificate
    if c is None:
        return []
    lines = [certificate_sentence(report)] if c.certified else []
    if not bill_lead(report) and (bill := bill_sentence(report)):
        lines.append(bill)
    return [*lines, evidence_sentence(report)]


def unaudited_words(certificate: Certificate) -> str:
    """Why no audit watches what is promised, and what to do, as a refusal says it; else empty."""
    if (name := certificate.unaudited) is None:
        return ""
    return (
        f"audits watch agreement on handled rows, and {name.noun} is promised here; to test it "
        "again, label fresh rows and calibrate"
    )
