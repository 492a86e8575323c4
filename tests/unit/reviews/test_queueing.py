"""The order of a review, and the labels at hand."""

import numpy as np
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Review
from tracer_nb.steps.review.queue import Opinion, make_queue
from tracer_nb.steps.review.shortlist import shortlist
from tracer_nb.store.rows import text_address

from .reviewable import Planted, subject_of

TEXTS = [f"text {i}" for i in range(40)]
NAMED = dict.fromkeys(TEXTS, "yes")
MANY = tuple(f"label {i:02}" for i in range(77))


def queue_of(subject, reviewed=(), *, of="mixed", rows=10, blind=True):
    stored = {text_address(r.text): r for r in reviewed}
    return make_queue(subject, stored, of=of, rows=rows, blind=blind)


def texts_of(queue):
    return [item.text for item in queue.items]


def drawn_order(subject):
    return [subject.texts.unique[c] for c in subject.texts.codes[subject.labels.rows]]


def test_random_rows_are_the_first_drawn_of_the_sample():
    subject = subject_of(TEXTS, NAMED)
    queue = queue_of(subject, of="random", rows=7)
    assert texts_of(queue) == drawn_order(subject)[:7]
    assert queue.random == tuple(range(7))
    assert {item.drawn for item in queue.items} == {"random"}
    assert [TEXTS[item.row] for item in queue.items] == texts_of(queue)


def test_mixed_alternates_and_its_random_rows_are_those_of_a_random_review():
    world = Planted(0)
    mixed = queue_of(world.subject, rows=20)
    assert [item.drawn == "random" for item in mixed.items] == [True, False] * 10
    alone = queue_of(world.subject, of="random", rows=10)
    assert [mixed.items[i].text for i in mixed.random] == texts_of(alone)
    others = [item.drawn for item in mixed.items if item.drawn != "random"]
    assert others[:6] == ["disputed", "uncertain"] * 3
    assert len(set(texts_of(mixed))) == 20


def test_with_nothing_to_doubt_mixed_is_random():
    subject = subject_of(TEXTS, NAMED)
    assert texts_of(queue_of(subject)) == texts_of(queue_of(subject, of="random"))


def test_no_more_rows_than_there_are():
    subject = subject_of(TEXTS, NAMED)
    assert sorted(texts_of(queue_of(subject, rows=1000))) == sorted(TEXTS)


def test_rows_without_a_label_of_the_teacher_are_left_out():
    named = {text: None if i % 2 else "yes" for i, text in enumerate(TEXTS)}
    queue = queue_of(subject_of(TEXTS, named), rows=100)
    assert set(texts_of(queue)) == set(TEXTS[::2])
    with pytest.raises(InvalidInput, match="no row of the sample has a label"):
        queue_of(subject_of(TEXTS, {}))


def test_equal_texts_are_shown_once_and_count_as_often_as_they_were_drawn():
    subject = subject_of(["same"] * 5 + TEXTS[:5], {**NAMED, "same": "no"})
    queue = queue_of(subject, of="random", rows=10)
    assert sorted(texts_of(queue)) == sorted(["same", *TEXTS[:5]])
    assert len(queue.random) == 10
    assert [queue.items[i].text for i in queue.random] == drawn_order(subject)
    assert queue.items[queue.random[drawn_order(subject).index("same")]].row == 0


def test_disputed_rows_start_where_the_surrogate_is_surest():
    others = {
        "text 1": Opinion("no", 0.5),
        "text 2": Opinion("yes", 0.9),
        "text 3": Opinion("no", 0.8),
        "text 4": Opinion("no"),
        "unknown": Opinion("no", 1.0),
    }
    subject = subject_of(TEXTS, NAMED, others=others)
    queue = queue_of(subject, of="disputed")
    assert texts_of(queue) == ["text 3", "text 1", "text 4"]
    assert queue.random == ()
    assert queue.disagreements == dict.fromkeys(["text 1", "text 3", "text 4"], ("yes", "no"))
    first = queue.items[0]
    assert (first.teacher_label, first.other_label, first.score) == ("yes", "no", 0.8)
    assert first.why == "Disputed: a model and the surrogate gave different labels."


def test_uncertain_rows_by_gate_score_or_the_teachers_own_distribution():
    others = {"text 1": Opinion("yes", 0.4), "text 2": Opinion("yes", 0.9)}
    answers = {
        "text 2": Answer("yes", probabilities={"yes": 0.5, "no": 0.4}),
        "text 3": Answer("yes", probabilities={"yes": 0.98}),
        "text 4": Answer("yes", probabilities={}),
    }
    subject = subject_of(TEXTS, NAMED, others=others, answers=answers)
    queue = queue_of(subject, of="uncertain")
    assert texts_of(queue) == ["text 2", "text 1", "text 3"]
    assert [item.why for item in queue.items[:2]] == [
        "Uncertain: a model gave 56 % to one label, 44 % to the next.",
        "Uncertain: the gate score of the surrogate is 0.40.",
    ]


