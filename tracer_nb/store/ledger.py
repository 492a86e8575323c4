"""What a label store holds: sets of answers, and the runs that brought them, with their cost.

Which models gave them, how two sets differ on the texts that both have, and all of it as tables.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, AnswerRun, AnswerSet, Comparison
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import is_again, is_replaced
from tracer_nb.store.tables import Written, write_table

__all__ = [
    "EXPORT_COLUMNS",
    "KEY_LENGTH",
    "answer_runs",
    "answer_sets",
    "compare_sets",
    "count_models",
    "export_answers",
    "find_set",
    "model_counts",
    "set_labels",
    "set_name",
]


# Parts the names in an answer that votes of several models made.
_BETWEEN = " / "


def count_models(answers: Iterable[Answer]) -> tuple[tuple[str, int], ...]:
    """Number of answers by the name of the model that gave them, most first.

    Answers of which nobody knows the model are not counted; one that votes of several models
    made counts for each.

    Examples
    --------
    >>> count_models([Answer("a", model="m-1"), Answer("a", model="m-2"), Answer("b", model="m-2")])
    (('m-2', 2), ('m-1', 1))
    """
    return model_counts((answer.model, 1) for answer in answers)


def model_counts(named: Iterable[tuple[str | None, int]]) -> tuple[tuple[str, int], ...]:
    """The same from names as they are stored, each with its number of answers."""
    counts = Counter[str]()
    for name, n in named:
        if name:
            for part in name.split(_BETWEEN):
                counts[part] += n
    return tuple(counts.most_common())


KEY_LENGTH = 8
"""Digits of an address that name a set of answers."""

_SUMS = (
    "count(*), sum(label IS NULL), sum(prompt_tokens), sum(completion_tokens), total(cost), "
    "sum(cost IS NULL), avg(seconds), max(created_at)"
)


def answer_sets(store: LabelStore) -> tuple[AnswerSet, ...]:
    """The sets of answers in a store, the one with the latest answer first.

    A set is what one teacher with one prompt, label set and parameters has answered.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    known = dict(store.identities())
    named: dict[str, list[tuple[str | None, int]]] = {}
    for identity_id, model, n in store.select(
        "SELECT identity_id, model, count(*) FROM answers GROUP BY identity_id, model"
    ):
        named.setdefault(identity_id, []).append((model, n))
    sets = [
        AnswerSet(
            key=identity_id[:KEY_LENGTH],
            teacher=set_name(known[identity_id]),
            prompt=str(known[identity_id].get("prompt", "")),
            n_labels=len(known[identity_id].get("labels", ())),
            n_runs=n_runs,
            first=first,
            models=model_counts(named[identity_id]),
            joint="members" in known[identity_id],
            **_sums(sums),
        )
        for identity_id, n_runs, first, *sums in store.select(
            f"SELECT identity_id, count(DISTINCT run_id), min(created_at), {_SUMS} "  # noqa: S608
            "FROM answers GROUP BY identity_id"
        )
    ]
    return tuple(sorted(sets, key=lambda s: s.last, reverse=True))


def answer_runs(store: LabelStore, key: str) -> tuple[AnswerRun, ...]:
    """The runs that brought a set's answers, the latest first.

    Raises
    ------
    InvalidInput
        No such set.
    StoreError
        The file cannot be read.
    """
    identity_id, _ = find_set(store, key)
    return tuple(
        AnswerRun(began=began, elapsed=elapsed, **_sums(sums))
        for began, elapsed, *sums in store.select(
            "SELECT began_at, (julianday(max(created_at)) - julianday(began_at)) * 86400, "  # noqa: S608
            f"{_SUMS} FROM answers JOIN runs ON runs.id = run_id WHERE answers.identity_id = ? "
            "GROUP BY run_id ORDER BY run_id DESC",
            [identity_id],
        )
    )


def set_labels(store: LabelStore, key: str) -> tuple[str, dict[str, str]]:
    """The teacher of a set of answers, and the label of every text that has one.

    Raises
    ------
    InvalidInput
        Not the key of a set, nor the beginning of one.
    StoreError
        The file cannot be read.
    """
    identity_id, identity = find_set(store, key)
    answers = store.answers_of(identity_id)
    return set_name(identity), {text: a.label for text, a, _ in answers if a.label is not None}


def find_set(store: LabelStore, key: str) -> tuple[str, Mapping[str, Any]]:
    """Address and identity of the set that a key, or the beginning of one, names.

    Raises
    ------
    InvalidInput
        There is none, or more than one.
    StoreError
        The file cannot be read.
    """
    found = [(i, identity) for i, identity in store.identities() if i.startswith(key)]
    if len(found) == 1:
        return found[0]
    known = [i[:KEY_LENGTH] for i, _ in store.identities()]
    if found:
        raise InvalidInput(f"{len(found)} sets begin with {key!r}; write more of its key")
    raise InvalidInput.unknown_name("set of answers", key, known)


def set_name(identity: Mapping[str, Any]) -> str:
    """What to call the teacher of a set."""
    name = str(identity.get("model") or identity.get("name") or identity.get("teacher") or "?")
    if is_replaced(identity):
        return f"{name}, replaced"
    return f"{name}, asked again" if is_again(identity) else name


