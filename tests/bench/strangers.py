"""Rows of labels that nobody had: how many of them a router handles, and what its guard costs.

    python tests/bench/strangers.py [--draws 3] [--n 1000,3000] [--targets 0.9,0.92,0.95]
        [--features minilm] [--env FOLDER] [--json strangers.json] [--write]

A tenth of BANKING77's intents, drawn anew each time, is left out. A router is fitted on n questions of
the others and tried on the rest of these (coverage, agreement) and on all questions of the intents left
out (handled: each is a mistake, as none of its labels is theirs). "Similarity alone"
is the guard as it is in a known column: .002 of rows like the labelled ones are deferred; "this guard" is
the default. tracer-llm 0.3.3, with its guard, is fitted on the same rows (see ``peers.py``); its rule knows
no confidence.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import CONFIDENCE, arguments, banking77, machine, published, table
from peers import peer, peer_environment

from tracer_nb.engine import calibrate_router, fit_surrogate
from tracer_nb.engine.features import make_features

OPTIONS = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}
LEFT_OUT = 0.1
NO_GUARD, BEFORE, NOW, PEER = "no guard", "similarity alone", "this guard", "tracer-llm 0.3.3"
GUARDS: dict[str, Any] = {NO_GUARD: False, BEFORE: True, NOW: True}


def ours(
    blocks: list[np.ndarray], y: np.ndarray, own: np.ndarray, *, seed: int, way: str, target: float
) -> Any:
    """A router of one guard."""
    X = [block[own] for block in blocks]
    fit = fit_surrogate(
        X, y[own], target=target, confidence=CONFIDENCE, seed=seed, guard=GUARDS[way], **OPTIONS
    )
    if way == BEFORE:
        # What the guard was before it looked at new rows: nothing else differs.
        pipeline = fit.pipeline
        guard = replace(pipeline.guard, new_limit=-np.inf)
        fit = replace(fit, pipeline=replace(pipeline, guard=guard), strange=None)
    return calibrate_router(fit, X, y[own])


def parts(y: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows to label, the others of their intents, and the rows of the intents left out."""
    rng, names = np.random.default_rng([seed, 5]), np.unique(y)
    left_out = rng.choice(names, max(1, round(LEFT_OUT * len(names))), replace=False)
    strange = np.isin(y, left_out)
    known = rng.permutation(np.flatnonzero(~strange))
    return known[:n], known[n:], np.flatnonzero(strange)


def by_peer(
    blocks: list[np.ndarray], y: np.ndarray, rows: Any, targets: list[float], python: Path
) -> list[dict[str, float]]:
    """The same by tracer-llm: on known rows, and on those left out."""
    own, rest, strange = rows
    X = np.hstack(blocks).astype(np.float32)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        for truth in (rest, strange):
            np.savez(path, X=X, y=y.astype(str), labelled=own, truth=truth)
            cell = {"data": str(path), "targets": targets, "skip": ("gbt",), "remember": True}
            found.append(peer(python, cell)["results"])
    return [
        {"coverage": a["coverage"], "agreement": a["agreement"] or 1.0, "handled": b["coverage"]}
        for a, b in zip(*found, strict=True)
    ]


def measure(options: Any) -> dict[str, list[dict[str, float]]]:
    """All cells; each stands in the file as soon as it is done."""
    path = Path(options.json)
    done: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    X, y, texts = banking77()
    y = y.astype(str).astype(object)
    blocks: list[np.ndarray] = [X]
    if options.features != "minilm":
        made = make_features(options.features).fit(texts).transform(texts)
        blocks = list(made) if isinstance(made, (list, tuple)) else [made]
    targets = [float(t) for t in options.targets.split(",")]
    for n in map(int, options.n.split(",")):
        for seed in range(options.draws):
            rows = own, rest, strange = parts(y, n, seed)
            for target in targets:
                for way in GUARDS:
                    cell = done.setdefault(f"{n} | {target:.2f} | {way}", [])
                    if len(cell) > seed:
                        continue
                    router = ours(blocks, y, own, seed=seed, way=way, target=target)
                    here = router.route([block[rest] for block in blocks])
                    there = router.route([block[strange] for block in blocks])
                    right = (here.labels == y[rest])[here.handled]
                    said = {
                        "coverage": float(here.handled.mean()),
                        "agreement": float(right.mean()) if len(right) else 1.0,
                        "handled": float(there.handled.mean()),
                    }
                    cell.append(said)
                    print(n, seed, target, way, said, file=sys.stderr, flush=True)
                    path.write_text(json.dumps(done, indent=1), "utf-8")
            if options.env and len(done.get(f"{n} | {targets[0]:.2f} | {PEER}", [])) <= seed:
                python = peer_environment(Path(options.env))
                for target, said in zip(
                    targets, by_peer(blocks, y, rows, targets, python), strict=True
                ):
                    done.setdefault(f"{n} | {target:.2f} | {PEER}", []).append(said)
                path.write_text(json.dumps(done, indent=1), "utf-8")
    return done


def rows_of(done: dict[str, list[dict[str, float]]]) -> list[dict[str, object]]:
    """One line for each size, target and guard."""
    lines = []
    for key, found in done.items():
        n, target, way = key.split(" | ")
        mean = {name: float(np.mean([draw[name] for draw in found])) for name in found[0]}
        below = sum(draw["agreement"] < float(target) for draw in found)
        lines.append(
            {
                "n": n,
                "target": target,
                "guard": way,
                "coverage of known intents": mean["coverage"],
                "below target": f"{below}/{len(found)}",
                "intents left out: handled": mean["handled"],
            }
        )
    return sorted(lines, key=lambda line: (int(str(line["n"])), str(line["target"])))


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--n", default="1000,3000")
    parser.add_argument("--targets", default="0.9,0.92,0.95")
    parser.add_argument("--features", default="minilm", help="or auto, lsa")
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "tracer-llm-0.3.3"))
    parser.add_argument("--json", default="strangers.json")
    options = parser.parse_args()
    done = measure(options)
    with published("strangers", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table(rows_of(done)))


if __name__ == "__main__":
    main()
