import numpy as np
import pytest

from tracer_nb.records import Answer, RejectOption, Routing
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.steps.route.outcome import Why, combine

COLUMN = read_texts(["easy", "hard", None, "easy", " "])
HANDLED = [True, False]  # of "easy" and "hard"
HIGH = "handled: score at least 0.5"
WHY = Why(HIGH, "deferred: score below 0.5")


def outcome(far=(False, False), reject=None, **answers):
    routing = Routing(
        handled=np.array(HANDLED),
        labels=np.array(["x", "y"]),
        scores=np.array([0.9, 0.2]),
        far=np.array(far),
    )
    return combine(COLUMN, routing, answers, WHY, reject)


def test_the_surrogate_answers_what_is_handled_and_nobody_what_was_not_asked():
    o = outcome()
    assert o.label == ("x", None, None, "x", None)
    assert o.source == ("surrogate", None, None, "surrogate", None)
    assert o.score == (0.9, 0.2, None, 0.9, None)
    low = "deferred: score below 0.5; teacher not asked"
    assert o.reason == (HIGH, low, "missing text", HIGH, "empty text")
    assert type(o.label[0]) is str  # not numpy's own, which polars and JSON do not take


def test_the_teacher_goes_before_the_surrogate():
    o = outcome(easy=Answer("z"), hard=Answer("w"))
    assert o.label == ("z", "w", None, "z", None)
    assert o.source == ("teacher", "teacher", None, "teacher", None)
    assert o.reason[:2] == ("answered before", "deferred: score below 0.5")


@pytest.mark.parametrize("reason", ["refused", None])
def test_a_paid_answer_without_a_label_is_missing_and_never_some_label(reason):
    none = Answer(None, reason=reason)
    o = outcome(easy=none, hard=none)
    assert o.label == (None,) * 5
    assert o.source == (None,) * 5
    assert o.reason[:2] == (reason or "no answer",) * 2


def test_a_text_whose_request_failed_stays_without_a_label():
    """The certificate counts it as a disagreement, so the surrogate may not answer it."""
    failed = Answer(None, reason="no reply", keep=False)
    o = outcome(easy=failed, hard=failed)
    assert o.label == (None,) * 5
    assert o.source[:2] == (None, None)
    assert o.reason[:2] == ("no reply", "no reply")


def test_counts_and_reasons_most_frequent_first():
    o = outcome(easy=Answer(None, reason="refused"), hard=Answer("w"))
    assert (o.count("surrogate"), o.count("teacher"), o.count(None)) == (0, 1, 4)
    assert o.missing_reasons() == (("refused", 2), ("missing text", 1), ("empty text", 1))


# --- the reject option ----------------------------------------------------------------

REJECT = RejectOption(unlike=True, unsure=0.6)
DOUBTED = Answer("z", probabilities={"z": 0.5, "x": 0.5}, cost=1.0)


def test_a_deferred_text_unlike_the_others_is_abstained_from_and_a_handled_one_never():
    o = outcome(far=[True, True], reject=REJECT)
    assert o.source == ("surrogate", "abstained", None, "surrogate", None)
    assert o.reason == (HIGH, "unlike every labelled row", "missing text", HIGH, "empty text")
    assert (o.n_saved, o.n_unlike, o.n_unsure, o.n_spared) == (1, 1, 0, 1)
    plain = outcome(far=[True, True])
    assert plain.source[1] is None
    assert plain.reason[1] == "deferred: unlike every labelled text; teacher not asked"


def test_a_paid_answer_is_not_rejected_for_being_unlike_the_others():
    o = outcome(far=[False, True], reject=REJECT, hard=Answer("w"))
    assert (o.label[1], o.source[1], o.n_unlike) == ("w", "teacher", 0)
    missing = outcome(far=[False, True], reject=REJECT, hard=Answer(None, reason="refused"))
    assert (missing.source[1], missing.reason[1], missing.n_unlike) == (None, "refused", 0)


def test_an_unsure_answer_is_withheld_and_its_rows_counted():
    o = outcome(reject=REJECT, easy=DOUBTED)
    assert o.label == (None,) * 5
    assert o.source == ("abstained", None, None, "abstained", None)
    assert o.reason[0] == "teacher unsure: probability 0.5 of its answer 'z'"
    assert (o.n_unlike, o.n_unsure, o.n_spared, o.n_saved) == (0, 2, 0, 0)
    assert outcome(easy=DOUBTED).source[0] == "teacher"


def test_abstained_rows_are_not_among_the_missing_ones():
    o = outcome(far=[False, True], reject=REJECT, easy=DOUBTED)
    assert (o.count("abstained"), o.count(None)) == (3, 2)
    assert o.missing_reasons() == (("missing text", 1), ("empty text", 1))
