"""Hard rows first, step by step and in one call: the same rows, nothing paid twice, caps kept."""

import random
import threading
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from tracer_nb import Tracer, load
from tracer_nb.draws import HARD, NEW_ROWS, PILOT, TEST, UNASKED, Draw, Look, freezing
from tracer_nb.draws.fitted import fit_answers
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.errors import InvalidInput, NotEnoughData, StoreError, TracerError
from tracer_nb.records import Answer, Selection
from tracer_nb.steps import open_rows
from tracer_nb.store import DrawStore, LabelStore

N, LABELS = 1200, ("blue", "green", "red")


ASKED: list[str] = []
TRUTH: dict[str, str] = {}


def teach(text):
    ASKED.append(text)
    return TRUTH[text]


@pytest.fixture
def world():
    """Texts, their vectors in three clouds that touch, and the label of each."""
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=N)
    X = np.c_[np.eye(3)[kind] * 2.8 + rng.normal(size=(N, 3)), rng.normal(size=(N, 3)) * 0.3]
    texts = [f"text {i}" for i in range(N)]
    TRUTH.clear()
    TRUTH.update((t, LABELS[k]) for t, k in zip(texts, kind, strict=True))
    return texts, X, TRUTH


@pytest.fixture
def asked():
    return ASKED


@pytest.fixture
def make(world, tmp_path):
    _, X, _ = world
    ASKED.clear()

    def make(**options):
        given = {"target": 0.95, "confidence": 0.9, "features": X, "store": tmp_path / "a.sqlite"}
        return Tracer(teach, LABELS, **{**given, "labelling": "hard-first", "seed": 2, **options})

    return make


def purposes(tracer):
    return [draw.purpose for draw in tracer._state.draws]


def test_step_by_step_asks_what_each_step_says(make, world, asked):
    tracer = make()
    labels = tracer.label(world[0])
    grown = len(asked)
    assert len(labels.rows) == grown == len(set(asked))
    assert set(purposes(tracer)) == {PILOT, HARD}
    fit = tracer.fit()
    assert len(asked) == grown
    assert len(fit.pilot_rows) == labels.n_random < len(fit.fit_rows) == grown
    certificate = tracer.calibrate()
    assert certificate.certified
    assert TEST in purposes(tracer)
    assert len(asked) >= grown + certificate.n_calibration > grown
    routed = tracer.route()
    assert routed["label"].notna().all()
    assert len(asked) == len(set(asked)) < N // 2
    handled = routed["label_source"] == "surrogate"
    truth = routed["text"].map(world[2])
    assert (routed["label"] == truth)[handled].mean() >= 0.95
    bill = tracer.report.bill
    assert bill.total == len(asked)
    assert bill.saved == handled.sum()
    assert bill.n_asked == bill.n_start + bill.n_hard + bill.n_test


def test_one_call_does_the_same_and_again_costs_nothing(make, world, asked):
    first = make().run(world[0])
    n = len(asked)
    second = make().run(world[0])
    assert len(asked) == n
    assert first.equals(second)


def counted(told):
    """Moments of the labelling; no count goes back, and each was true."""
    of_step = [p for p in told if p.step in ("label", "calibrate") and p.total]
    for step in ("label", "calibrate"):
        mine = [(p.done, p.total, p.spending.asked, p.seconds) for p in of_step if p.step == step]
        for values in zip(*mine, strict=True):
            assert list(values) == sorted(values)
    return [p.preparing for p in of_step if p.preparing is not None]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_what_is_prepared_is_told_and_changes_nothing(make, world, asked, concurrency):
    told, grown = [], 0

    def heard(progress):
        told.append(progress)
        if progress.preparing is not None and concurrency == 1:
            assert progress.spending.asked == len(asked) - (progress.step == "calibrate") * grown

    one = make(concurrency=concurrency)
    one.label(world[0], on_progress=heard)
    grown = len(asked)
    one.fit()
    one.calibrate(on_progress=heard)
    prepared = counted(told)
    batches = [p.number for p in prepared if p.what == "batch"]
    assert batches == sorted(batches)
    assert max(batches) >= sum(draw.purpose == HARD for draw in one._state.draws)
    first = [p for p in prepared if p.what == "test" and p.number == 1]
    assert [p.done for p in first] == list(range(first[0].total + 1))
    silent = make(concurrency=concurrency, store=":memory:")
    silent.label(world[0])
    silent.fit()
    silent.calibrate()
    assert silent.report.certificate == one.report.certificate
    assert [d.as_record() for d in silent._state.draws] == [d.as_record() for d in one._state.draws]


