"""Rows that came out without a label, asked about again as users type it."""

JOB = "df.text --teacher shy --labelling random --labels intents --features X --surrogate logistic --sample 150"


def test_the_plan_says_what_it_costs_at_most_and_the_line_what_came_of_it(shell, world):
    said = {}

    def shy(text):
        said[text] = said.get(text, 0) + 1
        return "no idea" if text.endswith("7") and said[text] == 1 else world.teach(text)

    shell["shy"] = shy
    out = shell.run(f"%tracer label {JOB}")
    assert "%tracer label --again missing asks again about rows without a label." in out
    n = sum(text.endswith("7") for text in said)
    again = f"{n} texts whose answer held no label, at unknown cost"
    asked = dict(said)
    for line in ("plan --again missing", "label --again missing --dry-run"):
        out = shell.run(f"%tracer {line}")
        assert f"Among them again: {again}." in out
        assert out.endswith("Nothing was asked or paid.\n")
    assert said == asked
    out = shell.run("%tracer label --again missing")
    assert f"Asked again about {again}: {n} got a label." in out
    assert sum(said.values()) == sum(asked.values()) + n
    # It is for that line alone.
    assert "Asked again" not in shell.run("%tracer label")
    assert "No answer lacked a label" in shell.run("%tracer label --again missing")


def test_what_cannot_be_is_one_line(shell):
    shell["shy"] = lambda _: "login"
    assert "again must be 'missing'" in shell.complaint(f"%tracer label {JOB} --again all")
    assert "--again goes with run, plan, label, route, not with audit" in shell.complaint(
        "%tracer audit --again missing"
    )
