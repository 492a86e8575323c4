"""The promises by simulation against a known truth; prints one Markdown table.

    python tests/bench/validity.py [--draws 300]

Every draw certifies on fresh rows and looks up the truth. "most allowed" is the share of broken
draws that a valid rule exceeds in one of a thousand such rows. "worst of nine" takes the curves
of GUARANTEES, "How this is checked": the largest share broken, and the mean coverage over the four realistic
ones. Coverage is relative to that of the best possible threshold. The naive rule takes the
lowest threshold whose observed agreement is enough. The worlds are those of ``tests/validity``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Ahead of this folder, in which this file has the name of that package.
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from common import arguments, machine, published, table
from validity import harness, worlds

from tracer_nb.engine.split import PILOT_SHARE

Row = dict[str, object]
TARGETS = (0.96, 0.92, 0.88, 0.84)


def row(name: tuple[str, str], n: int, target: object, ours: Any, naive: Any) -> Row:
    """One line of the table, from (outcome, best coverage) of several worlds; 0 to leave it out."""
    outcomes = [outcome for outcome, _ in ours]
    worst = max(outcomes, key=lambda outcome: outcome.n_broken)
    relative = [outcome.coverage / best for outcome, best in ours if best]
    return {
        "promise": name[0],
        "world": name[1],
        "n": n,
        "target": target,
        "draws": worst.n_draws,
        "share broken": worst.n_broken / worst.n_draws,
        "most allowed": worst.most_allowed / worst.n_draws,
        "relative coverage": float(np.mean(relative)) if relative else "",
        "naive rule broken": max(outcome.n_broken / outcome.n_draws for outcome in naive),
    }


def both(
    world: Any, n: int, target: float, draws: int, *, rule: Any, naive: Any
) -> Iterator[tuple[str, Any, Any]]:
    """Outcomes of a rule and of the naive one, for new rows and for a column as long as n."""
    new = (harness.held_out(world, n, target, draws, rule=r) for r in (rule, naive))
    yield "held-out", *new
    column = (harness.known_column(world, n, n, target, draws, rule=r) for r in (rule, naive))
    yield "column", *column


def nine(promise: str, n: int, target: float, run: Callable[[Any, Any], Any]) -> Row:
    """The worst of nine curves; ``run(world, rule)`` gives an outcome."""
    ours, naive = [], []
    for i, world in enumerate(worlds.nine(target)):
        best = world.best_coverage(target) if i < len(worlds.REALISTIC) else 0.0
        ours.append((run(world, harness.certified), best))
        naive.append(run(world, harness.naive))
    return row((promise, "worst of nine"), n, target, ours, naive)


def nine_rows(draws: int) -> Iterator[Row]:
    """Adaptive thresholds over all rows."""
    for n, target in ((500, 0.92), (2000, 0.95)):
        yield nine(
            "held-out",
            n,
            target,
            lambda world, rule, n=n, t=target: harness.held_out(world, n, t, draws, rule=rule),
        )
        yield nine(
            "column",
            n,
            target,
            lambda world, rule, n=n, t=target: harness.known_column(
                world, n, n, t, draws, rule=rule
            ),
        )
    for n, target in ((500, 0.92), (1000, 0.95)):
        yield nine(
            "cross-fit, given scores",
            n,
            target,
            lambda world, rule, n=n, t=target: harness.held_out(
                world, n, t, draws, rule=rule, fit_share=PILOT_SHARE
            ),
        )


def other_rows(draws: int) -> Iterator[Row]:
    """Classes, several targets, fixed thresholds, costs."""
    target = 0.92
    classes = {"rule": harness.per_class, "naive": harness.each_class(harness.naive)}
    staircase = worlds.staircase([t - 0.001 for t in TARGETS], [0.1, 0.3, 0.6, 1.0])
    several = {"rule": harness.several(*TARGETS), "naive": harness.naive_each(*TARGETS)}
    fixed = {"rule": harness.at(0.3), "naive": harness.naive_at(0.3)}
    costs = {"rule": harness.certified, "naive": harness.naive}
    cells: list[tuple[str, Any, int, dict[str, Any], float]] = [
        ("per class", worlds.four_classes(target), 2000, classes, target),
        ("per class", worlds.four_plateaus(target), 2000, classes, target),
        ("four targets", staircase, 2000, several, TARGETS[-1]),
        ("fixed-threshold", worlds.LOWER_PLATEAU, 500, fixed, target),
        ("cost-aware", worlds.CostWorld(target), 1000, costs, target),
    ]
    for promise, world, n, rules, level in cells:
        best = world.best_coverage(level)
        shown = target if level == target else ", ".join(f"{t:g}" for t in TARGETS)
        for kind, ours, naive in both(world, n, target, draws, **rules):
            yield row((f"{kind}, {promise}", world.name), n, shown, [(ours, best)], [naive])


def engine_rows(draws: int) -> Iterator[Row]:
    """The whole engine on rows with features."""
    options = {"certificate": "cross-fit", "surrogate": "kernel-ridge"}
    for name, world in (("clusters, flat", worlds.FLAT), ("clusters, borders", worlds.BORDERS)):
        ends = harness.end_to_end(worlds.clusters(world, n_others=600), draws, **options)
        best = ends.best if world is worlds.BORDERS else 0.0
        promise = "cross-fit, whole engine"
        yield row((f"held-out, {promise}", name), 500, 0.92, [(ends.new, best)], [ends.naive_new])
        yield row((f"column, {promise}", name), 500, 0.92, [(ends.column, 0)], [ends.naive_column])


def main() -> None:
    """Simulate and print."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=300)
    options = parser.parse_args()
    rows: list[Row] = []
    for rows_of, draws in (
        (nine_rows, options.draws),
        (other_rows, options.draws),
        (engine_rows, max(options.draws // 3, 1)),
    ):
        for each in rows_of(draws):
            rows.append(each)
            print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    with published("validity", write=options.write):
        print(f"Machine: {machine()}. Confidence {harness.CONFIDENCE:g}.\n")
        print(table(rows))


if __name__ == "__main__":
    main()