def test_a_run_from_the_store_tells_its_fit_and_a_look_beside_it_tells_nothing(make, world):
    make().run(world[0])
    told, other = [], make()
    other.run(world[0], on_progress=told.append)
    assert {p.what for p in counted(told)} == {"test"}
    assert {p.spending.asked for p in told} == {0}
    n = len(told)
    other._state.grown.job.freezer._fitted.clear()
    state = other._state
    other._state.grown.job.freezer.fit(state.draws, state.grown.said)
    assert len(told) == n


def test_a_fit_that_a_stop_left_to_do_is_told(make, world):
    tracer, told, stop = make(), [], threading.Event()
    tracer.label(world[0], on_progress=lambda p: stop.set() if p.preparing else None, stop=stop)
    tracer.fit(on_progress=told.append)
    assert all(p.parts for p in told)
    assert [p.done for p in told] == list(range(told[0].total + 1))


def test_another_kernel_that_asks_nothing_shows_the_same_bill(make, world, asked):
    one, other = make(target=0.97), make(target=0.97)
    one.run(world[0])
    n = len(asked)
    other.run(world[0])
    assert len(asked) == n
    assert len(one.report.bill.expected) > 1
    assert other.report.bill.expected == one.report.bill.expected
    assert replace(other.report.bill, price=None) == replace(one.report.bill, price=None)


def test_a_look_at_the_job_while_it_works_fits_nothing(make, world, monkeypatch):
    fits = []
    monkeypatch.setattr(
        freezing, "fit_answers", lambda *a, **k: fits.append(1) or fit_answers(*a, **k)
    )
    how = {"store": ":memory:", "new_rows": 60, "concurrency": 1}  # rows aside behind the test
    make(**how).run(world[0])
    alone, looked = len(fits), make(**how)
    looked.run(world[0], on_progress=lambda _: looked.report)
    assert len(fits) == 2 * alone


def test_the_fit_that_a_refusal_shows_is_told(make, world):
    rng = np.random.default_rng(1)
    TRUTH.update(
        {text: LABELS[k] for text, k in zip(world[0], rng.integers(3, size=N), strict=True)}
    )
    tracer, told = make(), []
    tracer.label(world[0])
    tracer.fit()
    tracer._state.grown.job.freezer._fitted.clear()
    assert not tracer.calibrate(on_progress=told.append).certified
    parts = [p for p in told if p.parts]
    assert {p.step for p in parts} == {"Fitting the surrogate"}
    assert [p.done for p in parts] == list(range(parts[0].total + 1))


def test_another_kernel_goes_on_with_the_same_rows(make, world, asked):
    one = make()
    one.label(world[0])
    drawn = [draw.as_record() for draw in one._state.draws]
    other = make()
    other.label(world[0])
    assert [draw.as_record() for draw in other._state.draws][: len(drawn)] == drawn
    other.fit()
    assert other.calibrate().certified
    assert len(asked) == len(set(asked))


def test_another_kernel_reviews_what_the_first_one_asked_about(make, world, asked):
    one = make()
    one.run(world[0])
    queue, n_asked = one.review(rows=30).queue, len(asked)
    other = make()
    other.run(world[0])
    assert len(asked) == n_asked
    assert {item.text for item in other.review(rows=30).queue.items} == {
        item.text for item in queue.items
    }
    assert other.known_review == one.known_review > 0
    row = one.labels.rows[0]
    assert other.send_to_review([row]) == 1


def test_an_earlier_test_counts_as_a_round_with_another_target_too(make, world):
    make().run(world[0])
    other = make(target=0.96)
    other.run(world[0])
    tests = [draw for draw in other._state.draws if draw.purpose == TEST]
    assert [draw.round for draw in tests] == list(range(1, len(tests) + 1))
    assert sum(draw.error for draw in tests) <= 0.1 + 1e-12
    assert other.report.certificate.total_confidence == pytest.approx(0.9)


