"""The panel from the magics: settings as a line and back, runs below it, reports."""

from __future__ import annotations

import pytest

from tracer_nb.settings import SETTINGS

TEACH = "--teacher teach --labels intents --features X --target 0.8 --sample 300"


@pytest.fixture
def kernel(shell, monkeypatch):
    """A shell that takes itself for one of a notebook."""
    monkeypatch.setattr(shell.ip, "kernel", object(), raising=False)
    return shell


def job(shell, name="main"):
    return shell.ip.find_line_magic("tracer").__self__.jobs[name]


def form(shell, name="main"):
    return job(shell, name).session.form


def values(shell):
    return {option.name: option.value for option in form(shell).options if option.value}


def test_a_run_leaves_a_session_that_is_done(kernel):
    out = kernel.run(f"%tracer run df.text {TEACH} --output routed")
    moment = job(kernel).session.moment
    assert (moment.state, moment.run) == ("done", 1)
    assert moment.report.certificate.certified
    assert len(kernel["routed"]) == 600
    assert "The panel needs a running kernel" in out


def test_a_step_that_has_nothing_to_ask_leaves_its_panel(kernel, monkeypatch):
    """It shows the certificate; only a step that failed has nothing to show."""
    kernel.run(f"%tracer run df.text {TEACH} --output routed")
    removed = []

    def remove(panel):
        removed.append(panel)

    monkeypatch.setattr("tracer_nb.widgets.panel.Panel.remove", remove)
    kernel.run("%tracer calibrate")
    assert removed == []
    assert kernel.ip.run_cell("%tracer route --at 0.5").error_in_exec
    assert len(removed) == 1


def test_a_terminal_gets_the_result_and_no_panel(shell):
    out = shell.run(f"%tracer run df.text {TEACH}")
    assert "With 95 % confidence" in out
    assert "The panel" not in out
    out = shell.run("%tracer panel")
    assert "With 95 % confidence" in out


def test_a_panel_is_ready_to_start_and_has_a_plan(kernel, world):
    kernel.run(f"%tracer panel df.text {TEACH} --output routed")
    session = job(kernel).session
    assert (session.moment.state, session.moment.ready) == ("idle", True)
    assert session.moment.plan.n_ask == 120  # the random start, a fifth of the column
    assert world.asked == []
    session.start()
    assert session.wait(60)
    assert session.moment.state == "done"
    assert 120 < len(world.asked) < 300
    assert list(kernel["routed"].columns)[-4:] == [
        *("label", "label_source", "label_score", "label_reason"),
    ]


def test_the_form_has_every_setting_of_the_job(kernel):
    kernel.run(f"%tracer panel df.text {TEACH}")
    lasting = {s.name for s in SETTINGS if s.of in ("job", "teacher", "rows")}
    shown = {option.name for option in form(kernel).options}
    assert shown == lasting | {"output", "ask"}


def test_what_few_need_is_folded_in_the_form_and_on_no_line(kernel):
    form_of(kernel).apply({**values(kernel), "gate": "entropy", "pipeline": "single"})
    assert job(kernel).tracer.options.gate == "entropy"
    assert "entropy" not in form(kernel).line
    said = "The line does not say: gate='entropy', pipeline='single', as in Tracer(…)."
    assert form(kernel).aside() == said
    assert form(kernel).aside({"shuffle": "--shuffle", "latency": "0.5"}) == (
        "The line does not say: shuffle=True, latency=0.5, as in Tracer(…)."
    )
    assert form(kernel).aside({"target": "0.7"}) == ""
    names = [option.name for option in form(kernel).options if option.group == "Advanced"]
    assert names == [
        *("latency_weight", "gate", "pipeline", "time_budget", "shuffle", "n_examples"),
        *("latency", "wrong", "batch_price"),
    ]
    for name in names:
        flag = f"--{name.replace('_', '-')}"
        said = kernel.complaint(f"%tracer plan {flag} 1")
        assert said.startswith(f"{flag} is no option of a line: in Python it is {name}=…")


def test_settings_are_what_the_lines_said(kernel):
    kernel.run(f"%tracer panel df.text {TEACH} --no-guard --no-ask")
    assert values(kernel) == {
        "teacher": "teach",
        "labels": "intents",
        "features": "X",
        "target": "0.8",
        "sample": "300",
        "guard": "--no-guard",
        "ask": "--no-ask",
    }
    assert form(kernel).line == (
        "%tracer run df.text --teacher teach --labels intents --sample 300 --no-ask "
        "--target 0.8 --features X --no-guard"
    )
    kernel.run("%tracer panel --target 0.7")
    assert values(kernel)["target"] == "0.7"


def test_the_guard_s_share_and_the_reject_option_are_settings(kernel):
    kernel.run(f"%tracer panel df.text {TEACH} --guard 0.01 --abstain-unlike --abstain-unsure 0.6")
    found = {"guard": "0.01", "abstain_unlike": "--abstain-unlike", "abstain_unsure": "0.6"}
    assert values(kernel).items() >= found.items()
    assert form(kernel).line == (
        "%tracer run df.text --teacher teach --labels intents --sample 300 --abstain-unlike "
        "--abstain-unsure 0.6 --target 0.8 --features X --guard 0.01"
    )
    options = {option.name: option for option in form(kernel).options}
    assert (options["guard"].choices, options["guard"].closed) == (("--no-guard",), False)
    assert options["abstain_unlike"].closed
    # Without its guard there is nothing to go by.
    from tracer_nb.errors import InvalidInput

    with pytest.raises(InvalidInput, match="abstain_unlike goes by the guard"):
        form(kernel).apply({**values(kernel), "guard": "--no-guard", "abstain_unsure": ""})
    assert job(kernel).tracer.options.guard == 0.01


