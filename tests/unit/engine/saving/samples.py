"""What the tests save, and how they compare and forge archives."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from tracer_nb.engine.saving import read_archive
from tracer_nb.engine.saving.ending import zip_comment
from tracer_nb.engine.saving.npy import npy_header
from tracer_nb.errors import InvalidInput

MANIFEST = {"target": 0.92, "labels": ["a", "ünï", "\n\0", "\ud800"], "none": None, "deep": [[{}]]}
ARRAYS = {
    "zeros": np.zeros((40, 3), dtype=np.float32),
    "features.idf": np.linspace(1, 9, 50),
    "flags/b": np.array([True, False]),
    "noise": np.frombuffer(np.random.default_rng(0).bytes(600), dtype=np.uint8),
}


def same(read, manifest=MANIFEST, arrays=ARRAYS):
    found, values = read
    return (
        found == manifest
        and list(values) == list(arrays)
        and all(
            values[name].dtype == array.dtype
            and values[name].shape == array.shape
            and values[name].tobytes() == array.tobytes()
            for name, array in arrays.items()
        )
    )


def complaint(path):
    """The one line that reading raises."""
    with pytest.raises(InvalidInput) as error:
        read_archive(path)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert repr(str(path)) in message
    return message.split(repr(str(path)))[1].removeprefix(": ")


def array_member(data, dtype="<f4", shape=(2,), header=None):
    """File of one array, and what an honest manifest would say of it."""
    raw = (npy_header(dtype, tuple(shape)) if header is None else header) + data
    about = {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "size": len(raw),
        "dtype": dtype,
        "shape": list(shape),
    }
    return raw, about


def forge(path, manifest=None, files=None, *, text=None, comment=None, extra=()):
    """Write a zip file whose manifest has the right digest.

    ``manifest`` changes the fields of an honest one; ``files`` are (name, bytes, about).
    """
    if files is None:
        files = [("a", *array_member(b"\0" * 8))]
    if text is None:
        honest = {
            "schema": "tracer_nb router",
            "version": 1,
            "content": {"k": 1},
            "members": {name: about for name, _, about in files},
        }
        text = json.dumps({**honest, **(manifest or {})})
    data = text if isinstance(text, bytes) else text.encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", data)
        for name, raw, _ in files:
            archive.writestr(f"{name}.npy", raw)
        for name, raw in extra:
            archive.writestr(name, raw)
        archive.comment = comment or zip_comment(hashlib.sha256(data).hexdigest())
    path.write_bytes(stream.getvalue())
    return path
