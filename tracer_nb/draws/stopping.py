"""When a job that asks about hard rows first stops growing, and when a test stops drawing.

Nothing here is part of a promise: what is decided before a test's rows are drawn may be decided in
any way, and a test may be stopped for any reason at a look that was planned.
"""

from __future__ import annotations

from scipy.stats import binom

from tracer_nb.draws import Look
from tracer_nb.engine.outlook import Outlook

__all__ = [
    "enough",
    "hopeless",
    "nearly_worth_testing",
    "no_more",
    "none_given",
    "none_wanted",
    "plan_looks",
    "too_few_wanted",
    "worth_testing",
]

_LIKELY = 0.7
# When so much of a column is asked about, a test may be less likely to pass. At .98 none is ever said to
# be more likely than .6, and labelling went on until nothing was left: .00 of BANKING77 was saved, and
# .62 with this; .07 and .36 of the bundled messages. Up to .95 it makes no difference.
_LATE, _LIKELY_LATE = 0.2, 0.25
# Disagreements that are expected of the open rows, over those that the target permits. Left-out answers
# are on the safe side: the open rows' disagreements are .7 of what they say on BANKING77, as many on the
# bundled messages. So this leaves a test its margin. From 1.0 to 1.3 the bill of both, at targets from
# .90 to .95, is within .01 of the best that such tests can have.
_MARGIN = 1.25
# From here on no batch is chosen before the last one is answered: where waiting costs more than a
# batch in vain, and where it costs less. A batch lowers the expected disagreements by a tenth or so,
# and they are known to a fifth.
_NEARLY_EAGER, _NEARLY, _MAYBE = 1.25, 1.7, 0.7
# Nothing is left to hope for when so much is asked about and so little can be expected.
_TRIED, _WORTH = 0.4, 0.02
_BEYOND_DOUBT = 1e-3
# Among so many texts there should be one with a label that is worth a promise of its own.
_NONE_AMONG = 1500
# A test is looked at before its end: tests are planned too large, where little is known.
_LOOKS = ((0.4, 0.4), (1.0, 0.6))


def worth_testing(outlook: Outlook, *, target: float, n_left: int, full: bool, grown: bool) -> bool:
    """Whether to freeze and test now rather than ask about one more batch.

    Parameters
    ----------
    outlook : Outlook
    target : float
    n_left : int
        Open rows that will be asked about unless a test passes.
    full : bool
        No more may be asked about before a test.
    grown : bool
        Rows were asked about since the last test: one that failed is not simply made again.
    """
    if not outlook.n_test or full:
        return bool(outlook.n_test)
    likely = outlook.chance >= _likely(outlook, n_left)
    low = outlook.wrong < _MARGIN * (1.0 - target)
    return grown and likely and low and _pays(outlook, n_left)


def _pays(outlook: Outlook, n_left: int) -> bool:
    return outlook.bill < outlook.n_labels + n_left


def _likely(outlook: Outlook, n_left: int) -> float:
    late = outlook.n_labels >= _LATE * (outlook.n_labels + n_left)
    return _LIKELY_LATE if late else _LIKELY


def nearly_worth_testing(outlook: Outlook, target: float, n_left: int, *, eager: bool) -> bool:
    """Whether the batch that is being answered may be the last before a test.

    Parameters
    ----------
    outlook, target, n_left
        As in :func:`worth_testing`.
    eager : bool
        Waiting for it costs more than another one that is asked about in vain.
    """
    nearly = _NEARLY_EAGER if eager else _NEARLY
    near = outlook.wrong < nearly * _MARGIN * (1.0 - target)
    maybe = outlook.chance >= _MAYBE * _likely(outlook, n_left)
    return outlook.n_test > 0 and maybe and near and _pays(outlook, n_left)


