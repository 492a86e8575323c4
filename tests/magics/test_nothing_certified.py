"""Nothing certified, in a notebook: why, the ways out, and what a plan says is likely."""

from __future__ import annotations

import re

import pytest

FAST = "--labels intents --features X --surrogate logistic"
JOB = f"df.text --teacher teach {FAST} --labelling random --sample 150"


@pytest.fixture
def hard(shell, hard_world):
    shell["df"], shell["X"], shell["teach"] = hard_world.frame, hard_world.X, hard_world.teach
    return shell


def test_a_random_sample_says_why_and_what_to_do(hard):
    out = hard.run(f"%tracer run {JOB} --target 0.92")
    lines = out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Why: "))
    assert lines[at].startswith("Why: 45 test rows are too few to show it: ")
    assert lines[at + 1].startswith("More labels: ")
    assert "90 % confidence is left for all certificates together" in lines[at + 1]
    assert lines[at + 2].startswith("A lower target: asks nothing; about 8 in 10 chances")
    assert (
        lines[at + 4]
        == "The teacher about every row: 450 more texts, at unknown cost. %tracer route --ask"
    )
    # The way out is one: what was likely is certified, at the confidence that was said.
    way = lines[at + 2].partition("%tracer ")[2]
    said = hard.run(f"%tracer {way}")
    assert "With 90 % confidence, on at least" in said
    assert "Why: " not in said


def test_a_plan_says_what_is_likely_once_something_was_fitted(hard):
    assert "Likely" not in hard.run(f"%tracer plan {JOB}")
    hard.run(f"%tracer label {JOB} --target 0.85\n%tracer fit")
    out = hard.run("%tracer plan")
    (line,) = [line for line in out.splitlines() if line.startswith("Likely: ")]
    assert line.startswith("Likely: with 150 labels ")
    assert ", with 300 labels " in line
    assert line.endswith(
        "to certify 85 %; judged by the 105 rows that were fitted on, and no promise."
    )


def test_hard_rows_first_say_it_too(hard):
    out = hard.run(f"%tracer run df.text --teacher teach {FAST} --target 0.97")
    assert "Why: so many texts are asked about that a test of the others" in out
    # One card gives one advice: where no lower target is likely, none is a way out.
    (said,) = [line for line in out.splitlines() if re.match(r"at .+ %, with \d+ more label", line)]
    assert len(re.findall(r"\d+ %", said)) == 3
    assert said.endswith(": nothing.")
    assert "A lower target: " not in out
    assert "lower the target" not in out
    assert "lower target" not in out.replace("at a lower target, too", "")
    bill = re.search(
        r"(\d+) of 600 texts asked about .*, (\d+) without an answer\. The choice that is left: ask "
        r"about these too \(route --ask\)\.",
        out,
    )
    assert bill is not None
    assert int(bill[1]) + int(bill[2]) == 600
