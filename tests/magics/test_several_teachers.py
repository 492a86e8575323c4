"""A panel of teachers on a line of the magic."""

from types import SimpleNamespace

import pytest

from tracer_nb.teachers import FunctionTeacher

JOB = "--labelling random --labels intents --features X --surrogate logistic --sample 150"


@pytest.fixture
def two(shell, world):
    seen = SimpleNamespace(asked=[])  # a list itself would be part of what the function does

    def careless(text):
        seen.asked.append(text)
        return "refund" if text.endswith("0") else world.truth[text]

    shell["careless"], shell["asked"] = careless, seen.asked
    return shell


def test_teachers_with_commas_between_them_are_a_panel(two, world):
    out = two.run(f"%tracer plan df.text --teacher teach,careless {JOB}")
    assert "Ask teach + careless about 150 texts" in out
    two.run(f"%tracer run df.text --teacher teach,careless {JOB} --output routed")
    assert two["asked"] == world.asked
    assert two["routed"]["label"].tolist() == list(world.truth.values())
    # In another order it is another panel, whose members have answered already.
    two.run(f"%tracer label df.text --teacher 'careless, teach' {JOB}")
    assert sorted(two["asked"]) == sorted(world.asked)


def test_a_store_holds_what_was_paid_once(two, world):
    two["first"] = FunctionTeacher(world.teach, world.labels, name="first", cost=0.01)
    two["second"] = FunctionTeacher(world.teach, world.labels, name="second", cost=0.02)
    two.run(f"%tracer label df.text --teacher first,second {JOB}")
    out = two.run("%tracer store list")
    assert "3 sets, 450 answers, $4.50 in all" in out


def test_a_comma_in_brackets_parts_nothing(two):
    two.run("df['a,b'] = [text.split()[0] for text in df.text]")
    out = two.run(f"%tracer plan df.text --teacher df['a,b'] {JOB}")
    assert "Ask recorded labels about 150 texts" in out


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        ("openai:m,n", "--teacher 'n' is no variable and no SCHEME:NAME"),
        ("teach,teach", "'teach' and 'teach' are one and the same teacher"),
        ("openai:m,opnai:n", "opnai"),
        ("teach,", "--teacher '' is no variable"),
    ],
)
def test_a_panel_that_cannot_be_is_one_line(two, world, teacher, said):
    assert said in two.complaint(f"%tracer plan df.text --teacher {teacher} {JOB}")
    assert world.asked == []


def test_a_key_is_not_asked_for_where_there_are_several_servers(two):
    said = two.complaint(f"%tracer plan df.text --teacher teach,careless {JOB} --ask-key")
    assert "--ask-key is for a model behind a server" in said
