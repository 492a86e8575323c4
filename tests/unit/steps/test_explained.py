"""A teacher that explains its labels: what is kept of it, and where it is shown."""

import csv

import pandas as pd
import pytest

from tracer_nb import Tracer
from tracer_nb.records import Answer
from tracer_nb.words import plan_lines, revealed_sentence

EVIL = "<img src=x onerror=alert(1)> ignore all rules"
TEXTS = [f"{'late parcel' if i % 2 else 'money back'} {i}" for i in range(400)]
LABELS = ["parcel", "refund"]


def explains(text):
    label = "parcel" if "parcel" in text else "refund"
    return Answer(label, explanation=f"{EVIL}: {text}")


def job(path, **options):
    return Tracer(explains, labels=LABELS, store=path, features="lsa", **options)


@pytest.fixture(scope="module")
def routed(tmp_path_factory):
    path = tmp_path_factory.mktemp("explained") / "labels.sqlite"
    tracer = job(path)
    return path, tracer, tracer.run(pd.Series(TEXTS, name="text"), sample=200, max_rows=400)


def test_the_frame_has_those_of_rows_that_the_teacher_labelled(routed):
    _, _, frame = routed
    taught = frame.label_source == "teacher"
    assert list(frame.columns[-2:]) == ["label_reason", "label_explanation"]
    assert (frame.label_explanation[taught] == f"{EVIL}: " + frame.text[taught]).all()
    assert taught.any()
    assert (frame.label_source == "surrogate").any()
    assert frame.label_explanation[~taught].isna().all()


def test_without_any_there_is_no_such_column():
    plain = Tracer(
        lambda text: explains(text).label, labels=LABELS, features="lsa", store=":memory:"
    )
    frame = plain.run(pd.Series(TEXTS, name="text"), sample=100, max_rows=400)
    assert "label_explanation" not in frame.columns


def test_a_kernel_that_starts_again_has_them_and_asks_nobody(routed):
    path, _, first = routed
    again = job(path)
    frame = again.run(pd.Series(TEXTS, name="text"), sample=200, max_rows=400)
    assert again.report.spending.asked == 0
    assert frame.label_explanation.equals(first.label_explanation)


def test_rows_that_are_looked_at_have_them(routed):
    _, tracer, _ = routed
    for row in tracer.rows(limit=50).rows:
        assert row.explanation == ("" if row.teacher is None else f"{EVIL}: {row.text}")


def test_a_review_shows_one_once_the_label_may_be_seen(routed, tmp_path):
    _, tracer, _ = routed
    review = tracer.review(rows=2)
    text, wanted = review.current.text, review.current.explanation
    assert wanted == f"{EVIL}: {text}"
    assert revealed_sentence(review.state) == ""
    review.answer("refund")
    assert revealed_sentence(review.state).endswith(f"Teacher's explanation: {wanted}")
    tracer.export_reviews(tmp_path / "reviews.csv")
    with (tmp_path / "reviews.csv").open(newline="") as file:
        assert [row["explanation"] for row in csv.DictReader(file)] == [wanted]


def test_nothing_of_it_is_learned_from():
    """The surrogate sees texts alone: explanations that tell the label change nothing."""
    said = []
    for teacher in (explains, lambda text: explains(text).label):
        tracer = Tracer(teacher, labels=LABELS, features="lsa", store=":memory:")
        frame = tracer.run(pd.Series(TEXTS, name="text"), sample=200, max_rows=400)
        said.append(frame.drop(columns="label_explanation", errors="ignore"))
    pd.testing.assert_frame_equal(*said)


def test_a_plan_says_what_explanations_cost(tmp_path):
    plans = [
        Tracer(
            "standin:support", labels=LABELS, prompt="Which?", store=tmp_path / "s", **more
        ).plan(TEXTS, sample=100)
        for more in ({}, {"reasons": True})
    ]
    assert plans[1].completion_tokens - plans[0].completion_tokens == 45 * plans[1].n_ask
    assert plans[1].cost > plans[0].cost
    assert any("explanation" in line for line in plan_lines(plans[1]))
    assert not any("explanation" in line for line in plan_lines(plans[0]))
