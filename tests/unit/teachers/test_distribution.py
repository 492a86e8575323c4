import math

import pytest

from tracer_nb.standin.wire import token_logprobs
from tracer_nb.teachers.chat.alignment import label_distribution
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.reading import LabelMatcher, read_label
from tracer_nb.teachers.chat.reply import Reply

CODES = {"A": "card lost", "B": "refund", "C": "top up"}


def test_alternatives_to_a_code_are_the_other_labels():
    said = [("A", {"A": 0.7, "B": 0.2, "C": 0.1})]
    assert label_distribution(said, CODES) == pytest.approx(
        {"card lost": 0.7, "refund": 0.2, "top up": 0.1}
    )


def test_a_space_before_a_code_and_small_letters_make_no_difference():
    said = [(" B", {" B": 0.5, "b": 0.2, "A": 0.3})]
    assert label_distribution(said, CODES) == pytest.approx({"refund": 0.7, "card lost": 0.3})


def test_what_no_label_begins_with_is_left_out():
    said = [("A", {"A": 0.6, "B": 0.2, "Sorry": 0.1, "Apple": 0.1})]
    assert label_distribution(said, CODES) == pytest.approx({"card lost": 0.75, "refund": 0.25})


def test_codes_of_several_tokens_share_what_is_not_known():
    codes = {"11": "a", "12": "b", "21": "c", "22": "d"}
    said = [("1", {"1": 0.8, "2": 0.2}), ("2", {"2": 0.75, "1": 0.25})]
    assert label_distribution(said, codes) == pytest.approx(
        {"b": 0.6, "a": 0.2, "c": 0.1, "d": 0.1}
    )


@pytest.mark.parametrize("said", [[], [("A", {"A": 0.4})], [("x", {"x": 0.5, "y": 0.5})]])
def test_without_alternatives_there_is_no_distribution(said):
    assert label_distribution(said, CODES) is None


@pytest.mark.parametrize("as_json", [True, False])
def test_the_distribution_behind_the_tokens_is_found_again(as_json):
    labels = ("card", "card lost", "cash", "refund now")
    shares = {"card lost": 0.5, "card": 0.3, "cash": 0.15, "refund now": 0.05}
    entries = token_logprobs(shares, "card lost", as_json=as_json, top=20)
    tokens = tuple(
        (e["token"], {o["token"]: math.exp(o["logprob"]) for o in e["top_logprobs"]})
        for e in entries
    )
    form = make_forms(labels, {}, "json-schema", logprobs=True)[0]
    content = '{"label": "card lost"}' if as_json else "card lost"
    found = read_label(Reply(content, form, tokens=tokens), labels, LabelMatcher(labels))
    assert found.label == "card lost"
    assert found.mode == ("json-schema" if as_json else "text")
    assert sum(found.probabilities.values()) == pytest.approx(1)
    if as_json:  # the closing quote tells "card" from "card lost"
        assert found.probabilities == pytest.approx(shares)
