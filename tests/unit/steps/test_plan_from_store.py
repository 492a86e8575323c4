"""A plan that the store's answers make better: the server's own count, the last run's rate."""

import sqlite3
from contextlib import closing

import pytest

from tracer_nb import Tracer
from tracer_nb.standin import serve
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.words import label_lines, plan_lines, report_lines


@pytest.fixture
def tracer(world, tmp_path):
    """Makes jobs that share one store and one stand-in, and differ in what is given."""
    with serve(world.truth) as standin:

        def make(**changes):
            given = {"prompt": "Choose.", "price": "1,2", "server_name": "s", **changes}
            return Tracer(
                "openai:m",
                world.labels,
                base_url=standin.base_url,
                features=world.X,
                store=tmp_path / "labels.sqlite",
                **given,
                labelling="random",
            )

        yield make


def test_a_plan_learns_from_the_first_answers_what_the_rest_will_take(tracer, world):
    before = tracer().plan(world.texts, sample=400)
    assert before.token_source.startswith("estimated at 4 characters a token")
    assert before.seconds is None

    tracer().label(world.texts, sample=150)
    plan = tracer().plan(world.texts, sample=400)
    assert (plan.n_ask, plan.n_stored) == (250, 150)
    assert plan.token_source == "by the server's own count of 150 stored answers"
    assert plan.seconds > 0
    assert any("as in the last run." in line for line in plan_lines(plan))

    # The stand-in's own count bears the plan out.
    paid = tracer().label(world.texts, sample=400).spending
    assert paid.asked == 250
    assert plan.prompt_tokens == pytest.approx(paid.prompt_tokens, rel=0.005)
    assert plan.completion_tokens == pytest.approx(paid.completion_tokens, rel=0.05)
    assert plan.cost_low <= paid.cost <= plan.cost_high
    assert plan.cost_high < 1.1 * plan.cost_low


def test_another_prompt_starts_anew_and_says_how_many_answers_no_longer_apply(tracer, world):
    first = tracer()
    labels = first.label(world.texts, sample=150)
    assert labels.superseded.n == 0

    other = tracer(prompt="Pick.")
    plan = other.plan(world.texts, sample=200)
    assert (plan.n_ask, plan.n_stored) == (200, 0)
    assert (plan.superseded.n, plan.superseded.differs) == (150, ("prompt",))
    assert "answers by the server's count of 150 stored ones" in plan.token_source

    labels = other.label(world.texts, sample=200)
    says = (
        "150 stored answers to these texts belong to another prompt and do not apply "
        "(%tracer store list shows them)."
    )
    assert says in plan_lines(plan)
    assert says in label_lines(labels)
    assert says in report_lines(other.report)
    # What has been asked again is no longer in question.
    assert other.label(world.texts, sample=200).superseded.n == 0


def test_a_name_that_stands_for_another_model_now_is_told_of(tracer, world, tmp_path, monkeypatch):
    monkeypatch.setattr(ChatTeacher, "warnings", ("The server is odd.",))
    first = tracer()
    assert len(first.label(world.texts, sample=100).models) == 1
    assert not any("models" in line for line in report_lines(first.report))
    with closing(sqlite3.connect(tmp_path / "labels.sqlite", isolation_level=None)) as db:
        db.execute("UPDATE answers SET model = 'm-0901'")

    other = tracer()
    assert other.plan(world.texts, sample=150).models == (("m-0901", 100),)
    labels = other.label(world.texts, sample=150)
    (_, n), (_, rest) = labels.models
    assert (n, rest) == (100, 50)
    assert other.report.models == labels.models
    again = tracer()
    again.label(world.texts, sample=150)
    assert again.report.models == labels.models
    for lines in (label_lines(labels), report_lines(other.report)):
        assert sum("2 models" in line for line in lines) == 1
        assert lines.count("The server is odd.") == 1
