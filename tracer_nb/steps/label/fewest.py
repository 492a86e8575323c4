"""How many labels a promise needs at the very least, told before anything is sent."""

from __future__ import annotations

import math

import numpy as np

from tracer_nb.draws import Draw
from tracer_nb.draws.filters import Recall
from tracer_nb.engine.bounds import column_p_value, fewest_handled
from tracer_nb.engine.certificates import share_to_read
from tracer_nb.engine.checks import FEWEST_ROWS
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE
from tracer_nb.records import HANDLED, PromiseName
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.grown import Grown
from tracer_nb.steps.state import Setup

__all__ = ["fewest_labels", "fewest_of", "fewest_wanted", "reading_of"]

# Rows with a label of which nothing is known yet.
_EXAMPLE = 200


def fewest_of(setup: Setup, texts: Texts) -> int:
    """Labels without which the main target cannot be certified."""
    options = setup.options
    cross = options.certificate == "cross-fit"
    return max(
        fewest_labels(setup.target, options.level, len(texts.usable), cross_fit=cross, promise=name)
        for name in options.promises
    )


def fewest_wanted(setup: Setup) -> int | None:
    """Rows with the label that a test of recall needs; None where none is promised."""
    options = setup.options
    if any(name.kind == "recall" for name in options.promises):
        return fewest_handled(setup.target, options.level)
    return None


def reading_of(
    setup: Setup, grown: Grown | None = None, draws: tuple[Draw, ...] = ()
) -> tuple[int, float]:
    """Rows with the label, those known or an example, and the share of the others to be read then.

    Parameters
    ----------
    setup : Setup
    grown, draws : optional
        What hard-first labelling has reached on the column, and its draws.
    """
    known = 0
    if grown is not None and isinstance(grown.job.aim, Recall):
        known = grown.job.aim.known(draws, grown.said)
    n_wanted = known or _EXAMPLE
    return n_wanted, share_to_read(n_wanted, setup.target, 1.0 - setup.options.confidence)


def fewest_labels(
    target: float,
    confidence: float,
    n_rows: int | None = None,
    *,
    cross_fit: bool = False,
    promise: PromiseName = HANDLED,
) -> int:
    """Labelled rows without which ``target`` cannot be certified, however good the surrogate.

    In a known column of ``n_rows`` rows fewer may do: the fewest with which the column test
    passes when every calibration row is handled and agrees. Not for recall, even if the teacher
    gives all of them the label: how many of the column's rows have it is not known.
    """
    share = 1.0 - (PILOT_SHARE if cross_fit else FIT_SHARE)
    fewest = math.ceil(fewest_handled(target, confidence) / share)
    if n_rows is None or promise.kind == "recall":
        return fewest
    n = np.arange(2, min(fewest, n_rows) + 1)
    n_calibration = np.ceil(n * share - 1e-9).astype(int)
    delivered = n_rows if promise.kind == "output" else None
    n_open = n_rows - (n - n_calibration)
    p = column_p_value(0, n_calibration, n_open, target, n_delivered=delivered)
    enough = n[(p <= 1.0 - confidence) & (n >= FEWEST_ROWS)]
    return min(int(enough[0]), fewest) if len(enough) else fewest
