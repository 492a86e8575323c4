"""The frame of a routing follows what changes it, and never takes a variable of the user's."""

from __future__ import annotations

import pandas as pd
import pytest

FAST = "--labels intents --features X --surrogate logistic"
JOB = f"df.text --teacher teach {FAST} --labelling random --sample 300"


@pytest.fixture
def hard(shell, hard_world):
    shell["df"], shell["X"], shell["teach"] = hard_world.frame, hard_world.X, hard_world.teach
    return shell


def test_an_update_renews_the_frame_and_says_so(hard):
    hard.run(f"%tracer run {JOB} --target 0.7 --output routed")
    before = hard["routed"]
    out = hard.run("%tracer update --sample 100")
    assert "routed is the frame of this routing." in out
    assert hard["routed"] is not before
    jobs = hard.ip.magics_manager.registry["TracerMagics"].jobs
    pd.testing.assert_frame_equal(hard["routed"], jobs["main"].tracer.frame_of(hard["df"]))


def test_an_audit_renews_the_frame_and_says_so(hard, hard_world):
    hard.run(f"%tracer run {JOB} --target 0.7 --output routed")
    before = hard["routed"]
    assert "on every row that it was asked about" in hard.run("%tracer audit --rate 0.5")
    now = hard["routed"]
    audited = now.label_reason == "audited"
    assert audited.any()
    assert (before.label_source[audited] == "surrogate").all()
    assert (now.label_source[audited] == "teacher").all()
    assert (now.label[audited] == now.text[audited].map(hard_world.truth)).all()
    pd.testing.assert_frame_equal(now[~audited], before[~audited])


def session(shell):
    """What the panel of the job watches."""
    return shell.ip.magics_manager.registry["TracerMagics"].jobs["main"].session


def test_the_panel_writes_the_rows_that_were_routed_last(shell, world, tmp_path, monkeypatch):
    """As many rows as the labelled column has, in another order: labels must not change places."""
    monkeypatch.chdir(tmp_path)
    shell["other"] = world.frame[::-1].reset_index(drop=True)
    shell.run(f"%tracer run {JOB} --features lsa --target 0.5")
    shell.run("%tracer route other.text")
    session(shell).write_rows("csv")
    written = pd.read_csv("routed.csv")
    assert written["text"].tolist() == shell["other"]["text"].tolist()
    assert (written["label"] == written["text"].map(world.truth)).mean() > 0.9


