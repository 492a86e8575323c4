"""How long a chain takes when its LLMs answer slowly, beside the slowest of them alone.

    python tests/bench/waiting.py [--n 1000,3000,10000] [--write]

Functions that sleep stand in for LLMs: the teacher takes 500 ms a text, the stage before it 200 ms, 64
requests at a time each. "made" are texts whose label no feature tells, and a stage that says the
teacher's on .97 of them; "babe" are the sentences of ``tests/bench/chain.py`` with GPT-4's recorded
answers and, as the stage, GPT-3.5's with 8 examples, left out where they are not there. Each takes its
calls / 64 x latency if it does nothing but answer; the larger of the two is what the whole job, fits and
decisions included, is held against. Target .9, confidence .9.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bill import babe
from chain import recorded
from common import arguments, machine, published, table

from tracer_nb import Tracer
from tracer_nb.teachers import FunctionTeacher

_AT_A_TIME = 64
_SECONDS = {"teacher": 0.5, "stage": 0.2}
_RIGHT = 0.97


@dataclass(frozen=True)
class World:
    """Texts with vectors, and what teacher and stage say of each."""

    name: str
    texts: list[str]
    X: np.ndarray
    labels: list[str]
    said: dict[str, list[str | None]]


def made(n: int) -> World:
    """Texts whose label no feature tells."""
    rng = np.random.default_rng(0)
    labels = ["no", "yes"]
    truth = rng.integers(2, size=n)
    cheap = np.where(rng.random(n) < _RIGHT, truth, 1 - truth)
    said: dict[str, list[str | None]] = {
        "teacher": [labels[i] for i in truth],
        "stage": [labels[i] for i in cheap],
    }
    return World("made", [f"text {i}" for i in range(n)], rng.normal(size=(n, 5)), labels, said)


def real() -> World:
    """babe, with the recorded answers of GPT-4 and GPT-3.5."""
    data = babe()
    labels = [str(label) for label in data.classes]
    codes = recorded(data, 0).codes[0].tolist()
    said: dict[str, list[str | None]] = {
        "teacher": [labels[i] for i in data.labels],
        "stage": [labels[i] if i >= 0 else None for i in codes],
    }
    return World("babe", [f"text {i}" for i in range(len(codes))], data.blocks[0], labels, said)


def worlds(sizes: Sequence[int]) -> list[Callable[[], World]]:
    """All that is measured."""
    return [*((lambda n=n: made(n)) for n in sizes), real]  # type: ignore[misc]


def one(world: World) -> dict[str, object]:
    """One job."""
    asked: dict[str, list[str]] = {"teacher": [], "stage": []}

    def slowly(who: str, cost: float) -> FunctionTeacher:
        known = dict(zip(world.texts, world.said[who], strict=True))

        def ask(text: str) -> str | None:
            asked[who].append(text)
            time.sleep(_SECONDS[who])
            return known[text]

        return FunctionTeacher(ask, world.labels, cost=cost, name=who, concurrency=_AT_A_TIME)

    tracer = Tracer(
        slowly("teacher", 0.02),
        chain=[slowly("stage", 0.001)],
        target=0.9,
        confidence=0.9,
        features=world.X,
        seed=1,
        store=":memory:",
    )
    begun, cpu = time.perf_counter(), time.process_time()
    routed: Any = tracer.run(world.texts)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    alone = {who: len(texts) / _AT_A_TIME * _SECONDS[who] for who, texts in asked.items()}
    slowest = max(alone.values())
    return {
        "column": world.name,
        "rows": f"{len(world.texts):,}",
        "teacher asked": f"{len(asked['teacher']):,}",
        "stage heard": f"{len(asked['stage']):,}",
        "saved": float((routed["label_source"] == "surrogate").mean()),
        "slowest alone, s": f"{slowest:.1f}",
        "one after the other, s": f"{sum(alone.values()):.1f}",
        "whole job, s": f"{seconds:.1f}",
        "of it CPU, s": f"{cpu:.1f}",
        "times the slowest": f"{seconds / slowest:.2f}",
    }


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--n", default="1000,3000,10000")
    options = parser.parse_args()
    rows = []
    for make in worlds([int(n) for n in options.n.split(",")]):
        try:
            world = make()
        except (OSError, ValueError) as error:
            print(f"babe is left out: {error}", file=sys.stderr)
            continue
        rows.append(one(world))
        print(rows[-1], file=sys.stderr, flush=True)
    with published("waiting", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table(rows))


if __name__ == "__main__":
    main()
