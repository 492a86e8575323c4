"""Updates as users type them, in a real shell."""

import pytest

from tracer_nb.magics.steps import STEPS
from tracer_nb.widgets import UpdateCard

JOB = (
    "df.text --teacher teach --labelling random --labels intents --features X --surrogate kernel-ridge "
    "--target 0.86 --confidence 0.9 --sample 200"
)


@pytest.fixture
def hard_world(niches):
    """Some rows are handled, some deferred, and an update handles more."""
    return niches


@pytest.fixture
def hard(shell, hard_world):
    shell["df"], shell["X"] = hard_world.frame, hard_world.X
    shell["teach"] = hard_world.teach
    return shell


def tracer_of(shell):
    return shell.ip.find_line_magic("tracer").__self__.jobs["main"].tracer


def test_a_line_updates_shows_before_and_after_and_the_new_frame(hard, hard_world):
    hard.run(f"%tracer run {JOB} --output routed")
    before = hard["routed"]
    out = hard.run("%tracer update --output routed")
    lines = out.splitlines()
    assert "rows like the column's" in lines[2]
    assert "to deferred or audited texts are fitted on" in out
    assert "Round 2 was tested at 98.5 % confidence. With 88.5 % confidence the" in out
    assert any(line.startswith("labels fitted on") and " 140 " in line for line in lines)
    assert any(line.startswith("column: texts asked in all") for line in lines)
    after = hard["routed"]
    assert (before["label_source"] != after["label_source"]).sum() > 20
    assert "With 88.5 % confidence" in hard.run("%tracer panel")
    assert len(hard_world.asked) == len(set(hard_world.asked))


def test_an_update_plans_first(hard, hard_world):
    hard.run(f"%tracer run {JOB}")
    n = len(hard_world.asked)
    planned, likely, nothing = hard.run("%tracer update --sample 100 --dry-run").splitlines()
    assert planned.startswith("Update: fits on ")
    assert " tests on 100 fresh rows and for these asks about " in planned
    assert planned.endswith("The test spends 1.5 % of the chance of error.")
    assert likely.startswith("Likely: ")
    assert nothing == "Nothing was asked or paid."
    assert len(hard_world.asked) == n
    out = hard.run("%tracer update --sample 100 --no-ask")
    assert out.splitlines()[:2] == [planned, likely]
    told = int(planned.partition("asks about ")[2].split()[0])
    assert len(hard_world.asked) == n + told


def test_its_rows_and_caps_are_for_it_alone(hard, hard_world):
    hard.run(f"%tracer run {JOB}")
    n = len(hard_world.asked)
    out = hard.run("%tracer update --max-rows 10")
    assert out.splitlines()[2].startswith("Stopped: row cap of 10")
    assert "Nothing was fitted or tested yet: the router is as it was." in out
    assert len(hard_world.asked) == n + 10
    out = hard.run("%tracer update --sample 100")
    assert "Tested on 100 fresh rows" in out
    job = hard.ip.find_line_magic("tracer").__self__.jobs["main"]
    assert (job.sample, job.caps.max_rows) == (200, None)
    assert job.written["sample"] == "200"


def test_what_cannot_be_updated_is_one_line(hard):
    assert "call route() first" in hard.complaint(
        "%tracer update --teacher teach --labelling random --labels intents"
    )
    hard.run(f"%tracer run {JOB}")
    assert "--sample must be a number of rows" in hard.complaint("%tracer update --sample auto")
    hard["other"] = hard["df"].assign(text="x" + hard["df"].text)
    assert "goes on with the labelled column" in hard.complaint("%tracer update other.text")


def test_a_panel_and_a_report_go_on_after_it(hard):
    hard.run(f"%tracer run {JOB}")
    hard.run("%tracer update")
    assert "agree" in hard.run("%tracer gaps")
    assert tracer_of(hard).rounds == 2
    assert "update" in STEPS


def test_the_card_is_a_table_under_its_sentence_and_escapes(hard, hard_world):
    hard.run(f"%tracer run {JOB}")
    unasked = next(t for t in hard_world.texts if t not in hard_world.asked)
    hard_world.truth[unasked] = "<script>alert(1)</script>"
    tracer = tracer_of(hard)
    tracer.audit(0.999)
    card = UpdateCard(tracer.update(), ["A <note>."])
    bundle = card._repr_mimebundle_()
    assert bundle["text/plain"] == repr(card)
    assert "<script>" in repr(card)
    assert "<script>" not in bundle["text/html"]
    assert "&lt;note&gt;" in bundle["text/html"]
    assert "<th" in bundle["text/html"]


def test_going_back_and_forth_changes_the_frame_and_asks_nobody(shell, hard_world):
    shell["df"], shell["X"], shell["teach"] = hard_world.frame, hard_world.X, hard_world.teach
    job = "--teacher teach --labels intents --features X --labelling random --target 0.8 --confidence 0.9"
    shell.run(f"%tracer run df.text {job} --sample 200 --output routed")
    assert "no update has certified anything" in shell.complaint("%tracer back")
    before = shell["routed"]["label_source"].tolist()
    shell.run("%tracer update")
    after, asked = shell["routed"]["label_source"].tolist(), len(hard_world.asked)
    assert after != before
    out = shell.run("%tracer back")
    assert out.startswith("In force again: 80 % on ")
    assert "covered by neither alone" in out
    assert out.rstrip().endswith("routed is the frame of this routing.")
    now = shell["routed"]["label_source"].tolist()
    assert all(a in (b, "teacher") for a, b in zip(now, before, strict=True))
    shell.run("%tracer back")
    assert shell["routed"]["label_source"].tolist() == after
    assert len(hard_world.asked) == asked
