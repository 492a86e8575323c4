"""Labelling runs in processes of their own, to be killed at any moment or to run side by side.

Run as a script it waits for the paths of stores, and forks a process for each that labels all
of ``TEXTS`` into it. Forking is quick because everything is imported already. The processes
tell on one pipe what they commit.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import tracer_nb
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.teachers import FunctionTeacher, Price

LABELS = ("delivery", "login", "refund")
TEXTS = {f"question {i}": LABELS[i % 3] for i in range(600)}
CONCURRENCY = 4
PRICE = Price(1.0, 2.0)


def teacher_at(port: int) -> FunctionTeacher:
    """Asks the stand-in at a port, with little that takes time to import."""

    def ask(text: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            connection.request("POST", "/v1/chat/completions", json.dumps(body))
            reply = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        tokens = reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]
        label = reply["choices"][0]["message"]["content"]
        return Answer(
            label, prompt_tokens=tokens[0], completion_tokens=tokens[1], cost=PRICE.of(*tokens)
        )

    return FunctionTeacher(ask, LABELS, name="asked", concurrency=CONCURRENCY)


class TellingStore(LabelStore):
    """Says what it has committed."""

    def put_many(self, identity, answered):
        pairs = list(answered)
        stored = super().put_many(identity, pairs)
        tell("".join(f"got {text}\n" for text, _ in pairs))
        return stored


def tell(lines: str) -> None:
    os.write(1, lines.encode())  # at once, and never mixed with another's


def label(port: int, path: str) -> None:
    with TellingStore(path) as store:
        run = run_labels(teacher_at(port), TEXTS, store=store)
    said = {text: answer.label for text, answer in run.answers.items()}
    spent = run.spending
    what = [spent.asked, spent.reused, spent.cost, said]
    tell(f"done {json.dumps(what)}\n" if run.stopped is None else f"stopped {run.stopped}\n")


def main() -> None:
    port = int(sys.argv[1])
    for line in sys.stdin:
        paths = line.split()
        children = []
        for path in paths:
            child = os.fork()
            if child == 0:
                try:
                    label(port, path)
                except BaseException as error:  # noqa: BLE001 -- the test is to see it
                    tell(f"failed {type(error).__name__}: {error}\n")
                os._exit(0)
            children.append(child)
        tell(f"children {' '.join(map(str, children))}\n")
        for child in children:
            os.waitpid(child, 0)
        tell("ended\n")


class Kernels:
    """The script as a process, seen by a test."""

    def __init__(self, port: int) -> None:
        root = str(Path(tracer_nb.__file__).parents[1])
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        self.children: list[int] = []

    def start(self, *paths: Path) -> Iterator[str]:
        """Start a run for each store; what they say, until all have ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, paths)) + "\n")
        self._process.stdin.flush()
        self.children = []
        return self._lines()

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "children":
                self.children = [int(pid) for pid in rest.split()]
            elif word == "ended":
                return
            yield line.rstrip("\n")

    def kill(self) -> None:
        """Kill -9 whatever was started and runs."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self._process.communicate()


if __name__ == "__main__":
    main()