@pytest.mark.parametrize("cap", [60, 200, 330])
def test_a_cap_is_kept_and_leaves_money_for_a_test(make, world, asked, cap):
    tracer = make()
    with suppress(NotEnoughData):
        tracer.run(world[0], max_rows=cap)
    assert len(asked) <= cap
    if cap == 330:
        assert TEST in purposes(tracer)
    n = len(asked)
    assert tracer.run(world[0]) is not None
    assert tracer.report.certificate.certified
    assert len(asked) == len(set(asked)) > n


def test_a_job_that_is_certified_ends_where_little_is_left(make, world, asked):
    """It does so with rows set aside, too, and whoever calls again finds nothing more to ask."""
    texts = world[0]
    tracer = make(new_rows=40, target=0.9)
    tracer.label(texts)
    tracer.fit()
    tracer.calibrate()
    assert purposes(tracer)[-1] == TEST
    n = len(asked)
    tracer.calibrate()
    again = make(new_rows=40, target=0.9)
    again.label(texts)
    again.fit()
    assert again.calibrate().certified
    assert len(asked) == n
    assert purposes(again) == purposes(tracer)


def test_rows_set_aside_are_tested_once_for_new_rows(make, world, asked):
    tracer = make(new_rows=200, target=0.9)
    tracer.run(world[0])
    assert purposes(tracer)[0] == NEW_ROWS
    assert tracer.router.certificate.certified
    assert tracer.router.certificate.n_calibration == 200
    assert tracer.report.bill.n_new_rows == 200
    assert len(asked) == len(set(asked))


def test_nothing_is_promised_about_new_rows_where_none_were_set_aside(make, world, tmp_path):
    tracer = make()
    tracer.run(world[0])
    assert not tracer.router.certificate.certified
    assert "new_rows" in tracer.router.certificate.note
    tracer.save(tmp_path / "r.tracer")
    assert not load(tmp_path / "r.tracer").certificate.certified


def test_everything_that_looks_at_a_job_goes_on(make, world):
    tracer = make()
    tracer.run(world[0])
    tested = [row for d in tracer._state.draws if d.purpose == TEST for row in d.rows.tolist()]
    assert set(tracer.gaps().rows.tolist()) <= set(tested)
    assert tracer.targets() is not None
    assert tracer.label_counts().n_sample == len(tracer.labels.rows)
    assert tracer.audit(0.5).n_audits > 0
    assert tracer.rows().total == N
    assert tracer.preview() is None  # chosen rows say nothing of the others
    assert "of the calls, labels counted in" in "\n".join(_lines(tracer))


def _lines(tracer):
    from tracer_nb.words import report_lines

    return report_lines(tracer.report)


def test_what_an_audit_has_refuted_is_tested_anew(make, world):
    tracer = make()
    texts, _, labels = world
    tracer.run(texts)
    before = tracer.report.certificate
    for text in texts:  # the teacher has changed its mind about every row
        labels[text] = LABELS[(LABELS.index(labels[text]) + 1) % 3]
    assert tracer.audit(1.0, max_rows=60).has_alarm
    tracer.calibrate()
    assert tracer.report.certificate != before
    assert "refuted" in [draw.found for draw in tracer._state.draws]


def test_an_alarm_refutes_all_tests_before_it(make, world):
    """Not only the one that was delivered: an older one would come in its place."""
    tracer = make()
    texts, _, labels = world
    tracer.run(texts)
    *before, test = tracer._state.grown.done.tested
    assert test.found == "passed"
    for text in texts:
        labels[text] = LABELS[(LABELS.index(labels[text]) + 1) % 3]
    assert tracer.audit(1.0, max_rows=60).has_alarm
    state = replace(tracer._state, draws=(*before, test, replace(test, round=2)))
    refuted = open_rows._refuted(state)
    assert [draw.found for draw in refuted.draws if draw.purpose == TEST] == ["refuted"] * 2


