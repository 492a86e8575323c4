"""A chain beyond the column's labels: rows that are routed elsewhere, and what each stage did."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import PILOT, UNASKED, rows_of
from tracer_nb.draws.opinions import Opinions
from tracer_nb.engine import Router
from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import Caps, Certificate, Routing, StageReport
from tracer_nb.steps.column.features import Blocks
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.stages import Stages
from tracer_nb.steps.state import JobState

__all__ = [
    "Said",
    "alone_rows",
    "chain_routing",
    "has_chain",
    "heard_routing",
    "opinions_on",
    "stage_reports",
    "used_stages",
]

Said = Sequence[tuple[NDArray[np.bool_], NDArray[np.floating]]]
"""What stages said of rows: whether each was asked, and its distributions."""

_UNPAID = "not expected to spare more than it costs"


def has_chain(state: JobState) -> bool:
    """Whether what is certified rests on what stages of a chain say."""
    done = None if state.grown is None else state.grown.done
    return done is not None and done.frozen is not None and done.frozen.chain is not None


def chain_routing(
    router: Router,
    certificate: Certificate,
    X: Blocks,
    said: Said,
    names: Sequence[str],
) -> tuple[Routing, dict[int, NDArray[np.intp]]]:
    """Who answers n rows that are not the column, by the frozen rule of a chain.

    Parameters
    ----------
    router : Router
        Of a chain.
    certificate : Certificate
    X : blocks of shape (n, d)
    said : sequence
        Of each stage that the rule hears, in its order: which rows it was asked about, (n,), and
        its distributions over the fit's classes, (n, K).
    names : sequence of str
        What these stages are called.

    Returns
    -------
    Routing
        A row about which a stage is still to be heard has no score, and is deferred.
    dict of ndarray of int
        These rows, by the stage's place in the order.
    """
    pooled, pipeline = router.fit.pooled, router.fit.pipeline
    assert pooled is not None  # noqa: S101  it is of a chain
    outputs, far = pipeline.outputs(check_blocks(X, n_features=router.fit.n_features))
    codes, scores, waiting = pooled.answer(
        outputs, [asked for asked, _ in said], [opinion for _, opinion in said]
    )
    waiting[far] = -1
    scores[waiting >= 0] = np.nan
    routing = router.decide(Answers(codes, scores, far), certificate, None)
    called = np.array([*names, ""], dtype=object)[waiting]
    wanted = {i: np.flatnonzero(waiting == i) for i in range(len(names)) if (waiting == i).any()}
    # Where nothing is promised nobody helps a row.
    return replace(routing, waiting=called if certificate.certified else None), wanted


def heard_routing(
    router: Router,
    certificate: Certificate,
    stages: Stages,
    texts: Texts,
    X: Blocks,
    *,
    labels: tuple[str, ...],
    caps: Caps,
    on_progress: OnProgress | None,
    stop: threading.Event | None,
) -> tuple[Routing, bool]:
    """The same when stages are heard about all rows that wait for them.

    Parameters
    ----------
    router, certificate
        As in :func:`chain_routing`.
    stages : Stages
        Those of the job.
    texts : Texts
    X : blocks of shape (n_unique, d)
    labels : tuple of str
        The teacher's.
    caps, on_progress, stop
        As in :meth:`tracer_nb.Tracer.route`.

    Returns
    -------
    Routing
    bool
        Whether the hearing was interrupted.
    """
    opinions, spent, broken = stages.opinions(texts.unique, labels), stages.spending, False
    used = used_stages(router)
    names = [stages.askers[s].teacher.name for s in used]
    while True:
        said = opinions_on(router, opinions, used, labels)
        routing, waiting = chain_routing(router, certificate, X, said, names)
        wanted = {
            used[i]: [texts.unique[row] for row in rows.tolist()]
            for i, rows in waiting.items()
            if used[i] not in stages.muted
        }
        if not wanted or broken:
            return routing, broken
        told: dict[str, Any] = {"on_progress": on_progress, "step": "deferred", "stop": stop}
        broken = stages.hear(wanted, caps=caps, since=spent, **told)
        opinions = stages.opinions(texts.unique, labels, opinions)


def used_stages(router: Router) -> tuple[int, ...]:
    """Stages that the rule of a chain hears, by their place in the job; none without a chain."""
    return () if router.fit.pooled is None else router.fit.pooled.stages


def opinions_on(
    router: Router, opinions: Opinions, used: Sequence[int], labels: Sequence[str]
) -> Said:
    """What stages said about all texts, over the labels that the surrogate knows."""
    number = {name: i for i, name in enumerate(labels)}
    present = np.array([number[name] for name in router.fit.classes.tolist()], dtype=np.intp)
    rows = np.arange(opinions.codes.shape[1])
    return [(opinions.heard(s), opinions.evidence(s, rows, present)) for s in used]


def stage_reports(state: JobState) -> tuple[StageReport, ...]:
    """What each stage of a chain was asked about the column, and what came of it."""
    stages, grown, column = state.setup.stages, state.grown, state.column
    if grown is None or column is None or grown.job.opinions is None:
        return ()
    opinions, texts = grown.job.opinions, column.texts
    handled = _handled(state)
    start = grown.job.column.texts_of(rows_of(d for d in state.draws if d.purpose == PILOT))
    counts = np.bincount(texts.codes[texts.usable], minlength=len(texts.unique))
    found = []
    for s, asker in enumerate(stages.askers):
        heard = opinions.heard(s)
        both = start[heard[start] & (grown.said[start] != UNASKED)]
        agree = opinions.codes[s, both] == grown.said[both]
        known = asker.known([texts.unique[i] for i in np.flatnonzero(heard).tolist()])
        costs = [answer.cost for answer in known.values()]
        beyond = int(heard.sum()) > len(both)
        found.append(
            StageReport(
                name=asker.teacher.name,
                price=grown.job.terms.prices[s],
                n_heard=int(heard.sum()),
                n_answered=int(counts[heard & handled].sum()),
                cost=None if None in costs else float(sum(c or 0.0 for c in costs)),
                agreement=float(agree.mean()) if len(both) else np.nan,
                why=stages.muted.get(s, "" if beyond or grown.done is None else _UNPAID),
            )
        )
    return tuple(found)


def alone_rows(state: JobState) -> int:
    """Rows of the column that the surrogate of a chain labels with no stage's answer."""
    grown, column = state.grown, state.column
    if grown is None or column is None or grown.job.opinions is None:
        return 0
    opinions = grown.job.opinions
    heard = np.logical_or.reduce([opinions.heard(s) for s in range(len(opinions.codes))])
    codes = column.texts.codes[column.texts.usable]
    return int((_handled(state) & ~heard)[codes].sum())


def _handled(state: JobState) -> NDArray[np.bool_]:
    """Distinct texts of the column that the surrogate answers, and the teacher has not."""
    assert state.column is not None  # noqa: S101  it is labelled
    certified = state.certified
    if certified is None or not has_chain(state):
        return np.zeros(len(state.column.texts.unique), dtype=bool)
    assert state.grown is not None  # noqa: S101  it has a chain
    handled = np.asarray(certified.routings[state.main].handled)
    return np.asarray(handled & (state.grown.said == UNASKED), dtype=bool)
