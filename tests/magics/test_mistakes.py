"""What people write that was not meant: one line says what was wrong and what to write."""

from __future__ import annotations

import enum
import re

import numpy as np
import pandas as pd
import pytest

from tracer_nb.errors import TeacherError
from tracer_nb.labelset import label_text
from tracer_nb.teachers import ReplayTeacher

FAST = "--labels intents --features X --surrogate logistic"
JOB = f"df.text --teacher teach {FAST}"


@pytest.mark.parametrize("body", ["", "\n", "\n\n  "])
def test_a_cell_without_a_task_does_the_job_of_its_line(shell, body):
    """A function reads no task, and IPython itself would refuse the empty cell."""
    assert "Of 600 rows:" in shell.run(f"%%tracer {JOB} --output routed{body}")
    assert len(shell["routed"]) == 600
    shell.run("%reload_ext tracer_nb")  # registers nothing twice
    assert "answers reused" in shell.run(f"%%tracer {JOB}")


@pytest.mark.parametrize(
    "line", ["help", "--help", "help run", "run help", "run --help", "help store", "store help"]
)
def test_help_is_found_wherever_it_is_asked_for(shell, line):
    out = shell.run(f"%tracer {line}")
    assert "what it does" in out
    options = [text for text in out.splitlines() if text.startswith("--")]
    assert len(options) == len(set(options))


def test_a_column_may_be_called_help(shell, world):
    shell["help"] = world.texts
    assert "600 rows" in shell.run(f"%tracer plan help --teacher teach {FAST}")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--labels [a,b]", "--labels '[a,b]' is a list as Python writes it; write first,second,"),
        ("--max-cost free", "--max-cost must be a number of dollars, got 'free'; inf is no cap"),
        ("--max-cost $4", "--max-cost must be a number of dollars, got '$4'; write 4"),
        ("--max-cost", "--max-cost needs a value behind it: --max-cost DOLLARS"),
        ("--max-rows 1,000", "--max-rows must be a number of texts, got '1,000'; write 1000"),
        ("--max-rows 2k", "--max-rows must be a number of texts, got '2k'; write 2000"),
        ("--max-tokens none", "must be a number of tokens, got 'none'; inf is no cap"),
        ("--sample 1e3", "--sample must be a number of rows, got '1e3'; write 1000"),
        ("--sample 10%", "--sample must be a number of rows, got '10%'"),
        ("--confidence 95%", "--confidence must be a number from 0 to 1, got '95%'; write 0.95"),
        ("--confidence 0,95", "got '0,95'; write 0.95"),
        ("--confidence 0", "got 0; that would promise nothing: write a fraction such as 0.95"),
        ("--confidence 1", "no number of rows short of all promises 100 %"),
        ("--confidence high", "--confidence must be a number from 0 to 1, got 'high'"),
        ("--target 90%", "got '90%'; write 0.9"),
        ("--seed 1.5", "--seed must be a whole number, got '1.5'"),
        ("--votes two", "--votes must be a whole number, got 'two'"),
        ("--labels intent", "did you mean the variable intents?"),
        ("--teacher taech", "did you mean the variable teach?"),
        ("--labels truth", "600 of the 600 labels are texts of the column"),
        ("--labels df.text", "A dict from text to label is a teacher (--teacher NAME)"),
    ],
)
def test_one_line_says_what_to_write(shell, world, options, says):
    shell["truth"] = world.truth
    flag = options.split()[0]
    line = f"%tracer run {JOB}".replace(" --labels intents", "", flag == "--labels")
    assert says in shell.complaint(f"{line} {options}")
    assert world.asked == []


def test_numbers_are_labels_as_they_are_written(shell, world):
    names = list(world.labels)
    shell["ints"] = lambda text: np.int64(names.index(world.truth[text]))
    out = shell.run(f"%tracer run {JOB} --teacher ints --labels 0,1,2 --output routed")
    assert "without a label" not in out
    assert set(shell["routed"].label) == {"0", "1", "2"}
    shell["record"] = {text: names.index(label) for text, label in world.truth.items()}
    assert "without a label" not in shell.run(f"%tracer run {JOB} --teacher record --labels 0,1,2")


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[("a", "a"), (2, "2"), (2.0, "2"), (True, "True"), (np.float32(1), "1")],
        *[(np.str_("a"), "a"), (Colour.RED, "red"), (0.5, None), (None, None), (["a"], None)],
        (float("nan"), None),
    ],
)
def test_what_is_read_as_a_label(value, text):
    assert label_text(value) == text


def test_numbers_of_a_record_stay_refused_where_no_labels_say_how_they_are_written():
    with pytest.raises(ValueError, match="recorded labels must be text, got 1"):
        ReplayTeacher({"a": 1, "b": 2})
    assert ReplayTeacher({"a": 1, "b": 2}, labels=["1", "2"]).look_up("a").label == "1"


