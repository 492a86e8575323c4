"""Batch routing beside another build's, or tracer-llm's, in turns; prints a Markdown table.

    python tests/bench/routing.py --other CHECKOUT [--n 500,1000,3000,8000] [--write]
    python tests/bench/routing.py --peer FOLDER [--n 500,1000,3000] [--write]

BANKING77, MiniLM vectors, target .9 at 90 % confidence; the data set's own label stands for the
teacher's. Both builds fit routers on the same labels, smoothed ones with the other rows as their
column, and route the same 4,000 rows in turns; the median of the rounds is shown, and the range of their
ratios. CHECKOUT is a folder that holds the other build's ``tracer_nb``, such as a git worktree.

FOLDER is the environment of ``peers.py`` with tracer-llm 0.3.3, which is fitted on the same labels at the
same target, gradient boosting left out, and routes the same vectors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROUTED = 4000
ABOUT: dict[str, Any] = {
    "teacher": "recorded labels",
    "identity": {"kind": "recorded"},
    "prompt": None,
    "columns": [],
    "assumption": "",
    "fit": "0" * 16,
    "exact": True,
    "seconds": 0.0,
    "latency_weight": 0.0,
    "chain": [],
    "abstain": {"unlike": False, "unsure": None},
    "versions": {},
    "origin": {
        "models": [],
        "note": "",
        "prompt_sha256": "",
        "column": "",
        "n_rows": 0,
        "n_texts": 0,
        "data_sha256": "",
        "features": "",
        "surrogate": "",
        "tests": [],
        "made": "2026-01-01T00:00:00+00:00",
    },
    "saved": "2026-01-01T00:00:00+00:00",
}


def worker(data: str) -> None:
    """Answer lines of JSON: fit, save and load, or route what is asked for."""
    from tracer_nb.engine import fit_router
    from tracer_nb.engine.saving.router_file import RouterFile, read_router, write_router
    from tracer_nb.engine.saving.schema import CONTENT

    known = CONTENT["properties"]["about"]["properties"]  # an older build's files say less
    held = np.load(data, allow_pickle=False)
    router: Any = None
    for line in sys.stdin:
        asked = json.loads(line)
        n, column = asked["n"], asked["column"]
        order = np.random.default_rng(0).permutation(len(held["y"]))
        X, y = held["X"][order], held["y"][order]
        new = X[n:]
        if asked["do"] == "fit":
            router = fit_router(
                X[:n],
                y[:n],
                target=0.9,
                confidence=0.9,
                certificate=asked["certificate"],
                column=new if column else None,
            )
            routed = router.route(new, column=column)
            labels = sorted(set(y.tolist()))
            fitted = [f"{i:016x}" for i in range(n)]
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "router.tracer"
                about = {k: v for k, v in ABOUT.items() if k in known}
                about |= {"labels": labels, "fitted": fitted}
                write_router(path, RouterFile(router, None, about))
                times = []
                for _ in range(5):
                    start = time.perf_counter()
                    again = read_router(path).router
                    times.append(time.perf_counter() - start)
                size = path.stat().st_size
            back = again.route(new, column=column)
            said = {
                "view": router.fit.pipeline.view.name,
                "accuracy": float((routed.labels == y[n:]).mean()),
                "coverage": router.certificate_for(column=column).coverage,
                "bytes": size,
                "load": float(np.median(times)),
                "same": bool((back.handled == routed.handled).all()),
            }
        else:
            start = time.perf_counter()
            router.route(new[:ROUTED], column=column)
            said = {"rate": ROUTED / (time.perf_counter() - start)}
        print(json.dumps(said), flush=True)


def peer(data: str) -> None:
    """The same of tracer-llm, in its own environment."""
    import tracer
    import tracer.api

    held = np.load(data, allow_pickle=False)
    fitted: dict[int, Any] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        n = asked["n"]
        order = np.random.default_rng(0).permutation(len(held["y"]))
        X, y = held["X"][order], held["y"][order]
        new = X[n:]
        if n not in fitted:
            with tempfile.TemporaryDirectory() as folder:
                trace = Path(folder) / "traces.jsonl"
                rows = [{"input": f"row {i}", "teacher": y[i]} for i in range(n)]
                trace.write_text("\n".join(map(json.dumps, rows)))
                config = tracer.FitConfig(
                    target_teacher_agreement=0.9,
                    verbose=False,
                    skip_candidates=("gbt",),
                    frontier_targets=(0.9,),
                )
                made = Path(folder) / "out"
                tracer.api.fit(trace, made, embeddings=X[:n], config=config)
                fitted[n] = tracer.load_router(made)
        if asked["do"] == "fit":
            routed = fitted[n].predict_batch(new)
            said = {
                "accuracy": float((np.array(routed["labels"], dtype=object) == y[n:]).mean()),
                "coverage": float(np.asarray(routed["handled"], dtype=bool).mean()),
            }
        else:
            start = time.perf_counter()
            fitted[n].predict_batch(new[:ROUTED])
            said = {"rate": ROUTED / (time.perf_counter() - start)}
        print(json.dumps(said), flush=True)


class Build:
    """A process with one build's ``tracer_nb``, or with tracer-llm."""

    def __init__(self, root: Path, data: str, python: str = "") -> None:
        self._process = subprocess.Popen(
            [python or sys.executable, __file__, "--worker-peer" if python else "--worker", data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(root)},
        )

    def ask(self, **what: object) -> dict[str, Any]:
        """What it says to one request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def measured(builds: list[Build], cell: dict[str, Any], rounds: int) -> dict[str, object]:
    """One row of the table: the other build's figure, then this one's."""
    old, new = (build.ask(do="fit", **cell) for build in builds)
    rates = [[build.ask(do="route", **cell)["rate"] for build in builds] for _ in range(rounds)]
    before, after = np.median(rates, axis=0)
    ratios = [mine / its for its, mine in rates]
    if not new["same"]:
        raise SystemExit(f"a loaded router decides otherwise: {cell}")

    def both(name: str, form: str, scale: float = 1.0) -> str:
        return " → ".join(form.format(scale * said[name]) for said in (old, new) if name in said)

    views = dict.fromkeys(said["view"] for said in (old, new) if "view" in said)
    return {
        "n": f"{cell['n']:,}",
        "router": ("column, " if cell["column"] else "") + cell["certificate"],
        "features": " → ".join(views),
        "rows/s": f"{before:,.0f} → {after:,.0f}",
        "ratio": f"{np.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
        "agreement": both("accuracy", "{:.3f}"),
        "certified coverage": both("coverage", "{:.3f}"),
        "file, MB": both("bytes", "{:.2f}", 1e-6),
        "load, ms": both("load", "{:.0f}", 1000.0),
    }


def main() -> None:
    """Measure, print, write."""
    from common import arguments, banking77, machine, published, table

    parser = arguments(__doc__)
    parser.add_argument("--other", help="folder of the other build")
    parser.add_argument("--peer", help="environment of tracer-llm")
    parser.add_argument("--n", default="500,1000,3000,8000")
    parser.add_argument("--certificates", default="held-out,cross-fit")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if bool(options.other) == bool(options.peer):
        raise SystemExit("give --other or --peer")
    X, y, _ = banking77()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "data.npz")
        np.savez(data, X=X, y=y.astype(str))
        here = Path(__file__).parents[2]
        if options.peer:
            other = Build(here, data, str(Path(options.peer, "bin", "python")))
        else:
            other = Build(Path(options.other).resolve(), data)
        builds = [other, Build(here, data)]
        for n in map(int, options.n.split(",")):
            for certificate in options.certificates.split(","):
                for column in (True, False):
                    cell = {"n": n, "certificate": certificate, "column": column}
                    rows.append(measured(builds, cell, options.rounds))
        for build in builds:
            build.close()
    what = "tracer-llm 0.3.3" if options.peer else "Other build"
    with published("rates" if options.peer else "routing", write=options.write):
        print(f"Machine: {machine()}. {what} → this one; {options.rounds} rounds.\n")
        print(table(rows))


if __name__ == "__main__":
    if "--worker" in sys.argv:
        worker(sys.argv[-1])
    elif "--worker-peer" in sys.argv:
        peer(sys.argv[-1])
    else:
        main()
