"""Audits as users type them, in a real shell."""

import base64
import re

import pytest

from tracer_nb.charts import to_svg
from tracer_nb.magics.show import Drawn
from tracer_nb.widgets import card

JOB = "df.text --teacher teach --labelling random --labels intents --features X --surrogate logistic --sample 150"


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    monkeypatch.setattr(card, "to_svg", lambda chart: f"<svg>{len(chart.to_dict())}</svg>")


def test_a_line_audits_handled_rows_and_says_what_they_tell(shell, world):
    shell.run(f"%tracer run {JOB}")
    n = len(world.asked)
    out = shell.run("%tracer audit --rate 0.2")
    new = len(world.asked) - n
    assert new > 40
    assert out.startswith(f"Calm: {new} audits, 0 disagreements, drawn of ")
    assert re.search(r"; an alarm needs \d+ more in a row, or more over a longer time\.", out)
    assert "The teacher agreed on 100 % of the audited texts." in out
    assert "valid at all times" in out
    assert "Alarm" not in out
    again = shell.run("%tracer audit --rate 0.2")
    assert " Nothing new was drawn at this rate." in again
    assert again.replace(" Nothing new was drawn at this rate.", "") == out
    assert len(world.asked) == n + new


def test_its_cap_is_for_the_audits_alone_and_is_not_remembered(shell, world):
    shell.run(f"%tracer run {JOB}")
    n = len(world.asked)
    out = shell.run("%tracer audit --rate 0.2 --max-rows 10")
    assert len(world.asked) == n + 10
    assert "drawn texts not audited yet" in out
    assert "not audited yet" not in shell.run("%tracer audit --rate 0.2")
    assert len(world.asked) > n + 40


def test_before_routing_and_with_a_wrong_consequence_it_is_one_line(shell):
    assert "call route() first" in shell.complaint(
        "%tracer audit --teacher teach --labelling random --labels intents"
    )
    shell.run(f"%tracer run {JOB}")
    assert "on_alarm" in shell.complaint("%tracer audit --on-alarm panic")


def test_a_setting_that_would_begin_another_fit_leaves_the_job_as_it_was(shell):
    shell.run(f"%tracer run {JOB}")
    for setting in ("--target 0.9", "--concurrency 8", "--seed 5"):
        complaint = shell.complaint(f"%tracer audit {setting}")
        assert complaint.startswith(f"{setting.split()[0]} would begin another job")
    assert shell.run("%tracer audit --rate 0.2").startswith("Calm: ")
    assert "was not fitted on" in shell.run("%tracer gaps")


def test_a_router_from_a_file_says_what_it_can_do(shell, tmp_path):
    shell.run(f"%tracer run {JOB}")
    file = tmp_path / "intents.tracer"
    shell.run(f"%tracer save {file}")
    out = shell.run(f"%tracer load {file}")
    assert "takes the place of the job 'main'" in out
    for step in ("gaps", "update", "review", "reask", "fit"):
        assert "a loaded router takes route, panel and audit" in shell.complaint(f"%tracer {step}")


def test_a_router_from_a_file_is_audited_too(shell, tmp_path):
    shell.run("from tracer_nb.datasets import load\nmessages = load('support').head(700)")
    shell.run("def look(text):\n    return truth[text]")
    shell.run("truth = dict(zip(load('support').text, load('support').label))")
    shell.run("kinds = sorted({*truth.values()})")
    job = "--teacher look --labelling random --labels kinds --target 0.5 --confidence 0.9 --sample 400"
    shell.run(f"%tracer run messages.text {job} --surrogate kernel-ridge")
    file = tmp_path / "intents.tracer"
    shell.run(f"%tracer save {file}")
    shell.run(f"%tracer load {file} --teacher look")
    assert "call route(column) first" in shell.complaint("%tracer audit")
    shell.run("new = load('support').iloc[3000:3200]")
    shell.run("%tracer route new.text")
    out = shell.run("%tracer audit --rate 0.5")
    assert re.match(r"Calm: \d+ audits, \d+ disagreements, drawn of \d+ handled texts;", out)
    assert "Alarm" not in out
    assert "a loaded router was made with" in shell.complaint("%tracer audit --target 0.9")


def test_the_chart_stands_below_the_words(monkeypatch):
    monkeypatch.setattr(card, "to_svg", to_svg)  # this one draws
    chart = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": []},
        "mark": "bar",
    }
    bundle = Drawn(["<Words>"], chart, "a picture")._repr_mimebundle_()
    assert bundle["text/plain"] == "<Words>"
    words, picture = bundle["text/html"].split("<img")
    assert "<Words>" not in words
    assert base64.b64decode(re.search('base64,([^"]+)', picture)[1]).startswith(b"<svg")
