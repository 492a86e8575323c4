"""What people read: numbers that never promise more than is true, words in the right number."""

from dataclasses import replace

import numpy as np
import pytest

from tracer_nb.records import (
    Choice,
    ClassCertificate,
    Comparison,
    Labels,
    Plan,
    Preparing,
    Progress,
    Refused,
    Spending,
    Superseded,
    WayOut,
)
from tracer_nb.words import (
    abstained_sentence,
    certificate_sentence,
    choices_sentence,
    comparison_lines,
    count,
    duration,
    evidence_sentence,
    label_lines,
    level,
    money,
    money_sentence,
    percent,
    plan_lines,
    progress_line,
    report_facts,
    report_lines,
    rows_sentence,
    saved_lines,
    superseded_sentence,
)

PLAN = Plan(
    teacher="gpt-5-mini",
    n_rows=4040,
    n_texts=4030,
    n_unique=4000,
    n_sample=2000,
    n_ask=1500,
    n_stored=490,
    fewest_labels=120,
    target=0.92,
    confidence=0.95,
    prompt_tokens=620_050,
    completion_tokens=30_000,
    cost=1.42,
    cost_low=1.13,
    cost_high=1.89,
    cost_all=2.86,
    max_cost=4.0,
    token_source="estimated at 4 characters a token",
    price_source="a list",
    time_source="unknown until the first answers",
)


# --- numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (0.885, "88.5 %"),
        (0.9, "90 %"),
        (0.99949, "99.9 %"),
        (0.9996, "99.9 %"),
        (1 - 1e-12, "99.9 %"),
        (1, "100 %"),
        (1.0, "100 %"),
    ],
)
def test_percent_never_shows_all_for_less(share, shown):
    assert percent(share) == shown


def test_percent_with_other_digits():
    assert percent(0.99999, digits=2) == "99.99 %"
    assert percent(0.999, digits=0) == "99 %"
    assert percent(0.12345, digits=0) == "12 %"


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.92, "92 %"),
        (0.57, "57 %"),
        (0.9196, "91.96 %"),
        (0.9999, "99.99 %"),
        (0.999999, "99.9999 %"),
    ],
)
def test_a_promised_level_is_never_rounded(share, shown):
    assert level(share) == shown


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (None, "unknown cost"),
        (0, "$0.00"),
        (0.00001, "less than $0.0001"),
        (0.0001, "$0.0001"),
        (0.0264, "$0.0264"),
        (0.1, "$0.10"),
        (7.314, "$7.31"),
        (12345.6, "$12,345.60"),
    ],
)
def test_money(dollars, shown):
    assert money(dollars) == shown


@pytest.mark.parametrize(
    ("n", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1234567, "1,234,567 rows")]
)
def test_count(n, shown):
    assert count(n, "row") == shown


def test_count_alone_and_with_its_own_plural():
    assert count(1000) == "1,000"
    assert (count(1, "reply", "replies"), count(2, "reply", "replies")) == ("1 reply", "2 replies")


# --- plan -----------------------------------------------------------------------------


def test_a_plan_in_words():
    assert plan_lines(PLAN) == [
        "4,040 rows, 4,000 distinct texts, 10 rows without text.",
        "Ask gpt-5-mini about 1,500 texts for a random sample of 2,000 rows; 490 answers stored already.",
        "About 620,050 prompt tokens and 30,000 answer tokens (estimated at 4 characters a token).",
        "Sample: about $1.42 ($1.13 to $1.89); asking about every text: about $2.86. Price: a list.",
        "Time unknown until the first answers.",
        "Hard cap: $4.00, deferred rows included.",
        "At least 120 labelled rows are needed to certify 92 % at 95 % confidence.",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "1 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (170, "3 min"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
        (40_000, "11 h"),
        (1e7, "2,778 h"),
    ],
)
def test_a_duration_as_one_says_it(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (136.0, "Time: about 2 min at 11 answers a second, as in the last run."),
        (600.0, "Time: about 10 min at 2.5 answers a second, as in the last run."),
        (9000.0, "Time: about 2 h 30 min at 10 answers a minute, as in the last run."),
    ],
)
def test_a_plan_says_how_long_it_takes(seconds, says):
    plan = replace(PLAN, seconds=seconds, time_source="as in the last run")
    assert says in plan_lines(plan)


