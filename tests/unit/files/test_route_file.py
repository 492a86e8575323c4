"""Files larger than memory: the same decisions, in every format, in bounded memory."""

from __future__ import annotations

import json
import math
import sqlite3
import tracemalloc
from itertools import product

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tracer_nb
from files.rows import outputs, read, write
from tracer_nb.errors import InvalidInput
from tracer_nb.steps.column.frames import OUTPUT_COLUMNS
from tracer_nb.steps.files.step import choose_column, open_rows, route_file

FORMATS = ["csv", "tsv", "jsonl", "ndjson", "parquet", "pq", "csv.gz", "jsonl.gz"]


@pytest.fixture
def routed(router, tmp_path):
    """Routes a file with a store of its own."""

    def route(source, out, **options):
        options = {"store": tmp_path / "labels.sqlite", "part_rows": 37, **options}
        return route_file(source, options.pop("router", router), out, **options)

    return route


def test_the_world_has_rows_of_every_kind(expected):
    counts = expected["label_source"].value_counts(dropna=False)
    assert counts["surrogate"] > 100
    reasons = expected["label_reason"].value_counts()
    assert reasons[[r for r in reasons.index if r.startswith("deferred: score")]].sum() > 20
    # Every row says why, in the words of a notebook's frame.
    assert expected["label_reason"].notna().all()
    handled = expected["label_reason"][expected["label_source"] == "surrogate"]
    assert handled.str.fullmatch(r"handled: score at least 0\.\d+").all()
    assert {"missing text", "empty text"} <= {*reasons.index}


@pytest.mark.parametrize("ending", FORMATS)
def test_decisions_are_those_of_route_row_for_row(ending, messages, expected, routed, tmp_path):
    source, out = write(messages, tmp_path / f"in.{ending}"), tmp_path / f"out.{ending}"
    result = routed(source, out, column="text")
    found = read(out)
    wanted = outputs(expected)
    if ending in (
        "csv",
        "tsv",
        "csv.gz",
    ):  # which knows no difference between a missing cell and an empty one
        wanted = [(*w[:2], "empty text" if w[2] == "missing text" else w[2], w[3]) for w in wanted]
    assert outputs(found) == wanted
    pd.testing.assert_frame_equal(
        found[["n", "price", "note"]].fillna(""),
        messages[["n", "price", "note"]],
        check_dtype=False,
    )
    assert result.n_rows == len(messages) == sum(result.counts.values())
    assert result.counts["surrogate"] == (expected["label_source"] == "surrogate").sum()
    assert result.counts["no text"] == 3
    assert not [*tmp_path.glob("*.parts")]


def test_any_format_becomes_any_other(messages, expected, routed, tmp_path):
    wanted = [row[:2] for row in outputs(expected)]
    for source, target in product(("csv", "jsonl", "parquet"), repeat=2):
        if source != target:
            out = tmp_path / f"{source}.{target}"
            routed(write(messages, tmp_path / f"in.{source}"), out, column="text", part_rows=200)
            assert [row[:2] for row in outputs(read(out))] == wanted


def test_parts_and_batches_change_nothing(messages, routed, tmp_path):
    source = write(messages.head(40), tmp_path / "in.jsonl")
    said = []
    for part_rows in (1, 7, 100_000):
        out = tmp_path / f"{part_rows}.jsonl"
        routed(source, out, part_rows=part_rows, column="text")
        said.append(outputs(read(out)))
    assert said[0] == said[1] == said[2]


def test_a_folder_of_parquet_files_is_one_table(messages, expected, routed, tmp_path):
    folder = tmp_path / "days"
    for day, rows in enumerate((slice(0, 120), slice(120, 120), slice(120, 300)), 1):
        (folder / f"day={day:02d}").mkdir(parents=True)
        write(messages.iloc[rows], folder / f"day={day:02d}" / "rows.parquet")
    (folder / "_SUCCESS").touch()
    one = tmp_path / "out.parquet"
    routed(folder, one, column="text")
    assert outputs(read(one)) == outputs(expected)
    assert read(one)["day"].tolist() == [1] * 120 + [3] * 180
    several = tmp_path / "out"
    routed(folder, several, column="text")
    assert len([*several.glob("*.parquet")]) > 3
    assert outputs(read(several)) == outputs(expected)
    routed(folder, several, column="text", overwrite=True)
    assert outputs(read(several)) == outputs(expected)


