"""What a job is set to: checked before anything is asked or paid."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from tracer_nb.engine.features import make_features
from tracer_nb.engine.options import Options, make_options
from tracer_nb.errors import InvalidInput
from tracer_nb.labelset import check_prompt, explain_labels, readable_labels
from tracer_nb.labelsets import sets_of
from tracer_nb.records import parse_promises
from tracer_nb.steps.audit.auditor import Auditor
from tracer_nb.steps.column.features import ready_matrix
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.costs import check_latency_weight
from tracer_nb.steps.label.reject import make_reject_option
from tracer_nb.steps.label.several import check_several, named_labels
from tracer_nb.steps.label.stages import make_stages
from tracer_nb.steps.review.sitting import reviewed_examples
from tracer_nb.steps.state import Setup
from tracer_nb.store import DrawStore, ReviewStore, Shelf, VectorCache
from tracer_nb.teachers import ReplayTeacher, make_teacher
from tracer_nb.teachers.base import check_whole

__all__ = ["LABELLINGS", "make_setup"]

LABELLINGS = ("hard-first", "random")
"""Ways to choose the rows that the teacher labels for the surrogate."""


def make_setup(
    teacher: Any,
    labels: Iterable[str] | None,
    prompt: str,
    *,
    choices: Mapping[str, Any],
    features: Any,
    latency_weight: float,
    reject: tuple[Any, Any],
    labelling: tuple[Any, Any],
    chain: Any = None,
    several: Any = None,
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
    labelling : tuple
        ``labelling`` and ``new_rows``.
    chain : sequence, or None
        Cheap teachers that are heard before ``teacher``.
    several : bool or str, or None
        How many labels a row may have, where not one.
    options : mapping
        Of the teacher.

    Raises
    ------
    InvalidInput
        Something cannot be used.
    """
    names = named_labels(labels, several, teacher)
    asked_for = parse_promises(choices.get("promise", "handled"), names)
    choices = {**choices, "promise": asked_for}
    checked = make_options(**choices)
    weight = check_latency_weight(latency_weight)
    named = features is None or isinstance(features, str) or callable(features)
    matrix = None if named else ready_matrix(features)
    reviews, shelf = ReviewStore(store), Shelf(store)
    memory = VectorCache(store) if shelf.is_file else None
    made_by = make_features(features, seed=choices["seed"], memory=memory) if named else None
    said = check_prompt(prompt)
    if isinstance(labels, Mapping):
        said = explain_labels(labels, said)
    meanings = labels if isinstance(labels, Mapping) else None
    of_teacher = dict(options)
    if isinstance(of_teacher.get("examples"), str):
        of_teacher["examples"] = reviewed_examples(reviews, names, of_teacher["examples"])
    asked = make_teacher(teacher, names, said, **of_teacher)
    parse_promises(asked_for, asked.labels)
    check_several(asked, checked, several, chain=chain)
    way, new_rows, why = _labelling(
        *labelling,
        checked,
        abstain_unlike=bool(reject[0]),
        sets=sets_of(asked.labels) is not None,
    )
    if chain is not None and checked.promised:
        raise InvalidInput(
            f"a chain is proved for promise 'handled', got {checked.promised!r}; leave one of them out"
        )
    stages = make_stages(chain, asked, said, options, shelf, labelling=way)
    stores = shelf.is_file and not isinstance(asked, ReplayTeacher)
    return Setup(
        choices=choices,
        options=checked,
        latency_weight=weight,
        features=made_by,
        matrix=matrix,
        prompt=said,
        label_texts=readable_labels(tuple(asked.labels), meanings),
        named=tuple(getattr(asked, "columns", ())),
        labelling=way,
        not_grown=why,
        new_rows=new_rows,
        reject=make_reject_option(*reject, guard=checked.guard, teacher=asked),
        teacher=asked,
        shelf=shelf,
        asker=Asker(asked, shelf, beside=[asker.teacher for asker in stages.askers]),
        again=Asker(asked, shelf, again=True),
        stages=stages,
        auditor=Auditor(shelf),
        reviews=reviews,
        drawn=DrawStore(shelf.open if stores else None),
    )


def _labelling(
    way: Any, new_rows: Any, options: Options, *, abstain_unlike: bool, sets: bool
) -> tuple[str, int | None, str]:
    """How rows are chosen, how many are set aside for a promise about new rows; why not hard ones.

    Where nobody says, hard rows come first if the promise that is wanted lets them.

    Raises
    ------
    InvalidInput
        Unknown, or what does not go with the promise that is wanted.
    """
    if way is not None and way not in LABELLINGS:
        raise InvalidInput.unknown_name("labelling", str(way), LABELLINGS)
    why = _only_random(options, abstain_unlike=abstain_unlike, sets=sets)
    if why and way == LABELLINGS[0]:
        raise InvalidInput(f"labelling {way!r} {why}; use 'random' with it")
    way, told = way or LABELLINGS[1 if why else 0], "" if way else why
    if new_rows is None:
        return way, None, told
    if way != LABELLINGS[0]:
        raise InvalidInput(
            f"new_rows are set aside by labelling 'hard-first', got {new_rows!r} with {way!r}, whose "
            "sample speaks for new rows anyway; leave it out"
            + (f" (hard-first {why})" if why else "")
        )
    check_whole(0, new_rows=new_rows)
    return way, int(new_rows), told


def _only_random(options: Options, *, abstain_unlike: bool, sets: bool) -> str:
    """Why rows cannot be chosen for what is wanted; empty where they can."""
    if options.certificate != "held-out":
        return f"tests one promise over all labels, not certificate {options.certificate!r}"
    if options.strategy != "adaptive-threshold":
        return f"grows until the rest can be certified, and knows no strategy {options.strategy!r}"
    if options.pipeline == "accept-all":
        return "tests the surest rows first, and pipeline 'accept-all' knows none"
    if len(options.targets) > 1:
        return f"grows for one target, got {len(options.targets)}"
    if sets and any(name.label is not None for name in options.promises):
        return f"looks for rows with one label each, not for {options.promised!r} among several"
    asks = "asks about rows unlike the others first, and abstain_unlike asks about none of them"
    return asks if abstain_unlike else ""