def test_answers_without_a_label_do_not_undo_a_test(make, world, asked):
    """They are not stored, so that another kernel asks about them again, and only about them."""
    bare = set(world[0][::40])
    TRUTH.update(dict.fromkeys(bare, None))
    first = make(target=0.9)
    first.run(world[0])
    certificate = first.router.column_certificate
    assert certificate.certified
    assert set(asked) & bare
    n = len(asked)
    again = make(target=0.9)
    asked.clear()
    again.run(world[0])
    assert set(asked) <= bare
    assert len(asked) < n / 10
    assert again.router.column_certificate == certificate
    assert "void" not in [draw.found for draw in again._state.draws]


def test_other_features_are_another_surrogate_and_another_round(make, world, asked):
    first = make()
    first.run(world[0])
    asked.clear()
    turned = np.ascontiguousarray(world[1][:, ::-1])
    other = make(features=turned + 0.01)
    other.label(world[0])
    other.fit()
    other.calibrate()
    draws = other._state.draws
    tests = [draw for draw in draws if draw.purpose == TEST]
    # What was found with others says nothing of these.
    assert len(tests) > 1 or not other.router.column_certificate.certified
    certificate = other.router.column_certificate
    assert not certificate.certified or tests[-1].round == len(tests)


@pytest.mark.parametrize("cap", [250, 350, 500])
def test_a_cap_leaves_what_a_test_needs_also_when_a_larger_one_would_be_better(world, asked, cap):
    """The test that is planned when all is frozen is no larger than what is left."""
    rng = np.random.default_rng(3)
    X = world[1] + rng.normal(size=world[1].shape) * 0.5
    options = {"target": 0.8, "confidence": 0.9, "features": X, "store": ":memory:"}
    tracer = Tracer(teach, LABELS, **options)
    asked.clear()
    tracer.run(world[0], max_rows=cap)
    assert len(asked) <= cap
    test = next(draw for draw in tracer._state.draws if draw.purpose == TEST)
    assert test.missing is None or not len(test.missing)
    assert tracer.router.column_certificate.certified


def test_an_update_says_why_it_cannot_be(make, world):
    tracer = make()
    tracer.run(world[0])
    with pytest.raises(InvalidInput, match="labelling='random'"):
        tracer.update()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"certificate": "cross-fit"}, "cross-fit"),
        ({"certificate": "per-class"}, "per-class"),
        ({"strategy": "fixed-threshold", "threshold": 0.5}, "fixed-threshold"),
        ({"target": (0.9, 0.95)}, "one target"),
        ({"labelling": "hardest"}, "hard-first"),
        ({"labelling": "random", "new_rows": 100}, "leave it out"),
        ({"new_rows": -1}, "new_rows"),
        ({"new_rows": 2.5}, "whole number"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(make, asked, options, says):
    with pytest.raises(InvalidInput, match=says):
        make(**options)
    assert not asked


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({}, "hard-first"),
        ({"certificate": "cross-fit"}, "random"),
        ({"certificate": "per-class"}, "random"),
        ({"strategy": "fixed-threshold", "threshold": 0.5}, "random"),
        ({"strategy": "cost-aware", "cost": 0.01}, "random"),
        ({"pipeline": "accept-all"}, "random"),
        ({"target": (0.9, 0.95)}, "random"),
        ({"abstain_unlike": True}, "random"),
    ],
)
def test_hard_rows_come_first_by_default_where_the_promise_lets_them(make, options, way):
    assert make(labelling=None, **options).labelling == way
    if way == "random":
        with pytest.raises(InvalidInput, match=r"hard-first.*use 'random' with it"):
            make(labelling="hard-first", **options)
        with pytest.raises(InvalidInput, match=r"leave it out .hard-first "):
            make(labelling=None, new_rows=100, **options)


def test_a_start_without_a_single_label_is_no_crash(make, world, asked):
    TRUTH.update(dict.fromkeys(world[0], None))
    tracer = make(labelling=None)
    with pytest.raises(TracerError):
        tracer.run(world[0])
    assert len(asked) == len(set(asked)) < N


def test_a_teacher_found_to_give_no_distribution_is_asked_nothing_more(make, world, asked):
    for _ in range(3):
        with pytest.raises(InvalidInput, match="gave none with 20 answers"):
            make(abstain_unsure=0.6).run(world[0])
        assert len(asked) == 20
    make().label(world[0])  # and nothing of it was lost
    assert len(asked) == len(set(asked)) > 20