def test_a_table_keeps_its_types_and_its_own_columns_of_the_same_name(routed, tmp_path):
    table = pa.table(
        {
            "label": [1, 2],
            "text": pa.array(["where is my parcel", "refund please"]).dictionary_encode(),
            "tags": [["a"], []],
            "at": pa.array([0, 1], pa.timestamp("us")),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    routed(tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["label", "text", "tags", "at", *OUTPUT_COLUMNS[1:]]
    assert found.select(["tags", "at"]) == table.select(["tags", "at"])
    assert found.schema.field("label").type == pa.string()
    routed(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["tags"] == ["a"]


def test_strange_texts_pass_as_they_are(routed, tmp_path):
    cells = ["=1+1", "<b>hi</b>", "a\0b", "\ud800 lone", "x" * 300_000, "🂡 naïve", '"', "\r\n\t,"]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": cell}) + "\n" for cell in cells))
    routed(source, tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == cells
    routed(source, tmp_path / "out.csv")
    assert len(pd.read_csv(tmp_path / "out.csv", encoding_errors="strict")) == len(cells)


def test_missing_keys_and_numbers_that_json_does_not_know(routed, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "refund", "n": NaN}\n\n{"n": 2}\n{"text": null}\n')
    routed(source, tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["label_reason"] for row in rows[1:]] == ["missing text"] * 2
    assert rows[0]["n"] is None
    assert "n" not in rows[2]


def test_deferred_texts_wait_once_each(messages, expected, routed, tmp_path):
    source = write(messages, tmp_path / "in.parquet")
    for out in ("a.parquet", "b.parquet"):  # from two outputs, too
        result = routed(source, tmp_path / out, column="text")
    deferred = messages["text"][expected["label_reason"].str.endswith("; teacher not asked")]
    with sqlite3.connect(tmp_path / "labels.sqlite") as db:
        waiting = [text.decode() for (text,) in db.execute("SELECT text FROM queue")]
    db.close()
    assert sorted(waiting) == sorted({text.strip() for text in deferred})
    assert result.n_waiting == len(waiting) < len(deferred)


def test_progress_says_rows_rate_and_time_left(messages, routed, tmp_path):
    for ending in ("csv", "parquet"):
        told = []
        source = write(messages, tmp_path / f"in.{ending}")
        routed(source, tmp_path / f"out.{ending}", column="text", on_progress=told.append)
        assert [p.n_done for p in told] == sorted({p.n_done for p in told})
        assert told[-1].n_done == len(messages)
        assert told[-1].share == pytest.approx(1.0)
        assert told[-1].n_rows == (len(messages) if ending == "parquet" else None)
        assert all(p.rate > 0 and math.isfinite(p.seconds_left) for p in told)


HEAD = "text,n\n"
BAD = {
    "no_header.csv": ("", "is empty; its first line must name the columns"),
    "no_rows.csv": (HEAD, "has no rows"),
    "few_cells.csv": (f"{HEAD}a,1\nb\n", "line 3: 1 cells where the header names 2 columns"),
    "many_cells.csv": (f"{HEAD}a,b,1\n", "line 2: 3 cells where the header names 2"),
    "quote.csv": (f'{HEAD}"a,1\nb,2\n', "no CSV"),
    "semicolons.csv": ("text;n\na;1\n", "has one column, 'text;n', with ';' in its name"),
    "twice.csv": ("text,text\na,b\n", "has several columns named 'text'"),
    "latin.csv": (b"text,n\nna\xefve,1\n", "line 2: no UTF-8"),
    "utf16.csv": ("text,n\na,1\n".encode("utf-16"), "line 1: no UTF-8"),
    "broken.jsonl": ('{"text": "a"}\n{"text": \n', "line 2: no JSON"),
    "list.jsonl": ('["a"]\n', "line 1: a list, not an object; write one object a line"),
    "number.jsonl": ('{"text": "a"}\n{"text": 3}\n', "line 2: 'text' holds 3, not text"),
    "nothing.jsonl": ("", "has no column of text"),
    "damaged.parquet": ("PAR1 nothing", "as Parquet"),
    "empty.parquet": ("", "as Parquet"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_such_file_is_one_clear_line(name, routed, tmp_path):
    content, said = BAD[name]
    source = tmp_path / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    out = tmp_path / f"out{source.suffix}"
    with pytest.raises(InvalidInput) as failed:
        routed(source, out)
    message = str(failed.value)
    assert said in message
    assert name in message
    assert "\n" not in message
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]  # nothing is left lying about


def test_columns_that_are_not_there_or_not_clear(messages, routed, tmp_path):
    frame = messages.assign(title="x", text=messages["text"].fillna("")).rename(
        columns={"text": "question"}
    )
    source, out = write(frame, tmp_path / "in.parquet"), tmp_path / "out.parquet"
    with pytest.raises(InvalidInput, match=r"several columns .*: question, note, title; name one"):
        routed(source, out)
    with pytest.raises(InvalidInput, match="no column 'question_'; did you mean 'question'"):
        routed(source, out, column="question_")
    with pytest.raises(InvalidInput, match="column 'n' holds int64, not text"):
        routed(source, out, column="n")
    with pytest.raises(InvalidInput, match="column 'label' would be overwritten"):
        routed(write(frame.assign(label="a"), tmp_path / "b.csv"), out, column="label")
    routed(source, out, column="question")
    with pytest.raises(InvalidInput, match="has no column of text; there are: n, price"):
        routed(write(frame[["n", "price"]], tmp_path / "n.parquet"), tmp_path / "o.parquet")


def test_paths_that_cannot_be(messages, router, routed, tmp_path):
    source, out = write(messages, tmp_path / "in.csv"), tmp_path / "out.csv"
    for wrong, said in {
        source: "would lie on the input",
        tmp_path / ".." / tmp_path.name / "in.csv": "would lie on the input",
        tmp_path / "no" / "out.csv": "make the folder first",
        tmp_path / "out.xlsx": "ends in none of .csv",
        router: "is the router",
    }.items():
        with pytest.raises(InvalidInput, match=said):
            routed(source, wrong, column="text")
    with pytest.raises(InvalidInput, match="no such file or folder"):
        routed(tmp_path / "none.csv", out)
    with pytest.raises(InvalidInput, match=r"cannot open .*give the path of a saved router"):
        routed(source, out, column="text", router=tmp_path / "none.tracer")
    with pytest.raises(InvalidInput, match=r"target 0\.9 was not certified"):
        routed(source, out, column="text", target=0.9)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInput, match=r"holds no \.parquet file"):
        routed(tmp_path / "folder", out)
    with pytest.raises(InvalidInput, match="would lie on the input"):
        routed(tmp_path, tmp_path / "out.parquet")


def test_an_output_that_is_there_stays_unless_told(messages, routed, tmp_path):
    source, out = write(messages, tmp_path / "in.csv"), tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(InvalidInput, match="is there already; --overwrite replaces it"):
        routed(source, out, column="text")
    assert out.read_text() == "mine"
    routed(source, out, column="text", overwrite=True)
    assert len(read(out)) == len(messages)


def test_a_router_on_vectors_of_ones_own_says_so(world, routed, tmp_path):
    tracer = tracer_nb.Tracer(
        dict(world.truth), features=world.X, target=0.8, store=":memory:", labelling="random"
    )
    tracer.label(world.texts, sample=300)
    tracer.fit()
    tracer.calibrate()
    tracer.save(tmp_path / "r.tracer")
    source = write(world.frame, tmp_path / "in.csv")
    with pytest.raises(InvalidInput, match="fitted on features of your own"):
        routed(source, tmp_path / "out.csv", column="text", router=tmp_path / "r.tracer")


def read_all(path):
    """Read a file as routing does; what is none is one line."""
    try:
        reader = open_rows(path)
        column = choose_column(reader, path, None)
        ends = [None]
        for batch in reader.batches(None, column, 3):
            cells = batch.cells(column)
            assert len(cells) == len(batch) > 0
            ends.append(batch.end)
        # From where a batch ended, the others are the same.
        again = [batch.end for batch in reader.batches(ends[len(ends) // 2], column, 3)]
        assert again == ends[len(ends) // 2 + 1 :]
    except InvalidInput as error:
        said = str(error)
    else:
        return
    assert "\n" not in said
    assert path.name in said


LINES = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.text(max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass")),
        st.sampled_from(
            [b'"', b'a,"b\n', b"\xef\xbb\xbf", b"text,n", b"a,1", b'{"text": "a"}', b"\0"]
        ),
        st.dictionaries(st.sampled_from(["text", "n"]), st.none() | st.text() | st.floats()).map(
            lambda row: json.dumps(row).encode()
        ),
    ),
    max_size=12,
)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
@given(lines=LINES, between=st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_rows_or_one_clear_line(ending, lines, between, tmp_path):
    path = tmp_path / f"in.{ending}"
    path.write_bytes(between.join(lines))
    read_all(path)


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_parquet_file_that_was_damaged_anywhere(data, tmp_path):
    path, whole = tmp_path / "in.parquet", tmp_path / "whole.parquet"
    if not whole.exists():
        pq.write_table(pa.table({"text": ["a", None, "ccc"] * 9}), whole, row_group_size=10)
    raw = bytearray(whole.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw[: data.draw(st.sampled_from([len(raw), at]))])
    read_all(path)


def test_memory_does_not_grow_with_the_cells(tmp_path):
    path = tmp_path / "in.jsonl"
    with path.open("w") as file:
        for _ in range(40):
            file.write(json.dumps({"text": "x" * 2_000_000}) + "\n")
    reader = open_rows(path)
    tracemalloc.start()
    assert sum(len(batch) for batch in reader.batches(None, "text")) == 40
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Of 80 million bytes; a batch of 16 million, twice while the next one is read.
    assert peak < 50_000_000


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda data: data[:-300], "ended before the end-of-stream marker"),
        (lambda data: data[:200] + bytes(200) + data[400:], "cannot be read on"),
        (lambda _: b"text\nnot compressed\n", "Not a gzipped file"),
    ],
    ids=["cut", "damaged", "plain"],
)
def test_a_damaged_compressed_file_says_so(change, what, messages, routed, tmp_path):
    source = write(messages, tmp_path / "in.csv.gz")
    source.write_bytes(change(source.read_bytes()))
    with pytest.raises(InvalidInput, match=rf"line [\d,]+: .*{what}"):
        routed(source, tmp_path / "out.csv.gz", column="text")
    assert not (tmp_path / "out.csv.gz").exists()
