"""Asking the teacher a second time, as users type it."""

JOB = "df.text --teacher teach --labelling random --labels intents --features X --surrogate logistic --sample 150"


def test_a_dry_run_asks_nothing_and_the_line_says_how_far_it_agrees(shell, world):
    shell.run(f"%tracer label {JOB}")
    n = len(world.asked)
    out = shell.run("%tracer reask --rows 40 --dry-run")
    assert "a second time about 40 texts of 40 drawn at random" in out
    assert out.endswith("Nothing was asked or paid.\n")
    assert len(world.asked) == n
    out = shell.run("%tracer reask --rows 40")
    assert out.startswith(
        "Asked a second time about 40 texts, the teacher gave the same label to 40: 100 % (95 % "
        "interval 91 to 100 %)."
    )
    assert "A function that computes its labels repeats itself" in out
    assert len(world.asked) == n + 40
    assert shell.run("%tracer reask --rows 40") == out
    assert len(world.asked) == n + 40


def test_its_cap_is_for_that_line_alone(shell, world):
    shell.run(f"%tracer label {JOB}")
    assert "30 drawn texts not asked again yet" in shell.run(
        "%tracer reask --rows 40 --max-rows 10"
    )
    assert len(world.asked) == 160
    assert "not asked again yet" not in shell.run("%tracer reask --rows 40")
    assert len(world.asked) == 190


def test_what_cannot_be_is_one_line(shell, world):
    assert "call label(column) first" in shell.complaint(
        "%tracer reask --teacher teach --labelling random --labels intents"
    )
    shell.run(f"%tracer label {JOB}")
    assert "rows must be at least 1" in shell.complaint("%tracer reask --rows 0")
    shell["recorded"] = world.truth
    shell.run(
        "%tracer label df.text --teacher recorded --labelling random --features X --sample 150"
    )
    assert "nobody can ask again" in shell.complaint("%tracer reask")
