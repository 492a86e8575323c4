"""Traits and messages, both ways; texts as they are; what an update weighs."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances

from tests.widgets.reader import NASTY, read
from tracer_nb import Tracer
from tracer_nb.charts import split
from tracer_nb.errors import InvalidInput
from tracer_nb.live.desk import write_rows
from tracer_nb.live.lookout import Lookout
from tracer_nb.records import (
    Caps,
    Preparing,
    Preview,
    Progress,
    PromiseName,
    Selection,
    Spending,
    Timeline,
    UpdatePlan,
)
from tracer_nb.records.moments import Findings, Moment, Option
from tracer_nb.widgets import Panel
from tracer_nb.widgets.panel.bundle import _DRAW, sources


class Form:
    options = (Option("target", "--target", "0.9", "What is promised.", "Promise"),)
    line = "%tracer run df.text --target 0.9"

    def __init__(self):
        self.applied = []

    def aside(self, values=None):
        return f"aside of {values}"

    def step(self, words):
        return f"%tracer {words} --name one"

    def draft(self, values):
        return f"%tracer run {values}"

    def apply(self, values):
        if "bad" in values:
            raise InvalidInput(f"bad {NASTY}")
        self.applied.append(values)


class Session:
    """Moments that a test sets, and a record of what was pressed."""

    def __init__(self, **values):
        self.form = Form()
        self.pressed = []
        self.tracer = None
        self.followers = []
        self.moment = Moment(**{"ready": True, **values})

    def follow(self, callback):
        self.followers.append(callback)
        return lambda: callback in self.followers and self.followers.remove(callback)

    def at(self, **values):
        self.moment = Moment(**{"ready": True, **values})
        for callback in list(self.followers):
            callback()

    def start(self):
        self.pressed.append("start")

    def pause(self):
        self.pressed.append("pause")

    def stop(self):
        self.pressed.append("stop")

    def rows(self, selection, **options):
        return self.tracer.rows(selection, **options)

    def analyse(self):
        self.pressed.append("gaps")

    def audit(self, rate, max_rows):
        self.pressed.append(("audit", rate, max_rows))

    def update(self):
        self.pressed.append("update")

    def back(self):
        self.pressed.append("back")

    def write_router(self):
        return "router.tracer"

    def write_rows(self, kind):
        return write_rows(self.tracer, None, kind)

    def map(self, method):
        return self.tracer.map(method, n_points=100_000)

    def relabel(self, row, label, note):
        self.tracer.relabel(row, label, note)

    def send_to_review(self, row):
        return self.tracer.send_to_review([row])

    def review(self, of):
        return self.tracer.review(of=of)


class Wire:
    """Stands where the connection to the page is."""

    comm_id = "wire"

    def __init__(self):
        self.sent = []

    def on_msg(self, callback):
        pass

    def send(self, data=None, **_):
        self.sent.append(data)

    def close(self, **_):
        pass


class Followed:
    """A panel whose updates are never held back, and what it sends to the page."""

    def __init__(self, session, monkeypatch):
        monkeypatch.setattr("tracer_nb.widgets.panel.panel._INTERVAL", 0.0)
        self.session = session
        self.panel = Panel(session)
        self.view = self.panel.view
        self.real = self.view.comm
        self.view.comm = self.wire = Wire()
        self.numbers = iter(range(1, 100))

    def take(self):
        """Messages since the last look."""
        sent, self.wire.sent = self.wire.sent, []
        return sent

    def close(self):
        _instances.pop(Wire.comm_id, None)
        self.view.comm = self.real
        self.panel.close()

    def press(self, do, **values):
        """Press as the page does; the receipt."""
        number = next(self.numbers)
        if do in ("hello", "bye"):
            values = {"viewer": "v", **values}
        content = {"do": do, "number": number, "run": self.session.moment.run, **values}
        self.view._handle_custom_msg(content, [])
        (receipt,) = [m["content"] for m in self.take() if m["method"] == "custom"]
        assert receipt.pop("heard") == number
        return receipt


@pytest.fixture
def watch(monkeypatch):
    made = []

    def make(session):
        made.append(Followed(session, monkeypatch))
        return made[-1]

    yield make
    for one in made:
        one.close()


def progress(done, total=1000, step="label", **spending):
    spent = Spending(**{"asked": done, "cost": done / 1000, **spending})
    return Progress(done, total, spent, 10.0, step)


@pytest.mark.parametrize(
    ("values", "words", "actions"),
    [
        ({"ready": False}, "Not started", []),
        ({}, "Not started", ["start"]),
        ({"state": "running"}, "Running", ["pause", "stop"]),
        ({"state": "running", "blocking": True}, "Running", ["stop"]),
        ({"state": "running", "ending": "paused"}, "Pausing…", ["stop"]),
        ({"state": "running", "ending": "stopped"}, "Stopping…", []),
        ({"state": "paused"}, "Paused", ["resume", "stop"]),
        ({"state": "stopped"}, "Stopped", ["resume"]),
        ({"state": "failed"}, "Failed", ["start"]),
        ({"state": "done"}, "Done", ["start"]),
    ],
)
def test_each_state_has_its_words_and_buttons(watch, values, words, actions):
    sheet = watch(Session(**values)).view.sheet
    assert (sheet["words"], sheet["actions"]) == (words, actions)


def test_progress_is_a_line_a_share_and_figures(watch):
    moment = {"paid": 1.25, "run": 1, "caps": Caps(max_cost=5.0, max_rows=400)}
    view = watch(
        Session(state="running", progress=progress(250, reused=50, missing=5), **moment)
    ).view
    assert view.live["line"].startswith("Labelling: 250 of 1,000 · 25 a second")
    assert view.live["share"] == 0.25
    assert view.live["spent"] == 0.25
    assert [(cell["value"], cell["name"]) for cell in view.live["cells"]] == [
        ("250 of 1,000", "answered in this step"),
        ("25 a second", "rate of this step"),
        ("30 s", "left at this rate"),
        ("about $1.00", "for this step in all"),
        ("50 answers", "from the store"),
        ("5 (2 %)", "without a label"),
        ("$1.25", "paid for the whole job"),
        ("$5.00", "hard cap"),
        ("400 texts", "hard cap"),
    ]


def test_a_step_that_is_done_has_no_time_left(watch):
    cells = watch(Session(state="done", progress=progress(1000, asked=19_230))).view.live["cells"]
    shown = {cell["name"]: cell["value"] for cell in cells}
    assert shown["rate of this step"] == "1,923 a second"
    assert "left at this rate" not in shown


def test_a_step_without_a_length_has_no_share(watch):
    view = watch(Session(state="running", progress=progress(0, 1, "Fitting the surrogate"))).view
    assert (view.live["line"], view.live["share"]) == ("Fitting the surrogate", None)


def test_a_fit_is_measured_by_its_parts(watch):
    part = Progress(3, 4, Spending(), 0.0, "Fitting the surrogate", parts=True)
    live = watch(Session(state="running", run=1, progress=part, paid=1.25)).view.live
    assert (live["line"], live["share"]) == ("Fitting the surrogate: 3 of 4 parts", 0.75)
    assert [cell["name"] for cell in live["cells"]] == ["paid for the whole job"]


def test_what_is_prepared_is_measured_while_nothing_is_answered(watch):
    waiting = Progress(640, 640, Spending(), 9.0, preparing=Preparing("test", 1, 3, 4))
    for done, total, share in ((640, 640, 0.75), (320, 640, 0.5)):
        now = replace(waiting, done=done, total=total)
        live = watch(Session(state="running", run=1, progress=now)).view.live
        assert live["share"] == share
        assert live["line"].endswith("fitting for test 1: 3 of 4 parts")
        assert live["cells"][0]["value"] == f"{done} of {total}"
    chosen = replace(waiting, preparing=Preparing("batch", 3))
    assert watch(Session(state="running", run=1, progress=chosen)).view.live["share"] == 1.0


def test_what_is_pressed_is_done(watch):
    watched = watch(Session(state="running", run=1))
    for do in ("hello", "start", "resume", "pause", "stop"):
        assert watched.press(do) == {}
    assert watched.session.pressed == ["start", "start", "pause", "stop"]
    assert watched.view.sheet["message"] == ""


def test_a_press_that_came_too_late_does_nothing(watch):
    watched = watch(Session(state="running", run=2))
    watched.view._handle_custom_msg({"do": "stop", "number": 1, "run": 1}, [])
    assert watched.session.pressed == []


def test_what_goes_wrong_is_said_and_forgotten_at_the_next_press(watch):
    watched = watch(Session(state="running"))
    watched.session.stop = lambda: 1 / 0
    assert watched.press("stop") == {}
    assert watched.view.sheet["message"] == "ZeroDivisionError: division by zero"
    assert watched.press("hello") == {}
    assert watched.view.sheet["message"] == ""


def test_a_pointer_over_the_map_takes_nothing_back_and_fills_nothing(watch, found):
    watched = watch(found)
    watched.session.stop = lambda: 1 / 0
    watched.press("stop")
    watched.view._handle_custom_msg({"do": "point", "number": 9, "run": 0, "row": 17}, [])
    assert [message["method"] for message in watched.take()] == ["custom"]
    assert watched.view.sheet["message"] == "ZeroDivisionError: division by zero"


def test_nonsense_is_refused_and_answered(watch):
    watched = watch(Session())
    watched.view._handle_custom_msg("boo", [])
    assert [m["content"] for m in watched.take() if m["method"] == "custom"] == [{"heard": None}]
    assert "which is no message" in watched.view.sheet["message"]


def test_settings_are_shown_drafted_and_applied(watch):
    watched = watch(Session())
    assert watched.view.settings["line"] == Form.line
    assert watched.view.settings["options"][0]["value"] == "0.9"
    drafted = watched.press("draft", values={"target": "0.8"})
    assert drafted == {
        "line": "%tracer run {'target': '0.8'}",
        "aside": "aside of {'target': '0.8'}",
        "problem": "",
    }
    assert watched.press("apply", values={"target": "0.8"}) == {
        "line": Form.line,
        "aside": "aside of None",
        "problem": "",
    }
    assert watched.session.form.applied == [{"target": "0.8"}]
    assert watched.press("apply", values={"bad": "x"}) == {"problem": f"bad {NASTY}"}
    assert watched.view.sheet["message"] == ""


def test_settings_of_a_script_stay_as_they_are(watch):
    session = Session()
    session.form = None
    watched = watch(session)
    assert watched.view.settings == {}
    assert watched.press("apply", values={}) == {}
    assert "belong to a script" in watched.view.sheet["message"]


def test_two_panels_show_the_same(watch, make_report):
    session = Session()
    one, two = watch(session), watch(session)
    session.at(state="done", run=1, report=make_report())
    for trait in ("sheet", "live", "settings", "spec_frontier", "data_frontier"):
        assert getattr(one.view, trait) == getattr(two.view, trait)
    one.close()
    session.at(state="running", run=2)
    assert two.view.sheet["state"] == "running"


def test_texts_go_to_the_page_as_they_are_and_into_html_escaped(watch, make_report):
    report = make_report(teacher=NASTY, missing_reasons=((NASTY, 3),))
    watched = watch(Session(state="failed", message=NASTY, report=report))
    assert watched.view.sheet["message"] == NASTY
    assert any(NASTY in line for line in watched.view.sheet["overview"]["lines"])
    html = watched.panel._still()._repr_mimebundle_()["text/html"]
    reader, text = read(html)
    assert "script" not in reader.tags
    assert NASTY in text
    assert reader.tags[0] == "div"
    assert f'data-tracer-static="{watched.view.static}"' in html


# --- figures --------------------------------------------------------------------------


@pytest.fixture
def analysed(found, hard_world):
    """The same, when its gaps were looked for and some rows were audited."""
    tracer = found.tracer
    ranked = np.sort(hard_world.X, axis=1)
    easy = ranked[:, 2] - ranked[:, 1] > 0.5
    frame = hard_world.frame.assign(**{NASTY: np.where(easy, NASTY, "no")})
    tracer.gaps(frame)
    tracer.audit(0.5)
    found.moment = replace(found.moment, findings=Lookout(tracer).findings())
    return found


@pytest.fixture
def found(hard_world):
    """A job that is done, with everything that there is to look at."""
    tracer = Tracer(
        hard_world.teach,
        hard_world.labels,
        target=0.8,
        features=hard_world.X,
        store=":memory:",
        labelling="random",
    )
    tracer.run(hard_world.frame["text"], sample=400, ask_teacher=False)
    session = Session(
        state="done", run=1, report=tracer.report, findings=Lookout(tracer).findings()
    )
    session.tracer = tracer
    return session


def test_every_chart_has_a_specification_without_data_and_its_data(watch, found):
    timeline = Timeline()
    for done in (10, 20, 30):
        timeline = timeline.after(replace(progress(done), seconds=float(done)))
    found.moment = replace(found.moment, timeline=timeline)
    view = watch(found).view
    names = ("frontier", "targets", "counts", "agreement", "confusion", "reliability", "rate")
    for name in (*names, "spending"):
        assert "datasets" not in getattr(view, f"spec_{name}")
        assert getattr(view, f"data_{name}")["about"]
    assert view.map == {}


def test_a_specification_does_not_depend_on_the_records(found, make_report, make_frontier):
    """It is worked out once for the process."""
    preview = Preview(30, 20, make_frontier(10), 0.9, 0.5)
    report = make_report()
    other = Moment(report=make_report(certificate=None, frontier=None))
    moments = [found.moment, replace(other, findings=Findings(preview=preview))]
    moments.append(replace(found.moment, report=report))
    specifications = {}
    for moment in moments:
        for name, source in sources(moment).items():
            specifications.setdefault(name, []).append(split(_DRAW[name](*source))[0])
    assert len(specifications["frontier"]) == 3
    for name, same in specifications.items():
        assert all(one == same[0] for one in same), name


def test_what_is_gone_is_taken_away(watch, found):
    watched = watch(found)
    assert watched.view.spec_confusion
    found.at(state="running", run=2)
    assert watched.view.spec_confusion == watched.view.data_confusion == {}


def test_targets_have_their_words(watch, found):
    targets = watch(found).view.targets
    assert targets["main"] == 0.8
    by_name = {choice["name"]: choice for choice in targets["choices"]}
    assert by_name["80 %"]["certified"]
    assert by_name["80 %"]["words"].startswith("Certified at 80 %: the surrogate answers")
    assert not by_name["95 %"]["certified"]
    assert by_name["95 %"]["words"].startswith("Estimate at 95 %, not certified: ")


def test_a_target_is_taken_over_as_a_setting(watch, found):
    watched = watch(found)
    assert watched.press("target", value=0.95) == {
        "line": Form.line,
        "aside": "aside of None",
        "problem": "",
    }
    assert found.form.applied == [{"target": "0.95"}]


def test_rows_behind_a_cell_a_bar_a_bin_and_a_point(watch, found):
    watched, confusion = watch(found), found.moment.findings.confusion
    i, j = next((i, j) for i, j in np.argwhere(confusion.counts).tolist() if i != j)
    rows = watched.press("rows", where={"cell": [i, j]}, offset=0)["rows"]
    assert rows["total"] == confusion.counts[i, j]
    one = rows["rows"][0]
    assert (one["teacher"], one["surrogate"]) == (confusion.labels[i], confusion.labels[j])
    assert one["status"] == "disagree"
    assert rows["title"].startswith(f"{rows['total']} row")
    assert f"teacher says {confusion.labels[i]}" in rows["title"]
    for where in ({"bar": 0}, {"bin": 0}, {"row": one["row"]}):
        rows = watched.press("rows", where=where, offset=0)["rows"]
        assert rows["total"] > 0
    assert [row["row"] for row in rows["rows"]] == [one["row"]]


def test_rows_by_label_status_and_text_a_page_at_a_time(watch, found):
    watched = watch(found)
    every = watched.press("rows", where={"search": " QUESTION 1"}, offset=0)["rows"]
    assert every["total"] == 111  # 1, 10 to 19, 100 to 199
    assert len(every["rows"]) == 20
    further = watched.press("rows", where={"search": " QUESTION 1"}, offset=20)["rows"]
    assert further["offset"] == 20
    assert not {r["row"] for r in every["rows"]} & {r["row"] for r in further["rows"]}
    where = {"teacher": "refund", "surrogate": "", "status": "disagree", "search": ""}
    rows = watched.press("rows", where=where, offset=0)["rows"]["rows"]
    assert {(row["teacher"], row["status"]) for row in rows} == {("refund", "disagree")}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"cell": [99, 99]}, "no longer there"),
        ({"cell": [-1, 0]}, "no longer there"),
        ({"cell": 3}, "open it again"),
        ({"slice": 0}, "no longer there"),  # they were not looked for yet
        ({"bar": "0"}, "open it again"),
        ({"teacher": ["refund"]}, "should be a name"),
        ({"teacher": NASTY}, "no label"),
        ({"status": "lost"}, "no status 'lost'"),
        ({"search": 3}, "searched for text"),
    ],
)
def test_rows_that_are_not_there_are_refused_with_words(watch, found, where, says):
    watched = watch(found)
    assert watched.press("rows", where=where, offset=0) == {}
    assert says in watched.view.sheet["message"]


def test_a_map_is_drawn_when_it_is_asked_for(watch, found):
    watched = watch(found)
    assert watched.press("map", method="pca") == {"map": {"empty": False}}
    points = watched.view.map
    parts = {name: points[name] for name in ("x", "y", "row", "status", "label")}
    assert {name: len(part) for name, part in parts.items()} == {
        "x": 1200,
        "y": 1200,
        "row": 2400,
        "status": 600,
        "label": 1200,
    }
    rows = np.frombuffer(points["row"], "<i4").tolist()
    known = found.map("pca")
    assert rows == known.rows.tolist()
    labels = np.frombuffer(points["label"], "<u2").tolist()
    assert [points["names"][i] for i in labels] == list(known.labels)
    x = np.frombuffer(points["x"], "<u2").astype(float)
    assert (x.min(), x.max()) == (0, 65_535)
    assert (np.argsort(x, kind="stable")[[0, -1]] == np.argsort(known.x)[[0, -1]]).all()
    assert watched.press("map", method="globe") == {}
    assert "no map 'globe'" in watched.view.sheet["message"]


def test_a_point_says_its_text_and_a_line_chooses_rows(watch, found):
    watched = watch(found)
    point = watched.press("point", row=17)["point"]
    assert (point["row"], point["text"]) == (
        17,
        found.rows(Selection(rows=(17,)), offset=0, limit=1).rows[0].text,
    )
    assert watched.press("point", row=10**6) == {"point": None}
    shown = watched.press("rows", where={"lasso": [3, 17, 40]}, offset=0)["rows"]
    assert [row["row"] for row in shown["rows"]] == [3, 17, 40]
    assert shown["title"] == "3 rows: inside the line on the map"
    for odd, says in (
        ("all", "may surround at most 10,000"),
        ([1] * 10_001, "10,000"),
        ([1.5], "place"),
        ([-1], "no longer there"),
    ):
        assert watched.press("rows", where={"lasso": odd}, offset=0) == {}
        assert says in watched.view.sheet["message"]


def test_a_row_is_relabelled_and_sent_to_review(watch, found):
    watched = watch(found)
    row = watched.press("rows", where={"status": "disagree"}, offset=0)["rows"]["rows"][0]
    place = {"row": row["row"]}
    done = watched.press("relabel", **place, label="refund", note="")["done"]
    assert done == {**place, "words": "Kept as a review: refund"}
    assert (row["text"], "refund") in found.tracer.reviews
    done = watched.press("review", **place)["done"]
    assert done == {**place, "words": "1 row waits in the review"}
    assert found.tracer.review(of="chosen").queue.items[0].text == row["text"]
    assert watched.press("relabel", **place, label="nonsense", note="") == {}
    assert "no label 'nonsense'" in watched.view.sheet["message"]


# --- a review --------------------------------------------------------------------------


def judge(watched, do, **said):
    """Press in the review as its page does."""
    said = {"do": do, "note": "", "step": watched.view.row["step"], **said}
    return watched.press("judge", said=said)


def test_a_review_is_opened_at_a_press_judged_in_the_panel_and_closed(watch, found):
    watched = watch(found)
    view, tracer = watched.view, found.tracer
    assert view.steps["review"] == "Review, 50 rows wait"
    assert view.review == view.row == {}
    watched.press("sit", opened=True)
    assert view.steps["review"] == "Close the review"
    labels = list(tracer.review().queue.labels)
    assert view.review == {"labels": labels, "several": False, "of": "mixed"}
    # As the line does it without options: the teacher's label is told after the answer only.
    queue = tracer.review().queue
    assert view.row["text"] == queue.items[0].text
    assert not any(entry["who"] for entry in view.row["shortlist"])
    judge(watched, "answer", label="refund", note="why not")
    judge(watched, "skip")
    judge(watched, "answer", step=1, label="refund")  # pressed twice
    assert [(text, label) for text, label in tracer.reviews] == [(queue.items[0].text, "refund")]
    assert (view.row["done"], view.row["text"]) == (2, queue.items[2].text)
    # What goes wrong is said beside the row.
    judge(watched, "answer", label="nonsense")
    assert "no label 'nonsense'" in view.row["message"]
    assert view.sheet["message"] == ""
    watched.press("sit", opened=True)  # it is open
    assert view.row["done"] == 2
    judge(watched, "finish")
    assert view.review == {}
    assert view.steps["review"] == "Review, 48 rows wait"
    watched.press("sit", opened=True)
    assert view.row["done"] == 2  # it goes on where it stopped
    watched.press("sit", opened=False)
    assert view.review == {}
    judge(watched, "skip")  # a press that came too late
    assert len(tracer.review().reviews) == 2


def test_rows_that_are_sent_to_a_review_are_judged_at_once(watch, found):
    watched, tracer = watch(found), found.tracer
    view, done = watched.view, found.moment
    rows = watched.press("rows", where={"status": "disagree"}, offset=0)["rows"]["rows"]
    one, two = (row for row in rows[:2])
    watched.press("sit", opened=True)
    assert watched.press("review", row=one["row"])["done"]["words"] == "1 row waits in the review"
    assert (view.review["of"], view.row["text"], view.row["total"]) == ("chosen", one["text"], 1)
    assert view.steps["review"] == "Review, 50 rows wait"  # it gave way, and is offered
    judge(watched, "answer", label="refund")
    words = watched.press("review", row=two["row"])["done"]["words"]
    assert words == "2 rows wait in the review"
    assert (view.row["text"], view.row["done"], view.row["total"]) == (two["text"], 1, 2)
    assert (one["text"], "refund") in tracer.reviews
    watched.press("sit", opened=True)  # the other one, in its place
    assert (view.review["of"], view.steps["review"]) == ("mixed", "Close the review")
    # While the job runs rows are put aside, and nothing is opened.
    found.at(state="running", run=2, report=done.report, findings=done.findings)
    words = watched.press("review", row=one["row"])["done"]["words"]
    assert (words, view.review) == ("2 rows wait for the end of the run", {})


def test_a_review_ends_with_the_run_that_it_is_about(watch, found):
    watched, done = watch(found), found.moment
    watched.press("sit", opened=True)
    found.at(state="running", run=2, report=done.report, findings=done.findings)
    assert (watched.view.review, watched.view.steps["review"]) == ({}, "")
    found.at(state="done", run=2, report=done.report, findings=replace(done.findings, review=0))
    assert watched.view.steps["review"] == "Review, no row waits"


def test_a_review_ends_where_other_settings_make_another_job(watch, found):
    watched = watch(found)
    watched.press("sit", opened=True)
    found.at(run=found.moment.run)  # as a session prepares a job
    assert (watched.view.review, watched.view.steps["review"]) == ({}, "")


def test_no_review_is_offered_where_it_would_be_refused(watch, found):
    assert Tracer({"a": "x", "b": "y"}, store=":memory:").known_review is None
    watched, done = watch(found), found.moment
    found.at(state="done", run=1, report=done.report, findings=replace(done.findings, review=None))
    steps = watched.view.steps
    assert (steps["review"], steps["save"]) == ("", True)
    assert not [line for line in steps["lines"] if "review" in line["line"]]
    # Rows that are labelled can be judged, whether something is certified or not.
    report = replace(done.report, certificate=None)
    found.at(state="done", run=1, report=report, findings=done.findings)
    steps = watched.view.steps
    assert (steps["review"], steps["save"]) == ("Review, 50 rows wait", False)
    assert [line["line"] for line in steps["lines"]] == ["%tracer review --name one"]
    found.review = lambda _: found.tracer.review(of="disputes")
    watched.press("sit", opened=True)
    assert "no order of review 'disputes'" in watched.view.sheet["message"]
    assert watched.view.review == {}


# --- gaps and audits -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "open"),
        ({"analysing": True}, "underway"),
        ({"unexplained": NASTY}, "failed"),
        ({"state": "running"}, "later"),
        ({"findings": Findings()}, "none"),
    ],
)
def test_gaps_are_looked_for_when_the_page_asks(watch, found, changes, state):
    found.moment = replace(found.moment, **changes)
    watched = watch(found)
    gaps = watched.view.gaps
    assert (gaps["state"], gaps["lines"], gaps["tables"]) == (state, [], {})
    if state == "failed":
        assert gaps["words"] == NASTY
    assert watched.view.spec_slices == watched.view.spec_lost == {}
    assert watched.press("gaps") == {}
    assert found.pressed == ["gaps"]


def test_gaps_are_sentences_charts_and_tables(watch, analysed):
    view = watch(analysed).view
    gaps = analysed.moment.findings.gaps
    assert view.gaps["state"] == "found"
    assert view.gaps["lines"][0].startswith("Surrogate and teacher agree on ")
    assert 1 <= len(view.gaps["first"]) <= 3
    i, j = view.gaps["first"][0]["where"]["cell"]
    assert analysed.moment.findings.confusion.counts[i, j] > 0
    assert view.gaps["lost"][0].startswith("At the target of 80 %")
    assert not set(view.gaps["lost"]) & set(view.gaps["lines"])
    assert len(view.data_lost["parts"]) == 4
    assert len(view.data_slices["slices"]) == len(gaps.slices) > 0
    tables = view.gaps["tables"]
    assert [row["where"] for row in tables["slices"]["rows"]] == [
        {"slice": i} for i in range(len(gaps.slices))
    ]
    sides = [row for pair in gaps.pairs for row in pair.rows]
    assert [row["where"] for row in tables["pairs"]["rows"]] == [{"row": row} for row in sides]
    assert [row["where"] for row in tables["suspects"]["rows"]] == [
        {"row": suspect.row} for suspect in gaps.suspects
    ]
    for table in tables.values():
        assert all(len(row["cells"]) == len(table["head"]) for row in table["rows"])


def test_rows_behind_a_slice(watch, analysed):
    watched, gaps = watch(analysed), analysed.moment.findings.gaps
    i = next(i for i, s in enumerate(gaps.slices) if s.name == f"{NASTY} = no")
    rows = watched.press("rows", where={"slice": i}, offset=0)["rows"]
    assert rows["total"] == gaps.slices[i].n_rows
    assert f"column: {NASTY} = no" in rows["title"]
    assert watched.press("rows", where={"slice": 99}, offset=0) == {}
    assert "no longer there" in watched.view.sheet["message"]


def test_a_row_of_a_table_is_sent_to_review(watch, analysed):
    watched = watch(analysed)
    where = watched.view.gaps["tables"]["suspects"]["rows"][0]["where"]
    done = watched.press("review", **where)["done"]
    assert done["words"] == "1 row waits in the review"


def test_before_any_audit_the_panel_says_how_to_audit(watch, found):
    watched = watch(found)
    audits = watched.view.audits
    assert audits["state"] == "open"
    assert audits["lines"][0].startswith("No text is audited yet, of ")
    assert audits["line"] == "%tracer audit --rate 0.05 --max-rows 200 --name one"
    assert watched.view.spec_watch == {}
    found.at(state="done", run=2)
    assert watched.view.audits["state"] == "none"
    assert watched.view.audits["line"] == ""
    found.form = None
    found.at(state="done", run=1, findings=Lookout(found.tracer).findings())
    assert eval(watched.view.audits["line"], {"tracer": found.tracer}).n_audits > 0


def test_audits_are_a_chart_and_say_whether_the_promise_holds(watch, analysed):
    watched, found = watch(analysed), analysed.moment.findings
    view = watched.view
    assert view.audits["state"] == "holds"
    assert any(line.startswith("Calm: ") for line in view.audits["lines"])
    assert view.data_watch["audits"][-1]["n"] == found.watch.n_audits
    broken = replace(found.watch, is_broken=True, alarm_at=7)
    analysed.at(state="done", run=1, findings=replace(found, watch=broken))
    assert view.audits["state"] == "alarm"
    assert any(line.startswith("Alarm after 7 audits") for line in view.audits["lines"])
    assert view.data_watch["alarm"] == [{"n": 7, "text": "alarm"}]


def test_no_audit_is_offered_of_what_audits_do_not_watch(watch, found):
    watched, report = watch(found), found.moment.report
    other = replace(report.certificate, promise=PromiseName("recall", "urgent"))
    findings = replace(found.moment.findings, watch=None)
    found.at(state="done", run=1, report=replace(report, certificate=other), findings=findings)
    assert watched.view.audits["button"] == watched.view.audits["line"] == ""
    assert watched.view.audits["lines"][0].startswith(
        "Audits watch agreement on handled rows, and recall of urgent is promised here; to test it"
    )


def test_an_update_has_its_price_and_says_what_came_of_it(watch, found):
    watched, findings = watch(found), found.moment.findings
    plan = UpdatePlan(
        *(312, 312, 90, 40),
        cost=0.4,
        target=0.9,
        delta=0.01,
        chance=0.6,
    )
    for change, words in (
        ({}, "Update with 312 more answers, ask about 40 texts, about $0.40"),
        ({"cost": None}, "Update with 312 more answers, ask about 40 texts"),
        ({"n_ask": 0}, "Update with 312 more answers, nobody is asked"),
        ({"n_new": 12}, "Update with 12 more answers, ask about 40 texts, about $0.40"),
    ):
        now = replace(findings, update=replace(plan, **change))
        found.at(state="done", run=1, report=found.moment.report, findings=now)
        assert watched.view.steps["update"] == words
        assert len(watched.view.steps["lines"]) == 2
    assert watched.view.steps["plan"][0].startswith("Update: fits on")
    # With nothing new to learn from it is not offered: the line says what the last one would give.
    none = replace(findings, update=replace(plan, n_new=0))
    found.at(state="done", run=1, report=found.moment.report, findings=none)
    steps = watched.view.steps
    assert (steps["update"], steps["plan"], len(steps["lines"])) == ("", [], 1)
    found.at(state="done", run=1, report=found.moment.report, findings=now)
    watched.press("update")
    assert found.pressed == ["update"]
    found.at(
        state="done",
        run=2,
        report=found.moment.report,
        findings=replace(findings, update=None),
        updated=found.tracer.update(max_rows=0),
    )
    assert (watched.view.steps["update"], watched.view.steps["plan"]) == ("", [])
    assert [line["line"] for line in watched.view.steps["lines"]] == ["%tracer review --name one"]
    assert "the router is as it was" in watched.view.steps["told"][0]


def test_the_other_certificate_is_offered_with_what_the_choice_rests_on(watch, found):
    watched, done = watch(found), found.moment
    assert (watched.view.steps["back"], watched.view.steps["other"]) == ("", "")
    now = replace(done.report.certificate, n_rounds=2, earlier=0.04, confidence=0.95)
    other = replace(now, certified=True, target=0.9, n_population_handled=512)
    findings = replace(done.findings, earlier=other)
    report = replace(done.report, certificate=now)
    found.at(state="done", run=1, report=report, findings=findings)
    assert watched.view.steps["back"] == "Use the other certificate, nobody is asked"
    said = watched.view.steps["other"]
    assert "90 % on 512 rows of the column, tested at 95 % confidence" in said
    assert "covered by neither alone" in said
    assert "hold at once with 91 % confidence" in said
    watched.press("back")
    assert found.pressed == ["back"]
    found.at(state="running", run=2, report=report, findings=findings)
    assert watched.view.steps["back"] == ""


def test_cells_that_may_run_as_formulas_are_counted(watch, found, monkeypatch):
    watched = watch(found)
    monkeypatch.setattr(found, "write_rows", lambda kind: (f"routed.{kind}", 2))
    assert watched.press("export", kind="csv")["written"] == (
        "All rows with their labels are in routed.csv. A spreadsheet may run 2 cells of it as "
        "formulas."
    )


def test_an_audit_has_its_price_and_files_their_names(watch, analysed):
    watched = watch(analysed)
    watch_now, bill = analysed.moment.findings.watch, analysed.moment.findings.bill
    n = min(round(0.05 * watch_now.n_handled), 200)
    priced = replace(analysed.moment.findings, bill=replace(bill, price=0.01))
    analysed.at(state="done", run=1, report=analysed.moment.report, findings=priced)
    assert watched.view.audits["button"] == f"Audit about {n} texts, about ${0.01 * n:.2f}"
    watched.press("audit")
    watched.press("audit", run=7)  # of another run: nothing is asked for
    # A draw at the same rate would find the same texts.
    rate = watch_now.n_audits / watch_now.n_handled + 0.05
    assert analysed.pressed == [("audit", pytest.approx(rate), 200)]
    assert watched.press("save") == {
        "written": "Router, certificate and features are in router.tracer."
    }
    for kind, says in (("exe", "no kind of file 'exe'"), ("csv", "stands in no frame")):
        assert watched.press("export", kind=kind) == {}
        assert says in watched.view.sheet["message"]
    analysed.at(state="running", run=2)
    assert (watched.view.audits["button"], watched.view.steps["save"]) == ("", False)


def test_a_start_says_what_it_does_and_a_pause_can_be_stopped(watch):
    watched = watch(Session(state="running", run=1, ending="paused"))
    assert watched.view.sheet["actions"] == ["stop"]
    watched.session.at(state="running", run=1, ending="stopped")
    assert watched.view.sheet["actions"] == []
    watched.session.at(state="stopped", run=1, caps=Caps(max_cost=4.0))
    assert watched.view.sheet["start"] == (
        "Resume asks what is left, never above $4.00 in all; stored answers cost nothing."
    )
    watched.session.at(state="done", run=1)
    assert watched.view.sheet["start"].startswith("Runs the job again")


def test_gaps_weigh_little_however_long_the_texts(watch, analysed):
    found = analysed.moment.findings
    long = "\ud83d" + 100_000 * "ж "
    suspect, pair = found.gaps.suspects[0], found.gaps.pairs[0]
    one = replace(found.gaps.slices[0], name=long[1:])
    gaps = replace(
        found.gaps,
        slices=(one,) * 20,
        suspects=(replace(suspect, text=long, teacher=long),) * 70,
        pairs=(replace(pair, texts=(long, long)),) * 70,
    )
    watched = watch(analysed)
    watched.take()
    analysed.at(state="done", run=1, findings=replace(found, gaps=gaps))
    (update,) = [m for m in watched.take() if "gaps" in m.get("state", {})]
    assert len(json.dumps(update, ensure_ascii=False).encode()) < 120_000
    rows = update["state"]["gaps"]["tables"]["suspects"]["rows"]
    assert len(rows) == 50
    assert rows[0]["cells"][1].startswith("?ж ж")
    # What did not change is not sent again.
    analysed.at(state="done", run=1, findings=replace(found, gaps=gaps))
    assert watched.take() == []


# --- what is sent ---------------------------------------------------------------------


def sizes(messages):
    return [len(json.dumps(message)) for message in messages]


def test_an_update_weighs_little_and_holds_what_changed(watch, make_report, make_frontier):
    """Bytes of one message to the page: 4 a second are sent at most."""
    report = make_report(frontier=make_frontier(100, n_rows=10**7))
    session = Session(state="running", run=1, report=report)
    watched = watch(session)
    session.at(state="running", run=1, report=report, progress=progress(1, 10**7))
    watched.take()
    session.at(state="running", run=1, report=report, progress=progress(10**6, 10**7))
    (update,) = watched.take()
    assert set(update["state"]) == {"live"}
    assert len(json.dumps(update)) < 1_500
    # A new step: sentences and a curve, whatever the number of rows.
    session.at(state="done", run=1, report=make_report(frontier=make_frontier(90, n_rows=10**7)))
    (update,) = watched.take()
    assert set(update["state"]) == {"live", "sheet", "steps", "data_frontier"}
    assert len(json.dumps(update)) < 30_000


def test_the_course_of_a_run_is_sent_once_a_second_and_is_bounded(watch, monkeypatch):
    timeline = Timeline(max_cost=10.0)
    for done in range(1, 500):
        timeline = timeline.after(replace(progress(done, 10**6), seconds=done / 7))
    later = timeline.after(replace(progress(600, 10**6), seconds=600 / 7))
    clock = [0.0]
    monkeypatch.setattr("tracer_nb.widgets.panel.panel.time.monotonic", lambda: clock[0])
    session = Session(state="running", run=1, timeline=timeline)
    clock[0] = 10.0
    watched = watch(session)
    clock[0] = 10.5
    session.at(state="running", run=1, timeline=later)
    assert watched.take() == []
    clock[0] = 11.5
    session.at(state="running", run=1, timeline=later)
    (update,) = watched.take()
    assert set(update["state"]) == {"data_spending", "data_rate"}
    assert len(json.dumps(update)) < 25_000
    # The end of a run waits for nothing.
    session.at(state="done", run=1, timeline=timeline)
    assert any("data_rate" in message["state"] for message in watched.take())


def test_a_picture_that_did_not_change_is_not_sent(watch, found):
    watched = watch(found)
    found.at(**{f.name: getattr(found.moment, f.name) for f in fields(Moment)})
    assert watched.take() == []


def test_nobody_looks_and_nothing_is_sent(watch):
    session = Session(state="running", run=1)
    watched = watch(session)
    watched.press("hello", viewer="a")
    watched.press("hello", viewer="b")
    watched.press("bye", viewer="a")
    session.at(state="running", run=1, progress=progress(1))
    assert len(watched.take()) == 1
    watched.press("bye", viewer="b")
    session.at(state="running", run=1, progress=progress(2))
    assert watched.take() == []
    # Somebody comes back, and finds it as it is now.
    watched.press("hello", viewer="c")
    assert watched.view.live["line"].startswith("Labelling: 2 of")


def test_a_closed_panel_watches_no_more(watch):
    session = Session()
    watched = watch(session)
    watched.close()
    assert session.followers == []
    assert watched.view.comm is None
