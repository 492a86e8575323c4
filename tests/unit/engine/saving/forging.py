"""Forged routers by the hundred: ``python -m tests.unit.engine.saving.forging FILE... N SEED``.

Each is an honest file with a few values of its manifest or arrays changed and all hashes made
right, or with bytes changed. It must be refused in one line, or load and route. One line of JSON
says what came of it; a process of its own, so that the memory can be measured and is bounded.
"""

from __future__ import annotations

import copy
import json
import random
import resource
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np

from tracer_nb.engine.saving import read_archive, read_router, write_archive
from tracer_nb.errors import TracerError

VALUES = [
    *(None, True, False, 0, 1, -1, 2, 3, 17, 255, 10**6, 2**31, 2**53, 2**63, -(2**63), 10**400),
    *(0.0, 0.5, 1.0, -0.5, 1.5, 1e-300, 1e300, -1e300, "", "nan", "inf", "-inf", "a", "\n", "\0"),
    *("x" * 5000, "é\ud800", [], {}, [0] * 5, [[]], {"a": 1}, [1.0], ["a", "b"], [10**7], "lsa"),
    *("kernel-ridge", "logistic", "xgboost", "learned", "simple", "fused"),
    *("held-out", "per-class", "cross-fit", "cost-aware", "fixed-threshold", "column", "fastembed"),
]
NUMBERS = [0, 1, -1, 2, 127, 2**31 - 1, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, 0.5]
TEXTS = ["where is my parcel?", "refund, please", "ünï"]
# Address space: far above what honest files need, so that a lie cannot take the machine.
ROOM = 6_000_000_000
ROUTED = 3


def places(value, where=()):
    """Paths of all values in a manifest."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*where, key)
        if isinstance(part, (dict, list)):
            yield from places(part, (*where, key))


def forge_content(content, rng):
    """Change one value, drop it, double it, or put another in its place."""
    path = rng.choice(list(places(content)))
    owner = content
    for key in path[:-1]:
        owner = owner[key]
    key, kind = path[-1], rng.random()
    if kind < 0.1:
        del owner[key]
    elif kind < 0.2 and isinstance(owner, list):
        owner.append(copy.deepcopy(owner[key]))
    elif kind < 0.3 and isinstance(owner, dict):
        owner["strange"] = copy.deepcopy(owner[key])
    elif kind < 0.5 and type(owner[key]) in {int, float}:
        owner[key] = rng.choice([owner[key] + 1, owner[key] * 1.01, -owner[key], 10 * owner[key]])
    elif kind < 0.6:
        other = content
        for step in rng.choice(list(places(content))):
            other = other[step]
        owner[key] = copy.deepcopy(other)
    else:
        owner[key] = copy.deepcopy(rng.choice(VALUES))


def forge_arrays(arrays, rng):
    """Change one array's values, shape or dtype, drop it, or put another in its place."""
    name = rng.choice(sorted(arrays))
    array = arrays[name].copy()
    kind = rng.randrange(8)
    if kind == 0:
        del arrays[name]
        return
    if kind == 1:
        array = arrays[rng.choice(sorted(arrays))]
    elif kind == 2:
        array = array[: rng.randrange(len(array) + 1)] if array.ndim else array[None]
    elif kind == 3:
        array = array.reshape(rng.choice([(-1,), (1, -1), (-1, 1), (1, 1, -1)]))
    elif kind == 4:
        array = np.empty(rng.choice([(0,), (0, 3), (0, 1000), (3, 0), ()]), dtype=array.dtype)
    elif kind == 5:
        kinds = ["f2", "f4", "f8", "i1", "i4", "i8", "u8", "?"]
        with np.errstate(all="ignore"):
            array = array.astype(rng.choice(kinds))
    elif array.size:
        flat = array.reshape(-1)
        rows = rng.choice([slice(None), rng.randrange(len(flat)), slice(0, 3)])
        with np.errstate(all="ignore"):
            flat[rows] = np.array(rng.choice(NUMBERS)).astype(array.dtype)
        array = flat.reshape(array.shape)
    arrays[rng.choice([name] * 9 + ["router/strange"])] = array


def forge_bytes(data, rng):
    """Change a few bytes, mostly of the header, or the length."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(rng.choice([16, 20_000, 10**9])) % (len(data) + 1)
        kind = rng.random()
        if kind < 0.5:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind < 0.8:
            data[at : at + rng.randrange(8)] = rng.choice([b"9" * 9, b"", b"[{", b"-1", b"\0" * 8])
        else:
            del data[at:]
    return bytes(data)


def decisions(path):
    """What a file's router says about a few rows."""
    saved = read_router(path)
    rng = np.random.default_rng(0)
    widths = saved.router.fit.n_features
    X = [rng.normal(size=(ROUTED, width)).astype(np.float32) for width in widths]
    if saved.features is not None:
        X = saved.features.transform(TEXTS)
    cost = np.ones(ROUTED) if saved.router.fit.options.strategy == "cost-aware" else None
    routed = saved.router.route(X, costs=cost)
    assert len(repr(saved.router.certificates)) > 10
    return routed.labels.tolist(), routed.handled.tolist(), routed.scores.tolist()


def outcome(path, expected):
    """``refused``, ``equal`` or ``loaded``; else what is wrong."""
    try:
        said = decisions(path)
    except TracerError as error:
        line = str(error)
        if len(line.splitlines()) != 1 or len(line) > 600 or "more memory" in line:
            return f"no clear line: {line[:300]!r}"
        return "refused"
    except BaseException:  # noqa: BLE001  whatever it is, it is reported
        return traceback.format_exc(limit=-4)
    return "equal" if said == expected else "loaded"


def main(files, n, seed):
    """Forge ``n`` files, and print what came of each."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    rng = random.Random(seed)
    honest = [(Path(file).read_bytes(), read_archive(file), decisions(file)) for file in files]
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts, wrong = {}, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forged.tracer"
        for number in range(n):
            data, (content, arrays), expected = rng.choice(honest)
            way = rng.choice(["content", "content", "arrays", "bytes"])
            if way == "bytes":
                path.write_bytes(forge_bytes(data, rng))
            else:
                content, arrays = copy.deepcopy(content), dict(arrays)
                for _ in range(rng.choice([1, 1, 1, 2])):
                    forge_content(content, rng) if way == "content" else forge_arrays(arrays, rng)
                try:
                    write_archive(path, content, arrays)
                except TracerError:
                    continue  # what cannot even be written
            found = outcome(path, expected)
            if found not in {"refused", "equal", "loaded"} or (way, found) == ("bytes", "loaded"):
                wrong.append(f"{number}, {way}: {found}")
            counts[way, found[:7]] = counts.get((way, found[:7]), 0) + 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    table = {" ".join(key): count for key, count in sorted(counts.items())}
    print(json.dumps({"counts": table, "wrong": wrong, "grown_kb": grown}))


if __name__ == "__main__":
    main(sys.argv[1:-2], int(sys.argv[-2]), int(sys.argv[-1]))
