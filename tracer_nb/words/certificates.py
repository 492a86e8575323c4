"""What is promised, on what evidence, what is not, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.labelsets import sets_of
from tracer_nb.records import HANDLED, Certificate, ClassCertificate, Report, Scan, Watch, WayOut
from tracer_nb.words.figures import count, level, limits, money, percent, rounded_down
from tracer_nb.words.plans import answering_name, models_sentence
from tracer_nb.words.refusals import lower_words

__all__ = [
    "alarm_sentence",
    "certificate_sentence",
    "choices_sentence",
    "class_sentence",
    "counted_words",
    "evidence_sentence",
    "gives",
    "promise_sentence",
    "promised_sentence",
    "rests_on",
    "saved_lines",
    "scan_lines",
    "stated",
    "teacher_of",
    "watch_lines",
    "which_rows",
]


_NOT_EXACT = (
    " The features were fitted on the labelled column, so for new rows this is close, not exact."
)
_STRATEGIES = {
    "fixed-threshold": "your threshold",
    "cost-aware": "dear rows first",
}


def certificate_sentence(report: Report) -> str:
    """The promise in words, or why there is none."""
    certificate = report.certificate
    if certificate is None:
        return "Nothing is certified yet."
    if not certificate.certified:
        text = _refusal(certificate, report.lower)
    elif certificate.origin is not None:
        text = stated(certificate)
    else:
        teacher = answering_name(report.teacher, report.models)
        text = promise_sentence(certificate, teacher, report.assumption, exact=report.exact)
    return f"{text} {models_sentence(report.models)}".rstrip()


def stated(certificate: Certificate) -> str:
    """What a certificate promises by itself: the same words wherever it is shown."""
    origin = certificate.origin
    if origin is None:
        return promise_sentence(certificate, "the teacher")
    return promise_sentence(
        certificate,
        teacher_of(certificate),
        origin.assumption,
        exact=origin.exact or certificate.n_population is not None,
    )


def teacher_of(certificate: Certificate) -> str:
    """Whose labels a certificate is about."""
    origin = certificate.origin
    return "the teacher" if origin is None else answering_name(origin.teacher, origin.models)


def class_sentence(certificate: Certificate, part: ClassCertificate) -> str:
    """What is promised about the rows that the surrogate puts into one class."""
    rows = f"rows that the surrogate labels {part.label}"
    if not part.certified:
        text = f"Nothing is certified about {rows}: all of them are deferred."
        if part.needed_rows is not None:
            text += f" At least {count(part.needed_rows, 'calibration row')} of them are needed."
        return text
    return (
        f"With {level(certificate.total_confidence)} confidence, on at least "
        f"{level(certificate.target)} of the {rows}, at a score of {part.threshold:.4g} or more, this is "
        f"the label that {gives(teacher_of(certificate))}."
    )


def promise_sentence(
    certificate: Certificate, teacher: str, assumption: str = "", *, exact: bool = True
) -> str:
    """What a certificate promises, with everything that limits it."""
    if not certificate.certified:
        return _refusal(certificate)
    text = _promise(certificate, teacher)
    if assumption:
        text = assumption + text[0].lower() + text[1:]
    if certificate.classes:
        kept = sum(part.certified for part in certificate.classes)
        text += f" The same holds for each of the {count(kept, 'label')} that it gives there"
        text += f"; rows of the other {len(certificate.classes) - kept:,} are deferred."
    if certificate.by_simulation:
        text += " This certificate is cross-fit: verified by simulation, not proved."
    if certificate.n_rounds > 1:
        text += (
            f" In this session {certificate.n_rounds:,} certificates were made on rows of this "
            "column, each with its own chance of error: alone this one would hold with "
            f"{level(certificate.confidence)}."
        )
    if not exact:
        text += _NOT_EXACT
    return text


def gives(teacher: str) -> str:
    """The teacher, or the recorded labels, with the verb of a promise."""
    return "the recorded labels give" if teacher == "recorded labels" else f"{teacher} gives"


def which_rows(certificate: Certificate, teacher: str) -> str:
    """Which rows a certificate speaks about: those of a column "that …", or such as were labelled."""
    if certificate.n_population is None:
        return "like the labelled ones"
    if certificate.method.endswith(", updated"):
        return f"that {teacher} had not answered"
    if certificate.by_simulation:
        return "whose text did not order its tests"
    return "that it was not fitted on"


def _same(certificate: Certificate) -> str:
    """What agrees: the label, or of several labels a row the whole set."""
    origin = certificate.origin
    several = origin is not None and sets_of(origin.labels) is not None
    return "its labels are the very set" if several else "its label is the one"


def _promise(certificate: Certificate, teacher: str) -> str:
    c, total = certificate, certificate.total_confidence
    # Several tries leave a number with many digits: less is promised, with those that one reads.
    sure = level(total) if c.n_rounds == 1 else rounded_down(total)
    about_column = c.n_population is not None
    if about_column:
        text = (
            f"The surrogate can answer {c.n_population_handled:,} of the "
            f"{count(c.n_population or 0, 'row')} {which_rows(c, teacher)} ({percent(c.coverage)}). "
        )
    else:
        text = f"The surrogate answers {percent(c.coverage)} of rows {which_rows(c, teacher)}. "
    if c.promise == HANDLED:
        text += _of_handled(c, teacher, sure)
    else:
        text += promised_sentence(c, teacher, sure)
    for other in c.also:
        said = promised_sentence(other, teacher, sure)
        text += f" Together with it: {said[0].lower()}{said[1:]}"
    return text


def _of_handled(c: Certificate, teacher: str, sure: str) -> str:
    """Selective agreement, and which rows are among those that it speaks about."""
    target = level(c.target)
    if c.n_population is None:
        return (
            f"With {sure} confidence, on at least {target} of the rows that it answers, {_same(c)} "
            f"that {teacher} would give."
        )
    return (
        f"With {sure} confidence, on at least {target} of these "
        f"{count(c.n_population_handled or 0, 'row')}, the {c.n_handled:,} labelled ones among them "
        f"included, {_same(c)} that {gives(teacher)}."
    )


def promised_sentence(c: Certificate, teacher: str, sure: str) -> str:
    """A promise in its own sentence, at a confidence in words."""
    n_rows = "rows"
    if c.n_population is not None and c.promise.kind in ("handled", "precision"):
        n_rows = count(c.n_population_handled or 0, "row")
    elif c.n_delivered is not None:
        n_rows = count(c.n_delivered, "row")
    would = c.n_population is None
    return c.promise.sentence(level(c.target), sure, gives(teacher), n_rows=n_rows, would=would)


def choices_sentence(report: Report) -> str:
    """What each of several targets gives; empty for a single one."""
    if len(report.choices) < 2:
        return ""
    parts = []
    for choice in report.choices:
        if not choice.certified:
            parts.append(f"at {level(choice.target)} nothing is certified")
            continue
        part = f"at {level(choice.target)} the surrogate answers {percent(choice.coverage)}"
        if choice.saved is not None:
            part += f" and saves about {money(choice.saved)}"
        parts.append(part)
    return f"All targets hold together: {'; '.join(parts)}."


def _refusal(certificate: Certificate, lower: WayOut | None = None) -> str:
    text = f"Nothing could be certified: {certificate.note}. The surrogate answers no row."
    if certificate.needed_rows is not None:
        text += f" About {count(certificate.needed_rows, 'labelled row')} should be enough"
        text += f" (an estimate){f', or lower the target {lower_words(lower)}' if lower else ''}."
        return f"{text} Each further certificate on this column adds its own chance of error."
    nothing_counted = certificate.promise.kind == "recall" and not certificate.n_counted
    if not certificate.n_calibration or nothing_counted:
        return text  # nothing was tested, and the note says why
    choose = "Choose better features or clearer labels"
    if lower is not None:
        choose += f", or lower the target {lower_words(lower)}"
    return f"{text} {choose}."


def scan_lines(scan: Scan) -> list[str]:
    """What a log of past calls says about routing."""
    read = f"{count(scan.n_calls, 'logged call')} about {count(scan.n_texts, 'distinct text')}"
    read += f", {count(scan.n_labels, 'label')}"
    if scan.n_used < scan.n_calls:
        read += f"; {scan.n_used:,} of them, drawn at random, were used"
    lines = [f"{read}."]
    if scan.skipped:
        left_out = ", ".join(f"{n:,} with {why}" for why, n in scan.skipped)
        lines.append(f"Left out of {count(scan.n_read, 'row')}: {left_out}.")
    for choice in scan.choices:
        if not choice.certified:
            lines.append(f"At {level(choice.target)} agreement: nothing can be certified.")
            continue
        line = f"At {level(choice.target)} agreement a surrogate would answer "
        line += percent(choice.coverage)
        if choice.saved is not None:
            line += f" of such calls and have saved about {money(choice.saved)}"
            line += f" of {money(scan.paid)}"
        lines.append(f"{line}.")
    if any(choice.certified for choice in scan.choices):
        lines.append(
            f"All of this holds together with {level(scan.confidence)} confidence, for calls like "
            "the logged ones; the agreement is with the logged answers. The features were fitted "
            "on these calls, so it is close, not exact."
        )
    return lines


def saved_lines(about: Mapping[str, Any], certificate: Certificate) -> list[str]:
    """What a loaded router is, and what it promises."""
    fitted = f"Router for {about['teacher']}, {count(len(about['labels']), 'label')}"
    if certificate.origin is not None:
        promise = stated(certificate)
    else:
        promise = promise_sentence(
            certificate,
            str(about["teacher"]),
            str(about.get("assumption", "")),
            exact=about.get("exact") is True,
        )
    lines = [f"{fitted}, saved {about['saved']}.", promise]
    if about.get("chain"):
        heard = ", ".join(
            f"{stage['name']} at {stage['price']:.2g} of an asking of {about['teacher']}"
            for stage in about["chain"]
        )
        lines.append(f"Where a row needs it, it is to hear before the teacher: {heard}.")
    abstain = about.get("abstain") or {}
    kinds = ["rows unlike every labelled one"] if abstain.get("unlike") else []
    if abstain.get("unsure") is not None:
        kinds.append(f"answers to which the teacher gives less than {abstain['unsure']:g}")
    return [*lines, f"It abstains from {' and from '.join(kinds)}."] if kinds else lines


def evidence_sentence(report: Report) -> str:
    """Which rows the certificate rests on, and what they showed."""
    c = report.certificate
    if c is None:
        return ""
    return rests_on(c, report.surrogate, report.features, abstained=report.n_abstained > 0)


def counted_words(c: Certificate) -> str:
    """What the tested rows show of the promise itself."""
    kept, wrong = c.promise.kept
    found = c.n_counted - c.n_known
    if c.n_known and found != c.n_wrong:
        return (
            f"{count(c.n_known, 'row')} with the label {c.promise.label} had been answered before, and of "
            f"{found:,} tested ones {c.n_wrong:,} came out without it; of precision nothing is said"
        )
    if c.n_known:
        return (
            f"{count(c.n_known, 'row')} with the label {c.promise.label} had been answered before, and of "
            f"{count(c.n_calibration, 'row')} that the surrogate gives another label {c.n_wrong:,} turned "
            f"out to have it; of precision nothing is said"
        )
    rows = c.promise.rows.removeprefix("all ").removeprefix("the ")
    return (
        f"Of the {c.n_counted:,} tested {rows}, {c.n_counted - c.n_wrong:,} are {kept} and "
        f"{c.n_wrong:,} {wrong}"
    )


def rests_on(c: Certificate, surrogate: str, features: str, *, abstained: bool = False) -> str:
    """Which rows a certificate rests on, and what they showed.

    Parameters
    ----------
    c : Certificate
    surrogate, features : str
        Names.
    abstained : bool
        Rows came out abstained.
    """
    how = _STRATEGIES.get(c.strategy)
    text = (
        f"{surrogate} on {features} features, fitted on "
        f"{count(c.n_fit, 'labelled row')}, tested on {count(c.n_calibration, 'row')}"
        f"{' of them, each left out of a fit' if c.by_simulation else ' that it had not seen'} "
        f"({c.method} certificate{f', {how}' if how else ''})"
    )
    if c.n_set_aside:
        text += f", {c.n_set_aside:,} set aside because their text is among the fitting rows"
    if c.n_handled:
        text += (
            f": {c.n_agree:,} of {c.n_handled:,} handled ones agree ({percent(c.agreement)}); "
            f"deferred rows counted as agreeing, {percent(c.whole_output_agreement)} of all"
        )
    for one in (c, *c.also):
        if one.promise != HANDLED and one.n_counted:
            text += f". {counted_words(one)}"
    if c.certified and c.promise.kind in ("handled", "precision") and c.whole_output_lower:
        text += (
            f". For the whole output the promise is at least {rounded_down(c.whole_output_lower)}"
        )
        if abstained:
            text += ", abstained rows counted as agreeing, too"
    return f"{text}. Agreement is with the teacher, not with the truth."


def watch_lines(watch: Watch, before: Watch | None = None) -> list[str]:
    """What was audited, what it says about agreement, and whether there is an alarm.

    Parameters
    ----------
    watch : Watch
    before : Watch, optional
        As it was before an audit, of which it is said when it drew nothing new.
    """
    lines = [_audited(watch)]
    if before is not None and watch.n_audits == before.n_audits and not watch.n_waiting:
        lines[0] += " Nothing new was drawn at this rate."
    if watch.agreement is not None:
        lines.append(
            f"The teacher agreed on {percent(watch.agreement)} of the audited texts. With "
            f"{level(watch.confidence)} confidence it agrees on "
            f"{limits(watch.lower, watch.upper)} of handled texts: valid at all times, as long as "
            f"the true share stays the same. Promised: {level(watch.target)}."
        )
    if watch.has_alarm:
        lines.append(alarm_sentence(watch))
    if watch.n_waiting:
        why = f" ({watch.stopped})" if watch.stopped else ""
        lines.append(f"{count(watch.n_waiting, 'drawn text')} not audited yet{why}.")
    return lines


def alarm_sentence(watch: Watch, moved_to: float | None = None) -> str:
    """What the alarm is and what follows; empty when there is none.

    Parameters
    ----------
    watch : Watch
    moved_to : float, optional
        The stricter target that rows are routed by instead.
    """
    if not watch.has_alarm:
        return ""
    at = f"after {count(watch.alarm_at or watch.n_audits, 'audit')}"
    if watch.is_broken:
        what = f"Alarm {at}: the promise of {level(watch.target)} agreement is broken"
    else:
        what = f"Alarm {at}: agreement seems to have fallen below {level(watch.target)} lately"
    if moved_to is not None:
        then = f"rows are routed by the stricter target {level(moved_to)}"
    elif watch.consequence == "tell":
        then = "rows are routed all the same, as you chose"
    elif watch.consequence == "stricter":
        then = "rows are routed by a stricter target without an alarm, or else all deferred"
    else:
        then = "every row is deferred from now on"
    return f"{what}; {then}. Label fresh rows, fit and calibrate again."


def _audited(watch: Watch) -> str:
    if not watch.n_audits:
        return f"No text is audited yet, of {count(watch.n_handled, 'handled text')} to draw from."
    audits = f"{count(watch.n_audits, 'audit')}, {count(watch.n_disagree, 'disagreement')}"
    drawn = f"drawn of {count(watch.n_handled, 'handled text')}"
    if watch.has_alarm:
        return f"{audits}, {drawn}."
    return (
        f"Calm: {audits}, {drawn}; an alarm needs {watch.to_alarm:,} more in a row, or more over "
        "a longer time."
    )
