"""What the members of a panel said, and will be asked, from their stored answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tracer_nb.draws import NO_LABEL
from tracer_nb.engine.crowd import dawid_skene, estimated_accuracy, one_coin
from tracer_nb.records import Answer, FloatArray, IntArray, PanelPlan, PanelReport
from tracer_nb.steps.label.grown import answers_of
from tracer_nb.steps.label.learning import LEARNT_ON, members_answers
from tracer_nb.steps.label.plan import PRICED_TEXTS, Forecast, widened
from tracer_nb.steps.state import JobState
from tracer_nb.store import Shelf
from tracer_nb.teachers import PanelTeacher, Teacher
from tracer_nb.teachers.budget import total_cost
from tracer_nb.teachers.panel import SUPPOSED_DISPUTES

__all__ = ["disputes", "panel_forecast", "panel_report"]

# Texts that the estimates are made on, and how exactly: they are shown to two digits.
_MOST, _TOLERANCE = 5_000, 1e-3
# Texts for each cell of a matrix below which one number for each member is nearer to the truth: by
# simulation with 77 labels and 1,000 texts .06 off at the most, where matrices are .22 off.
_A_CELL = 10
# Fewer say little about how often members differ.
_FEWEST = 20


def panel_report(state: JobState) -> PanelReport | None:
    """Compare the members of a panel with each other: see :attr:`tracer_nb.Tracer.panel`.

    None where the teacher is no panel, or has answered nothing about the column and other rows that
    were routed, in this session or before it.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    panel, column = state.setup.teacher, state.column
    if not isinstance(panel, PanelTeacher) or column is None:
        return None
    answers = state.setup.asker.known([*column.texts.unique, *sorted(state.beside)])
    texts = [text for text, answer in answers.items() if answer.keep]
    if not texts:
        return None
    given = members_answers(panel, state.setup.shelf, texts)

    def codes_of(theirs: Mapping[str, Answer]) -> IntArray:
        return np.maximum(answers_of(theirs, texts, panel.labels), NO_LABEL)

    codes = np.stack([codes_of(theirs) for theirs in given], axis=1)
    joint = codes_of(answers)
    both = (codes >= 0) & (joint >= 0)[:, None]
    same = (codes == joint[:, None]) & both
    n_both = both.sum(axis=0)
    k = len(panel.labels)
    crowd = dawid_skene(codes[:_MOST], k, tolerance=_TOLERANCE)
    whole = estimated_accuracy(crowd)
    highest = codes.max(axis=1)
    lowest = np.where(codes >= 0, codes, highest[:, None]).min(axis=1)
    arbiter = "" if panel.arbiter is None else panel.arbiter.teacher.name
    return PanelReport(
        members=tuple(member.name for member in panel.members),
        labels=panel.labels,
        n_rows=len(texts),
        n_disputed=int((lowest < highest).sum()),
        answered=(codes >= 0).sum(axis=0),
        cost=tuple(total_cost(answer.cost for answer in theirs.values()) for theirs in given),
        agreement=np.where(n_both > 0, same.sum(axis=0) / np.maximum(n_both, 1), np.nan),
        accuracy=one_coin(codes[:_MOST], k) if len(texts) < _A_CELL * k**2 else whole,
        confusion=crowd.confusion,
        added=_added(panel, given, texts[:_MOST], joint[:_MOST], crowd.posterior),
        arbiter=arbiter,
        n_decided=sum("arbiter" in answers[text].mode for text in texts) if arbiter else 0,
    )


def _added(
    panel: PanelTeacher,
    given: Sequence[Mapping[str, Answer]],
    texts: Sequence[str],
    joint: IntArray,
    posterior: FloatArray,
) -> FloatArray:
    """How much likelier the panel's labels are right than those of the others alone."""
    number = {label: i for i, label in enumerate(panel.labels)}

    def right(codes: IntArray) -> float:
        chances = posterior[np.arange(len(codes)), np.maximum(codes, 0)]
        return float(np.where(codes >= 0, chances, 0.0).mean())

    def without(i: int) -> IntArray:
        codes = np.full(len(texts), NO_LABEL)
        for k, text in enumerate(texts):
            others = {j: a[text] for j, a in enumerate(given) if j != i and text in a}
            label = panel.joint(others).label if others else None
            codes[k] = NO_LABEL if label is None else number[label]
        return codes

    whole = right(joint)
    return np.array([whole - right(without(i)) for i in range(len(given))])


def disputes(
    panel: Teacher, shelf: Shelf, texts: Sequence[str]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Who said what about those of these texts to which members of a panel gave different labels.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    if not isinstance(panel, PanelTeacher):
        return {}
    given = members_answers(panel, shelf, texts)
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for text in texts:
        said = tuple(
            (member.name, label)
            for member, theirs in zip(panel.members, given, strict=True)
            if text in theirs and (label := theirs[text].label) in panel.labels and label
        )
        if len({label for _, label in said}) > 1:
            found[text] = said
    return found


def panel_forecast(
    panel: PanelTeacher,
    shelf: Shelf,
    to_ask: Sequence[str],
    stored: Mapping[str, Answer],
    takes: Forecast,
) -> tuple[PanelPlan, Forecast]:
    """What asking a panel will take: each call that is not stored, as often as it is expected.

    Parameters
    ----------
    panel : PanelTeacher
    shelf : Shelf
    to_ask : sequence of str
    stored : mapping of str to Answer
        Answers of the panel, which tell how often members differ.
    takes : Forecast
        As of any teacher.
    """
    seen = [answer.probabilities for answer in stored.values() if answer.probabilities]
    n_seen = len(seen) if len(seen) >= _FEWEST else 0
    share = sum(len(each) > 1 for each in seen) / n_seen if n_seen else SUPPOSED_DISPUTES
    n_always = 2 if panel.adaptive else len(panel.members)
    n_learn = min(LEARNT_ON, len(to_ask)) if panel.learns else 0
    priced = list(to_ask[:PRICED_TEXTS])
    given = members_answers(panel, shelf, priced)
    # Of calls, dollars, prompt and answer tokens: the least, as expected, and the most.
    totals = np.zeros((4, 3))
    for k, text in enumerate(priced):
        first = [theirs[text].label if text in theirs else "" for theirs in given[:n_always]]
        chances = np.array([0.0, share, 1.0])
        if "" not in first:  # all of them have answered
            chances[:] = len(set(first)) > 1 or None in first
        for i, (teacher, asked) in enumerate(panel.questions(text)):
            is_member = i < len(panel.members)
            if is_member and text in given[i]:
                continue
            sure = i < n_always or (is_member and k < n_learn)
            prompt, completion, cost = teacher.cost_estimate(asked)
            dollars = np.nan if cost is None else cost
            each = np.array([1.0, dollars, prompt, completion])
            totals += np.outer(each, np.ones(3) if sure else chances)
    calls, dollars, prompts, completions = totals * (len(to_ask) / max(len(priced), 1))
    costs: list[float | None] = [None] * 3
    if not np.isnan(dollars).any():
        costs = widened(dollars.tolist(), prompts[1])
    plan = PanelPlan(
        always=tuple(member.name for member in panel.members[:n_always]),
        disputed=tuple(each.name for each in panel.everybody[n_always:]),
        share=share,
        n_seen=n_seen,
        n_calls=round(calls[1]),
        n_calls_most=round(calls[2]),
        n_learn=n_learn,
    )
    takes = replace(
        takes,
        prompt_tokens=float(prompts[1]),
        completion_tokens=float(completions[1]),
        cost_low=costs[0],
        cost=costs[1],
        cost_high=costs[2],
    )
    return plan, takes
