"""The facade: the steps, what they refuse before anything is paid, and what they never lose."""

import socket
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from tracer_nb import Tracer
from tracer_nb import load as load_router
from tracer_nb.datasets import load
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted, StoreError, TeacherError
from tracer_nb.labelling import INTERRUPTED
from tracer_nb.records import Answer, Caps
from tracer_nb.standin import serve
from tracer_nb.steps.column.features import name_rows
from tracer_nb.steps.label.costs import mean_wait
from tracer_nb.teachers import ReplayTeacher
from tracer_nb.words import certificate_sentence, label_lines

LABELS = ("login", "parcel", "refund")
COLUMNS = ["text", "label", "label_source", "label_score", "label_reason"]


def tracer_for(world, teacher=None, labels=LABELS, **options):
    options = {"features": world.X, "store": ":memory:", **options}
    return Tracer(
        world.teach if teacher is None else teacher,
        labels,
        "Choose the intent.",
        **options,
        labelling="random",
    )


def sources(frame):
    return frame["label_source"].fillna("nobody").value_counts().to_dict()


# --- the whole job --------------------------------------------------------------------


def test_one_call_labels_every_row_and_asks_about_few(world):
    tracer = tracer_for(world)
    routed = tracer.run(world.frame["text"], sample=200)
    assert list(routed.columns) == COLUMNS
    assert routed["label"].tolist() == list(world.truth.values())
    counts = sources(routed)
    assert counts["teacher"] == len(world.asked) == len(set(world.asked)) < 300
    assert counts["surrogate"] == 600 - counts["teacher"]
    report = tracer.report
    assert report.certificate.certified
    assert report.certificate.method == "column"
    assert (report.n_rows, report.n_labelled, report.n_missing) == (600, 200, 0)
    assert (report.n_teacher, report.n_surrogate) == (counts["teacher"], counts["surrogate"])
    assert report.n_deferred == counts["teacher"] - 200
    assert list(world.frame.columns) == ["text", "n"]


def test_the_steps_do_what_the_whole_job_does(hard_world):
    column = hard_world.frame["text"]
    whole, steps = tracer_for(hard_world), tracer_for(hard_world)
    routed = whole.run(column, sample=300)
    steps.label(column, sample=300)
    steps.fit()
    certificate = steps.calibrate()
    assert certificate == whole.router.column_certificate
    pd.testing.assert_frame_equal(steps.route(), routed)
    assert replace(steps.report.spending, waited=0) == replace(whole.report.spending, waited=0)


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(world):
    rows = [
        tracer_for(world, seed=seed).label(world.texts, sample=200).rows.tolist()
        for seed in (0, 0, 1)
    ]
    assert rows[0] == rows[1] != rows[2]


def test_a_larger_sample_keeps_what_was_asked(world):
    tracer = tracer_for(world)
    small = tracer.label(world.texts, sample=150)
    large = tracer.label(world.texts, sample=250)
    assert large.rows[:150].tolist() == small.rows.tolist()
    assert (large.spending.asked, large.spending.reused) == (100, 150)
    assert len(world.asked) == len(set(world.asked)) == 250


@pytest.mark.parametrize("kind", ["list", "numpy", "polars", "odd-index"])
def test_any_column(world, kind):
    odd = pd.Series(world.texts, index=[5, 5, *range(598)], name="text")
    column = {
        "list": world.texts,
        "numpy": np.array(world.texts),
        "polars": pl.Series("text", world.texts),
        "odd-index": odd,
    }[kind]
    routed = tracer_for(world).run(column, sample=200)
    assert isinstance(routed, pl.DataFrame if kind == "polars" else pd.DataFrame)
    assert list(routed.columns) == COLUMNS
    assert list(routed["label"]) == list(world.truth.values())
    if kind == "odd-index":
        assert routed.index.equals(odd.index)


def test_rows_without_text_come_out_missing_and_are_never_asked(world):
    column = [*world.texts, None, float("nan"), "", "  "]
    X = np.vstack([world.X, np.full((4, 3), np.nan)])  # nor are their features looked at
    routed = tracer_for(world, features=X).run(column, sample=200)
    tail = routed.tail(4)
    assert tail[["label", "label_source", "label_score"]].isna().all(axis=None)
    assert tail["label_reason"].tolist() == ["missing text"] * 2 + ["empty text"] * 2
    assert routed["label"][:600].tolist() == list(world.truth.values())
    assert not {"", None} & set(world.asked)


def test_equal_texts_are_asked_once_and_get_one_label(world):
    column = [f" {t} " if i % 2 else t for i in range(3) for t in world.texts]
    routed = tracer_for(world, features=np.vstack([world.X] * 3)).run(column, sample=900)
    assert len(world.asked) == len(set(world.asked)) <= 600
    assert routed["label"].tolist() == [world.truth[text.strip()] for text in column]


def test_a_whole_column_as_the_sample(world):
    routed = tracer_for(world).run(world.texts, sample=10_000)
    assert sources(routed) == {"teacher": 600}


