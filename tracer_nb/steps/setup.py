"""What a job is set to: checked before anything is asked or paid."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from tracer_nb.engine.features import make_features
from tracer_nb.engine.options import make_options
from tracer_nb.labelset import check_prompt, clean_labels, explain_labels, readable_labels
from tracer_nb.steps.audit.auditor import Auditor
from tracer_nb.steps.column.features import ready_matrix
from tracer_nb.steps.label.asker import Asker, Shelf
from tracer_nb.steps.label.costs import check_latency_weight
from tracer_nb.steps.label.reject import make_reject_option
from tracer_nb.steps.review.sitting import reviewed_examples
from tracer_nb.steps.state import Setup
from tracer_nb.store import ReviewStore
from tracer_nb.teachers import make_teacher

__all__ = ["make_setup"]


def make_setup(
    teacher: Any,
    labels: Iterable[str] | None,
    prompt: str,
    *,
    choices: Mapping[str, Any],
    features: Any,
    latency_weight: float,
    reject: tuple[Any, Any],
    store: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> Setup:
    """Check what :class:`tracer_nb.Tracer` was given, and make the job's tools.

    Parameters
    ----------
    teacher, labels, prompt, features, latency_weight, store
        As there.
    choices : mapping
        Keywords of the engine's options.
    reject : tuple
        ``abstain_unlike`` and ``abstain_unsure``.
    options : mapping
        Of the teacher.

    Raises
    ------
    InvalidInput
        Something cannot be used.
    """
    checked = make_options(**choices)
    weight = check_latency_weight(latency_weight)
    named = features is None or isinstance(features, str) or callable(features)
    matrix = None if named else ready_matrix(features)
    made_by = make_features(features, seed=choices["seed"]) if named else None
    names = None if labels is None else clean_labels(labels)
    said = check_prompt(prompt)
    if isinstance(labels, Mapping):
        said = explain_labels(labels, said)
    meanings = labels if isinstance(labels, Mapping) else None
    reviews, of_teacher = ReviewStore(store), dict(options)
    if isinstance(of_teacher.get("examples"), str):
        of_teacher["examples"] = reviewed_examples(reviews, names, of_teacher["examples"])
    asked = make_teacher(teacher, names, said, **of_teacher)
    shelf = Shelf(store)
    return Setup(
        choices=choices,
        options=checked,
        latency_weight=weight,
        features=made_by,
        matrix=matrix,
        prompt=said,
        label_texts=readable_labels(asked.labels, meanings),
        named=tuple(getattr(asked, "columns", ())),
        reject=make_reject_option(*reject, guard=checked.guard, teacher=asked),
        teacher=asked,
        shelf=shelf,
        asker=Asker(asked, shelf),
        again=Asker(asked, shelf, again=True),
        auditor=Auditor(shelf),
        reviews=reviews,
    )
