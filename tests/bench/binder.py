"""What Binder does with this repository, without docker: environment, notebooks, memory.

    python tests/bench/binder.py [--folder /tmp/binder] [--limit 2.0]

Makes the environment of ``binder/`` in a fresh virtual environment with the Python of
``runtime.txt``, runs ``postBuild`` in a copy of the checkout, and then, through ``start``, every
notebook beside a running JupyterLab, all processes together within the memory that mybinder.org gives. Also asks
repo2docker, in an environment of its own, which buildpack it takes for the copy. Needs the package
index; notebook 05 takes BANKING77 from ``TRACER_NB_DATA`` or ``../shared/data`` if it is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from common import table

ROOT = Path(__file__).resolve().parents[2]
GB = 1024**3
PATIENCE = 60.0  # seconds, for the server to start
IGNORED = shutil.ignore_patterns(".git", ".tracer_nb", ".venv", "shots", "*_cache", "__pycache__")
# Prints what repo2docker finds in the current folder.
DETECT = """
import json
from repo2docker.app import Repo2Docker
app = Repo2Docker()
packs = [pack(app.base_image) for pack in app.buildpacks]
pack = next(pack for pack in packs if pack.detect())
scripts = [line for _, line in (*pack.get_preassemble_scripts(), *pack.get_assemble_scripts())]
print(json.dumps({
    "buildpack": type(pack).__name__,
    "python": pack.python_version,
    "requirements": any("binder/requirements.txt" in line for line in scripts),
    "post_build": pack.get_post_build_scripts(),
    "start": pack.get_start_script(),
}))
"""


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def build(folder: Path, repository: Path) -> None:
    """The environment, as repo2docker makes it: requirements first, then postBuild."""
    version = (repository / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    found = shutil.which(f"python{version}")
    if found is None:
        raise SystemExit(f"runtime.txt asks for Python {version}, and there is no python{version}")
    subprocess.run([found, "-m", "venv", folder], check=True)
    install = [python_of(folder), "-m", "pip", "install", "-q", "--no-cache-dir", "-r"]
    subprocess.run([*install, "binder/requirements.txt"], cwd=repository, check=True)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["binder/postBuild"], cwd=repository, check=True, env=os.environ | {"PATH": path}
    )
    subprocess.run([python_of(folder), "-m", "pip", "check"], check=True)


def detect(folder: Path, repository: Path) -> dict[str, object]:
    """What repo2docker takes the repository for."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [python_of(folder), "-m", "pip", "install", "-q", "jupyter-repo2docker"]
    subprocess.run(install, check=True)
    said = subprocess.run(
        [python_of(folder), "-c", DETECT], cwd=repository, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, object] = json.loads(said.stdout)
    return found


def environment(folder: Path, home: Path) -> dict[str, str]:
    """Environment variables of a session: no keys, a home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY")
        and not name.startswith(("TRACER_NB_", "PYTHON", "JUPYTER"))
    }
    data = Path(os.environ.get("TRACER_NB_DATA", ROOT.parent / "shared" / "data")).resolve()
    if (data / "banking77").is_dir():
        kept["TRACER_NB_DATA"] = str(data)
    return kept | {"HOME": str(home), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}


@contextmanager
def server(folder: Path, repository: Path, variables: dict[str, str]) -> Iterator[psutil.Process]:
    """A JupyterLab that runs."""
    runtime = Path(variables["HOME"]) / "runtime"
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    process = psutil.Popen(
        ["binder/start", python_of(folder), "-m", "jupyterlab", *options],
        cwd=repository,
        env=variables | {"JUPYTER_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not list(runtime.glob("jpserver-*.json")):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit("JupyterLab did not start")
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def resident(process: psutil.Process) -> int:
    """Bytes of a process and all that came of it; pages that they share count twice."""
    found = 0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            found += one.memory_info().rss
    return found


def run(
    notebook: Path, folder: Path, variables: dict[str, str], lab: psutil.Process, limit: float
) -> dict[str, object]:
    """Run a notebook to its end beside the server; how long it took, and the most memory.

    Raises
    ------
    SystemExit
        It failed, or all processes together took more memory than there is.
    """
    started = notebook.parents[1] / "binder" / "start"
    command = [started, python_of(folder), "-m", "nbconvert", "--to", "notebook", "--execute"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as log:
        process = psutil.Popen(
            [*command, "--output-dir", variables["HOME"], notebook],
            cwd=notebook.parent,
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        most = alone = 0
        while process.poll() is None:
            alone = max(alone, sum(map(resident, process.children())))
            most = max(most, resident(process) + resident(lab))
            if most > limit * GB:
                for one in [*process.children(recursive=True), process]:
                    one.kill()
                raise SystemExit(f"{notebook.name} took {most / GB:.2f} GB, more than {limit:g}")
            time.sleep(0.2)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{notebook.name} failed:\n{log.read()[-4000:]}")
    return {
        "notebook": notebook.stem,
        "s": round(time.perf_counter() - start),
        "kernel, GB": round(alone / GB, 2),
        "all processes, GB": round(most / GB, 2),
    }


def main() -> None:
    """Build, detect, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="kept for the next time; a new one by default")
    parser.add_argument("--limit", type=float, default=2.0, help="GB of memory (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        environments = options.folder or Path(work)
        repository, home = Path(work) / "repository", Path(work) / "home"
        home.mkdir()
        shutil.copytree(ROOT, repository, ignore=IGNORED)
        found = detect(environments / "repo2docker", repository)
        print(f"repo2docker: {found}\n")
        folder = environments / "kernel"
        build(folder, repository)
        size = sum(f.stat().st_size for f in folder.rglob("*") if not f.is_symlink()) / GB
        variables = environment(folder, home)
        with server(folder, repository, variables) as lab:
            idle = resident(lab) / GB
            rows = []
            for notebook in sorted((repository / "notebooks").glob("*.ipynb")):
                rows.append(run(notebook, folder, variables, lab, options.limit))
                print(rows[-1], file=sys.stderr, flush=True)
    print(f"Environment {size:.2f} GB on disk; JupyterLab alone {idle:.2f} GB.\n")
    print(table(rows))


if __name__ == "__main__":
    main()
