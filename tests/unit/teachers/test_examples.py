import json

import pytest

from tracer_nb.documents import make_document
from tracer_nb.errors import InvalidInput
from tracer_nb.teachers.chat.prompt import Examples
from tracer_nb.teachers.chat.reading import LabelMatcher

MATCH = LabelMatcher(("card lost", "refund"))
POOL = {
    "my card is gone": "card lost",
    "my purse and card were stolen": "card lost",
    "money back please": "refund",
    "please return my money": "refund",
}


def shown(examples, text):
    return [json.loads(line)["text"] for line in examples.lines(text)]


def test_a_small_pool_is_shown_whole_and_in_order():
    assert shown(Examples(POOL, MATCH, 4), "anything") == list(POOL)


def test_of_a_large_pool_the_nearest_are_shown_the_nearest_last():
    examples = Examples(POOL, MATCH, 2)
    assert shown(examples, "money back") == ["please return my money", "money back please"]
    assert set(shown(examples, "a stolen card")) == set(list(POOL)[:2])


@pytest.mark.parametrize("n", [2, 4])
def test_a_text_is_never_shown_with_its_own_label(n):
    examples = Examples(POOL, MATCH, n)
    for text in POOL:
        assert text not in shown(examples, text)
        assert len(shown(examples, text)) >= min(n, 3)


@pytest.mark.parametrize("n", [1, 4])
def test_the_label_of_a_text_beside_other_columns_is_not_shown_either(n):
    """Reviewed under another prompt, it would tell the answer all the same."""
    text = "my card is gone"
    document = make_document(text, {"product": "gold"})
    other = make_document(text, {"product": "silver"})
    wider = make_document(text, {"product": "gold", "country": "ZA"})
    examples = Examples([(document, "card lost"), ("money back please", "refund")], MATCH, n)
    assert document not in shown(examples, text)
    assert document not in shown(examples, document)
    assert document not in shown(examples, wider)
    assert document in shown(examples, other)
    assert text not in shown(Examples(POOL, MATCH, n), document)


def test_a_review_of_a_text_with_a_lone_surrogate_is_not_shown_with_it():
    # The store keeps a question mark in its place.
    assert shown(Examples({"lost \ud800": "refund", "x": "refund"}, MATCH, 2), "lost ?") == ["x"]
    assert shown(Examples({"lost ?": "refund", "x": "refund"}, MATCH, 2), "lost \ud800") == ["x"]


def test_labels_are_written_as_in_the_set():
    assert Examples([("x", "Card  Lost")], MATCH, 1).pairs == (("x", "card lost"),)


@pytest.mark.parametrize(
    "pool", ["text", 3, {"x": "other"}, {"x": 1}, [("x",)], ["xy"], [("x", None)]]
)
def test_what_is_no_example_is_told_in_one_line(pool):
    with pytest.raises(InvalidInput, match="example") as caught:
        Examples(pool, MATCH, 3)
    assert "\n" not in str(caught.value)


def test_the_digest_tells_pools_apart():
    assert Examples((), MATCH, 3).digest is None
    digests = {Examples(POOL, MATCH, n).digest for n in (2, 3)}
    digests.add(Examples({**POOL, "x": "refund"}, MATCH, 3).digest)
    assert len(digests) == 3
