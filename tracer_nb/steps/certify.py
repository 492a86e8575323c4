"""Fitting and certifying: the steps ``fit`` and ``calibrate``, and what an update shares with them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import Draw, add_test, errors_of
from tracer_nb.engine import Router, SurrogateFit, calibrate_router, fit_surrogate
from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.features import Features, FusedFeatures, LsaFeatures
from tracer_nb.engine.growing import looked_at
from tracer_nb.engine.pipeline import Answers
from tracer_nb.engine.race import OnPart
from tracer_nb.errors import NotFitted
from tracer_nb.labelsets import sets_of
from tracer_nb.records import Certificate, Labels
from tracer_nb.steps.column.features import Blocks, name_rows, take
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.sample import label_names, soft_labels
from tracer_nb.steps.label.costs import costs_of
from tracer_nb.steps.label.stream import Asking
from tracer_nb.steps.open_rows import calibrate_open, fit_open
from tracer_nb.steps.origin import signed
from tracer_nb.steps.state import Certified, JobState, Keep, reset

__all__ = [
    "calibrate",
    "certify_on",
    "count_test",
    "features_name",
    "features_note",
    "fit",
    "fit_on",
    "in_round",
    "learned_on_column",
    "rows_to_route",
    "sign",
    "used_features",
    "without_unused",
]


# The view that leaves the first features out.
_SECOND = "second block"


def fit(state: JobState, on_part: OnPart | None = None) -> JobState:
    """Fit the surrogate on the fitting part of the sample; of chosen rows show what is frozen.

    ``on_part`` is told how many parts of the fit are done, and of how many.

    Raises
    ------
    NotFitted, NotEnoughData
        Nothing is labelled, or too little.
    """
    if state.grown is not None:
        return fit_open(state, on_part)
    fitted = fit_on(state, *state.featurized(), in_random_order=True, on_part=on_part)
    return reset(replace(state, fitted=fitted), after="fitted")


def calibrate(state: JobState, how: Asking, keep: Keep) -> JobState:
    """Certify a threshold on the part of the sample that the surrogate has not seen.

    After an update there is nothing to do: it has certified what it fitted. Where hard rows were
    chosen, the rows of the test are drawn and asked about now.

    Raises
    ------
    NotFitted
        Nothing is fitted.
    """
    if state.grown is not None:
        return sign(calibrate_open(state, how, keep))
    texts, labels, X = state.featurized()
    if state.fitted is None:
        raise NotFitted("nothing is fitted yet; call fit() first (%tracer fit)")
    if state.scope is not None:
        return reset(state, after="certified")
    router, answers = certify_on(state, texts, labels, X, state.fitted)
    tested = labels.rows[state.fitted.calibration_rows]
    draws = count_test(state.draws, router, tested, state.setup.options.seed)
    router, costs = in_round(router, errors_of(draws)), costs_of(state, texts)
    routings = {
        target: router.decide(answers, router.certificate_for(target, column=True), costs)
        for target in state.setup.options.targets
    }
    certified = Certified(router, answers, routings)
    state = replace(state, certified=certified, draws=draws, drawn_from=texts)
    return sign(reset(state, after="certified"))


def sign(state: JobState) -> JobState:
    """The state whose certificates say where they come from."""
    features, fitted = state.setup.features, state.fitted
    return signed(
        state,
        features=features_name(features, fitted),
        exact=not learned_on_column(features, fitted),
    )


def fit_on(state: JobState, texts: Texts, labels: Labels, X: Blocks, **how: Any) -> SurrogateFit:
    """A surrogate fitted on labelled rows of the column.

    Parameters
    ----------
    state : JobState
    texts, labels : Texts, Labels
    X : blocks of shape (n_unique, d)
    **how
        Of :func:`tracer_nb.engine.fit_surrogate`, over what the job was given.
    """
    codes, costs = texts.codes[labels.rows], costs_of(state, texts)
    rest = texts.codes[np.setdiff1d(texts.usable, labels.rows)]
    looked = looked_at(rest, state.setup.choices["seed"])
    return fit_surrogate(
        take(X, codes),
        label_names(labels),
        unlabelled=lambda: take(X, looked),
        soft_labels=soft_labels(labels),
        costs=None if costs is None else costs[codes],
        groups=codes,
        names=name_rows(state.setup.features, state.setup.label_texts, labels.classes),
        sets=sets_of(labels.classes),
        **{**state.setup.choices, **how},
    )


def certify_on(
    state: JobState,
    texts: Texts,
    labels: Labels,
    X: Blocks,
    fitted: SurrogateFit,
    *,
    column: bool = True,
) -> tuple[Router, Answers]:
    """A router for the column, and what its surrogate says on each distinct text.

    With ``column=False`` it has no column certificate.
    """
    costs = costs_of(state, texts)
    # The whole column at once: for the certificate, and to route it.
    answers = fitted.pipeline.predict(check_blocks(X))
    about: dict[str, Any] = {}
    if column:
        others = texts.codes[rows_to_route(texts, labels, fitted)]
        about["column"] = answers.take(others)
        about["column_costs"] = None if costs is None else costs[others]
        about["n_delivered"] = len(texts.usable)
    rows = take(X, texts.codes[labels.rows])
    return calibrate_router(fitted, rows, label_names(labels), **about), answers


def count_test(
    draws: tuple[Draw, ...], router: Router, rows: NDArray[np.intp], seed: int
) -> tuple[Draw, ...]:
    """The draws, with the test behind a router's certificates among them."""
    said = repr((router.certificates, router.column_certificates))
    found = hashlib.sha256(said.encode()).hexdigest()
    error = 1.0 - router.fit.options.confidence
    return add_test(draws, rows, seed=seed, error=error, found=found)


