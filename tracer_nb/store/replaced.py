"""Stored answers that others take the place of.

Some no longer apply, because prompt, label set or model are others now. One without a label
gives way to a later one, and stays in the books.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from tracer_nb.labelsets import numbers_of
from tracer_nb.records import Answer, Superseded
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import (
    identity_address,
    is_again,
    is_replaced,
    missing_identity,
    plain_identity,
    replaced_identity,
    text_address,
)

__all__ = ["find_superseded", "replace_missing", "superseded_in_run"]


# Parts of an identity that a user would name; what is not here is "setting".
_NAMES = {
    "prompt": "prompt",
    "labels": "label set",
    "teacher": "model",
    "model": "model",
    "name": "model",
    "server": "server",
    "function": "function",
    "code": "function",
    "reasons": "setting of reasons",
}
_ORDER = (
    "prompt",
    "label set",
    "model",
    "server",
    "function",
    "setting of reasons",
    "setting",
)


def find_superseded(
    store: LabelStore,
    identity: Mapping[str, Any],
    texts: Iterable[str],
    beside: Collection[Mapping[str, Any]] = (),
) -> Superseded:
    """Count stored answers to ``texts`` that other teachers, prompts or label sets gave.

    Texts that this teacher has answered itself do not count.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher that is to be asked.
    texts : iterable of str
    beside : collection of mapping
        Others that are asked about the same texts: theirs are no old answers.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    own = identity_address(identity)[0]
    rows = store.select_for(
        "SELECT identity_id, count(*) FROM answers AS old WHERE identity_id <> ? AND NOT EXISTS "
        "(SELECT 1 FROM answers WHERE identity_id = ? AND text_id = old.text_id) AND text_id IN ",
        [own, own],
        dict.fromkeys(map(text_address, texts)),
        " GROUP BY identity_id",
    )
    return _told(store, identity, rows, beside)


def superseded_in_run(
    store: LabelStore, identity: Mapping[str, Any], beside: Collection[Mapping[str, Any]] = ()
) -> Superseded:
    """Count stored answers of others to the texts that the run now in ``store`` has answered.

    ``beside`` is that of :func:`find_superseded`. It takes no time when everything was stored already, however much it is.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    run = store.run_of(identity)
    if run is None:
        return Superseded()
    own = identity_address(identity)[0]
    rows = store.select(
        "SELECT identity_id, count(*) FROM answers WHERE identity_id <> ? AND text_id IN "
        "(SELECT text_id FROM answers WHERE identity_id = ? AND run_id = ?) GROUP BY identity_id",
        [own, own, run],
    )
    return _told(store, identity, rows, beside)


def _told(
    store: LabelStore,
    identity: Mapping[str, Any],
    rows: Iterable[tuple[Any, ...]],
    beside: Collection[Mapping[str, Any]],
) -> Superseded:
    counts, apart = Counter[str](), {identity_address(other)[0] for other in beside}
    for other, n in rows:
        if other not in apart:
            counts[other] += n
    if not counts:
        return Superseded()
    known = dict(store.identities())
    # A text that was asked about twice has one answer that might have applied.
    for other in [o for o in counts if is_again(known[o]) or is_replaced(known[o])]:
        del counts[other]
    # What members of a panel said is in its answers.
    for other in [o for o in counts if _is_member(known[o], identity)]:
        del counts[other]
    if not counts:
        return Superseded()
    own = plain_identity(identity)
    differ = {name for other in counts for name in _differences(own, known[other])}
    return Superseded(counts.total(), tuple(sorted(differ, key=_ORDER.index)))


def _is_member(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Whether one of two identities is of a panel's member, and the other of that panel."""
    one, two = plain_identity(one), plain_identity(two)
    return one in two.get("members", ()) or two in one.get("members", ())


def _differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterable[str]:
    labels_differ = one.get("labels") != two.get("labels")
    for key in {**one, **two}:
        mine, theirs = _part(one, key), _part(two, key)
        if mine == theirs or (key == "schema" and labels_differ):
            continue
        yield _NAMES.get(key, "setting")


def _part(identity: Mapping[str, Any], key: str) -> Any:
    value = identity.get(key)
    if key == "prompt" and isinstance(value, str):
        # The prompt lists the labels: another label set alone is no other prompt.
        return value.replace(json.dumps(identity.get("labels"), ensure_ascii=False), "")
    return value


_AMONG = "identity_id = ? AND text_id IN (SELECT value FROM json_each(?))"


def replace_missing(
    store: LabelStore,
    identity: Mapping[str, Any],
    answered: Iterable[tuple[str, Answer]],
    labels: Sequence[str],
) -> int:
    """Put answers in the place of stored ones that hold no label, all of them or none.

    What they replace was paid, too: it moves to an identity of its own. Where another process
    has stored a label meanwhile, that one stays, and the answer given here goes aside. Votes
    that led to an answer go, because it holds their cost.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher.
    answered : iterable of (str, Answer)
        Each text once. Failures that were no answer (``keep`` is False) replace nothing.
    labels : sequence of str
        The label set.

    Returns
    -------
    int
        How many are the answers to their texts now.

    Raises
    ------
    StoreError
        The file cannot be written; then everything is as it was.
    """
    given = {text_address(text): (text, answer) for text, answer in answered if answer.keep}
    if not given:
        return 0
    known = numbers_of(labels)
    own = identity_address(identity)[0]
    with store.writing() as db:
        found = db.execute(
            f"SELECT text_id, label FROM answers WHERE {_AMONG}",  # noqa: S608
            [own, _ids(given)],
        )
        late = {text_id for text_id, label in found if label in known}
        first = [text_id for text_id in given if text_id not in late]
        _put_aside(db, identity, first)
        store.insert(db, identity, [given[text_id] for text_id in first])
        for text_id in late:
            for n in count(1):
                if store.insert(db, replaced_identity(identity, n), [given[text_id]]):
                    break
        votes = identity_address(missing_identity(identity))[0]
        db.execute(f"DELETE FROM votes WHERE {_AMONG}", [votes, _ids(given)])  # noqa: S608
    return len(first)


def _put_aside(db: sqlite3.Connection, identity: Mapping[str, Any], ids: list[str]) -> None:
    """Move the answers to these texts to where none of the same text is."""
    own = identity_address(identity)[0]
    for n in count(1):
        left = db.execute(f"SELECT 1 FROM answers WHERE {_AMONG} LIMIT 1", [own, _ids(ids)])  # noqa: S608
        if left.fetchone() is None:
            return
        aside = identity_address(replaced_identity(identity, n))
        db.execute("INSERT OR IGNORE INTO identities VALUES (?, ?)", aside)
        db.execute(
            f"UPDATE OR IGNORE answers SET identity_id = ? WHERE {_AMONG}",  # noqa: S608
            [aside[0], own, _ids(ids)],
        )


def _ids(ids: Iterable[str]) -> str:
    return json.dumps(list(ids))
