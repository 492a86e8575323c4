"""What the members of a panel said, from their stored answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tracer_nb.draws.moves import NO_LABEL
from tracer_nb.engine.crowd import dawid_skene, estimated_accuracy
from tracer_nb.records import Answer, IntArray, PanelReport
from tracer_nb.steps.label.grown import answers_of
from tracer_nb.steps.state import JobState
from tracer_nb.teachers import PanelTeacher, ReplayTeacher
from tracer_nb.teachers.budget import total_cost

__all__ = ["panel_report"]


def panel_report(state: JobState) -> PanelReport | None:
    """Compare the members of a panel with each other: see :attr:`tracer_nb.Tracer.panel`.

    None where the teacher is no panel, or has answered nothing yet.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    panel, answers = state.setup.teacher, dict(state.setup.asker.answers)
    texts = [text for text, answer in answers.items() if answer.keep]
    if not isinstance(panel, PanelTeacher) or not texts:
        return None
    given = _answers_of(state, panel, texts)

    def codes_of(theirs: Mapping[str, Answer]) -> IntArray:
        return np.maximum(answers_of(theirs, texts, panel.labels), NO_LABEL)

    codes = np.stack([codes_of(theirs) for theirs in given], axis=1)
    joint = codes_of(answers)
    both = (codes >= 0) & (joint >= 0)[:, None]
    same = (codes == joint[:, None]) & both
    n_both = both.sum(axis=0)
    crowd = dawid_skene(codes, len(panel.labels))
    highest = codes.max(axis=1)
    lowest = np.where(codes >= 0, codes, highest[:, None]).min(axis=1)
    return PanelReport(
        members=tuple(member.name for member in panel.members),
        labels=panel.labels,
        n_rows=len(texts),
        n_disputed=int((lowest < highest).sum()),
        answered=(codes >= 0).sum(axis=0),
        cost=tuple(total_cost(answer.cost for answer in theirs.values()) for theirs in given),
        agreement=np.where(n_both > 0, same.sum(axis=0) / np.maximum(n_both, 1), np.nan),
        accuracy=estimated_accuracy(crowd),
        confusion=crowd.confusion,
    )


def _answers_of(
    state: JobState, panel: PanelTeacher, texts: Sequence[str]
) -> list[Mapping[str, Answer]]:
    """Each member's first answers to these texts."""
    given: list[Mapping[str, Answer]] = [dict(theirs) for theirs in panel.remembered(texts)]
    if state.setup.shelf.is_file:
        with state.setup.shelf.open() as store:
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
