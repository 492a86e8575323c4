"""A job under another promise than agreement on handled rows, from labels to a saved router."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from html import unescape

import jsonschema
import numpy as np
import pytest

from tracer_nb import Tracer, fit_router, load
from tracer_nb.charts import frontier_chart, to_svg
from tracer_nb.errors import InvalidInput
from tracer_nb.records import PromiseName
from tracer_nb.widgets import Card
from tracer_nb.words import (
    certificate_schema,
    model_card,
    plan_lines,
    report_lines,
    short_promise,
)

# Its tests share jobs, which each process would run anew.
pytestmark = pytest.mark.xdist_group("promised")

N = 1500
_RNG = np.random.default_rng(7)
LABELS = _RNG.choice(["urgent", "refund", "other"], N, p=[0.2, 0.3, 0.5])
TEXTS = [f"text {i}" for i in range(N)]
X = np.eye(3)[np.unique(LABELS, return_inverse=True)[1]] + 0.33 * _RNG.normal(size=(N, 3))
RECORD = dict(zip(TEXTS, LABELS.tolist(), strict=True))
HOW = {
    "target": 0.9,
    "confidence": 0.9,
    "surrogate": "kernel-ridge",
    "store": ":memory:",
    "labelling": "random",
}


def tracer(promise, **how):
    return Tracer(RECORD, promise=promise, **{**HOW, "features": X, **how})


@cache
def done(promise):
    job = tracer(promise)
    return job, job.run(TEXTS, sample=750)


def truth(routed, promise):
    """The promised share, counted on the whole column."""
    label, by = routed["label"].to_numpy(str), routed["label_source"].to_numpy(str)
    right, handled = label == LABELS, by == "surrogate"
    if promise == "output":
        return right.mean()
    if promise == "recall:urgent":
        return right[LABELS == "urgent"].mean()
    return right[handled].mean()


SENTENCES = {
    "output": "at least 90 % of all 1,500 rows that come out carry the label that",
    "recall:urgent": "at least 90 % of the rows to which the recorded labels give urgent come out",
    "precision:urgent": "rows that the surrogate answers with urgent are rows to which the recorded labels give urgent",
}
AXES = {
    "output": "Agreement of the whole output",
    "recall:urgent": "Recall of urgent",
    "precision:urgent": "Precision of urgent",
}
SINGLE = list(SENTENCES)


@pytest.mark.parametrize("promise", SINGLE)
def test_a_job_keeps_its_promise_and_says_it(promise):
    job, routed = done(promise)
    c = job.report.certificate
    assert job.labelling == "random"
    assert c.certified
    assert str(c.promise) == promise
    assert truth(routed, promise) >= 0.9
    assert SENTENCES[promise] in " ".join(report_lines(job.report))
    assert SENTENCES[promise] in short_promise(job.report)
    short = short_promise(job.report).replace("the recorded labels", "gpt")
    assert len(short.split()) <= 25
    handled = (routed["label_source"] == "surrogate").sum()
    assert 0 < handled < N
    if promise == "precision:urgent":
        by_surrogate = routed[routed["label_source"] == "surrogate"]
        assert set(by_surrogate["label"]) == {"urgent"}


def test_a_plan_counts_rows_with_the_label_of_the_column_that_it_is_of():
    """Each copy is a row; of another column nothing is known yet."""
    rows = [*range(N), *range(0, N, 2)]
    column = [TEXTS[i] for i in rows]
    job = tracer("recall:urgent", labelling="hard-first", features=X[rows])
    job.label(column, max_rows=400)
    asked = {column[row] for row in job.labels.rows}
    n_rows = sum(text in asked and RECORD[text] == "urgent" for text in column)
    assert n_rows > sum(RECORD[text] == "urgent" for text in asked) > 0
    assert job.plan(column).reads[0] == n_rows
    assert job.plan(TEXTS[:900]).reads[0] == 200


@pytest.mark.parametrize("promise", SINGLE)
def test_every_caption_names_the_promise(promise, tmp_path):
    job, _ = done(promise)
    c, name = job.report.certificate, job.report.certificate.promise
    svg = to_svg(frontier_chart(job.report.frontier, c))
    assert AXES[promise] in svg
    assert "Agreement with the teacher" not in svg
    card = model_card(c)
    assert f"| Promise | {name.title}, the rows of one column |" in card
    assert f"| Target | 90 % of {name.rows} |" in card
    assert name.silent in card
    document = c.to_dict()
    jsonschema.validate(document, certificate_schema())
    kinds = {"output": "whole_output_agreement", "recall": "recall", "precision": "precision"}
    assert document["promise"]["kind"] == kinds[name.kind]
    assert document["promise"]["label"] == name.label
    assert document["promise"]["tested"] == c.n_counted
    assert SENTENCES[promise] in document["promise"]["sentence"]
    assert document["promise"]["short"] == short_promise(job.report) == job.describe()
    assert c.describe() == job.describe()
    assert job.describe() in unescape(Card(job.report).html()).replace("\xa0", " ")
    path = tmp_path / "job.tracer"
    job.save(path)
    saved = load(path)
    assert saved.certificate == job.router.certificate
    assert saved.certificate.promise == name
    assert name.rows in repr(saved)
    here = saved.router.route(X[:200])
    assert (here.handled == job.router.route(X[:200]).handled).all()
    if name.kind == "precision":
        assert set(here.labels[here.handled]) <= {"urgent"}


def test_several_promises_share_one_threshold():
    job, routed = done("recall:urgent,output,handled")
    c = job.report.certificate
    assert [str(one.promise) for one in (c, *c.also)] == ["recall:urgent", "output", "handled"]
    assert len({one.threshold for one in (c, *c.also)}) == 1
    assert c.n_targets == 2  # what is handled implies the output
    assert all(truth(routed, str(one.promise)) >= 0.9 for one in (c, *c.also))
    said = " ".join(report_lines(job.report))
    assert short_promise(job.report) == (
        "With 90 % confidence, at least 90 % of each: recall of urgent, whole-output agreement, "
        "selective agreement."
    )
    assert said.count("Together with it: with 90 % confidence") == 2
    svg = to_svg(frontier_chart(job.report.frontier, c))
    asked = "recall of urgent; whole-output agreement; selective agreement"
    assert f"Promises: {asked}; the curve is of the first" in svg
    assert f"| Promise | {asked}, the rows of one column |" in model_card(c)
    document = c.to_dict()
    jsonschema.validate(document, certificate_schema())
    assert [one["kind"] for one in document["also"]] == [
        "whole_output_agreement",
        "selective_agreement",
    ]
    alone = {p: done(p)[0].report.certificate.threshold for p in ("output", "recall:urgent")}
    assert c.threshold >= max(alone.values())


TOGETHER = ["handled,recall:urgent", "recall:urgent,recall:refund", "output,recall:urgent"]


@cache
def grown(promise):
    job = tracer(promise, labelling=None)
    return job, job.run(TEXTS)


@pytest.mark.parametrize("promise", TOGETHER)
def test_several_promises_with_hard_rows_first(promise, tmp_path):
    job, routed = grown(promise)
    c = job.report.certificate
    assert job.labelling == "hard-first"
    assert [str(one.promise) for one in (c, *c.also)] == promise.split(",")
    assert len({one.threshold for one in (c, *c.also)}) == 1
    assert c.n_targets == 2
    right = routed["label"].to_numpy(str) == LABELS
    for one in (c, *c.also):
        label = one.promise.label
        share = right if label is None else right[label == LABELS]
        assert share.mean() >= 0.9
    titles = ", ".join(one.promise.title for one in (c, *c.also))
    assert job.describe() == f"With 90 % confidence, at least 90 % of each: {titles}."
    said = " ".join(report_lines(job.report))
    assert said.count("Together with it: with 90 % confidence") == 1
    urgent = next(one for one in (c, *c.also) if str(one.promise) == "recall:urgent")
    found = urgent.n_counted - urgent.n_known
    assert (
        f"{urgent.n_known} rows with the label urgent had been answered before, and of {found} "
        in said
    )
    assert urgent.n_known > 0 < found <= urgent.n_calibration
    jsonschema.validate(c.to_dict(), certificate_schema())
    job.save(tmp_path / "job.tracer")
    assert load(tmp_path / "job.tracer").certificate == job.router.certificate
    handled = (routed["label_source"] == "surrogate").mean()
    assert handled > 0.2
    plan = plan_lines(tracer(promise, labelling=None).plan(TEXTS))[-1]
    nouns = " and ".join(one.promise.noun for one in (c, *c.also))
    assert plan.startswith(f"For 90 % {nouns} at 90 % confidence, ")


def test_the_output_costs_nothing_beside_what_is_handled():
    """It is implied: the same rows are asked about, and the budget is not divided."""
    both, alone = grown("handled,output"), grown("handled")
    c = both[0].report.certificate
    assert (c.n_targets, [str(one.promise) for one in c.also]) == (1, ["output"])
    assert both[1]["label_source"].tolist() == alone[1]["label_source"].tolist()
    assert replace(c, also=(), origin=None) == alone[0].report.certificate


def test_nothing_certified_names_every_promise(tmp_path):
    job = tracer("handled,recall:urgent", labelling=None, target=0.995)
    job.run(TEXTS, max_rows=300)
    c = job.report.certificate
    assert not c.certified
    assert [str(one.promise) for one in (c, *c.also)] == ["handled", "recall:urgent"]
    job.save(tmp_path / "job.tracer")
    assert load(tmp_path / "job.tracer").certificate == job.router.certificate


def test_several_promises_are_saved(tmp_path):
    job, _ = done("recall:urgent,output,handled")
    job.save(tmp_path / "job.tracer")
    saved = load(tmp_path / "job.tracer")
    assert saved.certificate == job.router.certificate
    assert [str(one.promise) for one in saved.certificate.also] == ["output", "handled"]


def test_the_output_counts_rows_that_were_answered():
    """Of 1,500 rows 150 may be wrong, among those that are left."""
    c = done("output")[0].report.certificate
    assert (c.n_delivered, c.method) == (N, "column")
    assert c.n_counted == c.n_calibration
    selective = done("handled")[0].report.certificate
    assert c.coverage >= selective.coverage


def test_the_plan_says_how_many_wanted_rows_it_takes():
    said = plan_lines(tracer("recall:urgent").plan(TEXTS, sample=600))[-1]
    assert said == (
        "At least 74 labelled rows are needed to certify 90 % recall of urgent at 90 % confidence, "
        "and 22 of the tested ones must be urgent."
    )


def test_a_plan_says_why_it_draws_at_random_where_nobody_chose_it():
    why = "Labelling is random: hard-first asks about rows unlike the others first, and abstain_unlike "
    why += "asks about none of them."
    unlike = {"abstain_unlike": True}
    assert why in plan_lines(tracer("output", labelling=None, **unlike).plan(TEXTS))
    assert why not in plan_lines(tracer("output", **unlike).plan(TEXTS))
    targets = tracer("handled", labelling=None, target=[0.9, 0.95]).plan(TEXTS)
    assert "Labelling is random: hard-first grows for one target, got 2." in plan_lines(targets)
    grown = tracer("output", labelling=None).plan(TEXTS)
    assert not any("Labelling is random" in line for line in plan_lines(grown))


def test_recall_that_no_label_can_carry_is_refused_before_anything_is_asked():
    with pytest.raises(ValueError, match="even if the teacher calls each of them urgent"):
        tracer("recall:urgent", target=0.999).run(TEXTS)


def test_a_label_that_the_teacher_never_gives():
    """It is in the label set, and in no answer: a refusal that says what would be needed."""
    record = {text: "refund" if label == "urgent" else label for text, label in RECORD.items()}
    job = Tracer(record, ["urgent", "refund", "other"], promise="recall:urgent", features=X, **HOW)
    job.label(TEXTS, sample=400)
    job.fit()
    job.calibrate()
    c = job.report.certificate
    assert not c.certified
    assert "needs at least 22 calibration rows that the teacher calls urgent" in c.note
    assert "none of them is; so rare a label takes more of them, hard rows first, or" in c.note
    said = " ".join(report_lines(job.report))
    assert "lower" not in said  # at no target is there any
    assert "better features" not in said
    assert (job.route(TEXTS, ask_teacher=False)["label_source"] != "surrogate").all()


@pytest.mark.parametrize("promise", ["recall:urgent", "precision:urgent"])
def test_hard_rows_first_say_that_a_label_was_never_given(promise):
    record = {text: "refund" if label == "urgent" else label for text, label in RECORD.items()}
    how = {**HOW, "labelling": "hard-first"}
    job = Tracer(record, ["urgent", "refund", "other"], promise=promise, features=X, **how)
    job.run(TEXTS, ask_teacher=False)
    note = job.report.certificate.note
    assert note.startswith("the teacher gave none of ")
    assert note.endswith("; ask the teacher about them, or promise something else")
    assert "lower" not in " ".join(report_lines(job.report))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"promise": "recall:urgnt"}, "did you mean 'urgent'"),
        ({"promise": "output", "certificate": "per-class"}, "proved with certificate 'held-out'"),
        ({"promise": "output", "certificate": "cross-fit"}, "proved with certificate 'held-out'"),
        ({"promise": "output", "strategy": "cost-aware"}, "strategy 'adaptive-threshold'"),
        ({"promise": "output", "target": [0.9, 0.95]}, "takes one target, got 2"),
        ({"promise": "precision:urgent,output"}, "so it stands alone"),
        ({"promise": "output", "chain": ["standin:support"]}, "a chain is proved for promise"),
    ],
)
def test_what_is_not_proved_is_refused_in_one_line(options, said):
    with pytest.raises(InvalidInput) as caught:
        tracer(**options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_audits_and_updates_of_other_promises_are_refused():
    job, _ = done("recall:urgent")
    with pytest.raises(InvalidInput, match="audits watch agreement on handled rows"):
        job.audit(0.1)
    assert job.known_watch is None  # so that nobody offers one
    for refused in (job.update, job.plan_update):
        with pytest.raises(InvalidInput, match="this job promises recall:urgent"):
            refused()
    assert job.known_update is None


def test_pictures_of_selective_agreement_are_not_shown_beside_another_promise():
    job, _ = done("output")
    assert job.targets() is None
    assert job.at_threshold(0.5) is None
    assert job.gaps().lost is None


def test_a_recall_of_a_label_of_numbers():
    y = np.where(LABELS == "urgent", 1, 0)
    router = fit_router(
        X[:600], y[:600], column=X[600:], promise=PromiseName("recall", "1"), target=0.9
    )
    c = router.column_certificate
    assert c.promise == PromiseName("recall", "1")
    assert c.n_counted > 20
    assert json.dumps(c.to_dict())


@pytest.mark.parametrize("promise", SINGLE)
def test_hard_rows_first_keep_each_promise(promise, tmp_path):
    """By default; fewer rows are asked about than in a sample, and what is saved can be read again."""
    job = tracer(promise, labelling=None)
    assert job.labelling == "hard-first"
    said = " ".join(plan_lines(job.plan(TEXTS)))
    assert ("are read, if 200 rows are urgent" in said) is (promise == "recall:urgent")
    routed = job.run(TEXTS)
    c = job.report.certificate
    assert c.certified
    assert (str(c.promise), c.method) == (promise, "column")
    assert truth(routed, promise) >= 0.9
    assert (routed["label_source"] == "surrogate").sum() > (100 if "precision" in promise else 500)
    job.save(tmp_path / "made.tracer")
    load(tmp_path / "made.tracer")
    if "recall" not in promise:
        return
    assert c.n_known > 100
    assert c.n_counted == c.n_known + c.n_wrong
    words = " ".join(report_lines(job.report))
    assert f"{c.n_known:,} rows with the label urgent had been answered before" in words
    assert "of precision nothing is said" in words