# --- what is refused, and when --------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"target": 92}, r"target must be in \(0, 1\), got 92; for 92 % write 0.92"),
        ({"target": 1}, r"target must be in \(0, 1\), got 1"),
        ({"target": "0.9"}, "target must be a number"),
        ({"confidence": 0}, "confidence must be in"),
        ({"confidence": float("nan")}, "confidence must be in"),
        ({"strategy": "hope"}, "no strategy 'hope'; there are: adaptive-threshold, fixed-thr"),
        ({"strategy": "fixed-threshold"}, "needs threshold, a gate score in"),
        ({"threshold": 0.5}, "threshold 0.5 belongs to strategy 'fixed-threshold'"),
        ({"surrogate": "svm"}, "no surrogate 'svm'; there are: auto, kernel-ridge, logistic"),
        ({"surrogate": ["logistic", "svm"]}, "no surrogate 'svm'"),
        ({"surrogate": 3}, "surrogate"),
        ({"certificate": "proof"}, "no certificate 'proof'; there are: held-out, per-class"),
        ({"target": []}, "target is empty"),
        ({"gate": "x"}, "no gate 'x'"),
        ({"pipeline": "x"}, "no pipeline 'x'"),
        ({"time_budget": 0}, "time_budget must be seconds above 0"),
        ({"latency_weight": -1}, "latency_weight must be dollars a second"),
        ({"seed": -1}, "seed must be a whole number from 0 to"),
        ({"seed": 2**40}, "seed must be a whole number"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"features": "tfidf"}, "features must be 'auto', 'wordllama', 'lsa', 'fastembed:NAME"),
        ({"features": None}, "features must be 'auto'"),
        ({"features": 5}, "or a matrix with one row per row of the column, got 5"),
        ({"features": np.ones(600)}, "or a matrix with one row"),
        ({"features": np.ones((2, 2, 2))}, "or a matrix with one row"),
        ({"features": [[1.0], [1.0, 2.0]]}, "or a matrix with one row"),
        ({"base_url": "http://localhost"}, "no option of this teacher 'base_url'"),
        ({"max_cost": 4}, r"'max_cost' is no option of a Tracer; .* max_cost=4"),
        ({"targt": 0.9}, r"no option 'targt'; did you mean 'target'\?"),
        ({"abstain_unsur": 0.9}, "did you mean 'abstain_unsure'"),
        ({"price": "1,2"}, "a function counts none; cap it with max_rows"),
        ({"labels": ["refund"]}, "labels must be at least two"),
        ({"labels": ["refund", "Refund "]}, "are the same after stripping"),
        ({"labels": "refund"}, "got the one string 'refund'"),
        ({"labels": 5}, "labels must be a list of names, got 5"),
        ({"labels": None}, "labels are missing"),
        ({"teacher": 5}, "teacher must be a name such as 'openai:gpt-6-luna'"),
        ({"teacher": "gpt-5-mini"}, "teacher must be SCHEME:NAME, got 'gpt-5-mini'"),
        (
            {"teacher": "claude:x"},
            "no kind of teacher 'claude'; there are: anyllm, openai, standin",
        ),
        ({"teacher": "openai:m", "price": "cheap"}, "price must be IN,OUT"),
        ({"teacher": "openai:m", "api_key": 5}, "api_key must be text, got something of type int"),
        ({"store": 5}, "store must be the path of a file or ':memory:', got 5"),
        ({"store": ""}, "store must be the path of a file or ':memory:', got ''"),
    ],
    ids=lambda v: "-".join(v) if isinstance(v, dict) else "",
)
def test_settings_that_cannot_be_used(world, options, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        tracer_for(world, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "job", "error", "says"),
    [
        ({}, {"sample": 0}, InvalidInput, "sample must be a positive whole number"),
        (
            {},
            {"sample": "auto"},
            InvalidInput,
            "sample must be a positive whole number of rows, got 'auto'",
        ),
        ({}, {"sample": "all"}, InvalidInput, "got 'all'"),
        ({}, {"max_cost": -1}, InvalidInput, "max_cost must be dollars"),
        ({}, {"max_cost": "4"}, InvalidInput, "max_cost must be dollars"),
        ({}, {"max_cost": 4}, InvalidInput, "max_cost needs"),
        ({}, {"max_tokens": 4}, InvalidInput, "max_tokens needs a teacher that counts tokens"),
        ({}, {"max_tokens": 0.5}, InvalidInput, "max_tokens must be a whole number"),
        ({}, {"max_rows": -1}, InvalidInput, "max_rows must be a whole number"),
        ({}, {"sample": 113}, NotEnoughData, "at least 114 are needed .*; sample at least 114"),
        ({"target": 0.9999}, {}, NotEnoughData, "sample at least 591, or lower target"),
        ({"labels": [f"l{i}" for i in range(601)]}, {}, InvalidInput, "601 labels but only 600"),
        ({"features": np.ones((599, 3))}, {}, InvalidInput, "has 599 rows, the column 600"),
        ({"features": [[1.0, 2.0]]}, {}, InvalidInput, "has 1 row, the column 600"),
        ({"features": np.full((600, 3), np.nan)}, {}, InvalidInput, "NaN or infinite"),
        ({"features": np.full((600, 3), "x")}, {}, InvalidInput, "numeric"),
    ],
)
def test_jobs_that_cannot_end_well_are_refused_before_anything_is_asked(
    world, options, job, error, says
):
    tracer = tracer_for(world, **options)
    with pytest.raises(error, match=says) as caught:
        tracer.run(world.frame["text"], **{"sample": 200, **job})
    assert world.asked == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["text", None, 5, [], [None, ""], ["a", 5], {"a": 1}])
def test_columns_that_cannot_be_read(world, column):
    tracer = tracer_for(world)
    for step in (tracer.plan, tracer.label, tracer.run):
        with pytest.raises(InvalidInput):
            step(column)
    assert world.asked == []


def test_a_frame_is_not_a_column(world):
    with pytest.raises(InvalidInput, match=r"got DataFrame; write df\['text'\]"):
        tracer_for(world).run(world.frame)


def test_a_plan_asks_nothing_and_knows_what_is_stored(world, tmp_path):
    tracer = tracer_for(world, store=tmp_path / "s.sqlite")
    plan = tracer.plan(world.texts, sample=200)
    assert (plan.n_rows, plan.n_sample, plan.n_ask, plan.n_stored) == (600, 200, 200, 0)
    assert plan.fewest_labels == 114
    assert world.asked == []
    tracer.label(world.texts, sample=150)
    again = tracer_for(world, store=tmp_path / "s.sqlite").plan(world.texts, sample=200)
    assert (again.n_ask, again.n_stored) == (50, 150)
    # A plan may be for too small a sample: it says so, and labelling refuses.
    assert tracer.plan(world.texts, sample=10).n_sample == 10


def test_a_plan_with_a_cap_needs_a_price(world):
    with pytest.raises(InvalidInput, match=r"max_cost needs a price.* give max_rows .* cost="):
        tracer_for(world).plan(world.texts, max_cost=4)
    assert tracer_for(world, cost=0.5).plan(world.texts, sample=200, max_cost=4).cost == 100
    priced = tracer_for(world, "openai:m", price="1,2", base_url="http://localhost:1/v1")
    assert "$1 in, $2 out" in priced.plan(world.texts, max_cost=4).price_source


