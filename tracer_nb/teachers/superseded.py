"""Stored answers that no longer apply, because prompt, label set or model are others now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tracer_nb.records import Superseded
from tracer_nb.teachers.rows import (
    identity_address,
    is_again,
    is_replaced,
    plain_identity,
    text_address,
)
from tracer_nb.teachers.store import LabelStore

__all__ = ["find_superseded", "superseded_in_run"]

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
}
_ORDER = ("prompt", "label set", "model", "server", "function", "setting")


def find_superseded(
    store: LabelStore, identity: Mapping[str, Any], texts: Iterable[str]
) -> Superseded:
    """Count stored answers to ``texts`` that other teachers, prompts or label sets gave.

    Texts that this teacher has answered itself do not count.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher that is to be asked.
    texts : iterable of str

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
    return _told(store, identity, rows)


def superseded_in_run(store: LabelStore, identity: Mapping[str, Any]) -> Superseded:
    """Count stored answers of others to the texts that the run now in ``store`` has answered.

    That takes no time when everything was stored already, however much it is.

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
    return _told(store, identity, rows)


def _told(
    store: LabelStore, identity: Mapping[str, Any], rows: Iterable[tuple[Any, ...]]
) -> Superseded:
    counts = Counter[str]()
    for other, n in rows:
        counts[other] += n
    if not counts:
        return Superseded()
    known = dict(store.identities())
    # A text that was asked about twice has one answer that might have applied.
    for other in [o for o in counts if is_again(known[o]) or is_replaced(known[o])]:
        del counts[other]
    if not counts:
        return Superseded()
    own = plain_identity(identity)
    differ = {name for other in counts for name in _differences(own, known[other])}
    return Superseded(counts.total(), tuple(sorted(differ, key=_ORDER.index)))


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
