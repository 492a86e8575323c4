"""Several kernels open one new store at the same moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tracer_nb.teachers import LabelStore

ONE_KERNEL = """
import sys
from tracer_nb.records import Answer
from tracer_nb.teachers import LabelStore
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
