"""Lines that set something, and lines that must not: no option is dead, no mistake costs work."""

from pathlib import Path

import pytest

from tracer_nb.standin import serve

JOB = "df.text --labels intents --features X --surrogate logistic --sample 150"


@pytest.fixture
def line(world):
    with serve(world.truth) as standin:
        yield f"{JOB} --teacher openai:m --labelling random --base-url {standin.base_url} --price 1,2"


def test_votes_on_a_line_are_asked_for(shell, world):
    with serve(world.truth) as standin:
        server = f"--teacher openai:m --labelling random --base-url {standin.base_url} --price 1,2"
        shell.run(f"%tracer label {JOB} {server} --votes 3")
        assert standin.requests == 3 * 150
        assert "votes must be at least 1" in shell.complaint(
            f"%tracer label {JOB} {server} --votes 0"
        )


def test_a_line_that_could_not_be_done_loses_no_work(shell, line):
    shell.run(f"%tracer run {line} --no-ask")
    before = shell.run("%tracer panel")
    assert "whole number" in shell.complaint("%tracer label --seed 4 --max-tokens 1.5")
    assert "price" in shell.complaint("%tracer label --seed 4 --price x")
    assert shell.run("%tracer panel") == before


def test_a_line_that_names_a_teacher_and_could_not_be_done_keeps_that_teacher(shell, line):
    """What comes next must not ask the teacher of the job before."""
    shell.run(f"%tracer label {line}")
    named = line.replace("openai:m", "openai:other").replace("--price 1,2", "")
    assert "the price of other is unknown" in shell.complaint(f"%tracer label {named}")
    assert "Ask other about 150 texts" in shell.run("%tracer plan --max-rows 200")


@pytest.mark.parametrize("step", ["fit", "calibrate", "route", "save r.tracer", "batch collect"])
def test_a_dry_run_of_a_step_that_no_plan_tells_of_is_refused(shell, line, step):
    shell.run(f"%tracer label {line}")
    assert "--dry-run goes with run, plan, label, batch submit" in shell.complaint(
        f"%tracer {step} --dry-run"
    )


def test_words_behind_an_option_are_named(shell, line):
    assert "'df.text' stands behind an option" in shell.complaint(
        "%tracer plan --labels intents df.text"
    )
    shell.run(f"%tracer plan {line}")
    assert "name a batch: %tracer batch cancel BATCH" in shell.complaint("%tracer batch cancel")


def test_a_misspelt_key_of_a_set_is_no_file(shell):
    assert "'zzz' is no key of a set of answers; %tracer store list shows" in shell.complaint(
        "%tracer store list zzz"
    )


def test_a_loaded_router_refuses_settings_that_it_would_not_heed(shell, line):
    shell.run(f"%tracer run {line} --no-ask")
    shell.run("%tracer save r.tracer")
    said = shell.complaint("%tracer load r.tracer --target 0.5")
    assert said.startswith("--target goes with run, plan, ")
    assert said.endswith("not with load: a saved router keeps its own settings")
    shell.run("%tracer load r.tracer --name kept")
    said = shell.complaint("%tracer route df.text --name kept --target 0.5 --seed 3")
    assert said.startswith("--seed, --target: a loaded router was made with its own settings")


def test_a_loaded_router_says_what_it_paid_and_why_it_stopped(shell, world):
    strange = [f"qqq {i} zzz" for i in range(9)]
    shell["strange"] = strange
    with serve({**world.truth, **dict.fromkeys(strange, "refund")}) as standin:
        server = f"--teacher openai:m --base-url {standin.base_url} --price 1,2"
        job = f"df.text --labels intents --surrogate logistic --sample 150 {server}"
        shell.run(f"%tracer run {job} --labelling random --no-ask --target 0.5")
        shell.run(f"%tracer save r.tracer\n%tracer load r.tracer {server} --store other.sqlite")
        before = standin.requests
        lines = shell.run("%tracer route strange --ask --max-rows 3").splitlines()
        assert standin.requests == before + 3
        assert lines[1].startswith("Paid $")
        assert lines[1].endswith(" for 3 texts.")
        assert lines[2].startswith("Stopped: row cap of 3 reached.")
        lines = shell.run("%tracer route strange --ask --max-rows 2").splitlines()
        assert lines[1].endswith(" for 2 texts.")


def test_a_loaded_router_may_show_reviewed_rows(shell, line):
    shell.run(f"%tracer run {line} --features lsa --target 0.3 --no-ask")
    shell.run("%tracer save r.tracer")
    load = f"%tracer load r.tracer {line.partition('150 ')[2].replace('--labelling random ', '')} --examples reviewed"
    assert "none was reviewed with these labels yet" in shell.complaint(load)
    shell.run(
        "review = get_ipython().find_line_magic('tracer').__self__.jobs['main'].tracer.review"
    )
    shell.run("one = review(rows=1); one.answer(one.current.teacher_label)")
    assert shell.run(load).startswith("Router for m, 3 labels")


@pytest.mark.parametrize(
    "option", ["--rows 5", "--of random", "--no-blind", "--target 0.9", "--max-cost 1"]
)
def test_a_review_that_is_written_refuses_what_it_would_pass_over(shell, option):
    shell.run(
        "%tracer label df.text --teacher teach --labelling random --labels intents --features X --sample 60"
    )
    said = shell.complaint(f"%tracer review said.csv {option}")
    assert said.startswith("review said.csv writes what was said, and heeds --escape and --name")
    assert said.endswith(f"; leave {option.split()[0]} out")
    assert not Path("said.csv").exists()
    assert "written to said.csv" in shell.run("%tracer review said.csv --escape --name main")


@pytest.mark.parametrize("given", ["--sample 20", "df.text", "df.text --dry-run"])
def test_a_submission_of_deferred_rows_refuses_rows_of_the_line(shell, given):
    shell.run(
        "%tracer label df.text --teacher teach --labelling random --labels intents --features X --sample 60"
    )
    said = shell.complaint(f"%tracer batch submit {given} --deferred")
    assert said.startswith("batch submit --deferred sends what the last route left to the teacher")
    assert said.endswith(f"; leave {given.split(' ')[0]} out")


@pytest.mark.parametrize("option", ["--target 0.9", "--max-rows 9", "--sample 20", "--ask-key"])
def test_batches_without_a_job_refuse_settings(shell, option):
    said = shell.complaint(f"%tracer batch list {option}")
    assert said.startswith("without a job batch list lists all of a store, and heeds --store alone")
    assert said.endswith(f"; leave {option.split()[0]} out")
    shell.run("%tracer batch list --store other.sqlite")
