"""Files that were routed, queues that were worked off, and files that were filled in."""

from __future__ import annotations

from tracer_nb.records import Drained, FileMerged, FileProgress, FileRouted
from tracer_nb.words.figures import count, duration, percent, speed
from tracer_nb.words.labelling import spent_sentence, stopped_sentence

__all__ = ["drained_lines", "file_line", "merged_lines", "routed_lines"]

_SAID = {
    "surrogate": "{n} answered by the surrogate",
    "teacher": "{n} by the teacher",
    "abstained": "{n} abstained",
    "deferred": "{n} deferred",
    "no text": "{n} without text",
}


def file_line(progress: FileProgress) -> str:
    """One moment of reading a file."""
    rows = count(progress.n_done, "row")
    if progress.n_rows is None:
        rows += f", {percent(progress.share)}"
    else:
        rows = f"{progress.n_done:,} of {count(progress.n_rows, 'row')}"
    line = f"Routing: {rows} · {speed(progress.rate)}"
    if progress.seconds_left is not None and progress.share < 1:
        line += f" · {duration(progress.seconds_left)} left"
    return line


def routed_lines(routed: FileRouted) -> list[str]:
    """What came of routing a file."""
    counts = routed.counts
    who = [_SAID[name].format(n=f"{counts[name]:,}") for name in _SAID if counts.get(name)]
    lines = [f"Wrote {routed.path}: of {count(routed.n_rows, 'row')}, {', '.join(who)}."]
    if routed.n_resumed:
        lines.append(f"An earlier run had done {count(routed.n_resumed, 'row')} of them.")
    if routed.why:
        lines.append(f"Every row was deferred, because {routed.why}; none was queued.")
    elif routed.n_waiting:
        lines.append(
            f"{count(routed.n_waiting, 'deferred text')} of this router wait in the queue of the label "
            "store: tracer_nb drain asks about them, tracer_nb merge fills the answers in."
        )
    return lines


def drained_lines(drained: Drained) -> list[str]:
    """What came of asking about a queue."""
    lines = [spent_sentence(drained.spending)]
    if drained.n_waiting:
        lines.append(f"{count(drained.n_waiting, 'text')} wait still.")
    else:
        lines.append("No text waits any more: tracer_nb merge fills the answers into a file.")
    if drained.stopped:
        lines.append(stopped_sentence(drained.stopped))
    return lines


def merged_lines(merged: FileMerged) -> list[str]:
    """What came of filling answers into a file."""
    line = f"{merged.path}: {count(merged.n_filled, 'row')} of {merged.n_rows:,} filled in"
    if merged.n_open:
        return [f"{line}, {merged.n_open:,} wait still: tracer_nb drain asks about them."]
    return [f"{line}, none waits."]
