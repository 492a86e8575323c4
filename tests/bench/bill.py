"""The whole bill of a column, from nothing to every row labelled under the promise.

    python tests/bench/bill.py [--draws 10] [--random-draws 10] [--cells banking77,support,babe]
        [--targets 0.9,0.92,0.95] [--confidence 0.9] [--ways hard-first,slowly,random,tracer-llm]
        [--env FOLDER] [--json bill.json] [--write]

Saved is the share of a column's rows that nobody asks the teacher about: all rows that were fitted on,
tested and deferred are counted as asked. Hard rows first decides by itself how many rows it asks
about, 64 requests at a time, each batch chosen while the last one is answered, or one at a time
("slowly"); one random sample is drawn at each of five sizes, of which the best is known only afterwards.
Both use kernel ridge regression with the margin as their gate. tracer-llm 0.3.3 is fitted on the
same samples, at its own rule, which knows no confidence; what it defers is asked about. It is
installed in --env; its slowest candidate is left out (see ``peers.py``).

BANKING77 (MiniLM; its own labels) and babe (MiniLM; recorded answers of GPT-4) are in
``TRACER_NB_DATA`` or ``../shared/data``; the support messages are bundled (LSA). "-auto" and "-lsa"
behind the name of a set are the default features, wordllama fused with LSA, and LSA alone. Cells that
stand in the JSON file are not measured again.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIDENCE, arguments, banking77, machine, published, table
from peers import peer, peer_environment
from scipy.stats import binom

from tracer_nb.datasets import load
from tracer_nb.draws import UNASKED
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Terms, drive
from tracer_nb.engine import fit_router
from tracer_nb.engine.features import make_features

OPTIONS = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}
SIZES = (500, 1000, 1500, 2000, 3000)
DEFAULT = 2000
# Requests to a server, where nobody says another number.
AT_A_TIME = 64
SLOWLY = "hard-first, slowly"
# On 300 rows it takes a minute; as in peers.py.
PEER_SKIPS = ("gbt",)


class Data:
    """Rows, their distinct texts, and the teacher's label of each text."""

    def __init__(self, X: np.ndarray | str, labels: np.ndarray, texts: list[str]) -> None:
        keys = np.array([text.strip() for text in texts], dtype=object)
        _, first, self.codes = np.unique(keys, return_index=True, return_inverse=True)
        if isinstance(X, str):
            unique = keys[first].tolist()
            made = make_features(X).fit(unique).transform(unique)
            self.blocks = list(made) if isinstance(made, (list, tuple)) else [made]
        else:
            self.blocks = [X[first]]
        self.classes, self.labels = np.unique(labels[first].astype(str), return_inverse=True)

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.codes)


