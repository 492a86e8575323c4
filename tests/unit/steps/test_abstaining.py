"""The reject option: what it needs, and answers of which the teacher itself is unsure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tracer_nb import Tracer
from tracer_nb.datasets import load
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, RejectOption
from tracer_nb.standin import Faults, serve
from tracer_nb.steps.label.reject import FIRST_ANSWERS
from tracer_nb.words import plan_lines

from .abstainers import LABELS, Doubting, of_source, tracer_for

# --- what a doubt is ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        (Answer("a", probabilities={"a": 0.55, "b": 0.45}), 0.55),
        (Answer("a", probabilities={"a": 0.6, "b": 0.4}), None),
        (Answer("a", probabilities={"a": 0.1 + 0.2 + 0.3 - 1e-15, "b": 0.4}), None),
        (Answer("a", probabilities={"b": 1.0}), 0.0),
        (Answer("a", probabilities={"a": 3.0, "b": 3.0}), 0.5),  # counts, say
        (Answer("a", probabilities={"a": 0.5}), 0.5),  # the rest was not told
        (Answer("a"), None),
        (Answer("a", probabilities={}), None),
        (Answer(None, reason="refused", probabilities={"a": 0.1}), None),
    ],
)
def test_a_doubt_is_a_probability_of_its_own_label_below_the_limit(answer, share):
    assert RejectOption(unsure=0.6).doubt(answer) == share
    assert RejectOption().doubt(answer) is None


def test_votes_that_all_agree_are_sure():
    ten = Answer("a", probabilities={"a": sum([0.1] * 10)})
    assert RejectOption(unsure=1.0).doubt(ten) is None


# --- what is refused, and when --------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"abstain_unlike": 0.1}, "abstain_unlike must be True or False, got 0.1"),
        ({"abstain_unlike": True, "guard": False}, "abstain_unlike goes by the guard, which is"),
        ({"abstain_unsure": 0}, "abstain_unsure must be a probability above 0, 1 at most, got 0"),
        ({"abstain_unsure": 60}, "1 at most, got 60"),
        ({"abstain_unsure": True}, "1 at most, got True"),
        ({"abstain_unsure": float("nan")}, "1 at most, got nan"),
    ],
)
def test_settings_that_cannot_be_used(world, options, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        tracer_for(world, **options)
    assert "\n" not in str(caught.value)


def test_a_teacher_that_is_known_to_give_no_distribution_is_refused_at_once(world):
    with pytest.raises(
        InvalidInput, match="none come from recorded labels; leave abstain_unsure out"
    ):
        Tracer(world.truth, abstain_unsure=0.6, store=":memory:", labelling="random")
    chat = {"base_url": "http://localhost:1/v1", "store": ":memory:"}
    with pytest.raises(
        InvalidInput, match=r"none come from m; use votes=3 \(--votes 3\) or more, or logprobs"
    ):
        Tracer("openai:m", LABELS, abstain_unsure=0.6, **chat, labelling="random")
    for option in ({"votes": 3}, {"logprobs": True}):
        Tracer("openai:m", LABELS, abstain_unsure=0.6, **option, **chat, labelling="random")


def test_a_function_without_a_distribution_is_found_out_with_the_first_answers(world, tmp_path):
    options = {"store": tmp_path / "s.sqlite", "abstain_unsure": 0.6}
    says = f"teach gave none with {FIRST_ANSWERS} answers; leave abstain_unsure out"
    with pytest.raises(InvalidInput, match=says) as caught:
        tracer_for(world, **options).run(world.texts, sample=300)
    assert "\n" not in str(caught.value)
    assert len(world.asked) == FIRST_ANSWERS
    # Now the store knows, and nothing more is asked.
    with pytest.raises(InvalidInput, match=says):
        tracer_for(world, **options).run(world.texts, sample=300)
    assert len(world.asked) == FIRST_ANSWERS
    # And nothing of it was lost.
    labels = tracer_for(world, store=tmp_path / "s.sqlite").label(world.texts, sample=300)
    assert (labels.spending.reused, labels.spending.asked) == (FIRST_ANSWERS, 280)


def test_the_first_answers_count_as_the_others_do(world):
    tracer = tracer_for(world, Doubting(world), abstain_unsure=0.6)
    seen = []
    labels = tracer.label(world.texts, sample=300, max_cost=200, on_progress=seen.append)
    assert labels.stopped is None
    assert len(world.asked) == len(set(world.asked)) == 300
    assert (labels.spending.asked, labels.spending.reused, labels.spending.cost) == (300, 0, 150)
    capped = tracer_for(world, Doubting(world), abstain_unsure=0.6)
    for cap, n in (({"max_rows": 5}, 5), ({"max_rows": 50}, 50), ({"max_cost": 20}, 40)):
        assert len(capped.label(world.texts, sample=300, **cap).rows) <= n
        assert capped.report.spending.asked == n
        capped = tracer_for(world, Doubting(world), abstain_unsure=0.6)


def test_a_server_that_leaves_log_probabilities_out_is_found_out_too(tmp_path):
    table = load("support").head(400)
    labels = sorted(set(table["label"]))
    options = {"price": "1,2", "logprobs": True, "abstain_unsure": 0.6, "target": 0.6}
    with serve(table, faults=Faults(no_logprobs=1.0)) as server:
        tracer = Tracer(
            "openai:stand-in",
            labels,
            "Choose.",
            base_url=server.base_url,
            store=tmp_path / "s.sqlite",
            **options,
            labelling="random",
        )
        with pytest.raises(InvalidInput, match="gave none with 20 answers; use votes=3"):
            tracer.label(table["text"], sample=300)
        assert tracer.report.spending.asked == FIRST_ANSWERS


@pytest.mark.parametrize(
    ("teacher", "options", "says"),
    [
        (None, {"abstain_unsure": 0.6}, "whether it gives probabilities shows with the first"),
        ("openai:m", {"abstain_unsure": 0.6, "votes": 3}, "probability is the share of votes."),
        ("openai:m", {"abstain_unsure": 0.6, "logprobs": True}, "if the server gives none."),
        (None, {"abstain_unlike": True, "guard": 0.01}, "about 1 % of rows like the labelled"),
    ],
)
def test_the_plan_says_what_will_come_out_abstained(world, teacher, options, says):
    if teacher:
        options = {"cost": None, "base_url": "http://localhost:1/v1", **options}
        options.pop("cost")
        tracer = Tracer(
            teacher, LABELS, features=world.X, store=":memory:", **options, labelling="random"
        )
    else:
        tracer = tracer_for(world, **options)
    assert any(says in line for line in plan_lines(tracer.plan(world.texts, sample=200)))
    assert "abstained" not in " ".join(plan_lines(tracer_for(world).plan(world.texts)))


# --- a teacher that is unsure ---------------------------------------------------------


def test_rows_of_which_the_teacher_is_unsure_come_out_abstained_and_count_as_they_are(hard_world):
    """Also those of the sample; and fit, certificate and handled rows stay what they were."""
    unsure = hard_world.texts[::7]
    teacher = Doubting(hard_world, unsure)
    plain = tracer_for(hard_world, teacher, target=0.9)
    picky = tracer_for(hard_world, teacher, target=0.9, abstain_unsure=0.6)
    before, after = (t.run(hard_world.texts, sample=300) for t in (plain, picky))
    assert repr(picky.router.column_certificates) == repr(plain.router.column_certificates)
    assert repr(picky.router.certificates) == repr(plain.router.certificates)
    assert picky.labels.codes.tolist() == plain.labels.codes.tolist()
    by_teacher = of_source(before, "teacher")
    doubted = by_teacher & before["text"].isin(set(unsure)).to_numpy()
    assert doubted[picky.labels.rows].sum() > 20  # or the sample was left alone
    assert doubted.sum() > doubted[picky.labels.rows].sum()
    assert of_source(after, "abstained").tolist() == doubted.tolist()
    assert of_source(after, "teacher").tolist() == (by_teacher & ~doubted).tolist()
    pd.testing.assert_frame_equal(before[~doubted], after[~doubted])
    rows = after[doubted]
    assert rows["label"].isna().all()
    assert rows["label_score"].tolist() == before[doubted]["label_score"].tolist()
    said = before["label"][doubted]
    reasons = [f"teacher unsure: probability 0.4 of its answer {label!r}" for label in said]
    assert rows["label_reason"].tolist() == reasons
    report, other = picky.report, plain.report
    assert (report.n_unlike, report.n_unsure) == (0, doubted.sum())
    assert report.n_teacher == other.n_teacher - doubted.sum()
    assert (report.n_surrogate, report.saved) == (other.n_surrogate, other.saved)
    assert report.n_routed == report.n_rows == 600
    assert report.n_deferred == other.n_deferred
    assert report.missing_reasons == ()
    # They were paid.
    assert report.spending.cost == other.spending.cost
    assert not report.spared


def test_leaving_unsure_rows_out_of_the_sample_would_flatter_the_surrogate(hard_world):
    """Why their labels count: they are the rows on which it is wrong."""
    guesses = [LABELS[i] for i in hard_world.X.argmax(axis=1)]
    wrong = {t for t, guess in zip(hard_world.texts, guesses, strict=True) if guess not in t}
    teacher = Doubting(hard_world, wrong)
    tracer = tracer_for(hard_world, teacher, target=0.8, abstain_unsure=0.6)
    tracer.run(hard_world.texts, sample=400)
    fit, labels = tracer.router.fit, tracer.labels
    assert fit.calibration_rows.size == tracer.router.certificate.n_calibration
    tested = [hard_world.texts[row] for row in labels.rows[fit.calibration_rows]]
    answers = fit.pipeline.predict([hard_world.X[labels.rows[fit.calibration_rows]]])
    handled = answers.scores >= tracer.router.certificate.threshold
    handled &= ~answers.deferred(new=True)
    guessed = fit.classes[answers.codes]
    agree = np.array([label in text for label, text in zip(guessed, tested, strict=True)])
    kept = np.array([t not in wrong for t in tested])
    c = tracer.router.certificate
    assert (c.n_handled, c.n_agree) == (handled.sum(), (handled & agree).sum())
    assert agree[handled].mean() < agree[handled & kept].mean() - 0.03


def test_the_stand_in_s_log_probabilities_are_heeded(tmp_path):
    table = load("support").head(900)
    tracer = Tracer(
        "standin:support",
        sorted(set(load("support")["label"])),
        "Choose.",
        logprobs=True,
        abstain_unsure=0.6,
        target=0.6,
        store=tmp_path / "s.sqlite",
        labelling="random",
    )
    routed = tracer.run(table["text"], sample=400)
    known = tracer._state.setup.asker.answers
    doubted = {t for t, a in known.items() if a.label and max(a.probabilities.values()) < 0.6}
    assert 0 < len(doubted) < len(known)
    assert set(routed["text"][of_source(routed, "abstained")]) == doubted
    assert tracer.report.n_unsure == routed["text"].isin(doubted).sum()


def test_looking_at_a_job_tells_abstained_rows_from_missing_ones(hard_world):
    tracer = tracer_for(hard_world, Doubting(hard_world, hard_world.texts[::7]), abstain_unsure=0.6)
    column = [*hard_world.texts[:599], None]
    tracer.run(column, sample=300, ask_teacher=False)
    counts = tracer.label_counts()
    assert counts.n_abstained == tracer.report.n_unsure > 20
    assert counts.n_missing == tracer.report.n_missing
    assert counts.n_routed == 600
    by = {row.answered_by for row in tracer.rows(limit=100).rows}
    assert "abstained" in by
