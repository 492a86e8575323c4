"""This engine and tracer-llm 0.3.3 on the same vectors, in one run; prints Markdown tables.

    python tests/bench/peers.py [--draws 10] [--n 500,1000,3000,10003] [--json peers.json]

tracer-llm is installed from the package index in an environment of its own, in --env. The data
set's own label stands for the teacher's, so agreement with the teacher equals accuracy.

tracer-llm's default zoo sweeps its surrogates anew for every target and for each of its three
methods. A sweep depends on rows alone, so in the draws it is remembered, and its slowest
candidate, gradient boosting, is left out: on 300 rows it takes a minute. Both are in its favour.
Its fit as it comes, nothing remembered or left out, is timed once at n = 10,003
(--default-fit), where it leaves gradient boosting out by itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

TARGETS = (0.90, 0.92, 0.95, 0.98)
CONFIDENCE = 0.9
METHODS = ("tracer-llm", "held-out", "column", "cross-fit", "column, cross-fit")


def peak_memory() -> float:
    """GB that this process has used at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def milliseconds(call: Callable[[np.ndarray], object], rows: np.ndarray) -> float:
    """Median wall time of a call with one row."""
    times = []
    for row in rows:
        start = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def agreement(same: np.ndarray, handled: np.ndarray) -> float | None:
    """Share of the handled rows with the same label; None when none is handled."""
    return float(same[handled].mean()) if handled.any() else None


# --- the peer, in its own environment --------------------------------------------------------


def peer_worker(cell: dict[str, object]) -> dict[str, object]:
    """Fit tracer-llm at every target on one draw, and count what it did on the other rows."""
    import tracer
    import tracer.api  # it puts the function where the package of the same name would be
    from tracer.fit import pipeline

    data = np.load(str(cell["data"]), allow_pickle=False)
    X, y, labelled, truth = data["X"], data["y"], data["labelled"], data["truth"]
    skip = tuple(cell["skip"])  # type: ignore[arg-type]
    sweep, known = pipeline.search_best_surrogate, {}

    def remembered(a, b, c, d, **options):
        key = (a.tobytes(), b.tobytes())
        if key not in known:
            known[key] = sweep(a, b, c, d, **options)
        return known[key]

    if cell["remember"]:
        pipeline.search_best_surrogate = remembered
    results = []
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "traces.jsonl"
        trace.write_text(
            "\n".join(json.dumps({"input": f"row {i}", "teacher": y[i]}) for i in labelled)
        )
        for target in cell["targets"]:  # type: ignore[attr-defined]
            start = time.perf_counter()
            changes = {"skip_candidates": skip, "frontier_targets": (target,)}
            config = tracer.FitConfig(
                target_teacher_agreement=target,
                verbose=False,
                **(changes if cell["remember"] else {}),
            )
            fitted = tracer.api.fit(
                trace, Path(folder) / "out", embeddings=X[labelled], config=config
            )
            result = {"target": target, "fit": time.perf_counter() - start}
            result["certified"] = float(fitted.manifest.coverage_cal or 0.0)
            result["coverage"], result["agreement"] = 0.0, None
            if fitted.manifest.selected_method:
                router = tracer.load_router(Path(folder) / "out")
                start = time.perf_counter()
                routed = router.predict_batch(X[truth])
                result["rows a second"] = len(truth) / (time.perf_counter() - start)
                handled = np.asarray(routed["handled"], dtype=bool)
                labels = np.array(routed["labels"], dtype=object)
                result["coverage"] = float(handled.mean())
                result["agreement"] = agreement(labels == y[truth], handled)
                result["one row, ms"] = milliseconds(router.predict, X[truth][:100])
            results.append(result)
    return {"results": results, "memory": peak_memory()}


