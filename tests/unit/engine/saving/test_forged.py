"""Forged routers of every kind: each is refused in one line, or loads and routes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tracer_nb

ROOT = Path(tracer_nb.__file__).parent.parent


def forged(files, n, seed):
    module = "tests.unit.engine.saving.forging"
    ran = subprocess.run(
        [sys.executable, "-m", module, *map(str, files), str(n), str(seed)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def check(found, n):
    assert found["wrong"] == []
    counts = found["counts"]
    assert sum(counts.values()) > 0.9 * n
    for way in ("content", "arrays", "bytes"):
        assert counts[f"{way} refused"] > n / 20, "the forger forges nothing"
    assert counts["content equal"] > 0
    assert found["grown_kb"] < 150_000


def test_forged_files_are_refused_in_one_line_or_route(honest):
    check(forged(honest, 600, 1), 600)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_forged_files(honest, seed):
    check(forged(honest, 1000, seed), 1000)
