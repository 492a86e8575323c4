"""Seconds and memory of a fit against the number of labels, up to 100,000 synthetic ones.

    python tests/bench/scaling.py [--n 1000,2000,4000,8000,12000,25000,50000,100000]

Rows are drawn around 20 random directions in 384 dimensions, with 77 labels as uneven as those
of a real column. Each size runs in a process of its own. Below 12,000 fitting rows kernel ridge
regression is exact, and its cost may grow no faster than n^2 d plus a cubic term that LAPACK
makes small; beyond, it stands on 4,096 landmarks and the cost is linear.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from common import arguments, machine, published, table

N_FEATURES, N_CLASSES = 384, 77


def synthetic(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels; two clusters a class, a twentieth of the labels at random."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(2 * N_CLASSES, N_FEATURES)).astype(np.float32)
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(5, 5 + len(centres))
    which = rng.choice(len(centres), size=n, p=share / share.sum())
    X = centres[which] + 1.6 * rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    labels = which % N_CLASSES
    noisy = rng.random(n) < 0.05
    labels[noisy] = rng.integers(N_CLASSES, size=int(noisy.sum()))
    return X, labels


def measure(n: int) -> dict[str, object]:
    """One fit and one batch of routing."""
    from tracer_nb.engine import fit_router

    X, y = synthetic(n, 1)
    new, truth = synthetic(20_000, 2)
    fit_router(X[:300], y[:300])  # imports and threads are warm
    start = time.perf_counter()
    router = fit_router(X, y, target=0.9, confidence=0.9, surrogate="kernel-ridge")
    fit = time.perf_counter() - start
    start = time.perf_counter()
    routing = router.route(new)
    rate = len(new) / (time.perf_counter() - start)
    handled = routing.handled
    return {
        "labels": f"{n:,}",
        "surrogate": router.fit.trials[0].settings,
        "fit, s": round(fit, 2),
        "route, rows/s": f"{rate:,.0f}",
        "coverage": round(float(handled.mean()), 3),
        "agreement": round(float((routing.labels == truth)[handled].mean()), 3),
        "peak memory, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--n", default="1000,2000,4000,8000,12000,25000,50000,100000")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    rows = []
    for n in map(int, options.n.split(",")):
        ran = subprocess.run(
            [sys.executable, __file__, "--one", str(n)], stdout=subprocess.PIPE, check=True
        )
        rows.append(json.loads(ran.stdout.splitlines()[-1]))
        print(".", end="", flush=True, file=sys.stderr)
    with published("scaling", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table(rows))


if __name__ == "__main__":
    main()
