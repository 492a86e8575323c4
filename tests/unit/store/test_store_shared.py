"""Several kernels open one new store at the same moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tracer_nb.errors import StoreError
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore, ReviewStore

ONE_KERNEL = """
import sys
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
print("ready", flush=True)
sys.stdin.readline()  # all start together
with LabelStore(sys.argv[1]) as store:
    store.put({"model": "m"}, sys.argv[2], Answer("label"))
"""


def test_kernels_that_make_one_store_together_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    texts = [f"text {i}" for i in range(5)]
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_KERNEL, str(path), text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for text in texts
    ]
    for kernel in kernels:
        assert kernel.stdout is not None
        kernel.stdout.readline()  # it has imported everything
    for kernel in kernels:
        assert kernel.stdin is not None
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
    errors = [kernel.communicate()[1] for kernel in kernels]
    assert [kernel.returncode for kernel in kernels] == [0] * len(texts), errors
    with LabelStore(path) as store:
        assert set(store.get_many({"model": "m"}, texts)) == set(texts)


LOOK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("SELECT count(*) FROM answers").fetchone()[0])
db.close()
"""


def seen_by_another_process(path):
    ran = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


def test_a_second_store_in_one_process_leaves_the_first_ones_locks_alone(tmp_path):
    """Else the next process to look would clear the log away under the first one."""
    path = tmp_path / "s.sqlite"
    with LabelStore(path) as first:
        # While the log is empty, the store itself is looked at.
        with LabelStore(path) as second:
            assert second.get_many({"model": "m"}, ["x"]) == {}
        assert ReviewStore(path).reviews(["a", "b"]) == {}
        assert seen_by_another_process(path) == 0
        first.put({"model": "m"}, "x", Answer("a"))
        assert seen_by_another_process(path) == 1
        first.put({"model": "m"}, "y", Answer("a"))
        assert seen_by_another_process(path) == 2
        assert path.with_name("s.sqlite-wal").exists()
    assert seen_by_another_process(path) == 2


def test_a_closed_store_is_looked_at_again(tmp_path):
    path = tmp_path / "s.sqlite"
    with LabelStore(path) as store:
        store.put({"model": "m"}, "x", Answer("a"))
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="cut off"):
        LabelStore(path)
