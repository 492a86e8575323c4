"""Another surrogate for a column that is routed: fitted, certified, and put beside the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import errors_of
from tracer_nb.draws.rounds import Round, Trail, labelled_elsewhere
from tracer_nb.engine import ExtraRows, Router
from tracer_nb.engine.certificates import round_confidence
from tracer_nb.engine.extra import stack_rows
from tracer_nb.engine.pipeline import Answers
from tracer_nb.engine.race import OnPart
from tracer_nb.errors import NotFitted
from tracer_nb.records import Answer, Certificate, Labels
from tracer_nb.steps.audit.auditor import fit_key, watch_key
from tracer_nb.steps.audit.step import promise_of
from tracer_nb.steps.certify import certify_on, count_test, fit_on, in_round, sign
from tracer_nb.steps.column.features import Blocks, take
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.sample import collect_labels, label_names
from tracer_nb.steps.label.costs import costs_of
from tracer_nb.steps.state import Certified, JobState, reset
from tracer_nb.steps.update.scope import Layer, OpenRows, Scope

__all__ = ["Side", "extra_rows", "next_confidence", "present_side", "remake", "take_over"]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A router, and what it goes with.

    Attributes
    ----------
    router : Router
        With the column certificates that are in force with it.
    labels : Labels
    answers : Answers
        On the column's distinct texts.
    coverage : float
        Share of the rows kept for tests that it answers, by its certificate for new rows.
    scope : Scope or None
    """

    router: Router
    labels: Labels
    answers: Answers
    coverage: float
    scope: Scope | None


def next_confidence(state: JobState) -> float:
    """Confidence of the tests of the next update."""
    return round_confidence(state.setup.options.confidence, len(state.errors) + 1)


def present_side(state: JobState, draw: Round) -> Side:
    """The router in use."""
    certified, (_, labels) = state.in_force(), state.labelled()
    router, answers = certified.router, certified.answers
    coverage = _coverage(state, router, answers, draw)
    return Side(router, labels, answers, coverage, certified.scope)


def _coverage(state: JobState, router: Router, answers: Answers, draw: Round) -> float:
    """Share of the rows kept for tests that a router would answer as new rows."""
    texts, _ = state.labelled()
    certificate = router.certificate_for(state.target)
    handled = router.decide(answers, certificate, costs_of(state, texts)).handled
    return float(handled[texts.codes[draw.kept]].mean())


def remake(
    state: JobState,
    draw: Round,
    order: NDArray[np.intp],
    known: Mapping[str, Answer],
    now: Side,
    *,
    on_part: OnPart | None = None,
) -> Side:
    """Fit on everything but the fresh rows, and certify on these.

    Parameters
    ----------
    state : JobState
    draw : Round
    order : ndarray of int
        The column's rows in random order.
    known : mapping of str to Answer
        Everything that the teacher said about texts of the column and elsewhere.
    now : Side
    on_part : callable, optional
        Told how many parts of the fit are done, and of how many.
    """
    texts, _, X = state.featurized()
    setup, asker, trail = state.setup, state.setup.asker, state.trail
    if trail is None:
        raise NotFitted("nothing is routed yet; call route() first (%tracer route)")
    labels = collect_labels(
        texts,
        order[: draw.start + len(draw.fresh)],
        known,
        **asker.told,
        stopped=None,
    )
    extra, elsewhere = extra_rows(texts, X, draw, trail, known)
    fitted = fit_on(
        *(state, texts, labels, X),
        on_part=on_part,
        extra=extra,
        calibration=np.arange(len(labels.rows)) >= draw.start,
        confidence=next_confidence(state),
        # Cross-fitting was verified on rows that were drawn at random.
        certificate=setup.options.certificate.replace("cross-fit", "held-out"),
    )
    router, answers = certify_on(state, texts, labels, X, fitted, column=False)
    tested = fitted.calibration_rows
    tested = tested[draw.open[texts.codes[labels.rows[tested]]]]
    others = texts.codes[np.setdiff1d(texts.usable, labels.rows)]
    rows = OpenRows(
        router,
        answers,
        draw.open,
        texts.codes[labels.rows[tested]],
        others[draw.open[others]],
        label_names(labels)[tested],
        costs_of(state, texts),
    )
    untested = draw.open.copy()
    untested[texts.codes[labels.rows]] = False
    fit = fit_key(texts, labels, fitted=fitted, answers=answers)
    layers, picture = {}, now.router.column_frontier or now.router.frontier
    for i, before in enumerate(now.router.column_certificates or ()):
        layer = _layer_before(state, before)
        # What an audit has refuted is open again, if something else passes.
        refuted = setup.auditor.has_alarm(promise_of(state, before))
        handled = layer.routing.handled & (not refuted)
        found = rows.certify(replace(layer.routing, handled=handled), before.target)
        if found is not None:
            routing, certificate, seen = found
            picture = picture if i else seen
            key = watch_key(setup.teacher.identity, fit, certificate)
            layer = Layer(routing, certificate, key, untested)
        layers[before.target] = layer
    column = tuple(layer.certificate for layer in layers.values())
    made = replace(router, column_certificates=column, column_frontier=picture)
    coverage = _coverage(state, router, answers, draw)
    return Side(made, labels, answers, coverage, Scope(draw.learned, layers, elsewhere))


