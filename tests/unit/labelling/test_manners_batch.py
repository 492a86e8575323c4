"""Batches at a server of every manner: labels right or missing, and never less booked than billed."""

from __future__ import annotations

import pytest

from tracer_nb.standin import serve
from tracer_nb.standin.manners import MANNERS

from .batches import PRICE, TABLE, TEXTS, collect, labels_of, stored, submit

# What stands in a single answer is read there as well; errors fail their rows alone.
READ = [
    name
    for name, manner in MANNERS.items()
    if manner.refuse is None and manner.send is None and manner.times is None
]


@pytest.mark.parametrize("name", MANNERS)
def test_a_batch_ends_whatever_the_manner(name, tmp_path):
    path = tmp_path / "labels.sqlite"
    with serve(TABLE, manners=name) as standin:
        submit(standin, path, max_cost=5.0)
        done = collect(standin, path)
        answers = stored(standin, path)
        billed = PRICE.of(*standin.billed)
    assert [batch.state for batch in done.batches] == ["completed"]
    labels = {text: label for text, label in labels_of(answers).items() if label is not None}
    assert labels.items() <= TABLE.items()
    assert done.spending.cost >= billed - 1e-9
    assert done.spending.cost <= 5.0
    if name in READ:
        missing = MANNERS[name].ends == "none"
        assert len(labels) == (0 if missing else len(TEXTS))
