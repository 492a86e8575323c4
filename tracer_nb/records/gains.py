"""What would gain coverage, and how much."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Gain"]


@dataclass(frozen=True, slots=True)
class Gain:
    """Coverage that one change may gain: an estimate on the tested rows, never certified.

    Gains of several changes do not add up.

    Attributes
    ----------
    by : str
        The change: "labels" (twice as many), "gate" (a better one), "surrogate" (a better one,
        or better features), "merge" (two labels into one) or "prompt" (a clearer one).
    coverage : float
        Share of the rows, 0 or more.
    at_most : bool
        Whether it is a bound, and the gain may be nothing.
    basis : str
        What it is estimated from. Labels: "curve" (the learning curve) or "test" (a certificate
        from twice the calibration rows, same surrogate). Gate: "perfect gate", one without a
        mistake. Surrogate: "all" that is not handled now, or "self-agreement" where the
        teacher's own was measured and its upper bound bounds it. Prompt: "wavering", all that is
        not handled now, where the teacher contradicts itself. Merge: "fitting rows" or "tested
        rows", by which the pair was chosen.
    labels : tuple of str
        The labels to merge.
    ceiling : float
        Of a merge, what a perfect gate would gain by it.
    """

    by: str
    coverage: float
    at_most: bool
    basis: str
    labels: tuple[str, ...] = ()
    ceiling: float = 0.0
