"""The map of a column: what it takes to lay out, how many bytes go to the page, what it parts.

    python tests/bench/map.py [--n 2000,10000,100000] [--write]

Distinct messages that the generator of the bundled ones writes; a function that knows their intents is the
teacher, 1,500 labels, LSA features. Processor seconds of one layout, bytes of its binary arrays, and of each
point's ten nearest in the plane the share that has the same intent.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from tests.bench.common import arguments, machine, published, table
from tests.bench.large import make
from tracer_nb import Tracer
from tracer_nb.widgets.panel.points import map_values

METHODS = ("pca", "t-sne")


def parted(x: np.ndarray, y: np.ndarray, intents: np.ndarray) -> float:
    """Of each point's ten nearest, the share with its intent; of 5,000 points at the most."""
    points = np.column_stack([x, y])
    some = np.random.default_rng(0).permutation(len(points))[:5000]
    near = NearestNeighbors(n_neighbors=11).fit(points).kneighbors(points[some])[1][:, 1:]
    return float((intents[near] == intents[some, None]).mean())


def measured(n: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.jsonl"
        make(n, path)
        known = dict(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    column = pd.Series(list(known), name="text")
    tracer = Tracer(
        lambda text: known[text],
        sorted(set(known.values())),
        target=0.9,
        features="lsa",
        store=":memory:",
        labelling="random",
    )
    tracer.run(column, sample=min(1500, n // 2), ask_teacher=False)
    found: list[dict[str, object]] = []
    for method in METHODS:
        begun = time.process_time()
        points = tracer.map(method, n_points=n)
        took = time.process_time() - begun
        assert points is not None
        values = map_values(points)
        intents = np.array([known[column[row]] for row in points.rows.tolist()])
        found.append(
            {
                "points": f"{n:,}",
                "layout": method,
                "CPU s": f"{took:.1f}",
                "MB sent": f"{sum(len(v) for v in values.values() if isinstance(v, bytes)) / 1e6:.2f}",
                "nearest with the same intent": f"{parted(points.x, points.y, intents):.2f}",
            }
        )
    return found


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--n", default="2000,10000,100000")
    given = parser.parse_args()
    with published("map", write=given.write):
        rows = [row for n in given.n.split(",") for row in measured(int(n))]
        print(f"Machine: {machine()}.", table(rows), sep="\n\n")
