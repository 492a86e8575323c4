"""How often each label occurs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer_nb.charts.parts import Rows, about, fact, name_axis, number, picture, short_names
from tracer_nb.charts.theme import SURE, TEXT, UNSURE
from tracer_nb.records import LabelCounts
from tracer_nb.words import count, percent

__all__ = ["label_chart"]

_SHOWN = 20


def label_chart(counts: LabelCounts, *, width: int | str = 620) -> Any:
    """Share of each label: of the routed output by who answered, or of the sample before.

    The most frequent twenty; the rest is one line in words. After routing, a tick shows the share in the
    sample.

    Parameters
    ----------
    counts : LabelCounts
    width : int or "container"
        Pixels; the height follows the number of bars.

    Returns
    -------
    altair.LayerChart
        Data "bars" (field ``index`` into ``counts.labels``), "ticks", "ends" and "about".
    """
    data = _rows(counts)
    # Room for the number behind the longest bar.
    reach = 1.12 * max((end["share"] for end in data["ends"]), default=1.0)
    data["about"] = about(*_title(counts), reach=reach)
    return picture(_layers, data, width=width)


def _layers(alt: Any) -> list[Any]:
    x = alt.X(
        "share:Q",
        stack="zero",
        title="Share of rows with a label",
        axis=alt.Axis(format="~%", tickCount=5),
        scale=alt.Scale(domain=[0, fact("reach", 1.0)], nice=False),
    )
    y = name_axis(alt)
    colour = alt.Color(
        "who:N",
        title=None,
        scale=alt.Scale(domain=["surrogate", "teacher"], range=[SURE, UNSURE]),
    )
    tooltip = [
        alt.Tooltip("label:N", title="label"),
        alt.Tooltip("who:N", title="label by"),
        alt.Tooltip("n:Q", format=",", title="rows"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
    ]
    in_sample = [
        alt.Tooltip("label:N", title="label"),
        alt.Tooltip("n:Q", format=",", title="rows of the sample"),
        alt.Tooltip("share:Q", format=".1%", title="share"),
    ]
    bars = alt.Chart(alt.NamedData("bars")).mark_bar(height={"band": 0.75})
    ticks = alt.Chart(alt.NamedData("ticks")).mark_tick(color=TEXT, thickness=2, height=16)
    ends = alt.Chart(alt.NamedData("ends")).mark_text(color=TEXT, align="left", dx=6, fontSize=11)
    return [
        bars.encode(x=x, y=y, color=colour, order="order:Q", tooltip=tooltip),
        ticks.encode(x="share:Q", y=y, tooltip=in_sample),
        ends.encode(x="share:Q", y=y, text="text:N"),
    ]


def _title(counts: LabelCounts) -> tuple[str, ...]:
    k = len(counts.labels)
    shown = f"The {_SHOWN} most frequent of {k:,} labels" if k > _SHOWN + 1 else "Labels"
    if not counts.n_routed:
        missing = counts.n_sample_missing
        rows = f"in {count(counts.n_sample, 'row')} of the random sample"
        return f"{shown} {rows}", f"{missing:,} of them without a label" if missing else ""
    rows = f"in {count(counts.n_routed, 'row')} of the output"
    ticks = f"Ticks: share in {count(counts.n_sample, 'row')} of the random sample"
    left = [(counts.n_abstained, "abstained"), (counts.n_missing, "without a label")]
    without = ", ".join(f"{n:,} {what}" for n, what in left if n)
    return f"{shown} {rows}", f"{without}, not shown" if without else "", ticks


def _rows(counts: LabelCounts) -> dict[str, Rows]:
    sample, routed = counts.sample, counts.n_routed > 0
    parts = [("teacher", sample)]
    if routed:
        parts = [("surrogate", counts.by_surrogate), ("teacher", counts.by_teacher)]
    every = np.sum([numbers for _, numbers in parts], axis=0)
    total, of_sample = max(int(every.sum()), 1), max(int(sample.sum()), 1)
    order = np.lexsort((np.arange(len(every)), -every))
    order = order[every[order] > 0]
    few = len(order) <= _SHOWN + 1
    kept, rest = (order, order[:0]) if few else (order[:_SHOWN], order[_SHOWN:])
    found: dict[str, Rows] = {"bars": [], "ticks": [], "ends": []}
    names = short_names([counts.labels[i] for i in kept])
    for place, (i, name) in enumerate(zip(kept.tolist(), names, strict=True)):
        at = {"label": name, "index": i, "place": place}
        for part, (who, numbers) in enumerate(parts):
            n = int(numbers[i])
            bar = {"who": who, "order": part, "n": n, "share": number(n / total)}
            found["bars"].append({**at, **bar})
        if routed:
            n = int(sample[i])
            found["ticks"].append({**at, "n": n, "share": number(n / of_sample)})
        furthest = max(int(every[i]) / total, int(sample[i]) / of_sample if routed else 0.0)
        found["ends"].append({**at, "share": number(furthest), "text": f"{every[i]:,}"})
    if len(rest):
        # In words: a bar of theirs would dwarf those of single labels.
        n = int(every[rest].sum())
        text = f"{count(n, 'row')}, {percent(n / total)}"
        at = {"label": f"{len(rest):,} other labels", "index": -1, "place": _SHOWN}
        found["ends"].append({**at, "share": 0, "text": text})
    return found
