"""A panel of teachers on a line of the magic."""

from types import SimpleNamespace

import pytest

from tracer_nb.standin import BatchRules, serve
from tracer_nb.teachers import FunctionTeacher

JOB = "--labelling random --labels intents --features X --surrogate logistic --sample 150"


def tracer_of(shell):
    return shell.ip.find_line_magic("tracer").__self__.jobs["main"].tracer


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


def test_an_arbiter_decides_and_a_plan_counts_calls(two, world):
    def judge(text, _):
        return world.truth[text]

    two["judge"] = judge
    line = f"df.text --teacher careless,teach --arbiter judge {JOB}"
    plan = two.run(f"%tracer plan {line}")
    assert "careless and teach are asked about every text, judge where these differ" in plan
    assert "(25 % of them, a guess): about 338 calls, 450 at the most." in plan
    two.run(f"%tracer run {line} --output routed")
    assert two["routed"]["label"].tolist() == list(world.truth.values())
    report = tracer_of(two).panel
    assert report.n_decided == report.n_disputed > 0


def test_votes_that_weigh_and_what_the_card_shows(two, world, tmp_path):
    def third(text):
        return "refund" if text.endswith("1") else world.truth[text]

    two["third"] = third
    line = f"df.text --teacher careless,third,teach --combine dawid-skene {JOB}"
    assert "All members are asked about 150" in two.run(f"%tracer plan {line}")
    two.run(f"%tracer run {line} --output routed")
    assert len(tracer_of(two).teacher.accuracies) == 3
    tracer_of(two).save_report(tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    still, values = html.split("<noscript>")[1].split("</noscript>")
    for words in ("accuracy, about", "What careless confuses, as estimated", "points"):
        assert words in still
        assert words in values


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--teacher teach,careless --combine dawid-skene", "takes 3 or more, got 2"),
        ("--teacher teach,careless --combine mean", "majority"),
        ("--teacher teach,careless --arbiter nobody", "--arbiter 'nobody' is no variable"),
        ("--teacher teach,careless --arbiter intents", "arbiter must be a name"),
        ("--teacher teach --arbiter careless", "'arbiter' is of a panel"),
    ],
)
def test_what_no_panel_can_do_is_one_line(two, world, line, said):
    assert said in two.complaint(f"%tracer plan df.text {line} {JOB}")
    assert world.asked == []


def test_a_batch_of_a_panel_is_refused_in_one_line(two):
    two.run(f"%tracer plan df.text --teacher teach,careless {JOB}")
    said = two.complaint("%tracer batch submit df.text")
    assert "teach + careless" in said
    assert "panel" in said


def test_what_a_batch_asks_of_a_member_the_panel_finds_and_asks_nobody_else(two, world):
    job = f"df.text {JOB} --price 1,2"
    with serve(world.truth, batches=BatchRules(polls=2)) as standin:
        job += f" --base-url {standin.base_url} --teacher"
        two.run(f"%%tracer batch submit {job} openai:m --max-cost 1 --name alone\nWhich?")
        said = two.run(f"%%tracer plan {job} teach,openai:m\nWhich?")
        assert "150 texts in a batch already" in said
        before = standin.requests
        two.try_run(f"%%tracer label {job} teach,openai:m\nWhich?")
        assert standin.requests == before
        assert world.asked == []
        for _ in range(3):
            two.run("%tracer batch collect --name alone")
        two.run(f"%%tracer label {job} teach,openai:m\nWhich?")
        assert len(world.asked) == 150
        assert tracer_of(two).panel.answered.tolist() == [150, 150]


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
