"""The promises beside selective agreement, each with the bill of a whole job.

    python tests/bench/promises.py [--cells output,recall,precision,third] [--draws 10] [--confidence 0.9]
        [--json promises.json] [--write]

BANKING77, all 13,083 rows, MiniLM vectors and kernel ridge regression with the margin as its gate; a job
labels hard rows first and decides by itself how many, 64 requests at a time, each batch chosen while
the last one is answered. Saved is the share of the rows that nobody asks the teacher about. "Kept" is
what was promised, measured on what comes out: each row that was asked about carries the teacher's label.

- *output*: at least .95 of all rows that come out carry the teacher's label.
- *recall*: a yes-or-no column, "is it this intent?", one intent a draw of those that 1 to 3 % of the rows
  have: at least .95 of its rows come out as "yes". Nothing is said of precision, which is shown beside.
- *precision*: the same columns and intents; of the rows that the surrogate answers, each with "yes", at least
  .95 have the intent. All others are asked about, so no more can be saved than the rows that have it.
- *third*: the same of a wider question, "is it one of these 26 intents?", a third of the rows or so.

A promise is a function of :data:`CELLS`, which yields one draw. Draws that stand in the JSON file are
not made again. Data in ``TRACER_NB_DATA`` or ``../shared/data``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bill import AT_A_TIME, OPTIONS, Data, banking
from common import CONFIDENCE, arguments, machine, published, table
from scipy.stats import binom

from tracer_nb.draws import TEST, UNASKED
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Terms, drive
from tracer_nb.records import PromiseName

TARGET = 0.95
RARE = 0.01, 0.03


def job(data: Data, promise: PromiseName, seed: int, confidence: float) -> dict[str, Any]:
    """One job from nothing to every row with a label, and what came out."""
    column = Column(data.blocks, data.codes)
    terms = Terms(
        TARGET, confidence, seed=seed, options=OPTIONS, at_a_time=AT_A_TIME, promise=promise
    )
    hard_first = HardFirst(column, tuple(data.classes.tolist()), terms)
    start = time.process_time()
    done, said = drive(hard_first, lambda texts: data.labels[texts], late=True)
    seconds = time.process_time() - start
    asked = said[data.codes] != UNASKED
    truth = data.classes[data.labels[data.codes]]
    out, handled = truth.copy(), np.zeros(data.n, dtype=bool)
    if done.certificate is not None and done.frozen is not None:
        open_ = column.open_rows(done.tested[:-1])
        texts = data.codes[open_]
        own = done.frozen.scores[texts] >= done.certificate.threshold
        handled[open_[own]] = True
        mine = done.frozen.fit.classes[done.frozen.answers.codes[data.codes[handled]]]
        out[handled] = mine
    frozen, out = out, np.where(asked, truth, out)
    return {
        "asked": int(asked.sum()),
        "tests": sum(draw.purpose == TEST for draw in done.draws),
        "seconds": seconds,
        "saved": float((handled & ~asked).mean()),
        "selective": float((frozen == truth)[handled].mean()) if handled.any() else 1.0,
        "output": float((out == truth).mean()),
        "truth": truth,
        "out": out,
    }


def output(data: Data, seed: int, confidence: float) -> dict[str, Any]:
    """Whole output."""
    found = job(data, PromiseName("output"), seed, confidence)
    return {**found, "kept": found["output"]}


def rare(data: Data, seed: int) -> np.ndarray:
    """One intent of those that few rows have."""
    shares = np.bincount(data.labels[data.codes], minlength=len(data.classes)) / data.n
    few = np.flatnonzero((shares >= RARE[0]) & (shares <= RARE[1]))
    return np.asarray([np.random.default_rng(seed).choice(few)])


def of_these(
    data: Data, intents: np.ndarray, kind: str, seed: int, confidence: float
) -> dict[str, Any]:
    """A promise about "yes", where the question is whether a row has one of these intents."""
    asked = Data.__new__(Data)
    asked.blocks, asked.codes = data.blocks, data.codes
    asked.classes, asked.labels = np.array(["no", "yes"]), np.isin(data.labels, intents).astype(int)
    found = job(asked, PromiseName(kind, "yes"), seed, confidence)
    return {**found, "rows": int((found["truth"] == "yes").sum())}


def recall(data: Data, seed: int, confidence: float) -> dict[str, Any]:
    """Recall of one rare intent."""
    found = of_these(data, rare(data, seed), "recall", seed, confidence)
    relevant, kept = found["truth"] == "yes", found["out"] == "yes"
    return {
        **found,
        "kept": float(kept[relevant].mean()),
        "precision": float(relevant[kept].mean()) if kept.any() else 1.0,
    }


def precision(data: Data, seed: int, confidence: float) -> dict[str, Any]:
    """Precision of one rare intent: of the rows that the surrogate answers, which it calls by it."""
    found = of_these(data, rare(data, seed), "precision", seed, confidence)
    return {**found, "kept": found["selective"]}


def third(data: Data, seed: int, confidence: float) -> dict[str, Any]:
    """Precision of a third of the intents, taken as one."""
    n = len(data.classes)
    intents = np.random.default_rng(seed).choice(n, round(n / 3), replace=False)
    found = of_these(data, intents, "precision", seed, confidence)
    return {**found, "kept": found["selective"]}


CELLS: dict[str, Callable[[Data, int, float], dict[str, Any]]] = {
    "output": output,
    "recall": recall,
    "precision": precision,
    "third": third,
}
SAY = {
    "output": "whole output, .95",
    "recall": "recall of one intent (1 to 3 % of the rows), .95",
    "precision": "precision of one intent (1 to 3 % of the rows), .95",
    "third": "precision of 26 intents as one (a third of the rows), .95",
}


def measure(options: Any, path: Path) -> dict[str, list[dict[str, Any]]]:
    """All cells; each draw stands in the file as soon as it is made."""
    done: dict[str, Any] = {}
    if path.exists():
        done = json.loads(path.read_text(encoding="utf-8"))["cells"]
    data = banking()
    for name in options.cells.split(","):
        for seed in range(len(done.setdefault(name, [])), options.draws):
            found = CELLS[name](data, seed, options.confidence)
            done[name].append({k: v for k, v in found.items() if not isinstance(v, np.ndarray)})
            print(name, seed, done[name][-1], file=sys.stderr, flush=True)
            text = json.dumps({"machine": machine(), "cells": done}, indent=1)
            path.write_text(text, encoding="utf-8")
    return done


def line(name: str, found: list[dict[str, Any]], confidence: float) -> dict[str, object]:
    """One row of the table."""

    def mean(key: str) -> float:
        return float(np.mean([draw[key] for draw in found]))

    def spread(key: str) -> str:
        return f"{min(draw[key] for draw in found):.2f} to {max(draw[key] for draw in found):.2f}"

    allowed = int(binom.ppf(0.999, len(found), 1 - confidence))
    return {
        "promise": SAY.get(name, name),
        "draws": len(found),
        "saved": mean("saved"),
        "saved, spread": spread("saved"),
        "kept": mean("kept"),
        "kept, spread": spread("kept"),
        "below target": f"{sum(draw['kept'] < TARGET for draw in found)} (at most {allowed})",
        "selective agreement": mean("selective"),
        "agreement of the output": mean("output"),
        "precision": f"{mean('precision'):.3f}" if "precision" in found[0] else "",
        "asked before routing": f"{mean('asked'):,.0f}",
        "tests": mean("tests"),
        "CPU, s": f"{mean('seconds'):.0f}",
    }


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--cells", default="output,recall,precision,third")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--confidence", type=float, default=CONFIDENCE)
    parser.add_argument("--json", default="promises.json")
    options = parser.parse_args()
    done = measure(options, Path(options.json))
    with published("promises", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table([line(name, done[name], options.confidence) for name in done if done[name]]))


if __name__ == "__main__":
    main()