@pytest.mark.parametrize("step", ["fit", "calibrate", "route"])
def test_steps_out_of_order(world, step):
    tracer = tracer_for(world)
    with pytest.raises(NotFitted, match=r"call (label\(column\)|fit\(\) and calibrate\(\)) first"):
        getattr(tracer, step)()
    with pytest.raises(NotFitted, match=r"call route\(\) first"):
        tracer.frame_of(world.frame)
    assert repr(tracer) == "Tracer('teach', target=0.92, new)"


def test_steps_out_of_order_after_labelling(world):
    tracer = tracer_for(world)
    tracer.label(world.texts, sample=200)
    assert "labelled" in repr(tracer)
    with pytest.raises(NotFitted, match=r"nothing is fitted yet; call fit\(\) first"):
        tracer.calibrate()
    with pytest.raises(NotFitted, match="nothing is calibrated yet"):
        tracer.route()
    tracer.fit()
    with pytest.raises(NotFitted, match="nothing is calibrated yet"):
        tracer.route()


def test_refitting_puts_later_results_away(world):
    tracer = tracer_for(world)
    tracer.run(world.texts, sample=200)
    assert "routed" in repr(tracer)
    tracer.fit()
    assert tracer.router is None
    assert tracer.outcome is None
    with pytest.raises(NotFitted):
        tracer.route()
    tracer.label(world.texts, sample=200)
    assert tracer.fitted is None


def test_frames_of_other_lengths(world):
    tracer = tracer_for(world)
    tracer.run(world.texts, sample=200)
    assert list(tracer.frame_of(world.frame).columns) == ["text", "n", *COLUMNS[1:]]
    with pytest.raises(InvalidInput, match="the frame has 599 rows, 600 were routed"):
        tracer.frame_of(world.frame.iloc[1:])


# --- teachers that fail ---------------------------------------------------------------


def test_one_label_only(world):
    with pytest.raises(NotEnoughData, match="all 200 labelled rows have the one label 'login'"):
        tracer_for(world, lambda _: "login").run(world.texts, sample=200)


def test_no_label_at_all_says_the_first_reason(world):
    with pytest.raises(
        TeacherError, match=r"no label for any of \d+ .* not one of the labels: 'hm'"
    ):
        tracer_for(world, lambda _: "hm").run(world.texts, sample=200)
    asked = []
    with pytest.raises(TeacherError):
        tracer_for(world, lambda text: asked.append(text) or "hm").run(world.texts, sample=500)
    assert len(asked) < 200  # no more is paid for in vain

    def broken(text):
        raise ValueError(f"two\nlines about {text[:5]} with sk-12345678901234567890")

    with pytest.raises(TeacherError, match="ValueError: two lines about") as caught:
        tracer_for(world, broken).run(world.texts, sample=200)
    assert "sk-1" not in str(caught.value)


def test_paid_answers_without_a_label_come_out_missing_with_their_reason(world):
    sulking = set(world.texts[::10])

    def teach(text):
        return "no idea" if text in sulking else world.teach(text)

    routed = tracer_for(world, teach, target=0.8).run(world.texts, sample=300)
    reason = "answer is not one of the labels: 'no idea'"
    silent = routed["label_reason"] == reason
    assert set(routed["text"][silent]) <= sulking
    assert silent.sum() > 15
    assert routed[silent][["label", "label_source"]].isna().all(axis=None)
    others = routed[~silent]
    assert others["label"].tolist() == [world.truth[t] for t in others["text"]]


def test_failures_count_as_disagreements_and_stay_without_a_label(world):
    failing = set(world.texts[::60])

    def teach(text):
        if text in failing:
            raise OSError("no line")
        return world.teach(text)

    tracer = tracer_for(world, teach, target=0.85)
    routed = tracer.run(world.texts, sample=300)
    failed_rows = [row for row in tracer.labels.rows if world.texts[row] in failing]
    assert tracer.labels.n_failed == len(failed_rows) > 2
    assert len(tracer.labels.rows) == 300
    tested = {world.texts[tracer.labels.rows[i]] for i in tracer.fitted.calibration_rows}
    certificate = tracer.router.certificate
    assert len(tested & failing) == certificate.n_handled - certificate.n_agree > 0
    asked = routed["text"].isin({world.texts[row] for row in failed_rows})
    assert routed["label"][asked].isna().all()
    assert (routed["label_reason"][asked] == "OSError: no line").all()
    assert routed["label"][~asked].tolist() == [world.truth[t] for t in routed["text"][~asked]]


def test_an_unreachable_server(world):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    tracer = tracer_for(world, "openai:m", base_url=url, price="0,0", max_retries=0)
    with pytest.raises(
        TeacherError, match=r"cannot reach http://127.0.0.1:\d+/v1 .*base_url right"
    ) as e:
        tracer.run(world.texts, sample=200)
    assert "\n" not in str(e.value)
    assert tracer.plan(world.texts, sample=200).n_stored == 0


def test_a_wrong_key_and_no_key(world, monkeypatch, tmp_path):
    with serve(world.truth, api_key="right") as standin:
        tracer = tracer_for(
            world,
            "openai:m",
            base_url=standin.base_url,
            price="0,0",
            store=tmp_path / "s.sqlite",
        )
        monkeypatch.setenv("TRACER_NB_API_KEY", "wrong-key-123")
        with pytest.raises(
            TeacherError, match=r"refused the API key .*check TRACER_NB_API_KEY"
        ) as e:
            tracer.run(world.texts, sample=200)
        assert "wrong-key-123" not in str(e.value)
        assert standin.requests == 0
        # The same Tracer goes on once the key is right.
        monkeypatch.setenv("TRACER_NB_API_KEY", "right")
        assert len(tracer.label(world.texts, sample=200).rows) == 200
    monkeypatch.delenv("TRACER_NB_API_KEY")
    with pytest.raises(TeacherError, match="no API key for OpenAI: set OPENAI_API_KEY"):
        tracer_for(world, "openai:gpt-5-mini").label(world.texts, sample=200)


