"""Routes a file again and again, each time killed at another file operation, and says how it ended.

    python killed.py ROUTER SOURCE OUT STORE STEP

A process of its own, because it forks: every run is a child that has imported everything. The hook
sees each file that is opened to be written, renamed or removed in the output's folder, just before
it happens; between two of these nothing on disk changes but a temporary file's length. Prints JSON:
how often a run was killed, and for each first kill what the run after it left behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
from functools import lru_cache
from pathlib import Path

from tracer_nb.steps.files.step import route_file
from tracer_nb.steps.route import batches

PART_ROWS = 30
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}


def child(arguments, kill_at):
    """Run in a fork; True when it was killed."""
    pid = os.fork()
    if pid:
        status = os.waitpid(pid, 0)[1]
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
        return os.WIFSIGNALED(status)
    seen = 0

    def hook(event, given):
        nonlocal seen
        writes = event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+")
        if writes or event in WRITES:
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    code = 1
    try:
        source, router, out, store = arguments
        route_file(source, router, out, store=store, part_rows=PART_ROWS, overwrite=True)
        code = 0
    finally:
        os._exit(code)


def left(out, store):
    """What is there in the end: the output, what waits, and whatever else."""
    digest = hashlib.sha256()
    for path in sorted(out.rglob("*.parquet")) if out.is_dir() else [out]:
        digest.update(path.name.encode() + path.read_bytes())
    with sqlite3.connect(store) as db:
        waiting = db.execute("SELECT count(*), group_concat(text_id) FROM queue").fetchone()
    db.close()
    others = sorted(p.name for p in out.parent.iterdir() if not p.name.startswith(store.name))
    return [digest.hexdigest(), str(waiting), others]


def clear(out):
    """Begin anew."""
    for path in list(out.parent.iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main():
    router, source, out, store = map(Path, sys.argv[1:5])
    batches.read_router = lru_cache(batches.read_router)
    batches.read_router(router)
    arguments = (source, router, out, store)
    ends, step = [], int(sys.argv[5])
    n = 1 - step
    while True:
        n += step
        clear(out)
        if not child(arguments, n):
            break
        named = out.exists()
        child(arguments, 0)
        ends.append([*left(out, store), named])
    whole = left(out, store)
    clear(out)
    lives = 1
    while child(arguments, 16 + lives):  # of which one part takes fewer
        lives += 1
    print(json.dumps({"whole": whole, "ends": ends, "lives": lives, "last": left(out, store)}))


if __name__ == "__main__":
    main()
