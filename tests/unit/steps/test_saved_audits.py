"""Audits of a router from a file: whether the promise still holds in another session."""

import numpy as np
import pytest

from tests.unit.steps.test_monitor_steps import LABELS, other_rows, routed
from tracer_nb import load
from tracer_nb.errors import InvalidInput, NotFitted


def like_the_old(world, n=300, seed=3):
    """New rows drawn like the labelled ones."""
    codes = np.random.default_rng(seed).integers(len(LABELS), size=n)
    texts = [f"{LABELS[c]} new question {i}" for i, c in enumerate(codes)]
    world.truth.update((text, text.split()[0]) for text in texts)
    return texts, np.eye(len(LABELS))[codes]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "labels.sqlite"


@pytest.fixture
def file(world, store, tmp_path):
    path = tmp_path / "intents.tracer"
    routed(world, store).save(path)
    return path


def loaded(world, store, file):
    return load(file, teacher=world.teach, store=store)


def test_new_rows_are_audited_and_what_is_stored_is_found_by_the_next_session(world, store, file):
    texts, X = like_the_old(world)
    router = loaded(world, store, file)
    router.route(texts, features=X)
    n = len(world.asked)
    watch = router.audit(0.3)
    assert watch.n_audits == len(world.asked) - n == router.spending.asked > 50
    assert not watch.has_alarm
    assert router.warning == ""
    again = loaded(world, store, file)
    again.route(texts, features=X)
    assert again.audit(0.3) == watch
    assert len(world.asked) == n + watch.n_audits


def test_the_watch_of_the_tracer_goes_on(world, store, file):
    texts, X = like_the_old(world)
    tracer = routed(world, store)
    tracer.route(texts, features=X)
    watch = tracer.audit(0.2)
    router = loaded(world, store, file)
    router.route(texts, features=X)
    assert router.watch().n_audits == watch.n_audits > 30


def test_an_alarm_is_heeded_by_whoever_loads_the_router(world, store, file):
    texts, X = other_rows(world)
    router = loaded(world, store, file)
    router.route(texts, features=X, ask_teacher=False)
    assert router.audit(0.5).has_alarm
    for teacher in (world.teach, None):
        later = load(file, teacher=teacher, store=store)
        later.route(texts, features=X)
        assert later.outcome.count("surrogate") == 0
        assert later.warning.startswith("Alarm after ")
    unwarned = load(file, teacher=world.teach, store=store.with_name("other.sqlite"))
    unwarned.route(texts, features=X, ask_teacher=False)
    assert unwarned.outcome.count("surrogate") > 100


def test_another_teacher_is_another_watch(world, store, file):
    texts, X = other_rows(world)
    router = loaded(world, store, file)
    router.route(texts, features=X, ask_teacher=False)
    assert router.audit(0.5).has_alarm
    other = load(file, teacher=dict.fromkeys(texts, LABELS[0]), store=store)
    other.route(texts, features=X)
    assert other.watch().n_audits == 0
    assert other.outcome.count("surrogate") > 100


def test_a_cap_holds(world, store, file):
    texts, X = like_the_old(world)
    router = loaded(world, store, file)
    router.route(texts, features=X)
    watch = router.audit(0.3, max_rows=7)
    assert watch.n_audits == 7
    assert watch.n_waiting > 40
    assert watch.stopped


def test_without_a_teacher_or_a_routing_it_is_one_line(world, store, file):
    texts, X = like_the_old(world)
    router = load(file, store=store)
    router.route(texts, features=X)
    for step in (router.audit, router.watch):
        with pytest.raises(InvalidInput, match="none was named; load") as caught:
            step()
        assert "\n" not in str(caught.value)
    with pytest.raises(NotFitted, match="nothing is routed yet; call route"):
        loaded(world, store, file).audit()


def test_texts_of_the_sample_are_not_audited(world, store, file):
    router = loaded(world, store, file)
    router.route(world.texts, features=world.X)
    sample = set(world.asked[:200])
    assert router.audit(1.0).n_audits == len(router._audited()[1]) > 300
    assert not set(router._audited()[1]) & sample