def peer(python: Path, cell: dict[str, object]) -> dict[str, object]:
    """Run one cell in the peer's environment."""
    ran = subprocess.run(
        [python, __file__, "--worker", json.dumps(cell)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout.splitlines()[-1])


def peer_environment(folder: Path) -> Path:
    """Its interpreter, the environment made when it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "tracer-llm==0.3.3"], check=True)
    return python


# --- this engine ------------------------------------------------------------------------------


def ours(cell: dict[str, object]) -> dict[str, object]:
    """The same with this engine, by one of its certificates."""
    from tracer_nb.engine import fit_router

    data = np.load(str(cell["data"]), allow_pickle=False)
    X, y, labelled, truth = data["X"], data["y"], data["labelled"], data["truth"]
    method = str(cell["method"])
    certificate = "cross-fit" if "cross-fit" in method else "held-out"
    column = X[truth] if "column" in method else None
    fit_router(X[labelled][:200], y[labelled][:200])  # imports and threads are warm
    results = []
    for target in cell["targets"]:  # type: ignore[attr-defined]
        start = time.perf_counter()
        router = fit_router(
            X[labelled],
            y[labelled],
            target=target,
            confidence=CONFIDENCE,
            certificate=certificate,
            column=column,
            seed=int(cell["seed"]),  # type: ignore[call-overload]
        )
        result: dict[str, object] = {"target": target, "fit": time.perf_counter() - start}
        about_column = column is not None
        result["certified"] = router.certificate_for(column=about_column).coverage
        start = time.perf_counter()
        routed = router.route(X[truth], column=about_column)
        result["rows a second"] = len(truth) / (time.perf_counter() - start)
        handled = routed.handled
        result["coverage"] = float(handled.mean())
        result["agreement"] = agreement(routed.labels == y[truth], handled)
        result["one row, ms"] = milliseconds(router.route, X[truth][:100, None])
        results.append(result)
    return {"results": results, "memory": peak_memory()}


# --- tables -----------------------------------------------------------------------------------


def quality_rows(cells: list[dict[str, object]]) -> list[dict[str, object]]:
    """Per n and target: certified and true coverage of each method, and broken promises."""
    rows = []
    for n in dict.fromkeys(cell["n"] for cell in cells):
        for target in TARGETS:
            row: dict[str, object] = {"n": n, "target": f"{target:.2f}"}
            for method in METHODS:
                found = [
                    r
                    for cell in cells
                    if cell["n"] == n and cell["method"] == method
                    for r in cell["results"]  # type: ignore[attr-defined]
                    if r["target"] == target
                ]
                if not found:
                    row[method] = ""
                    continue
                broken = sum(r["agreement"] is not None and r["agreement"] < target for r in found)
                certified = np.mean([r["certified"] for r in found])
                row[method] = f"{certified:.3f} ({broken}/{len(found)})"
            rows.append(row)
    return rows


def speed_rows(cells: list[dict[str, object]]) -> list[dict[str, object]]:
    """Per n: seconds, rates and memory of each method."""
    rows = []
    for n in dict.fromkeys(cell["n"] for cell in cells):
        for method in METHODS:
            found = [c for c in cells if c["n"] == n and c["method"] == method]
            # The peer's first target sweeps; the others find the sweep remembered.
            fits = [c["results"][0]["fit"] for c in found]  # type: ignore[index]
            every = [r for c in found for r in c["results"]]  # type: ignore[attr-defined]
            if not found:
                continue
            rates = [r["rows a second"] for r in every if "rows a second" in r]
            ones = [r["one row, ms"] for r in every if "one row, ms" in r]
            rows.append(
                {
                    "n": n,
                    "method": method,
                    "fit, s": f"{np.median(fits):.2f}",
                    "route, rows/s": f"{np.median(rates):,.0f}" if rates else "",
                    "one row, ms": f"{np.median(ones):.2f}" if ones else "",
                    "peak memory, GB": f"{max(float(c['memory']) for c in found):.2f}",  # type: ignore[arg-type]
                }
            )
    return rows


def run(options: argparse.Namespace) -> list[dict[str, object]]:
    """All cells, each in a process of its own, one after the other."""
    from common import N_TRAIN, banking77, draw

    X, y, _ = banking77()
    python = peer_environment(Path(options.env))
    cells = []
    with tempfile.TemporaryDirectory() as folder:
        for n in map(int, options.n.split(",")):
            # The published split is one draw; engine and peer differ by their own seeds only.
            draws = 1 if n == N_TRAIN else options.draws
            for seed in range(draws):
                labelled, truth = draw(seed, n, len(y))
                path = str(Path(folder) / "draw.npz")
                np.savez(path, X=X, y=y.astype(str), labelled=labelled, truth=truth)
                base = {"n": n, "seed": seed, "data": path, "targets": TARGETS}
                for method in METHODS:
                    cell: dict[str, object] = {**base, "method": method}
                    if method == METHODS[0]:
                        done = peer(python, {**cell, "skip": ["gbt"], "remember": True})
                    else:
                        ran = subprocess.run(
                            [sys.executable, __file__, "--ours", json.dumps(cell)],
                            stdout=subprocess.PIPE,
                            text=True,
                            check=True,
                        )
                        done = json.loads(ran.stdout.splitlines()[-1])
                    cells.append({**cell, **done})
                    print(".", end="", flush=True, file=sys.stderr)
        if options.default_fit:
            labelled, truth = draw(0, N_TRAIN, len(y))
            path = str(Path(folder) / "draw.npz")
            np.savez(path, X=X, y=y.astype(str), labelled=labelled, truth=truth)
            cell = {"data": path, "targets": [0.92], "skip": [], "remember": False}
            took = peer(python, cell)["results"][0]["fit"]  # type: ignore[index]
            print(f"tracer-llm, its fit as it comes at n = {N_TRAIN:,}: {took:.0f} s\n")
    return cells


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--n", default="500,1000,3000,10003")
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "tracer-llm-0.3.3"))
    parser.add_argument("--write", action="store_true", help="put the tables into measured.md, too")
    parser.add_argument("--json", default="")
    parser.add_argument("--default-fit", action="store_true", help="Also time its whole zoo.")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--ours", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker or options.ours:
        cell = json.loads(options.worker or options.ours)
        print(json.dumps(peer_worker(cell) if options.worker else ours(cell)))
        return
    from common import machine, published, table

    cells = run(options)
    if options.json:
        Path(options.json).write_text(json.dumps(cells, indent=1), encoding="utf-8")
    with published("peers", write=options.write):
        print(f"Machine: {machine()}.\n")
        print("Mean certified coverage (draws whose true agreement is below the target / draws):\n")
        print(table(quality_rows(cells)))
        print()
        print(table(speed_rows(cells)))


if __name__ == "__main__":
    main()
