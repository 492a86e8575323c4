"""Several labels a row: the whole bill of a column whose rows are two questions each.

    python tests/bench/sets.py [--draws 3] [--targets 0.8,0.9,0.95] [--confidence 0.9] [--rows 6541]
        [--json sets.json] [--write]

BANKING77's questions are joined in pairs drawn at random, each question once; the set is both
intents, one label where they are the same. Vectors are the mean of the two questions' MiniLM vectors,
not those of a joined text. Agreement is that of the whole set. Saved is the share of rows that nobody
asks the teacher about, and the promise is that of the column: of the rows that the surrogate answers
at least the target's share carries the teacher's very set. "each set a class" is what a classifier of
one label a row can do with the same rows: it knows only sets that it has seen. Cells that stand in
the JSON file are not measured again. It needs ``TRACER_NB_DATA`` or ``../shared/data``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIDENCE, arguments, banking77, machine, published, table
from scipy.stats import binom

from tracer_nb.draws import UNASKED
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Terms, drive
from tracer_nb.engine.zoo import unit_rows
from tracer_nb.labelsets import LabelSets

OPTIONS = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}
AT_A_TIME = 64
WAYS = ("several labels", "each set a class")


class Pairs:
    """Rows of two questions, and the set of each as a number."""

    def __init__(self, seed: int, most: int) -> None:
        X, y, _ = banking77()
        names, codes = np.unique(y.astype(str), return_inverse=True)
        order = np.random.default_rng([seed, 91]).permutation(len(codes))
        half = min(len(order) // 2, most)
        first, second = order[:half], order[half : 2 * half]
        unit = unit_rows(X.astype(np.float32))
        self.X = unit_rows(unit[first] + unit[second])
        self.sets = LabelSets(names.tolist())
        members = np.zeros((half, len(names)), dtype=bool)
        members[np.arange(half), codes[first]] = members[np.arange(half), codes[second]] = True
        self.numbers = self.sets.numbers(members)

    def labelled(self, way: str) -> tuple[tuple[str, ...], np.ndarray]:
        """The label set, and each row's number in it."""
        if way == WAYS[0]:
            return self.sets, self.numbers
        seen, own = np.unique(self.numbers, return_inverse=True)
        return tuple(self.sets.name(number) for number in seen.tolist()), own


def one(data: Pairs, way: str, target: float, seed: int, confidence: float) -> dict[str, float]:
    """One job: saved share, agreement of the rows that the surrogate answers, and what was asked."""
    classes, labels = data.labelled(way)
    n = len(labels)
    column = Column([data.X], np.arange(n))
    terms = Terms(target, confidence, seed=seed, options=OPTIONS, at_a_time=AT_A_TIME)
    job = HardFirst(column, classes, terms)
    start = time.process_time()
    done, said = drive(job, lambda texts: labels[texts], late=True)
    found = {"seconds": time.process_time() - start, "asked": float((said != UNASKED).sum())}
    if done.certificate is None or done.frozen is None:
        return {**found, "saved": 0.0, "agreement": 1.0, "unseen": 0.0}
    open_ = column.open_rows(done.tested[:-1])
    rows = open_[done.frozen.scores[open_] >= done.certificate.threshold]
    mine = done.frozen.fit.names(done.frozen.answers.codes[rows])
    truth = np.array([data.sets.name(number) for number in data.numbers[rows].tolist()])
    learned = data.numbers[done.frozen.labelled]
    return {
        **found,
        "saved": float((said[rows] == UNASKED).sum() / n),
        "agreement": float((mine == truth).mean()),
        "unseen": float((~np.isin(data.numbers[rows], learned)).mean()),
    }


def measure(options: Any, path: Path) -> dict[str, list[dict[str, float]]]:
    """All cells; each stands in the file as soon as it is done."""
    done = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for seed in range(options.draws):
        data = Pairs(seed, options.rows)
        for target in map(float, options.targets.split(",")):
            for way in WAYS:
                cell = done.setdefault(f"{way} | {target:.2f} | {options.confidence:.2f}", [])
                if len(cell) == seed:
                    cell.append(one(data, way, target, seed, options.confidence))
                    print(way, target, seed, cell[-1], file=sys.stderr, flush=True)
                    path.write_text(json.dumps(done, indent=1), encoding="utf-8")
    return done


def line(key: str, found: list[dict[str, float]]) -> dict[str, object]:
    """One row of the table."""
    way, target, confidence = key.split(" | ")
    mean = {k: float(np.mean([draw[k] for draw in found])) for k in found[0]}
    below = sum(draw["agreement"] < float(target) for draw in found)
    allowed = int(binom.ppf(0.999, len(found), 1 - float(confidence)))
    return {
        "way": way,
        "target": target,
        "confidence": confidence,
        "draws": len(found),
        "saved": mean["saved"],
        "agreement of whole sets": mean["agreement"],
        "answered sets never seen": mean["unseen"],
        "below target": f"{below}/{len(found)} (at most {allowed})",
        "asked before routing": f"{mean['asked']:,.0f}",
        "CPU, s": f"{mean['seconds']:.0f}",
    }


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--targets", default="0.8,0.9,0.95")
    parser.add_argument("--confidence", type=float, default=CONFIDENCE)
    parser.add_argument("--rows", type=int, default=6541)
    parser.add_argument("--json", default="sets.json")
    options = parser.parse_args()
    done = measure(options, Path(options.json))
    with published("sets", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table([line(key, found) for key, found in done.items() if found]))


if __name__ == "__main__":
    main()
