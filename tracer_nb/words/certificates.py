"""What is promised, on what evidence, what is not, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.records import Certificate, Report, Scan, Watch
from tracer_nb.words.figures import count, level, limits, money, percent, rounded_down
from tracer_nb.words.plans import answering_name, models_sentence

__all__ = [
    "alarm_sentence",
    "certificate_sentence",
    "choices_sentence",
    "evidence_sentence",
    "promise_sentence",
    "saved_lines",
    "scan_lines",
    "watch_lines",
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
    teacher = answering_name(report.teacher, report.models)
    text = promise_sentence(certificate, teacher, report.assumption, exact=report.exact)
    return f"{text} {models_sentence(report.models)}".rstrip()


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


def _gives(teacher: str) -> str:
    return "the recorded labels give" if teacher == "recorded labels" else f"{teacher} gives"


def _promise(certificate: Certificate, teacher: str) -> str:
    sure, target = level(certificate.total_confidence), level(certificate.target)
    if certificate.n_population is not None:
        handled = count(certificate.n_population_handled or 0, "row")
        which = "that it was not fitted on"
        if certificate.by_simulation:
            which = "whose text did not order its tests"
        if certificate.method.endswith(", updated"):
            which = f"that {teacher} had not answered"
        return (
            f"The surrogate can answer {certificate.n_population_handled:,} of the "
            f"{count(certificate.n_population, 'row')} {which} "
            f"({percent(certificate.coverage)}). With {sure} confidence, on at least {target} of "
            f"these {handled}, the {certificate.n_handled:,} labelled ones among them included, "
            f"its label is the one that {_gives(teacher)}."
        )
    return (
        f"The surrogate answers {percent(certificate.coverage)} of rows like the labelled ones. "
        f"With {sure} confidence, on at least {target} of the rows that it answers, its label is "
        f"the one that {teacher} would give."
    )


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


def _refusal(certificate: Certificate) -> str:
    text = f"Nothing could be certified: {certificate.note}. The surrogate answers no row."
    if certificate.needed_rows is not None:
        text += f" About {count(certificate.needed_rows, 'labelled row')} should be enough"
        text += " (an estimate), or choose a lower target."
        return f"{text} Each further certificate on this column adds its own chance of error."
    if not certificate.n_calibration:
        return text  # nothing was tested, and the note says why
    return text + " Choose a lower target, better features or clearer labels."


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
    promise = promise_sentence(
        certificate,
        str(about["teacher"]),
        str(about.get("assumption", "")),
        exact=about.get("exact") is True,
    )
    lines = [f"{fitted}, saved {about['saved']}.", promise]
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
    how = _STRATEGIES.get(c.strategy)
    text = (
        f"{report.surrogate} on {report.features} features, fitted on "
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
    if c.certified:
        text += (
            f". For the whole output the promise is at least {rounded_down(c.whole_output_lower)}"
        )
        if report.n_abstained:
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
            f"The teacher agreed on {percent(watch.agreement)} of them. With "
            f"{level(watch.confidence)} confidence it agrees on "
            f"{limits(watch.lower, watch.upper)} of handled texts: valid at all times, as long as "
            f"the true share stays the same. Promised: {level(watch.target)}."
        )
    if watch.has_alarm:
        lines.append(alarm_sentence(watch))
    elif watch.n_audits:
        lines.append(
            f"No alarm: evidence against the promise {watch.evidence:.3g} at its highest, of "
            f"{watch.needed_evidence:.3g} that would refute it; drift level "
            f"{watch.drift_level:.3g} now, of {watch.run_length:,.0f}."
        )
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
    return (
        f"{count(watch.n_audits, 'text')} audited; the last routing has "
        f"{count(watch.n_handled, 'handled text')} to draw from."
    )
