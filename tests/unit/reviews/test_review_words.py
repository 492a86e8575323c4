"""A review in words: what counts, what does not, and limits that are never too narrow."""

from dataclasses import replace

import pytest

from tracer_nb.records import Disputes, Review, ReviewItem, ReviewState, TeacherAccuracy
from tracer_nb.words import revealed_sentence, review_line, review_lines

ITEM = ReviewItem("text", 3, "random", "", "parcel", "refund", 0.4)
STATE = ReviewState(
    item=ITEM,
    n_done=12,
    n_skipped=0,
    n_total=50,
    accuracy=TeacherAccuracy(12, 11, 0, 0, 11 / 12, 0.6152, 0.9979, 0.95),
    disputes=Disputes(0, 0, 0),
    last=None,
    taken_back=None,
    teacher="gpt-5-mini",
    other="the surrogate",
    blind=True,
)
NOTHING = TeacherAccuracy(0, 0, 0, 0, float("nan"), 0.0, 1.0, 0.95)


def test_the_line():
    line = "12 of 50 · teacher right 11 of 12 random rows: 92 % (61 to 100 %)"
    assert review_line(STATE) == line
    skipped = replace(STATE, accuracy=replace(STATE.accuracy, n_skipped=2))
    assert review_line(skipped) == line.replace("100 %)", "100 %, 2 skipped)")
    assert review_line(replace(STATE, accuracy=NOTHING)) == "12 of 50 · no random row judged yet"


@pytest.mark.parametrize(
    ("lower", "upper", "shown"),
    [
        (0.6152, 0.9979, "61 to 100 %"),
        (0.29, 0.57, "29 to 57 %"),
        (0.0, 1.0, "0 to 100 %"),
        (0.999, 0.9991, "99 to 100 %"),
    ],
)
def test_limits_are_rounded_outwards(lower, upper, shown):
    accuracy = replace(STATE.accuracy, lower=lower, upper=upper)
    assert f"({shown})" in review_line(replace(STATE, accuracy=accuracy))


def test_the_lines_say_what_counts():
    assert review_lines(STATE) == [
        "12 of 50 rows reviewed.",
        (
            "gpt-5-mini gave your label on 11 of 12 rows drawn at random (91.7 %). With 95 % "
            "confidence it is right on 61 to 100 % of all rows that it labelled."
        ),
        (
            "Rows shown as uncertain or disputed do not count here, because they were chosen for "
            "looking wrong. The limits hold for a number of rows that was fixed beforehand."
        ),
        "Everything is stored; review again to go on.",
    ]


def test_the_lines_say_what_was_skipped_seen_and_disputed():
    lines = review_lines(
        replace(
            STATE,
            item=None,
            n_skipped=4,
            accuracy=replace(STATE.accuracy, n_skipped=1, n_seen=3),
            disputes=Disputes(9, 4, 3),
        )
    )
    assert lines[0] == "12 of 50 rows reviewed, 4 of them skipped."
    assert lines[2] == "1 random row skipped: wrong in the lower limit, right in the upper one."
    assert lines[3] == "On 3 of the 12 rows you had seen its label before."
    assert lines[-1] == (
        "Of 9 reviewed disagreements, gpt-5-mini was right on 4, the surrogate on 3, neither on 2."
    )


def test_with_nothing_judged_nothing_is_claimed():
    lines = review_lines(replace(STATE, accuracy=NOTHING))
    assert lines[1] == "No row drawn at random is judged yet, so nothing is known of the accuracy."
    assert not any("confidence" in line for line in lines)


@pytest.mark.parametrize(
    ("label", "other", "says"),
    [
        ("parcel", None, "You said parcel, and so did gpt-5-mini."),
        ("parcel", "parcel", "You said parcel, and so did gpt-5-mini and the surrogate."),
        ("parcel", "refund", "You said parcel, and so did gpt-5-mini; the surrogate said refund."),
        ("refund", "refund", "You said refund, and so did the surrogate; gpt-5-mini said parcel."),
        ("login", "parcel", "You said login; gpt-5-mini and the surrogate said parcel."),
        ("login", "refund", "You said login; gpt-5-mini said parcel; the surrogate said refund."),
        (None, None, "Skipped; gpt-5-mini said parcel."),
    ],
)
def test_who_said_what(label, other, says):
    last = (replace(ITEM, other_label=other), Review("text", label))
    assert revealed_sentence(replace(STATE, last=last)) == says
    assert revealed_sentence(STATE) == ""


def test_what_was_taken_back():
    back = replace(STATE, taken_back=Review("text", "refund"), last=(ITEM, Review("x", "login")))
    said = "Taken back: you had said refund."
    assert revealed_sentence(back) == (
        f"{said} You have seen the others' labels, so it no longer counts as blind."
    )
    assert revealed_sentence(replace(back, blind=False)) == said
