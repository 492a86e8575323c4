"""Updates: what is learned from, what is tested on, what stays as it was, and what is said."""

import sqlite3
import threading
from dataclasses import replace

import numpy as np
import pytest

import tracer_nb
from tests.conftest import World
from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.live.lookout import Lookout
from tracer_nb.steps.audit.step import auditable
from tracer_nb.steps.route.outcome import SURROGATE, TEACHER
from tracer_nb.words import (
    back_lines,
    certificate_sentence,
    evidence_sentence,
    update_lines,
    update_plan_lines,
    update_rows,
)
from tracer_nb.words.figures import rounded_down

LABELS = ("login", "parcel", "refund")
QUICK = {
    "target": 0.86,
    "confidence": 0.9,
    "surrogate": "kernel-ridge",
    "gate": "margin",
    "pipeline": "single",
}


@pytest.fixture
def hard_world(niches):
    """Some rows are handled, some deferred, and an update handles more."""
    return niches


@pytest.fixture
def half_world():
    return World(600, noise=0.36)


def routed(world, cap=None, *, store=":memory:", sample=200, **options):
    """A column of which about half is handled, and of the rest ``cap`` texts were asked."""
    settings = {"features": world.X, **QUICK, **options}
    tracer = Tracer(world.teach, LABELS, "Choose.", store=store, **settings, labelling="random")
    tracer.label(world.texts, sample=sample)
    tracer.fit()
    tracer.calibrate()
    tracer.route(max_rows=cap)
    return tracer


def sources(tracer):
    return np.array(tracer.outcome.source, dtype=object)


def fitted_on(tracer):
    """Rows that the surrogate was fitted on."""
    return {row.row for row in all_rows(tracer) if row.fitted}


def all_rows(tracer):
    pages = [tracer.rows(offset=start, limit=100).rows for start in range(0, 600, 100)]
    return [row for page in pages for row in page]


# --- what it does -----------------------------------------------------------------------


def test_answers_to_deferred_rows_are_fitted_on_and_fresh_rows_are_tested(hard_world):
    tracer = routed(hard_world)
    order = np.random.default_rng(0).permutation(600)
    deferred = np.flatnonzero(sources(tracer) == TEACHER)
    asked = len(hard_world.asked)
    update = tracer.update()
    fresh, kept = order[200:260], order[200:400]
    learned = set(deferred.tolist()) - set(order[:200].tolist()) - set(kept.tolist())
    assert update.n_learned == len(learned) > 30
    assert update.n_held_back == len(set(deferred.tolist()) & set(kept.tolist())) > 20
    assert fitted_on(tracer) == learned | set(order[:200].tolist())
    assert tracer.labels.rows.tolist() == order[:260].tolist()
    assert tracer.labels.rows[tracer.fitted.calibration_rows].tolist() == fresh.tolist()
    # Deferred rows of the test have answers already.
    new = {hard_world.texts[row] for row in fresh} - set(hard_world.asked[:asked])
    assert set(hard_world.asked[asked:]) == new
    assert (update.n_fresh, update.n_asked, update.n_left) == (60, len(new), 140)
    assert len(hard_world.asked) == len(set(hard_world.asked))


def test_it_says_what_is_promised_by_all_rounds_together(hard_world):
    tracer = routed(hard_world)
    update = tracer.update()
    assert (update.n_round, tracer.rounds) == (2, 2)
    assert update.delta == pytest.approx(0.015)  # 6 * .1 / (pi^2 2^2) = .0152
    assert update.spent == pytest.approx(0.115)
    new = tracer.router.certificate
    assert (new.confidence, new.n_rounds) == (0.985, 2)
    assert new.total_confidence == pytest.approx(0.885)
    assert new.n_fit == update.after.n_fit == 200 + update.n_learned
    third = tracer.update()
    assert third.delta == pytest.approx(0.0067)
    assert third.spent == pytest.approx(0.1217)
    assert not set(tracer.fitted.calibration_rows.tolist()) & set(range(200))
    report = replace(tracer.report, certificate=new)
    assert "With 88.5 % confidence" in certificate_sentence(report)