def _layer_before(state: JobState, certificate: Certificate) -> Layer:
    """The column at one target, as it is until now."""
    certified, target = state.in_force(), certificate.target
    about = None if certified.scope is None else certified.scope.layers[target].open
    key = promise_of(state, certificate).key
    return Layer(certified.routings[target], certificate, key, about)


def take_over(state: JobState, side: Side, new: Side, draw: Round) -> JobState:
    """Use one of two routers for new rows, and what both answer for the column.

    Parameters
    ----------
    state : JobState
    side, new : Side
        The router that is used, and the one that was made.
    draw : Round
        Whose test was made.
    """
    texts, _ = state.labelled()
    assert new.scope is not None and state.trail is not None  # noqa: S101, PT018  it was remade
    draws = count_test(state.draws, new.router, draw.fresh, state.setup.options.seed)
    router = replace(
        side.router,
        column_certificates=new.router.column_certificates,
        column_frontier=new.router.column_frontier,
    )
    fitted = side.scope or Scope(np.zeros_like(new.scope.learned), {})
    scope = replace(new.scope, learned=fitted.learned, elsewhere=fitted.elsewhere)
    state = replace(
        state,
        fitted=side.router.fit,
        labels=side.labels,
        certified=Certified(
            in_round(router, errors_of(draws)),
            side.answers,
            {target: layer.routing for target, layer in scope.layers.items()},
            scope,
        ),
        draws=draws,
        drawn_from=texts,
        trail=state.trail.passed(draw, len(new.scope.elsewhere), taken=side is new),
    )
    return sign(reset(state, after="certified"))


def extra_rows(
    texts: Texts, X: Blocks, draw: Round, trail: Trail, known: Mapping[str, Answer]
) -> tuple[ExtraRows | None, frozenset[str]]:
    """Answers that an update fits on, and the texts of other columns among them.

    Parameters
    ----------
    texts : Texts
        The column.
    draw : Round
    trail : Trail
    X : blocks of shape (n_unique, d)
        Features of the column's distinct texts.
    known : mapping of str to Answer
        Also about the texts elsewhere.
    """
    own = np.flatnonzero(draw.learned)
    names = [known[texts.unique[i]].label for i in own.tolist()]
    parts, groups = [take(X, own)], own.tolist()
    found = labelled_elsewhere(trail, known)
    names += [known[text].label for text in found]
    for i, there in enumerate(trail.elsewhere):
        rows = [row for where, row in found.values() if where == i]
        parts.append(take(there.X, np.array(rows, dtype=np.intp)))
    if not names:
        return None, frozenset()
    groups += range(len(texts.unique), len(texts.unique) + len(found))
    y = np.empty(len(names), dtype=object)
    y[:] = names
    blocks = [stack_rows(block) for block in zip(*parts, strict=True)]
    return ExtraRows(blocks, y, np.array(groups)), frozenset(found)
