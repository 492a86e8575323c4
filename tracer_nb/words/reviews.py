"""What a human's reviews say about the teacher."""

from __future__ import annotations

from tracer_nb.records import ReviewState
from tracer_nb.words.figures import count, level, limits, percent

__all__ = ["revealed_sentence", "review_line", "review_lines"]


def review_line(state: ReviewState) -> str:
    """How far a review is, and the teacher's accuracy so far, in short."""
    line = f"{state.n_done:,} of {state.n_total:,}"
    found = state.accuracy
    if not found.n_reviewed:
        return f"{line} · no random row judged yet"
    right = f"teacher right {found.n_right:,} of {count(found.n_reviewed, 'random row')}"
    within = limits(found.lower, found.upper)
    if found.n_skipped:
        within += f", {found.n_skipped:,} skipped"
    return f"{line} · {right}: {percent(found.accuracy, 0)} ({within})"


def review_lines(state: ReviewState) -> list[str]:
    """What a review has shown about the teacher, and what it rests on."""
    done = f"{state.n_done:,} of {count(state.n_total, 'row')} reviewed"
    if state.n_skipped:
        done += f", {state.n_skipped:,} of them skipped"
    lines = [f"{done}."]
    if state.accuracy.n_reviewed:
        lines.extend(_accuracy_lines(state))
    else:
        lines.append("No row drawn at random is judged yet, so nothing is known of the accuracy.")
    disputes = state.disputes
    if disputes.n_reviewed:
        neither = disputes.n_reviewed - disputes.n_teacher - disputes.n_other
        right = f"{state.teacher} was right on {disputes.n_teacher:,}, {state.other} on "
        right += f"{disputes.n_other:,}" + (f", neither on {neither:,}" if neither else "")
        lines.append(f"Of {count(disputes.n_reviewed, 'reviewed disagreement')}, {right}.")
    if state.item is not None:
        lines.append("Everything is stored; review again to go on.")
    return lines


def _accuracy_lines(state: ReviewState) -> list[str]:
    found = state.accuracy
    rows = count(found.n_reviewed, "row")
    lines = [
        (
            f"{state.teacher} gave your label on {found.n_right:,} of {rows} drawn at random "
            f"({percent(found.accuracy)}). With {level(found.confidence)} confidence it is right on "
            f"{limits(found.lower, found.upper)} of all rows that it labelled."
        )
    ]
    if found.n_skipped:
        lines.append(
            f"{count(found.n_skipped, 'random row')} skipped: wrong in the lower limit, right in "
            "the upper one."
        )
    if found.n_seen:
        lines.append(f"On {found.n_seen:,} of the {rows} you had seen its label before.")
    lines.append(
        "Rows shown as uncertain or disputed do not count here, because they were chosen for "
        "looking wrong. The limits hold for a number of rows that was fixed beforehand."
    )
    return lines


def revealed_sentence(state: ReviewState) -> str:
    """Who had said what about the row that was answered last, or what was taken back."""
    if state.taken_back is not None:
        seen = " You have seen the others' labels, so it no longer counts as blind."
        had = "skipped it" if state.taken_back.label is None else f"said {state.taken_back.label}"
        return f"Taken back: you had {had}.{seen if state.blind else ''}"
    if state.last is None:
        return ""
    item, review = state.last
    parts = ["Skipped" if review.label is None else f"You said {review.label}"]
    said: dict[str, list[str]] = {item.teacher_label: [state.teacher]}
    if item.other_label is not None:
        said.setdefault(item.other_label, []).append(state.other)
    for label, who in said.items():
        if label == review.label:
            parts[0] += f", and so did {' and '.join(who)}"
        else:
            parts.append(f"{' and '.join(who)} said {label}")
    return f"{'; '.join(parts)}."