@pytest.mark.parametrize(
    ("of", "others", "says"),
    [
        ("worst", {}, "no order of review 'worst'; there are: mixed, random, uncertain, disputed"),
        ("disputed", {}, r"no text has a label of the teacher and of the surrogate; call fit\(\)"),
        ("uncertain", {}, r"nothing says which rows are uncertain; call fit\(\) first"),
        ("disputed", {"text 1": Opinion("yes", 0.1)}, "agree on all 1 texts"),
    ],
)
def test_nothing_to_go_by(of, others, says):
    with pytest.raises(InvalidInput, match=says):
        queue_of(subject_of(TEXTS, NAMED, others=others), of=of)


# --- going on ---------------------------------------------------------------------------


def test_reviewed_rows_are_part_of_the_queue_and_stand_first():
    subject = subject_of(TEXTS, NAMED)
    order = drawn_order(subject)
    done = [Review(text, "yes") for text in order[:3]]
    queue = queue_of(subject, done, of="random", rows=5)
    assert texts_of(queue) == order[:5]
    done = [Review(order[4], "yes", drawn="disputed")]
    queue = queue_of(subject, done, of="random", rows=5)
    assert texts_of(queue) == [order[4], *order[:4]]
    assert [queue.items[i].text for i in queue.random] == order[:5]


def test_random_rows_that_were_drawn_before_stay_in_the_accuracy():
    world = Planted(1)
    order = drawn_order(world.subject)
    done = [Review(text, "yes") for text in order[:30]]
    queue = queue_of(world.subject, done, rows=10)
    assert [queue.items[i].text for i in queue.random] == order[:30]
    # One that is reviewed, but out of turn, does not: it was not drawn by this order.
    queue = queue_of(world.subject, [*done, Review(order[40], "yes")], rows=10)
    assert len(queue.random) == 30
    # Neither does a disputed one behind them; its turn comes with more rows.
    queue = queue_of(world.subject, [*done, Review(order[30], "yes", drawn="disputed")], rows=10)
    assert len(queue.random) == 30


def test_rows_shown_before_as_disputed_count_as_done_whatever_is_ranked_now():
    world = Planted(2)
    first = queue_of(world.subject, of="disputed", rows=6)
    done = [Review(item.text, "yes", drawn="disputed") for item in first.items[:4]]
    again = queue_of(world.subject, done, of="disputed", rows=6)
    assert texts_of(again) == texts_of(first)
    changed = subject_of(
        world.texts, dict.fromkeys(world.texts, "yes"), others={world.texts[0]: Opinion("no", 0.1)}
    )
    assert texts_of(queue_of(changed, done, of="disputed", rows=5)) == [
        *(r.text for r in done),
        world.texts[0],
    ]


# --- labels at hand ---------------------------------------------------------------------


def test_few_labels_have_the_same_keys_for_every_row():
    for blind in (True, False):
        assert shortlist("x", ["c"], ("a", "b", "c"), {}, blind=blind) == ("a", "b", "c")


def test_open_the_likely_ones_come_first_and_then_the_frequent_ones():
    counts = {"label 40": 5, "label 50": 7}
    found = shortlist("x", ["label 60", "label 10", "label 60"], MANY, counts, blind=False)
    assert found[:4] == ("label 60", "label 10", "label 50", "label 40")
    assert len(found) == len(set(found)) == 9


def test_blind_the_order_is_that_of_the_label_set_and_stays():
    found = shortlist("x", ["label 60", "label 10"], MANY, {}, blind=True)
    assert {"label 60", "label 10"} <= set(found)
    assert list(found) == sorted(found)
    assert len(set(found)) == 9
    assert found == shortlist("x", ["label 60", "label 10"], MANY, {}, blind=True)
    assert found != shortlist("y", ["label 60", "label 10"], MANY, {}, blind=True)


def test_blind_the_teachers_label_stands_at_no_place_in_particular():
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 78)
    labels = rng.choice(MANY, 4000, p=weights / weights.sum())
    counts = {label: int((labels == label).sum()) for label in MANY}
    places, rarest = np.zeros(9), 0
    for i, label in enumerate(labels):
        found = shortlist(f"text {i}", [str(label)], MANY, counts, blind=True)
        places[found.index(label)] += 1
        rarest += min(found, key=counts.get) == label
    # One in nine each, were it drawn like the others; frequent labels come first in this set.
    assert places.min() > 0
    # The rarest of nine would give it away if the others were simply the most frequent ones:
    # then it would nearly always be the teacher's.
    assert rarest / 4000 < 1 / 9 + 0.03


def test_items_have_their_shortlist_and_runners_up_of_the_teacher():
    answers = {"text 1": Answer(MANY[3], probabilities={MANY[3]: 0.5, MANY[70]: 0.4, MANY[9]: 0.1})}
    named = dict.fromkeys(TEXTS, MANY[3])
    subject = subject_of(
        TEXTS, named, others={"text 1": Opinion(MANY[5], 0.2)}, labels=MANY, answers=answers
    )
    items = {item.text: item for item in queue_of(subject, rows=40, blind=False).items}
    assert items["text 1"].shortlist[:4] == (MANY[3], MANY[5], MANY[70], MANY[9])
    assert items["text 2"].shortlist[0] == MANY[3]