def test_what_the_surrogate_answered_in_the_column_stays_answered(hard_world):
    tracer = routed(hard_world)
    before, labels = sources(tracer), np.array(tracer.outcome.label)
    column = tracer.router.column_certificate
    update = tracer.update()
    now = sources(tracer)
    lost = np.flatnonzero((before == SURROGATE) & (now != SURROGATE))
    assert set(lost.tolist()) <= set(tracer.labels.rows[200:].tolist())
    assert (update.n_to_surrogate, update.n_to_teacher) == (0, len(lost))
    same = now == SURROGATE
    assert (np.array(tracer.outcome.label)[same] == labels[same]).all()
    # Nothing was left to answer, so the certificate is the one before, in two rounds.
    kept = tracer.router.column_certificate
    assert (kept.threshold, kept.confidence, kept.n_rounds) == (column.threshold, 0.9, 2)
    assert kept.total_confidence == pytest.approx(0.885)
    assert tracer.calibrate() == kept


def test_rows_that_a_cap_left_are_answered_by_the_new_surrogate(hard_world):
    tracer = routed(hard_world, cap=20)
    assert tracer.outcome.count(None) > 80
    before = sources(tracer)
    tracer.update(max_rows=100)
    while tracer.report.certificate.method == "column":
        tracer.update(max_rows=100)
    certificate = tracer.report.certificate
    assert certificate.method == "column, updated"
    gained = (sources(tracer) == SURROGATE) & (before != SURROGATE)
    assert gained.sum() > 10
    assert ((before == SURROGATE) & (sources(tracer) == SURROGATE)).sum() > 150
    text = certificate_sentence(tracer.report)
    assert f"of the {certificate.n_population:,} rows that {tracer.teacher.name} had not" in text
    # The certificate speaks about exactly the rows that had no answer, and counts those handled.
    drawn = set(tracer.labels.rows[: -certificate.n_calibration].tolist())
    assert not drawn & set(np.flatnonzero(gained).tolist())


def test_the_router_that_answers_fewer_new_rows_is_not_taken(hard_world):
    tracer = routed(hard_world)
    taken = []
    for _ in range(3):
        old = tracer.router
        update = tracer.update()
        taken.append(update.taken)
        assert update.taken == (update.after.coverage >= update.before.coverage)
        router = tracer.router
        if not update.taken:
            assert router.fit is old.fit
            assert router.certificate.threshold == old.certificate.threshold
            assert "before is kept" in update_lines(update)[0]
        # Either way the certificate in use counts all tries.
        assert router.certificate.n_rounds == update.n_round
        assert router.certificate.total_confidence == pytest.approx(1.0 - update.spent)
    assert set(taken) == {True, False}


def test_one_that_was_not_taken_says_what_it_would_give_and_waits_for_new_answers():
    tracer = routed(World(600, noise=0.46))
    plan = tracer.plan_update()
    assert (plan.n_new, plan.tried) == (plan.n_learned, None)
    assert plan.n_new > 0
    update = tracer.update()
    assert not update.taken
    plan = tracer.plan_update()
    assert (plan.n_new, plan.tried) == (0, update)
    assert plan.n_learned == update.n_learned > 0
    refused = (
        f"Tried with {update.n_learned} answers and not taken: nothing could be certified for the "
        "new router; no more answers since."
    )
    assert update_plan_lines(plan)[0] == refused
    certified = replace(update.after.certificate, certified=True)
    after = replace(update.after, certificate=certified, coverage=0.6)
    tried = replace(update, after=after, before=replace(update.before, coverage=0.75))
    assert update_plan_lines(replace(plan, tried=tried, n_new=1))[0] == (
        f"Tried with {update.n_learned} answers and not taken: the new router would answer 60 % of "
        "rows like the column's, and the one in use answers 75 %; 1 more answer since."
    )


def test_answers_to_other_columns_are_new_until_an_update_learned_from_them(hard_world):
    tracer = routed(hard_world)
    update = tracer.update()
    assert update.taken
    assert tracer.plan_update().n_new == update.n_fresh  # its test's rows
    texts, X = other_rows(hard_world)
    tracer.route(texts, features=X)
    elsewhere = tracer.plan_update().n_new - update.n_fresh
    assert elsewhere > 0
    assert tracer.update().n_elsewhere == elsewhere
    assert tracer.plan_update().n_new == update.n_fresh