def test_a_plan_without_questions_or_anything_to_wait_for_has_no_time():
    for plan in (replace(PLAN, n_ask=0), replace(PLAN, time_source="")):
        assert not any(line.startswith("Time") for line in plan_lines(plan))
    for cost in (None, 0.0):
        assert "Time unknown until the first answers." in plan_lines(replace(PLAN, cost=cost))


def test_a_cost_that_is_known_has_no_spread():
    plan = replace(PLAN, cost=1.5, cost_low=1.5, cost_high=1.5)
    assert any(line.startswith("Sample: about $1.50; asking") for line in plan_lines(plan))


@pytest.mark.parametrize(
    ("superseded", "says"),
    [
        (
            Superseded(412, ("prompt", "label set", "model")),
            (
                "412 stored answers to these texts belong to another prompt, label set or model "
                "and do not apply (%tracer store list shows them)."
            ),
        ),
        (
            Superseded(1, ("prompt",)),
            (
                "1 stored answer to these texts belongs to another prompt and does not apply "
                "(%tracer store list shows them)."
            ),
        ),
    ],
)
def test_answers_that_do_not_apply(superseded, says, make_report):
    assert superseded_sentence(superseded) == says
    assert says in plan_lines(replace(PLAN, superseded=superseded))
    assert says in report_lines(make_report(superseded=superseded))
    assert says in label_lines(labels([0, 1], superseded=superseded))
    assert not any("do not apply" in line for line in plan_lines(PLAN))


def test_answers_of_several_models_are_told_of_in_one_line(make_report):
    models = (("m-0901", 80), ("m-1105", 1))
    says = (
        "These answers came from 2 models, as the server names them: m-0901 (80 answers), "
        "m-1105 (1 answer)."
    )
    assert says in plan_lines(replace(PLAN, models=models))
    assert says in label_lines(labels([0, 1], models=models))
    report = make_report(models=models)
    assert "\n".join(report_lines(report)).count(says) == 1
    assert certificate_sentence(report).endswith(says)
    open_report = replace(report, certificate=None)
    assert "\n".join(report_lines(open_report)).count(says) == 1
    many = tuple((f"m-{i}", 1) for i in range(9))
    assert any(
        line.endswith("m-3 (1 answer) and 5 more.")
        for line in plan_lines(replace(PLAN, models=many))
    )
    for one in ((), models[:1]):
        assert not any("models" in line for line in report_lines(make_report(models=one)))


def test_what_is_odd_about_a_server_is_told(make_report):
    odd = ("The server counted 5.",)
    assert odd[0] in label_lines(labels([0], warnings=odd))
    assert odd[0] in report_lines(make_report(warnings=odd))


def test_a_plan_for_one_row():
    one = replace(PLAN, n_rows=1, n_texts=1, n_unique=1, n_sample=1, n_ask=1, n_stored=1)
    assert plan_lines(one)[:2] == [
        "1 row, 1 distinct text.",
        "Ask gpt-5-mini about 1 text for a random sample of 1 row; 1 answer stored already.",
    ]
    assert plan_lines(one)[-1].endswith("; this sample has 1, so nothing can be certified.")


def test_a_plan_without_a_price_says_how_to_give_one():
    unknown = replace(PLAN, cost=None, cost_low=None, cost_high=None, cost_all=None, max_cost=None)
    assert plan_lines(unknown)[3] == (
        "Cost unknown: no price for gpt-5-mini. Nothing will be asked without a bound: give price "
        "as IN,OUT in dollars per million tokens (0,0 for a server of your own), max_tokens or "
        "max_rows."
    )
    assert not any("cap" in line for line in plan_lines(unknown))


def test_a_plan_without_a_price_and_with_another_cap():
    lines = plan_lines(replace(PLAN, cost=None, max_cost=None, max_rows=500))
    assert lines[3:6] == [
        "Cost unknown: no price for gpt-5-mini; give price as IN,OUT in dollars per million tokens.",
        "Time unknown until the first answers.",
        "Hard cap: 500 texts asked, deferred rows included.",
    ]


def test_a_plan_with_every_cap():
    assert "Hard cap: $4.00, 50,000 tokens, 1 text asked, deferred rows included." in plan_lines(
        replace(PLAN, max_tokens=50_000, max_rows=1)
    )


