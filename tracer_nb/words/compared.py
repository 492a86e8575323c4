"""Jobs on one column side by side, in words and as a table."""

from __future__ import annotations

import math

from tracer_nb.records import ComparedJob, JobComparison
from tracer_nb.words.figures import count, level, money, percent

__all__ = ["compared_lines", "compared_table"]


_HEAD = ("job", "kind", "calls", "bill", "instead of", "texts saved", "agreement", "certified")


def compared_table(
    comparison: JobComparison,
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Title, head and a row for each job."""
    rows: list[tuple[str, ...]] = [
        (
            job.name,
            job.kind,
            f"{job.n_calls:,}",
            money(job.cost),
            money(job.cost_all),
            percent(job.saved_share),
            _agreement(job),
            _certified(job),
        )
        for job in comparison.jobs
    ]
    texts = comparison.jobs[0].n_texts
    title = f"{count(texts, 'text')}; agreement with {comparison.reference}"
    return title + ("; prices are made up" if comparison.simulated else ""), _HEAD, rows


def compared_lines(comparison: JobComparison) -> list[str]:
    """What the figures are made of, and what they do not say."""
    bases = {job.basis for job in comparison.jobs}
    reference = comparison.reference
    lines = ["From stored answers: nobody was asked, and nothing was paid."]
    if "counted" in bases:
        lines.append(f"Agreement is counted on {count(comparison.n_known, 'row')} of the output.")
    if "estimated" in bases:
        lines.append(
            "An estimated agreement: rows that the teacher answers agree by themselves, and the "
            "others as those of the test did, which were drawn at random."
        )
    if "stored" in bases:
        lines.append(
            f"Agreement on stored rows is about those of the {count(comparison.n_rows, 'row')} that "
            f"{reference} has answered. They are no random sample: hard rows are asked about more "
            "often, so others may agree more."
        )
    lines.append(
        "A bill counts every answer that a job needs, whoever paid for it and whenever. Each "
        "certificate is about the labels of the job's own teacher, on the rows that are handled."
    )
    return lines


_BASES = {"counted": "", "estimated": ", estimated from {}", "stored": " of {} stored"}


def _agreement(job: ComparedJob) -> str:
    if math.isnan(job.agreement):
        return "nothing to compare"
    rows = count(job.n_compared, "row")
    return percent(job.agreement) + _BASES[job.basis].format(rows)


def _certified(job: ComparedJob) -> str:
    certificate = job.certificate
    if not certificate.certified:
        return f"nothing at {level(job.target)}"
    sure = level(certificate.total_confidence)
    return f"{level(job.target)} on {percent(certificate.coverage)} of the rows not fitted on, {sure} sure"
