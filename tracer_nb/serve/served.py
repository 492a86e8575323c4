"""One router as it is served: rows in, one prediction a row out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer_nb.records import Answer, Certificate, Prediction, RejectOption, Routing
from tracer_nb.serve.teaching import Teaching, Teachings
from tracer_nb.serve.wire import Rows
from tracer_nb.steps.audit.auditor import deferring
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.reject import deferred_texts
from tracer_nb.steps.route.onerow import Decided, no_texts, predictions
from tracer_nb.steps.route.outcome import SURROGATE, UNASKED, Why
from tracer_nb.steps.route.saved import SavedRouter, load
from tracer_nb.store.rows import utc_now

__all__ = ["Said", "Served", "answered", "load_served"]

_VECTOR = "not asked: the teacher reads texts, and there is a vector alone"


class Said(NamedTuple):
    """What is said of a row.

    Attributes
    ----------
    prediction : Prediction
    ask : str or None
        What the teacher is to be asked about, where it is.
    handled : tuple of (str, str), or None
        The text and the surrogate's label, where the surrogate may answer: also where the teacher
        was asked before, or what is audited would be no random part.
    """

    prediction: Prediction
    ask: str | None = None
    handled: tuple[str, str] | None = None


class Served:
    """A router from a file.

    Parameters
    ----------
    name : str
    saved : SavedRouter
    digest : str
        The first 16 hexadecimal digits of the file's SHA-256.
    teaching : Teaching or None
        Who is asked about deferred rows, and about a few of the others.

    Attributes
    ----------
    force : (Certificate, bool)
        The certificate to go by, and whether an alarm of audits defers every row.
    since : str
        When it was loaded.
    """

    def __init__(
        self, name: str, saved: SavedRouter, digest: str, teaching: Teaching | None
    ) -> None:
        self.name, self.saved, self.digest, self.teaching = name, saved, digest, teaching
        self.since = utc_now()
        self.force: tuple[Certificate, bool] = saved.in_force
        self._is_plain = saved.router.fit.options.strategy != "cost-aware"

    def retire(self) -> None:
        """Another one has taken its place; who still asks it is answered."""
        if self.teaching is not None:
            self.teaching.close()

    @property
    def width(self) -> int | None:
        """Numbers of a vector; None where there are several blocks of features."""
        widths = self.saved.router.fit.n_features
        return widths[0] if len(widths) == 1 else None

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that the prompt names."""
        return tuple(self.saved.about.get("columns", ()))

    def look(self) -> None:
        """Heed audits that were made since, here or elsewhere with the same store."""
        self.force = self.saved.in_force

    def about(self) -> dict[str, Any]:
        """What a health check shows."""
        certificate, alarm = self.force
        return {
            "file": self.digest,
            "since": self.since,
            "target": certificate.target,
            "certified": certificate.certified,
            "coverage": certificate.coverage,
            "alarm": alarm,
            "labels": len(self.saved.about["labels"]),
            "vector": self.width,
        }

    def certificate(self) -> dict[str, Any]:
        """What is promised of new rows."""
        return self.force[0].to_dict()

    def decide_vectors(self, X: NDArray[np.float32]) -> list[Said]:
        """Of vectors (n, d) without texts."""
        certificate, alarm = self.force
        if not self._is_plain:
            return [Said(p) for p in self.saved.predict_batch(X)]
        router, reject = self.saved.router, self.saved.reject
        # As predict_batch does, but for what a request's body was checked for already.
        routing = router.decide(router.fit.pipeline.predict([X]), certificate, None)
        why = self.saved.why(certificate, alarm=alarm)
        routing = deferring(routing) if alarm else routing
        if len(X) == 1 and routing.handled[0]:  # nearly always
            label, score = str(routing.labels[0]), float(routing.scores[0])
            return [Said(Prediction(label, SURROGATE, score, why.handled))]
        unasked = UNASKED if self.teaching is None else _VECTOR
        decided = Decided(no_texts(len(X)), routing, {}, why, reject, unasked)
        return [Said(prediction) for prediction in predictions(decided.outcome())]

    def decide(self, rows: Rows) -> list[Said]:
        """Of any rows; one call at a time.

        Raises
        ------
        InvalidInput
            The router cannot take such rows.
        """
        if rows.texts is None:
            assert rows.vectors is not None  # noqa: S101  one of both is there
            return self.decide_vectors(rows.vectors)
        before = self.saved.in_force
        decided = self.saved.decide_batch(list(rows.texts), features=rows.vectors, table=rows.table)
        said = predictions(decided.outcome())
        if self.teaching is None:
            return [Said(prediction) for prediction in said]
        found = list(_with_texts(decided, said))
        if self.saved.in_force == before:
            self.teaching.watch(before[0], [one.handled for one in found if one.handled])
        return found


def _with_texts(decided: Decided, said: Iterable[Prediction]) -> Iterator[Said]:
    """With what the teacher is to be asked about, and what the surrogate answers."""
    texts = decided.texts
    asked = set(deferred_texts(texts, decided.routing, decided.known, decided.reject))
    for prediction, code in zip(said, texts.codes.tolist(), strict=True):
        text = texts.unique[code] if code >= 0 else None
        handled = None
        if text is not None and decided.routing.handled[code]:
            handled = text, str(decided.routing.labels[code])
        yield Said(prediction, text if text in asked else None, handled)


def answered(prediction: Prediction, text: str, answer: Answer, reject: RejectOption) -> Prediction:
    """A deferred row's prediction, now that the teacher has answered.

    Parameters
    ----------
    prediction : Prediction
        What was said before.
    text : str
    answer : Answer
    reject : RejectOption
    """
    routing = Routing(
        handled=np.zeros(1, dtype=bool),
        labels=np.array([prediction.label], dtype=object),
        scores=np.array([prediction.score], dtype=np.float64),
        far=np.zeros(1, dtype=bool),
    )
    texts = Texts((text,), np.zeros(1, dtype=np.intp), {})
    why = Why("", Why.answered_later(prediction.reason))
    return Decided(texts, routing, {}, why, reject).one(answer)


def load_served(
    name: str, path: Path, teachings: Teachings | None = None, *, store: Any = None
) -> Served:
    """A router from its file.

    Parameters
    ----------
    name : str
    path : path
    teachings : Teachings, optional
        Whoever is asked about deferred rows.
    store : path, optional
        Whose audits are heeded where nobody is asked.

    Raises
    ------
    TracerError
        It cannot be loaded, or its teacher cannot be asked.
    """
    saved = load(path, store=store) if teachings is None else load(path, **teachings.options)
    teaching = None if teachings is None else teachings.of(saved)
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    served = Served(name, saved, digest, teaching)
    if served.width is not None:  # what a first request would wait for
        served.decide_vectors(np.zeros((2, served.width), dtype=np.float32))
    return served