def _sums(row: list[Any]) -> dict[str, Any]:
    n, n_missing, prompt_tokens, completion_tokens, cost, n_unpriced, seconds, last = row
    return {
        "n_answers": n,
        "n_missing": n_missing,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "cost": None if n_unpriced else cost,
        "seconds": seconds,
        "last": last,
    }


_EXAMPLES = 20
_CONFIDENCE = 0.95
_SHARED = (
    "FROM answers AS one JOIN answers AS two ON two.text_id = one.text_id "
    "WHERE one.identity_id = ? AND two.identity_id = ? "
    "AND one.label IS NOT NULL AND two.label IS NOT NULL"
)


def compare_sets(store: LabelStore, key: str, other: str) -> Comparison:
    """Two teachers, or two prompts, on the texts that both have labelled.

    Parameters
    ----------
    store : LabelStore
    key, other : str
        Keys of two sets, or the beginnings of them.

    Raises
    ------
    InvalidInput
        Not such a key, twice the same, or no text that both answered with a label.
    StoreError
        The file cannot be read.
    """
    ids, names = [], []
    for name in (key, other):
        identity_id, identity = find_set(store, name)
        ids.append(identity_id)
        names.append(set_name(identity))
    if ids[0] == ids[1]:
        raise InvalidInput(f"{key!r} and {other!r} are one and the same set; name two")
    if names[0] == names[1]:  # two prompts of one model, say
        names = [f"{n} ({i[:KEY_LENGTH]})" for n, i in zip(names, ids, strict=True)]
    pairs = store.select(
        "SELECT one.label, two.label, count(*), total(one.cost), total(two.cost), "
        f"sum(one.cost IS NULL), sum(two.cost IS NULL) {_SHARED} "
        "GROUP BY one.label, two.label ORDER BY count(*) DESC, one.label, two.label",
        ids,
    )
    n = sum(row[2] for row in pairs)
    if not n:
        raise InvalidInput(
            f"sets {key!r} and {other!r} share no labelled text; label the same rows with both"
        )
    n_agree = sum(row[2] for row in pairs if row[0] == row[1])
    low, high = _interval(n_agree, n)
    differ = store.select(
        f"SELECT one.text, one.label, two.label {_SHARED} AND one.label <> two.label LIMIT ?",
        [*ids, _EXAMPLES],
    )
    return Comparison(
        teachers=(names[0], names[1]),
        n_shared=n,
        n_agree=n_agree,
        agreement_low=low,
        agreement_high=high,
        confidence=_CONFIDENCE,
        costs=(_cost(pairs, 3, 5), _cost(pairs, 4, 6)),
        pairs=tuple((row[0], row[1], row[2]) for row in pairs if row[0] != row[1])[:_EXAMPLES],
        disagreements=tuple((text, a, b) for text, a, b in differ),
    )


def _cost(pairs: list[tuple[Any, ...]], cost: int, n_unpriced: int) -> float | None:
    if any(row[n_unpriced] for row in pairs):
        return None
    return sum(float(row[cost]) for row in pairs)


def _interval(n_agree: int, n: int) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval."""
    from scipy.stats import binomtest  # noqa: PLC0415  slow to import

    found = binomtest(n_agree, n).proportion_ci(_CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


EXPORT_COLUMNS = (
    *("set", "teacher", "text", "label", "reason", "mode", "probabilities"),
    *(
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "seconds",
        "model",
        "explanation",
        "answered_at",
    ),
)
_KINDS = {"prompt_tokens": int, "completion_tokens": int, "cost": float, "seconds": float}


def export_answers(
    store: LabelStore,
    path: str | os.PathLike[str],
    key: str | None = None,
    *,
    escape: bool = False,
) -> Written:
    """Write answers to a CSV or Parquet file, a part at a time.

    Parameters
    ----------
    store : LabelStore
    path : path-like
        Ends in .csv or .parquet.
    key : str, optional
        One set; by default all.
    escape : bool, default False
        As in :func:`write_table`.

    Raises
    ------
    InvalidInput
        Another ending, an unknown key, or a file that cannot be written.
    MissingExtra
        Parquet without pyarrow.
    StoreError
        The store cannot be read.
    """
    ids = [find_set(store, key)] if key else store.identities()
    rows = (
        {"set": i[:KEY_LENGTH], "teacher": set_name(identity), **row}
        for i, identity in ids
        for row in _answers(store, i)
    )
    return write_table(path, EXPORT_COLUMNS, rows, _KINDS, escape=escape)


def _answers(store: LabelStore, identity_id: str) -> Iterator[dict[str, Any]]:
    for text, answer, answered_at in store.answers_of(identity_id):
        probabilities = answer.probabilities
        yield {
            "text": text,
            "label": answer.label,
            "reason": answer.reason,
            "mode": answer.mode,
            "probabilities": None if probabilities is None else json.dumps(dict(probabilities)),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "cost": answer.cost,
            "seconds": answer.seconds,
            "model": answer.model,
            "explanation": answer.explanation,
            "answered_at": answered_at,
        }