def test_a_server_that_goes_away_leaves_what_the_surrogate_can_answer(hard_world):
    with serve(hard_world.truth) as standin:
        tracer = tracer_for(
            hard_world,
            "openai:m",
            base_url=standin.base_url,
            price="0,0",
            max_retries=0,
            target=0.9,
        )
        tracer.label(hard_world.texts, sample=300)
    tracer.fit()
    tracer.calibrate()
    routed = tracer.route()
    counts = sources(routed)
    assert (counts["teacher"], counts["nobody"]) == (300, tracer.report.n_deferred)
    assert counts["surrogate"] > 150
    missing = routed[routed["label"].isna()]["label_reason"]
    assert missing.str.match("deferred: (score below 0|unlike every labelled text)").all()
    hindered = {reason.partition("; ")[2] for reason in missing}
    assert len(hindered) == 1
    assert hindered.pop().startswith("not asked: cannot reach http://127.0.0.1:")
    assert tracer.report.stopped.startswith("cannot reach")


def test_a_prompt_with_braces_and_quotes_reaches_the_teacher_as_it_is(world):
    prompt = 'Choose {intent} for "the text" in \'it\' {{}} {0} %s %(a)s $x\n\\n100 % {json: ["a"]}'
    with serve(world.truth) as standin:
        tracer = Tracer(
            "openai:m",
            LABELS,
            prompt,
            features=world.X,
            base_url=standin.base_url,
            price="0,0",
            store=":memory:",
            labelling="random",
        )
        labels = tracer.label(world.texts, sample=150)
        assert standin.unknown == 0
    assert prompt in tracer.teacher.identity["prompt"]
    assert [labels.classes[c] for c in labels.codes] == [
        world.truth[world.texts[row]] for row in labels.rows
    ]


def test_a_store_that_cannot_be_opened(world, tmp_path):
    with pytest.raises(StoreError, match="cannot open the label store"):
        tracer_for(world, store=tmp_path).run(world.texts, sample=200)
    assert world.asked == []


def test_no_price_no_matter_when_there_is_no_cap(world):
    tracer = tracer_for(world)
    tracer.run(world.texts, sample=200)
    assert tracer.report.spending.cost is None
    assert tracer.report.cost_all is None


# --- stops ----------------------------------------------------------------------------


def test_an_interrupt_keeps_every_answer_and_a_second_run_asks_nothing_twice(
    world, tmp_path, interrupting
):
    stop = interrupting(world, at=80)
    options = {"concurrency": 1, "store": tmp_path / "s.sqlite"}
    tracer = tracer_for(world, stop.teach, **options)
    assert tracer.run(world.texts, sample=200) is None
    assert tracer.labels.stopped == tracer.report.stopped == INTERRUPTED
    assert tracer.outcome is None
    answered = [world.texts[row] for row in tracer.labels.rows]
    assert answered == world.asked[:79]

    # Another kernel: nothing in memory, the same function, the same file.
    fresh = tracer_for(world, stop.teach, **options)
    routed = fresh.run(world.texts, sample=200)
    assert routed["label"].notna().all()
    assert fresh.report.spending.reused == 79
    again = [text for text in set(world.asked) if world.asked.count(text) > 1]
    assert again == [world.asked[79]]  # the one that hung was not answered


def test_enough_labels_before_a_stop_can_be_used(world, interrupting):
    tracer = tracer_for(world, interrupting(world, at=181).teach, concurrency=1)
    tracer.label(world.texts, sample=300)
    assert len(tracer.labels.rows) == 180
    tracer.fit()
    assert tracer.calibrate().certified


def test_an_interrupt_while_deferred_rows_are_asked_loses_nothing(hard_world, interrupting):
    teach = interrupting(hard_world, at=310).teach
    tracer = tracer_for(hard_world, teach, concurrency=1, target=0.9)
    routed = tracer.run(hard_world.texts, sample=300)
    assert sources(routed)["teacher"] == 309
    missing = routed[routed["label"].isna()]
    assert missing["label_reason"].str.endswith(f"; not asked: {INTERRUPTED}").all()
    assert len(missing) > 1
    assert tracer.report.stopped == INTERRUPTED
    routed = tracer.route()
    assert routed["label"].notna().all()
    assert len(hard_world.asked) == len(set(hard_world.asked)) + 1  # the one that hung
    assert tracer.report.stopped is None


def test_the_cap_holds_over_both_phases(hard_world):
    tracer = tracer_for(hard_world, cost=0.01, target=0.9)
    routed = tracer.run(hard_world.texts, sample=300, max_cost=3.1)
    assert len(hard_world.asked) == 310
    assert tracer.report.spending.cost == pytest.approx(3.1)
    missing = routed[routed["label"].isna()]
    assert missing["label_reason"].str.endswith("; not asked: cost cap of $0.10 reached").all()
    assert sources(routed)["teacher"] == 310


def test_a_cap_that_ends_labelling_too_early_says_so_and_keeps_the_answers(world):
    tracer = tracer_for(world, cost=0.01)
    with pytest.raises(
        NotEnoughData, match=r"stopped at 50 labelled rows \(cost cap of \$0.50"
    ) as e:
        tracer.run(world.texts, sample=200, max_cost=0.5)
    assert "at least 114 are needed" in str(e.value)
    assert len(world.asked) == 50
    assert tracer.run(world.texts, sample=200)["label"].notna().all()
    assert len(world.asked) == len(set(world.asked))


def test_caps_on_rows_and_tokens_cover_labelling_and_deferred_rows(hard_world):
    with serve(hard_world.truth) as standin:
        server = {"base_url": standin.base_url, "target": 0.9}
        tracer = tracer_for(hard_world, "openai:m", **server)
        routed = tracer.run(hard_world.texts, sample=300, max_rows=310)
        assert standin.requests == 310
        missing = routed[routed["label"].isna()]
        assert missing["label_reason"].str.endswith("; not asked: row cap of 10 reached").all()

        tracer = tracer_for(hard_world, "openai:m", **server)
        bound = tracer.teacher.token_bound(max(hard_world.texts, key=len))
        cap = 50_000 + bound
        tracer.run(hard_world.texts, sample=300, max_tokens=cap)
        spent = tracer.report.spending
        # No more than the cap, and all but the last text's bound: what is not used is given back.
        assert cap - bound < spent.prompt_tokens + spent.completion_tokens <= cap
        assert tracer.report.stopped.startswith("token cap of ")