def test_a_function_has_no_tokens_and_no_price_for_them():
    lines = plan_lines(replace(PLAN, prompt_tokens=0, completion_tokens=0, cost=None))
    assert not any("token" in line for line in lines)
    assert "Cost unknown: no price for gpt-5-mini." in lines


# --- label ----------------------------------------------------------------------------


def labels(codes, **changes):
    n = len(codes)
    values = {
        "rows": np.arange(n),
        "codes": np.array(codes, dtype=int),
        "classes": ("a", "b"),
        "reasons": (None,) * n,
        "n_failed": 0,
        "spending": Spending(asked=n, cost=0.0),
    }
    return Labels(**{**values, **changes})


def test_labelling_in_words():
    assert label_lines(labels([0])) == ["1 row labelled. Paid $0.00 for 1 text."]
    why = (None, "no reply within 60 s", None, "no reply within 60 s")
    failing = labels([0, -1, 1, -1], n_failed=3, stopped="interrupted", reasons=why)
    assert label_lines(failing) == [
        (
            "2 rows labelled, 2 without a label, 3 failed (run again to ask them "
            "again). Paid $0.00 for 4 texts."
        ),
        "Without a label: 2 × no reply within 60 s.",
        "Stopped: interrupted. Every stored answer is kept; run again to go on.",
    ]


def test_an_unknown_cost_is_not_called_paid():
    line = label_lines(labels([0, 1], spending=Spending(asked=2, reused=1, cost=None)))[0]
    assert line.endswith("Asked about 2 texts at unknown cost; 1 answer reused from the store.")


# --- progress -------------------------------------------------------------------------


def test_progress_in_words():
    spending = Spending(asked=100, reused=20, missing=3, cost=0.5)
    assert progress_line(Progress(120, 2000, spending, 10.0)) == (
        "Labelling: 120 of 2,000 · 10 a second · $0.50 · 20 from the store · "
        "3 without a label · about $9.90 in all · 3 min left"
    )
    quick = progress_line(Progress(1000, 2000, replace(spending, asked=1923), 1.0))
    assert "· 1,923 a second ·" in quick
    done = Progress(2000, 2000, replace(spending, asked=1980), 200.0)
    assert progress_line(done).endswith("20 from the store · 3 without a label")
    begun = Progress(0, 2000, Spending(), 0.0, "deferred")
    assert progress_line(begun) == "Asking about deferred rows: 0 of 2,000"
    tested = Progress(40, 400, Spending(asked=40), 10.0, "calibrate")
    assert progress_line(tested).startswith("Labelling, with rows to test on: 40 of 400")
    assert progress_line(Progress(0, 1, spending, 0.0, "Fitting")) == "Fitting"
    part = Progress(2, 6, Spending(), 0.0, "Fitting", parts=True)
    assert progress_line(part) == "Fitting: 2 of 6 parts"
    chosen = replace(tested, preparing=Preparing("batch", 7))
    assert " a second · $0.00 · choosing batch 7 · 2 min left" in progress_line(chosen)
    fitted = Progress(640, 640, Spending(), 9.0, preparing=Preparing("test", 2, 3, 6))
    assert progress_line(fitted) == "Labelling: 640 of 640 · fitting for test 2: 3 of 6 parts"


# --- comparison -----------------------------------------------------------------------


def test_a_comparison_in_words():
    found = Comparison(
        teachers=("gpt-5", "rule"),
        n_shared=1000,
        n_agree=900,
        agreement_low=0.8797,
        agreement_high=0.9179,
        confidence=0.95,
        costs=(2.0, None),
        pairs=(("a", "b", 80), ("b", "a", 20)),
        disagreements=(("one\ntext", "a", "b"),),
    )
    assert comparison_lines(found) == [
        (
            "gpt-5 and rule agree on 900 of 1,000 texts that both labelled (90 %; 95 % interval 88 % "
            "to 91.8 %, if these are a random sample)."
        ),
        "Cost of these texts: gpt-5 $2.00, rule unknown.",
        "Most frequent differences: 80 × a | b; 20 × b | a.",
        "one text: a | b",
    ]
    unpriced = replace(found, costs=(None, None), pairs=(), disagreements=())
    assert len(comparison_lines(unpriced)) == 1


