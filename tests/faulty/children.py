"""Kernels that label in a process of their own, and may be killed."""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from faulty.world import labels_of, teacher_at
from tracer_nb.labelling import run_labels
from tracer_nb.store import LabelStore

__all__ = ["label", "start"]


def label(base_url: str, path: Path, texts: list[str], concurrency: int, said: Any) -> None:
    """Label texts into a store; what came of it goes through the pipe ``said``."""
    teacher = teacher_at(base_url, concurrency=concurrency)
    with LabelStore(path) as store:
        said.send("ready")
        said.recv()
        run = run_labels(teacher, texts, store=store)
    said.send((labels_of(run.answers), run.spending))


def start(base_url: str, path: Path, texts: list[str], concurrency: int) -> tuple[BaseProcess, Any]:
    """Start a kernel; it says "ready" through the pipe, and waits for a word to begin."""
    # A server of forks that has imported everything: a process more costs next to nothing.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["openai", "aiohttp", "tracer_nb.standin", "tracer_nb.teachers.chat.teacher"]
    )
    here, there = context.Pipe()
    process = context.Process(target=label, args=(base_url, path, texts, concurrency, there))
    process.start()
    there.close()
    return process, here
