"""One row at a time: microseconds of ``predict``, beside tracer-llm 0.3.3; prints a Markdown table.

    python tests/bench/onerow.py [--rows 1000] [--env FOLDER] [--no-peer] [--write]

BANKING77, MiniLM vectors, 1,000 labels (300 where the column is known: features may be smoothed
over 5,000 rows of it), target .92 at 90 % confidence; the data set's own label stands for the
teacher's. Every router is saved and loaded, as a service has it, and asked about rows one by one.
tracer-llm is fitted on the same 1,000 rows as ``tests/bench/peers.py`` fits it, without gradient
boosting, and asked about the same rows. From texts, vectors are made in the same call.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TARGET, CONFIDENCE = 0.92, 0.9
WARM = 50


def microseconds(call: Callable[[Any], object], rows: Sequence[Any]) -> dict[str, object]:
    """Median and 99th percentile of the wall time of a call with one row."""
    for row in rows[:WARM]:
        call(row)
    times = []
    for row in rows:
        start = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - start)
    p50, p99 = 1e6 * np.percentile(times, [50, 99])
    return {"p50, µs": f"{p50:,.0f}", "p99, µs": f"{p99:,.0f}"}


# --- the peer, in its own environment ----------------------------------------------------------


def peer_worker(cell: dict[str, Any]) -> dict[str, object]:
    """Fit tracer-llm and ask it about rows one by one."""
    import tracer
    import tracer.api

    data = np.load(cell["data"], allow_pickle=False)
    X, y, labelled, new = data["X"], data["y"], data["labelled"], data["new"]
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "traces.jsonl"
        lines = [json.dumps({"input": f"row {i}", "teacher": y[i]}) for i in labelled]
        trace.write_text("\n".join(lines))
        config = tracer.FitConfig(
            target_teacher_agreement=TARGET,
            verbose=False,
            skip_candidates=("gbt",),
            frontier_targets=(TARGET,),
        )
        tracer.api.fit(trace, Path(folder) / "out", embeddings=X[labelled], config=config)
        router = tracer.load_router(Path(folder) / "out")
        return microseconds(router.predict, X[new])


# --- this package ------------------------------------------------------------------------------


def loaded(texts: list[str], y: Any, rows: Any, n: int, **options: Any) -> Any:
    """A router from a file, of a random sample of n of the rows, and with a store on disk."""
    import tracer_nb

    recorded = {texts[i]: str(y[i]) for i in rows}
    tracer = tracer_nb.Tracer(
        recorded,
        sorted(set(map(str, y))),
        target=TARGET,
        confidence=CONFIDENCE,
        labelling="random",
        store=":memory:",
        **options,
    )
    tracer.label([texts[i] for i in rows], sample=n)
    tracer.fit()
    tracer.calibrate()
    folder = Path(tempfile.mkdtemp())
    tracer.save(folder / "router.tracer")
    return tracer_nb.load(folder / "router.tracer", store=folder / "labels.sqlite")


def named(name: str, router: Any) -> str:
    """What it is, and what was chosen for it."""
    pipeline = router.router.fit.pipeline
    return f"{name}: {pipeline.name}, features {pipeline.view.name}"


def of_vectors(
    X: Any, y: Any, texts: list[str], parts: Sequence[Any]
) -> Iterator[dict[str, object]]:
    """Routers of several kinds, asked about vectors."""
    labelled, column, new = parts
    both = [X, np.ascontiguousarray(X[:, ::-1])]
    kinds: dict[str, tuple[bool, Any, int, dict[str, Any]]] = {
        "by default": (False, labelled, 1000, {}),
        "learned gate": (False, labelled, 1000, {"gate": "learned"}),
        "cascade": (False, labelled, 1000, {"pipeline": "cascade"}),
        "per class": (False, labelled, 1000, {"certificate": "per-class"}),
        "no guard": (False, labelled, 1000, {"guard": False}),
        "two blocks": (True, labelled, 1000, {}),
        "column known": (False, np.r_[labelled, column], 300, {}),
    }
    for name, (is_double, own, n, options) in kinds.items():
        features = [block[own] for block in both] if is_double else X[own]
        router = loaded(texts, y, own, n, features=features, **options)
        each = [[block[i] for block in both] if is_double else X[i] for i in new]
        timed = microseconds(router.predict, each)
        yield {"router": named(name, router), "from": "vector", **timed}


def of_texts(texts: list[str], y: Any, labelled: Any, new: Any) -> Iterator[dict[str, object]]:
    """Routers that make vectors of texts themselves."""
    for features in ("lsa", "wordllama", "auto"):
        router = loaded(texts, y, labelled, len(labelled), features=features)
        timed = microseconds(router.predict, [texts[i] for i in new])
        yield {"router": named(features, router), "from": "text", **timed}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "tracer-llm-0.3.3"))
    parser.add_argument("--no-peer", action="store_true", help="leave tracer-llm out")
    parser.add_argument("--write", action="store_true", help="put the table into measured.md, too")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(peer_worker(json.loads(options.worker))))
        return
    from common import banking77, draw, machine, published, table
    from peers import peer_environment

    X, y, texts = banking77()
    labelled, others = draw(0, 1000, len(y))
    new, column = others[: options.rows], others[options.rows :]
    rows = [*of_vectors(X, y, texts, (labelled, column, new))]
    if not options.no_peer:
        python = peer_environment(Path(options.env))
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "draw.npz")
            np.savez(path, X=X, y=y.astype(str), labelled=labelled, new=new)
            command = [python, __file__, "--worker", json.dumps({"data": path})]
            ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        timed = json.loads(ran.stdout.splitlines()[-1])
        rows.append({"router": "tracer-llm 0.3.3", "from": "vector", **timed})
    rows += of_texts(texts, y, labelled, new)
    with published("onerow", write=options.write):
        print(f"Machine: {machine()}. {options.rows:,} rows, one by one.\n")
        print(table(rows))


if __name__ == "__main__":
    main()
