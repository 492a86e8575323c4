"""Whether the promise still holds, by the audits."""

from __future__ import annotations

from tracer_nb.records import Watch
from tracer_nb.words.figures import count, level, limits, percent

__all__ = ["alarm_sentence", "watch_lines"]


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
