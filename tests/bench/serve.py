"""The service beside tracer-llm 0.3.3's ``serve``, in one run: requests a second, p50 and p99.

    python tests/bench/serve.py [--n 1000,3000] [--rounds 3] [--seconds 3] [--write]

Vectors in, single predictions: 2,000 BANKING77 questions, MiniLM vectors of 384 numbers as JSON,
other rows than the n labelled ones that both routers are fitted on. Both servers are up all the
time, one is asked and the other is idle, in turns, so that what else the machine does meets both;
the figures are medians over the rounds. The client is wrk (Debian: ``apt-get install wrk``), one
thread, connections kept where the server keeps them: tracer-llm's answers each on a new one.

tracer-llm runs as it comes and, in its favour, with one thread for products of matrices and for
OpenMP, which our service sets for itself. It is compared with the better one of the two. It is fitted as in
peers.py, without gradient boosting, which would take it an hour and answers no faster.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from peers import peer_environment

TARGET = 0.9
CONFIDENCE = 0.9
N_BODIES = 2000
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SCRIPT = """
local bodies, n, i = {}, 0, 0
function init(args)
  for line in io.lines(args[1]) do n = n + 1; bodies[n] = line end
  wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
end
function request() i = i % n + 1; return wrk.format(nil, nil, nil, bodies[i]) end
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    '{"rate": %.3f, "p50": %.4f, "p99": %.4f, "failed": %d, "refused": %d}',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, e.connect + e.read + e.write + e.timeout, e.status))
end
"""


# --- what is served -----------------------------------------------------------------------------


def fit_peer(cell: dict[str, object]) -> None:
    """In the peer's environment: a router in a folder."""
    import tracer
    import tracer.api

    data = np.load(str(cell["data"]), allow_pickle=False)
    X, y, labelled = data["X"], data["y"], data["labelled"]
    traces = Path(str(cell["folder"])).with_suffix(".jsonl")
    lines = (json.dumps({"input": f"row {i}", "teacher": str(y[i])}) for i in labelled)
    traces.write_text("\n".join(lines))
    config = tracer.FitConfig(
        target_teacher_agreement=TARGET,
        frontier_targets=(TARGET,),
        skip_candidates=("gbt",),
        verbose=False,
    )
    fitted = tracer.api.fit(
        traces, Path(str(cell["folder"])), embeddings=X[labelled], config=config
    )
    print(fitted.manifest.selected_method, fitted.manifest.coverage_cal)


def save_ours(cell: dict[str, object]) -> None:
    """A router in a file, on the same rows."""
    from tracer_nb import Tracer

    data = np.load(str(cell["data"]), allow_pickle=False)
    X, y, labelled = data["X"], data["y"], data["labelled"]
    texts = [f"row {i}" for i in labelled]
    tracer = Tracer(
        dict(zip(texts, y[labelled].tolist(), strict=True)),
        sorted(set(y.tolist())),
        "intent",
        features=X[labelled],
        target=TARGET,
        confidence=CONFIDENCE,
        store=":memory:",
        labelling="random",
        certificate="held-out",
    )
    tracer.label(texts, sample=len(texts))
    tracer.fit()
    tracer.calibrate()
    tracer.save(str(cell["file"]))
    pipeline = tracer.router.fit.pipeline
    print(f"{pipeline.name}, {pipeline.view.name}", tracer.router.certificate.coverage)


