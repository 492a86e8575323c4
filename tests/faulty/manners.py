"""A labelling against every manner of a server: what it asks, labels, books, and says."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty.world import PRICE, billed, labels_of, make_table, short_pauses, stored, teacher_at
from tracer_nb.errors import TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.standin import StandIn, serve
from tracer_nb.standin.manners import MANNERS, Manner
from tracer_nb.store import LabelStore

CAP = 5.0


@dataclass(frozen=True)
class Mannered:
    """What came of one labelling.

    Attributes
    ----------
    met : mapping
        How many requests met each manner.
    n_labelled, n_expected : int
        Texts with a label; those that should have one, by the line of the table.
    wrong : mapping
        Texts with another label than the table's, and it.
    n_distributions : int
        Labels that came with a distribution.
    paid, billed : float
        Dollars by the books, and by what the server really used.
    stored : mapping of str to Answer
        What is in the store.
    strayed : int
        Requests that went to another server.
    said : tuple of str
        What the person reads, line by line: an error, why the run stopped, why rows have no
        label, and warnings.
    """

    manner: str
    n_texts: int
    requests: int
    met: Mapping[str, int]
    n_labelled: int
    n_expected: int
    wrong: Mapping[str, str]
    n_distributions: int
    counted: bool
    paid: float
    billed: float
    stored: Mapping[str, Answer]
    strayed: int
    said: tuple[str, ...]


def expected(manner: Manner, texts: Sequence[str]) -> list[str]:
    """Texts that should have a label in the end."""
    if manner.ends in ("none", "stops"):
        return []
    if manner.ends == "some":
        return [text for text in texts if not manner.meets(0, text, 0)]
    return list(texts)


def survive_manner(name: str, path: Path, n: int, **options: Any) -> Mannered:
    """Label ``n`` texts at a server with a manner; ``options`` are the teacher's."""
    table = make_table(n)
    with serve(table, manners=name) as server:
        return survive(MANNERS[name], server, table, path, **options)


def survive(
    manner: Manner,
    server: StandIn,
    table: Mapping[str, str],
    path: Path,
    *,
    max_cost: float | None = CAP,
    **options: Any,
) -> Mannered:
    """Label a table at a server; what is in the store before counts as asked and paid."""
    answers: Mapping[str, Answer] = {}
    said: list[str] = []
    paid = 0.0
    with short_pauses(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        teacher = teacher_at(server.base_url, **{"max_retries": 3, **options})
        try:
            with LabelStore(path) as store:
                run = run_labels(teacher, table, store=store, max_cost=max_cost)
        except TeacherError as error:
            said.append(str(error))
        else:
            answers, paid = run.answers, run.spending.cost or 0.0
            said += [run.stopped] if run.stopped else []
    said += [f"{count} {reason}" for reason, count in _reasons(answers).most_common()]
    said += [str(warning.message) for warning in warned]
    return Mannered(
        manner=manner.name,
        n_texts=len(table),
        requests=server.requests,
        met=server.met(),
        n_labelled=len(labels_of(answers)),
        n_expected=len(expected(manner, list(table))),
        wrong={t: label for t, label in labels_of(answers).items() if label != table[t]},
        n_distributions=sum(a.probabilities is not None for a in answers.values()),
        counted=all(a.counted for a in answers.values()),
        paid=paid,
        billed=billed(server),
        stored=stored(path),
        strayed=len(server.elsewhere.strayed),
        said=tuple(said),
    )


def _reasons(answers: Mapping[str, Answer]) -> Counter[str]:
    return Counter(a.reason or "no reason" for a in answers.values() if a.label is None)


__all__ = ["CAP", "PRICE", "Mannered", "expected", "survive", "survive_manner"]
