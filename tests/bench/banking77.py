"""BANKING77: coverage, agreement, speed and memory of the engine; prints tables, writes JSON.

    python tests/bench/banking77.py [--draws 20] [--json banking77.json] [--markdown]

Needs the data set with its MiniLM sentence vectors: ``TRACER_NB_DATA``, or
``../shared/data`` beside the checkout. The data set's own label stands for the teacher's, as in
the public TRACER benchmark: here agreement with the teacher equals accuracy.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from common import (
    CONFIDENCE,
    N_TRAIN,
    arguments,
    banking77,
    draw,
    machine,
    published,
    seconds,
    table,
)
from scipy.stats import binom

from tracer_nb.engine import fit_router
from tracer_nb.engine.features import LsaFeatures

TARGETS = (0.92, 0.95)


def quality(X: np.ndarray, y: np.ndarray, n: int, target: float, draws: int) -> dict[str, float]:
    """Mean certified coverage and agreement over draws, and draws below the target."""
    rows = []
    for seed in range(draws):
        labelled, truth = draw(seed, n, len(y))
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


def speed(X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Seconds and rates on this machine."""
    options = {"target": 0.92, "confidence": CONFIDENCE}
    few, _ = draw(0, 2_000, len(y))
    fit_router(X[few][:300], y[few][:300], **options)  # imports and threads are warm
    figures = {"fit 2,000 labels, s": seconds(lambda: fit_router(X[few], y[few], **options), 3)}
    router = fit_router(X[few], y[few], **options)
    many = X[np.random.default_rng(0).integers(len(X), size=100_000)]
    figures["route 100,000 rows, rows/s"] = 100_000 / seconds(lambda: router.route(many), 3)
    figures["route one row, ms"] = 1000 * seconds(lambda: router.route(X[:1]), 200)
    train = slice(0, N_TRAIN)
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


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--json", default="banking77.json")
    options = parser.parse_args()
    X, y, texts = banking77()
    figures = {**speed(X, y), "load_ext, s": load_ext()}
    lsa_start = time.perf_counter()
    lsa = LsaFeatures().fit(texts)
    Z = lsa.transform(texts)
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
    with published("banking77", write=options.write):
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
