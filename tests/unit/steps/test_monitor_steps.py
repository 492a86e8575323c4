"""Audits after routing: drawn by coins, stored, found again, and heeded when they alarm."""

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotFitted, StoreError
from tracer_nb.records import Audit
from tracer_nb.steps.audit.auditor import draw_audits, replay
from tracer_nb.steps.audit.step import auditable
from tracer_nb.words import watch_lines

LABELS = ("login", "parcel", "refund")


def routed(world, store, **options):
    tracer = Tracer(
        world.teach, LABELS, "Choose.", features=world.X, store=store, **options, labelling="random"
    )
    tracer.label(world.texts, sample=200)
    tracer.fit()
    tracer.calibrate()
    tracer.route()
    return tracer


def other_rows(world, n=200):
    """New texts whose features show another label than the teacher gives."""
    codes = np.arange(n) % len(LABELS)
    texts = [f"{LABELS[c]} new question {i}" for i, c in enumerate(codes)]
    world.truth.update((text, text.split()[0]) for text in texts)
    return texts, np.eye(len(LABELS))[(codes + 1) % len(LABELS)]


def alarmed(world, store, on_alarm="defer", **options):
    tracer = routed(world, store, **options)
    texts, X = other_rows(world)
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.audit(0.5, on_alarm=on_alarm).has_alarm
    return tracer, texts, X


@pytest.fixture
def store(tmp_path):
    return tmp_path / "labels.sqlite"


# --- the draw -------------------------------------------------------------------------


def test_a_coin_for_each_text_draws_the_same_again_and_a_higher_rate_more():
    texts = [f"text {i}" for i in range(4000)]
    few, more = draw_audits(texts, 0.05, 0), draw_audits(texts[::-1], 0.1, 0)
    assert few == more[: len(few)] == draw_audits(texts, 0.05, 0)
    assert 140 < len(few) < 260
    assert len({*few} & {*draw_audits(texts, 0.05, 1)}) < 40
    assert few != sorted(few, key=texts.index)
    assert len(draw_audits(texts, 1.0, 0)) == 4000


# --- looking ---------------------------------------------------------------------------


def test_a_watch_is_worked_out_once_for_each_routing_and_audit(world, store, monkeypatch):
    tracer = Tracer(
        world.teach, LABELS, "Choose.", features=world.X, store=store, labelling="random"
    )
    assert tracer.known_watch is None
    tracer = routed(world, store)
    first = tracer.known_watch
    assert (first.n_audits, first.n_handled) == (0, tracer.watch().n_handled)
    audited = tracer.audit(0.2)
    assert tracer.known_watch is audited
    monkeypatch.setattr(tracer, "watch", lambda: 1 / 0)
    assert tracer.known_watch is audited
    monkeypatch.undo()
    # Other rows are routed.
    texts, X = other_rows(world)
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.known_watch.n_handled == 200 != first.n_handled
    # A store that fails is nothing to fail at while looking.
    tracer.route(texts, features=X, ask_teacher=False)

    def broken():
        raise StoreError("the store is gone")

    monkeypatch.setattr(tracer, "watch", broken)
    assert tracer.known_watch is None
    monkeypatch.undo()
    tracer.fit()
    assert tracer.known_watch is None


# --- the audits -----------------------------------------------------------------------


def test_only_handled_texts_outside_the_sample_are_asked_about_each_once(world, store):
    tracer = routed(world, store)
    asked = list(world.asked)
    watch = tracer.audit(0.2)
    new = world.asked[len(asked) :]
    assert watch.n_audits == len(new) == len(set(new)) > 40
    assert not {*new} & {*asked}
    assert (watch.n_disagree, watch.agreement, watch.n_waiting) == (0, 1.0, 0)
    assert not watch.has_alarm
    assert watch.lower > 0.9
    assert watch.upper == 1.0
    assert tracer.audit(0.2) == watch == tracer.watch()
    assert world.asked == asked + new
    assert tracer.audit(0.3).n_audits > watch.n_audits


def test_audited_rows_have_the_teachers_label_when_routed_again_and_still_count(world, store):
    tracer = routed(world, store)
    watch = tracer.audit(0.2)
    before = tracer.outcome.count("teacher")
    tracer.route()
    assert tracer.outcome.count("teacher") == before + watch.n_audits
    assert tracer.watch() == watch


def test_what_was_asked_before_is_drawn_all_the_same_and_costs_nothing(world, store):
    tracer = routed(world, store)
    tracer.audit(0.2, seed=5)
    n = len(world.asked)
    again = routed(world, store, target=0.9)  # another promise, so another watch
    assert again.watch().n_audits == 0
    assert again.audit(0.2, seed=5).n_audits > 40
    assert len(world.asked) == n


def test_a_restart_finds_its_audits_and_asks_nothing_twice(world, store):
    watch = routed(world, store).audit(0.2)
    n = len(world.asked)
    again = routed(world, store)
    assert again.watch().history == watch.history
    assert again.audit(0.2) == watch
    assert len(world.asked) == n


def test_another_fit_begins_a_new_watch(world, store):
    routed(world, store).audit(0.2)
    assert routed(world, store, seed=1).watch().n_audits == 0
    assert routed(world, store, target=0.9).watch().n_audits == 0


