"""``Tracer.review``: whose labels are compared on which rows, and where reviews are kept."""

import csv
from functools import partial

import pytest

from tracer_nb import Tracer
from tracer_nb.documents import make_document
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Answer, Review
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.store import LabelStore, ReviewStore
from tracer_nb.store.ledger import answer_sets


@pytest.fixture
def make(hard_world, tmp_path):
    """A Tracer on the hard world; labels of every tenth text are another one's."""
    other = {"login": "parcel", "parcel": "refund", "refund": "login"}
    named = {
        text: other[label] if i % 10 == 0 else label
        for i, (text, label) in enumerate(hard_world.truth.items())
    }

    def often_right(text):
        return named[text]

    def build(store=tmp_path / "labels.sqlite", teach=often_right, **options):
        return Tracer(
            teach,
            labels=hard_world.labels,
            features=hard_world.X,
            surrogate="logistic",
            store=store,
            **{"target": 0.7, **options},
            labelling="random",
        )

    return build


def all_right(review, truth):
    while not review.done:
        review.answer(truth[review.current.text])
    return review


def test_nothing_is_reviewed_before_it_is_labelled(make):
    with pytest.raises(NotFitted, match="nothing is labelled yet"):
        make().review()


def test_a_review_before_the_fit_is_random(make, hard_world):
    tracer = make()
    tracer.label(hard_world.texts, sample=300)
    review = tracer.review(rows=20)
    assert {item.drawn for item in review.queue.items} == {"random"}
    with pytest.raises(InvalidInput, match=r"call fit\(\) first"):
        tracer.review(of="disputed")


@pytest.mark.parametrize("certificate", ["held-out", "cross-fit"])
def test_disputed_rows_are_not_those_that_were_fitted_on(make, hard_world, certificate):
    tracer = make(certificate=certificate)
    tracer.label(hard_world.texts, sample=300)
    tracer.fit()
    review = tracer.review(of="disputed", rows=500)
    fitted = {hard_world.texts[r] for r in tracer.labels.rows[tracer.fitted.fit_rows]}
    shown = {item.text for item in review.queue.items}
    assert shown
    if certificate == "held-out":
        assert not shown & fitted
    else:
        tested = tracer.labels.rows[tracer.fitted.calibration_rows]
        assert shown <= {hard_world.texts[row] for row in tested}
    for item in review.queue.items:
        assert item.other_label != item.teacher_label
        assert hard_world.texts[item.row] == item.text
    assert shown == set(review.queue.disagreements)


def test_deferred_rows_that_the_teacher_answered_may_be_disputed_too(make, hard_world):
    tracer = make(target=0.85)
    tracer.run(hard_world.texts, sample=300, ask_teacher=True)
    sampled = {hard_world.texts[row] for row in tracer.labels.rows}
    review = tracer.review(of="disputed", rows=500)
    assert {item.text for item in review.queue.items} - sampled


def test_the_accuracy_and_who_is_right(make, hard_world):
    tracer = make(store=":memory:", confidence=0.9)
    tracer.label(hard_world.texts, sample=300)
    tracer.fit()
    review = all_right(tracer.review(rows=120), hard_world.truth)
    assert review.accuracy.confidence == 0.9
    assert review.accuracy.n_reviewed == 60
    assert review.accuracy.lower < 0.9 < review.accuracy.upper
    assert review.accuracy.accuracy < 1
    assert review.disputes.n_reviewed > 0


def test_against_another_set_of_answers(make, hard_world, tmp_path):
    one = make()
    one.label(hard_world.texts, sample=300)
    two = make(teach=hard_world.teach)
    two.label(hard_world.texts, sample=200)
    with LabelStore(tmp_path / "labels.sqlite") as store:
        keys = {s.n_answers: s.key for s in answer_sets(store)}
    review = one.review(of="disputed", rows=500, against=keys[200])
    assert review.queue.other == f"teach ({keys[200]})"
    wrong = [r for r in two.labels.rows if r % 10 == 0]
    assert len(review.queue.items) == len(wrong) > 5
    all_right(review, hard_world.truth)
    assert review.disputes.n_other == len(wrong)
    assert review.disputes.n_teacher == 0
    with pytest.raises(InvalidInput, match="no set of answers 'nope'"):
        one.review(against="nope")


