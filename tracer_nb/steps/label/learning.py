"""How right the members of a panel are: learnt from the first texts, about which all are asked.

From then on what their votes weigh is fixed: so a text's label follows from what was said about
it, whoever else is asked about later, and a test may count on it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from tracer_nb.engine.crowd import one_coin
from tracer_nb.errors import NotEnoughData
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer, Caps, IntArray, Spending
from tracer_nb.steps.label.grown import answers_of
from tracer_nb.store import Shelf
from tracer_nb.teachers import PanelTeacher, ReplayTeacher

__all__ = ["LEARNT_ON", "learn_members", "members_answers", "recall_members"]

LEARNT_ON = 200
"""Texts that all members are asked about. On 100 weights were worse than votes in some worlds."""

_NONE = -1


def learn_members(
    panel: PanelTeacher,
    shelf: Shelf,
    texts: Sequence[str],
    *,
    caps: Caps,
    step: str,
    stop: threading.Event | None,
) -> Spending:
    """Ask all members about the first of these texts, and let their votes weigh accordingly.

    Parameters
    ----------
    panel : PanelTeacher
        That has yet to learn.
    shelf : Shelf
    texts : sequence of str
        In random order.
    caps, step, stop
        Of the run.

    Returns
    -------
    Spending
        Money and tokens; the texts count when the panel itself is asked about them.

    Raises
    ------
    NotEnoughData
        The asking ended before all were answered. What was answered is stored.
    """
    left = recall_members(panel, shelf, texts)
    if not left:
        return Spending()
    first, twin = list(texts[:LEARNT_ON]), panel.asking_all()
    options = {**asdict(caps), "step": step, "stop": stop}
    if shelf.is_file:
        with shelf.open() as store:
            store.begin()
            run = run_labels(twin, left, store=store, **options)
    else:
        run = run_labels(twin, left, **options)
    if run.stopped is not None:
        raise NotEnoughData(
            f"{run.stopped} before it was known how right each member is, which is learnt on "
            f"{len(first)} texts; run again to go on, with a higher cap where one was reached, or "
            "combine 'majority'"
        )
    panel.learn(one_coin(_codes(panel, shelf, first), len(panel.labels)))
    return replace(run.spending, asked=0, reused=0, missing=0)


def recall_members(panel: PanelTeacher, shelf: Shelf, texts: Sequence[str]) -> list[str]:
    """Learn the same from what is stored, where that is all; else the texts that lack an answer."""
    first = list(texts[:LEARNT_ON])
    given = members_answers(panel, shelf, first)
    missing = [text for text in first if any(text not in theirs for theirs in given)]
    if not missing:
        panel.learn(one_coin(_codes(panel, shelf, first), len(panel.labels)))
    return missing


def members_answers(
    panel: PanelTeacher, shelf: Shelf, texts: Sequence[str]
) -> list[Mapping[str, Answer]]:
    """Each member's first answers to these texts.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    given: list[Mapping[str, Answer]] = [dict(theirs) for theirs in panel.remembered(texts)]
    if shelf.is_file:
        with shelf.open() as store:
            given = [
                {**theirs, **store.get_many(member.identity, texts)}
                for member, theirs in zip(panel.members, given, strict=True)
            ]
    return [
        {text: member.look_up(text) for text in texts}
        if isinstance(member, ReplayTeacher)
        else theirs
        for member, theirs in zip(panel.members, given, strict=True)
    ]


def _codes(panel: PanelTeacher, shelf: Shelf, texts: Sequence[str]) -> IntArray:
    given = members_answers(panel, shelf, texts)
    codes = [answers_of(theirs, texts, panel.labels) for theirs in given]
    return np.maximum(np.stack(codes, axis=1), _NONE)