def test_a_column_of_its_own_that_was_routed_is_written_too(shell, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shell["texts"] = world.texts[:50]
    shell.run(f"%tracer run {JOB} --features lsa --target 0.5")
    shell.run("%tracer route texts")
    session(shell).write_rows("csv")
    assert pd.read_csv("routed.csv")["text"].tolist() == world.texts[:50]


def test_the_panel_writes_what_the_teacher_said_after_routing(hard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hard.run(f"%tracer run {JOB} --target 0.7")
    hard.run("%tracer audit --rate 0.5")
    session(hard).write_rows("csv")
    written = pd.read_csv("routed.csv")
    now = hard.ip.magics_manager.registry["TracerMagics"].jobs["main"].tracer.frame_now(hard["df"])
    assert (written["label_reason"] == "audited").sum() > 50
    assert written["label"].tolist() == now["label"].tolist()


def test_an_audit_from_the_panel_renews_the_frame_too(hard, hard_world):
    hard.run(f"%tracer run {JOB} --target 0.7 --output routed")
    before = hard["routed"]
    session(hard).audit(0.5, 1000)
    assert session(hard).wait(30)
    now = hard["routed"]
    audited = now.label_reason == "audited"
    assert audited.any()
    assert (now.label[audited] == now.text[audited].map(hard_world.truth)).all()
    pd.testing.assert_frame_equal(now[~audited], before[~audited])
    hard["routed"] = "mine now"
    session(hard).audit(0.9, 1000)
    assert session(hard).wait(30)
    assert hard["routed"] == "mine now"


def test_a_route_of_another_column_keeps_the_names_apart(shell, world):
    shell["other"] = world.frame.head(40)
    line = f"%tracer run {JOB} --features lsa --target 0.5 --output routed"
    shell.run(line)
    shell.run("%tracer route other.text --output theirs")
    assert len(shell["theirs"]) == 40
    home = shell["routed"]
    shell.run("%tracer route df.text")
    assert len(shell["routed"]) == 600
    assert shell["routed"] is not home
    assert len(shell["theirs"]) == 40


@pytest.mark.parametrize(
    ("name", "kind"), [("teach", "method"), ("df", "DataFrame"), ("X", "ndarray")]
)
def test_a_variable_of_the_users_is_not_taken(shell, world, name, kind):
    mine = shell[name]
    said = shell.complaint(f"%tracer run {JOB} --output {name}")
    assert said.startswith(f"--output {name}: that variable holds a {kind} already")
    assert said.endswith("choose another name, or add --overwrite")
    assert world.asked == []
    assert shell[name] is mine


def test_overwrite_takes_it_and_a_frame_of_ours_is_taken_without(shell):
    shell["mine"] = 5
    shell.run(f"%tracer run {JOB} --output mine --overwrite")
    assert len(shell["mine"]) == 600
    shell["mine"] = shell["mine"].assign(more=1)
    shell.run(f"%tracer run {JOB} --output mine")
    assert "more" not in shell["mine"]


def test_a_remembered_name_that_became_the_users_own_stays(hard):
    hard.run(f"%tracer run {JOB} --target 0.7 --output routed")
    hard["routed"] = "mine now"
    assert "is the frame of" not in hard.run("%tracer update --sample 100")
    assert hard["routed"] == "mine now"


def test_a_loaded_router_takes_no_variable_either(shell):
    shell.run(f"%tracer run {JOB} --features lsa --target 0.5")
    shell.run("%tracer save r.tracer\n%tracer load r.tracer")
    assert "--overwrite" in shell.complaint("%tracer route df.text --output teach")
    shell.run("%tracer route df.text --output out")
    assert len(shell["out"]) == 600


def reasons(frame):
    assert frame.label_reason.notna().all()
    return {reason.partition(" 0.")[0] for reason in frame.label_reason}


def test_every_row_has_its_reason(hard):
    hard.run(f"%tracer run {JOB} --target 0.88 --output routed --no-ask")
    handled, low = "handled: score at least", "deferred: score below"
    far = "deferred: unlike every labelled text; teacher not asked"
    assert reasons(hard["routed"]) - {far} == {"sampled", handled, low}
    hard.run("%tracer route --ask")
    routed = hard["routed"]
    far = "deferred: unlike every labelled text"
    assert reasons(routed) - {far} == {"sampled", handled, low}
    limit = float(routed.label_reason[routed.label_source == "surrogate"].iloc[0].split()[-1])
    by_score = routed[routed.label_reason != "sampled"]
    near = (by_score.label_score - limit).abs() < 1e-3  # it is written with three digits
    low_score = by_score.label_reason.str.startswith(low)
    wrong = (by_score.label_score >= limit) == low_score
    wrong &= by_score.label_reason != far
    assert not (wrong & ~near).any()


def test_reasons_of_hard_rows_first_and_of_nothing_certified(hard):
    hard.run(f"%tracer run df.text --teacher teach {FAST} --target 0.7 --output routed")
    found = reasons(hard["routed"])
    assert {"sampled: to begin with", "sampled: to test"} <= found
    assert found <= {
        *("sampled: to begin with", "sampled: hard", "sampled: to test", "answered before"),
        *("handled: score at least", "deferred: score below", "deferred: nothing was certified"),
        "deferred: unlike every labelled text",
    }
    hard.run(f"%tracer run {JOB} --target 0.97 --output routed --ask --name strict")
    assert "deferred: nothing was certified" in reasons(hard["routed"])