def test_after_one_that_was_not_taken_the_next_tests_on_other_rows(hard_world):
    tracer = routed(hard_world)
    tests = []
    for _ in range(3):
        n = len(tracer.labels.rows)
        update = tracer.update()
        if update.taken:
            tests.append(tracer.labels.rows[-60:].tolist())
            assert len(tracer.labels.rows) >= n + 60
    flat = [row for rows in tests for row in rows]
    assert len(flat) == len(set(flat))
    assert update.n_left == 20
    with pytest.raises(NotEnoughData, match="20 are kept for tests"):
        tracer.update()


def test_an_update_can_be_asked_for_more_rows(hard_world):
    tracer = routed(hard_world)
    assert tracer.update(sample=100).n_fresh == 100
    assert len(tracer.fitted.calibration_rows) == 100


# --- other columns ----------------------------------------------------------------------


def other_rows(world, n=150):
    rng = np.random.default_rng(11)
    codes, X = world.rows(n, rng)
    texts = [f"{LABELS[c]} elsewhere {i}" for i, c in enumerate(codes)]
    world.truth.update((text, text.split()[0]) for text in texts)
    return texts, X


def test_deferred_rows_of_other_columns_are_answers_too(hard_world):
    tracer = routed(hard_world)
    texts, X = other_rows(hard_world)
    for _ in range(2):  # the same rows again are no more answers
        tracer.route([*texts, hard_world.texts[0]], features=np.r_[X, hard_world.X[:1]])
    elsewhere = sum(source == TEACHER for source in tracer.outcome.source[:-1])
    update = tracer.update()
    assert update.n_elsewhere == elsewhere > 5
    assert tracer.fitted.n_extra == update.n_learned + update.n_elsewhere
    # The column had been routed, and is again; what was there before is not in this output.
    assert len(tracer.outcome.label) == 600
    assert update.before.n_surrogate is None
    assert update.after.n_surrogate == tracer.outcome.count(SURROGATE)
    assert f"and {elsewhere:,} to deferred ones of other columns" in update_lines(update)[1]


def test_a_column_that_was_never_routed_is_not(hard_world):
    tracer = Tracer(
        hard_world.teach,
        *(LABELS, "Choose."),
        features=hard_world.X,
        store=":memory:",
        **QUICK,
        labelling="random",
    )
    tracer.label(hard_world.texts, sample=200)
    tracer.fit()
    tracer.calibrate()
    texts, X = other_rows(hard_world)
    tracer.route(texts, features=X)
    update = tracer.update()
    assert update.n_learned == 0 < update.n_elsewhere
    assert tracer.outcome is None
    assert update.after.n_calls == 260


# --- audits -----------------------------------------------------------------------------


def test_audited_rows_are_learned_from_and_a_new_certificate_begins_a_new_watch(hard_world):
    tracer = routed(hard_world, cap=20)
    watch = tracer.audit(0.3)
    assert watch.n_audits > 20
    answers = set(hard_world.asked[200:])
    update = tracer.update(max_rows=100)
    assert update.n_learned + update.n_held_back == len(answers)
    while tracer.report.certificate.method == "column":
        tracer.update(max_rows=100)
    assert tracer.watch().n_audits == 0


def test_audits_of_an_updated_column_are_about_rows_of_its_certificate(hard_world):
    tracer = routed(hard_world, cap=20)
    tracer.audit(0.3)
    answers = set(hard_world.asked)
    scores = np.array(tracer.outcome.score, dtype=float)
    before = sources(tracer)
    tracer.update(max_rows=100)
    while tracer.report.certificate.method == "column":
        answers = set(hard_world.asked)
        tracer.update(max_rows=100)
    # What was answered keeps the gate's score.
    stayed = (before == SURROGATE) & (sources(tracer) == SURROGATE)
    assert np.allclose(np.array(tracer.outcome.score, dtype=float)[stayed], scores[stayed])
    watch = tracer.audit(1.0)
    assert watch.n_audits == watch.n_handled > 100
    certificate = tracer.report.certificate
    assert watch.n_handled <= certificate.n_population_handled
    assert not set(auditable(tracer._state)) & answers


