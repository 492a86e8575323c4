"""What the benchmark scripts share: data, draws, timing, tables, and the line about the machine."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy
import sklearn

import tracer_nb
from tracer_nb.datasets import load

CONFIDENCE = 0.9
N_TRAIN = 10_003
PAGE = Path(__file__).parents[2] / "notebooks" / "measured.md"


def banking77() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """MiniLM vectors, labels and texts of all 13,083 rows, train rows first."""
    data = load("banking77")
    folder = Path(os.environ.get("TRACER_NB_DATA", "../shared/data")) / "banking77"
    parts = [np.load(folder / f"{split}_minilm.npy") for split in ("train", "test")]
    return np.vstack(parts), data["label"].to_numpy(dtype=object), data["text"].tolist()


def draw(seed: int, n: int, n_all: int) -> tuple[np.ndarray, np.ndarray]:
    """Labelled rows and truth rows; the whole train split against the test split for its size."""
    if n == N_TRAIN:
        return np.arange(N_TRAIN), np.arange(N_TRAIN, n_all)
    order = np.random.default_rng(seed).permutation(n_all)
    return order[:n], order[n:]


def seconds(action: object, repeats: int = 1) -> float:
    """Median wall time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def quiet(seconds: float = 2.0, patience: float = 120.0) -> None:
    """Wait until the processors have had little else to do for so many seconds; not for ever."""
    stat = Path("/proc/stat")
    deadline = time.monotonic() + patience
    while stat.exists() and time.monotonic() < deadline:
        before = [int(n) for n in stat.read_text().split("\n", 1)[0].split()[1:]]
        time.sleep(seconds)
        after = [int(n) for n in stat.read_text().split("\n", 1)[0].split()[1:]]
        spent = np.subtract(after, before)
        if spent[3] + spent[4] >= 0.9 * spent.sum():  # idle, and waiting for a disk
            return


def machine() -> str:
    """Processor and versions, one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":")[1].strip()
            for line in info.read_text().splitlines()
            if "model name" in line
        ]
        cpu = f"{names[0]}, {len(names)} cores" if names else cpu
    return (
        f"{cpu}; Python {platform.python_version()}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}, scikit-learn {sklearn.__version__}, "
        f"tracer_nb {tracer_nb.__version__}"
    )


def table(rows: list[dict[str, object]]) -> str:
    """A Markdown table."""
    head = list(rows[0])
    cells = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser for a script whose table stands on the page of what was measured."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}, too")
    return parser


@contextlib.contextmanager
def published(name: str, *, write: bool) -> Iterator[None]:
    """Print what is printed inside, and put it between the marks ``<!-- name -->`` of the page."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        yield
    sys.stdout.write(said.getvalue())
    if write:
        text = PAGE.read_text(encoding="utf-8")
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"{PAGE.name} has no marks for {name}")
        PAGE.write_text(f"{before}{begin}{said.getvalue().strip()}\n{end}{after}", encoding="utf-8")