def test_the_same_rows_are_chosen_however_fast_the_answers_come(monkeypatch):
    """What is next is chosen while texts are answered, and goes by those before them."""
    names = tuple(f"label {k}" for k in range(12))
    world = np.random.default_rng(0)
    kind = world.integers(12, size=5000)
    X = np.eye(12)[kind] * 2.8 + world.normal(size=(5000, 12))
    truth = {f"text {i}": names[k] for i, k in enumerate(kind)}
    ahead, chosen = HardFirst.ahead, []

    def noted(job, draws, labels):
        move = ahead(job, draws, labels)
        if move is not None:
            waiting = job.column.texts_of(draws[-1].rows)
            n_waiting = int((labels[waiting] == UNASKED).sum())
            chosen.append((draws[-1].purpose, n_waiting, move.texts.tolist()))
        return move

    monkeypatch.setattr(HardFirst, "ahead", noted)
    found = []
    for seconds in (0.0, 0.01, 0.06):
        rng = random.Random(1)

        def teach_late(text, rng=rng, seconds=seconds):
            time.sleep(rng.random() * seconds)
            return truth[text]

        options = {"target": 0.9, "confidence": 0.9, "store": ":memory:", "new_rows": 100}
        tracer = Tracer(teach_late, names, features=X, **options)
        routed = tracer.run(list(truth))
        found.append((draw_rows_of(tracer), routed["label_source"].tolist()))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) > 6
    early = [purpose for purpose, n_waiting, _ in chosen if n_waiting]  # not all was answered
    assert early.count(HARD) >= 3
    assert PILOT in early
    assert TEST in early
    aside = set(found[0][0][0][1])  # a text a row
    assert all(set(texts) <= aside for purpose, _, texts in chosen if purpose == TEST)


def draw_rows_of(tracer):
    return [(draw.purpose, draw.rows.tolist()) for draw in tracer._state.draws]


def test_the_teachers_distribution_is_imitated_on_all_rows_that_are_fitted_on(world):
    def teach(text):
        label = TRUTH[text]
        return Answer(label, cost=0.0, probabilities={**dict.fromkeys(LABELS, 0.1), label: 0.8})

    def outputs_of(said):
        tracer = Tracer(said, LABELS, **tracer_options)
        tracer.label(world[0])
        tracer.fit()
        model, view = tracer.fitted.pipeline.stages[0].model, tracer.fitted.pipeline.view
        return tracer, model.outputs(view.prepare(tracer._state.column.features()))

    tracer_options = {
        "target": 0.96,
        "confidence": 0.9,
        "features": world[1],
        "surrogate": "kernel-ridge",
        "pipeline": "single",
        "seed": 2,
        "store": ":memory:",
    }
    tracer, soft = outputs_of(teach)
    chosen = np.concatenate([d.rows for d in tracer._state.draws if d.purpose == HARD])
    assert len(chosen) >= 40
    _, hard = outputs_of(lambda text: TRUTH[text])
    # Regression outputs follow the distribution, on rows that were chosen as on others.
    follows = (soft[chosen].max(axis=1) - 1 / 3).mean() / (hard[chosen].max(axis=1) - 1 / 3).mean()
    assert follows == pytest.approx(0.7, abs=0.1)  # (.8 - 1/3) / (1 - 1/3)
    assert tracer.calibrate().certified


def test_all_of_what_was_drawn_is_asked_about_by_who_goes_on(make, world):
    """Two batches may be under way where a kernel dies."""
    tracer = make()
    tracer.label(world[0])
    draws = tracer._state.draws
    assert [draw.purpose for draw in draws[-2:]] == [HARD, HARD]
    job, labels = tracer._state.grown.job, tracer._state.grown.said.copy()
    for draw in draws[-2:]:
        labels[draw.rows[::3]] = UNASKED
    move = job.step(draws, labels)
    left = np.r_[draws[-2].rows[::3], draws[-1].rows[::3]]
    assert move.draws == draws
    assert sorted(move.texts.tolist()) == sorted(left.tolist())