def rows_to_route(texts: Texts, labels: Labels, fitted: SurrogateFit) -> NDArray[np.intp]:
    """Rows outside the sample that a column certificate speaks about.

    Those whose text the surrogate was not fitted on; under cross-fitting it is fitted on every
    labelled row.
    """
    codes = texts.codes[labels.rows]
    tested = np.zeros(len(codes), dtype=bool)
    if fitted.left_out is None:
        tested[fitted.calibration_rows] = True
    seen = np.zeros(len(texts.unique), dtype=bool)
    seen[codes[~tested]] = True
    others = np.setdiff1d(texts.usable, labels.rows)
    return others[~seen[texts.codes[others]]]


def used_features(
    features: Features | None, fitted: SurrogateFit | None
) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """Which features a fit uses, all before there is one: their numbers, and themselves."""
    parts: tuple[Any, ...] = getattr(features, "parts", (features,))
    weights = (1.0,) * len(parts) if fitted is None else fitted.pipeline.view.weights
    used = tuple(i for i in range(len(parts)) if i < len(weights) and weights[i] > 0)
    return used, tuple(parts[i] for i in used)


def features_name(features: Features | None, fitted: SurrogateFit | None) -> str:
    """Names of the features that a fit uses, of all before there is one."""
    made = used_features(features, fitted)[1]
    return " + ".join("matrix" if part is None else str(part.name) for part in made)


def without_unused(router: Router, features: Features | None) -> tuple[Router, Features | None]:
    """The same router without the features that its view leaves out: they need not be made."""
    if not isinstance(features, FusedFeatures):
        return router, features
    used, parts = used_features(features, router.fit)
    pipeline, widths = router.fit.pipeline, router.fit.n_features
    view = replace(pipeline.view, weights=tuple(pipeline.view.weights[i] for i in used))
    fit = replace(
        router.fit,
        pipeline=replace(pipeline, view=view),
        n_features=tuple(widths[i] for i in used),
    )
    return replace(router, fit=fit), FusedFeatures(parts) if len(parts) > 1 else parts[0]


def learned_on_column(features: Features | None, fitted: SurrogateFit | None) -> bool:
    """Whether the features saw the calibration rows: for new rows it is close, not exact."""
    if fitted is not None and fitted.uses_column:
        return True
    return any(isinstance(part, LsaFeatures) for part in used_features(features, fitted)[1])


def features_note(features: Features | None, fitted: SurrogateFit | None) -> str:
    """What is to be known about the features that a fit took; empty where nothing is."""
    parts: tuple[Any, ...] = getattr(features, "parts", ())
    if fitted is None or len(parts) != 2 or fitted.pipeline.view.first == 0:
        return str(getattr(features, "note", ""))
    agreement = {
        trial.view: trial.agreement for trial in fitted.trials if trial.view in ("plain", _SECOND)
    }
    first, second = parts[0].name, parts[1].name
    figures = ""
    if len(agreement) == 2:
        figures = (
            f" (out-of-fold agreement {agreement['plain']:.2f} against {agreement[_SECOND]:.2f})"
        )
    return (
        f"{first} tells these texts apart less well than {second}{figures}: {second} alone is used"
    )


def in_round(router: Router, errors: tuple[float, ...]) -> Router:
    """The router, its certificates saying what else was certified on rows of this column.

    Parameters
    ----------
    router : Router
    errors : tuple of float
        Error budget of every certificate that was made on them, this router's included.
    """

    def among(certificates: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
        return tuple(
            replace(c, n_rounds=len(errors), earlier=sum(errors) - (1.0 - c.confidence))
            for c in certificates
        )

    column = router.column_certificates
    return replace(
        router,
        certificates=among(router.certificates),
        column_certificates=None if column is None else among(column),
    )
