"""Jobs on one column side by side, from what they have reached and from what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import BASES, KINDS, Answer, Certificate, ComparedJob, JobComparison
from tracer_nb.steps.column.frames import Texts, is_missing, read_cells, same_texts
from tracer_nb.steps.label.costs import mean_cost
from tracer_nb.steps.label.learning import members_answers
from tracer_nb.steps.route.chain import stage_reports
from tracer_nb.steps.route.report import asked_for, left_to_teacher
from tracer_nb.steps.state import JobState
from tracer_nb.teachers import PanelTeacher, ReplayTeacher
from tracer_nb.teachers.budget import total_cost

__all__ = ["compare_jobs"]

_Labels = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class _Reference:
    """Labels of the column's rows, None where unknown; ``identity`` is that of a teacher."""

    name: str
    labels: _Labels
    identity: Mapping[str, Any] | None
    complete: bool


def compare_jobs(
    states: Sequence[JobState], reference: JobState | Mapping[str, Any] | Any = None
) -> JobComparison:
    """Compare jobs: see :func:`tracer_nb.compare`. Nothing is asked.

    Raises
    ------
    InvalidInput
        No job, other texts or labels, or a reference that is none.
    NotFitted
        A job that is not calibrated.
    StoreError
        The store cannot be read.
    """
    if not states:
        raise InvalidInput("there is no job to compare; write compare(one, other)")
    columns = [_column(state, i) for i, state in enumerate(states)]
    texts = columns[0]
    for i, (state, other) in enumerate(zip(states[1:], columns[1:], strict=True), 2):
        if not same_texts(texts, other):
            raise InvalidInput(
                f"job {i} is about another column than job 1; compare jobs on the same rows"
            )
        if set(state.setup.teacher.labels) != set(states[0].setup.teacher.labels):
            raise InvalidInput(
                f"job {i} has other labels than job 1; compare jobs with one label set"
            )
    against = _reference(states[0] if reference is None else reference, texts)
    return JobComparison(
        reference=against.name,
        n_rows=len(texts.usable),
        n_known=int(_is_known(against.labels).sum()),
        jobs=tuple(_job(state, texts, against) for state in states),
        simulated=any(getattr(s.setup.teacher, "simulated", False) for s in states),
    )


def _column(state: JobState, i: int) -> Texts:
    if state.column is None or state.certified is None or state.labels is None:
        raise NotFitted(
            f"job {i + 1} ({state.setup.teacher.name}) is not calibrated; call run(column) first"
        )
    return state.column.texts


def _reference(given: Any, texts: Texts) -> _Reference:
    if isinstance(given, JobState):
        known = _answers(given, texts.unique)
        labels = _of_texts({text: answer.label for text, answer in known.items()}, texts)
        teacher = given.setup.teacher
        complete = all(text in known for text in texts.unique)
        return _Reference(teacher.name, labels, teacher.identity, complete)
    if isinstance(given, Mapping):
        by_text = {text.strip(): label for text, label in given.items() if isinstance(text, str)}
        labels = _of_texts(by_text, texts)
    elif isinstance(given, str):
        raise InvalidInput(
            f"reference must be a Tracer, labels by text, or one label for each row, got {given!r}"
        )
    else:
        cells = read_cells(given)
        if len(cells) != texts.n_rows:
            raise InvalidInput(
                f"reference has {len(cells):,} labels, and the column {texts.n_rows:,} rows; give "
                "one label for each row, or a dict of text to label"
            )
        labels = _objects(cells)[texts.usable]
    labels = _objects([None if is_missing(label) else label for label in labels])
    if not _is_known(labels).any():
        raise InvalidInput("reference has no label for any row of the column; check the texts")
    return _Reference("the given labels", labels, None, complete=True)


def _job(state: JobState, texts: Texts, against: _Reference) -> ComparedJob:
    certified, labels, setup = state.certified, state.labels, state.setup
    assert certified is not None and labels is not None  # noqa: S101, PT018  _column() has looked
    router = certified.router
    certificate = router.certificate_for(
        state.target, column=router.column_certificates is not None
    )
    known = _answers(state, texts.unique)
    answered = np.array([text in known for text in texts.unique])
    # By what was drawn: other jobs may have had more of the same store answered.
    asked = np.logical_or.reduce([*asked_for(state, texts.codes, labels, answered).values()])
    needed = asked | left_to_teacher(state, certificate)
    n_calls, cost, each = _paid(state, texts, needed, known)
    stages = stage_reports(state)
    agreement, n_compared, basis = _agreement(state, needed, known, certificate, against)
    single, chain, panel = KINDS
    if isinstance(setup.teacher, PanelTeacher):
        single = panel
    return ComparedJob(
        name=" → ".join([*(stage.name for stage in stages), setup.teacher.name]),
        kind=chain if stages else single,
        n_texts=len(texts.unique),
        n_asked=int(needed.sum()),
        n_calls=n_calls + sum(stage.n_heard for stage in stages),
        cost=total_cost([cost, *(stage.cost for stage in stages)]),
        cost_all=None if each is None else each * len(texts.unique),
        agreement=agreement,
        n_compared=n_compared,
        basis=basis,
        target=certificate.target,
        certificate=certificate,
    )