def test_an_unknown_price_is_refused_before_anything_changes(world):
    with serve(world.truth) as standin:
        tracer = tracer_for(world, "openai:m", base_url=standin.base_url)
        labels = tracer.label(world.texts, sample=200, max_rows=200)
        with pytest.raises(InvalidInput, match="the price of m is unknown, so nothing bounds"):
            tracer.label(world.texts, sample=300)
        assert tracer.labels is labels
        assert standin.requests == 200
        # What is known already needs no bound, and neither does a server of one's own.
        assert len(tracer.label(world.texts, sample=200).rows) == 200
        free = tracer_for(world, "openai:m", base_url=standin.base_url, price="0,0")
        assert len(free.label(world.texts, sample=200).rows) == 200


def test_deferred_rows_at_an_unknown_price_need_a_bound(hard_world):
    with serve(hard_world.truth) as standin:
        tracer = tracer_for(hard_world, "openai:m", base_url=standin.base_url, target=0.9)
        tracer.label(hard_world.texts, sample=300, max_rows=300)
        tracer.fit()
        tracer.calibrate()
        with pytest.raises(InvalidInput, match=r"give price as IN,OUT .* max_tokens or max_rows"):
            tracer.route()
        assert standin.requests == 300
        assert tracer.route(ask_teacher=False)["label"].isna().sum() == tracer.report.n_deferred
        tracer.route(max_rows=5)
        assert standin.requests == 305


def test_a_cap_of_nothing(world):
    tracer = tracer_for(world, cost=0.01)
    with pytest.raises(NotEnoughData, match="stopped at 0 labelled rows"):
        tracer.run(world.texts, sample=200, max_cost=0)
    assert world.asked == []
    with pytest.raises(
        NotEnoughData, match=r"no row of the sample has an answer yet \(cost cap reached"
    ):
        tracer.fit()


def test_what_is_left_of_a_cap(world):
    tracer = tracer_for(world, cost=0.01)
    assert tracer.caps_left(Caps()) == Caps()
    assert tracer.caps_left(Caps(4.0, 50, 300)) == Caps(4.0, 50, 300)
    tracer.label(world.texts, sample=200)
    left = tracer.caps_left(Caps(4.0, 50, 300))
    assert left == Caps(pytest.approx(2), 50, 100)
    assert tracer.caps_left(Caps(1.0, None, 150)) == Caps(0.0, None, 0)


# --- routing --------------------------------------------------------------------------


@pytest.mark.parametrize(("ask", "asked"), [(None, True), (True, True), (False, False)])
def test_deferred_rows_are_asked_about_unless_told_otherwise(hard_world, ask, asked):
    tracer = tracer_for(hard_world, target=0.9)
    routed = tracer.run(hard_world.texts, sample=300, ask_teacher=ask)
    assert tracer.report.certificate.certified
    deferred = tracer.report.n_deferred
    assert deferred > 10
    assert len(hard_world.asked) == 300 + deferred * asked
    spending = tracer.report.spending
    assert (spending.asked, spending.reused) == (len(hard_world.asked), 0)
    missing = routed[routed["label"].isna()]
    assert len(missing) == deferred * (not asked)
    waits = "deferred: (score below 0.*|unlike every labelled text); teacher not asked"
    assert missing["label_reason"].str.fullmatch(waits).all()


@pytest.mark.parametrize(("ask", "asked"), [(None, False), (True, True), (False, False)])
def test_without_a_certificate_the_teacher_is_asked_only_when_told(world, ask, asked):
    blind = np.ones_like(world.X)
    tracer = tracer_for(world, features=blind)
    routed = tracer.run(world.texts, sample=200, ask_teacher=ask)
    assert not tracer.report.certificate.certified
    assert "surrogate" not in sources(routed)
    assert len(world.asked) == (600 if asked else 200)
    if not asked:
        reasons = routed[routed["label"].isna()]["label_reason"]
        assert reasons.tolist() == ["deferred: nothing was certified; teacher not asked"] * 400


def split(world):
    """The first 500 rows, and 100 others with their features."""
    return world.texts[:500], world.X[:500], world.texts[500:], world.X[500:]


def test_new_rows_are_routed_under_the_certificate_for_new_rows(hard_world):
    home, X, others, others_X = split(hard_world)
    tracer = tracer_for(hard_world, features=X, target=0.9)
    tracer.run(home, sample=300, ask_teacher=False)
    held_out, column = tracer.router.certificate, tracer.router.column_certificate
    assert held_out.threshold != column.threshold  # or this test could not tell them apart
    routed = tracer.route(pd.Series(others, name="text"), features=others_X, ask_teacher=False)
    answers = tracer.router.fit.pipeline.predict([others_X.astype(np.float32)])
    handled = routed["label_source"] == "surrogate"
    expected = (answers.scores >= held_out.threshold) & ~answers.far
    assert [h is True for h in handled.tolist()] == expected.tolist()
    report = tracer.report
    assert report.certificate == held_out
    assert (report.n_rows, report.n_surrogate) == (100, handled.sum())
    assert report.n_deferred == 100 - handled.sum()
    # The frame of these rows, and then again of the labelled ones.
    assert list(tracer.frame_of(pd.DataFrame({"q": others}))["label"].isna()) == list(
        routed["label"].isna()
    )
    assert len(tracer.route(ask_teacher=False)) == 500
    assert tracer.report.certificate == column


def test_new_rows_with_a_ready_matrix_need_theirs(world):
    home, X, others, others_X = split(world)
    tracer = tracer_for(world, features=X)
    tracer.run(home, sample=200)
    # As many other rows as labelled ones: the old matrix would fit, and be wrong.
    with pytest.raises(InvalidInput, match="give theirs too: route"):
        tracer.route([f"{text}!" for text in home])
    with pytest.raises(InvalidInput, match="has 99 rows, the column 100"):
        tracer.route(others, features=others_X[1:])
    with pytest.raises(InvalidInput, match="must have the 3 features"):
        tracer.route(others, features=others_X[:, :2])
    assert len(tracer.route(others, features=others_X)) == 100


