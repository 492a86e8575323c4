"""What a label store holds: sets of answers, and the runs that brought them, with their cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import AnswerRun, AnswerSet
from tracer_nb.teachers.models import model_counts
from tracer_nb.teachers.rows import is_again, is_replaced
from tracer_nb.teachers.store import LabelStore

__all__ = ["KEY_LENGTH", "answer_runs", "answer_sets", "find_set", "set_labels", "set_name"]

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