def write_bodies(folder: Path, X: np.ndarray) -> None:
    """Requests of both services, one a line."""
    for name, key in (("ours", "vector"), ("peer", "embedding")):
        with (folder / f"{name}.txt").open("w") as file:
            for row in X:
                file.write(json.dumps({key: [round(float(v), 7) for v in row]}) + "\n")


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def started(command: list[str], port: int, **environment: str) -> Iterator[str]:
    """A server, from its first answer to the end of the block; gives its address."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{command[0]} did not begin to serve") from None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/predict"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def load_once(
    address: str, bodies: Path, script: Path, connections: int, seconds: float
) -> dict[str, float]:
    """What wrk measures."""
    ran = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds:g}s",
            "--timeout",
            "10s",
            "-s",
            script,
            address,
            "--",
            bodies,
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return json.loads(next(line for line in ran.stdout.splitlines() if line.startswith("{")))


# --- the run ------------------------------------------------------------------------------------

NAMES = ("tracer_nb", "tracer-llm, one thread", "tracer-llm")


def measure(n: int, options: argparse.Namespace, folder: Path) -> list[dict[str, object]]:
    """Rows of the table for routers of n labels."""
    from common import banking77, draw

    X, y, _ = banking77()
    labelled, others = draw(0, n, len(y))
    data, file, artifacts = folder / "draw.npz", folder / f"{n}.tracer", folder / f"peer-{n}"
    np.savez(data, X=X, y=y.astype(str), labelled=labelled)
    write_bodies(folder, X[others[:N_BODIES]])
    script = folder / "post.lua"
    script.write_text(SCRIPT)
    python = peer_environment(Path(options.env))
    cell = json.dumps({"data": str(data), "file": str(file), "folder": str(artifacts)})
    for interpreter, flag in ((python, "--peer"), (sys.executable, "--ours")):
        ran = subprocess.run(
            [interpreter, __file__, flag, cell],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=os.environ | ONE_THREAD,
        )
        print(f"n = {n}: {ran.stdout.strip()}", file=sys.stderr, flush=True)
    ports = [free_port() for _ in NAMES]
    ours = [sys.executable, "-m", "tracer_nb", "serve", str(file), "--port", str(ports[0])]
    tool = str(python.with_name("tracer"))
    theirs = [
        [tool, "serve", str(artifacts), "--host", "127.0.0.1", "--port", str(port)]
        for port in ports[1:]
    ]
    with ExitStack() as stack:
        addresses = [
            stack.enter_context(started(ours, ports[0])),
            stack.enter_context(started(theirs[0], ports[1], **ONE_THREAD)),
            stack.enter_context(started(theirs[1], ports[2])),
        ]
        rows = []
        for connections in map(int, options.connections.split(",")):
            found: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
            for turn in range(options.rounds + 1):
                for name, address in zip(NAMES, addresses, strict=True):
                    bodies = folder / ("ours.txt" if name == NAMES[0] else "peer.txt")
                    once = load_once(address, bodies, script, connections, options.seconds)
                    if turn:  # the first round warms up
                        found[name].append(once)
                print(".", end="", flush=True, file=sys.stderr)
            rows += table_rows(n, connections, found)
    return rows


def table_rows(
    n: int, connections: int, found: dict[str, list[dict[str, float]]]
) -> list[dict[str, object]]:
    """Medians, and how we stand beside the better one of the other two."""
    middle = {
        name: {key: float(np.median([once[key] for once in rounds])) for key in rounds[0]}
        for name, rounds in found.items()
    }
    best = max(NAMES[1:], key=lambda name: middle[name]["rate"])
    rows: list[dict[str, object]] = []
    for name in NAMES:
        mine = middle[name]
        row: dict[str, object] = {
            "n": n,
            "connections": connections,
            "service": name,
            "requests/s": f"{mine['rate']:,.0f}",
            "p50, ms": f"{mine['p50']:.2f}",
            "p99, ms": f"{mine['p99']:.2f}",
            "failed": f"{sum(once['failed'] + once['refused'] for once in found[name]):.0f}",
            "times the peer's rate": "",
            "p99 over the peer's": "",
        }
        if name == NAMES[0]:
            pairs = list(zip(found[name], found[best], strict=True))
            ratios = [a["rate"] / b["rate"] for a, b in pairs]
            row["times the peer's rate"] = (
                f"{mine['rate'] / middle[best]['rate']:.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
            )
            row["p99 over the peer's"] = f"{mine['p99'] / middle[best]['p99']:.2f}"
        rows.append(row)
    return rows


def versions() -> str:
    """Of what takes part, beside the machine's line."""
    names = ("uvicorn", "starlette", "httptools", "uvloop", "msgspec")
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    ran = subprocess.run(["wrk", "-v"], stdout=subprocess.PIPE, text=True, check=False)
    return f"{found}, {' '.join(ran.stdout.split()[:2])}, tracer-llm 0.3.3"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", default="1000,3000")
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "tracer-llm-0.3.3"))
    parser.add_argument("--write", action="store_true", help="put the table into measured.md, too")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--ours", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer or options.ours:
        cell = json.loads(options.peer or options.ours)
        (fit_peer if options.peer else save_ours)(cell)
        return
    if shutil.which("wrk") is None:
        raise SystemExit("this needs wrk; Debian has it: apt-get install wrk")
    from common import machine, published, table

    with tempfile.TemporaryDirectory() as folder:
        rows = [row for n in options.n.split(",") for row in measure(int(n), options, Path(folder))]
    with published("serve", write=options.write):
        before, after = os.getloadavg()[2], os.getloadavg()[0]
        print(f"Machine: {machine()}; {versions()}.")
        print(
            f"Load of the machine, the run's own included: {after:.1f} (15 minutes: {before:.1f}).\n"
        )
        print(table(rows))


if __name__ == "__main__":
    main()
