"""``%tracer gaps`` as users type it."""

from tracer_nb.magics.show import GapTables

JOB = " --teacher teach --labelling random --labels intents --features X --surrogate logistic --sample 150"


def test_gaps_are_shown_after_the_fit_and_not_before(shell):
    shell.run(f"%tracer label df.text{JOB}")
    assert "nothing is fitted yet" in shell.complaint("%tracer gaps")
    shell.run("%tracer fit")
    shell.run("%tracer calibrate")
    out = shell.run("%tracer gaps")
    assert "Surrogate and teacher agree on" in out
    assert "Agreement by the teacher's label" in out


def test_the_page_holds_pictures_and_tables(shell):
    shell.run(f"%tracer run df.text{JOB}")
    job = shell.ip.find_line_magic("tracer").__self__.jobs["main"]
    page = GapTables(job.tracer.gaps())._repr_mimebundle_()["text/html"]
    assert page.count("<img") == 2
    assert "<table>" in page


def test_two_jobs_of_one_column_are_compared_by_name(shell):
    shell.run(f"%tracer label df.text{JOB}")
    shell.run("%tracer fit")
    assert "this fit is not calibrated" in compared(shell, "first")
    shell.run("%tracer calibrate")
    out = shell.run("%tracer gaps --against first")
    assert "Of 450 rows in neither sample the surrogate answers " in out
    assert "By the teacher's label" in out
    assert "no other job 'other'" in shell.complaint("%tracer gaps --against other")
    assert "no other job 'main'" in shell.complaint("%tracer gaps --against main")
    shell.run(
        "%tracer run df.text --teacher teach --labelling random --labels intents --sample 150 --name other"
    )
    shell["short"] = shell["df"][:400]
    shell.run(
        "%tracer run short.text --teacher teach --labelling random --labels intents --sample 150 --name short"
    )  # fmt: skip
    assert "different columns (400 and 600 rows)" in shell.complaint("%tracer gaps --against short")


def compared(shell, name):
    """What is said when another job is calibrated and this one is not."""
    shell.run(f"%tracer run df.text{JOB} --guard 0.01 --name {name}")
    return shell.complaint(f"%tracer gaps --against {name}")