def hopeless(
    outlook: Outlook,
    *,
    n_open: int,
    n_rows: int,
    target: float,
    n_random: int = 0,
    n_bare: int = 0,
) -> str:
    """Why no test is worth it, where so little can be expected; empty where one may be.

    Parameters
    ----------
    outlook : Outlook
    n_open, n_rows : int
        Open rows, and rows of the column.
    target : float
    n_random, n_bare : int
        Texts drawn at random, and those of them that the teacher gave no label to.
    """
    saved = n_open - outlook.n_test - outlook.n_deferred if outlook.n_test else 0.0
    if outlook.chance * saved >= _WORTH * n_rows:
        return ""
    # A row without a label is a disagreement, whatever is learned.
    if binom.sf(n_bare - 1, n_random, 1.0 - target) < _BEYOND_DOUBT:
        return (
            f"{n_bare:,} of {n_random:,} texts drawn at random got no label, more than the target "
            "leaves room for, so no test can be expected to pass; see why in label_reason, and run "
            "again"
        )
    if outlook.n_labels >= _TRIED * n_rows:
        return (
            f"{outlook.n_labels:,} of {n_rows:,} rows are asked about, and no test of the others can "
            "be expected to pass; ask the teacher about them"
        )
    return ""


def none_wanted(outlook: Outlook, *, label: str, n_rows: int, target: float, n_random: int) -> str:
    """Why no test of recall is worth it, as :func:`hopeless`.

    Parameters
    ----------
    outlook : Outlook
    label : str
    n_rows : int
        Rows of the column.
    target : float
    n_random : int
        Texts drawn at random.
    """
    if outlook.n_test and n_rows - outlook.bill >= _WORTH * n_rows:
        return ""
    if not outlook.n_test and outlook.n_labels >= min(_NONE_AMONG, _TRIED * n_rows):
        return none_given(outlook.n_labels, label, n_random)
    if outlook.n_labels >= _TRIED * n_rows:
        return too_few_wanted(outlook.n_labels, n_rows, label, target)
    return ""


def too_few_wanted(n_asked: int, n_rows: int, label: str, target: float) -> str:
    """Why no test of recall can be expected to pass, so much being asked about."""
    return (
        f"{n_asked:,} of {n_rows:,} rows are asked about, and too few with the label {label} "
        f"were found to promise {100 * target:g} % of them without reading nearly all rows; ask the "
        "teacher about them"
    )


def none_given(n_asked: int, label: str, n_random: int) -> str:
    """Why nothing can be promised of a label that the teacher has given to none of its texts."""
    return (
        f"the teacher gave none of {n_asked:,} texts the label {label} ({n_random:,} of them were drawn "
        "at random): so rare a label takes reading nearly all rows; ask the teacher about them, or "
        "promise something else"
    )


def no_more(n_asked: int, n_failed: int = 0) -> str:
    """Why no test is made of a job that has asked about all that it may, the last test failing."""
    if n_failed:
        return (
            f"a test with the last {n_failed:,} of {n_asked:,} texts did not pass; let it ask about "
            "more"
        )
    return (
        f"after {n_asked:,} texts, as many as may be asked about before a test, none can be expected "
        "to pass; let it ask about more"
    )


def plan_looks(size: int, delta: float, *, last: bool = False) -> tuple[Look, ...]:
    """Looks at a test of so many rows, fixed before they are drawn; their errors add up to delta.

    The ``last`` one that there is money for is looked at once: to stop early would save nothing.
    """
    if last:
        return (Look(size, delta),)
    return tuple(Look(max(round(n * size), 1), error * delta) for n, error in _LOOKS)


def enough(looks: tuple[Look, ...], k: int, n_left: int) -> bool:
    """Whether to stop after look k: going on to the next costs as much as it could gain.

    Parameters
    ----------
    looks : tuple of Look
    k : int
    n_left : int
        Open rows that a later look could still give to the surrogate.
    """
    return k + 1 < len(looks) and n_left <= looks[k + 1].n_rows - looks[k].n_rows
