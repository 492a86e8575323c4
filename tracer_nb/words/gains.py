"""What would gain coverage, in sentences."""

from __future__ import annotations

from tracer_nb.records import Gain, Gaps
from tracer_nb.words.figures import percent

__all__ = ["gain_lines"]

_WHAT = {
    "labels": "Twice as many labels",
    "gate": "A better gate",
    "surrogate": "Better features or another surrogate",
    "prompt": "A clearer prompt",
}
_BASIS = {
    "curve": "by the learning curve",
    "test": "expected of a certificate from twice the calibration rows; surrogate as now",
    "ranking": "all that ranking loses",
    "ranking and labels": "all that ranking and other labels lose",
    "self-agreement": "by the teacher's agreement with itself",
    "fitting rows": "pair chosen on the fitting rows",
    "tested rows": "pair chosen on the same rows, which flatters it",
}


def gain_lines(gaps: Gaps) -> list[str]:
    """What each change would gain, after a line that says what the figures are."""
    if not gaps.gains:
        return []
    return [
        (
            "What each would gain in coverage: estimates on these rows, not certified, and they "
            "do not add up. After a change, certify on fresh rows."
        ),
        *map(_line, gaps.gains),
    ]


def _line(gain: Gain) -> str:
    what = _WHAT.get(gain.by) or f"Merging {' and '.join(gain.labels)}"
    basis = _BASIS[gain.basis]
    if round(gain.coverage, 3) <= 0:
        return f"{what}: nothing to speak of ({basis})."
    much = f"{'at most' if gain.at_most else 'about'} {_points(gain.coverage)}"
    if gain.by == "merge" and gain.ceiling > gain.coverage:
        much += f", up to {_points(gain.ceiling)} with a perfect gate"
    return f"{what}: {much} ({basis})."


def _points(share: float) -> str:
    return f"{percent(share).removesuffix(' %')} points"