def test_a_cap_that_is_gone_leaves_room_for_the_test_that_is_best(make, world, monkeypatch):
    """And what was fitted for one plan is not fitted again for another one."""
    fits = []

    def noted(*given, **more):
        fits.append(given)
        return fit_answers(*given, **more)

    monkeypatch.setattr("tracer_nb.draws.freezing.fit_answers", noted)
    tracer = make(target=0.9)
    tracer.label(world[0], max_rows=200)
    tracer.fit()
    tracer.calibrate()  # no cap any more
    tests = [draw for draw in tracer._state.draws if draw.purpose == TEST]
    assert len(tests[0].rows) > 200 - len(tracer.fitted.fit_rows)
    assert len(fits) == len(tests)


def test_a_job_is_looked_at_while_its_test_is_asked_about(make, world):
    """With rows set aside, too, which are asked about last."""
    tracer, seen = make(new_rows=100), []

    def look(progress):
        seen.append((progress.step, tracer.label_counts(), tracer.report))
        tracer.rows(Selection(), limit=5)
        tracer.confusion()

    tracer.label(world[0], on_progress=look)
    during = [counts for step, counts, _ in seen if step == "label" and counts is not None]
    assert during[0].n_sample > 0  # not hidden behind the rows that are set aside
    tracer.fit()
    tracer.calibrate(on_progress=look)
    assert {step for step, *_ in seen} == {"label", "calibrate"} or len(seen) > 3
    assert tracer.router.certificate.n_calibration == 100


def test_who_goes_on_later_is_told_what_was_reused(make, world):
    make().run(world[0])
    again = make()
    again.label(world[0])
    spending = again.report.spending
    assert spending.asked == 0
    assert spending.reused > 100


def test_a_fit_that_was_certified_is_the_one_that_is_shown(make, world):
    tracer = make()
    tracer.run(world[0])
    n_fit = tracer.router.column_certificate.n_fit
    assert len(tracer.fit().fit_rows) == n_fit
    assert tracer.calibrate().n_fit == n_fit


def test_recorded_labels_of_every_row_are_no_sample(world):
    texts, X, truth = world
    options = {"target": 0.8, "features": X, "store": ":memory:"}
    tracer = Tracer(dict(truth), **options)
    tracer.run(texts)
    assert not tracer.report.assumption
    some = Tracer({text: truth[text] for text in texts[:900]}, **options)
    some.run(texts)
    assert some.report.assumption.startswith("If the recorded rows")


def test_a_teacher_that_answers_two_of_three_is_not_asked_about_all(make, world, asked):
    TRUTH.update(dict.fromkeys(world[0][::3], None))
    tracer = make(target=0.85)
    tracer.run(world[0])
    assert len(asked) <= 240
    certificate = tracer.router.column_certificate
    assert not certificate.certified
    assert "texts drawn at random got no label" in certificate.note


def test_too_small_a_column_is_told_before_anything_is_asked(make, world, asked):
    tracer = make(features=world[1][:20])
    with pytest.raises(NotEnoughData, match=r"20 rows are too few to save any.*Nothing was asked"):
        tracer.run(world[0][:20])
    with pytest.raises(NotEnoughData, match=r"50 rows are too few to save any.*Nothing was asked"):
        make(features=world[1][:50], target=0.99).run(world[0][:50])
    assert not asked


def test_the_plan_is_of_the_random_start(make, world, asked):
    plan = make().plan(world[0])
    assert plan.labelling == "hard-first"
    assert plan.n_sample == plan.n_ask == 150
    assert not asked


def test_the_plan_tells_the_whole_bill_from_where_to_where(make, world):
    tracer = make()
    plan = tracer.plan(world[0])
    # At the least the start and the smallest test.
    assert (plan.bill_low, plan.bill_high) == (plan.n_sample + plan.fewest_labels, 1000)
    assert "measured" in plan.bill_source
    tracer.run(world[0])
    total = tracer.report.bill.total
    after = tracer.plan(world[0])
    assert after.bill_source == "the answers so far"
    assert plan.n_sample < after.bill_low <= after.bill_high < 1000
    assert 0.6 * after.bill_low < total < 1.4 * after.bill_high
    # Of another column nothing is known.
    tracer = make(features="lsa")
    assert "measured" in tracer.plan([f"other {i}" for i in range(900)]).bill_source


