"""Hard rows first: what is drawn when, what a restart finds, and what is tested on what."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.validity.columns import FAST, World
from tracer_nb.draws import (
    HARD,
    NEW_ROWS,
    NO_LABEL,
    PILOT,
    TEST,
    UNASKED,
    draw_from_record,
    errors_of,
)
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Done, Terms, drive
from tracer_nb.errors import InvalidInput


@pytest.fixture(scope="module")
def world():
    return World(1200, wrong=0.01, copies=0.3, spread=0.5)


def until_test(job, world):
    """The record and the answers when rows of the first test were drawn, none of them asked about."""
    draws, labels = (), np.full(job.column.n_texts, UNASKED)
    while True:
        move = job.step(draws, labels)
        assert not isinstance(move, Done), move.reason
        draws = move.draws
        if draws[-1].purpose == TEST:
            return draws, labels
        labels[move.texts] = world.ask(move.texts)


def test_a_column_is_certified_and_most_of_it_never_asked_about():
    world = World(1200, wrong=0.01, copies=0.3, spread=0.6)
    job = world.job(target=0.92)
    done, said = drive(job, world.ask)
    assert done.certificate.certified
    purposes = [draw.purpose for draw in done.draws]
    assert purposes[0] == PILOT and purposes[-1] == TEST and HARD in purposes  # noqa: PT018
    assert (said != UNASKED).sum() < 0.6 * len(said)
    open_ = job.column.open_rows(done.draws[:-1])
    assert done.certificate.n_population == len(open_)
    handled = open_[done.frozen.scores[world.codes[open_]] >= done.certificate.threshold]
    assert world.agree(done)[handled].mean() >= 0.92


def test_a_column_that_the_start_is_enough_for_is_tested_at_once(world):
    done, _ = drive(world.job(target=0.85), world.ask)
    assert [draw.purpose for draw in done.draws] == [PILOT, TEST]
    assert done.certificate.certified


def test_rows_of_a_test_are_drawn_from_texts_that_nothing_was_drawn_for(world):
    job = world.job()
    draws, _ = until_test(job, world)
    before = np.unique(np.concatenate([world.codes[d.rows] for d in draws[:-1]]))
    tested = draws[-1].rows
    assert not np.isin(world.codes[tested], before).any()
    assert set(tested) <= set(job.column.open_rows(draws[:-1]))
    assert len(set(tested.tolist())) == len(tested)
    # Rows, not texts: copies stand among them as often as in the column.
    assert len(job.column.open_rows(draws[:-1])) > len(
        np.unique(world.codes[job.column.open_rows(draws[:-1])])
    )


def test_rows_of_a_test_are_another_draw_in_every_round_and_for_every_seed(world):
    job = world.job()
    first = job._random(job.usable, 50, 1001)
    assert set(first) != set(job._random(job.usable, 50, 1002))
    other = world.job(seed=1)
    assert set(first) != set(other._random(job.usable, 50, 1001))


@pytest.fixture(scope="module")
def whole(world):
    return drive(world.job(new_rows=60), world.ask)[0]


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_job_that_was_stopped_goes_on_with_the_same_rows(world, whole, after):
    kept = {}
    count = 0

    class Stop(Exception):
        pass

    def keep(draws, labels):
        kept.update(draws=json.dumps([d.as_record() for d in draws]), labels=labels.copy())

    def ask(texts):
        nonlocal count
        count += 1
        if count > after:
            half = texts[: len(texts) // 2]  # paid for, then killed
            kept["labels"][half] = world.ask(half)
            raise Stop
        return world.ask(texts)

    try:
        drive(world.job(new_rows=60), ask, keep=keep)
    except Stop:
        draws = tuple(draw_from_record(r) for r in json.loads(kept["draws"]))
        again, _ = drive(world.job(new_rows=60), world.ask, draws=draws, labels=kept["labels"])
    else:
        pytest.skip("the job had ended before")
    n = len(draws)
    for a, b in zip(whole.draws[:n], again.draws[:n], strict=True):
        assert a.rows.tolist() == b.rows.tolist()
        assert (a.purpose, a.state, a.looks) == (b.purpose, b.state, b.looks)
    test = [d for d in again.draws if d.purpose == TEST][-1]
    fitted = [d for d in again.draws if d.purpose in {PILOT, HARD, NEW_ROWS}]
    texts = np.concatenate([world.codes[d.rows] for d in fitted])
    assert not np.isin(world.codes[test.rows], texts).any()


def test_rows_set_aside_are_asked_about_during_a_test_that_no_cap_can_cut_short(world):
    job = world.job(new_rows=60)
    draws, labels = until_test(job, world)
    aside = job.column.texts_of(draws[0].rows)
    assert job.ahead(draws, labels).texts.tolist() == aside.tolist()
    n_test = len(job.column.texts_of(draws[-1].rows))
    for room, comes in ((3 * n_test, True), (3 * n_test - 1, False)):
        job.room = room
        assert (job.ahead(draws, labels) is not None) is comes
    labels[aside] = world.ask(aside)
    job.room = None
    assert job.ahead(draws, labels) is None
    assert world.job().ahead(*until_test(world.job(), world)) is None


def test_a_first_batch_is_chosen_by_half_of_the_start_in_a_large_column_only(world):
    large = World(5000, wrong=0.2, spread=0.8)
    job = large.job(target=0.97)
    start = job.step((), np.full(job.column.n_texts, UNASKED))
    rows = start.draws[-1].rows
    half = ~job.foregone(start.draws)[large.codes[rows]]
    assert len(rows) // 2 <= half.sum() < len(rows)
    labels = np.full(job.column.n_texts, UNASKED)
    seen = large.codes[rows[half]]
    labels[seen] = large.ask(seen)
    first = job.ahead(start.draws, labels)
    assert first.draws[-1].purpose == HARD
    assert not np.isin(large.codes[first.draws[-1].rows], large.codes[rows]).any()
    labels[large.codes[rows]] = large.ask(large.codes[rows])
    same = large.job(target=0.97).ahead(start.draws, labels)
    assert same.texts.tolist() == first.texts.tolist()  # whatever the others say
    # What is known from elsewhere is fitted on first.
    labels[job.column.codes[job.column.open_rows(start.draws)[:9]]] = 0
    assert large.job(target=0.97).ahead(start.draws, labels) is None
    small = world.job(target=0.97)
    start = small.step((), np.full(small.column.n_texts, UNASKED))
    labels = np.full(small.column.n_texts, UNASKED)
    labels[start.texts] = world.ask(start.texts)
    assert small.ahead(start.draws, labels) is None


def test_a_batch_chosen_ahead_is_unlike_the_one_that_is_being_answered(monkeypatch):
    """Its answers would teach what those teach that are on their way."""
    world = World(5000, wrong=0.2, spread=0.8)
    job = world.job(target=0.97, at_a_time=64)
    labels = np.full(job.column.n_texts, UNASKED)
    move = job.step((), labels)
    labels[move.texts] = world.ask(move.texts)
    first = job.step(move.draws, labels)
    asked = world.codes[first.draws[-1].rows]
    waited, choose = [], job.aim.choose

    def keep(sure, X, size, waiting):
        waited.append(waiting)
        return choose(sure, X, size, waiting)

    monkeypatch.setattr(type(job.aim), "choose", lambda _, *given: keep(*given))
    second = job.ahead(first.draws, labels)
    assert second.draws[-1].purpose == HARD
    assert not np.isin(world.codes[second.draws[-1].rows], asked).any()
    X = job._surveyor._prepared
    assert waited[-1].tolist() == X[first.texts].tolist()
    labels[asked] = world.ask(asked)
    job.step(first.draws, labels)
    assert not len(waited[-1])  # all answers are there


def test_a_job_whose_answers_come_late_ends_as_others_do():
    world = World(5000, wrong=0.02, spread=0.6, seed=5)
    ends = []
    for late in (False, True):
        job = world.job(target=0.95, new_rows=150, at_a_time=40)
        done, said = drive(job, world.ask, late=late)
        assert done.certificate.certified
        assert done.new_rows.n_calibration == 150
        drawn = np.concatenate([world.codes[d.rows] for d in done.draws])
        assert len(np.unique(drawn)) >= (said != UNASKED).sum()
        ends.append((said != UNASKED).sum())
    assert ends[1] < 1.3 * ends[0]


def test_a_void_test_is_followed_by_one_of_the_rows_that_are_open_then(world):
    """Nothing was answered, so the fit is the same; the rows that it is tested on are not."""
    job = world.job()
    draws, labels = until_test(job, world)
    void = (*draws[:-1], replace(draws[-1], found="void", missing=draws[-1].rows))
    assert job.freezer.state(void, labels) != draws[-1].state
    again = world.job().step(void, labels)
    while again.draws[-1].purpose != TEST:
        labels[again.texts] = world.ask(again.texts)
        again = world.job().step(again.draws, labels)
    assert again.draws[-1].round == 2
    assert not set(again.draws[-1].rows) & set(draws[-1].rows)


def own_answers(job, draws, labels):
    """Labels as if the teacher always gave the frozen surrogate's answer to the rows of the test."""
    _, frozen = job.freezer.plan(draws[:-1], labels, 1, None)
    number = {name: i for i, name in enumerate(job.classes)}
    codes = np.array([number[name] for name in frozen.fit.classes[frozen.answers.codes]])
    tested = job.column.codes[draws[-1].rows]
    said = labels.copy()
    said[tested] = codes[tested]
    return frozen, said


