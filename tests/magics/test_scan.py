"""``%tracer scan``: a log on a line."""

import json

import pytest

from tracer_nb.magics import show
from tracer_nb.records import Progress, Spending


@pytest.fixture
def log(tmp_path):
    words = {"refund": "money back please", "card": "my card is lost", "login": "cannot sign in"}
    file = tmp_path / "calls.jsonl"
    rows = [
        {"body": f"{said} number {i}", "verdict": label, "cost": 0.01}
        for i in range(200)
        for label, said in words.items()
    ]
    rows.append({"body": None, "verdict": "card"})
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_a_log_says_what_could_have_been_routed(shell, log):
    out = shell.run(f"%tracer scan {log} --columns text=body,label=verdict --target 0.9,0.95")
    assert "600 logged calls about 600 distinct texts, 3 labels." in out
    assert "Left out of 601 rows: 1 with no text." in out
    assert "At 90 % agreement a surrogate would answer" in out
    assert "of $6.00." in out
    assert "close, not exact" in out
    assert out.count("Reading the log …") == 1


def test_a_frame_is_a_log_too(shell, log):
    shell.run(f"import pandas as pd\nframe = pd.read_json({str(log)!r}, lines=True)")
    out = shell.run("%tracer scan frame --columns text=body,label=verdict --sample 300")
    assert "300 of them, drawn at random, were used" in out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "name a log"),
        ("none.jsonl", "no file"),
        ("{log}", "no column for the text"),
        ("{log} --columns text", "text=COLUMN"),
        ("{log} --columns text=body,label=verdict --sample 0", "number of calls"),
        ("{log} --columns text=body,label=verdict --sample few", "number of rows"),
        ("{log} --columns text=body,label=verdict --target high", "fraction"),
    ],
)
def test_what_cannot_be_scanned_is_one_line(shell, log, line, says):
    ran = shell.try_run(f"%tracer scan {line.format(log=log)}")
    assert says in str(ran.error)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("live", [True, False])
def test_parts_of_a_fit_take_one_place_where_a_page_shows_it(monkeypatch, live):
    said = []

    class Handle:
        def update(self, what, **_how):
            said[-1] = what

    monkeypatch.setattr(show, "display", lambda what, **_how: said.append(what) or Handle())

    def step():
        with show.placed(live=live) as place:
            place.tell(Progress(0, 1, Spending(), 0.0, "Reading texts"))
            assert repr(said[-1]) == "Reading texts …"
            place.tell(Progress(1, 4, Spending(), 0.0, "Fitting", parts=True))
            assert repr(said[-1]) == ("Fitting: 1 of 4 parts" if live else "Reading texts …")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        step()
    assert said == [{"text/plain": ""}]