def test_the_labelled_column_is_known_again_by_its_texts(world):
    tracer = tracer_for(world)
    tracer.run(world.texts, sample=200)
    assert len(tracer.route(pd.Series(world.texts))) == 600
    assert tracer.report.certificate.method == "column"


def test_a_text_that_was_answered_is_not_asked_again_in_new_rows(world):
    tracer = tracer_for(world, features="lsa", surrogate="logistic")
    tracer.run(world.texts, sample=200)
    before = len(world.asked)
    known = world.asked[:50]
    routed = tracer.route(known)
    assert sources(routed) == {"teacher": 50}
    assert len(world.asked) == before


# --- features -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [sparse.csr_matrix, sparse.coo_array, pd.DataFrame, np.ndarray.tolist]
)
def test_matrices_of_every_kind_give_the_same_routing(world, make):
    expected = tracer_for(world).run(world.texts, sample=200)
    routed = tracer_for(world, features=make(world.X)).run(world.texts, sample=200)
    assert routed["label"].tolist() == expected["label"].tolist()
    assert routed["label_score"].tolist() == pytest.approx(
        expected["label_score"].tolist(), abs=1e-4
    )


def test_equal_texts_take_the_features_of_their_first_row(world):
    column = [*world.texts, *world.texts]
    X = np.vstack([world.X, np.zeros_like(world.X)])
    routed = tracer_for(world, features=X).run(column, sample=400)
    assert routed["label"].tolist() == [*world.truth.values()] * 2


def test_a_function_of_texts(world):
    calls = []

    def lookup(texts):
        calls.append(len(texts))
        return world.X[[int(t.split()[-1]) for t in texts]]

    tracer = tracer_for(world, features=lookup)
    assert tracer.run(world.texts, sample=200)["label"].tolist() == list(world.truth.values())
    assert calls == [600]
    assert tracer.report.features == "lookup"
    assert len(tracer.route(world.texts[:50])) == 50
    with pytest.raises(InvalidInput, match="features are made by 'lookup'; leave features out"):
        tracer.route(world.texts[:50], features=world.X[:50])


def test_a_function_that_returns_another_number_of_rows(world):
    tracer = tracer_for(world, features=lambda texts: np.ones((len(texts) - 1, 2)))
    with pytest.raises(InvalidInput, match="must return one row per text"):
        tracer.run(world.texts, sample=200)
    assert len(tracer.labels.rows) == 200  # what was paid is still there


def test_texts_alone_are_enough(world):
    tracer = tracer_for(world, features="lsa", surrogate="logistic")
    routed = tracer.run(world.texts, sample=200)
    assert routed["label"].tolist() == list(world.truth.values())
    assert (tracer.report.features, tracer.report.surrogate) == ("lsa", "logistic")


# --- teachers of every kind -----------------------------------------------------------


