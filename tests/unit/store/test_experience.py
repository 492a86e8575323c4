"""What is learned from stored answers: tokens by the server's count, and the rate of a run."""

import random

import numpy as np
import pytest

from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.store.experience import Experience, find_experience

ME = {"teacher": "chat", "model": "m", "server": "s", "prompt": "Choose.", "labels": ["a", "b"]}
OTHER_PROMPT = {**ME, "prompt": "Pick."}
OTHER_MODEL = {**ME, "model": "n"}


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as opened:
        yield opened


@pytest.fixture
def clock(monkeypatch):
    """Time as the store sees it, in seconds after noon."""
    now = [0.0]
    monkeypatch.setattr(
        "tracer_nb.store.labels.utc_now", lambda: f"2026-01-01T12:00:{now[0]:06.3f}+00:00"
    )
    return now


def say(store, identity, texts, prompt, completion=6, **answer):
    answer = {"seconds": 0.5, **answer}
    store.put_many(
        identity,
        [
            (
                text,
                Answer("a", prompt_tokens=prompt(text), completion_tokens=completion, **answer),
            )
            for text in texts
        ],
    )


def test_nothing_is_known_before_twenty_answers(store):
    say(store, ME, [f"text {i}" for i in range(19)], lambda _: 100)
    assert find_experience(store, ME) == Experience()
    say(store, ME, ["one more"], lambda _: 100)
    assert find_experience(store, ME).n_answers == 20


def test_tokens_are_a_fixed_part_and_a_part_per_byte(store):
    texts = ["x" * n + "é" * (n % 7) for n in range(10, 210)]
    say(store, ME, texts, lambda text: 120 + len(text.encode()) // 2)
    known = find_experience(store, ME)
    assert (known.n_answers, known.same_prompt) == (200, True)
    assert known.slope == pytest.approx(0.5, abs=0.01)
    ahead = known.prompt_tokens([1000, 1000], 50)
    assert ahead.mean == pytest.approx(50 * 620, rel=0.01)
    assert known.completion_tokens(50).mean == 300
    assert known.completion_tokens(50).deviation == 0


def test_the_line_is_that_of_least_squares(store):
    rng = np.random.default_rng(3)
    sizes = rng.integers(5, 400, 300)
    tokens = np.round(80 + 0.3 * sizes + rng.normal(0, 9, 300)).astype(int)
    spent = {"x" * int(n) + f" {i}": int(t) for i, (n, t) in enumerate(zip(sizes, tokens))}  # noqa: B905
    say(store, ME, spent, spent.get)
    lengths = np.array([len(text) for text in spent])
    slope, fixed = np.polyfit(lengths, list(spent.values()), 1)
    known = find_experience(store, ME)
    assert known.slope == pytest.approx(slope)
    assert known.prompt_tokens([250], 1).mean == pytest.approx(fixed + slope * 250)
    assert known.prompt_variance == pytest.approx(81, rel=0.2)


def test_texts_of_one_length_tell_nothing_of_others(store):
    say(store, ME, [f"text {i:03}" for i in range(40)], lambda _: 100)
    known = find_experience(store, ME)
    assert known.prompt_tokens([8], 10).mean == pytest.approx(1000)
    # A text that is 400 bytes longer has about 100 tokens more.
    assert known.prompt_tokens([408], 10).mean == pytest.approx(2000)


def test_the_spread_holds_what_a_run_really_takes():
    held = 0
    for seed in range(40):
        rng = random.Random(seed)
        texts = ["x" * rng.randint(5, 300) + f" {i}" for i in range(400)]
        # One answer in ten is asked for twice, as repairs are.
        tokens = {t: (100 + len(t) // 4) * (2 if rng.random() < 0.1 else 1) for t in texts}
        with LabelStore(":memory:") as store:
            say(store, ME, texts[:250], tokens.get)
            ahead = find_experience(store, ME).prompt_tokens([len(t) for t in texts[250:]], 150)
        held += abs(sum(map(tokens.get, texts[250:])) - ahead.mean) <= 2 * ahead.deviation
    assert 35 <= held < 40  # about 95 %: not too narrow, and not so wide that it says nothing
    assert ahead.deviation < 0.05 * ahead.mean


def test_a_part_of_the_texts_stands_for_all_with_a_wider_spread(store):
    texts = ["x" * n for n in range(1, 101)]
    say(store, ME, texts, lambda text: 100 + len(text))
    known = find_experience(store, ME)
    all_seen = known.prompt_tokens([20, 40] * 500, 1000)
    some_seen = known.prompt_tokens([20, 40] * 5, 1000)
    assert some_seen.mean == pytest.approx(all_seen.mean)
    assert some_seen.deviation > all_seen.deviation


def test_estimates_are_not_taken_for_the_servers_count(store):
    say(store, ME, [f"text {i}" for i in range(30)], lambda _: 9999, counted=False)
    assert find_experience(store, ME).n_answers == 0
    # Functions count no tokens at all.
    say(store, ME, [f"other {i}" for i in range(30)], lambda _: 0)
    assert find_experience(store, ME).n_answers == 0


def test_another_prompt_of_the_model_tells_of_its_answers(store):
    say(store, OTHER_PROMPT, [f"text {i}" for i in range(30)], lambda _: 500, completion=40)
    say(store, OTHER_MODEL, [f"text {i}" for i in range(30)], lambda _: 500, completion=900)
    known = find_experience(store, ME)
    assert (known.n_answers, known.same_prompt, known.completion) == (30, False, 40)
    say(store, ME, [f"text {i}" for i in range(20)], lambda _: 100, completion=7)
    known = find_experience(store, ME)
    assert (known.n_answers, known.same_prompt, known.completion) == (20, True, 7)


def test_a_function_learns_only_from_itself(store):
    one = {"teacher": "function", "name": "f", "labels": ["a", "b"]}
    say(store, {**one, "name": "g"}, [f"text {i}" for i in range(30)], lambda _: 10)
    assert find_experience(store, one) == Experience()


def test_the_rate_is_that_of_the_latest_run(store, clock):
    texts = [f"text {i}" for i in range(100)]
    store.begin()
    clock[0] = 30.0
    say(store, ME, texts[:30], lambda _: 1)
    store.begin()
    clock[0] = 32.0
    say(store, ME, texts[30:60], lambda _: 1)
    clock[0] = 35.0
    say(store, ME, texts[60:90], lambda _: 1)
    assert find_experience(store, ME).rate == pytest.approx(12.0, rel=1e-3)
    # A few answers are no rate, and neither are many in no time.
    store.begin()
    clock[0] = 36.0
    say(store, ME, texts[90:], lambda _: 1)
    store.begin()
    say(store, ME, [f"more {i}" for i in range(50)], lambda _: 1)
    assert find_experience(store, ME).rate == pytest.approx(12.0, rel=1e-3)


def test_what_a_batch_brought_at_once_is_no_rate(store, clock):
    store.begin()
    clock[0] = 10.0
    say(store, ME, [f"text {i}" for i in range(30)], lambda _: 1, seconds=None)
    assert find_experience(store, ME).rate is None
    assert find_experience(store, ME).n_answers == 30


def test_the_rate_of_another_prompt_is_better_than_none(store, clock):
    store.begin()
    clock[0] = 10.0
    say(store, OTHER_PROMPT, [f"text {i}" for i in range(30)], lambda _: 1)
    assert find_experience(store, ME).rate == pytest.approx(3.0, rel=1e-3)
    assert find_experience(store, OTHER_MODEL).rate is None
