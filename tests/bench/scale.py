"""A file larger than memory: rows a second, and memory that does not grow; a billion rows on paper.

    python tests/bench/scale.py [--rows 400000] [--write]

BANKING77's 13,083 questions over and over, as a file of each format; the router is fitted on 2,000
random labels of the data set with the default features (target .92, δ = .1). Each run is a process of
its own on one thread; rows a second are by its CPU time, loading, reading and writing included, so
that others on the machine change little. Memory is the peak of the whole process, libraries included.
What is said of 10 million and of a billion rows is worked out from these rates, not measured; a
billion questions are taken to be distinct, and a call's price is an assumption (see CALL).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import CONFIDENCE, arguments, machine, published, table

# One thread, as a core of a cluster has it.
ONE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# Dollars of a teacher's call, an assumption: 600 tokens of prompt and 10 of answer at $0.25 and $2
# per million tokens.
CALL = 600 * 0.25e-6 + 10 * 2e-6
SMALL = 4


def texts(n: int) -> list[str]:
    """So many questions, in the order of the data set, again and again."""
    from tracer_nb.datasets import load

    all_ = load("banking77")["text"].tolist()
    return [all_[i % len(all_)] for i in range(n)]


def fit(folder: str) -> dict[str, Any]:
    """Fit and save a router."""
    from tracer_nb import Tracer
    from tracer_nb.datasets import load

    data = load("banking77")
    recorded = dict(zip(data["text"], data["label"], strict=True))
    tracer = Tracer(
        recorded, confidence=CONFIDENCE, target=0.92, labelling="random", store=":memory:"
    )
    tracer.label(data["text"], sample=2000)
    tracer.fit()
    tracer.calibrate()
    tracer.save(Path(folder) / "r.tracer")
    return {"coverage": tracer.router.certificate.coverage}


def make(folder: str, n: int, ending: str) -> dict[str, Any]:
    """Write the file to route, a part at a time."""
    path = Path(folder) / f"in-{n}.{ending}"
    every = texts(13_083)
    if ending == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        # One row group: the worst case for whoever reads it.
        part = pa.table({"id": range(n), "text": [every[i % len(every)] for i in range(n)]})
        pq.write_table(part, path, row_group_size=n)
    else:
        with path.open("w", encoding="utf-8") as file:
            if ending == "csv":
                import csv

                writer = csv.writer(file)
                writer.writerow(["id", "text"])
                writer.writerows([i, every[i % len(every)]] for i in range(n))
            else:
                for i in range(n):
                    file.write(json.dumps({"id": i, "text": every[i % len(every)]}) + "\n")
    return {"bytes": path.stat().st_size}


def route(folder: str, n: int, ending: str) -> dict[str, Any]:
    """Route it; what one process takes."""
    from tracer_nb.steps.files.step import route_file

    at = Path(folder)
    out = at / f"out-{n}.{ending}"
    begun, cpu = time.perf_counter(), time.process_time()
    done = route_file(
        at / f"in-{n}.{ending}",
        at / "r.tracer",
        out,
        column="text",
        store=at / f"{n}{ending}.sqlite",
    )
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bytes": out.stat().st_size,
        "deferred": done.counts.get("deferred", 0) / n,
        "rows": done.n_rows,
    }


WORK = {f.__name__: f for f in (fit, make, route)}


def apart(name: str, *given: Any) -> dict[str, Any]:
    """What a function says in a process of its own."""
    ran = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps([name, *given])],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, **ONE},
    )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def measured(n: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], float]:
    """Rows of both tables, and the router's coverage."""
    with tempfile.TemporaryDirectory() as folder:
        coverage = apart("fit", folder)["coverage"]
        rows, rates, each = [], [], {}
        for ending, size in (
            ("parquet", n // SMALL),
            ("parquet", n),
            ("csv", n // SMALL),
            ("csv", n),
            ("jsonl", n // SMALL),
            ("jsonl", n),
        ):
            apart("make", folder, size, ending)
            found = apart("route", folder, size, ending)
            print(ending, size, found, file=sys.stderr)
            assert found["rows"] == size
            rows.append(
                {
                    "file": ending,
                    "rows": f"{size:,}",
                    "rows a CPU second": f"{size / found['cpu']:,.0f}",
                    "peak memory, MB": f"{found['peak']:.0f}",
                    "output, bytes a row": f"{found['bytes'] / size:.0f}",
                    "deferred": f"{found['deferred']:.3f}",
                }
            )
            if size == n:
                rates.append(size / found["cpu"])
                each[ending] = found
    rate = min(rates)
    share, size = each["csv"]["deferred"], each["csv"]["bytes"] / n
    paper = [
        {
            "worked out from the slowest of these": f"{count:,} rows",
            "core hours": f"{count / rate / 3600:,.1f}",
            "output as CSV, GB": f"{count * size / 1e9:,.1f}",
            "teacher for every row": f"${count * CALL:,.0f}",
            "for the deferred rows": f"${count * share * CALL:,.0f}",
        }
        for count in (10_000_000, 1_000_000_000)
    ]
    return rows, paper, coverage


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--one", help="a single measurement, as JSON")
    options = parser.parse_args()
    if options.one:
        name, *given = json.loads(options.one)
        print(json.dumps(WORK[name](*given)))
        return
    rows, paper, coverage = measured(options.rows)
    with published("scale", write=options.write):
        print(f"\nMachine: {machine()}. Certified coverage of the router: {coverage:.3f}.\n")
        print(table(rows))
        print()
        print(table(paper))


if __name__ == "__main__":
    main()
