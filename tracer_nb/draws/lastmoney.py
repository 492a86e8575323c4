"""A job whose cap does not pay for the whole column: rows to fit on against rows of the one test.

Nothing behind such a test will be asked about, so its rows need not stop early to be saved, and they are
drawn where something can be hoped for. Nothing here is part of a promise: all of it is decided before
the rows of the test are drawn.
"""

from __future__ import annotations

from collections.abc import Callable

from tracer_nb.engine.outlook import Outlook

__all__ = ["is_last", "last_money", "start_for"]

# Of the texts that a cap pays for, at most so many are the random start. A smaller one plans worse: with
# 300 on BANKING77, target .90, starts of 75, 100 and 150 certified .35, .35 and .39, with 500 .56 to .58,
# .63 and .66.
_START_SHARE, _LEAST_START = 0.5, 40


def start_for(room: int | None, start: int) -> int:
    """Rows of a random start where a cap pays for so many texts in all."""
    return start if room is None else min(start, max(_LEAST_START, int(_START_SHARE * room)))


def is_last(outlook: Outlook, room: int | None, n_left: int) -> bool:
    """Whether a cap pays for less than the rest of the column takes.

    Parameters
    ----------
    outlook : Outlook
    room : int or None
        Texts that the cap still pays for; None without one.
    n_left : int
        Open rows that nothing certified handles.
    """
    rest = outlook.n_test + outlook.n_deferred if outlook.n_test else n_left
    return room is not None and room < rest


def last_money(
    ahead: Callable[..., Outlook],
    *,
    room: int,
    batch: int,
    fewest: int,
) -> tuple[Outlook, bool]:
    """Whether to test now, or to fit on another batch first.

    Parameters
    ----------
    ahead : callable
        From other arguments of :func:`~tracer_nb.engine.outlook.look_ahead` to what these make of it.
    room : int
        Texts that the cap still pays for.
    batch : int
        Texts of the next batch.
    fewest : int
        Rows without which no test can pass.

    Returns
    -------
    Outlook
        Of a test with all of the room, now.
    bool
        Another batch to fit on leaves a better test than this one.
    """
    now = ahead(last=True, most=room)
    if batch < 1 or room - batch < fewest:
        return now, False
    then = ahead(last=True, most=room - batch, learned=batch)
    return now, then.bill < now.bill or not now.n_test