# --- certificate ----------------------------------------------------------------------


def test_the_promise_for_a_column(make_report):
    assert certificate_sentence(make_report()) == (
        "The surrogate can answer 1,748 of the 2,300 rows that it was not fitted on (76 %). With "
        "95 % confidence, on at least 92 % of these 1,748 rows, the 240 labelled ones among them "
        "included, its label is the one that gpt-5-mini gives."
    )


def test_recorded_labels_are_many(make_report):
    sentence = certificate_sentence(make_report(teacher="recorded labels"))
    assert sentence.endswith("its label is the one that the recorded labels give.")


def test_the_promise_for_new_rows(make_report, make_certificate):
    held_out = make_certificate(
        method="held-out",
        n_population=None,
        n_population_handled=None,
        coverage=0.8,
        target=0.9196,
        confidence=0.999,
    )
    ours = make_report(certificate=held_out, features="matrix")
    assert certificate_sentence(ours) == (
        "The surrogate answers 80 % of rows like the labelled ones. With 99.9 % confidence, on at "
        "least 91.96 % of the rows that it answers, its label is the one that gpt-5-mini would give."
    )
    lsa = certificate_sentence(make_report(certificate=held_out, exact=False))
    assert lsa.endswith("so for new rows this is close, not exact.")
    assumed = certificate_sentence(make_report(certificate=held_out, assumption="If so, "))
    assert assumed.startswith("If so, the surrogate answers 80 %")


def test_what_a_certificate_is_not_is_said(make_report, make_certificate):
    cross = make_certificate(by_simulation=True, method="column, cross-fit", n_set_aside=3)
    sentence = certificate_sentence(make_report(certificate=cross))
    assert "of the 2,300 rows whose text did not order its tests" in sentence
    assert sentence.endswith("This certificate is cross-fit: verified by simulation, not proved.")
    evidence = evidence_sentence(make_report(certificate=cross))
    assert "tested on 300 rows of them, each left out of a fit (column, cross-fit" in evidence
    assert "3 set aside because their text is among the fitting rows" in evidence


def test_a_further_certificate_says_what_confidence_is_left(make_report, make_certificate):
    second = certificate_sentence(
        make_report(certificate=make_certificate(n_rounds=2, earlier=0.05))
    )
    assert "With 90 % confidence, on at least 92 % of" in second
    assert second.endswith(
        "In this session 2 certificates were made on rows of this column, each with its own chance "
        "of error: alone this one would hold with 95 %."
    )
    assert make_certificate(n_rounds=30, earlier=1.45).total_confidence == 0.0


def test_a_loaded_router_repeats_what_limits_its_promise(make_certificate):
    about = {"teacher": "m", "labels": ["a", "b"], "saved": "today", "assumption": "If so, "}
    cross = make_certificate(by_simulation=True, n_population=None)
    title, promise = saved_lines(about, cross)
    assert title == "Router for m, 2 labels, saved today."
    assert promise.startswith("If so, the surrogate answers 76 % of rows like the labelled ones.")
    assert "verified by simulation, not proved." in promise
    assert promise.endswith("so for new rows this is close, not exact.")
    assert "exact" not in saved_lines({**about, "exact": True}, make_certificate())[1]


def test_a_promised_share_is_never_rounded_up(make_report, make_certificate):
    certificate = make_certificate(whole_output_lower=0.93899)
    assert "at least 93.8 %" in evidence_sentence(make_report(certificate=certificate))


def test_a_promise_for_each_label(make_report, make_certificate):
    parts = [
        ClassCertificate(
            "a",
            0.7,
            certified=True,
            n_calibration=9,
            n_handled=8,
            n_agree=8,
            agreement_low=0.6,
            agreement_high=1.0,
        ),
        ClassCertificate(
            "b",
            np.inf,
            certified=False,
            n_calibration=4,
            n_handled=4,
            n_agree=2,
            agreement_low=0.1,
            agreement_high=0.9,
            needed_rows=40,
        ),
    ]
    certificate = make_certificate(classes=tuple(parts))
    sentence = certificate_sentence(make_report(certificate=certificate))
    assert sentence.endswith(
        "The same holds for each of the 1 label that it gives there; rows of the other 1 are "
        "deferred."
    )


