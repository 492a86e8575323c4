"""A router as JSON and arrays, and back: nothing in it runs code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.fitting import SurrogateFit
from tracer_nb.engine.gates import LearnedGate, SimpleGate
from tracer_nb.engine.gates.guard import Guard
from tracer_nb.engine.options import make_options
from tracer_nb.engine.pipeline import Pipeline, Stage, View
from tracer_nb.engine.pool import Pool, Pooled
from tracer_nb.engine.router import Router
from tracer_nb.engine.saving.coherence import (
    check_certificates,
    check_frontier,
    check_shapes,
    check_sizes,
    incoherent,
    label_array,
)
from tracer_nb.engine.saving.schema import ROUTER, check_content
from tracer_nb.engine.subsets import SetRule
from tracer_nb.engine.zoo import MODELS, Smoothing
from tracer_nb.engine.zoo.matrix import pack_matrix, unpack_matrix
from tracer_nb.errors import InvalidInput
from tracer_nb.records import (
    Certificate,
    ClassCertificate,
    Frontier,
    Pilot,
    PromiseName,
    Setting,
    Trial,
)

__all__ = ["MISFITS", "part_of", "router_from_state", "router_state", "under"]


def under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with a prefix before their names."""
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def part_of(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays under a prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


Arrays = dict[str, NDArray[Any]]
_GATES = {gate.kind: gate for gate in (SimpleGate, LearnedGate)}
_SCALARS = (str, int, float, bool)
MISFITS = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""What numpy and Python raise about numbers that fit no array."""
# JSON has no words for these.
_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def router_state(router: Router) -> tuple[dict[str, Any], Arrays]:
    """JSON values and arrays that hold all that routing needs.

    Raises
    ------
    InvalidInput
        A surrogate of the user's own class, or labels that JSON does not know.
    """
    fit = router.fit
    labels = fit.classes.tolist()
    if not all(isinstance(label, _SCALARS) for label in labels):
        raise InvalidInput(
            f"labels of type {type(labels[0]).__name__} cannot be saved; use strings or numbers"
        )
    pipeline, arrays = _pipeline_state(fit.pipeline)
    for name in (f.name for f in fields(Frontier)):
        arrays[f"frontier/{name}"] = getattr(router.frontier, name)
    options = fit.options
    content = {
        "classes": labels,
        "classes_are_objects": bool(fit.classes.dtype == object),
        "pipeline": pipeline,
        "options": {
            "target": list(options.targets),
            "confidence": options.confidence,
            "strategy": options.strategy,
            "threshold": options.threshold,
            "certificate": options.certificate,
            "gate": options.gate,
            "pipeline": options.pipeline,
            "guard": options.guard,
            "seed": options.seed,
            "promise": [asdict(name) for name in options.promises],
        },
        "typical_cost": fit.typical_cost,
        "n_features": list(fit.n_features),
        "uses_column": fit.uses_column,
        "trials": [_plain(asdict(trial)) for trial in fit.trials],
        "certificates": [_certificate_state(c) for c in router.certificates],
        "column_certificates": None
        if router.column_certificates is None
        else [_certificate_state(c) for c in router.column_certificates],
        "pooled": None
        if fit.pooled is None
        else {"cut": fit.pooled.cut, "weights": [p.weights.tolist() for p in fit.pooled.pools]},
    }
    return content, arrays


def router_from_state(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Router:
    """A router from what :func:`router_state` gave.

    Raises
    ------
    InvalidInput
        Something is missing, is not what it should be, or does not fit together.
    """
    check_content(content, ROUTER)
    try:
        # Numbers out of all proportion give infinite outputs, not a page of warnings.
        with np.errstate(all="ignore"):
            router = _router(content, arrays)
    except InvalidInput:
        raise
    except MISFITS as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InvalidInput(f"the saved router is incomplete ({why}); save it again") from error
    again, its = router_state(router)
    if again != content or set(its) != set(arrays):
        raise incoherent("it holds more than such a router has")
    return router


def _router(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Router:
    labels = content["classes"]
    classes = label_array(labels, as_objects=content["classes_are_objects"])
    widths = tuple(content["n_features"])
    axes = arrays.get("axes/dense")
    n_axes = None if axes is None else axes.shape[-1]
    check_sizes(content["pipeline"], widths, len(labels), n_axes)
    pipeline = _pipeline(content["pipeline"], arrays, labels)
    rules = [stage.rule for stage in pipeline.stages]
    if None in rules and any(rules):
        raise incoherent("one stage that gives one label and one that gives several")
    is_sparse = any(name.endswith("indptr") for name in arrays)
    check_shapes(pipeline, widths, len(labels), is_sparse=is_sparse)
    none = np.empty(0, dtype=np.intp)
    asked = tuple(PromiseName(**name) for name in content["options"]["promise"])
    options = make_options(**{**content["options"], "promise": asked})
    fit = SurrogateFit(
        pipeline=pipeline,
        classes=classes,
        fit_rows=none,
        calibration_rows=none,
        set_aside=none,
        pilot_rows=none,
        pilot=Pilot(np.empty(0), np.empty(0, dtype=bool)),
        left_out=None,
        options=options,
        costs=None,
        typical_cost=float(content["typical_cost"]),
        n_features=widths,
        uses_column=content["uses_column"],
        trials=tuple(Trial(**_numbers(t)) for t in content["trials"]),
        sets=None if rules[0] is None else rules[0].sets,
        pooled=_pooled(content["pooled"]),
    )
    about_new = tuple(map(_certificate, content["certificates"]))
    check_certificates(about_new, options, labels, column=False)
    about_column = None
    if content["column_certificates"] is not None:
        about_column = tuple(map(_certificate, content["column_certificates"]))
        check_certificates(about_column, options, labels, column=True)
    frontier = Frontier(**{f.name: arrays[f"frontier/{f.name}"] for f in fields(Frontier)})
    check_frontier(frontier, about_new[0].n_calibration)
    return Router(fit, about_new, about_column, frontier)


def _pooled(content: Mapping[str, Any] | None) -> Pooled | None:
    if content is None:
        return None
    weights = content["weights"]
    if [len(each) for each in weights] != list(range(2, 2 + len(weights))):
        raise incoherent("weights of a chain that are not one more for each stage")
    pools = tuple(Pool(np.array(each, dtype=np.float64)) for each in weights)
    return Pooled(tuple(range(len(weights) - 1)), float(content["cut"]), pools)


def _pipeline_state(pipeline: Pipeline) -> tuple[dict[str, Any], Arrays]:
    arrays: Arrays = {}
    stages = []
    for i, stage in enumerate(pipeline.stages):
        model, model_arrays = stage.model.state()
        gate, gate_arrays = stage.gate.state()
        arrays |= under(f"stage{i}/model/", model_arrays)
        arrays |= under(f"stage{i}/gate/", gate_arrays)
        kinds = {"model_kind": stage.model.kind, "gate_kind": stage.gate.kind}
        rule = None
        if stage.rule is not None:
            rule, rule_arrays = stage.rule.state()
            arrays |= under(f"stage{i}/rule/", rule_arrays)
        stages.append({"name": stage.name, **kinds, "model": model, "gate": gate, "rule": rule})
    view, guard = pipeline.view, pipeline.guard
    if view.smoothing is not None:
        arrays |= under("view/", pack_matrix(view.smoothing.reference))
    if (axes := view.unsmoothed.axes) is not None:
        arrays |= under("axes/", pack_matrix(axes))
    if guard is not None and guard.landmarks is not None:
        arrays |= under("guard/", pack_matrix(guard.landmarks))
    return {
        "view": {
            "name": view.name,
            "weights": list(view.weights),
            "sharpness": None if view.smoothing is None else view.smoothing.sharpness,
        },
        "stages": stages,
        "switch": pipeline.switch,
        "guard": None if guard is None else guard.limit,
        "guard_new": guard.new_limit if guard and math.isfinite(guard.new_limit) else None,
    }, arrays


def _pipeline(
    content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], labels: list[Any]
) -> Pipeline:
    about = content["view"]
    smoothing, found = None, part_of(arrays, "axes/")
    axes = unpack_matrix(found) if found else None
    if about["sharpness"] is not None:
        reference = unpack_matrix(part_of(arrays, "view/"))
        smoothing, axes = Smoothing(reference, float(about["sharpness"]), axes), None
    guard = None
    if content["guard"] is not None:
        landmarks = part_of(arrays, "guard/")
        nearest, new = unpack_matrix(landmarks) if landmarks else None, content["guard_new"]
        guard = Guard(nearest, float(content["guard"]), -math.inf if new is None else float(new))
    stages = []
    for i, stage in enumerate(content["stages"]):
        model_kind, gate_kind = stage["model_kind"], stage["gate_kind"]
        if model_kind not in MODELS or gate_kind not in _GATES:
            raise InvalidInput(
                f"the file holds a surrogate or gate that this version does not know: "
                f"{model_kind!r}, {gate_kind!r}; update tracer_nb, or fit and save again"
            )
        model = MODELS[model_kind].from_state(stage["model"], part_of(arrays, f"stage{i}/model/"))
        gate = _GATES[gate_kind].from_state(stage["gate"], part_of(arrays, f"stage{i}/gate/"))
        rule = None
        if stage["rule"] is not None:
            rule = SetRule.from_state(labels, stage["rule"], part_of(arrays, f"stage{i}/rule/"))
        stages.append(Stage(str(stage["name"]), model, gate, rule))
    weights = tuple(float(w) for w in about["weights"])
    view = View(str(about["name"]), weights, smoothing, axes)
    return Pipeline(view, tuple(stages), float(content["switch"]), guard)


def _certificate_state(certificate: Certificate) -> dict[str, Any]:
    # The file says once, for all of them, where they come from.
    also = [_certificate_state(one) for one in certificate.also]
    values = _plain(asdict(replace(certificate, origin=None, also=())))
    return {name: value for name, value in values.items() if name != "origin"} | {"also": also}


def _certificate(content: Mapping[str, Any]) -> Certificate:
    values = _numbers(content)
    values["settings"] = tuple(Setting(**_numbers(s)) for s in values["settings"])
    values["classes"] = tuple(ClassCertificate(**_numbers(c)) for c in values["classes"])
    values["promise"] = PromiseName(**values["promise"])
    values["also"] = tuple(_certificate(one) for one in values["also"])
    return Certificate(**values)


def _plain(value: Any) -> Any:
    """JSON values; the numbers that it does not know as words."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The words back as numbers, but in the fields that hold text."""
    texts = ("label", "name", "view", "gate", "settings", "method", "note", "strategy", "skipped")
    return {
        k: _WORDS[v] if k not in texts and isinstance(v, str) and v in _WORDS else v
        for k, v in values.items()
    }