def test_progress_is_that_of_the_whole_step(make, world):
    """One line of time, though it asks several times: nothing counts from its beginning again."""
    tracer, told = make(cost=0.01), []
    tracer.label(world[0], max_cost=100, on_progress=told.append)
    tracer.fit()
    tracer.calibrate(max_cost=100, on_progress=told.append)
    for step in ("label", "calibrate"):
        own = [p for p in told if p.step == step]
        for name in ("done", "total", "seconds"):
            assert [getattr(p, name) for p in own] == sorted(getattr(p, name) for p in own)
        asked = [p.spending.asked for p in own]
        assert asked == sorted(asked)
        assert own[-1].spending.cost == pytest.approx(0.01 * asked[-1])
        assert own[-1].done == own[-1].total
    assert asked[-1] < own[-1].done  # what label asked about is done, and was paid there


def test_the_plan_knows_which_rows_of_the_start_are_stored(make, world, asked):
    make().label(world[0])
    n = len(asked)
    plan = make().plan(world[0])
    assert plan.n_stored == plan.n_sample == 150
    assert plan.n_ask == 0
    assert len(asked) == n


def test_a_draw_store_refuses_what_another_kernel_has_gone_past(tmp_path):
    path = tmp_path / "a.sqlite"
    store = DrawStore(lambda: LabelStore(path))
    pilot = Draw(PILOT, 0, 0, 0, np.arange(5)).as_record()
    hard = Draw(HARD, 0, 0, 0, np.arange(5, 9)).as_record()
    store.put("column", [pilot, hard])
    assert store.records("column") == [pilot, hard]
    assert store.records("another") == []
    store.put("column", [pilot])  # of a kernel that is behind
    assert store.records("column") == [pilot, hard]
    other = Draw(HARD, 0, 0, 0, np.arange(6, 9)).as_record()
    with pytest.raises(StoreError, match="another kernel"):
        store.put("column", [pilot, other])
    assert DrawStore(None).records("column") == []


def test_a_draw_store_keeps_a_test_that_ended_early(tmp_path):
    store = DrawStore(lambda: LabelStore(tmp_path / "a.sqlite"))
    looks = (Look(2, 0.02), Look(5, 0.03))
    test = Draw(TEST, 1, 0, 0, np.arange(5), 0.05, looks=looks)
    store.put("column", [test.as_record()])
    with pytest.raises(StoreError, match="another kernel"):
        store.put("column", [test.until(0).as_record()])  # it has not ended
    ended = replace(test.until(0), found="failed").as_record()
    store.put("column", [ended])
    assert store.records("column") == [ended]
    other = replace(test, rows=np.arange(1, 3), looks=looks[:1], found="failed")
    with pytest.raises(StoreError, match="another kernel"):
        store.put("column", [other.as_record()])


@pytest.mark.parametrize("step", ["label", "run"])
def test_where_nothing_may_be_asked_it_is_said(make, world, asked, step):
    tracer = make(cost=0.01)
    if step == "label":
        labels = tracer.label(world[0], max_cost=0.005)
        assert not len(labels.rows)
        assert "cost cap" in labels.stopped
    else:
        with pytest.raises(NotEnoughData, match="stopped at 0 labelled rows"):
            tracer.run(world[0], max_cost=0.005)
    assert not asked


def test_a_cap_ends_with_the_call_that_it_was_given_to(make, world, asked):
    tracer = make()
    tracer.label(world[0])
    tracer.fit()
    n = len(asked)
    assert not tracer.calibrate(max_rows=40).certified
    assert len(asked) <= n + 40
    assert tracer.calibrate().certified


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_is_in_flight_at_an_interrupt_is_paid_once(world, tmp_path, error):
    """The next batch was chosen, so that the run waits for nothing but answers."""
    called, once = [], []

    def teach_late(text):
        called.append(text)
        time.sleep(0.3)
        return TRUTH[text]

    def interrupt(progress):
        if len(called) >= 134 and not once:
            once.append(progress)
            raise error

    options = {"features": world[1], "target": 0.95, "confidence": 0.9, "seed": 2}
    tracer = Tracer(
        teach_late, LABELS, store=tmp_path / "a.sqlite", concurrency=16, cost=0.0, **options
    )
    with suppress(RuntimeError, KeyboardInterrupt):
        tracer.label(world[0], on_progress=interrupt)
    assert once
    tracer.label(world[0], max_rows=30)
    assert len(called) == len(set(called)) > 134