def _paid(
    state: JobState, texts: Texts, needed: NDArray[np.bool_], known: Mapping[str, Answer]
) -> tuple[int, float | None, float | None]:
    """Single calls and dollars of the teacher for the texts that are needed, and for one text."""
    teacher, spending = state.setup.teacher, state.setup.asker.spending
    wanted = [texts.unique[i] for i in np.flatnonzero(needed).tolist()]
    if not isinstance(teacher, PanelTeacher):
        each = mean_cost(teacher, texts.unique, spending, known)
        costs = [known[text].cost if text in known else each for text in wanted]
        return len(wanted), total_cost(costs), each
    given = members_answers(teacher, state.setup.shelf, wanted)
    n_calls, costs = 0, []
    for text in wanted:
        if text not in known:
            continue
        said = [theirs[text] for theirs in given if text in theirs]
        if teacher.adaptive and len({answer.label for answer in said[:2]}) == 1:
            said = said[:2]  # others may have been asked in another job
        n_calls += len(said)
        own, joint = total_cost(answer.cost for answer in said), known[text].cost
        # What was there before costs a panel nothing; an arbiter is paid with the panel.
        costs.append(None if own is None or joint is None else max(own, joint))
    n_open, paid = len(wanted) - len(costs), total_cost(costs)
    each = teacher.cost_estimate(texts.unique[0])[2]
    if costs:
        each = None if paid is None else paid / len(costs)
        n_calls = round(n_calls * len(wanted) / len(costs))
    return n_calls, total_cost([paid, *[each] * n_open]), each


def _agreement(
    state: JobState,
    needed: NDArray[np.bool_],
    known: Mapping[str, Answer],
    certificate: Certificate,
    against: _Reference,
) -> tuple[float, int, str]:
    """Agreement of the whole output with the reference, rows that it rests on, and how."""
    assert state.certified is not None and state.column is not None  # noqa: S101, PT018
    counted, estimated, stored = BASES
    texts = state.column.texts
    codes = texts.codes[texts.usable]
    own = against.identity is not None and against.identity == state.setup.teacher.identity
    if own and not against.complete:
        # What the teacher answers agrees by itself; the others are like those of the test.
        share = 1.0 - float(needed[codes].mean())
        wrong = 1.0 - certificate.agreement if certificate.n_handled else 0.0
        return 1.0 - share * wrong, certificate.n_handled, estimated
    said = state.certified.routings[state.main].labels
    output = _objects(
        [
            (known[text].label if text in known else None) if need else str(label)
            for text, need, label in zip(texts.unique, needed.tolist(), said.tolist(), strict=True)
        ]
    )
    there = ~needed | np.array([text in known for text in texts.unique])
    both = there[codes] & _is_known(against.labels)
    same = output[codes][both] == against.labels[both]
    basis = counted if against.complete else stored
    return float(np.mean(same)) if both.any() else np.nan, int(both.sum()), basis


def _answers(state: JobState, texts: Sequence[str]) -> Mapping[str, Answer]:
    """Every answer of the job's teacher that needs no asking."""
    teacher = state.setup.teacher
    if isinstance(teacher, ReplayTeacher):
        return {text: teacher.look_up(text) for text in texts if teacher.knows(text)}
    return state.setup.asker.known(texts)


def _of_texts(labels: Mapping[str, Any], texts: Texts) -> _Labels:
    plain = texts.plain
    found = [
        labels.get(text, labels.get(alone)) for text, alone in zip(texts.unique, plain, strict=True)
    ]
    return _objects(found)[texts.codes[texts.usable]]


def _is_known(labels: _Labels) -> NDArray[np.bool_]:
    return np.array([label is not None for label in labels.tolist()], dtype=bool)


def _objects(values: Sequence[Any]) -> _Labels:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
