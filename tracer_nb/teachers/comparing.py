"""Two sets of answers, from two models or two prompts, on the texts that both have labelled."""

from __future__ import annotations

from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Comparison
from tracer_nb.teachers.ledger import KEY_LENGTH, find_set, set_name
from tracer_nb.teachers.store import LabelStore

__all__ = ["compare_sets"]

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
