"""Why nothing was certified, and the ways out, one line each with its price."""

from __future__ import annotations

import math

from tracer_nb.records import Refused, Report, WayOut
from tracer_nb.words.figures import count, level, money, percent, rounded_down

__all__ = ["chance_words", "lower_words", "refusal_lines"]

_WAYS = {
    "labels": "More labels",
    "target": "A lower target",
    "hard-first": "Hard rows first, which asks for fewer labels",
    "features": "Better features",
    "reask": "See whether the teacher agrees with itself",
    "again": "Go on",
    "ask": "The teacher about every row",
}


def chance_words(chance: float) -> str:
    """A chance as one says it.

    >>> chance_words(0.31), chance_words(0.02), chance_words(0.97)
    ('about 3 in 10 chances', 'hardly any chance', 'more than 9 in 10 chances')
    """
    if math.isnan(chance):
        return "unknown chances"
    if chance < 0.05:
        return "hardly any chance"
    if chance > 0.95:
        return "more than 9 in 10 chances"
    return f"about {min(max(round(10 * chance), 1), 9)} in 10 chances"


def lower_words(way: WayOut) -> str:
    """To which target, and how likely that is certified.

    >>> lower_words(WayOut("target", chance=0.8, target=0.86))
    'to 86 % (about 8 in 10 chances)'
    """
    assert way.target is not None  # noqa: S101  it is what changes
    return f"to {level(way.target)} ({chance_words(way.chance)})"


def refusal_lines(report: Report) -> list[str]:
    """Why nothing was certified, then one line for each way out; empty where something was."""
    if report.refused is None or report.certificate is None:
        return []
    return [_why(report, report.refused), *(_way(report, way) for way in report.refused.ways)]


def _why(report: Report, found: Refused) -> str:
    assert report.certificate is not None  # noqa: S101  asked before
    c = report.certificate
    target, tested = level(c.target), count(c.n_calibration, "test row")
    agrees = (
        f"on fitting rows left out surrogate and teacher agree in {percent(found.agreement)}, and in "
        f"{percent(found.surest)} of the fifth that the gate is surest of"
    )
    why = {
        "stopped": "the asking ended before a test could pass",
        "labels": f"{percent(found.unlabelled)} of the texts got no label, more than {target} leaves room for",
        "teacher": (
            f"the teacher does not agree with itself: asked twice it wavers so that no surrogate can agree "
            f"with it on more than about {percent(found.ceiling)}, and {target} were asked for"
        ),
        "threshold": "the threshold that you fixed does not pass; without one a stricter one may",
        "classes": "no label has enough test rows of its own",
        "rows": f"{tested} are too few for {target}, even for a surrogate that always agrees",
        "column": f"the column has too few rows for {target}: as many as a test needs",
        "late": (
            "so many texts are asked about that a test of the others can hardly be expected to save "
            "any"
        ),
        "few": (
            f"{tested} are too few to show it: {agrees}, and to pass with so few nearly all must agree"
        ),
        "luck": f"bad luck of the draw: the fitting rows gave {chance_words(found.chance)} of passing",
        "gate": f"the gate does not tell easy rows from hard ones: {agrees}",
        "surrogate": f"the surrogate does not agree often enough: {agrees}, and {target} were asked for",
    }
    return f"Why: {why[found.cause]}."


def _way(report: Report, way: WayOut) -> str:
    what, do = _WAYS[way.name], _do(report, way)
    parts = [_price(way)]
    if not math.isnan(way.chance):
        parts.append(f"{chance_words(way.chance)} to certify {level(_target(report, way))}")
    if not math.isnan(way.confidence):
        certificate = report.certificate
        same = certificate is not None and way.confidence == certificate.total_confidence
        kept = "no confidence" if same else f"{rounded_down(way.confidence)} confidence is left"
        parts.append(f"costs {kept}" if same else f"{kept} for all certificates together")
    return f"{what}: {'; '.join(filter(None, parts))}. {do}".replace(": .", ".")


def _target(report: Report, way: WayOut) -> float:
    assert report.certificate is not None  # noqa: S101  it was refused
    return report.certificate.target if way.target is None else way.target


def _price(way: WayOut) -> str:
    if way.n_texts:
        cost = "at unknown cost" if way.cost is None else f"about {money(way.cost)}"
        return f"{count(way.n_texts, 'more text')}, {cost}"
    return "asks nothing" if way.cost == 0.0 else ""


def _do(report: Report, way: WayOut) -> str:
    if way.name == "again":
        missing = report.refused is not None and report.refused.cause == "labels"
        return "%tracer label --again missing" if missing else "Run the same line again."
    return {
        "labels": f"%tracer run --sample {way.n_labels}",
        "target": f"%tracer run --target {way.target}",
        "hard-first": "%tracer run --labelling hard-first",
        "features": "pip install 'tracer_nb[vectors]', or --features fastembed:MODEL",
        "reask": f"%tracer reask --rows {way.n_texts}",
        "ask": "%tracer route --ask",
    }[way.name]
