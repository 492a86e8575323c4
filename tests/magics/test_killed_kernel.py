"""A kernel that dies in the middle of a run loses no paid answer."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import tracer_nb
from tracer_nb.frames import read_texts
from tracer_nb.sampling import draw_rows
from tracer_nb.standin import serve

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

SAMPLE = 300
CONCURRENCY = 4
PATIENCE = 60  # seconds; a limit on hanging, nothing is measured by it

SET_UP = """
import numpy as np, pandas as pd
df = pd.read_csv("df.csv")
X = np.load("X.npy")
%load_ext tracer_nb
"""
JOB = (
    "%%tracer df.text --teacher openai:stand-in --base-url URL --price 0.25,2 --max-cost 1 "
    f"--sample {SAMPLE} --concurrency {CONCURRENCY} --labels login,parcel,refund --features X "
    "--surrogate logistic --output routed\nChoose the {intent} that fits 'best'."
)
CHECK = """
assert routed["label"].notna().all()
assert (routed["label"] == df["text"].str.split().str[0]).all()
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Starts kernels in ``tmp_path``, and ends those that are left."""
    for folder in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{folder}_DIR", str(tmp_path / "jupyter" / folder.lower()))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    root = str(Path(tracer_nb.__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    started = []

    def start():
        manager = jupyter_client.KernelManager(kernel_name="python3")
        manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "PYTHONPATH": path})
        client = manager.client()
        started.append((manager, client))
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        return manager, client

    yield start
    for manager, client in started:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def run(client, code):
    """Run a cell to its end; it must not fail."""
    outputs = []
    reply = client.execute_interactive(
        code, timeout=PATIENCE, store_history=False, output_hook=outputs.append
    )
    assert reply["content"]["status"] == "ok", [m["content"] for m in outputs]
    return outputs


def stored(path):
    """Texts whose answers are on disk."""
    if not path.exists() or not path.stat().st_size:
        return set()
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchall():
            return set()
        return {text for (text,) in db.execute("SELECT text FROM answers")}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_kernel_loses_no_answer_and_asks_none_twice(kernels, world, tmp_path):
    world.frame.to_csv(tmp_path / "df.csv", index=False)
    np.save(tmp_path / "X.npy", world.X)
    path = tmp_path / ".tracer_nb" / "labels.sqlite"
    rows = draw_rows(read_texts(world.texts), SAMPLE, seed=0)
    sample = {world.texts[row] for row in rows}

    with serve(world.truth, latency=0.04) as standin:
        job = JOB.replace("URL", standin.base_url)
        manager, client = kernels()
        run(client, SET_UP)
        client.execute(job)
        limit = time.monotonic() + PATIENCE
        while len(stored(path)) < 40:
            assert time.monotonic() < limit, "the run does not get on"
            assert manager.is_alive()
            time.sleep(0.01)
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        while manager.is_alive():
            assert time.monotonic() < limit, "the kernel does not die"
            time.sleep(0.01)
        kept, before = stored(path), standin.asked()
        assert 40 <= len(kept) < SAMPLE
        assert kept <= sample
        assert set(before.values()) == {1}

        _, client = kernels()
        run(client, SET_UP)
        outputs = run(client, job)
        run(client, CHECK)
        after = standin.asked()

    # What was on disk was not asked again; what was asked twice had been under way.
    assert {text: after[text] for text in kept} == dict.fromkeys(kept, 1)
    assert sum(times > 1 for times in after.values()) <= CONCURRENCY
    assert sample <= stored(path)
    shown = "".join(
        m["content"]["data"].get("text/plain", "")
        for m in outputs
        if m["msg_type"] in ("display_data", "update_display_data")
    )
    assert f"{len(kept):,} answers reused from the store" in shown
