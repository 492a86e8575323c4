"""A first look at a log of past calls: what could have been routed, at no cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tracer_nb.engine import Router, fit_router
from tracer_nb.engine.checks import check_seed
from tracer_nb.engine.features import make_features
from tracer_nb.errors import InvalidInput
from tracer_nb.logs import LoggedCalls, read_logs
from tracer_nb.records import Choice, Scan
from tracer_nb.steps.column.features import as_blocks
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.step import tell, tell_parts

__all__ = ["scan_logs"]

# Labels are a set that repeats; free text does not.
_MOST_LABELS = 1_000
_MOST_PER_CALL = 0.2
_FITTING = "Fitting and certifying"


def scan_logs(
    source: Any,
    *,
    targets: Sequence[float] | float = (0.90, 0.95, 0.98),
    confidence: float = 0.95,
    columns: Mapping[str, str] | None = None,
    features: Any = "auto",
    sample: int = 10_000,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Scan:
    """Fit and certify a router on logged calls; nothing is asked, nothing is paid.

    Parameters
    ----------
    source : path, dataframe or iterable of mappings
        As :func:`tracer_nb.logs.read_logs` takes it.
    targets : float or sequence of float
        Agreement to promise; all targets share the error budget, so one may be chosen.
    confidence : float
    columns : mapping of str to str, optional
        "text" and "label" to the log's own names, where these are not found.
    features : str or callable
        As for :class:`tracer_nb.Tracer`; no matrix.
    sample : int
        Calls to use, drawn at random, at most.
    seed : int
    on_progress : callable, optional
        Called with :class:`~tracer_nb.records.Progress`: what is being done, and how many parts
        of the fit are.

    Returns
    -------
    Scan

    Raises
    ------
    InvalidInput
        The log cannot be read, or its answers are not labels.
    NotEnoughData
        Too few calls for any certificate.
    """
    seed = check_seed(seed)
    tell(on_progress, "Reading the log")
    calls = read_logs(source, columns=columns)
    n_labels = len(set(calls.labels))
    if n_labels > min(_MOST_LABELS, max(_MOST_PER_CALL * len(calls.labels), 2)):
        raise InvalidInput(
            f"the {len(calls.labels):,} logged answers are {n_labels:,} different ones, so they are "
            f"no labels; name the column of labels, which is now {calls.columns['label']!r}"
        )
    drawn = np.random.default_rng(seed).permutation(len(calls.texts))[:sample]
    texts = [calls.texts[i] for i in drawn]
    tell(on_progress, "Reading texts")
    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    made = make_features(features, seed=seed)
    blocks = as_blocks(made.fit(list(codes)).transform(list(codes)))
    groups = np.array([codes[text] for text in texts])
    tell(on_progress, _FITTING)
    router = fit_router(
        [block[groups] for block in blocks],
        np.array([calls.labels[i] for i in drawn], dtype=object),
        groups=groups,
        target=targets,
        confidence=confidence,
        seed=seed,
        on_part=tell_parts(on_progress, _FITTING),
    )
    return _told(calls, router, len(drawn), n_labels, confidence)


def _told(
    calls: LoggedCalls, router: Router, n_used: int, n_labels: int, confidence: float
) -> Scan:
    known = [cost for cost in calls.costs if cost is not None]
    paid = sum(known) if len(known) == len(calls.costs) else None
    choices = tuple(
        Choice(
            target=c.target,
            certified=c.certified,
            coverage=c.coverage,
            saved=None if paid is None else paid * c.coverage,
        )
        for c in router.certificates
    )
    return Scan(
        n_read=calls.n_read,
        n_calls=len(calls.texts),
        n_texts=len(set(calls.texts)),
        n_labels=n_labels,
        n_used=n_used,
        skipped=calls.skipped,
        paid=paid,
        choices=choices,
        certificates=router.certificates,
        frontier=router.frontier,
        confidence=confidence,
    )