def test_several_targets(make_report):
    choices = (
        Choice(0.92, certified=True, coverage=0.76, saved=3.5),
        Choice(0.95, certified=True, coverage=0.5, saved=None),
        Choice(0.99, certified=False, coverage=0.0, saved=0.0),
    )
    assert choices_sentence(make_report(choices=choices)) == (
        "All targets hold together: at 92 % the surrogate answers 76 % and saves about $3.50; at "
        "95 % the surrogate answers 50 %; at 99 % nothing is certified."
    )
    assert choices_sentence(make_report(choices=choices[:1])) == ""


def test_one_handled_row_is_one_row(make_report, make_certificate):
    one = make_certificate(n_population=1, n_population_handled=1, coverage=1.0)
    sentence = certificate_sentence(make_report(certificate=one))
    assert "1 of the 1 row that" in sentence
    assert "these 1 row, the" in sentence


@pytest.mark.parametrize(
    ("needed", "ends"),
    [
        (
            504,
            "Each further certificate on this column adds its own chance of error.",
        ),
        (None, "Choose better features or clearer labels."),
    ],
)
def test_a_refusal_says_why_and_what_to_do(make_report, make_certificate, needed, ends):
    refused = make_certificate(
        certified=False, threshold=np.inf, coverage=0.0, note="too few rows", needed_rows=needed
    )
    sentence = certificate_sentence(make_report(certificate=refused))
    assert sentence.startswith(
        "Nothing could be certified: too few rows. The surrogate answers no "
    )
    assert sentence.endswith(ends)
    assert "92 %" not in sentence  # no promise in a refusal
    assert "target" not in sentence  # nothing says that a lower one is likely
    likely = Refused("few", ways=(WayOut("target", chance=0.8, target=0.86),))
    said = certificate_sentence(make_report(certificate=refused, refused=likely))
    assert ", or lower the target to 86 % (about 8 in 10 chances)." in said


def test_a_refusal_without_a_test_gives_no_advice(make_report, make_certificate):
    """Better features do not help where no rows were set aside."""
    refused = make_certificate(
        certified=False, threshold=np.inf, coverage=0.0, n_calibration=0, note="none set aside"
    )
    sentence = certificate_sentence(make_report(certificate=refused))
    assert sentence == "Nothing could be certified: none set aside. The surrogate answers no row."


def test_before_the_certificate(make_report):
    assert certificate_sentence(make_report(certificate=None)) == "Nothing is certified yet."
    assert evidence_sentence(make_report(certificate=None)) == ""


def test_the_evidence(make_report, make_certificate):
    assert evidence_sentence(make_report()) == (
        "kernel-ridge on lsa features, fitted on 700 labelled rows, tested on 300 rows that it had "
        "not seen (column certificate): 228 of 240 handled ones agree (95 %); deferred rows counted "
        "as agreeing, 96 % of all. For the whole output the promise is at least 93.8 %. Agreement is with the teacher, not with the truth."
    )
    nothing = make_certificate(n_handled=0, n_agree=0, agreement=float("nan"), certified=False)
    sentence = evidence_sentence(make_report(certificate=nothing))
    assert "nan" not in sentence
    assert sentence.endswith(
        "(column certificate). Agreement is with the teacher, not with the truth."
    )


# --- report ---------------------------------------------------------------------------


def test_rows_and_money(make_report):
    report = make_report()
    assert rows_sentence(report) == (
        "Of 3,000 rows: 1,500 answered by the surrogate, 1,490 by gpt-5-mini, 10 without a label."
    )
    assert money_sentence(report) == (
        "Paid $1.84 for 1,500 texts. Asking gpt-5-mini about every text: about $7.31."
    )
    one = make_report(n_rows=1, n_surrogate=0, n_teacher=1, n_missing=0, note="A stand-in.")
    assert rows_sentence(one) == "Of 1 row: 0 answered by the surrogate, 1 by gpt-5-mini."
    assert money_sentence(one).endswith(" A stand-in.")


