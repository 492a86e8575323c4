"""A newcomer's walk from an empty environment to the first certificate, by the README alone: seconds of each step.

    python tests/bench/walk.py [--write]

Builds a wheel of this checkout, makes a fresh virtual environment and installs the wheel there with what
the README's first command names; runs that command; adds the extra ``notebook`` and runs in a fresh kernel
the README's lines for one's own data, on the bundled messages. The concepts are the terms of the glossary
that the README, up to the command, and the command, up to its promise, confront the reader with. Needs the
package index.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# One idea has several names in the glossary; the bill is none of its terms.
OTHERS = ("bill",)
SAME = {"certified": "certificate", "handled": "surrogate", "threshold": "certificate"}
PROMISE = "confidence, on at least"


def cells(readme: str) -> list[str]:
    """The README's lines for data of one's own, on the bundled messages."""
    blocks = re.findall(r"^```(?:python)?\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE)
    teach = next(block for block in blocks if block.startswith("def teach"))
    line = next(block for block in blocks if "--teacher teach" in block)
    load, job = line.strip().split("\n")
    return ["from tracer_nb.datasets import load\ndf = load('support')", teach, load, job]


def concepts(said: str) -> list[str]:
    """Terms of the glossary in a text, one for each idea."""
    from tracer_nb.words.glossary import GLOSSARY

    words = (
        term
        for term in (*GLOSSARY, *OTHERS)
        if re.search(rf"\b{term}s?\b", said, flags=re.IGNORECASE)
    )
    return sorted({SAME.get(term, term) for term in words})


def kernel(path: str) -> None:
    """Run cells in a fresh kernel of this environment; print seconds and what each said."""
    import nbformat
    from nbclient import NotebookClient

    sources = json.loads(Path(path).read_text(encoding="utf-8"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    client, found = NotebookClient(notebook, timeout=1800), []
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            begun = time.perf_counter()
            client.execute_cell(cell, index)
            said = [
                o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs
            ]
            found.append((time.perf_counter() - begun, "\n".join(said)))
    sys.stdout.write(json.dumps(found) + "\n")


def timed(rows: list[dict[str, object]], step: str, *command: str | Path, folder: Path) -> str:
    """Run a command, note what it took, and give what it printed."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows.append(row(step, time.perf_counter() - begun, cpu))
    return done.stdout


def row(step: str, seconds: float, cpu: float | None = None) -> dict[str, object]:
    return {"step": step, "s": f"{seconds:.1f}", "CPU s": "" if cpu is None else f"{cpu:.1f}"}


def main() -> None:
    """Walk, and print the table."""
    from common import arguments, machine, published, table

    asked = arguments(__doc__).parse_args()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = folder / "env" / "bin" / "python"
        pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", ROOT, "-w", folder)
        subprocess.run(list(map(str, pip)), check=True)
        (wheel,) = folder.glob("*.whl")
        timed(
            rows,
            "an empty environment",
            sys.executable,
            "-m",
            "venv",
            folder / "env",
            folder=folder,
        )
        for extra, what in (("vectors", "install"), ("notebook", "install JupyterLab, too")):
            install = (python, "-m", "pip", "install", "-q", f"{wheel}[{extra}]")
            timed(rows, f'{what}: `pip install ".[{extra}]"`', *install, folder=folder)
            if extra == "vectors":
                said = timed(
                    rows,
                    "`python -m tracer_nb`: the first certificate",
                    python,
                    "-m",
                    "tracer_nb",
                    folder=folder,
                )
        plan, _, rest = said.partition(PROMISE)
        if not rest:
            raise SystemExit(f"no promise in what was printed:\n{said}")
        met = concepts(readme.partition("Pass the tests")[0] + plan)
        sources = folder / "cells.json"
        sources.write_text(json.dumps(cells(readme)), encoding="utf-8")
        ran = timed(
            rows,
            "a kernel with the four cells below, as a whole",
            python,
            __file__,
            "--kernel",
            sources,
            folder=folder,
        )
        steps = (
            "load the messages",
            "a function as the teacher",
            "`%load_ext tracer_nb`",
            "`%tracer run`: the certificate",
        )
        rows += [
            row(step, found[0])
            for step, found in zip(steps, json.loads(ran.splitlines()[-1]), strict=True)
        ]
    with published("walk", write=asked.write):
        sys.stdout.write(f"{machine()}\n\n{table(rows)}\n\n")
        sys.stdout.write(
            f"Concepts met before the first certificate: {len(met)} ({', '.join(met)}).\n"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--kernel"]:
        kernel(sys.argv[2])
    else:
        main()
