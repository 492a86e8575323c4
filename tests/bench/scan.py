"""How long a first look at a log of past calls takes.

    python tests/bench/scan.py [--calls 100000]

The log: BANKING77's questions, each repeated with another opening, so that texts differ; its own
intents stand for the logged answers. Read from a JSONL file, with the features that need no
download.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from common import banking77, machine, quiet, table

from tracer_nb.records import Progress
from tracer_nb.steps.scan import scan_logs
from tracer_nb.words import scan_lines

OPENINGS = (
    "",
    "Hi, ",
    "Hello! ",
    "Good morning. ",
    "Please help: ",
    "Urgent. ",
    "Thanks. ",
    "Sorry, ",
)


def main(n_calls: int) -> None:
    _, labels, texts = banking77()
    rng = np.random.default_rng(0)
    rows = rng.integers(len(texts), size=n_calls)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for i, row in enumerate(rows.tolist()):
                text = f"{OPENINGS[i % len(OPENINGS)]}{texts[row]}"
                call = {"input": text, "output": labels[row], "cost": 0.0004}
                file.write(json.dumps(call) + "\n")
        quiet()
        steps: list[tuple[str, float]] = []

        def tell(progress: Progress) -> None:
            if not progress.parts:
                steps.append((progress.step, time.perf_counter()))

        found = scan_logs(path, on_progress=tell)
        end = time.perf_counter()
    ends = [at for _, at in steps[1:]] + [end]
    shown = [{"step": name, "seconds": b - a} for (name, a), b in zip(steps, ends, strict=True)]
    shown.append({"step": "in all", "seconds": end - steps[0][1]})
    print(machine())
    print()
    print(table(shown))
    print()
    for line in scan_lines(found):
        print("-", line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=100_000)
    main(parser.parse_args().calls)
