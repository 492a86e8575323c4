"""What the labels of a job are likely to carry, before a test, or after one that did not pass."""

from __future__ import annotations

from tracer_nb.draws import NEW_ROWS, TEST, UNASKED, before_test
from tracer_nb.engine.outlook import fewest_tested
from tracer_nb.records import HANDLED, Carried, Certificate
from tracer_nb.steps.state import JobState

__all__ = ["carried"]

# Targets that are looked at below the one that was asked for; the last of them is all that is said.
_TARGETS = (0.98, 0.95, 0.92, 0.9, 0.85, 0.8, 0.7, 0.6)
_SHOWN = 3
# Texts of a test where no cap says how many there may be.
_MORE = 200


def carried(state: JobState, certificate: Certificate | None) -> tuple[Carried, ...]:
    """Targets from the one in use down to one that is likely, and what a test of each would show.

    Empty where something is certified, nothing is fitted, or the job is no plain one of hard rows first.

    Parameters
    ----------
    state : JobState
    certificate : Certificate or None
        By which the column is routed; None before there is one.
    """
    grown = state.grown
    if grown is None or state.fitted is None or grown.job.opinions is not None:
        return ()
    # The left-out answers tell of agreement alone.
    if grown.job.terms.promises != (HANDLED,):
        return ()
    if certificate is not None and certificate.certified:
        return ()
    # What a test shows that is under way is said at its end; to look before may take a fit of its own.
    if certificate is None and any(draw.purpose == TEST for draw in state.draws):
        return ()
    job, before = grown.job, before_test(state.draws)
    n_open = len(job.column.open_rows(before))
    n_round = 1 + sum(draw.purpose == TEST for draw in before)
    delta = job.terms.delta(n_round)
    asked = int((grown.said != UNASKED).sum()) - int(job.column.drawn_for(before, NEW_ROWS).sum())
    wanted = job.terms.target
    found: list[Carried] = []
    for target in (wanted, *(t for t in _TARGETS if t < wanted - 1e-9)):
        fewest = fewest_tested(n_open, target, delta)
        room = job.room if job.room is not None and job.room >= fewest else _MORE
        n_more = min(max(room, fewest), max(asked, _MORE), n_open)
        chance, share = job.freezer.likely(before, grown.said, n_round, target, n_more)
        found.append(Carried(target, n_more, chance, share, 1.0 - delta, n_round - 1))
        if found[-1].is_likely:
            break
    # The target that is asked for, and the highest that are likelier.
    return (*found[:1], *found[1:][-(_SHOWN - 1) :])
