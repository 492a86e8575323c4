"""Answers a second, CPU and memory of a labelling run, against the stand-in in its own process.

    python tests/bench/throughput.py [--repeats 3] [--quick] [--against FOLDER]

With 500 ms latency (a usual model) and 64 requests at a time, what the latency allows is 128
answers a second; a run begins with 8 at a time and doubles them. With 20 ms the client is the
limit: it has one core, the stand-in the other one. What the runner itself costs shows with a
teacher that answers at once. Every answer is committed to a store on disk. Each measurement has
a process of its own, waits for a quiet machine, and is the median of its repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.metadata
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import arguments, machine, published, quiet, table

from tracer_nb.records import Answer
from tracer_nb.teachers import ChatTeacher, Price

try:
    from tracer_nb.labelling import run_labels
    from tracer_nb.store import LabelStore
except ImportError:  # a build to be measured against, from before these rooms
    from tracer_nb.teachers.runner import run_labels
    from tracer_nb.teachers.store import LabelStore

CONCURRENCY = 64
OPTIONS = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}
LABELS = tuple(f"label {i}" for i in range(20))


class Instant:
    """Answers at once, as a chat teacher would, and notes when it is first asked."""

    name = "instant"
    labels = LABELS
    batch_size = 1
    concurrency = CONCURRENCY
    identity = {"teacher": "instant", "prompt": "Choose the intent. " * 50}  # noqa: RUF012

    def __init__(self) -> None:
        self.first: float | None = None
        self.first_cpu = 0.0

    def cost_bound(self, _text: str) -> float:
        return 0.01

    def token_bound(self, _text: str) -> int:
        return 5_000

    def cost_estimate(self, _text: str) -> tuple[int, int, float]:
        return 400, 10, 0.0001

    async def label(self, texts: list[str]) -> list[Answer]:
        if self.first is None:
            self.first, self.first_cpu = time.perf_counter(), time.process_time()
        await asyncio.sleep(0)
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Answer:
        tokens = 300 + len(text)
        return Answer(
            "label " + str(len(text) % 20),
            mode="json-schema",
            prompt_tokens=tokens,
            completion_tokens=10,
            cost=tokens / 1e6,
        )

    async def close(self) -> None:
        pass


def texts_of(n: int) -> list[str]:
    return [f"{'please ' * (i % 13)}what about my order number {i}?" for i in range(n)]


@contextmanager
def store_in(folder: str | None = None) -> Iterator[LabelStore]:
    with (
        tempfile.TemporaryDirectory(dir=folder) as made,
        LabelStore(Path(made) / "labels.sqlite") as store,
    ):
        yield store


@contextmanager
def standin(latency: float, data: str = "support") -> Iterator[str]:
    """Address of a stand-in in its own process, on the last core."""
    command = [sys.executable, "-m", "tracer_nb.standin", "--data", data]
    process = subprocess.Popen(
        [*command, "--latency", str(latency)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        address = process.stdout.readline().strip()
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process.pid, cores[-1:])
        os.sched_setaffinity(0, cores[:1])
        yield address
    finally:
        process.terminate()
        process.wait()


# --- measurements, each in its own process


def against_standin(latency: float, n: int) -> dict[str, float]:
    """A run over ``n`` texts that are answered after ``latency`` seconds."""
    from tracer_nb.datasets import load

    data = load("support")
    texts, labels = data["text"].tolist()[:n], sorted(data["label"].unique())
    with standin(latency) as address, store_in() as store:
        teacher = ChatTeacher(
            "m",
            labels,
            "Choose the intent.",
            base_url=address,
            price=Price(0.25, 2.0),
            concurrency=CONCURRENCY,
        )
        run_labels(teacher, [f"warm {i}" for i in range(32)])
        begun, cpu = time.perf_counter(), time.process_time()
        run = run_labels(teacher, texts, store=store, max_cost=100.0)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert len(run.answers) == len(texts)
    return {"rate": len(texts) / seconds, "cpu": 1000 * cpu / len(texts)}


def whole_job(latency: float) -> dict[str, float]:
    """Seconds of a job that chooses its rows, and of asking as many texts in one go.

    On BANKING77 with its MiniLM vectors; its own labels answer. What the job fits when nothing is
    being asked, at the end of each round, is told apart.
    """
    from common import banking77

    import tracer_nb.draws.freezing as growing
    from tracer_nb import Tracer

    X, labels, texts = banking77()
    classes = sorted(set(labels.tolist()))
    fits: list[float] = []
    fit = growing.fit_answers

    def timed(*given: Any, **more: Any) -> Any:
        begun = time.perf_counter()
        try:
            return fit(*given, **more)
        finally:
            fits.append(time.perf_counter() - begun)

    growing.fit_answers = timed
    options = {"price": "0.25,2", "concurrency": CONCURRENCY}
    with standin(latency, "banking77") as address, tempfile.TemporaryDirectory() as folder:
        tracer = Tracer(
            "openai:m",
            classes,
            "Choose the intent.",
            features=X,
            confidence=0.9,
            base_url=address,
            store=Path(folder) / "a.sqlite",
            **OPTIONS,
            **options,
        )
        begun = time.perf_counter()
        tracer.run(texts, max_cost=100.0)
        seconds = time.perf_counter() - begun
        bill = tracer.report.bill
        assert bill is not None
        assert bill.total is not None
        one_go = ChatTeacher(
            "m", classes, "Choose the intent.", base_url=address, concurrency=CONCURRENCY
        )
        with store_in() as store:
            begun = time.perf_counter()
            run_labels(one_go, sorted(set(texts))[: bill.total], store=store, max_rows=10**6)
            alone = time.perf_counter() - begun
    return {"seconds": seconds, "fits": sum(fits), "alone": alone, "asked": float(bill.total)}


def own_cost(n: int) -> dict[str, float]:
    """CPU of the runner alone, commit included, in milliseconds an answer."""
    with store_in() as store:
        run_labels(Instant(), texts_of(100), store=store)
        cpu = time.process_time()
        run_labels(Instant(), texts_of(n), store=store, max_cost=1e9, max_tokens=10**12)
        return {"cpu": 1000 * (time.process_time() - cpu) / n}


def resume(n: int) -> dict[str, float]:
    """Seconds until the first new text is asked when ``n`` are stored."""
    with store_in() as store:
        run_labels(Instant(), texts_of(n), store=store)
        teacher = Instant()
        texts = [*texts_of(n), "a new one"]
        begun, cpu = time.perf_counter(), time.process_time()
        run_labels(teacher, texts, store=store)
        assert teacher.first is not None
        return {"seconds": teacher.first - begun, "cpu": teacher.first_cpu - cpu}


def again(n: int) -> dict[str, float]:
    """CPU seconds to label ``n`` texts once more that are all stored; the least of five."""
    with store_in() as store:
        texts = texts_of(n)
        run_labels(Instant(), texts, store=store)
        found = []
        for _ in range(5):
            cpu = time.process_time()
            run_labels(Instant(), texts, store=store)
            found.append(time.process_time() - cpu)
        return {"cpu": min(found)}


def memory(n: int) -> dict[str, float]:
    """Bytes a row that a run keeps, and holds at its peak, beside the texts themselves."""
    texts = texts_of(n)
    found: dict[str, float] = {}
    with store_in() as store:
        run_labels(Instant(), texts_of(100), store=store)
        for name in ("asked", "reused"):
            gc.collect()
            tracemalloc.start()
            run = run_labels(Instant(), texts, store=store)
            gc.collect()
            kept, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            found |= {f"{name} kept": kept / n, f"{name} peak": peak / n}
            del run
    return found


MEASURES: dict[str, Callable[..., dict[str, float]]] = {
    f.__name__: f for f in (against_standin, whole_job, own_cost, resume, again, memory)
}


def median(name: str, *arguments: float, repeats: int, build: str = "") -> dict[str, float]:
    """Medians of a measurement, of this build or of the one in the folder ``build``."""
    environ = {**os.environ, "PYTHONPATH": build} if build else None
    found = []
    for _ in range(repeats):
        quiet()
        ran = subprocess.run(
            [sys.executable, __file__, "--one", json.dumps([name, *arguments])],
            stdout=subprocess.PIPE,
            check=True,
            env=environ,
        )
        found.append(json.loads(ran.stdout.splitlines()[-1]))
        print(".", end="", flush=True, file=sys.stderr)
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def measured(repeats: int, *, quick: bool) -> list[dict[str, Any]]:
    """Rows of the table."""
    many, some = (10_000, 1_000) if quick else (100_000, 10_000)
    n = 1_000 if quick else 4_000
    slow = median("against_standin", 0.5, n, repeats=repeats)
    fast = median("against_standin", 0.02, n, repeats=repeats)
    own = median("own_cost", 2 * some, repeats=repeats)
    again = median("resume", many, repeats=repeats)
    whole = median("whole_job", 0.5, repeats=repeats)
    slower = (whole["seconds"] - whole["fits"]) / whole["alone"]
    allowed = CONCURRENCY / 0.5
    rows = [
        ("answers a second, 500 ms latency", f"{slow['rate']:.0f}", ""),
        ("share of what the latency allows", f"{100 * slow['rate'] / allowed:.0f} %", "≥ 85 %"),
        ("answers a second, 20 ms latency, one core", f"{fast['rate']:.0f}", "≥ 300"),
        ("CPU an answer, client included", f"{fast['cpu']:.2f} ms", ""),
        ("CPU an answer, runner alone with its commit", f"{own['cpu']:.3f} ms", "< 1 ms"),
        (
            f"first request after {many:,} stored answers",
            f"{again['seconds']:.2f} s ({again['cpu']:.2f} s of CPU)",
            "< 2 s",
        ),
        (
            f"a whole job, hard rows first, {whole['asked']:,.0f} of 13,083 rows asked at 500 ms",
            f"{whole['seconds']:.1f} s, {whole['fits']:.1f} s of it fits with nothing to ask",
            "",
        ),
        ("without these fits, against asking as many in one go", f"{slower:.2f} times", "≤ 1.15"),
    ]
    for size in (some, many):
        held = median("memory", size, repeats=1)
        for name in ("asked", "reused"):
            shown = f"{held[name + ' kept']:.0f}, at the peak {held[name + ' peak']:.0f}"
            rows.append((f"bytes a row, {size:,} {name}", shown, "flat"))
    return [{"": a, "measured": b, "wanted": c} for a, b, c in rows]


def compared(build: str, repeats: int, *, quick: bool) -> list[dict[str, Any]]:
    """CPU times of this build and of another one, taken by turns, and their ratio."""
    n = 1_000 if quick else 4_000
    rows = []
    for what, name, given in (
        ("10,000 stored texts labelled again", "again", (10_000,)),
        ("an answer, runner alone with its commit", "own_cost", (5 * n,)),
        ("an answer at 20 ms latency, client included", "against_standin", (0.02, n)),
    ):
        both: list[list[float]] = [[], []]
        for _ in range(repeats):
            for found, folder in zip(both, ("", build), strict=True):
                found.append(median(name, *given, repeats=1, build=folder)["cpu"])
        this, other = map(statistics.median, both)
        rows.append({"CPU of": what, "other ÷ this": f"{other / this:.2f}"})
    return rows


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="fewer texts, for a look")
    parser.add_argument("--against", metavar="FOLDER", help="another build, for ratios only")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, *sizes = json.loads(options.one)
        whole = [int(a) if a == int(a) else a for a in sizes]
        print(json.dumps(MEASURES[name](*whole)))
        return
    if options.against:
        print(table(compared(options.against, options.repeats, quick=options.quick)))
        return
    rows = measured(options.repeats, quick=options.quick)
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("openai", "aiohttp")
    )
    with published("throughput", write=options.write):
        print(f"\nMachine: {machine()}, {versions}, SQLite {sqlite3.sqlite_version}.\n")
        print(table(rows))


if __name__ == "__main__":
    main()
