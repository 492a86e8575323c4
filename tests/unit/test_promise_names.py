"""Promises as they are asked for, and their words."""

from __future__ import annotations

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.records import HANDLED, PromiseName, parse_promises

LABELS = ("urgent", "a, b", "x:y", "other")


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("handled", ["handled"]),
        (" output ", ["output"]),
        ("recall: urgent", ["recall:urgent"]),
        ("precision:x:y", ["precision:x:y"]),
        ("recall:a, b", ["recall:a, b"]),
        ("output,recall:urgent,output", ["output", "recall:urgent"]),
        (["handled", PromiseName("recall", "other")], ["handled", "recall:other"]),
        (HANDLED, ["handled"]),
    ],
)
def test_promises_are_read(asked, names):
    assert [str(name) for name in parse_promises(asked, LABELS)] == names


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("recoll:urgent", "no promise 'recoll'; did you mean 'recall'? There are: handled, output"),
        ("recall:urgnt", "no label to promise recall of, 'urgnt'; did you mean 'urgent'"),
        ("recall", "promise 'recall' needs a label; write recall:LABEL"),
        ("precision:", "promise 'precision' needs a label"),
        ("output:urgent", "promise 'output' is of no label, got 'urgent'"),
        ([], "promise is empty"),
        ("", "no promise ''"),
        (0.9, "promise must be a text such as 'recall:LABEL', got 0.9"),
        ([0.9], "promise must be a text such as 'recall:LABEL', got 0.9"),
        (PromiseName("recall"), "needs a label"),
    ],
)
def test_what_is_no_promise_is_one_line(asked, said):
    with pytest.raises(InvalidInput) as caught:
        parse_promises(asked, LABELS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_that_are_not_known_yet_are_taken():
    assert str(parse_promises("recall:anything")[0]) == "recall:anything"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (HANDLED, "the rows that the surrogate can answer carry the label that gpt gives."),
        (PromiseName("output"), "all rows that come out carry the label that gpt gives."),
        (
            PromiseName("recall", "urgent"),
            "the rows to which gpt gives urgent come out as urgent.",
        ),
        (
            PromiseName("precision", "urgent"),
            "the rows that the surrogate answers with urgent are rows to which gpt gives urgent.",
        ),
    ],
)
def test_each_has_a_sentence_of_its_own(name, sentence):
    said = name.sentence("92 %", "95 %", "gpt gives")
    assert said == f"With 95 % confidence, at least 92 % of {sentence}"
    assert len(said.split()) <= 25
    would = name.sentence("92 %", "95 %", "gpt gives", would=True)
    assert "gpt would give" in would
    assert len({HANDLED.axis, name.axis, PromiseName("output").axis}) >= 2
