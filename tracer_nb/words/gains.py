"""What would gain coverage, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from tracer_nb.records import Gain, Gaps
from tracer_nb.words.figures import beginning, percent

__all__ = ["gain_rows"]

_WHAT = {
    "labels": "twice as many labels",
    "gate": "a better gate",
    "surrogate": "better features or another surrogate",
    "prompt": "a clearer prompt",
}
_BASIS = {
    "curve": "by the learning curve",
    "test": "expected of a certificate from twice the calibration rows; surrogate as now",
    "perfect gate": "a gate without a mistake, on these labels",
    "all": "everything that is not handled now",
    "self-agreement": "by the upper bound of the teacher's agreement with itself",
    "wavering": "everything that is not handled now; the teacher contradicts itself",
    "fitting rows": "pair chosen on the fitting rows",
    "tested rows": "pair chosen on the same rows, which flatters it",
}


def gain_rows(gaps: Gaps) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """What each change would gain as a table: title, head and rows."""
    title = "What each change would gain in coverage: estimates, not certified; they do not add up"
    rows = [
        (
            _WHAT.get(gain.by) or f"merging {' and '.join(map(beginning, gain.labels))}",
            _much(gain),
            _BASIS[gain.basis],
        )
        for gain in gaps.gains
    ]
    return title, ("change", "gain", "as far as is known"), rows


def _much(gain: Gain) -> str:
    if round(gain.coverage, 3) <= 0:
        return "next to nothing"
    much = f"{'at most' if gain.at_most else 'about'} {_points(gain.coverage)}"
    if gain.by == "merge" and gain.ceiling > gain.coverage:
        much += f", up to {_points(gain.ceiling)} with a perfect gate"
    return much


def _points(share: float) -> str:
    return f"{percent(share).removesuffix(' %')} points"