def test_abstained_rows_have_a_sentence_of_their_own(make_report):
    """What they spared is a part of what is saved, and what they cost is said."""
    report = make_report(n_teacher=1470, n_unlike=15, n_unsure=5, spared=0.03, saved=2.5)
    assert rows_sentence(report) == (
        "Of 3,000 rows: 1,500 answered by the surrogate, 1,470 by gpt-5-mini, 20 abstained, "
        "10 without a label."
    )
    assert abstained_sentence(report) == (
        "Abstained from 20 rows: 15 unlike every labelled row, about which gpt-5-mini was not "
        "asked, about $0.0300 of what is saved; 5 of whose label gpt-5-mini itself was unsure, asked "
        "about all the same."
    )
    assert report_lines(report)[2] == abstained_sentence(report)
    assert money_sentence(report).endswith("Not asking about the other texts saved about $2.53.")
    assert ("20", "of 3,000 rows abstained") in report_facts(report)
    assert report_facts(report)[0] == ("1,500", "of 3,000 rows answered by the surrogate")
    assert "abstained rows counted as agreeing, too" in evidence_sentence(report)
    one = make_report(n_teacher=1489, n_unlike=1)
    assert abstained_sentence(one) == (
        "Abstained from 1 row: 1 unlike every labelled row, about which gpt-5-mini was not asked."
    )
    plain = make_report()
    assert abstained_sentence(plain) == ""
    assert "bstain" not in " ".join([*report_lines(plain), *map(str, report_facts(plain))])


def test_a_loaded_router_says_what_it_abstains_from(make_certificate):
    about = {"teacher": "m", "labels": ["a", "b"], "saved": "today"}

    def last(**abstain):
        return saved_lines({**about, "abstain": abstain}, make_certificate())[-1]

    assert last(unlike=True, unsure=0.6) == (
        "It abstains from rows unlike every labelled one and from answers to which the teacher "
        "gives less than 0.6."
    )
    assert last(unlike=True, unsure=None) == "It abstains from rows unlike every labelled one."
    assert (
        len(
            saved_lines({**about, "abstain": {"unlike": False, "unsure": None}}, make_certificate())
        )
        == 2
    )


def test_a_teacher_without_cost_is_not_compared_with_itself(make_report):
    free = make_report(spending=Spending(asked=1500, reused=0, missing=0, cost=0.0), cost_all=0.0)
    assert money_sentence(free) == "Paid $0.00 for 1,500 texts."
    assert report_facts(free)[-1] == ("$0.00", "paid")
    assert report_facts(make_report())[-1] == ("$1.84", "paid, instead of about $7.31")


def test_a_report_has_every_sentence_once(make_report):
    report = make_report(stopped="cost cap of $4.00 reached")
    assert report_lines(report) == [
        certificate_sentence(report),
        rows_sentence(report),
        "Without a label: 8 × empty text; 2 × refused.",
        money_sentence(report),
        evidence_sentence(report),
        "Stopped: cost cap of $4.00 reached. Every stored answer is kept; raise the cap, or run again: a new run may spend up to it once more.",
    ]


def test_a_report_before_anything_was_done(make_report):
    fresh = make_report(
        surrogate="",
        n_labelled=0,
        n_surrogate=0,
        n_teacher=0,
        n_missing=0,
        certificate=None,
        frontier=None,
        spending=Spending(),
        cost_all=None,
        missing_reasons=(),
    )
    assert report_lines(fresh) == ["Nothing is labelled yet."]


def test_a_report_of_a_labelled_sample(make_report):
    labelled = make_report(
        surrogate="", n_surrogate=0, n_teacher=0, n_missing=0, certificate=None, frontier=None
    )
    assert report_lines(labelled)[0] == "1,000 rows labelled."


@pytest.mark.parametrize(
    ("teacher", "models", "name"),
    [
        ("any", (("qwen3-4b", 3),), "qwen3-4b (any)"),
        ("m", (("m", 3),), "m"),
        ("mistral/small", (("small", 3),), "mistral/small"),
        ("any", (("qwen3-4b", 3), ("qwen3-8b", 1)), "any"),
        ("any", (), "any"),
    ],
)
def test_who_gave_the_labels_is_named_where_the_name_asked_for_is_another(
    make_report, teacher, models, name
):
    report = make_report(teacher=teacher, models=models)
    assert f" that {name} gives" in certificate_sentence(report)
    plan = replace(PLAN, teacher=teacher, models=models)
    assert any(line.startswith(f"Ask {name} about") for line in plan_lines(plan))