def test_audits_of_other_columns_leave_out_what_was_learned(hard_world):
    tracer = routed(hard_world)
    texts, X = other_rows(hard_world)
    tracer.route(texts, features=X)
    deferred = {t for t, s in zip(texts, sources(tracer), strict=True) if s == TEACHER}
    assert len(deferred) > 5
    while not tracer.update().taken:
        pass
    tracer.route(texts, features=X)
    assert tracer.audit(1.0).n_audits > 0
    assert not set(auditable(tracer._state)) & deferred
    again = [hard_world.texts[i] for i in range(600)] + texts
    tracer.route(again, features=np.r_[hard_world.X, X])
    fitted = {hard_world.texts[row] for row in fitted_on(tracer)}
    assert len(fitted) > 200
    assert not set(auditable(tracer._state)) & (fitted | deferred)


def test_where_the_columns_certificate_is_the_one_before_so_is_its_watch(hard_world):
    tracer = routed(hard_world)
    watch = tracer.audit(0.2)
    tracer.update()
    assert tracer.watch().n_audits == watch.n_audits > 0


def test_a_router_that_an_audit_refuted_gives_way(hard_world):
    tracer = routed(hard_world, guard=False)
    texts, _ = other_rows(hard_world, 200)
    X = (
        3
        * np.eye(3, hard_world.n_columns)[
            [(LABELS.index(text.split()[0]) + 1) % 3 for text in texts]
        ]
    )
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.audit(0.5).has_alarm
    old = tracer.router
    update = tracer.update(ask_teacher=False)
    assert (update.had_alarm, update.taken) == (True, True)
    assert tracer.router.fit is not old.fit
    assert "it promises nothing" in update_lines(update)[-1]


# --- stops and caps ---------------------------------------------------------------------


def test_a_cap_leaves_everything_as_it_was_and_the_next_call_goes_on(hard_world):
    tracer = routed(hard_world)
    before = (tracer.router, tracer.fitted, tracer.labels, tracer.outcome, tracer.rounds)
    asked = len(hard_world.asked)
    update = tracer.update(max_rows=10)
    assert (tracer.router, tracer.fitted, tracer.labels, tracer.outcome, tracer.rounds) == before
    assert "row cap of 10" in update.stopped
    assert (update.n_asked, update.after, update.taken) == (10, None, False)
    assert update.spent == pytest.approx(0.1)
    assert "the router is as it was" in update_lines(update)[0]
    assert update_rows(update)[1][0] == ("labels fitted on", "140", "")
    whole = tracer.update()
    assert whole.stopped is None
    assert whole.n_asked == len(hard_world.asked) - asked - 10
    assert len(hard_world.asked) == len(set(hard_world.asked))
    # What it learned from and tested on is what it would have been without the stop.
    straight = routed(hard_world).update()
    assert straight.after.certificate == whole.after.certificate
    assert (straight.n_learned, straight.n_held_back) == (whole.n_learned, whole.n_held_back)


def test_the_stop_button_and_another_threads_stop(hard_world, interrupting):
    teacher = interrupting(hard_world, 330)
    tracer = Tracer(
        teacher.teach,
        *(LABELS, "Choose."),
        features=hard_world.X,
        store=":memory:",
        **QUICK,
        concurrency=1,
        labelling="random",
    )
    tracer.run(hard_world.texts, sample=200)
    router = tracer.router
    assert len(hard_world.asked) < 330
    update = tracer.update()
    assert update.stopped == "interrupted"
    assert tracer.router is router
    teacher.release.set()
    stop = threading.Event()
    stop.set()
    assert tracer.update(stop=stop).stopped == "interrupted"
    assert tracer.update().stopped is None


def test_a_fresh_row_without_a_label_counts_as_a_disagreement(hard_world):
    tracer = routed(hard_world)
    order = np.random.default_rng(0).permutation(600)
    fresh = [hard_world.texts[row] for row in order[200:320]]
    new = [text for text in fresh if text not in hard_world.asked]
    hard_world.truth[new[0]] = "nonsense"
    del hard_world.truth[new[1]]  # this one raises
    update = tracer.update(sample=120)
    assert update.taken
    assert (tracer.labels.codes[-120:] < 0).sum() == 2
    assert tracer.labels.n_failed == 1
    assert update.after.certificate.n_calibration == 120
    assert update.outside == (("answer is not one of the labels: 'nonsense'", 1),)


