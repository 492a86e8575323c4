"""Logs of past calls, as people write them."""

import json

import pandas as pd
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.logs import read_logs

ROWS = [("where is my card", "card"), ("give it back", "refund")]


def lines(tmp_path, *values, name="log.jsonl"):
    file = tmp_path / name
    file.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values))
    return file


@pytest.mark.parametrize(
    ("text", "label"),
    [("text", "label"), ("Input", "Output"), ("query", "prediction"), ("User Message", "intent")],
)
@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "tsv", "parquet", "frame", "dicts"])
def test_columns_are_found_under_the_names_that_people_use(tmp_path, text, label, ending):
    frame = pd.DataFrame(ROWS, columns=[text, label])
    file = tmp_path / f"log.{ending}"
    if ending == "jsonl":
        frame.to_json(file, orient="records", lines=True)
    elif ending == "json":
        frame.to_json(file, orient="records")
    elif ending in ("csv", "tsv"):
        frame.to_csv(file, index=False, sep="\t" if ending == "tsv" else ",")
    elif ending == "parquet":
        frame.to_parquet(file)
    source = {"frame": frame, "dicts": frame.to_dict("records")}.get(ending, file)
    calls = read_logs(source)
    assert list(zip(calls.texts, calls.labels, strict=True)) == ROWS
    assert (calls.n_read, calls.skipped) == (2, ())
    assert calls.columns["text"] == text


def test_costs_and_distributions_come_along(tmp_path):
    file = lines(
        tmp_path,
        {"text": "a", "label": "x", "cost": "0.25", "probabilities": {"x": 0.75, "y": 0.25}},
        {"text": "b", "label": "y", "cost": None, "probabilities": "odd"},
    )
    calls = read_logs(file)
    assert calls.costs == (0.25, None)
    assert calls.probabilities == ({"x": 0.75, "y": 0.25}, None)


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ('{"label": "refund"}', "refund"),
        ({"label": " re  fund "}, "re fund"),
        ({"role": "assistant", "content": "refund"}, "refund"),
        ({"choices": [{"message": {"content": '{"label": "refund"}'}}]}, "refund"),
        ([{"role": "assistant", "parts": [{"type": "text", "content": "refund"}]}], "refund"),
        (3, "3"),
    ],
)
def test_a_label_is_found_inside_an_answer(said, label):
    assert read_logs([{"text": "x", "output": said}]).labels == (label,)


@pytest.mark.parametrize(
    "asked",
    [
        '{"text": "hello"}',
        {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "hello"}]},
        [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        '[{"role": "user", "content": "{\\"text\\": \\"hello\\"}"}]',
        "  hello ",
    ],
)
def test_a_text_is_found_inside_a_request(asked):
    assert read_logs([{"input": asked, "label": "x"}]).texts == ("hello",)


def test_rows_without_text_or_label_are_counted():
    rows = [
        {"text": "a", "label": "x"},
        {"text": "", "label": "x"},
        {"text": "b", "label": None},
        {"text": "c", "label": float("nan")},
    ]
    calls = read_logs(rows)
    assert (calls.n_read, len(calls.texts)) == (4, 1)
    assert dict(calls.skipped) == {"no label": 2, "no text": 1}


def test_names_can_be_given(tmp_path):
    file = lines(tmp_path, {"body": "a", "verdict": "x", "label": "other"})
    calls = read_logs(file, columns={"text": "body", "label": "verdict"})
    assert (calls.texts, calls.labels) == (("a",), ("x",))


SPAN = {
    "name": "chat gpt",
    "startTimeUnixNano": "1",
    "attributes": [
        {
            "key": "gen_ai.input.messages",
            "value": {
                "stringValue": json.dumps(
                    [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]
                )
            },
        },
        {
            "key": "gen_ai.output.messages",
            "value": {
                "stringValue": json.dumps(
                    [{"role": "assistant", "parts": [{"type": "text", "content": "greeting"}]}]
                )
            },
        },
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
    ],
}
OLD_SPAN = {
    "attributes": {"gen_ai.prompt.0.content": "bye", "gen_ai.completion.0.content": "farewell"}
}
EVENT_SPAN = {
    "attributes": {},
    "events": [
        {"name": "gen_ai.user.message", "attributes": {"content": "more"}},
        {"name": "gen_ai.choice", "attributes": {"message": '{"content": "request"}'}},
    ],
}


def test_spans_of_opentelemetry(tmp_path):
    export = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN, {"name": "http"}]}]}]}
    calls = read_logs(lines(tmp_path, export, OLD_SPAN, EVENT_SPAN))
    assert calls.texts == ("hello", "bye", "more")
    assert calls.labels == ("greeting", "farewell", "request")


def test_a_last_line_that_was_cut_is_left_out(tmp_path):
    file = lines(tmp_path, {"text": "a", "label": "x"}, '{"text": "b", "la')
    assert read_logs(file).texts == ("a",)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.txt", "", "must end in"),
        ("log.jsonl", '{"text": "a"\n{"text": "b"}', "line 1"),
        ("log.jsonl", '{"foo": 1, "label": 2}', "no column for the text; it has foo, label"),
        ("log.jsonl", '{"text": "a"}', "no column for the label"),
        ("log.jsonl", "", "no column for the text"),
        ("log.json", "{", "cannot read"),
        ("log.jsonl", '{"text": "", "label": "x"}', "none of the 1 logged calls"),
        ("log.parquet", "no parquet", "cannot read"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, name, content, says):
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(InvalidInput, match=says) as caught:
        read_logs(file)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_such_column(tmp_path):
    with pytest.raises(InvalidInput, match="no file"):
        read_logs(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="column of the log"):
        read_logs([{"text": "a", "label": "b"}], columns={"label": "labl"})
    with pytest.raises(InvalidInput, match="field of a log"):
        read_logs([{"text": "a", "label": "b"}], columns={"lable": "label"})
    with pytest.raises(InvalidInput, match="got int"):
        read_logs(3)
