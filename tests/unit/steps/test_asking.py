import math

import numpy as np
import pytest

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records import Caps
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.costs import make_caps
from tracer_nb.teachers import FunctionTeacher, ReplayTeacher

LABELS = ("a", "b")


class Teaching:
    """Says "a" and counts; fails on texts in ``bad``."""

    def __init__(self, bad=()):
        self.bad = set(bad)
        self.asked = []

    def say(self, text):
        self.asked.append(text)
        if text in self.bad:
            raise OSError("no line")
        return "a"


def asker(teaching, store, cost=0.5):
    return Asker(FunctionTeacher(teaching.say, LABELS, name="t", concurrency=1, cost=cost), store)


def ask(one, texts, **caps):
    one.ask(texts, caps=make_caps(**caps), on_progress=None, step="label")


@pytest.mark.parametrize("cost", [0, 4, 0.5, np.float32(0.5), np.int64(3)])
def test_a_cap_is_dollars(cost):
    cap = make_caps(max_cost=cost).max_cost
    assert (cap, type(cap)) == (cost, float)


@pytest.mark.parametrize("name", ["max_tokens", "max_rows"])
@pytest.mark.parametrize("number", [0, 4, 50_000.0, np.float32(8), np.int64(3)])
def test_a_cap_is_a_whole_number(name, number):
    cap = getattr(make_caps(**{name: number}), name)
    assert (cap, type(cap)) == (number, int)


def test_no_cap():
    assert make_caps() == make_caps(math.inf, math.inf, math.inf) == Caps(None, None, None)


@pytest.mark.parametrize("cap", [-1, math.nan, True, "4", [4], -math.inf])
def test_what_is_no_cap_is_refused(cap):
    with pytest.raises(InvalidInput, match="max_cost must be dollars, 0 or more, got"):
        make_caps(max_cost=cap)
    for name in ("max_tokens", "max_rows"):
        with pytest.raises(InvalidInput, match=f"{name} must be a whole number, 0 or more, got"):
            make_caps(**{name: cap})


def test_half_a_row_is_no_cap():
    with pytest.raises(InvalidInput, match=r"max_rows must be a whole number, 0 or more, got 2.5"):
        make_caps(max_rows=2.5)


def test_answers_are_remembered_and_stored(tmp_path):
    teaching = Teaching()
    first = asker(teaching, tmp_path / "s.sqlite")
    ask(first, ["p", "q"])
    ask(first, ["q", "r"])
    assert teaching.asked == ["p", "q", "r"]
    assert set(first.known(["p", "q", "z"])) == {"p", "q"}
    assert (first.spending.asked, first.spending.reused, first.spending.cost) == (3, 1, 1.5)

    second = asker(teaching, tmp_path / "s.sqlite")
    assert second.answers == {}
    assert {t: a.label for t, a in second.known(["p", "z"]).items()} == {"p": "a"}
    ask(second, ["p", "q", "r"])
    assert teaching.asked == ["p", "q", "r"]
    assert (second.spending.asked, second.spending.reused, second.spending.cost) == (0, 3, 0)


def test_without_a_store_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = asker(Teaching(), ":memory:")
    ask(one, ["p"])
    assert one.known(["p"])["p"].label == "a"
    replay = Asker(ReplayTeacher({"p": "a", "q": "b"}), None)
    ask(replay, ["p"])
    assert replay.known(["p"])["p"].label == "a"
    assert list(tmp_path.iterdir()) == []


def test_the_default_store_is_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ask(asker(Teaching(), None), ["p"])
    assert (tmp_path / ".tracer_nb" / "labels.sqlite").exists()


def test_failures_are_not_stored_and_are_asked_again(tmp_path):
    teaching = Teaching(bad=["p"])
    ask(asker(teaching, tmp_path / "s.sqlite"), ["p", "q"])
    again = asker(teaching, tmp_path / "s.sqlite")
    assert set(again.known(["p", "q"])) == {"q"}
    teaching.bad.clear()
    ask(again, ["p", "q"])
    assert teaching.asked == ["p", "q", "p"]
    assert again.answers["p"].label == "a"


@pytest.mark.parametrize("store", ["s.sqlite", ":memory:"])
def test_what_is_remembered_is_not_asked_again(tmp_path, store):
    teaching = Teaching(bad=["q"])
    one = asker(teaching, store if store == ":memory:" else tmp_path / store)
    ask(one, ["p", "q"])
    one.begin()
    ask(one, ["p", "q", "r"])
    assert teaching.asked == ["p", "q", "q", "r"]
    assert (one.spending.asked, one.spending.reused, one.spending.missing) == (2, 1, 1)
    assert set(one.answers) == {"p", "q", "r"}


def test_a_new_job_counts_money_anew_and_keeps_answers():
    one = asker(Teaching(), ":memory:")
    ask(one, ["p", "q"], max_cost=0.5)
    assert (one.spending.asked, one.spending.cost) == (1, 0.5)
    assert "cost cap of $0.50" in one.stopped
    one.begin()
    assert (one.spending.asked, one.spending.cost, one.stopped) == (0, 0, None)
    assert set(one.known(["p", "q"])) == {"p"}


def test_a_stop_belongs_to_its_step():
    one = asker(Teaching(), ":memory:")
    ask(one, ["p", "q"], max_cost=0.5)
    one.stop("deferred", "interrupted")
    assert "cost cap" in one.stopped
    ask(one, ["q"])
    assert one.stopped == "interrupted"
    one.stop("deferred", None)
    assert one.stopped is None


def test_an_unknown_cost_makes_the_sum_unknown():
    one = asker(Teaching(), ":memory:", cost=None)
    ask(one, ["p"])
    assert one.spending.cost is None


def test_a_teacher_that_breaks_down_keeps_what_it_said(tmp_path):
    class Breaking(Teaching):
        def say(self, text):
            super().say(text)
            if len(self.asked) == 3:
                raise TeacherError("the key was withdrawn")
            return "a"

    one = asker(Breaking(), tmp_path / "s.sqlite")
    ask(one, list("pqrst"))
    assert one.stopped == "the key was withdrawn"
    assert set(one.answers) == {"p", "q"}
    assert set(asker(Teaching(), tmp_path / "s.sqlite").known(list("pqrst"))) <= {"p", "q"}
