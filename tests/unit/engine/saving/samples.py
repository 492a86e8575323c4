"""What the tests save, and how they compare and forge files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tracer_nb.engine.saving import read_archive
from tracer_nb.engine.saving.archive import VERSION, _digest
from tracer_nb.errors import InvalidInput

MANIFEST = {"target": 0.92, "labels": ["a", "ünï", "\n\0", "\ud800"], "none": None, "deep": [[{}]]}
ARRAYS = {
    "features.idf": np.linspace(1, 9, 50),
    "flags/b": np.array([True, False]),
    "noise": np.frombuffer(np.random.default_rng(0).bytes(600), dtype=np.uint8),
    "zeros": np.zeros((40, 3), dtype=np.float32),
}
ORIGIN = {
    "models": [{"name": "a model", "n_answers": 300}],
    "note": "",
    "prompt_sha256": "",
    "column": "text",
    "n_rows": 300,
    "n_texts": 300,
    "data_sha256": "0f" * 32,
    "features": "lsa",
    "surrogate": "logistic",
    "tests": [{"n_round": 1, "n_rows": 90, "error": 0.1, "looks": [{"n_rows": 90, "error": 0.1}]}],
    "made": "2026-01-01T00:00:00+00:00",
}
"""Where certificates come from, as a file says it."""
TWO = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


def same(read, manifest=MANIFEST, arrays=ARRAYS):
    found, values = read
    return (
        found == manifest
        and list(values) == sorted(arrays)
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


def honest(arrays, **changes):
    """Text of a manifest with the right digest, but for what is changed."""
    manifest = {"schema": "tracer_nb router", "version": VERSION, "sha256": "", "content": {"k": 1}}
    manifest |= changes
    manifest["sha256"] = changes.get("sha256", _digest(json.dumps(manifest), arrays))
    return json.dumps(manifest)


def forge(path, text=None, entries=TWO, data=b"\0" * 8, *, metadata=None, header=None, **changes):
    """Write a file part by part; honest is what is not given.

    ``changes`` are of the manifest's fields, ``text`` is the whole manifest, ``header`` the
    whole header.
    """
    if text is None:
        text = honest({"a": np.frombuffer(data[:8], dtype=np.float32)}, **changes)
    if header is None:
        header = json.dumps({"__metadata__": metadata or {"tracer_nb": text}, **entries})
    raw = header if isinstance(header, bytes) else header.encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path