def test_answers_outside_the_labels_are_named(shell):
    out = shell.run(f"%tracer run {JOB} --labels login,parcel")
    (line,) = [line for line in out.splitlines() if "is not one of the labels" in line]
    assert re.search(r"^Without a label: \d+ × answer is not one of the labels: 'refund'[.;]", line)
    assert line.endswith("What is a label all the same belongs into --labels (labels=…).")
    said = shell.complaint(f"%tracer run {JOB} --labels one,two")
    assert said.endswith("is not one of the labels: 'refund'; these are one, two")


def test_so_few_rows_that_none_could_be_saved(shell, world):
    shell["few"] = world.frame.head(12)
    said = shell.complaint("%tracer run few.text --teacher teach --labels intents")
    assert said.startswith("12 rows are too few to save any: 12 are labelled to begin with")
    assert "ask the teacher about all of them, or lower the target" in said
    assert world.asked == []


def test_a_refused_sample_does_not_stick(shell, world):
    said = shell.complaint(f"%tracer run {JOB} --sample 3")
    assert "nothing can be fitted on so few rows; give at least 10" in said
    assert world.asked == []
    assert "Of 600 rows" in shell.run("%tracer run")
    # A random sample that is too small, and a job that had another one before.
    said = shell.complaint(f"%tracer run {JOB} --labelling random --sample 20")
    assert "cannot certify this target" in said
    shell.run("%tracer run --sample 200")
    shell.complaint("%tracer run --sample 20")
    assert "random start" not in shell.run("%tracer plan")
    assert "a random sample of 200 rows" in shell.run("%tracer plan")


def test_a_plan_says_that_a_start_is_too_small_to_fit_on(shell):
    assert "Nothing can be fitted on 3 rows" in shell.run(f"%tracer plan {JOB} --sample 3")


def test_a_cap_that_is_reached_says_to_raise_it(shell):
    said = shell.complaint(f"%tracer run {JOB} --max-rows 0")
    assert said.endswith("Every stored answer is kept; raise the cap, or run again: a new run may "
                         "spend up to it once more")  # fmt: skip


def test_texts_that_came_from_the_store_are_told_beside_those_asked_now(shell):
    from tracer_nb.words import report_facts

    job = f"{JOB} --labelling random"
    shell.run(f"%tracer label {job} --sample 200")
    shell.run(f"%tracer run {job} --sample 203")
    tracer = shell.ip.magics_manager.registry["TracerMagics"].jobs["main"].tracer
    assert ("3 texts", "asked now, 200 taken from the store, at unknown cost") in report_facts(
        tracer.report
    )


def test_nothing_is_shown_as_paid_before_anything_was_asked(shell):
    shell.run(f"%tracer plan {JOB}")
    assert shell.run("%tracer panel").strip() == "Nothing is labelled yet."


@pytest.mark.parametrize("store", ["", "--store :memory:"])
def test_a_cell_goes_on_with_another_teacher(shell, world, store):
    """What was drawn for the teacher before says nothing of this one's answers."""
    first = shell.run(f"%tracer run {JOB} {store}")
    shell["other"] = lambda text: world.truth[text]
    assert len(set(world.asked)) < 600
    out = shell.run(f"%tracer run {JOB} --teacher other {store}")
    assert out.splitlines()[0] == first.splitlines()[0]
    assert out.splitlines()[1] == first.splitlines()[1].replace("teach", "<lambda>")
    again = shell.run(f"%tracer run {JOB} {store}")
    assert again.splitlines()[:2] == first.splitlines()[:2]


def test_another_surrogate_counts_the_tests_made_though_all_answers_are_gone(shell):
    shell.run(f"%tracer run {JOB} --store :memory:")
    jobs = shell.ip.magics_manager.registry["TracerMagics"].jobs
    shell.run("%tracer run --surrogate kernel-ridge")
    tests = [d for d in jobs["main"].tracer._state.draws if d.purpose == "test"]
    assert [test.round for test in tests] == [1, 2]
    assert tests[1].error < tests[0].error
    assert len(tests[0].rows) == 0


def test_a_confidence_that_was_spent_in_tries_reads_as_a_tenth_of_a_percent(make_certificate):
    from tracer_nb.words import stated

    assert "With 90.2 % confidence" in stated(make_certificate(n_rounds=2, earlier=0.0475234))


def test_a_teacher_error_names_no_labels_where_the_answers_were_none(world):
    from tracer_nb import Tracer

    def down(_):
        raise TeacherError("the service is down")

    tracer = Tracer(down, list(world.labels), features=world.X, store=":memory:")
    with pytest.raises(TeacherError) as error:
        tracer.run(pd.Series(world.texts))
    assert "these are" not in str(error.value)