def test_nothing_deferred_was_answered(hard_world):
    tracer = routed(hard_world, cap=0)
    update = tracer.update(max_rows=60)
    assert (update.n_learned, update.n_held_back, update.n_asked) == (0, 0, 60)
    assert update.after.n_fit == 200
    assert tracer.fitted.n_extra == 0


def test_the_teacher_is_asked_at_the_end_as_in_the_last_routing(hard_world):
    tracer = routed(hard_world, cap=20)
    tracer.route(ask_teacher=False)
    n = len(hard_world.asked)
    update = tracer.update()
    assert len(hard_world.asked) == n + update.n_asked
    tracer.update(ask_teacher=True)
    assert tracer.outcome.count(None) == 0


# --- restarts ---------------------------------------------------------------------------


def test_another_kernel_does_the_same_at_no_cost(hard_world, tmp_path):
    store = tmp_path / "labels.sqlite"
    first = routed(hard_world, store=store)
    updates = [first.update(), first.update()]
    asked = len(hard_world.asked)
    again = routed(hard_world, store=store)
    for update in updates:
        found = again.update()
        assert found.n_asked == 0
        assert (found.n_learned, found.n_held_back) == (update.n_learned, update.n_held_back)
        assert found.after.certificate == update.after.certificate
        assert found.taken == update.taken
    assert len(hard_world.asked) == asked
    assert sources(again).tolist() == sources(first).tolist()


def test_rows_left_by_a_cap_stay_the_teachers_when_their_test_was_made_before(hard_world, tmp_path):
    """What an earlier session asked about after its test has spoilt their random order."""
    store = tmp_path / "labels.sqlite"
    routed(hard_world, cap=20, store=store).update(max_rows=75)
    again = routed(hard_world, cap=0, store=store)
    assert again.outcome.count(None) > 0
    again.update()
    assert again.router.column_certificate.method == "column"


# --- labels that were not known ---------------------------------------------------------


def test_new_labels_are_named_and_counted(hard_world):
    """A label that only deferred rows bear: none was in the sample."""
    sample = set(np.random.default_rng(0).permutation(600)[:200].tolist())
    tracer = routed(hard_world, cap=0)
    deferred = np.flatnonzero(sources(tracer) == None)  # noqa: E711  of objects
    names = (*LABELS, "complaint", "praise")
    for row in deferred[:30].tolist():
        assert row not in sample
        hard_world.truth[hard_world.texts[row]] = "complaint"
    hard_world.truth[hard_world.texts[deferred[31]]] = "praise"
    hard_world.truth[hard_world.texts[deferred[32]]] = "<b>rubbish</b>"
    tracer = Tracer(
        hard_world.teach,
        *(names, "Choose."),
        features=hard_world.X,
        **QUICK,
        store=":memory:",
        labelling="random",
    )
    tracer.run(hard_world.texts, sample=200)
    assert "complaint" not in tracer.fitted.classes
    update = tracer.update()
    assert update.new_labels == (("complaint", 30), ("praise", 1))
    assert update.outside == (("answer is not one of the labels: '<b>rubbish</b>'", 1),)
    text = " ".join(update_lines(update))
    assert (
        "New to the surrogate, with the texts that carry them: complaint (30), praise (1)" in text
    )
    assert "1 text the teacher gave no label of the set: 1 × answer is not one" in text
    if update.taken:
        assert "complaint" in tracer.fitted.classes


def test_recorded_labels_are_updated_from_as_well(hard_world):
    tracer = Tracer(dict(hard_world.truth), features=hard_world.X, **QUICK, labelling="random")
    tracer.run(hard_world.texts, sample=200)
    update = tracer.update()
    assert update.n_learned > 30
    assert update.n_fresh == 60


# --- what follows -----------------------------------------------------------------------