def test_the_line_does_the_same_job(kernel):
    kernel.run(f"%tracer panel df['text'] {TEACH} --name other")
    line = form(kernel, "other").line
    assert line.startswith("%tracer run df['text'] --teacher teach")
    assert line.endswith("--name other")
    kernel.run(line)
    assert job(kernel, "other").session.moment.state == "done"


def test_a_prompt_makes_it_a_cell(kernel):
    kernel.run(f"%%tracer df.text {TEACH} --dry-run\nWhich intent is it?\n\nSay one.")
    assert form(kernel).line == (
        "%%tracer df.text --teacher teach --labels intents --sample 300 --target 0.8 "
        "--features X\nWhich intent is it?\n\nSay one."
    )


def test_values_with_spaces_are_quoted(kernel):
    draft = form_of(kernel).draft({"labels": "card lost, refund", "teacher": "teach"})
    assert draft == '%tracer run df.text --teacher teach --labels "card lost, refund"'
    draft = form_of(kernel).draft({"labels": '"a b"', "teacher": "teach"})
    assert draft == '%tracer run df.text --teacher teach --labels "a b"'
    draft = form_of(kernel).draft({"store": 'the "best".sqlite', "teacher": "teach"})
    assert draft == "%tracer run df.text --teacher teach --store 'the \"best\".sqlite'"


def form_of(shell):
    shell.run(f"%tracer panel df.text {TEACH}")
    return form(shell)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"teecher": "x"}, "no setting 'teecher'; did you mean 'teacher'?"),
        ({"target": 0.8}, "setting target must be text, got 0.8"),
        ({"target": "--price"}, "must not begin with --"),
        ({"guard": "--name"}, "must not begin with --"),
        ({"store": 'it\'s "mine".sqlite'}, "cannot stand on one line"),
        ({"store": "a\nb"}, "cannot stand on one line"),
    ],
)
def test_what_no_line_has_is_refused(kernel, settings, says):
    from tracer_nb.errors import InvalidInput

    with pytest.raises(InvalidInput, match=says):
        form_of(kernel).draft(settings)


def test_settings_that_are_applied_hold_for_the_next_start(kernel):
    form_of(kernel).apply({**values(kernel), "target": "0.7", "sample": "", "output": "out"})
    assert "sample" not in values(kernel)
    assert job(kernel).sample is None
    assert job(kernel).tracer.target == 0.7
    session = job(kernel).session
    session.start()
    assert session.wait(60)
    assert session.moment.report.bill.saved > 300  # it ended growing by itself
    assert len(kernel["out"]) == 600
    # The magics know the same.
    assert "70 %" in kernel.run("%tracer panel")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"target": "1.5"}, "target must"),
        ({"target": "much"}, "--target must be a fraction"),
        ({"sample": "few"}, "--sample must be a number of rows"),
        ({"teacher": "nobody"}, "no variable"),
        ({"output": "not a name"}, "is not a variable name"),
        ({"max_cost": "cheap"}, "max-cost"),
    ],
)
def test_settings_that_cannot_be_used_change_nothing(kernel, settings, says):
    from tracer_nb.errors import InvalidInput

    before = values_after_panel(kernel)
    with pytest.raises(InvalidInput, match=says):
        form(kernel).apply({**before, **settings})
    assert values(kernel) == before
    assert job(kernel).tracer.target == 0.8


def values_after_panel(shell):
    form_of(shell)
    return values(shell)


def test_during_a_run_in_the_background_the_job_is_only_looked_at(kernel, world):
    import threading

    reached, go = threading.Event(), threading.Event()

    def slow(text):
        reached.set()
        assert go.wait(30)
        return world.teach(text)

    kernel["slow"] = slow
    kernel.run(f"%tracer panel df.text {TEACH} --teacher slow")
    session = job(kernel).session
    session.start()
    try:
        assert reached.wait(30)
        busy = "this job is running already; pause or stop it first"
        for line in ("run df.text", "fit", "label df.text", "panel --target 0.7", "report x.html"):
            assert kernel.complaint(f"%tracer {line}") == busy
        assert "The panel" in kernel.run("%tracer panel")
        assert kernel.try_run("%tracer panel").error is None
    finally:
        session.stop()
        go.set()
        assert session.wait(30)


def test_a_report_is_written(kernel, tmp_path):
    assert "nothing to report yet" in kernel.complaint("%tracer report out.html")
    kernel.run(f"%tracer run df.text {TEACH}")
    assert "name a file: %tracer report report.html" in kernel.complaint("%tracer report")
    assert "Report written to out.html" in kernel.run("%tracer report out.html")
    assert "With 95 % confidence" in (tmp_path / "out.html").read_text(encoding="utf-8")
    said = "cannot write 'no/folder/out.html': no such folder; make the folder first"
    assert said in kernel.complaint("%tracer report no/folder/out.html")
