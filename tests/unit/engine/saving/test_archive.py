"""Archives: what is written comes back, and damage is noticed wherever it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracer_nb.engine.saving import read_archive, write_archive
from tracer_nb.engine.saving.archive import DTYPES
from tracer_nb.errors import InvalidInput

from .samples import ARRAYS, MANIFEST, complaint, same


def is_whole_or_refused(path):
    """Whether it was read; never another error, never other content."""
    try:
        read = read_archive(path)
    except InvalidInput:
        complaint(path)
        return False
    assert same(read)
    return True


# --- round trip --------------------------------------------------------------------------


def test_what_is_written_comes_back(file):
    assert same(read_archive(file))
    assert [p.name for p in file.parent.iterdir()] == ["intents.tracer"]


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (7,), (2, 3, 4)], ids=str)
def test_every_dtype_and_shape(tmp_path, dtype, shape):
    values = np.random.default_rng(1).integers(0, 2, shape)
    array = np.asarray(values, dtype=dtype)
    write_archive(tmp_path / "f", {}, {"a": array})
    assert same(read_archive(tmp_path / "f"), {}, {"a": array})


def test_special_values_and_other_orders(tmp_path):
    arrays = {
        "nan": np.array([np.nan, -0.0, np.inf, -np.inf]),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(5, dtype=">i4"),
        "steps": np.arange(10)[::3],
    }
    write_archive(tmp_path / "f", {}, arrays)
    _, read = read_archive(tmp_path / "f")
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].flags.c_contiguous
        assert read[name].flags.writeable
        assert read[name].dtype.isnative


def test_nothing_in_it(tmp_path):
    write_archive(tmp_path / "f", {}, {})
    assert read_archive(tmp_path / "f") == ({}, {})


def test_equal_content_is_an_equal_file(file, tmp_path):
    write_archive(tmp_path / "again", MANIFEST, ARRAYS)
    assert file.read_bytes() == (tmp_path / "again").read_bytes()


def test_others_can_read_it(file):
    with safetensors.safe_open(file, framework="np") as read:
        assert sorted(read.keys()) == sorted(ARRAYS)
        np.testing.assert_array_equal(read.get_tensor("features.idf"), ARRAYS["features.idf"])
        manifest = json.loads(read.metadata()["tracer_nb"])
    assert manifest["schema"] == "tracer_nb router"
    assert manifest["content"] == MANIFEST


# --- damage ------------------------------------------------------------------------------


def test_cut_off_anywhere(file):
    data = file.read_bytes()
    for length in {*range(0, len(data), 7), *range(300), *range(len(data) - 300, len(data))}:
        file.write_bytes(data[:length])
        assert not is_whole_or_refused(file)


def test_one_bit_flipped_anywhere(file):
    data = file.read_bytes()
    harmless = 0
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << (position * 5 % 8)
        file.write_bytes(changed)
        harmless += is_whole_or_refused(file)
    # Spaces behind the header: nothing that reading uses.
    assert harmless <= 7


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x20" + b"\0" * 7, b"\2" + b"\0" * 7 + b"{}"]),
)
def test_random_bytes(tmp_path, data, start):
    (tmp_path / "f").write_bytes(start + data)
    complaint(tmp_path / "f")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_parts_overwritten_removed_or_moved(tmp_path, data):
    path = tmp_path / "f"
    write_archive(path, MANIFEST, ARRAYS)
    content = bytearray(path.read_bytes())
    places = st.integers(0, len(content))
    # Half of the changes fall on the header, where the lengths are.
    places |= st.integers(0, len(content) - sum(array.nbytes for array in ARRAYS.values()))
    for _ in range(data.draw(st.integers(1, 4))):
        start, length = data.draw(places), data.draw(st.integers(0, 12))
        other = data.draw(places)
        content[start : start + length] = data.draw(
            st.one_of(
                st.binary(max_size=12),
                st.sampled_from([b"\xff" * length, b"\0" * length]),
                st.just(bytes(content[other : other + length])),
            )
        )
    path.write_bytes(content)
    is_whole_or_refused(path)