def test_everything_that_looks_at_a_job_goes_on(hard_world, tmp_path):
    tracer = routed(hard_world, cap=20)
    tracer.update(max_rows=100)
    tracer.update(max_rows=100)
    gaps = tracer.gaps()
    n = len(tracer.fitted.calibration_rows)
    assert len(gaps.rows) == n
    assert tracer.confusion() is not None
    assert tracer.targets().n_rows == tracer.targets().n_population == n
    assert tracer.at_threshold(0.5).n_rows == n
    assert tracer.label_counts() is not None
    assert tracer.map("pca").n_texts == 600
    rows = all_rows(tracer)
    assert len(rows) == 600
    learned = {row.row for row in rows if row.fitted and row.row not in tracer.labels.rows}
    # What the surrogate says on a row that it was fitted on tells nothing.
    assert all(row.surrogate is None for row in rows if row.row in learned)
    assert len(learned) == tracer.fitted.n_extra > 0
    report = tracer.report
    assert report.n_labelled == len(tracer.labels.rows)
    assert report.n_surrogate + report.n_teacher + report.n_missing == 600
    assert "column, updated certificate" in evidence_sentence(report)
    assert report.frontier is tracer.router.column_frontier
    assert Lookout(tracer).findings().targets is not None
    tracer.save(tmp_path / "updated.tracer")
    loaded = tracer_nb.load(tmp_path / "updated.tracer")
    assert loaded.certificate == tracer.router.certificate
    assert loaded.certificate.total_confidence == tracer.router.certificate.total_confidence
    assert "column, updated" not in repr(loaded)
    review = tracer.review(of="disputed", rows=10)
    while not review.done:
        assert review.current.text not in {hard_world.texts[row] for row in learned}
        review.skip()


def test_a_new_fit_forgets_the_update_and_so_does_a_new_sample(hard_world):
    tracer = routed(hard_world)
    tracer.update()
    tracer.fit()
    certificate = tracer.calibrate()
    assert certificate.method == "column"
    assert certificate.n_rounds == 3
    assert certificate.total_confidence == pytest.approx(1 - 0.1 - 0.015 - 0.1)
    tracer.route()
    tracer.label(hard_world.texts, sample=300)
    with pytest.raises(NotFitted, match="call route"):
        tracer.update()


def test_several_targets_share_each_round(hard_world):
    tracer = routed(hard_world, target=[0.8, 0.86])
    tracer.route(target=0.86)
    update = tracer.update()
    assert {c.target for c in tracer.router.certificates} == {0.8, 0.86}
    assert update.before.certificate.target == 0.86
    assert {c.target for c in tracer.router.column_certificates} == {0.8, 0.86}


def test_an_update_opens_the_store_once(hard_world, tmp_path, monkeypatch):
    tracer = routed(hard_world, 30, store=tmp_path / "labels.sqlite")
    tracer.audit(0.3)
    connect, opened = sqlite3.connect, []

    def counted(*args, **options):
        opened.append(args)
        return connect(*args, **options)

    monkeypatch.setattr(sqlite3, "connect", counted)
    update = tracer.update()
    assert update.n_asked
    assert len(opened) == 2  # one to read by, one to write by


def test_after_cross_fitting_fresh_rows_are_held_out(hard_world):
    tracer = routed(hard_world, certificate="cross-fit")
    update = tracer.update()
    assert update.before.certificate.method == "held-out, cross-fit"
    assert update.after.certificate.method == "held-out"
    assert not update.after.certificate.by_simulation
    assert update.after.n_fit == 200 + update.n_learned


def test_classes_keep_what_they_had(half_world):
    tracer = routed(half_world, cap=0, certificate="per-class", target=0.8)
    had = tracer._state.certified.routings[0.8].handled
    assert had.any()
    for _ in range(2):
        tracer.update(max_rows=60)
        assert tracer._state.certified.routings[0.8].handled[had].all()
        assert tracer.report.certificate.classes


def test_dear_rows_go_first_as_before(hard_world):
    tracer = routed(hard_world, cap=20, strategy="cost-aware", cost=0.001)
    update = tracer.update(max_rows=100)
    assert update.after.certificate.strategy == "cost-aware"
    assert update.after.n_fit == 200 + update.n_learned


# --- what is refused --------------------------------------------------------------------


