"""A column of many short texts, from the line to the card: seconds and peak memory of each stage.

    python tests/bench/large.py [--n 10000,100000,200000,1000000] [--other CHECKOUT] [--write]

Messages that the generator of the bundled ones writes, all distinct; a function that knows their intents
is the teacher, the features are LSA of the column's own n-grams, the store is a file. ``random`` is one
random sample of 2,000 rows, as both builds can take it; ``hard-first`` is the default way of labelling.
Rows that the surrogate does not answer go to the teacher. Each run is a process of its own: seconds, CPU
seconds in brackets, and the highest memory that it has had by the end of a stage, libraries included. CHECKOUT is a folder that
holds another build's ``tracer_nb``, such as a git worktree; its runs alternate with this build's.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SEED = 5
STAGES = ("label", "fit", "calibrate", "route")


def make(n: int, path: Path) -> None:
    """Write n distinct messages with their intents, as JSON lines."""
    from tracer_nb.datasets import _support_grammar as grammar
    from tracer_nb.datasets._make_support import _Writer

    writer, seen = _Writer(SEED), set()
    intents = list(grammar.SIZES)
    share = [grammar.SIZES[name] / sum(grammar.SIZES.values()) for name in intents]
    ends = [sum(share[: i + 1]) for i in range(len(share))]
    with path.open("w", encoding="utf-8") as file:
        while len(seen) < n:
            at = writer.draw()
            intent = intents[min(sum(at > end for end in ends), len(intents) - 1)]
            text = writer.message(intent)
            if text not in seen:
                seen.add(text)
                file.write(json.dumps([text, intent]) + "\n")


def worker(path: str, labelling: str) -> None:
    """Run the job once, stage by stage, and print what each took."""
    import pandas as pd

    from tracer_nb import Tracer

    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    texts = pd.Series([text for text, _ in rows], name="text")
    intents = dict(rows)
    del rows

    def teach(text: str) -> str:
        return str(intents[text])

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        begun = _now()
        ways = {"labelling": labelling} if labelling == "hard-first" or _has_ways() else {}
        tracer = Tracer(
            teach,
            sorted(set(intents.values())),
            "The intent of a message.",
            features="lsa",
            store=Path(folder) / "store.sqlite",
            seed=1,
            **ways,
        )
        sample = {"sample": 2000} if labelling == "random" else {}
        for stage in STAGES:
            arguments = {"label": ((texts,), sample), "route": ((), {})}
            own, named = arguments.get(stage, ((), {}))
            start = _now()
            routed = getattr(tracer, stage)(*own, **named)
            found[stage] = _since(start)
        found["whole"] = _since(begun)
        asked = routed["label_source"] != "surrogate"
        found["asked"] = int(asked.sum())
    sys.stdout.write(json.dumps(found) + "\n")


def _has_ways() -> bool:
    import inspect

    from tracer_nb import Tracer

    return "labelling" in inspect.signature(Tracer).parameters


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(start: tuple[float, float]) -> tuple[float, float, float]:
    """Seconds, CPU seconds, and the highest memory of this process until now, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.perf_counter() - start[0], time.process_time() - start[1], peak


def measure(path: Path, labelling: str, checkout: str | None) -> dict[str, Any]:
    """One run in a process of its own."""
    here = Path(__file__)
    root = str(checkout or here.parents[2])
    done = subprocess.run(
        [sys.executable, str(here), "--worker", str(path), labelling],
        env={**os.environ, "PYTHONPATH": root},
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def row(n: int, labelling: str, build: str, found: dict[str, Any]) -> dict[str, object]:
    """A line of the table."""
    stages = {s: "{:.1f} ({:.1f}) s, {:,.0f} MB".format(*found[s]) for s in STAGES}
    return {
        "rows": f"{n:,}",
        "labelling": labelling,
        "build": build,
        **stages,
        "line to card": "{:.1f} ({:.1f}) s".format(*found["whole"]),
        "peak": f"{found['whole'][2]:,.0f} MB",
        "asked about": f"{found['asked']:,}",
    }


def main() -> None:
    """Measure, and print the table."""
    from common import arguments, machine, published, table

    parser = arguments(__doc__)
    parser.add_argument("--n", default="10000,100000,200000,1000000")
    parser.add_argument("--other")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in map(int, asked.n.split(",")):
            path = Path(folder) / f"{n}.jsonl"
            make(n, path)
            for labelling in ("random", "hard-first"):
                rows.append(row(n, labelling, "this", measure(path, labelling, None)))
                if asked.other and labelling == "random":
                    other = measure(path, labelling, asked.other)
                    rows.append(row(n, labelling, "other", other))
                sys.stderr.write(f"{rows[-1]}\n")
    with published("large", write=asked.write):
        sys.stdout.write(f"{machine()}\n\n{table(rows)}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        main()
