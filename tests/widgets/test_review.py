"""The review panel by its messages and traits: no browser."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tracer_nb.errors import InvalidInput, StoreError
from tracer_nb.labelsets import LabelSets, sets_of
from tracer_nb.records import (
    Disputes,
    Review,
    ReviewItem,
    ReviewQueue,
    ReviewState,
    TeacherAccuracy,
)
from tracer_nb.widgets import ReviewPanel
from tracer_nb.widgets.panel import view
from tracer_nb.widgets.panel.view import ReviewView
from tracer_nb.words import review_line, review_lines

from .reader import NASTY, read

LABELS = ("login", "parcel", "refund")


class Reviewing:
    """As tracer_nb.steps.review.sitting has it, as far as a panel can tell; it may be told to fail."""

    def __init__(self, texts=("one", "two", NASTY), *, blind=True, why="", labels=LABELS):
        named = ("parcel", "refund")
        if labels is not LABELS:
            named = ('["login", "parcel"]', '["parcel"]')
        items = tuple(
            ReviewItem(*(text, i, "random", "Why not.", *named, 0.5, LABELS), explanation=why)
            for i, text in enumerate(texts)
        )
        self.queue = ReviewQueue(items, (0, 1, 2), {}, labels, "a model", "the surrogate")
        self.teacher = "a model"
        self.blind = blind
        self.said = []
        self.back = None
        self.error = None

    def _do(self, review):
        if self.error:
            raise self.error
        self.said.append(review)
        self.back = None

    def answer(self, label, note=""):
        assert isinstance(note, str)
        if isinstance(label, list) and sets_of(self.queue.labels):
            label = self.queue.labels.spelled(label)
        elif label not in LABELS:
            raise InvalidInput.unknown_name("label", str(label), LABELS)
        self._do(Review(self.queue.items[len(self.said)].text, label, note))

    def skip(self, note=""):
        self._do(Review(self.queue.items[len(self.said)].text, None, note))

    def undo(self):
        if self.error:
            raise self.error
        self.back = self.said.pop()

    @property
    def state(self):
        n = len(self.said)
        return ReviewState(
            item=self.queue.items[n] if n < len(self.queue.items) else None,
            n_done=n,
            n_skipped=sum(r.label is None for r in self.said),
            n_total=len(self.queue.items),
            accuracy=TeacherAccuracy(n, 0, 0, 0, 0.0, 0.0, 0.9, 0.95),
            disputes=Disputes(0, 0, 0),
            last=(self.queue.items[n - 1], self.said[-1]) if n else None,
            taken_back=self.back,
            teacher=self.teacher,
            other="the surrogate",
            blind=self.blind,
        )


@pytest.fixture
def make():
    made = []

    def build(**options):
        made.append(ReviewPanel(Reviewing(**options)))
        return made[-1]

    yield build
    for panel in made:
        panel.close()


@pytest.fixture
def panel(make):
    return make()


def press(panel, do, **what):
    """As the page does."""
    step = what.pop("step", panel.view.row["step"])
    panel.view._handle_custom_msg({"do": do, "step": step, "note": "", **what}, [])


def test_an_explanation_is_shown_with_the_label_that_it_gives_away(make):
    line = f"Teacher's explanation: {NASTY}"
    blind, open_ = make(why=NASTY), make(why=NASTY, blind=False)
    assert (blind.view.row["explanation"], open_.view.row["explanation"]) == ("", line)
    press(blind, "answer", label="login")
    assert blind.view.row["last"].endswith(line)
    assert NASTY not in blind.html()
    assert make().view.row["explanation"] == ""


def test_it_starts_with_the_first_row(panel):
    row = panel.view.row
    assert panel.view.labels == list(LABELS)
    assert (row["text"], row["why"]) == ("one", "Row 0. Why not.")
    assert [entry["label"] for entry in row["shortlist"]] == list(LABELS)
    assert (row["done"], row["total"], row["over"], row["undo"]) == (0, 3, False, False)
    assert row["message"] == row["last"] == row["note"] == ""
    assert row["line"] == "0 of 3 · no random row judged yet"


def test_several_labels_a_row_are_turned_on_and_off_and_answer_as_a_set(make):
    blind, open_ = make(labels=LabelSets(LABELS)), make(labels=LabelSets(LABELS), blind=False)
    assert blind.view.several
    assert open_.view.labels == list(LABELS)
    assert (blind.view.row["chosen"], open_.view.row["chosen"]) == ([], ["login", "parcel"])
    marked = {each["label"]: each["who"] for each in open_.view.row["shortlist"]}
    assert marked == {"login": "a model", "parcel": "a model, the surrogate", "refund": ""}
    assert {each["who"] for each in blind.view.row["shortlist"]} == {""}
    press(blind, "answer", label=["refund", "login"])
    press(blind, "answer", label=[])
    assert [review.label for review in blind._review.said] == ['["login", "refund"]', "[]"]
    press(blind, "undo")
    press(blind, "undo")
    assert blind.view.row["chosen"] == ["login", "refund"]


def test_one_label_a_row_is_chosen_at_once(panel):
    assert not panel.view.several
    assert panel.view.row["chosen"] == []


def test_answers_notes_and_skips_are_passed_on(panel):
    press(panel, "answer", label="refund", note="hm")
    press(panel, "skip", note="both")
    assert panel._review.said == [Review("one", "refund", "hm"), Review("two", None, "both")]
    row = panel.view.row
    assert row["text"] == NASTY  # as text: the page never makes HTML of it
    assert row["undo"]
    assert row["last"] == "Skipped; a model said parcel; the surrogate said refund."
    press(panel, "undo")
    assert panel.view.row["text"] == "two"
    assert panel.view.row["note"] == "both"
    assert panel.view.row["last"].startswith("Taken back: you had skipped it.")


def test_at_the_end_the_summary_is_shown_and_undo_goes_on(panel):
    for _ in range(3):
        press(panel, "answer", label="parcel")
    row = panel.view.row
    assert row["over"]
    assert row["text"] == "\n".join(review_lines(panel._review.state))
    assert row["shortlist"] == []
    press(panel, "undo")
    assert not panel.view.row["over"]


def test_blind_no_label_is_marked_and_open_all_are(make):
    blind = json.dumps(make().view.row)
    assert "a model" not in blind
    assert {entry["who"] for entry in make().view.row["shortlist"]} == {""}
    marked = {e["label"]: e["who"] for e in make(blind=False).view.row["shortlist"]}
    assert marked == {"login": "", "parcel": "a model", "refund": "the surrogate"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"do": "answer", "label": "rfund"}, "no label 'rfund'; did you mean 'refund'?"),
        ({"do": "answer", "label": None}, "no label 'None'"),
        ({"do": "answer", "label": ["refund"]}, "no label"),
        ({"do": "answer"}, "no label 'None'"),
        ({"do": "delete"}, "no step of a review 'delete'; there are: answer, skip, undo, finish"),
        ({"do": ["skip"]}, "no step of a review"),
        ({}, "no step of a review 'None'"),
        ("skip", "'skip', which is no message"),
        (None, "None, which is no message"),
    ],
)
def test_what_is_no_message_is_said_in_the_panel_and_changes_nothing(panel, content, says):
    if isinstance(content, dict):
        content = {"step": panel.view.row["step"], **content}
    panel.view._handle_custom_msg(content, [])
    assert says in panel.view.row["message"]
    assert panel._review.said == []
    press(panel, "answer", label="refund")
    assert panel.view.row["message"] == ""
    assert len(panel._review.said) == 1


def test_a_key_pressed_twice_answers_one_row(panel):
    step = panel.view.row["step"]
    press(panel, "answer", label="refund", step=step)
    for stale in (step, step + 5, None, "1"):
        press(panel, "answer", label="refund", step=stale)
    assert len(panel._review.said) == 1


@pytest.mark.parametrize("do", ["answer", "skip", "undo"])
def test_an_error_of_the_store_is_shown_and_does_not_advance(panel, do):
    press(panel, "skip")
    panel._review.error = StoreError("cannot write the label store (database is locked); wait")
    press(panel, do, label="refund", note="kept on the page")
    row = panel.view.row
    assert row["message"].startswith("cannot write the label store")
    assert row["text"] == "two"
    panel._review.error = None
    press(panel, do, label="refund")
    assert panel.view.row["message"] == ""
    assert panel.view.row["text"] == ("one" if do == "undo" else NASTY)


def test_a_bug_is_shown_too_and_keeps_its_traceback(panel):
    panel._review.error = RuntimeError("ours to fix")
    with pytest.raises(RuntimeError):
        panel._receive(panel.view, {"do": "skip", "step": panel.view.row["step"]}, [])
    assert panel.view.row["message"] == "RuntimeError: ours to fix. The row stays as it was."


def test_the_summary_is_html_without_a_script_and_with_every_text_escaped(panel):
    panel._review.teacher = NASTY
    press(panel, "skip")
    html = panel.html()
    reader, text = read(html)
    assert "script" not in reader.tags
    assert text.startswith("1 of 3 rows reviewed, 1 of them skipped.")
    assert f"{NASTY} gave your label on" in text
    assert panel._repr_mimebundle_()["text/plain"] == repr(panel)
    assert panel.view.summary in html


class Handle:
    def __init__(self):
        self.updates = []

    def update(self, what, **options):
        self.updates.append((what, options))


def test_the_summary_below_is_kept_up_to_date_and_outlives_the_panel(panel):
    import ipywidgets

    panel._handle, panel._summary = Handle(), Handle()
    parts = {panel.view.model_id, panel.view.layout.model_id}
    press(panel, "skip")
    assert panel._summary.updates == [(panel, {})]
    press(panel, "wrong")
    assert len(panel._summary.updates) == 1
    press(panel, "finish")
    assert panel._handle.updates == [({"text/plain": ""}, {"raw": True})]
    assert len(panel._summary.updates) == 2
    assert "1 of 3 rows reviewed, 1 of them skipped." in panel.html()
    assert not parts & set(ipywidgets.Widget.get_manager_state()["state"])


def test_a_terminal_gets_the_summary(bare_shell, panel):
    panel.show()
    assert bare_shell._capsys.readouterr().out.startswith("0 of 3 rows reviewed.\n")


def test_in_a_notebook_the_summary_comes_first_and_then_the_panel(bare_shell, panel, monkeypatch):
    monkeypatch.setattr(bare_shell.ip, "kernel", object(), raising=False)
    panel.show()
    out = bare_shell._capsys.readouterr().out
    assert out.startswith("0 of 3 rows reviewed.\n")
    assert out.endswith("The review panel needs a running kernel; run the cell again to go on.\n")


def test_half_a_surrogate_pair_can_be_sent(make):
    panel = make(texts=("a\ud800b", "two", "three"))
    assert panel.view.row["text"] == "a?b"
    json.dumps(panel.view.row).encode()


def test_a_text_with_cells_is_shown_as_people_read_it(make):
    panel = make(texts=('{"text": "it broke"}',))
    (item,) = panel._review.queue.items
    panel._review.queue = replace(panel._review.queue, items=(replace(item, shown="it broke\n"),))
    press(panel, "skip")
    press(panel, "undo")
    assert panel.view.row["text"] == "it broke\n"


def test_the_script_makes_no_html_of_texts_and_loads_nothing():
    for source in (ReviewView._esm, ReviewView._css):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|eval\(|https?:|url\(|@import", source
        )
    assert "export default" in ReviewView._esm
    # Every step that it sends is known, and every part of the row that it reads is sent.
    source = (Path(view.__file__).parents[1] / "src" / "review.js").read_text(encoding="utf-8")
    sent = set(re.findall(r'do: "(\w+)"', source))
    assert sent == {"answer", "skip", "undo", "finish"}
    panel = ReviewPanel(Reviewing())
    assert set(re.findall(r"\brow\.(\w+)", source)) <= set(panel.view.row)
    panel.close()


def test_the_line_has_what_the_state_has(panel):
    press(panel, "skip")
    assert panel.view.row["line"] == review_line(panel._review.state)