def test_a_row_without_a_label_is_a_disagreement_in_the_test(world):
    job = world.job(one_round=True)
    draws, labels = until_test(job, world)
    frozen, said = own_answers(job, draws, labels)
    found = job.step(draws, said)
    assert found.certificate.certified
    assert found.certificate.n_agree == found.certificate.n_handled
    mute = said.copy()
    surest = np.argsort(-frozen.scores[world.codes[draws[-1].rows]])
    mute[world.codes[draws[-1].rows[surest[: len(surest) // 2]]]] = NO_LABEL
    assert world.job(one_round=True).step(draws, mute).certificate is None


def test_copies_that_were_not_drawn_count_for_nothing(world):
    job = world.job(one_round=True)
    draws, labels = until_test(job, world)
    _, said = own_answers(job, draws, labels)
    found = job.step(draws, said).certificate
    tested = next(look.n_rows for look in draws[-1].looks if look.n_rows >= found.n_calibration)
    assert found.n_calibration == tested
    assert found.n_population == len(job.column.open_rows(draws[:-1]))
    # A text that was drawn twice counts twice, and costs one question.
    twice = replace(draws[-1], rows=np.r_[draws[-1].rows[:-1], draws[-1].rows[:1]])
    assert len(job.column.texts_of(twice.rows)) < len(twice.rows)


def test_answers_that_come_after_a_test_was_ended_early_change_nothing(world):
    job = world.job(one_round=True)
    draws, labels = until_test(job, world)
    rows = draws[-1].rows
    some = world.codes[rows[: len(rows) // 8]]
    labels[some] = world.ask(some)
    ended = job.step(draws, labels, closed=True)
    assert isinstance(ended, Done)
    assert ended.certificate is None
    assert len(ended.draws[-1].missing) > 0
    labels[world.codes[rows]] = world.ask(world.codes[rows])
    later = world.job(one_round=True).step(ended.draws, labels)
    assert isinstance(later, Done)
    assert later.certificate is None


def test_an_answer_that_changes_after_the_freeze_makes_the_test_void(world):
    job = world.job()
    draws, labels = until_test(job, world)
    rows = draws[-1].rows
    labels[world.codes[rows]] = world.ask(world.codes[rows])
    fitted = world.codes[draws[0].rows[0]]
    labels[fitted] = (labels[fitted] + 1) % 6
    move = world.job().step(draws, labels)
    assert not isinstance(move, Done)
    spent = [d for d in move.draws if d.purpose == TEST]
    assert spent[0].found == "void"
    assert spent[0].error == draws[-1].error  # it stays spent


def test_rounds_share_the_error_budget():
    world = World(500, wrong=0.35, seed=4)
    done, _ = drive(world.job(target=0.97), world.ask)
    tests = [d for d in done.draws if d.purpose == TEST]
    assert sum(errors_of(done.draws)) <= 0.1
    for draw in tests:
        assert sum(look.error for look in draw.looks) == pytest.approx(draw.error)
    seen: set[int] = set()
    for draw in done.draws:
        rows = set(world.codes[draw.rows].tolist())
        assert not rows & seen  # no row is drawn twice, whatever for
        seen |= rows


def test_rows_set_aside_leave_no_trace_in_what_is_chosen_and_fitted(world):
    job = world.job(new_rows=100)
    done, _ = drive(job, world.ask)
    assert done.draws[0].purpose == NEW_ROWS
    assert done.new_rows.method == "held-out"
    assert done.new_rows.n_calibration == 100
    aside = world.codes[done.draws[0].rows]
    for draw in done.draws[1:]:
        assert not np.isin(world.codes[draw.rows], aside).any()
    changed = World(1200, wrong=0.01, copies=0.3, spread=0.5)
    changed.labels[aside] = (changed.labels[aside] + 1) % 6
    other, _ = drive(changed.job(new_rows=100), changed.ask)
    assert [d.rows.tolist() for d in other.draws] == [d.rows.tolist() for d in done.draws]
    assert not other.new_rows.certified


def test_what_was_answered_before_is_fitted_on_and_never_tested(world):
    labels = np.full(len(world.labels), UNASKED)
    labels[::3] = world.labels[::3]
    done, _ = drive(world.job(), world.ask, labels=labels)
    test = next(d for d in done.draws if d.purpose == TEST)
    assert not np.isin(world.codes[test.rows] % 3, [0]).any()


@pytest.mark.parametrize("n", [25, 60, 90])
def test_a_column_too_small_for_a_test_is_told_so_and_not_asked_about_to_its_end(n):
    world = World(n=n, wrong=0.3)
    asked = []

    def ask(texts):
        asked.extend(texts)
        return world.ask(texts)

    done, _ = drive(world.job(target=0.95), ask)
    assert done.certificate is None
    assert "; ask the teacher about" in done.reason
    assert not any(draw.purpose == TEST for draw in done.draws)
    assert len(asked) < n


def test_a_surrogate_that_is_never_good_enough_is_not_tested():
    world = World(n=600, wrong=0.9, spread=2.5, seed=2)
    world.labels[:] = np.random.default_rng(0).integers(6, size=len(world.labels))
    done, said = drive(world.job(target=0.95), world.ask)
    assert done.certificate is None
    assert not any(draw.purpose == TEST for draw in done.draws)
    assert (said != UNASKED).mean() < 0.6


def test_a_cap_before_the_test_is_kept(world):
    done, said = drive(world.job(most=150), world.ask)
    grown = sum(len(d.rows) for d in done.draws if d.purpose in {PILOT, HARD})
    assert grown <= 150
    assert (said != UNASKED).sum() >= 100


def test_one_label_and_equal_texts_end_without_an_error():
    world = World(n=400)
    world.labels[:] = 0
    done, _ = drive(world.job(), world.ask)
    assert done.certificate is None
    column = Column([np.ones((1, 3), dtype=np.float32)], np.zeros(50, dtype=int))
    job = HardFirst(column, ("a", "b"), Terms(0.9, 0.9, options=FAST))
    done, _ = drive(job, lambda texts: np.zeros(len(texts), dtype=int))
    assert done.certificate is None


def test_a_teacher_that_stops_answering_ends_the_job(world):
    done, _ = drive(world.job(), lambda texts: np.full(len(texts), UNASKED))
    assert done.reason == "asking was ended before anything was tested"


def test_more_rows_set_aside_than_there_are_is_refused(world):
    with pytest.raises(InvalidInput, match="leave none"):
        world.job(new_rows=len(world.codes))


def test_a_record_that_is_none_is_refused(world):
    done, _ = drive(world.job(), world.ask)
    record = done.draws[-1].as_record()
    assert draw_from_record(record).looks == done.draws[-1].looks
    for broken in ({}, {**record, "purpose": "guess"}, {**record, "rows": "all"}):
        with pytest.raises(InvalidInput, match="no draw of rows has this record"):
            draw_from_record(broken)
    del record["looks"]
    with pytest.raises(InvalidInput):
        draw_from_record(record)


def test_a_column_certified_in_part_goes_on_and_delivers_what_saves_most():
    world = World(900, wrong=0.12, spread=0.6, seed=3)
    job = world.job(target=0.93)
    done, _ = drive(job, world.ask)
    passed = [d for d in done.draws if d.purpose == TEST and d.found == "passed"]
    assert sum(errors_of(done.draws)) <= 0.1
    found = job.passing.certified(done.draws, done_labels(world, done))
    assert len(found) == len(passed)
    open_ = job.column.open_rows(done.draws)
    sizes = [np.isin(open_, rows).sum() for *_, rows in found]
    if found:
        best = found[int(np.argmax(sizes))]
        assert done.certificate.threshold == best[0].certificate.threshold
    # What was certified is never chosen from afterwards: it would be paid for twice.
    for i, draw in enumerate(done.draws):
        earlier = [
            rows
            for k, d in enumerate(done.draws[:i])
            for *_, rows in (
                job.passing.certified(done.draws[: k + 1], done_labels(world, done))
                if d.found == "passed"
                else ()
            )
        ]
        if draw.purpose == HARD and earlier:
            assert not np.isin(draw.rows, max(earlier, key=len)).any()


def done_labels(world, done):
    labels = np.full(len(world.labels), UNASKED)
    for draw in done.draws:
        answered = draw.rows if draw.missing is None else np.setdiff1d(draw.rows, draw.missing)
        labels[world.codes[answered]] = world.labels[world.codes[answered]]
    return labels
