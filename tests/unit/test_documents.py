"""Prompts that speak of other columns, from the prompt to the output."""

import json

import pandas as pd
import pytest

from tracer_nb import Tracer, load
from tracer_nb.documents import make_document, named_columns, plain_text, spoken
from tracer_nb.errors import InvalidInput
from tracer_nb.standin import serve
from tracer_nb.steps.column.frames import read_texts

PROMPT = "The customer bought the {{product}}. Choose what {{text}} is about."
LABELS = ("delivery", "login")


@pytest.fixture
def frame():
    n = 240
    return pd.DataFrame(
        {
            "question": [f"{('parcel late', 'password wrong')[i % 2]} {i // 2}" for i in range(n)],
            "product": ["kettle", None, 'lamp "{x}"'] * (n // 3),
        }
    )


@pytest.fixture
def standin(frame):
    table = {q: LABELS[i % 2] for i, q in enumerate(frame["question"])}
    with serve(table) as server:
        yield server


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("{{a}} {{ b }} {{a}}", ("a", "b")),
        ("{{text}}", ()),
        (r'{a} {"x": {"y": 1}} \{{a}} {} {{}}', ()),
        ("{{two words}}", ("two words",)),
    ],
)
def test_columns_are_named_in_double_braces_only(prompt, names):
    assert named_columns(prompt) == names


def test_braces_that_name_nothing_stay():
    assert spoken(r'{a} {"x": 1} \{{a}} {} {{}} 100 %') == '{a} {"x": 1} {{a}} {} {{}} 100 %'


def test_a_text_without_cells_is_its_own_document():
    assert make_document("x {{y}}", {}) == "x {{y}}"
    document = make_document('say "no"', {"b": "1", "a": None})
    assert json.loads(document) == {"text": 'say "no"', "b": "1", "a": None}
    assert plain_text(document) == 'say "no"\n1'


def test_equal_texts_with_other_cells_are_other_rows():
    texts = read_texts(["x", "x", "x", None], pd.DataFrame({"n": [1, 1, 2.5, 3]}), ["n"])
    assert texts.codes.tolist() == [0, 0, 1, -1]
    assert texts.plain == ("x\n1.0", "x\n2.5")
    assert read_texts(["x"]).plain == ("x",)


def make(standin, **options):
    return Tracer(
        "openai:m",
        LABELS,
        PROMPT,
        base_url=standin.base_url,
        price="1,2",
        target=0.8,
        **options,
        labelling="random",
    )


def test_cells_are_asked_about_and_featurized_with_the_text(frame, standin, tmp_path):
    tracer = make(standin, store=tmp_path / "s.sqlite")
    routed = tracer.run(frame["question"], table=frame, sample=160)
    assert routed["label"].notna().all()
    truth = [LABELS[i % 2] for i in range(len(frame))]
    assert (routed["label"] == truth).mean() > 0.9
    assert set(standin.asked()) <= set(frame["question"])
    plan = tracer.plan(frame["question"], table=frame, sample=160)
    assert plan.n_ask == 0
    file = tmp_path / "r.tracer"
    tracer.save(file)
    router = load(file, store=":memory:")
    again = router.route(frame["question"], table=frame)
    assert (again["label_source"] == "surrogate").sum() > 0
    with pytest.raises(InvalidInput, match="product"):
        router.route(frame["question"])


def test_what_was_sent_keeps_cells_out_of_the_instructions(frame, standin, monkeypatch):
    from tracer_nb.teachers.chat.endpoint import Endpoint

    sent = []
    post = Endpoint._post

    async def spy(self, body, *args):
        sent.append(body["messages"])
        return await post(self, body, *args)

    monkeypatch.setattr(Endpoint, "_post", spy)
    make(standin, store=":memory:").label(frame["question"], table=frame, sample=100)
    assert len({system["content"] for system, _ in sent}) == 1
    assert sent[0][0]["content"].startswith('The customer bought the "product". Choose what')
    cells = {json.loads(user["content"])["product"] for _, user in sent}
    assert cells == {"kettle", None, 'lamp "{x}"'}


@pytest.mark.parametrize(
    ("prompt", "table", "says"),
    [
        ("{{product}}", None, r"pass table=df, or write \\\{\{product\}\}"),
        ("{{produkt}}", "frame", "product"),
        ("{{question}}", "frame", r"write \{\{text\}\}"),
        ("{{product}}", "short", "the table has 3 rows"),
    ],
)
def test_what_cannot_be_found_is_told_before_anything_is_asked(frame, standin, prompt, table, says):
    tables = {"frame": frame, "short": frame.head(3), None: None}
    tracer = Tracer(
        "openai:m", LABELS, prompt, base_url=standin.base_url, store=":memory:", labelling="random"
    )
    with pytest.raises(InvalidInput, match=says) as caught:
        tracer.label(frame["question"], table=tables[table], sample=100)
    assert "\n" not in str(caught.value)
    assert standin.requests == 0
