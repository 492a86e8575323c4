"""``%tracer gaps`` as users type it."""

from tracer_nb.magics.gaps import GapTables

JOB = " --teacher teach --labels intents --features X --surrogate logistic --sample 150"


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