def test_a_cap_leaves_the_rest_for_later_and_says_so(world, store):
    tracer = routed(world, store)
    watch = tracer.audit(0.2, max_rows=10)
    assert watch.n_audits == 10
    assert watch.n_waiting > 30
    assert watch.stopped
    assert f"{watch.n_waiting} drawn texts not audited yet ({watch.stopped})." in watch_lines(watch)
    whole = tracer.audit(0.2)
    assert (whole.n_audits, whole.n_waiting) == (10 + watch.n_waiting, 0)
    assert whole.stopped is None


def test_no_label_counts_as_a_disagreement_and_a_failure_is_left_for_later(world, store):
    tracer = routed(world, store)
    drawn = draw_audits(auditable(tracer._state), 0.1, 0)
    world.truth[drawn[0]] = "no such label"
    kept = world.truth.pop(drawn[1])
    watch = tracer.audit(0.1)
    assert (watch.n_audits, watch.n_disagree, watch.n_waiting) == (len(drawn) - 1, 1, 1)
    world.truth[drawn[1]] = kept
    watch = tracer.audit(0.1)
    assert (watch.n_audits, watch.n_disagree, watch.n_waiting) == (len(drawn), 1, 0)


def test_recorded_labels_audit_what_they_know(world):
    known = dict(list(world.truth.items())[:400])
    tracer = Tracer(known, features=world.X, store=":memory:", labelling="random")
    tracer.run(world.texts, sample=200)
    watch = tracer.audit(1.0)
    assert 100 < watch.n_audits == watch.n_handled <= 200
    assert watch.n_waiting == 0


# --- alarms ---------------------------------------------------------------------------


def test_disagreement_on_new_rows_raises_an_alarm_and_all_is_deferred_even_after_a_restart(
    world, store
):
    tracer, texts, X = alarmed(world, store)
    assert tracer.watch().is_broken
    n = len(world.asked)
    routed_again = tracer.route(texts, features=X)
    assert "surrogate" not in {*routed_again["label_source"]}
    assert len(world.asked) == n  # the whole column is not sent unasked
    reasons = {*routed_again["label_reason"].dropna()}
    assert reasons == {"audited", "deferred: an audit raised an alarm; teacher not asked"}
    assert "every row is deferred from now on" in tracer.report.note
    assert tracer.watch().n_handled == 0

    tracer.route()  # the column's promise is another one, and holds
    assert tracer.outcome.count("surrogate") > 300
    assert "larm" not in tracer.report.note

    again = routed(world, store)
    again.route(texts, features=X)
    assert again.outcome.count("surrogate") == 0
    assert again.watch().is_broken


def test_the_same_certificate_again_does_not_end_an_alarm_and_fresh_labels_do(world, store):
    tracer, texts, X = alarmed(world, store)
    tracer.calibrate()
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.outcome.count("surrogate") == 0
    tracer.label(world.texts, sample=300)
    tracer.fit()
    tracer.calibrate()
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.outcome.count("surrogate") > 0
    assert tracer.watch().n_audits == 0


def test_telling_changes_no_routing(world, store):
    tracer, texts, X = alarmed(world, store, "tell")
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.outcome.count("surrogate") > 0
    assert "rows are routed all the same, as you chose" in tracer.report.note


def test_what_to_do_on_an_alarm_survives_a_restart_until_it_is_changed(world, store):
    _, texts, X = alarmed(world, store, "tell")
    again = routed(world, store)
    again.route(texts, features=X, ask_teacher=False)
    assert again.outcome.count("surrogate") > 0
    assert again.audit(0.5).consequence == "tell"
    assert again.audit(0.5, on_alarm="defer").consequence == "defer"
    again.route(texts, features=X, ask_teacher=False)
    assert again.outcome.count("surrogate") == 0


def test_a_stricter_certified_target_is_used_until_it_alarms_too(world, store):
    tracer, texts, X = alarmed(world, store, "stricter", target=[0.85, 0.9])
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.watch().target == 0.9
    assert tracer.report.certificate.target == 0.9
    assert "by the stricter target 90 %" in tracer.report.note
    assert tracer.audit(0.5, on_alarm="stricter").has_alarm
    tracer.route(texts, features=X, ask_teacher=False)
    assert tracer.outcome.count("surrogate") == 0


def test_an_alarm_does_not_pass_however_good_the_later_audits():
    bad = [Audit(f"bad {i}", "a", "b") for i in range(30)]
    good = [Audit(f"good {i}", "a", "a") for i in range(3000)]
    watch = replay(bad + good, 0.9, 0.95)
    assert watch.is_broken
    assert watch.has_drifted
    assert watch.alarm_at < 30
    assert watch.drift_level < watch.run_length
    assert watch.evidence >= watch.needed_evidence
    assert len(watch.history) == 240
    assert watch.history[-1][0] == watch.n_audits == 3030
    assert watch.history[-1][2:] == (watch.lower, watch.upper)


# --- what is refused ------------------------------------------------------------------


def test_nothing_is_audited_before_it_is_routed(world):
    tracer = Tracer(world.teach, LABELS, features=world.X, store=":memory:", labelling="random")
    for step in (tracer.audit, tracer.watch):
        with pytest.raises(NotFitted, match="call route"):
            step()


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": 1.5}, {"on_alarm": "panic"}, {"seed": "x"}]
)
def test_a_wrong_setting_is_refused_before_anything_is_asked(world, wrong):
    tracer = routed(world, ":memory:")
    n = len(world.asked)
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        tracer.audit(**wrong)
    assert len(world.asked) == n