def test_there_is_nothing_to_learn_from_before_routing(hard_world):
    tracer = Tracer(
        hard_world.teach, LABELS, features=hard_world.X, store=":memory:", labelling="random"
    )
    with pytest.raises(NotFitted, match="call route"):
        tracer.update()
    tracer.label(hard_world.texts, sample=200)
    tracer.fit()
    tracer.calibrate()
    with pytest.raises(NotFitted, match="call route"):
        tracer.update()


@pytest.mark.parametrize(
    "wrong", [{"sample": 0}, {"sample": "auto"}, {"max_rows": -1}, {"max_cost": "x"}]
)
def test_a_wrong_number_is_refused_before_anything_is_asked(hard_world, wrong):
    tracer = routed(hard_world)
    n = len(hard_world.asked)
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        tracer.update(**wrong)
    assert len(hard_world.asked) == n


def test_too_few_fresh_rows_are_refused(hard_world):
    with pytest.raises(NotEnoughData, match="sample at least 28"):
        routed(hard_world).update(sample=10)


# --- going back -------------------------------------------------------------------------


def test_what_was_certified_before_an_update_is_put_in_force_again_and_costs_nothing(hard_world):
    tracer = routed(hard_world, cap=30)
    first, labels = tracer.report.certificate, tracer.outcome.label
    old = tracer.router
    assert tracer.earlier is None
    update = tracer.update(max_rows=100, ask_teacher=False)
    assert update.taken
    asked, new = len(hard_world.asked), tracer.report.certificate
    after = tracer.outcome.label
    assert tracer.earlier.threshold in (first.threshold, old.certificate.threshold)

    said = tracer.back()
    certificate = tracer.report.certificate
    assert len(hard_world.asked) == asked
    column = new.threshold != first.threshold or new.method != first.method
    assert said == (certificate if column else tracer.router.certificate)
    assert said.coverage != tracer.earlier.coverage
    assert (certificate.threshold, certificate.coverage) == (first.threshold, first.coverage)
    assert tracer.router.fit is old.fit
    # It says of both tests that they were made, and what holds of them at once.
    assert (certificate.n_rounds, certificate.confidence) == (2, first.confidence)
    assert certificate.total_confidence == pytest.approx(1.0 - update.spent)
    assert [test.n_rows for test in certificate.origin.tests] == [60, 60]
    # The surrogate's labels are as they were; what was asked since has the teacher's.
    source, truth = sources(tracer), hard_world.truth
    for now, before, who, text in zip(
        tracer.outcome.label, labels, source, hard_world.texts, strict=True
    ):
        assert now == (before if who == SURROGATE else truth[text] if who == TEACHER else None)
    assert (source == SURROGATE).sum() > 100
    lines = back_lines(said, tracer.earlier)
    assert lines[0].startswith(f"In force again: {100 * certificate.target:.0f} % on ")
    assert (" of new rows that the surrogate answers" in lines[0]) == (not column)
    assert f"at once with {rounded_down(certificate.total_confidence)} confidence" in lines[1]

    tracer.back()  # and forth
    assert tracer.report.certificate == new
    assert tracer.outcome.label == after
    assert len(hard_world.asked) == asked
    # No row became fresh again.
    tested = set(tracer.labels.rows[-60:].tolist())
    tracer.back()
    later = tracer.update(ask_teacher=False)
    assert later.n_round == 3
    assert later.n_left == update.n_left - 60
    if later.taken:
        assert not tested & set(tracer.labels.rows[-60:].tolist())


def test_there_is_nothing_to_go_back_to_without_an_update_or_after_another_fit(hard_world):
    tracer = routed(hard_world, cap=30)
    with pytest.raises(NotFitted, match="no update has certified anything"):
        tracer.back()
    assert tracer.update(max_rows=100).taken
    tracer.fit()
    assert tracer.earlier is None


def test_what_an_audit_has_refuted_is_not_put_in_force_again(hard_world):
    tracer = routed(hard_world)
    for text in hard_world.texts:
        hard_world.truth[text] = LABELS[(LABELS.index(hard_world.truth[text]) + 1) % 3]
    assert tracer.audit(1.0).has_alarm
    update = tracer.update()
    assert (update.had_alarm, update.taken) == (True, True)
    with pytest.raises(InvalidInput, match="raised an alarm about that certificate"):
        tracer.back()
