"""What a panel of teachers gains over its best member on BANKING77, and what it costs.

    python tests/bench/panels.py [--rows 3000] [--seed 0]

The members are stand-ins: functions that give the data set's own label with a known probability, and
else another one at random. Their errors are independent, or the same (copies of one), or nearly so.
"Above best" is the share of texts on which the panel is right less that of its best member, with a
paired 95 % interval (normal, for the mean of differences by text). "Calls" are single ones for a
text, learning included. The arbiter names the right one of the candidates with probability .95; the
one with a place takes on three texts of ten what stands first, whatever that is.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import banking77, machine, table

from tracer_nb import Tracer
from tracer_nb.teachers import FunctionTeacher
from tracer_nb.teachers.arbiter import Chooser

World = Callable[[np.random.Generator, np.ndarray, int], np.ndarray]


def independent(*accuracies: float) -> World:
    """Members that err independently."""

    def answers(rng: np.random.Generator, truth: np.ndarray, k: int) -> np.ndarray:
        n, m = len(truth), len(accuracies)
        wrong = (truth[:, None] + rng.integers(1, k, (n, m))) % k
        return np.where(rng.random((n, m)) < accuracies, truth[:, None], wrong)

    return answers


def copies(accuracy: float, noise: float, *others: float) -> World:
    """Three copies, each but the first redrawn with probability ``noise``, or two beside others."""

    def answers(rng: np.random.Generator, truth: np.ndarray, k: int) -> np.ndarray:
        n = 3 - len(others)
        first = independent(accuracy)(rng, truth, k)
        fresh = independent(*[accuracy] * n)(rng, truth, k)
        again = rng.random(fresh.shape) < noise
        again[:, 0] = False
        said = np.where(again, fresh, first)
        return np.hstack([said, independent(*others)(rng, truth, k)]) if others else said

    return answers


WORLDS: dict[str, World] = {
    "independent .80 .85 .88": independent(0.80, 0.85, 0.88),
    "independent .70 .75 .90": independent(0.70, 0.75, 0.90),
    "copies .85": copies(0.85, 0.0),
    "copies .85, 5 % redrawn": copies(0.85, 0.05),
    "two copies .80, one .90": copies(0.80, 0.0, 0.90),
}


def ways(truth: dict[str, str], seed: int) -> dict[str, dict[str, Any]]:
    """Options of a panel, by name."""
    rng = np.random.default_rng([seed, 7])
    draws = {text: rng.random(2) for text in truth}

    def arbiter(by_place: float) -> FunctionTeacher:
        def choose(text: str, candidates: Sequence[str]) -> str:
            place, right = draws[text]
            if place < by_place:
                return candidates[0]
            others = [label for label in candidates if label != truth[text]] or candidates
            return truth[text] if truth[text] in candidates and right < 0.95 else min(others)

        return FunctionTeacher(Chooser(choose), sorted(set(truth.values())), cost=0.0)

    return {
        "majority": {},
        "dawid-skene": {"combine": "dawid-skene"},
        "arbiter": {"arbiter": arbiter(0.0)},
        "arbiter with a place": {"arbiter": arbiter(0.3)},
        "the same in pairs": {"arbiter": arbiter(0.3), "pairwise": True},
    }


def members(
    names: np.ndarray, said: np.ndarray, texts: Sequence[str]
) -> tuple[list[Any], list[int]]:
    """Teachers that give these answers, and how often each was asked."""
    asked = [0] * said.shape[1]

    def teach(i: int) -> FunctionTeacher:
        known = dict(zip(texts, names[said[:, i]].tolist(), strict=True))

        async def answer(text: str) -> str:
            asked[i] += 1
            return known[text]

        return FunctionTeacher(answer, names.tolist(), name=f"member {i}", cost=0.0, concurrency=64)

    return [teach(i) for i in range(said.shape[1])], asked


def measured(world: World, args: argparse.Namespace, data: Any) -> list[dict[str, object]]:
    """A row for each way."""
    names, truth, texts = data
    rng = np.random.default_rng(args.seed)
    said = world(rng, truth, len(names))
    right = said == truth[:, None]
    best = right[:, right.mean(axis=0).argmax()]
    rows = []
    known = dict(zip(texts, names[truth].tolist(), strict=True))
    for way, options in ways(known, args.seed).items():
        teachers, asked = members(names, said, texts)
        tracer = Tracer(
            teachers,
            names.tolist(),
            features=np.zeros((len(texts), 1)),
            labelling="random",
            store=":memory:",
            **options,
        )
        labels = tracer.label(texts, sample=len(texts))
        panel = names[truth[labels.rows]] == np.array(labels.classes)[labels.codes]
        gain = panel.astype(float) - best[labels.rows]
        half = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain))
        calls = sum(asked) / len(texts)
        interval = f"{100 * (gain.mean() - half):+.1f} to {100 * (gain.mean() + half):+.1f}"
        rows.append(
            {
                "way": way,
                "best member": float(best.mean()),
                "panel": float(panel.mean()),
                "above best, points": f"{100 * gain.mean():+.1f}",
                "95 % interval": interval,
                "calls a text": f"{calls:.2f}",
            }
        )
    return rows


def rates(args: argparse.Namespace, data: Any) -> list[dict[str, object]]:
    """Texts a second of functions that answer at once, one alone and three together, stored."""
    names, truth, texts = data
    said = independent(0.80, 0.85, 0.88)(np.random.default_rng(args.seed), truth, len(names))
    found = []
    for n in (1, 3):
        teachers, _ = members(names, said, texts)
        with tempfile.TemporaryDirectory() as folder:
            tracer = Tracer(
                teachers[:n] if n > 1 else teachers[0],
                names.tolist(),
                features=np.zeros((len(texts), 1)),
                labelling="random",
                store=Path(folder) / "labels.sqlite",
            )
            started = time.perf_counter()
            tracer.label(texts, sample=len(texts))
            found.append(len(texts) / (time.perf_counter() - started))
    return [{"texts a second of": "three as a share of one", "ratio": found[1] / found[0]}]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    _, labels, texts = banking77()
    texts, first = np.unique([text.strip() for text in texts], return_index=True)
    chosen = np.random.default_rng(args.seed).permutation(len(texts))[: args.rows]
    names, truth = np.unique(labels[first[chosen]].astype(str), return_inverse=True)
    data = names, truth, texts[chosen].tolist()
    print(machine())
    for name, world in WORLDS.items():
        print(f"\n{name}, {len(chosen):,} texts, {len(names)} labels\n")
        print(table(measured(world, args, data)))
    print()
    print(table(rates(args, data)))


if __name__ == "__main__":
    main()
