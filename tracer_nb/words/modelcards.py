"""A router's card: what it promises, what that rests on, and what is not promised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tracer_nb.documents import printable
from tracer_nb.records import HANDLED, Certificate, Origin, Report
from tracer_nb.words.certificates import class_sentence, rests_on, stated, teacher_of
from tracer_nb.words.documents import certificate_id
from tracer_nb.words.figures import aligned, beginning, count, level, percent, rounded_down
from tracer_nb.words.plans import models_sentence
from tracer_nb.words.promises import short_stated

__all__ = ["card_facts", "card_lines", "colophon", "limit_lines", "model_card", "report_card"]

# Labels that are named, and classes that are listed.
_NAMED = 30
_LONGEST = 60
# From this share of rows like the tested ones on, a certificate keeps hardly any other row away.
_NEARLY_ALL = 0.9


def card_facts(certificate: Certificate) -> list[tuple[str, str]]:
    """What is looked for on a card, each with its name."""
    c, origin = certificate, certificate.origin
    facts = [
        ("Certificate", certificate_id(c)),
        ("Date", "" if origin is None else origin.made),
        ("Promise", f"{'; '.join(one.promise.title for one in (c, *c.also))}, {_about(c)}"),
        (
            "Target",
            " and ".join(f"{level(c.target)} of {one.promise.rows}" for one in (c, *c.also)),
        ),
        ("Confidence", _confidence(c)),
        ("Method", f"{c.method}, {c.strategy}, {_proof(c)}"),
        ("Rows", _rows(c)),
        ("Threshold", _threshold(c)),
        ("Error budget", _budget(c)),
    ]
    if origin is not None:
        facts += _origin_facts(origin)
    return [(name, value) for name, value in facts if value]


_COLOPHON = ("Certificate", "Date", "Column", "Teacher", "Prompt", "Seed", "Versions")
_PROMPT = 200


def colophon(certificate: Certificate) -> list[tuple[str, str]]:
    """What a print-out needs to be found again: each fact with its name."""
    facts = dict(card_facts(certificate))
    prompt = "" if certificate.origin is None else certificate.origin.prompt
    facts["Prompt"] = beginning(prompt, _PROMPT) or facts.get("Prompt fingerprint", "")
    return [(name, facts[name]) for name in _COLOPHON if facts.get(name)]


def _about(c: Certificate) -> str:
    return "new rows" if c.n_population is None else "the rows of one column"


def _proof(c: Certificate) -> str:
    return "verified by simulation, not proved" if c.by_simulation else "exact test"


def _confidence(c: Certificate) -> str:
    if c.n_rounds > 1:
        return (
            f"{level(c.total_confidence)} for all rounds, {level(c.confidence)} for this one alone"
        )
    return level(c.confidence)


def _rows(c: Certificate) -> str:
    rows = f"{c.n_fit:,} fitted on, {c.n_calibration:,} tested, {c.n_handled:,} of them handled, "
    rows += f"{c.n_agree:,} of these agree"
    if c.n_population is not None:
        rows += f"; {c.n_population_handled or 0:,} handled of {c.n_population:,} in the column"
    return rows


def _threshold(c: Certificate) -> str:
    if c.classes:
        kept = sum(part.certified for part in c.classes)
        return f"one for each of {count(kept, 'label')}, of {len(c.classes):,}"
    if not c.certified:
        return "none: every row goes to the teacher"
    return f"handled from a score of {c.threshold:.4g}; {count(c.n_tested, 'threshold')} tested"


def _budget(c: Certificate) -> str:
    spent = 1.0 - c.total_confidence
    text = f"{level(spent)} spent in {count(c.n_rounds, 'round')}"
    tests = () if c.origin is None else c.origin.tests
    if looks := sum(len(test.looks) for test in tests):
        text += f", {count(looks, 'look')} planned"
    if c.n_targets > 1:
        text += f", shared by {count(c.n_targets, 'promise' if c.also else 'target')}"
    return text


def _origin_facts(origin: Origin) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
    return [
        ("Teacher", origin.teacher),
        ("Models", ", ".join(f"{name} ({count(n, 'answer')})" for name, n in origin.models[:5])),
        ("Labels", _labels(origin.labels)),
        ("Column", _column(origin)),
        ("Data fingerprint", origin.data_sha256),
        ("Prompt fingerprint", origin.prompt_sha256 or "no prompt"),
        ("Surrogate", f"{origin.surrogate} on {origin.features} features"),
        ("Seed", f"{origin.seed}"),
        ("Versions", versions),
    ]


def _labels(labels: Sequence[str]) -> str:
    shown = ", ".join(beginning(label, _LONGEST) for label in labels[:_NAMED])
    rest = f", … ({count(len(labels))} in all)" if len(labels) > _NAMED else ""
    return f"{shown}{rest}"


def _column(origin: Origin) -> str:
    name = f"{origin.column}: " if origin.column else ""
    text = f"{name}{count(origin.n_rows, 'row')}, {count(origin.n_texts, 'distinct text')}"
    if origin.columns:
        text += f", with {', '.join(origin.columns)}"
    return text


def card_lines(certificate: Certificate, others: Iterable[Certificate] = ()) -> list[str]:
    """The card for a terminal: promises in words, then the facts."""
    parts = [stated(certificate), *_more(certificate, None)]
    parts += [f"Also: {stated(other)}" for other in others]
    return [*parts, *aligned(card_facts(certificate)), *limit_lines(certificate)]


def _more(certificate: Certificate, note: str | None) -> list[str]:
    origin = certificate.origin
    said = [] if origin is None else [models_sentence(origin.models)]
    said.append(origin.note if note is None and origin is not None else note or "")
    return [line for line in said if line]


def limit_lines(certificate: Certificate) -> list[str]:
    """What is not promised, one thing a line."""
    c, teacher = certificate, teacher_of(certificate)
    lines = [f"Agreement is with {teacher}, not with the truth."]
    if not c.certified:
        lines.append("Nothing is promised here.")
    elif c.n_population is None:
        lines.append(
            "It is about rows drawn like the labelled ones: about rows of another kind, and about a "
            "stream that has changed, it says nothing."
            + (" Audits tell whether it still holds." if c.promise == HANDLED else "")
        )
        if c.coverage >= _NEARLY_ALL:
            lines.append(
                f"The surrogate answers {percent(c.coverage)} of rows like the tested ones. Rows of "
                "another kind are hardly ever unsure enough to be deferred then: it answers most of "
                "those that the guard does not see."
            )
    else:
        lines.append("It is about this column's rows alone; about new rows it says nothing.")
    lines += [one.promise.silent for one in (c, *c.also) if one.promise.silent]
    if c.promise == HANDLED:
        lines.append(
            "It is about all handled rows together"
            + (
                ", and those of each certified label"
                if c.classes
                else ", not about those of any one label"
            )
            + ", and never about a single row."
        )
    if c.certified and c.promise.kind in ("handled", "precision") and c.whole_output_lower:
        lines.append(
            "Handled rows are not all rows: for the whole output, deferred rows counted as agreeing, at "
            f"least {rounded_down(c.whole_output_lower)} follows."
        )
    lines.append(
        "Another threshold, prompt, model or label set than here has no certificate. What was chosen "
        "after looking at the tested rows voids it."
    )
    if c.by_simulation:
        lines.append("Cross-fit: there is no finite-sample proof.")
    return lines


def report_card(report: Report) -> str:
    """The card of what a report says is in force, in Markdown; empty where nothing is certified."""
    if report.certificate is None:
        return ""
    return model_card(report.certificate, report.others, note=report.note)


def model_card(
    certificate: Certificate, others: Iterable[Certificate] = (), *, note: str | None = None
) -> str:
    """The card in Markdown; whatever is in a label or a prompt is shown as it was written.

    Parameters
    ----------
    certificate : Certificate
    others : iterable of Certificate
        Of the same router.
    note : str, optional
        What must be said of it now, an alarm too; by default what its origin says.
    """
    others, origin = tuple(others), certificate.origin
    parts = [f"# Model card: surrogate for {_plain(teacher_of(certificate))}"]
    parts.append(f"**{_plain(short_stated(certificate))}**")
    if certificate.certified:
        parts.append(_plain(stated(certificate)))
    parts += map(_plain, _more(certificate, note))
    parts.append(_table(("", ""), card_facts(certificate)))
    if others:
        rows = [(_about(o), level(o.target), stated(o), certificate_id(o)) for o in others]
        parts += [
            "## Promised beside it",
            _table(("About", "Target", "Promise", "Certificate"), rows),
        ]
    parts += ["## What it rests on", _plain(_evidence(certificate))]
    if certificate.classes:
        parts += ["## Each label", _classes(certificate)]
    if origin is not None and origin.prompt:
        parts += ["## Prompt", _fenced(origin.prompt)]
    limits = "\n".join(f"- {_plain(line)}" for line in limit_lines(certificate))
    parts += ["## What is not promised", limits]
    return printable("\n\n".join(parts) + "\n")


def _evidence(c: Certificate) -> str:
    if c.origin is None:
        return rests_on(c, "A surrogate", "given")
    return rests_on(c, c.origin.surrogate, c.origin.features)


def _classes(c: Certificate) -> str:
    rows = [
        (
            f"{part.label}",
            class_sentence(c, part),
            f"{part.n_agree:,} of {part.n_handled:,}",
            f"{percent(part.agreement_low)} to {percent(part.agreement_high)}",
        )
        for part in c.classes[:_NAMED]
    ]
    table = _table(("Label", "Promise", "Agree", f"Pointwise, {level(c.confidence)}"), rows)
    rest = len(c.classes) - _NAMED
    return f"{table}\n\n{count(rest, 'more label')}." if rest > 0 else table


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# What Markdown, HTML in it, and formulas of a notebook would read as their own.
_SPECIAL = re.compile(r"([\\`*{}\[\]<>#|~$&!]|(?<![^\W_])_|_(?![^\W_]))")


def _plain(text: str) -> str:
    """One line that Markdown shows as it is written."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _fenced(text: str) -> str:
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
