"""Files that are broken, strange or hostile: one clear line, bounded memory, and nothing waits for ever."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.steps.files.lines import JsonReader
from tracer_nb.steps.files.parquet import ParquetReader
from tracer_nb.steps.files.step import route_file
from tracer_nb.steps.files.tables import BATCH_BYTES

TEXTS = ["where is my parcel", "refund please"]


@pytest.fixture
def routed(router, tmp_path):
    def route(source, out, **options):
        return route_file(source, router, out, store=tmp_path / "labels.sqlite", **options)

    return route


def one_line(error):
    said = str(error.value)
    assert "\n" not in said
    assert len(said) < 600
    return said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_is_refused_before_it_is_opened(routed, tmp_path):
    os.mkfifo(tmp_path / "in.csv")
    with pytest.raises(InvalidInput, match="is a pipe or a device") as error:
        routed(tmp_path / "in.csv", tmp_path / "out.csv")
    one_line(error)
    (tmp_path / "a.csv").write_text("text\nrefund\n")
    os.mkfifo(tmp_path / "out.csv")
    with pytest.raises(InvalidInput, match="is a pipe or a device"):
        routed(tmp_path / "a.csv", tmp_path / "out.csv", overwrite=True)
    assert (tmp_path / "out.csv").is_fifo()


def test_a_name_of_any_length_is_shown_in_part(routed, tmp_path):
    (tmp_path / "a.csv").write_text("text\nrefund\n")
    with pytest.raises(InvalidInput, match="there are: text") as error:
        routed(tmp_path / "a.csv", tmp_path / "out.csv", column="q" * 5000)
    one_line(error)


def test_a_header_of_very_many_columns_is_read(routed, tmp_path):
    names = [f"c{i}" for i in range(150_000)]  # each beside each would be 22,500,000,000
    rows = ",".join([*names, "text"]), "," * len(names) + "refund please"
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    assert routed(tmp_path / "a.csv", tmp_path / "out.csv", column="text").n_rows == 1
    (tmp_path / "b.csv").write_text(f"{rows[0]},{'n' * 5000},{'n' * 5000}\n{rows[1]},,\n")
    with pytest.raises(InvalidInput, match="has several columns named 'nnn") as error:
        routed(tmp_path / "b.csv", tmp_path / "b.out.csv")
    one_line(error)


def not_utf8():
    return pa.Array.from_buffers(pa.string(), 2, pa.array([b"ab", b"\xff\xfe"]).buffers())


STRANGE = {
    "far dates": pa.array([2**30, -(2**30)], pa.date32()),
    "far times": pa.array([2**50, -(2**50)], pa.timestamp("s")),
    "long times": pa.array([2**50, -(2**50)], pa.duration("s")),
    "no such zone": pa.array([1, 2], pa.timestamp("s", tz="Mars/Base")),
    "no UTF-8": not_utf8(),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_cells_that_no_line_can_hold_are_named(kind, ending, routed, tmp_path):
    pq.write_table(pa.table({"text": TEXTS, "when": STRANGE[kind]}), tmp_path / "in.parquet")
    with pytest.raises(InvalidInput, match="column 'when' holds values that no text can") as error:
        routed(tmp_path / "in.parquet", tmp_path / f"out.{ending}")
    assert "write Parquet" in one_line(error)
    # As they are they go on.
    routed(tmp_path / "in.parquet", tmp_path / "out.parquet", overwrite=True)
    there, was = (pq.read_table(tmp_path / f"{name}.parquet")["when"] for name in ("out", "in"))
    assert there.combine_chunks().equals(was.combine_chunks())


def test_columns_of_every_other_type_go_into_lines(routed, tmp_path):
    table = pa.table(
        {
            "text": TEXTS,
            "list": [[1], [2, 3]],
            "struct": [{"a": 1}, {"a": 2}],
            "decimal": pa.array(["1.10", None]).cast(pa.decimal128(5, 2)),
            "time": pa.array([dt.datetime(2020, 1, 1), None]),  # noqa: DTZ001
            "bytes": pa.array([b"\xff\x00", None]),
            "category": pa.array(["x", "y"]).dictionary_encode(),
            "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
            "half": pa.array([1.5, float("nan")], pa.float16()),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    for ending in ("csv", "jsonl", "parquet"):
        assert routed(tmp_path / "in.parquet", tmp_path / f"out.{ending}").n_rows == 2


@pytest.mark.parametrize(
    "line",
    ['{"text": "ab", "x": ' + "[" * 200 + "]" * 200 + "}", '{"text": "ab", "\\udfff": 1}'],
    ids=["nested deeply", "half a surrogate pair as a name"],
)
def test_what_no_parquet_file_can_hold_is_said_before_it_is_written(line, routed, tmp_path):
    (tmp_path / "in.jsonl").write_text(line + "\n")
    with pytest.raises(InvalidInput, match="write JSON lines: --out") as error:
        routed(tmp_path / "in.jsonl", tmp_path / "out.parquet")
    one_line(error)
    assert not (tmp_path / "out.parquet").exists()
    assert not (tmp_path / "out.parquet.parts").exists()
    assert routed(tmp_path / "in.jsonl", tmp_path / "out.jsonl").n_rows == 1


def test_a_folder_with_the_name_of_a_file_is_looked_into(routed, tmp_path):
    inner = tmp_path / "in" / "day.parquet"
    inner.mkdir(parents=True)
    pq.write_table(pa.table({"text": TEXTS}), inner / "part.parquet")
    assert routed(tmp_path / "in", tmp_path / "out.parquet").n_rows == 2


def test_lines_of_many_small_values_come_a_few_at_a_time(tmp_path):
    many = '{"text": "a", "x": [' + "[]," * 50_000 + "[]]}\n"  # 150 kB, and 5 MB when it is read
    (tmp_path / "in.jsonl").write_text(many * 30 + '{"text": "b"}\n' * 20_000)
    sizes = [len(b) for b in JsonReader(tmp_path / "in.jsonl").batches(None, "text")]
    assert sizes[:8] == [4] * 7 + [8192]
    assert sum(sizes) == 20_030


def test_a_line_without_an_end_is_not_read_to_it(routed, tmp_path):
    with gzip.open(tmp_path / "in.jsonl.gz", "wb", 1) as file:
        file.write(b'{"text": "a"}\n')
        for _ in range(40):
            file.write(b" " * 1_000_000)
    with pytest.raises(InvalidInput, match="line 1: more than 20 MB without an end"):
        routed(tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl")


# --- a long cell that many rows have: small in a file, large in memory

LONG = "x" * 400_000


@pytest.mark.parametrize("stored", [False, True], ids=["text", "dictionary"])
def test_rows_that_share_a_long_cell_come_a_few_at_a_time(stored, tmp_path):
    cells = pa.array([f"{LONG}{i % 3}" for i in range(200)])
    cells = cells.dictionary_encode() if stored else cells
    table = pa.table({"text": cells, "n": range(200)})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=150)
    assert (tmp_path / "in.parquet").stat().st_size < 1_000_000
    reader = ParquetReader(tmp_path / "in.parquet")
    found = list(reader.batches(None, "text"))
    most = BATCH_BYTES // len(LONG) + 1
    assert max(map(len, found)) <= most
    assert [n for batch in found for n in batch.cells("n")] == list(range(200))
    assert [text[-1] for batch in found for text in batch.cells("text")] == [
        str(i % 3) for i in range(200)
    ]
    for i in (0, 1, len(found) - 2):  # from wherever a run was killed
        rest = [n for b in reader.batches(found[i].end, "text") for n in b.cells("n")]
        assert rest == list(range(found[i].cells("n")[-1] + 1, 200))


def test_long_cells_inside_of_lists_count_too(tmp_path):
    table = pa.table({"text": TEXTS * 100, "more": [[LONG] * 5] * 200})
    pq.write_table(table, tmp_path / "in.parquet")
    sizes = [
        (len(batch), batch.size)
        for batch in ParquetReader(tmp_path / "in.parquet").batches(None, "text")
    ]
    assert sum(n for n, _ in sizes) == 200
    assert max(size for _, size in sizes) < 2 * BATCH_BYTES


def test_usual_cells_come_in_large_batches(tmp_path):
    frame = pd.DataFrame({"text": [f"row {i % 50}" for i in range(9000)]})
    frame.to_parquet(tmp_path / "in.parquet")
    assert [len(b) for b in ParquetReader(tmp_path / "in.parquet").batches(None, "text")] == [
        8192,
        808,
    ]
