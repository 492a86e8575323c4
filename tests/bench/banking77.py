"""BANKING77: coverage, agreement, speed and memory of the engine; prints tables, writes JSON.

    python tests/bench/banking77.py [--draws 20] [--json banking77.json] [--markdown]

Needs the data set with its MiniLM sentence vectors: ``TRACER_NB_DATA``, or
``../shared/data`` beside the checkout. The data set's own label stands for the teacher's, as in
the public TRACER benchmark: here agreement with the teacher equals accuracy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import binom

import tracer_nb
from tracer_nb.datasets import load
from tracer_nb.engine import fit_router
from tracer_nb.engine.features import LsaFeatures

CONFIDENCE = 0.9
TARGETS = (0.92, 0.95)


def vectors() -> np.ndarray:
    """MiniLM vectors of all 13,083 rows, train rows first."""
    folder = Path(os.environ.get("TRACER_NB_DATA", "../shared/data")) / "banking77"
    parts = [np.load(folder / f"{split}_minilm.npy") for split in ("train", "test")]
    return np.vstack(parts)


def draw(seed: int, n: int, n_train: int, n_all: int) -> tuple[np.ndarray, np.ndarray]:
    """Labelled rows and truth rows; the whole train split against the test split for n_train."""
    if n == n_train:
        return np.arange(n_train), np.arange(n_train, n_all)
    order = np.random.default_rng(seed).permutation(n_all)
    return order[:n], order[n:]


def quality(X: np.ndarray, y: np.ndarray, n: int, target: float, draws: int) -> dict[str, float]:
    """Mean certified coverage and agreement over draws, and draws below the target."""
    rows = []
    for seed in range(draws):
        labelled, truth = draw(seed, n, 10_003, len(y))
        router = fit_router(
            X[labelled], y[labelled], target=target, confidence=CONFIDENCE, seed=seed
        )
        routing = router.route(X[truth])
        handled = routing.handled
        same = routing.labels == y[truth]
        agreement = same[handled].mean() if handled.any() else 1.0
        rows.append((router.certificate.coverage, handled.mean(), agreement, same.mean()))
    certified, coverage, agreement, accuracy = np.array(rows).T
    return {
        "n": n,
        "target": target,
        "draws": draws,
        "certified coverage": float(certified.mean()),
        "coverage on truth": float(coverage.mean()),
        "agreement on truth": float(agreement.mean()),
        "surrogate accuracy": float(accuracy.mean()),
        "draws below target": int((agreement < target).sum()),
        "allowed": int(binom.ppf(0.999, draws, 1 - CONFIDENCE)),
    }


def seconds(action: object, repeats: int = 1) -> float:
    """Median wall time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def speed(X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Seconds and rates on this machine."""
    options = {"target": 0.92, "confidence": CONFIDENCE}
    few, _ = draw(0, 2_000, 10_003, len(y))
    fit_router(X[few][:300], y[few][:300], **options)  # imports and threads are warm
    figures = {"fit 2,000 labels, s": seconds(lambda: fit_router(X[few], y[few], **options), 3)}
    router = fit_router(X[few], y[few], **options)
    many = X[np.random.default_rng(0).integers(len(X), size=100_000)]
    figures["route 100,000 rows, rows/s"] = 100_000 / seconds(lambda: router.route(many), 3)
    figures["route one row, ms"] = 1000 * seconds(lambda: router.route(X[:1]), 200)
    train = slice(0, 10_003)
    figures["fit 10,003 labels, s"] = seconds(lambda: fit_router(X[train], y[train], **options))
    figures["peak memory, GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return figures


def load_ext() -> float:
    """Seconds that ``%load_ext tracer_nb`` adds to a shell that has pandas; best of five."""
    code = (
        "import time, pandas\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "start = time.perf_counter()\n"
        "shell.run_line_magic('load_ext', 'tracer_nb')\n"
        "print(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        for _ in range(5)
    ]
    return min(float(run.stdout.split()[-1]) for run in runs)


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


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--json", default="banking77.json")
    options = parser.parse_args()
    data = load("banking77")
    y, X = data["label"].to_numpy(dtype=object), vectors()
    figures = {**speed(X, y), "load_ext, s": load_ext()}
    lsa_start = time.perf_counter()
    lsa = LsaFeatures().fit(data["text"])
    Z = lsa.transform(data["text"])
    figures["LSA of 13,083 texts, s"] = time.perf_counter() - lsa_start
    rows: list[dict[str, object]] = []
    for name, matrix, n in (
        ("MiniLM", X, 1_000),
        ("MiniLM", X, 2_000),
        ("MiniLM", X, 4_000),
        ("MiniLM", X, 10_003),
        ("LSA", Z, 4_000),
    ):
        for target in TARGETS:
            rows.append({"features": name, **quality(matrix, y, n, target, options.draws)})
            print(".", end="", flush=True, file=sys.stderr)
    print(f"\n{machine()}\n", file=sys.stderr)
    result = {"machine": machine(), "confidence": CONFIDENCE, "quality": rows, "speed": figures}
    Path(options.json).write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"Machine: {machine()}.\n")
    print(table(rows))
    print()
    print(
        table(
            [
                {"measured": k, "figure": f"{v:,.3g}" if v < 1000 else f"{v:,.0f}"}
                for k, v in figures.items()
            ]
        )
    )


if __name__ == "__main__":
    main()
