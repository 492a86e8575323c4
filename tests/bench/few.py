"""Few labels: how much of a column is certified where a cap pays for a few hundred of the teacher's calls.

    python tests/bench/few.py [--draws 20] [--cells 500:0.9,500:0.92,500:0.95,300:0.9] [--no-names]
        [--json few.json] [--write]

BANKING77 (MiniLM vectors and encoder in ``TRACER_NB_DATA``, or ``../shared/data``, and ``models`` beside
it; its own label stands for the teacher's), hard rows first, kernel ridge regression with the margin as
its gate, confidence .9. All calls count: those that were fitted on and those that tested. *Certified* is
the share of all rows of the column that the column certificate handles, tested ones among them included,
as it speaks of them; *answered* the share that the surrogate alone answers. Labels that were fitted on are
in neither. Cells that stand in the JSON file are not measured again.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from bill import OPTIONS, Data, banking
from common import CONFIDENCE, arguments, machine, published, table
from scipy.stats import binom
from vectors import model_folder

from tracer_nb.draws import TEST, UNASKED
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Done, Terms
from tracer_nb.engine import ExtraRows
from tracer_nb.engine.features import SentenceFeatures
from tracer_nb.labelset import readable_labels
from tracer_nb.records import Caps, Spending
from tracer_nb.steps.label.stream import reserve

CELLS = "500:0.9,500:0.92,500:0.95,300:0.9"
AT_A_TIME = 64


def names_of(data: Data) -> ExtraRows:
    """Vectors of what the labels are called."""
    encoder = SentenceFeatures(str(model_folder()))
    said = list(readable_labels(data.classes.tolist()).values())
    return ExtraRows([encoder.transform(said)], data.classes)


def one(
    data: Data, names: ExtraRows | None, target: float, calls: int, seed: int
) -> dict[str, float]:
    """One job under its cap."""
    column = Column(data.blocks, data.codes)
    terms = Terms(target, CONFIDENCE, seed=seed, options=OPTIONS, at_a_time=AT_A_TIME)
    job = HardFirst(column, tuple(data.classes.tolist()), terms)
    job.freezer.names = names
    said, draws, closed = np.full(column.n_texts, UNASKED), (), False
    begun = time.process_time()
    while True:
        n = int((said != UNASKED).sum())
        reserve(job, draws, said, Caps(max_rows=calls), Spending(asked=n))
        move = job.step(draws, said, closed=closed)
        draws = move.draws
        if isinstance(move, Done):
            break
        texts = move.texts[: calls - n]
        said[texts] = data.labels[texts]
        closed = len(texts) < len(move.texts)
    asked = said != UNASKED
    found = {
        "asked": int(asked.sum()),
        "tested": sum(len(draw.rows) for draw in draws if draw.purpose == TEST),
        "seconds": time.process_time() - begun,
        "certified": 0.0,
        "answered": 0.0,
        "agreement": 1.0,
    }
    if move.certificate is not None and move.frozen is not None:
        open_ = column.open_rows(move.tested[:-1])
        scores = move.frozen.scores[data.codes[open_]]
        texts = data.codes[open_[scores >= move.certificate.threshold]]
        mine = move.frozen.fit.classes[move.frozen.answers.codes[texts]]
        found["certified"] = len(texts) / data.n
        found["answered"] = float((~asked[texts]).sum() / data.n)
        found["agreement"] = float((mine == data.classes[data.labels[texts]]).mean())
    return found


def line(key: str, found: list[dict[str, float]]) -> dict[str, object]:
    """One row of the table."""
    calls, target, names = key.split(" | ")
    mean = {k: float(np.mean([draw[k] for draw in found])) for k in found[0]}
    certified = [draw["certified"] for draw in found]
    below = sum(draw["agreement"] < float(target) for draw in found)
    return {
        "calls": calls,
        "target": target,
        "names of labels": names,
        "certified": mean["certified"],
        "standard error": float(np.std(certified) / max(len(found) - 1, 1) ** 0.5),
        "answered": mean["answered"],
        "nothing certified": f"{sum(c == 0 for c in certified)}/{len(found)}",
        "agreement": mean["agreement"],
        "below target": f"{below}/{len(found)} (at most {int(binom.ppf(0.999, len(found), 0.1))})",
        "tested": f"{mean['tested']:.0f}",
        "asked": f"{mean['asked']:.0f}",
        "CPU, s": f"{mean['seconds']:.1f}",
    }


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--cells", default=CELLS)
    parser.add_argument("--no-names", action="store_true")
    parser.add_argument("--json", default="few.json")
    options = parser.parse_args()
    path, data = Path(options.json), banking("")
    names = None if options.no_names else names_of(data)
    done = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else {}
    for cell in options.cells.split(","):
        calls, target = cell.split(":")
        key = f"{calls} | {float(target):.2f} | {'no' if names is None else 'offered'}"
        for seed in range(len(done.setdefault(key, [])), options.draws):
            done[key].append(one(data, names, float(target), int(calls), seed))
            print(key, seed, f"{done[key][-1]['certified']:.3f}", file=sys.stderr, flush=True)
            text = json.dumps({"machine": machine(), "cells": done}, indent=1)
            path.write_text(text, encoding="utf-8")
    with published("few", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table([line(key, found) for key, found in done.items() if found]))


if __name__ == "__main__":
    main()
