"""A session's life: in a cell and in the background, paused, stopped, failed, watched."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotFitted, TeacherError
from tracer_nb.labelling.work import LabelWork
from tracer_nb.live.session import Session
from tracer_nb.live.task import Reins, Task
from tracer_nb.records import Caps, Progress, Selection, Spending


class Gate:
    """A teacher that waits before the text at which it is closed."""

    def __init__(self, world, at):
        self.world, self.at = world, at
        self.reached, self.open = threading.Event(), threading.Event()

    def teach(self, text):
        if len(self.world.asked) == self.at:
            self.reached.set()
            assert self.open.wait(30)
        return self.world.teach(text)


@pytest.fixture
def gate(world, monkeypatch):
    """Opens when the run that waits at it is told to stop."""
    gate = Gate(world, at=100)
    stop = LabelWork.stop

    def stop_and_open(work, *args, **options):
        stop(work, *args, **options)
        gate.open.set()

    monkeypatch.setattr(LabelWork, "stop", stop_and_open)
    yield gate
    gate.open.set()


def make(world, teach, *, sample=200, **options):
    tracer = Tracer(
        teach,
        world.labels,
        **{"target": 0.8, **options},
        features=world.X,
        store=":memory:",
        concurrency=1,
        labelling="random",
    )

    def work(reins):
        return tracer.run(
            world.frame["text"],
            sample=sample,
            on_progress=reins.on_progress,
            stop=reins.stop,
            go_on=reins.go_on,
            ask_teacher=False,
        )

    return Task(work, tracer)


def states(session):
    """Every state that is told to somebody who watches, without repeats."""
    seen = []

    def look():
        state = session.moment.state
        if not seen or seen[-1] != state:
            seen.append(state)

    session.follow(look)
    return seen


def test_a_run_in_a_cell_returns_its_result(world):
    session = Session()
    seen = states(session)
    assert session.moment.state == "idle"
    routed = session.run(make(world, world.teach))
    assert len(routed) == len(world.frame)
    moment = session.moment
    assert (moment.state, moment.run, moment.blocking, moment.message) == ("done", 1, False, "")
    assert moment.report.certificate.certified
    assert seen == ["running", "done"]


def test_a_run_in_the_background_leaves_the_caller_free(world, gate):
    session = Session()
    session.prepare(make(world, gate.teach))
    assert session.moment.ready
    session.start()
    assert gate.reached.wait(30)
    assert session.moment.running
    assert not session.moment.blocking
    gate.open.set()
    assert session.wait(30)
    assert session.moment.state == "done"
    assert session.moment.report.spending.asked == 200


@pytest.mark.parametrize(("end", "state"), [("pause", "paused"), ("stop", "stopped")])
def test_what_was_answered_is_not_asked_again(world, gate, end, state):
    session = Session()
    seen = states(session)
    session.prepare(make(world, gate.teach))
    session.start()
    assert gate.reached.wait(30)
    getattr(session, end)()
    assert session.moment.ending == state
    assert session.wait(30)
    assert (session.moment.state, session.moment.ending) == (state, "")
    assert 100 <= len(world.asked) < 200
    session.start()
    assert session.wait(30)
    assert seen == ["idle", "running", state, "running", "done"]
    assert len(world.asked) == len(set(world.asked)) == 200
    # Money is counted on: the job is one, whatever its parts.
    assert session.moment.report.spending.asked == 200


def test_a_failure_is_a_message(world):
    session = Session()

    def broken(_):
        raise RuntimeError("no <b>tea</b> left")

    with pytest.raises(TeacherError, match="tea"):
        session.run(make(world, broken))
    assert session.moment.state == "failed"
    assert "no <b>tea</b> left" in session.moment.message
    session.prepare(make(world, world.teach))
    session.start()
    assert session.wait(30)
    assert (session.moment.state, session.moment.message) == ("done", "")


def test_a_failure_in_the_background_is_the_same_message(world):
    session = Session()

    def work(_):
        raise ZeroDivisionError("by zero")

    session.prepare(Task(work, make(world, world.teach).tracer))
    session.start()
    assert session.wait(30)
    assert (session.moment.state, session.moment.message) == (
        "failed",
        "ZeroDivisionError: by zero",
    )


def test_an_interrupt_in_a_cell_stops_the_run(world, interrupting):
    teacher = interrupting(world, 60)
    session = Session()
    session.run(make(world, teacher.teach))
    assert session.moment.state == "stopped"
    teacher.release.set()
    session.start()
    assert session.wait(30)
    assert session.moment.state == "done"


def test_an_interrupt_between_answers_is_passed_on(world):
    session = Session()

    def work(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.run(Task(work, make(world, world.teach).tracer))
    assert (session.moment.state, session.moment.message) == ("stopped", "")


def test_only_one_run_at_a_time(world, gate):
    session = Session()
    session.prepare(make(world, gate.teach))
    session.start()
    assert gate.reached.wait(30)
    for refused in (session.start, lambda: session.run(make(world, gate.teach))):
        with pytest.raises(InvalidInput, match="running already; pause or stop it first"):
            refused()
    session.stop()
    assert session.wait(30)


def test_another_job_begins_anew_and_the_same_one_does_not(world):
    session, task = Session(), make(world, world.teach)
    session.run(task)
    session.prepare(task)
    assert session.moment.state == "done"
    session.prepare(make(world, world.teach))
    assert (session.moment.state, session.moment.run) == ("idle", 1)
    assert session.moment.report.certificate is None


def test_there_must_be_something_to_start():
    with pytest.raises(InvalidInput, match="nothing to run yet"):
        Session().start()


def test_ending_what_does_not_run_changes_nothing(world):
    session = Session()
    session.pause()
    session.stop()
    assert session.moment.state == "idle"
    session.run(make(world, world.teach))
    session.stop()
    assert session.moment.state == "done"


def test_who_watches_cannot_break_a_run(world):
    session = Session()

    def broken():
        raise ValueError("nobody <i>looks</i>")

    session.follow(broken)
    session.run(make(world, world.teach))
    assert session.moment.state == "done"
    assert (
        session.moment.message == "The panel could not be updated: ValueError: nobody <i>looks</i>"
    )


def test_who_stops_watching_is_not_told(world):
    session, calls = Session(), []
    unfollow = session.follow(lambda: calls.append(1))
    unfollow()
    unfollow()
    session.run(make(world, world.teach))
    assert calls == []


def test_a_step_made_elsewhere_is_told_once(make_report):
    session, told = Session(), []
    session.prepare(Task(lambda _: None, Looked(session, make_report)))
    session.follow(lambda: told.append((session.moment.run, session.moment.report is None)))
    session.look(anew=True)
    assert told == [(1, False)]


class Looked:
    """A Tracer that only says when it was looked at."""

    def __init__(self, session, make_report):
        self.session, self.make_report = session, make_report
        self.at = []

    @property
    def report(self):
        self.at.append(self.session.moment.progress and self.session.moment.progress.step)
        return self.make_report(stopped=None)

    def label_counts(self):
        return None

    preview = label_agreement = confusion = reliability = targets = label_counts
    known_gaps = known_watch = known_update = known_review = earlier = panel = None


def moments(*steps):
    def work(reins):
        for step, done in steps:
            reins.on_progress(Progress(done, 2, Spending(cost=0.5 * done), 1.0 + done, step))

    return work


def test_a_report_that_fails_does_not_lose_the_run():
    session = Session()

    def broken(**_):
        raise ValueError("no report")

    result = session.run(Task(lambda _: "result", Looked(session, broken)))
    assert result == "result"
    assert (session.moment.state, session.moment.message) == ("done", "ValueError: no report")


def test_the_job_is_looked_at_between_steps_only(make_report):
    session = Session()
    looked = Looked(session, make_report)
    steps = (("asking", 1), ("asking", 2), ("fit", 0), ("deferred", 1))
    session.run(Task(moments(*steps), looked))
    assert looked.at == [None, "asking", "fit", "deferred"]


def test_money_is_that_of_the_whole_job(make_report):
    session, paid = Session(), []
    session.follow(lambda: paid.append(session.moment.paid))
    tracer = Looked(session, lambda **_: make_report(spending=Spending(cost=3.0)))
    session.run(Task(moments(("asking", 1), ("asking", 2)), tracer, Caps(max_cost=9.0)))
    assert paid[:3] == [None, 3.5, 4.0]
    assert session.moment.timeline.cost.tolist() == [3.5, 4.0]
    assert session.moment.timeline.max_cost == 9.0


def test_parts_of_a_fit_cost_nothing_and_are_no_course_of_answers(make_report):
    session, seen = Session(), []
    session.follow(lambda: seen.append((session.moment.progress, session.moment.paid)))
    tracer = Looked(session, lambda **_: make_report(spending=Spending(cost=3.0)))

    def work(reins):
        reins.on_progress(Progress(1, 2, Spending(cost=0.5), 1.0, "asking"))
        reins.on_progress(Progress(0, 1, Spending(), 0.0, "Fitting"))
        for done in range(3):
            reins.on_progress(Progress(done, 2, Spending(), 0.0, "Fitting", parts=True))

    session.run(Task(work, tracer))
    told = [(p.done, p.total, paid) for p, paid in seen if p and p.parts]
    assert told[:3] == [(0, 2, 3.0), (1, 2, 3.0), (2, 2, 3.0)]
    assert session.moment.timeline.done.tolist() == [1]
    assert len(tracer.at) == 3  # at the first step, at the fit, and at the end


def test_labels_that_come_in_are_looked_at_in_a_thread(make_report):
    session, looked = Session(), threading.Event()
    tracer = Looked(session, make_report)
    tracer.label_counts = lambda: "counts"
    tracer.preview = lambda: "preview"
    session.follow(lambda: session.moment.findings.preview and looked.set())

    def work(reins):
        reins.on_progress(Progress(1, 2, Spending(), 1.0))
        assert looked.wait(30)
        assert session.moment.findings.counts == "counts"

    session.run(Task(work, tracer))
    assert (session.moment.state, session.moment.message) == ("done", "")


@pytest.mark.parametrize("next_run", [False, True])
def test_a_look_that_ends_after_its_run_is_not_shown(make_report, next_run):
    """Neither where nothing runs any more, nor in the run that came next."""
    session, begun, go_on = Session(), threading.Event(), threading.Event()

    def counts():
        if threading.current_thread().name != "tracer-look":
            return None
        begun.set()
        assert go_on.wait(30)
        return "late"

    tracer = Looked(session, make_report)
    tracer.label_counts = counts
    tracer.preview = lambda: None

    def work(reins):
        reins.on_progress(Progress(1, 2, Spending(), 1.0))
        assert begun.wait(30)

    def let_it_end(_=None):
        [look] = [t for t in threading.enumerate() if t.name == "tracer-look"]
        go_on.set()
        look.join(30)
        assert not look.is_alive()
        assert session.moment.findings.counts is None

    session.run(Task(work, tracer))
    if next_run:
        session.run(Task(let_it_end, tracer))
        assert (session.moment.state, session.moment.message) == ("done", "")
    else:
        let_it_end()


def test_a_look_that_fails_is_said_and_the_run_goes_on(make_report):
    session, said = Session(), threading.Event()
    tracer = Looked(session, make_report)

    def broken():
        raise ValueError("nothing to see")

    tracer.preview = broken
    session.follow(lambda: session.moment.message and said.set())

    def work(reins):
        reins.on_progress(Progress(1, 2, Spending(), 1.0))
        assert said.wait(30)
        assert session.moment.message == "No preview: ValueError: nothing to see"

    session.run(Task(work, tracer))
    assert session.moment.state == "done"


def test_rows_and_maps_are_the_tracers(world):
    session = Session()
    with pytest.raises(NotFitted, match="start the job first"):
        session.rows(Selection())
    session.run(make(world, world.teach))
    assert session.rows(Selection(), limit=5).total == len(world.texts)
    assert session.map("pca").n_texts == len(world.texts)
    assert session.moment.findings.confusion.n_rows > 0
    assert session.moment.findings.targets is not None


def test_an_audit_runs_beside_the_job_and_files_are_new_each_time(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session()
    with pytest.raises(NotFitted):
        session.write_router()
    task = make(world, world.teach)
    session.run(replace(task, table=world.frame))
    session.audit(0.2, 20)
    assert session.wait(30)
    watch = session.moment.findings.watch
    assert 0 < watch.n_audits <= 20
    assert session.moment.state == "done"
    assert watch.to_alarm > 0
    assert [session.write_router(), session.write_router()] == ["router.tracer", "router-2.tracer"]
    assert session.write_rows("csv") == ("routed.csv", 0)
    lines = (tmp_path / "routed.csv").read_text().splitlines()
    assert lines[0].endswith("label,label_source,label_score,label_reason")
    with pytest.raises(InvalidInput, match="no kind of file 'xlsx'"):
        session.write_rows("xlsx")
    session.start()  # the job, not the audit again
    assert session.wait(60)
    assert session.moment.progress is None or session.moment.progress.step != "audit"


@pytest.mark.parametrize(
    ("caps", "most"),
    [
        (Caps(max_cost=2.055), 5),
        (Caps(max_rows=207), 7),
        (Caps(max_cost=2.0), 0),
        (Caps(max_cost=9.0, max_rows=900), 20),
        (Caps(), 20),
    ],
)
def test_an_audit_spends_what_the_caps_of_the_job_leave(world, caps, most):
    session, task = Session(), make(world, world.teach, cost=0.01)
    session.run(replace(task, caps=caps))
    assert len(world.asked) == 200  # two dollars
    session.audit(1.0, 20)
    assert session.wait(30)
    assert len(world.asked) == 200 + most
    assert caps.max_cost is None or session.moment.paid <= caps.max_cost + 1e-9


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("end", ["pause", "stop"])
def test_an_audit_leaves_a_job_as_it_found_it(hard_world, gate, monkeypatch, end, fails):
    session, going_on = Session(), []
    state = {"pause": "paused", "stop": "stopped"}[end]
    gate.world, gate.at = hard_world, 410  # among the deferred rows, behind the sample
    task = make(hard_world, gate.teach, target=0.9)

    def work(reins):
        going_on.append(reins.go_on)
        return task.tracer.run(
            hard_world.frame["text"],
            sample=400,
            on_progress=reins.on_progress,
            stop=reins.stop,
            go_on=reins.go_on,
            max_rows=10**6,
        )

    session.prepare(replace(task, work=work))
    session.start()
    assert gate.reached.wait(30)
    getattr(session, end)()
    assert session.wait(30)
    assert session.moment.state == state
    if fails:
        monkeypatch.setattr(task.tracer, "audit", lambda *_, **__: 1 / 0)
    session.audit(0.2, 20)
    assert session.wait(30)
    assert session.moment.state == state
    assert ("division by zero" in session.moment.message) == fails
    assert fails or session.moment.findings.watch.n_audits
    session.start()
    assert session.wait(30)
    assert session.moment.state == "done"
    assert going_on == [False, True]


def test_an_update_runs_beside_the_job_and_says_what_came_of_it(hard_world, monkeypatch):
    session, task, rerouted = Session(), make(hard_world, hard_world.teach, target=0.9), []

    def work(reins):
        return task.tracer.run(
            hard_world.frame["text"], sample=400, max_rows=10**6, on_progress=reins.on_progress
        )

    task = replace(task, work=work, rerouted=lambda: rerouted.append(session.moment.run))
    session.run(task)
    plan = session.moment.findings.update
    assert plan.n_learned > 0
    assert plan is task.tracer.known_update  # worked out once
    session.update()
    assert session.wait(60)
    made = session.moment.updated
    assert (session.moment.state, session.moment.message) == ("done", "")
    assert (made.n_fresh, made.n_learned) == (plan.n_fresh, plan.n_learned)
    assert made.after is not None
    assert rerouted == [2]
    assert session.moment.findings.update is not plan
    called = []
    monkeypatch.setattr(task.tracer, "back", lambda: called.append(session.moment.running))
    session.back()
    assert session.wait(60)
    assert (session.moment.state, session.moment.message, called) == ("done", "", [True])


def test_an_audit_of_a_job_that_was_named_anew_keeps_its_plan(world):
    session, task = Session(), make(world, world.teach)
    task.work(Reins(lambda _: None, threading.Event(), go_on=False))
    plan = task.tracer.plan(world.frame["text"], sample=200)
    session.prepare(task, plan)
    session.audit(0.2, 20)
    assert session.wait(30)
    assert (session.moment.state, session.moment.plan) == ("idle", plan)


# --- gaps ------------------------------------------------------------------------------


def analysed(session):
    """Look for the gaps, and wait for what comes of it."""
    ended = threading.Event()
    unfollow = session.follow(lambda: session.moment.analysing or ended.set())
    session.analyse()
    assert ended.wait(30)
    unfollow()
    return session.moment


def test_gaps_are_looked_for_once_in_a_thread_of_their_own(world, monkeypatch):
    session, threads = Session(), []
    session.analyse()  # nothing to look at, and no complaint
    task = make(world, world.teach)
    session.run(replace(task, table=world.frame))
    assert session.moment.findings.gaps is None
    gaps = task.tracer.gaps

    def seen(table=None):
        threads.append((threading.current_thread().name, table is world.frame))
        return gaps(table)

    monkeypatch.setattr(task.tracer, "gaps", seen)
    found = analysed(session).findings.gaps
    assert found is task.tracer.known_gaps
    assert threads == [("tracer-gaps", True)]
    assert analysed(session).findings.gaps is found
    session.look()
    assert session.moment.findings.gaps is found
    assert len(threads) == 1
    # Another fit has other gaps, which nobody has asked for.
    task.tracer.fit()
    session.look()
    assert session.moment.findings.gaps is None


def test_gaps_that_cannot_be_found_are_said_and_forgotten_at_the_next_look(world):
    session = Session()
    session.run(replace(make(world, world.teach), table=world.frame[:10]))
    assert "table has 10 rows" in analysed(session).unexplained
    assert session.moment.findings.gaps is None
    session.look()
    assert session.moment.unexplained == ""


def test_gaps_of_a_job_that_went_on_meanwhile_are_not_shown(world, monkeypatch):
    session, task = Session(), make(world, world.teach)
    session.run(task)
    gaps = task.tracer.gaps

    def slow(table=None):
        found = gaps(table)
        task.tracer.fit()
        return found

    monkeypatch.setattr(task.tracer, "gaps", slow)
    moment = analysed(session)
    assert moment.findings.gaps is None
    assert "look again" in moment.unexplained


def test_gaps_are_not_looked_for_during_a_run(world, gate):
    session = Session()
    session.prepare(make(world, gate.teach))
    session.start()
    assert gate.reached.wait(30)
    with pytest.raises(InvalidInput, match="running already"):
        session.analyse()
    session.stop()
    assert session.wait(30)


def test_batches_of_one_step_are_one_line_of_time(make_report):
    session = Session()
    moments = [(1.0, 5, 10), (2.0, 10, 10), (2.5, 12, 20), (3.5, 20, 20)]

    def work(reins):
        for seconds, done, total in moments:
            spending = Spending(asked=done, cost=0.1 * done)
            reins.on_progress(Progress(done, total, spending, seconds, "label"))
            paid.append(session.moment.paid)
        reins.on_progress(Progress(1, 4, Spending(asked=1), 0.25, "deferred"))

    seen, paid = [], []
    session.follow(lambda: seen.append(session.moment.timeline))
    session.run(Task(work, Looked(session, make_report)))
    before = paid[0] - 0.5
    assert paid == pytest.approx([before + 0.5, before + 1.0, before + 1.2, before + 2.0])
    line = [t for t in seen if t.step == "label"][-1]
    assert line.seconds.tolist() == [1.0, 2.0, 2.5, 3.5]
    assert line.asked.tolist() == [5, 10, 12, 20]
    assert seen[-1].seconds.tolist() == [0.25]
