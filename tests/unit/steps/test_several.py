"""Several labels a row, from the teacher to the frame."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tracer_nb
from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import NO_LABEL, LabelSets
from tracer_nb.records import Selection
from tracer_nb.standin import serve
from tracer_nb.teachers import FunctionTeacher
from tracer_nb.words import certificate_sentence, report_lines, revealed_sentence

WORDS = {
    "refund": "money back",
    "parcel": "late delivery",
    "card": "lost visa",
    "fee": "was charged",
}
LABELS = tuple(WORDS)


def truth(text):
    return [label for label in LABELS if WORDS[label] in text]


def texts(n, seed=0):
    rng = np.random.default_rng(seed)
    noise = ["hello", "please", "thanks", "today", "my", "the", "order", "about", "help", "now"]
    return [
        f"{' '.join(rng.choice(noise, 4))} "
        + " and ".join(words for words in WORDS.values() if rng.random() < 0.35)
        + f" {i}"
        for i in range(n)
    ]


COLUMN = texts(1200)


def job(teacher=truth, **options):
    given = {"labels": LABELS, "several": True, "store": ":memory:", "features": "lsa", **options}
    return Tracer(teacher, **given)


@pytest.fixture(scope="module")
def routed():
    tracer = job()
    return tracer, tracer.run(pd.DataFrame({"text": COLUMN})["text"], max_rows=1200)


def test_hard_first_labels_certifies_and_routes_sets(routed):
    tracer, frame = routed
    handled = frame[frame.label_source == "surrogate"]
    assert len(handled) > 700
    right = [
        label == sorted(truth(text))
        for text, label in zip(handled.text, handled.label, strict=True)
    ]
    assert np.mean(right) > 0.92
    assert tracer.report.certificate.certified
    assert "its labels are the very set that truth gives" in certificate_sentence(tracer.report)
    asked = frame[frame.label_source == "teacher"]
    assert [*asked.label] == [sorted(truth(text)) for text in asked.text]


def test_the_label_column_holds_lists_in_every_library(routed):
    tracer, frame = routed
    assert isinstance(frame.label[0], list)
    other = tracer.route(pl.DataFrame({"text": COLUMN})["text"])
    assert other["label"].dtype == pl.List(pl.String)
    assert other["label"].to_list() == [*frame.label]


def test_a_saved_router_gives_sets_and_asks_for_them(routed, tmp_path):
    tracer, _ = routed
    tracer.save(tmp_path / "sets.tracer")
    loaded = tracer_nb.load(tmp_path / "sets.tracer", teacher=truth, store=":memory:")
    assert isinstance(loaded.teacher.labels, LabelSets)
    again = loaded.router.route(tracer._state.column.features())
    assert (
        again.labels.tolist()
        == tracer.router.route(tracer._state.column.features()).labels.tolist()
    )
    new = loaded.route(texts(40, seed=3), ask_teacher=True, max_rows=40)
    assert [*new.label] == [sorted(truth(text)) for text in new.text]


def test_pictures_count_labels_one_by_one_and_show_sets_as_words(routed):
    tracer, frame = routed
    confusion, counts = tracer.confusion(), tracer.label_counts()
    assert set(confusion.labels) <= {*LABELS, NO_LABEL}
    assert confusion.n_agree > 0.9 * confusion.n_rows
    assert set(tracer.label_agreement().labels) <= {*LABELS, NO_LABEL}
    assert counts.labels == (*LABELS, NO_LABEL)
    handled = frame[frame.label_source == "surrogate"].label
    fees = sum("fee" in labels for labels in handled)
    assert counts.by_surrogate[LABELS.index("fee")] == fees
    assert tracer.gaps().confusion.labels == confusion.labels
    assert tracer.map().n_texts == len(COLUMN)
    assert "card; refund" in {*tracer.map().labels}
    found = tracer.rows(Selection(teacher=("fee",)))
    assert found.total > 50
    assert all("fee" in row.teacher.split("; ") for row in found.rows)
    assert tracer.rows(Selection(teacher=("card; refund",))).total > 5
    none = tracer.rows(Selection(teacher=(NO_LABEL,)))
    assert {row.teacher for row in none.rows} == {"none"}


def test_indicator_columns_say_of_each_label_whether_it_is_there(routed):
    _, frame = routed
    wide = tracer_nb.indicators(frame, LABELS)
    for label in LABELS:
        assert wide[f"label={label}"].tolist() == [label in labels for labels in frame.label]
    small = pl.DataFrame({"label": [["b", "a"], [], None]})
    assert tracer_nb.indicators(small).drop("label").to_dict(as_series=False) == {
        "label=a": [True, False, None],
        "label=b": [True, False, None],
    }
    with pytest.raises(InvalidInput, match="made of lists of labels"):
        tracer_nb.indicators(pd.DataFrame({"label": ["a"]}))
    with pytest.raises(InvalidInput, match="no column 'label'"):
        tracer_nb.indicators(pd.DataFrame({"x": ["a"]}))


def test_one_random_sample_and_fresh_labels_update_go_with_sets():
    tracer = job(labelling="random")
    frame = tracer.run(COLUMN, sample=500, max_rows=600, ask_teacher=False)
    handled = frame[frame.label_source == "surrogate"]
    assert len(handled) > 400
    assert tracer.preview() is not None
    other = job(labelling="random", seed=1)
    other.run(COLUMN, sample=500, max_rows=600, ask_teacher=False)
    assert other.differences(tracer).n_rows > 300
    updated = tracer.update(sample=100, max_rows=300)
    assert updated is not None


def test_a_language_model_answers_with_sets_and_stored_answers_are_used_again(tmp_path):
    with serve({text: truth(text) for text in COLUMN[:500]}) as standin:
        standin.answers.labels = LABELS
        options = {"base_url": standin.base_url, "price": "1,2", "store": tmp_path / "s.sqlite"}
        first = job("openai:m", labelling="random", **options)
        first.label(COLUMN[:500], sample=200, max_cost=1.0)
        asked = standin.requests
        again = job("openai:m", labelling="random", **options)
        labels = again.label(COLUMN[:500], sample=200, max_cost=1.0)
        assert standin.requests == asked == 200
    assert isinstance(labels.classes, LabelSets)
    names = [labels.classes.name(code) for code in labels.codes]
    assert names == [labels.classes.spelled(truth(COLUMN[row])) for row in labels.rows]


def test_an_answer_that_is_no_set_counts_as_a_disagreement():
    def teacher(text):
        return ["refund", "refund"] if text.endswith("7") else truth(text)

    tracer = job(teacher, labelling="random", target=0.8)
    labels = tracer.label(COLUMN, sample=500, max_rows=600)
    assert dict(labels.missing_reasons) == {
        "answer holds label 'refund' twice": sum(COLUMN[row].endswith("7") for row in labels.rows)
    }
    tracer.fit()
    certificate = tracer.calibrate()
    assert certificate.agreement < 0.97


def test_records_may_hold_lists_or_texts():
    lists = Tracer(dict.fromkeys(COLUMN) | {t: truth(t) for t in COLUMN}, store=":memory:")
    said = Tracer({t: "; ".join(truth(t)) for t in COLUMN}, several=True, store=":memory:")
    assert sorted(lists._state.setup.teacher.labels) == sorted(LABELS)
    assert tuple(said._state.setup.teacher.labels) == tuple(sorted(LABELS))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"several": "few"}, "several must be True, 'any'"),
        ({"certificate": "per-class"}, "certificate 'per-class' takes one label a row"),
        ({"surrogate": "logistic"}, "leave surrogate out"),
        ({"teacher": [truth, FunctionTeacher(truth, LabelSets(LABELS), name="x")]}, "one teacher"),
        ({"chain": [len]}, "leave chain out with several"),
        ({"teacher": FunctionTeacher(truth, LABELS)}, "made with one label a row"),
        (
            {"teacher": FunctionTeacher(truth, LabelSets(LABELS)), "several": "some"},
            "give the same",
        ),
        ({"labels": None}, "labels are missing"),
    ],
)
def test_what_does_not_go_with_several_labels_is_one_line(options, said):
    teacher = options.pop("teacher", truth)
    with pytest.raises(InvalidInput, match=said) as told:
        job(teacher, **options)
    assert "\n" not in str(told.value)


def test_reviews_are_of_sets(tmp_path):
    def teacher(text):
        return sorted({*truth(text)} ^ {"fee"}) if text.endswith("7") else truth(text)

    tracer = job(teacher, labelling="random", store=tmp_path / "reviews.sqlite")
    tracer.run(COLUMN, sample=400, max_rows=500, ask_teacher=False)
    review = tracer.review(of="random", rows=20)
    for _ in range(20):
        item = review.state.item
        assert item.shortlist == LABELS  # each is turned on or off
        review.answer(truth(item.text))
    accuracy = review.state.accuracy
    assert (accuracy.n_reviewed, accuracy.n_right) == (
        20,
        sum(not item.text.endswith("7") for item in review.queue.items[:20]),
    )
    assert "You said" in revealed_sentence(review.state)
    assert "[" not in revealed_sentence(review.state)
    with pytest.raises(InvalidInput, match="'loan'; give a list of the labels"):
        tracer.relabel(0, ["loan"])
    one_label = Tracer(lambda _: "fee", LABELS, store=tmp_path / "reviews.sqlite", features="lsa")
    assert tracer.reviews
    assert not one_label.reviews


def test_recalls_of_labels_are_promised_together(tmp_path):
    tracer = job(promise="recall:refund,recall:fee", target=0.8, confidence=0.9)
    frame = tracer.run(COLUMN, sample=700, max_rows=1200)
    certificate = tracer.report.certificate
    assert certificate.certified
    assert [str(c.promise) for c in (certificate, *certificate.also)] == [
        "recall:refund",
        "recall:fee",
    ]
    assert (frame.label_source == "surrogate").mean() > 0.3
    for label in ("refund", "fee"):
        rows = [i for i, text in enumerate(COLUMN) if label in truth(text)]
        assert np.mean([label in frame.label[i] for i in rows]) >= 0.8
    said = "With 90 % confidence, at least 80 % of each: recall of refund, recall of fee."
    assert tracer.describe() == said
    tracer.save(tmp_path / "sets.tracer")
    loaded = tracer_nb.load(tmp_path / "sets.tracer", teacher=truth, store=":memory:")
    (other,) = loaded.router.certificate.also
    assert (str(other.promise), other.certified) == ("recall:fee", True)


def test_precision_of_a_label_wherever_it_is_in_a_set(tmp_path):
    tracer = job(promise="precision:fee", target=0.9)
    frame = tracer.run(COLUMN, sample=600)
    c = tracer.report.certificate
    assert c.certified
    assert (c.whole_output_lower, str(c.unaudited)) == (0.0, "precision:fee")
    mine = frame[frame.label_source == "surrogate"]
    assert len(mine)
    assert all("fee" in labels for labels in mine.label)  # other rows are the teacher's
    right = ["fee" in truth(COLUMN[i]) for i in mine.index]
    assert np.mean(right) >= 0.9
    assert tracer.describe().endswith(
        "that the surrogate answers with fee are rows to which truth gives fee."
    )
    said = " ".join(report_lines(tracer.report))
    assert f"Of the {c.n_counted} tested rows that the surrogate answers with fee, " in said
    assert "For the whole output" not in said
    tracer.save(tmp_path / "sets.tracer")
    loaded = tracer_nb.load(tmp_path / "sets.tracer", teacher=truth, store=":memory:")
    assert loaded.router.certificate == tracer.router.certificate
    routed = loaded.route(COLUMN[:200])
    own = routed[routed.label_source == "surrogate"]
    assert all("fee" in labels for labels in own.label)


def test_a_label_that_no_set_holds_is_said():
    tracer = job(
        lambda text: [label for label in truth(text) if label != "fee"], promise="recall:fee"
    )
    tracer.run(COLUMN, sample=400, max_rows=1200)
    assert not tracer.report.certificate.certified
    said = "teacher calls fee, and of 120 none of them is; so rare a label takes more of them, or another"
    assert said in tracer.report.certificate.note  # hard rows first would be refused


def test_what_is_promised_of_sets_is_what_was_proved():
    with pytest.raises(InvalidInput, match="not for 'precision:fee' among several"):
        job(promise="precision:fee", labelling="hard-first")
    with pytest.raises(InvalidInput, match="not for 'recall:fee' among several"):
        job(promise="recall:fee", labelling="hard-first")
    tracer = job(promise="output", target=0.9)
    tracer.run(COLUMN, max_rows=1200)
    assert tracer.report.certificate.certified
    assert str(tracer.report.certificate.promise) == "output"
