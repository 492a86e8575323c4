"""Where certificates come from, written on each when it is made, and read again from a file."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any

import narwhals as nw
import numpy as np
import scipy
import sklearn

from tracer_nb import __version__
from tracer_nb.draws import TEST, Draw
from tracer_nb.engine import Router
from tracer_nb.errors import StoreError
from tracer_nb.labelsets import sets_of
from tracer_nb.records import Certificate, Origin, Spent
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.state import JobState
from tracer_nb.store.ledger import count_models
from tracer_nb.store.rows import text_address
from tracer_nb.teachers import ReplayTeacher
from tracer_nb.teachers.server import redact

__all__ = [
    "about_origin",
    "assumption_of",
    "certificates_of",
    "origin_from",
    "signed",
    "with_origin",
]


def signed(state: JobState, *, features: str, exact: bool) -> JobState:
    """The state whose certificates say where they come from; those that say so already stay.

    Parameters
    ----------
    state : JobState
        Certified.
    features : str
        Names of those that are used.
    exact : bool
        They saw no calibration row.
    """
    certified, fitted = state.in_force(), state.fitted
    texts, labels = state.labelled()
    assert state.column is not None and fitted is not None  # noqa: S101, PT018  it is certified
    setup = state.setup
    teacher, prompt = setup.teacher, setup.prompt
    origin = Origin(
        teacher=teacher.name,
        labels=sets_of(teacher.labels) or tuple(map(str, teacher.labels)),
        models=_models(state, {texts.unique[code] for code in texts.codes[labels.rows].tolist()}),
        note=str(getattr(teacher, "note", "")),
        prompt=redact(prompt) if prompt else "",
        prompt_sha256=_sha256(prompt) if prompt else "",
        column=_name(state.column.source),
        columns=setup.named,
        n_rows=texts.n_rows,
        n_texts=len(texts.unique),
        data_sha256=_fingerprint(texts),
        features=features,
        surrogate=fitted.pipeline.name,
        seed=setup.options.seed,
        assumption=assumption_of(state),
        exact=exact,
        tests=_tests(state.draws),
        versions=_versions(),
        made=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    return replace(
        state, certified=replace(certified, router=with_origin(certified.router, origin))
    )


def with_origin(router: Router, origin: Origin) -> Router:
    """The router with certificates that have an origin.

    One that has it already was made in an earlier round; it learns of the tests since.
    """

    def among(certificates: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
        return tuple(
            replace(c, origin=origin if c.origin is None else replace(c.origin, tests=origin.tests))
            for c in certificates
        )

    column = router.column_certificates
    return replace(
        router,
        certificates=among(router.certificates),
        column_certificates=None if column is None else among(column),
    )


def certificates_of(router: Router) -> tuple[Certificate, tuple[Certificate, ...]]:
    """That for new rows at the main target, and all others."""
    first, *others = router.certificates
    return first, (*others, *(router.column_certificates or ()))


def assumption_of(state: JobState) -> str:
    """Under which the promise is worded: where not all rows of the column are recorded."""
    teacher, column = state.setup.teacher, state.column
    texts = () if column is None else column.texts.unique
    if texts and isinstance(teacher, ReplayTeacher) and all(map(teacher.knows, texts)):
        return ""
    return str(getattr(teacher, "assumption", ""))


_APART = ("teacher", "labels", "prompt", "columns", "assumption", "exact", "seed", "versions")
_PAIRS = ("models", "tests")


def about_origin(origin: Origin) -> dict[str, Any]:
    """What a file says of an origin, besides what it says of its teacher and its fit anyway."""
    told = {name: value for name, value in asdict(origin).items() if name not in _APART}
    told["models"] = [{"name": name, "n_answers": n} for name, n in origin.models]
    told["tests"] = [
        {**asdict(test), "looks": [{"n_rows": n, "error": error} for n, error in test.looks]}
        for test in origin.tests
    ]
    return told


def origin_from(about: Mapping[str, Any], seed: int) -> Origin:
    """The origin that a file tells of.

    Parameters
    ----------
    about : mapping
        As the schema has it; under ``origin`` what :func:`about_origin` gave.
    seed : int
        Of the fit.
    """
    rest = {name: value for name, value in about["origin"].items() if name not in _PAIRS}
    tests = [
        {**test, "looks": tuple((look["n_rows"], look["error"]) for look in test["looks"])}
        for test in about["origin"]["tests"]
    ]
    return Origin(
        **rest,
        teacher=about["teacher"],
        labels=sets_of(about["labels"]) or tuple(about["labels"]),
        models=tuple((model["name"], model["n_answers"]) for model in about["origin"]["models"]),
        prompt=redact(about["prompt"] or ""),
        columns=tuple(about["columns"]),
        assumption=about["assumption"],
        exact=about["exact"],
        seed=seed,
        tests=tuple(Spent(**test) for test in tests),
        versions=about["versions"],
    )


def _models(state: JobState, texts: Collection[str]) -> tuple[tuple[str, int], ...]:
    """Who answered, in this session or another one; what this one knows where the store fails."""
    asker = state.setup.asker
    try:
        return count_models(asker.known(texts).values())
    except StoreError:  # what was certified is worth more
        return count_models(asker.answers[text] for text in texts if text in asker.answers)


def _tests(draws: tuple[Draw, ...]) -> tuple[Spent, ...]:
    tests = [draw for draw in draws if draw.purpose == TEST]
    return tuple(
        Spent(
            i,
            len(draw.rows),
            draw.error,
            tuple((look.n_rows, look.error) for look in draw.looks if len(draw.looks) > 1),
        )
        for i, draw in enumerate(tests, start=1)
    )


def _name(column: Any) -> str:
    """What a column is called; empty where nobody says."""
    series = nw.from_native(column, series_only=True, pass_through=True)
    name = getattr(series, "name", None)
    return "" if name is None else str(name)


def _fingerprint(texts: Texts) -> str:
    """SHA-256 over that of each distinct text, and over the text that each row holds."""
    digest = hashlib.sha256()
    for text in texts.unique:
        digest.update(text_address(text).encode())
    digest.update(np.ascontiguousarray(texts.codes, dtype="<i8").tobytes())
    return digest.hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _versions() -> dict[str, str]:
    return {
        "tracer_nb": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