def test_reviews_are_pairs_of_text_and_label_in_any_object(make, hard_world):
    tracer = make()
    assert tracer.reviews == ()
    tracer.label(hard_world.texts, sample=300)
    review = tracer.review(of="random", rows=3)
    first, second, third = (item.text for item in review.queue.items)
    review.answer("login")
    review.skip()
    review.answer("refund")
    assert tracer.reviews == ((first, "login"), (third, "refund"))
    assert make().reviews == tracer.reviews
    assert make(store=":memory:").reviews == ()
    assert second not in dict(tracer.reviews)


def test_cells_that_the_prompt_names_are_shown_below_the_text(hard_world, tmp_path):
    frame = hard_world.frame.assign(product="kettle")
    tracer = Tracer(
        "openai:m",
        hard_world.labels,
        "Choose for {{text}} and {{product}}.",
        features=hard_world.X,
        store=tmp_path / "labels.sqlite",
        base_url="http://127.0.0.1:9/v1",
        labelling="random",
    )
    document = make_document(hard_world.texts[0], {"product": "kettle"})
    with LabelStore(tmp_path / "labels.sqlite") as store:
        texts = read_texts(frame["text"], frame, ("product",)).unique
        store.put_many(tracer.teacher.identity, [(text, Answer("login")) for text in texts])
    tracer.label(frame["text"], table=frame, sample=600)
    review = tracer.review(of="random", rows=600)
    (item,) = (item for item in review.queue.items if item.text == document)
    assert item.shown == f"{hard_world.texts[0]}\n\nproduct: kettle"


def test_in_memory_they_live_on_with_changed_settings(make, hard_world):
    tracer = make(store=":memory:")
    tracer.label(hard_world.texts, sample=300)
    tracer.review().answer("login")
    changed = make(store=":memory:", seed=3)
    assert changed.reviews == ()
    changed.continue_from(tracer)
    assert changed.reviews == tracer.reviews != ()


def test_recorded_labels_are_reviewed_in_the_store_too(make, hard_world, tmp_path):
    path = tmp_path / "labels.sqlite"
    recorded = Tracer(hard_world.truth, features=hard_world.X, store=path, labelling="random")
    recorded.label(hard_world.texts, sample=300)
    recorded.review().answer("login")
    assert len(make().reviews) == 1


def test_reviews_are_written_with_the_teachers_labels(make, hard_world, tmp_path):
    tracer = make()
    tracer.label(hard_world.texts, sample=300)
    review = tracer.review(of="random", rows=2)
    items = review.queue.items
    review.answer("login", 'a, "note"')
    review.skip()
    assert tracer.export_reviews(tmp_path / "reviews.csv").rows == 2
    with (tmp_path / "reviews.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [item.text for item in items]
    assert [row["teacher_label"] for row in rows] == [item.teacher_label for item in items]
    assert [(row["label"], row["note"]) for row in rows] == [("login", 'a, "note"'), ("", "")]
    assert tracer.export_reviews(tmp_path / "reviews.parquet").rows == 2
    with pytest.raises(InvalidInput, match=r"\.csv or \.parquet"):
        tracer.export_reviews(tmp_path / "reviews.txt")


def test_reviewed_rows_are_shown_to_the_teacher_as_examples(tmp_path):
    labels = ("delivery", "login")
    store = tmp_path / "s.sqlite"
    shown = partial(Tracer, "openai:m", labels, base_url="http://localhost:9/v1", store=store)
    with pytest.raises(InvalidInput, match="none was reviewed"):
        shown(examples="reviewed")
    reviews = ReviewStore(store)
    reviews.put(labels, Review("parcel late", "delivery"))
    reviews.put(labels, Review("no idea", None))
    assert shown(examples="reviewed").teacher._prompt.examples.pairs == (
        ("parcel late", "delivery"),
    )
    with pytest.raises(InvalidInput, match="'reviewed', got 'these'"):
        shown(examples="these")
