import numpy as np
import pytest

from tracer_nb.records import Answer, Routing
from tracer_nb.steps.frames import read_texts
from tracer_nb.steps.outcome import combine

COLUMN = read_texts(["easy", "hard", None, "easy", " "])
HANDLED = [True, False]  # of "easy" and "hard"


def outcome(**answers):
    routing = Routing(
        handled=np.array(HANDLED),
        labels=np.array(["x", "y"]),
        scores=np.array([0.9, 0.2]),
        far=np.array([False, False]),
    )
    return combine(COLUMN, routing, answers, "deferred, teacher not asked")


def test_the_surrogate_answers_what_is_handled_and_nobody_what_was_not_asked():
    o = outcome()
    assert o.label == ("x", None, None, "x", None)
    assert o.source == ("surrogate", None, None, "surrogate", None)
    assert o.score == (0.9, 0.2, None, 0.9, None)
    assert o.reason == (None, "deferred, teacher not asked", "missing text", None, "empty text")
    assert type(o.label[0]) is str  # not numpy's own, which polars and JSON do not take


def test_the_teacher_goes_before_the_surrogate():
    o = outcome(easy=Answer("z"), hard=Answer("w"))
    assert o.label == ("z", "w", None, "z", None)
    assert o.source == ("teacher", "teacher", None, "teacher", None)
    assert o.reason[:2] == (None, None)


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
