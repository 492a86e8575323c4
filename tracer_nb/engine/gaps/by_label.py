"""Several labels a row, looked at label by label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gaps.agreement import Judged
from tracer_nb.labelsets import NO_LABEL, SetsSeen

__all__ = ["label_by_label", "single_labels"]


def label_by_label(judged: Judged) -> Judged:
    """An entry for each label that either side gives a row, where rows have sets; else the same rows.

    A label that both give agrees. Of the others the teacher's stand against the surrogate's, in the
    order of the labels, and what is left over on one side against no label; so do two empty sets,
    which agree. Where the teacher has no answer, each label of the surrogate stands against none.
    """
    names = judged.names
    if not isinstance(names, SetsSeen):
        return judged
    members, nothing = names.members(), len(names.sets)
    rows: list[int] = []
    pairs: list[tuple[int, int]] = []
    for row, (teacher, surrogate) in enumerate(
        zip(judged.teacher.tolist(), judged.surrogate.tolist(), strict=True)
    ):
        given = [] if surrogate < 0 else np.flatnonzero(members[surrogate]).tolist()
        if teacher < 0:
            own = [(-1, label) for label in given or [nothing]]
        else:
            wanted = np.flatnonzero(members[teacher]).tolist()
            own = _against(wanted, given, nothing)
        pairs += own
        rows += [row] * len(own)
    both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return replace(
        judged,
        names=(*names.sets, NO_LABEL),
        teacher=both[:, 0],
        surrogate=both[:, 1],
        scores=judged.scores[rows],
        handled=judged.handled[rows],
    )


def _against(wanted: list[int], given: list[int], nothing: int) -> list[tuple[int, int]]:
    shared = [(label, label) for label in wanted if label in given]
    missed = [label for label in wanted if label not in given]
    extra = [label for label in given if label not in wanted]
    n = max(len(missed), len(extra))
    missed += [nothing] * (n - len(missed))
    extra += [nothing] * (n - len(extra))
    return [*shared, *zip(missed, extra, strict=True)] or [(nothing, nothing)]


def single_labels(names: tuple[str, ...], codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """The labels in sets given as indices into ``names``, one after the other; below 0 stays.

    An empty set is no label, whose number is that of labels. Labels that are none of sets stay.
    """
    if not isinstance(names, SetsSeen):
        return codes
    members = names.members()
    members = np.hstack([members, members.sum(axis=1, keepdims=True) == 0])
    return np.concatenate([codes[codes < 0], np.nonzero(members[codes[codes >= 0]])[1]])
