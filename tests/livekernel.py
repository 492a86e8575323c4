"""Real kernels in a folder of their own, a job for them, and a look at what they stored."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import jupyter_client
import numpy as np

import tracer_nb

PATIENCE = 60  # seconds; a limit on hanging, nothing is measured by it

SET_UP = """
import numpy as np, pandas as pd
df = pd.read_csv("df.csv")
X = np.load("X.npy")
%load_ext tracer_nb
"""


def job(base_url: str, sample: int, concurrency: int, more: str = "--output routed") -> str:
    """A cell that labels, fits, certifies and routes the world of :func:`put_world`."""
    return (
        f"%%tracer df.text --teacher openai:stand-in --base-url {base_url} --price 0.25,2 "
        f"--labelling random --max-cost 1 --sample {sample} --concurrency {concurrency} "
        f"--labels login,parcel,refund --features X --surrogate logistic {more}\n"
        "Choose the {intent} that fits 'best'."
    )


CHECK = """
assert routed["label"].notna().all()
assert (routed["label"] == df["text"].str.split().str[0]).all()
"""


def put_world(world: Any, folder: Path) -> None:
    """Write the column and its features where kernels find them."""
    world.frame.to_csv(folder / "df.csv", index=False)
    np.save(folder / "X.npy", world.X)


def environment(folder: Path) -> dict[str, str]:
    """Environment of a kernel that runs this package and touches nothing outside the folder."""
    places = {
        f"JUPYTER_{name}_DIR": str(folder / "jupyter" / name.lower())
        for name in ("CONFIG", "DATA", "RUNTIME")
    }
    root = str(Path(tracer_nb.__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        **places,
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": path,
    }


class Kernels:
    """Starts kernels in a folder, and ends those that are left when it is left itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[tuple[Any, Any]] = []

    def start(self) -> tuple[Any, Any]:
        """Manager and client of a new kernel."""
        manager = jupyter_client.KernelManager(kernel_name="python3")
        manager.start_kernel(cwd=str(self._folder), env=environment(self._folder))
        client = self.connect(manager)
        return manager, client

    def connect(self, manager: Any) -> Any:
        """Another client of a kernel."""
        client = manager.client()
        self._started.append((manager, client))
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        return client

    def __enter__(self) -> Kernels:  # noqa: PYI034 -- typing.Self is 3.11
        return self

    def __exit__(self, *_: object) -> None:
        for manager, client in self._started:
            client.stop_channels()
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


def run(client: Any, code: str) -> list[dict[str, Any]]:
    """Run a cell to its end; it must not fail."""
    outputs: list[dict[str, Any]] = []
    reply = client.execute_interactive(
        code, timeout=PATIENCE, store_history=False, output_hook=outputs.append
    )
    assert reply["content"]["status"] == "ok", [m["content"] for m in outputs]
    return outputs


def text_of(outputs: list[dict[str, Any]]) -> str:
    """What a cell showed, as text."""
    return "".join(
        m["content"]["data"].get("text/plain", "")
        for m in outputs
        if m["msg_type"] in ("display_data", "update_display_data")
    )


def stored(path: Path) -> set[str]:
    """Texts whose answers are on disk."""
    if not path.exists() or not path.stat().st_size:
        return set()
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchall():
            return set()
        return {text for (text,) in db.execute("SELECT text FROM answers")}


def wait(until: Callable[[], bool], what: str = "the run does not get on") -> None:
    """Wait for something to be so."""
    limit = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < limit, what
        time.sleep(0.01)
