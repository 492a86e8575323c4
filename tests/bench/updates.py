"""What updates gain on BANKING77: rows that the surrogate answers, of a column and of new rows.

    python tests/bench/updates.py [--draws 5] [--sample 1000] [--fresh 600] [--cap 1000]

A column of 6,500 rows drawn from all 13,083, the others being new rows; MiniLM vectors, kernel ridge
regression, 90 % confidence. The data set's own label stands for the teacher's. Deferred rows are
asked about up to the cap in every step.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from common import CONFIDENCE, banking77, table

from tracer_nb import Tracer

COLUMN = 6_500
TARGETS = (0.92, 0.95)
UPDATES = 2


def history(data: Any, seed: int, target: float, args: argparse.Namespace) -> list[list[float]]:
    """Shares of rows answered, and agreement of those, after the first routing and each update."""
    X, labels, texts = data
    order = np.random.default_rng([seed, 99]).permutation(len(X))
    own, new = order[:COLUMN], order[COLUMN:]
    known = {texts[i].strip(): str(labels[i]) for i in order.tolist()}
    tracer = Tracer(
        known.__getitem__,
        sorted({str(label) for label in labels}),
        features=X[own],
        target=target,
        confidence=CONFIDENCE,
        surrogate="kernel-ridge",
        store=":memory:",
        seed=seed,
        labelling="random",
    )
    tracer.label([texts[i] for i in own], sample=args.sample)
    tracer.fit()
    tracer.calibrate()
    tracer.route(max_rows=args.cap)
    found = [_found(tracer, X[new], labels[new])]
    for _ in range(UPDATES):
        tracer.update(sample=args.fresh, max_rows=args.cap + args.fresh)
        found.append(_found(tracer, X[new], labels[new]))
    return found


def _found(tracer: Tracer, X: np.ndarray, labels: np.ndarray) -> list[float]:
    assert tracer.router is not None
    assert tracer.outcome is not None
    routed, outcome = tracer.router.route(X), tracer.outcome
    agree = (routed.labels == labels)[routed.handled]
    return [
        float(routed.handled.mean()),
        float(agree.mean()) if len(agree) else np.nan,
        *(outcome.count(who) / COLUMN for who in ("surrogate", "teacher", None)),
    ]


def main(args: argparse.Namespace) -> None:
    data, rows = banking77(), []
    for target in TARGETS:
        each = np.array([history(data, seed, target, args) for seed in range(args.draws)])
        for step, found in enumerate(np.nanmean(each, axis=0)):
            names = ("new rows", "their agreement", "surrogate", "teacher", "missing")
            below = int((each[:, step, 1] < target).sum())
            shares = {name: f"{share:.3f}" for name, share in zip(names, found, strict=True)}
            rows.append({"target": target, "updates": step, **shares, "draws below": below})
    print(
        f"{args.draws} draws; sample {args.sample:,}, {args.fresh:,} fresh rows an update, cap "
        f"{args.cap:,} texts a routing"
    )
    print(table(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--sample", type=int, default=1000)
    parser.add_argument("--fresh", type=int, default=600)
    parser.add_argument("--cap", type=int, default=1000)
    main(parser.parse_args())