def test_recorded_labels(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracer = tracer_for(world, world.truth, labels=None, store=None)
    routed = tracer.run(world.texts, sample=200, max_cost=0)
    assert routed["label"].tolist() == list(world.truth.values())
    assert tracer.report.teacher == "recorded labels"
    assert tracer.report.spending.cost == 0
    assert list(tmp_path.iterdir()) == []  # they are stored where they come from


def test_a_series_of_recorded_labels(world):
    tracer = tracer_for(world, pd.Series(world.truth), labels=None)
    assert tracer.run(world.texts, sample=200)["label"].tolist() == list(world.truth.values())


def test_texts_that_are_not_recorded(world):
    half = {text: world.truth[text] for text in world.texts[:300]}
    tracer = tracer_for(world, half, labels=None)
    routed = tracer.run(world.texts, sample=600)
    # The sample is drawn from the recorded rows, and the report says what that assumes.
    assert len(tracer.labels.rows) == 300
    assert tracer.labels.rows.max() < 300
    assert "random sample" in certificate_sentence(tracer.report)
    assert (routed["label_source"][300:] == "surrogate").sum() > 290
    with pytest.raises(InvalidInput, match="none of the 2 texts has a recorded label"):
        tracer.label(["never", "seen"], sample=2)


def test_a_teacher_object_and_its_own_labels(world):
    teacher = ReplayTeacher(world.truth, name="mine")
    assert tracer_for(world, teacher, labels=None).run(world.texts, sample=200) is not None
    with pytest.raises(InvalidInput, match="'mine' has its own labels"):
        tracer_for(world, teacher, labels=["x", "y"])


def test_a_function_may_give_whole_answers(world):
    def teach(text):
        label = world.teach(text)
        return Answer(label, cost=0.25, probabilities={label: 1.0})

    tracer = tracer_for(world, teach)
    tracer.label(world.texts, sample=200)
    assert tracer.report.spending.cost == pytest.approx(50)
    assert tracer.report.cost_all == pytest.approx(150)


def test_the_stand_in_is_called_one(tmp_path):
    from tracer_nb import datasets

    data = datasets.load("support").iloc[:400]
    tracer = Tracer(
        "standin:support",
        sorted(data["label"].unique()),
        "Choose.",
        target=0.6,
        surrogate="logistic",
        store=tmp_path / "s.sqlite",
        labelling="random",
    )
    labels = tracer.label(data["text"], sample=300, max_cost=1.0)
    assert len(labels.rows) == 300
    truth = dict(zip(data["text"].str.strip(), data["label"], strict=True))
    texts = data["text"].str.strip().tolist()
    right = np.mean(
        [
            labels.classes[c] == truth[texts[r]]
            for r, c in zip(labels.rows, labels.codes, strict=True)
        ]
    )
    assert 0.93 < right < 1  # wrong in 2 %
    assert tracer.report.teacher == "the stand-in"
    assert "stand-in" in tracer.report.note
    assert 0 < tracer.report.spending.cost < 1


# --- choices of the engine --------------------------------------------------------------------


def test_several_targets_hold_together_and_one_is_chosen(hard_world):
    tracer = tracer_for(hard_world, target=[0.8, 0.9, 0.99])
    tracer.run(hard_world.texts, sample=300, ask_teacher=False)
    loose = tracer.report
    assert [choice.target for choice in loose.choices] == [0.8, 0.9, 0.99]
    assert loose.certificate.target == 0.8
    assert loose.certificate.n_targets == 3
    tracer.route(target=0.9, ask_teacher=False)
    strict = tracer.report
    assert strict.certificate.target == 0.9
    assert strict.n_surrogate <= loose.n_surrogate
    with pytest.raises(InvalidInput, match=r"target 0\.95 was not certified"):
        tracer.route(target=0.95)


def test_dear_rows_are_handed_over_first(hard_world):
    def teach(text):
        return Answer(hard_world.truth[text], cost=0.01 if "parcel" in text else 0.001)

    tracer = tracer_for(hard_world, teach, strategy="cost-aware", target=0.9, cost=0.01)
    tracer.run(hard_world.texts, sample=300, ask_teacher=False)
    report = tracer.report
    assert report.certificate.strategy == "cost-aware"
    assert report.certificate.certified
    assert report.saved == pytest.approx(report.n_surrogate * report.spending.cost / 300)


def test_costs_are_needed_to_route_by_them(world):
    unknown = tracer_for(world, strategy="cost-aware")
    unknown.label(world.texts, sample=200)
    with pytest.raises(
        InvalidInput, match="needs a price, and that of teach is unknown; give cost="
    ):
        unknown.fit()
    free = tracer_for(world, strategy="cost-aware", cost=0.0)
    free.label(world.texts, sample=200)
    with pytest.raises(InvalidInput, match="has nothing to save: teach costs nothing"):
        free.fit()
    waiting = tracer_for(world, strategy="cost-aware", cost=0.0, latency_weight=0.01)
    assert waiting.run(world.texts, sample=200) is not None


def test_the_teacher_s_distribution_is_imitated(world):
    def teach(text):
        label = world.truth[text]
        others = {other: 0.1 for other in LABELS if other != label}
        return Answer(label, cost=0.0, probabilities={label: 0.8, **others})

    tracer = tracer_for(world, teach)
    labels = tracer.label(world.texts, sample=200)
    assert labels.probabilities.shape == (200, 3)
    assert labels.probabilities.sum(axis=1) == pytest.approx(1.0)
    tracer.fit()
    assert tracer.calibrate().certified
    # Regression outputs follow the distribution: no label has more than its share.
    model = tracer.fitted.pipeline.stages[0].model
    outputs = model.outputs(tracer.fitted.pipeline.view.prepare(tracer._state.column.features()))
    if tracer.fitted.pipeline.name == "kernel-ridge":
        assert outputs.max() < 1.0


@pytest.mark.parametrize("certificate", ["cross-fit", "per-class"])
def test_other_certificates(world, certificate):
    tracer = tracer_for(world, certificate=certificate, target=0.85)
    routed = tracer.run(world.texts, sample=300)
    found = tracer.report.certificate
    assert found.certified
    assert found.by_simulation == (certificate == "cross-fit")
    assert (routed["label_source"] == "surrogate").sum() > 100


def test_rows_unlike_every_labelled_text_are_deferred(world):
    X = np.vstack([world.X, -10.0 * np.ones((3, 3))])
    texts = [*world.texts, "quite", "something", "else"]
    tracer = tracer_for(world, {**world.truth}, labels=None, features=X)
    routed = tracer.run(texts, sample=600, ask_teacher=False)
    assert set(routed["label_reason"][600:]) == {
        "deferred: unlike every labelled text; teacher not asked"
    }
    everyone = tracer_for(world, {**world.truth}, labels=None, features=X, guard=False)
    routed = everyone.run(texts, sample=600, ask_teacher=False)
    assert (routed["label_source"][600:] == "surrogate").any()


def test_certificates_on_one_column_are_counted(hard_world):
    tracer = tracer_for(hard_world, target=0.9)
    for n_rounds, sample in ((1, 200), (2, 300)):
        tracer.label(hard_world.texts, sample=sample)
        tracer.fit()
        assert tracer.calibrate().n_rounds == n_rounds
        tracer.fit()
        assert tracer.calibrate().n_rounds == n_rounds  # the same rows, the same certificate
    other = tracer_for(hard_world, target=0.8)
    other.continue_from(tracer)
    other.label(hard_world.texts, sample=200)
    other.fit()
    assert other.calibrate().n_rounds == 3
    same = tracer_for(hard_world, target=0.8)
    same.continue_from(other)
    same.label(hard_world.texts, sample=200)
    same.fit()
    assert same.calibrate().n_rounds == 3  # the same certificate, by another Tracer


def test_waiting_for_deferred_rows_does_not_move_the_path(hard_world):
    """Costs are those of the labelling: routing twice is routing once."""
    tracer = tracer_for(
        hard_world, strategy="cost-aware", target=0.85, cost=0.001, latency_weight=1.0
    )
    tracer.run(hard_world.texts, sample=300, ask_teacher=False)
    certified = tracer.report.certificate
    first = tracer.route()["label_source"].tolist()
    answers = tracer._state.setup.asker.answers
    answers.update({text: replace(answer, seconds=1e6) for text, answer in answers.items()})
    assert tracer.route()["label_source"].tolist() == first
    assert tracer.calibrate() == certified


def test_another_session_waits_as_long_for_the_same_answers(hard_world, tmp_path):
    settings = {"strategy": "cost-aware", "target": 0.85, "cost": 0.001, "latency_weight": 1.0}
    one, other = (tracer_for(hard_world, store=tmp_path / "a", **settings) for _ in range(2))
    one.run(hard_world.texts, sample=300, ask_teacher=False)
    other.run(hard_world.texts, sample=300, ask_teacher=False)
    assert other.report.spending.asked == 0
    assert 0 <= one._state.seconds < 0.5  # no guess
    assert other._state.seconds == one._state.seconds
    assert other.report.certificate.threshold == one.report.certificate.threshold
    assert mean_wait([Answer("a", seconds=0.02), Answer("a", seconds=0.04), Answer("a")]) == 0.03
    assert mean_wait([Answer("a")]) == mean_wait([]) == 1.0


def test_what_a_target_saves_counts_each_text_once(hard_world):
    texts = [t for t in hard_world.texts for _ in range(3)]
    X = np.repeat(hard_world.X, 3, axis=0)
    tracer = tracer_for(hard_world, features=X, target=[0.8, 0.9], cost=0.01)
    tracer.run(texts, sample=600, ask_teacher=False)
    report = tracer.report
    assert report.choices[0].saved == pytest.approx(report.saved)
    assert report.choices[0].saved < 0.01 * 600


def test_what_labels_mean_reaches_the_teacher(world):
    with serve(world.truth) as standin:
        meanings = {"login": "cannot sign in", "parcel": "asks where it is", "refund": ""}
        tracer = Tracer(
            "openai:m",
            meanings,
            "Choose.",
            base_url=standin.base_url,
            price="0,0",
            features=world.X,
            store=":memory:",
            labelling="random",
        )
        tracer.label(world.texts, sample=150)
    prompt = tracer.teacher.identity["prompt"]
    assert "What the labels mean:\n- login: cannot sign in\n- parcel: asks where it is" in prompt
    assert tracer.teacher.labels == tuple(meanings)


def test_a_few_rows_are_labelled_though_they_certify_nothing(world):
    tracer = tracer_for(world)
    labels = tracer.label(world.frame["text"], sample=12)
    assert len(world.asked) == len(labels.rows) == 12
    assert labels.fewest == 114
    assert label_lines(labels)[-1] == (
        "At least 114 labelled rows are needed to certify the target; with these nothing can be "
        "certified."
    )
    tracer.label(world.frame["text"], sample=200)
    assert not any("nothing can be" in line for line in label_lines(tracer.labels))


# --- features and names of labels --------------------------------------------------------------


@pytest.fixture(scope="module")
def questions():
    """Rows of 15 labels, a name of a label among them, and their labels."""
    messages = load("support").head(600)
    texts = ["gift card", *messages["text"]]
    return texts, dict(zip(texts, ["gift_card", *messages["label"]], strict=True))


def test_a_row_that_equals_a_label_s_name_is_open_until_the_teacher_answers(questions):
    texts, recorded = questions
    asked = []
    tracer = Tracer(
        lambda text: asked.append(text) or recorded[text],
        {label: f"about {label}" for label in set(recorded.values())},
        features="wordllama",
        target=0.6,
        store=":memory:",
        seed=1,
        labelling="random",
    )
    tracer.label(texts, sample=150)
    tracer.fit()
    assert "gift card" not in asked
    named = tracer._state.setup.label_texts
    assert named["gift_card"] == "gift card: about gift_card"
    assert not set(named.values()) & set(asked)
    tracer.calibrate()
    routed = tracer.route(texts, ask_teacher=True)
    assert len(asked) == len(set(asked)) == (routed["label_source"] == "teacher").sum()
    assert routed["label_source"].isin(["teacher", "surrogate"]).all()


def names_of(tracer):
    setup = tracer._state.setup
    return name_rows(setup.features, setup.label_texts)


def test_names_are_taken_where_they_teach(questions):
    _, recorded = questions
    tracer = Tracer(
        recorded, features="wordllama", target=0.6, store=":memory:", labelling="random"
    )
    offered = names_of(tracer)
    assert offered.X[0].shape == (15, 256)
    assert sorted(offered.y) == sorted(set(recorded.values()))
    by_hand = Tracer(recorded, features=np.eye(601), store=":memory:", labelling="random")
    assert names_of(by_hand) is None
    of_theirs = Tracer(
        recorded, features=lambda rows: np.eye(len(rows)), store=":memory:", labelling="random"
    )
    assert names_of(of_theirs) is None


def test_missing_vectors_are_one_line_of_the_report(questions, monkeypatch):
    monkeypatch.setitem(sys.modules, "wordllama", None)
    tracer = Tracer(questions[1], target=0.6, store=":memory:", labelling="random")
    assert tracer.report.features == "lsa"
    (line,) = [line for line in tracer.report.warnings if "wordllama" in line]
    assert "pip install" in line
    assert "\n" not in line
    asked_for = Tracer(
        questions[1], features="lsa", target=0.6, store=":memory:", labelling="random"
    )
    assert asked_for.report.warnings == ()


def test_vectors_that_know_little_of_the_texts_are_left_out_and_a_line_says_so(
    tmp_path, monkeypatch
):
    """Signs of which the vectors' tokenizer knows the bytes alone; each label has a few words."""
    rng = np.random.default_rng(6)
    words = ["".join(map(chr, rng.integers(0x4E00, 0x9FA5, size=2))) for _ in range(120)]
    codes = rng.integers(6, size=500)
    own = [words[20 * c : 20 * c + 20] for c in codes]
    texts = [
        " ".join(rng.permutation([*rng.choice(few, 2), *rng.choice(words, 2)])) + f" {i}"
        for i, few in enumerate(own)
    ]
    recorded = {text: f"kind {c}" for text, c in zip(texts, codes, strict=True)}
    tracer = Tracer(
        recorded, target=0.7, store=":memory:", surrogate="kernel-ridge", labelling="random"
    )
    tracer.label(texts, sample=250)
    tracer.fit()
    (line,) = tracer.report.warnings
    assert line.startswith("wordllama tells these texts apart less well than lsa (out-of-fold")
    assert line.endswith("lsa alone is used")
    assert tracer.report.features == "lsa"
    tracer.calibrate()
    tracer.save(tmp_path / "kinds.tracer")
    monkeypatch.setitem(sys.modules, "wordllama", None)  # and it is not needed
    loaded = load_router(tmp_path / "kinds.tracer")
    new = [f"{text}?" for text in texts[:50]]
    routed, live = loaded.route(new), tracer.route(new, ask_teacher=False)
    assert routed["label"].equals(live["label"])
    assert routed["label_score"].tolist() == live["label_score"].tolist()
