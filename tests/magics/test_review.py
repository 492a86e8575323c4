"""``%tracer review`` as users type it."""

import csv
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter

from tracer_nb.widgets import review

JOB = " --teacher teach --labelling random --labels intents --features X --surrogate logistic --sample 150"


@pytest.fixture
def panels(monkeypatch, shell):
    """The panels that lines open, as in a notebook."""
    made = []

    class Recorded(review.ReviewPanel):
        def __init__(self, reviewing):
            super().__init__(reviewing)
            made.append(self)

    monkeypatch.setattr("tracer_nb.widgets.ReviewPanel", Recorded)
    monkeypatch.setattr(shell.ip, "kernel", object(), raising=False)
    yield made
    for panel in made:
        panel.close()


def press(panel, do, **what):
    panel.view._handle_custom_msg(
        {"do": do, "step": panel.view.row["step"], "note": "", **what}, []
    )


def test_a_review_is_answered_in_the_panel_and_goes_on_in_the_next(shell, world, panels):
    shell.run(f"%tracer label df.text{JOB}")
    shell.run("%tracer review --rows 4 --of random")
    (panel,) = panels
    for _ in range(3):
        press(panel, "answer", label=world.truth[panel.view.row["text"]])
    press(panel, "answer", label="wrong")
    assert "no label 'wrong'" in panel.view.row["message"]
    shell.run("%tracer review --rows 4 --of random")
    assert (
        panels[1].view.row["line"]
        == "3 of 4 · teacher right 3 of 3 random rows: 100 % (29 to 100 %)"
    )
    press(panels[1], "undo")
    assert panels[1].view.row["done"] == 2
    press(panels[1], "skip", note="hm")
    press(panels[1], "finish")
    out = shell.run("%tracer review reviews.csv")
    assert out == "3 reviews written to reviews.csv.\n"
    with Path("reviews.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["note"] for row in rows] == ["", "", "hm"]
    assert [row["teacher_label"] for row in rows] == [world.truth[row["text"]] for row in rows]


def test_without_options_it_mixes_and_is_blind(shell, panels):
    shell.run(f"%tracer label df.text{JOB}\n%tracer fit")
    shell.run("%tracer review")
    assert panels[0].view.row["total"] == 50
    assert panels[0]._review.blind
    kinds = [item.drawn for item in panels[0]._review.queue.items]
    assert kinds[::2] == ["random"] * 25
    assert "random" not in kinds[1::2]


def test_labels_are_shown_on_request(shell, panels):
    shell.run(f"%tracer label df.text{JOB}")
    shell.run("%tracer review --no-blind")
    assert "teach" in {entry["who"] for entry in panels[0].view.row["shortlist"]}


def test_against_another_set(shell, panels):
    shell.run(f"%tracer label df.text{JOB}")
    shell.run("def other(text): return 'login'")
    shell.run(f"%tracer label df.text{JOB.replace(' teach ', ' other ')} --name two")
    keys = [line.split()[:2] for line in shell.run("%tracer store list").splitlines()[1:3]]
    (key,) = [key for key, name in keys if name == "other"]
    shell.run(f"%tracer review --of disputed --against {key}")
    assert panels[0].view.row["why"].endswith(f"teach and other ({key}) gave different labels.")


def test_a_terminal_gets_the_lines(shell):
    shell.run(f"%tracer label df.text{JOB}")
    out = shell.run("%tracer review")
    assert out.startswith("0 of 50 rows reviewed.\n")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("review", "no teacher is named"),
        (f"review{JOB}", "nothing is labelled yet; call label(column) first"),
        (f"review df.text{JOB}", "first write %tracer label df.text"),
        ("review reviews.csv", "no job yet; start with %tracer label"),
    ],
)
def test_too_early(shell, line, says):
    assert says in shell.complaint(f"%tracer {line}")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--of worst", "no order of review 'worst'; there are: mixed, random, uncertain, disputed"),
        ("--of disputed", "nothing can be disputed: no text has a label of the teacher and of the"),
        ("--rows 0", "rows must be a positive whole number of rows, got 0"),
        ("--rows x", "--rows must be a whole number of rows, got 'x'"),
        ("--against nope", "no set of answers 'nope'"),
        ("no/such/folder/reviews.csv", "cannot write 'no/such/folder/reviews.csv'"),
    ],
)
def test_mistakes(shell, options, says):
    shell.run(f"%tracer label df.text{JOB}")
    assert says in shell.complaint(f"%tracer review {options}")


def test_completion(shell):
    shell.ip.Completer.use_jedi = False
    for line, offers in {
        "%tracer rev": {"review"},
        "%tracer review --of ": {"mixed", "random", "uncertain", "disputed"},
        "%tracer review --ag": {"--against"},
    }.items():
        with provisionalcompleter():
            matches = {c.text for c in shell.ip.Completer.completions(line, len(line))}
        assert offers <= matches, line
