"""How long the whole gap analysis takes on BANKING77, and what it finds.

    python tests/bench/gaps.py [--sample 13083]

All rows with their recorded intents as the teacher's labels, MiniLM vectors (384). The rows that are
analysed are the calibration rows: those that the surrogate was not fitted on.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd
from common import banking77, machine, quiet, table

from tracer_nb import Tracer
from tracer_nb.words import gap_lines


def main(n_sample: int) -> None:
    X, labels, texts = banking77()
    quiet()
    frame = pd.DataFrame({"text": texts})
    tracer = Tracer(
        dict(zip(texts, labels, strict=True)),
        features=X,
        target=0.92,
        store=":memory:",
        labelling="random",
    )
    times = {}
    for name, step in (
        ("label", lambda: tracer.label(frame["text"], sample=n_sample)),
        ("fit", tracer.fit),
        ("calibrate", tracer.calibrate),
        ("gaps", lambda: tracer.gaps(frame)),
    ):
        start = time.perf_counter()
        found = step()
        times[name] = time.perf_counter() - start
    print(machine())
    print()
    print(table([{"step": name, "seconds": each} for name, each in times.items()]))
    print()
    print(f"{len(found.rows):,} rows analysed of {n_sample:,} labelled, {X.shape[1]} features")
    print()
    for line in gap_lines(found):
        print("-", line)
    for pair in found.confusion.pairs[:8]:
        print(f"  {pair.n} × {pair.teacher} | {pair.surrogate}")
    for one in found.slices[:5]:
        print(f"  {one.kind} {one.name}: {one.n_rows} rows, agreement {one.agreement:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sample", type=int, default=13_083)
    main(parser.parse_args().sample)