def babe(features: str = "") -> Data:
    """Sentences with GPT-4's recorded answers."""
    folder = Path(os.environ.get("TRACER_NB_DATA", "../shared/data")) / "babe"
    with (folder / "annotated.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = np.array([bool(row["gpt4_8_examples"]) for row in rows])
    labels = np.array([row["gpt4_8_examples"] for row in rows], dtype=object)
    X = np.load(folder / "minilm.npy")
    texts = [r["text"] for r, k in zip(rows, known, strict=True) if k]
    return Data(features or X[known], labels[known], texts)


def support(features: str = "") -> Data:
    """The bundled support messages, with LSA of their own n-grams where nothing else is said."""
    frame = load("support")
    texts = frame["text"].tolist()
    return Data(features or "lsa", frame["label"].to_numpy(dtype=object), texts)


def banking(features: str = "") -> Data:
    """BANKING77's questions and labels."""
    X, labels, texts = banking77()
    return Data(features or X, labels, texts)


SETS: dict[str, Callable[[str], Data]] = {"banking77": banking, "support": support, "babe": babe}


def data_of(name: str) -> Data:
    """A set, with the features that stand behind its name."""
    of, _, features = name.partition("-")
    return SETS[of](features)


def hard_first(
    data: Data, target: float, seed: int, confidence: float, *, slowly: bool
) -> dict[str, float]:
    """One job: saved share, agreement of the rows that the surrogate answers, and what was asked."""
    column = Column(data.blocks, data.codes)
    at_a_time = 1 if slowly else AT_A_TIME
    terms = Terms(target, confidence, seed=seed, options=OPTIONS, at_a_time=at_a_time)
    job = HardFirst(column, tuple(data.classes.tolist()), terms)
    start = time.process_time()
    done, said = drive(job, lambda texts: data.labels[texts], late=not slowly)
    seconds = time.process_time() - start
    asked = said != UNASKED
    tests = [draw for draw in done.draws if draw.purpose == "test"]
    found = {"asked": int(asked[data.codes].sum()), "rounds": len(tests), "seconds": seconds}
    if done.certificate is None or done.frozen is None:
        return {**found, "saved": 0.0, "agreement": 1.0}

    open_ = column.open_rows(done.tested[:-1])
    texts = data.codes[open_[done.frozen.scores[data.codes[open_]] >= done.certificate.threshold]]
    mine = done.frozen.fit.classes[done.frozen.answers.codes[texts]]
    agreement = float((mine == data.classes[data.labels[texts]]).mean())
    return {**found, "saved": float((~asked[texts]).sum() / data.n), "agreement": agreement}


def one_sample(data: Data, target: float, seed: int, n: int, confidence: float) -> dict[str, float]:
    """The same with one random sample of n rows, and the column certificate."""
    order = np.random.default_rng([seed, 77]).permutation(data.n)
    own, rest = order[:n], order[n:]
    names = data.classes[data.labels[data.codes]]
    start = time.process_time()
    router = fit_router(
        [block[data.codes[own]] for block in data.blocks],
        names[own],
        column=[block[data.codes[rest]] for block in data.blocks],
        groups=data.codes[own],
        column_groups=data.codes[rest],
        target=target,
        confidence=confidence,
        seed=seed,
        **OPTIONS,
    )
    routed = router.route([block[data.codes[rest]] for block in data.blocks], column=True)
    seconds = time.process_time() - start
    # A text that the sample holds has its answer already.
    handled = routed.handled & ~np.isin(data.codes[rest], data.codes[own])
    free = routed.handled | np.isin(data.codes[rest], data.codes[own])
    agreement = float((routed.labels == names[rest])[handled].mean()) if handled.any() else 1.0
    saved = float(free.sum() / data.n) if handled.any() else 0.0
    return {"asked": n, "rounds": 1, "seconds": seconds, "saved": saved, "agreement": agreement}


def by_peer(
    data: Data, targets: list[float], seed: int, n: int, python: Path
) -> list[dict[str, float]]:
    """The same with tracer-llm's rule, at every target."""
    order = np.random.default_rng([seed, 77]).permutation(data.n)
    own, rest = order[:n], order[n:]
    X = np.hstack([block[data.codes] for block in data.blocks]).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        y = data.classes[data.labels[data.codes]].astype(str)
        np.savez(path, X=X, y=y, labelled=own, truth=rest)
        cell = {"data": str(path), "targets": targets, "skip": PEER_SKIPS, "remember": True}
        found = peer(python, cell)["results"]
    return [
        {
            "asked": n,
            "rounds": 1,
            "seconds": one["fit"],
            "saved": one["coverage"] * len(rest) / data.n,
            "agreement": 1.0 if one["agreement"] is None else one["agreement"],
        }
        for one in found
    ]


def cells(options: Any) -> Iterator[tuple[str, float, str, int]]:
    """Set, target, way, and number of draws."""
    for name in options.cells.split(","):
        for target in map(float, options.targets.split(",")):
            for way in options.ways.split(","):
                if way in ("random", "tracer-llm"):
                    for n in SIZES:
                        yield name, target, f"{way}, n = {n}", options.random_draws
                else:
                    yield name, target, SLOWLY if way == "slowly" else way, options.draws


def measure(options: Any, path: Path) -> dict[str, list[dict[str, float]]]:
    """All cells, one after the other; each stands in the file as soon as it is done."""
    done: dict[str, Any] = {}
    if path.exists():
        done = json.loads(path.read_text(encoding="utf-8"))["cells"]
    data: dict[str, Data | None] = {}
    for name, target, way, draws in cells(options):
        if name not in data:
            try:
                data[name] = data_of(name)
            except (OSError, ValueError) as error:
                data[name] = None
                print(f"{name} is left out: {error}", file=sys.stderr)
        rows, key = data[name], key_of(name, target, way, options.confidence)
        if rows is None or size_of(way) >= rows.n:
            continue
        for seed in range(len(done.setdefault(key, [])), draws):
            for other, found in drawn(rows, target, way, seed, options):
                cell = done.setdefault(key_of(name, other, way, options.confidence), [])
                if len(cell) == seed:
                    cell.append(found)
            print(key, seed, f"{done[key][-1]['saved']:.3f}", file=sys.stderr, flush=True)
            text = json.dumps({"machine": machine(), "cells": done}, indent=1)
            path.write_text(text, encoding="utf-8")
    return done


def size_of(way: str) -> int:
    """Rows of the sample; 0 where nobody says how many."""
    return 0 if way.startswith("hard-first") else int(way.rsplit(maxsplit=1)[-1])


def drawn(
    rows: Data, target: float, way: str, seed: int, options: Any
) -> list[tuple[float, dict[str, float]]]:
    """One draw, by target: tracer-llm's sweep is the same for all of them."""
    if way.startswith("hard-first"):
        slowly = way == SLOWLY
        return [(target, hard_first(rows, target, seed, options.confidence, slowly=slowly))]
    if way.startswith("random"):
        found = one_sample(rows, target, seed, size_of(way), options.confidence)
        return [(target, found)]
    targets = [float(t) for t in options.targets.split(",")]
    python = peer_environment(Path(options.env))
    return list(zip(targets, by_peer(rows, targets, seed, size_of(way), python), strict=True))


def key_of(name: str, target: float, way: str, confidence: float) -> str:
    """Of a cell in the file."""
    return f"{name} | {target:.2f} | {confidence:.2f} | {way}"


def line(key: str, found: list[dict[str, float]], say: str = "") -> dict[str, object]:
    """One row of the table."""
    name, target, confidence, way = key.split(" | ")
    mean = {k: float(np.mean([draw[k] for draw in found])) for k in found[0]}
    allowed = int(binom.ppf(0.999, len(found), 1 - float(confidence)))
    below = sum(draw["agreement"] < float(target) for draw in found)
    return {
        "set": name,
        "target": target,
        "confidence": confidence,
        "way": way + say,
        "saved": mean["saved"],
        "spread": f"{min(d['saved'] for d in found):.2f} to {max(d['saved'] for d in found):.2f}",
        "agreement": mean["agreement"],
        "below target": f"{below}/{len(found)}"
        + ("" if way.startswith("tracer") else f" (at most {allowed})"),
        "asked before routing": f"{mean['asked']:,.0f}",
        "CPU, s": "" if way.startswith("tracer") else f"{mean['seconds']:.1f}",
    }


def rows_of(done: dict[str, list[dict[str, float]]]) -> list[dict[str, object]]:
    """Hard first, and of the random samples the best size and the default one."""
    rows = []
    for place in dict.fromkeys(tuple(key.split(" | ")[:3]) for key in done):
        own = {k: f for k, f in done.items() if tuple(k.split(" | ")[:3]) == place and f}
        by_way = {k.split(" | ")[3]: k for k in own}
        rows += [
            line(by_way[way], own[by_way[way]]) for way in ("hard-first", SLOWLY) if way in by_way
        ]
        for kind in ("random", "tracer-llm"):
            sampled = [k for way, k in by_way.items() if way.startswith(kind)]
            if not sampled:
                continue
            best = max(sampled, key=lambda k: np.mean([d["saved"] for d in own[k]]))
            rows.append(line(best, own[best], f" (best of {len(sampled)} sizes)"))
            usual = [k for k in sampled if k.endswith(f"n = {DEFAULT}") and k != best]
            rows += [line(key, own[key], " (default)") for key in usual]
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--random-draws", type=int, default=10)
    parser.add_argument("--cells", default="banking77,support,babe")
    parser.add_argument("--targets", default="0.9,0.92,0.95")
    parser.add_argument("--confidence", type=float, default=CONFIDENCE)
    parser.add_argument("--ways", default="hard-first,random")
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "tracer-llm-env"))
    parser.add_argument("--json", default="bill.json")
    options = parser.parse_args()
    done = measure(options, Path(options.json))
    with published("bill", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table(rows_of(done)))


if __name__ == "__main__":
    main()
