"""What Binder builds from is pinned, within the project's own ranges, and of no one machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
# Paths and addresses that only one machine, or one network, has.
LOCAL = re.compile(r"(?:^|[\s'\"=])/(?:home|mnt|opt|root|srv|tmp|work)\b|file:|https?:|index-url")


@pytest.fixture(scope="module")
def project():
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pins():
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in found}


def version_of(pin):
    (only,) = pin.specifier
    assert only.operator == "==", f"{pin} is no exact version"
    assert "*" not in only.version
    return only.version


def test_every_line_is_an_exact_version(pins):
    assert len(pins) > 80  # the transitive ones, too
    assert all(version_of(pin) for pin in pins.values())
    assert "tracer-nb" not in pins  # postBuild installs it from the checkout


def test_every_direct_dependency_is_pinned_within_its_range(pins, project):
    needed = [*project["dependencies"], *project["optional-dependencies"]["notebook"]]
    assert needed
    for one in map(Requirement, needed):
        pin = pins[canonicalize_name(one.name)]
        assert one.specifier.contains(version_of(pin)), f"{pin} is not within {one}"
        for extra in one.extras:
            assert extra in pin.extras or extra in pins, f"extra {extra} of {one.name} is not there"


def test_the_python_is_one_that_the_project_supports(project):
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert re.fullmatch(r"3\.\d+", version)
    assert SpecifierSet(project["requires-python"]).contains(version)
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_post_build_can_be_run_and_needs_nothing_but_the_checkout():
    script = BINDER / "postBuild"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    assert "pip install" in text
    assert "--no-deps ." in text  # the pins stay as they are


def test_start_hands_over_to_the_server():
    script = BINDER / "start"
    assert os.access(script, os.X_OK)
    ran = subprocess.run(
        [script, "sh", "-c", 'echo "$OMP_NUM_THREADS" "$0"', "two words"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert ran.stdout == "1 two words\n"


@pytest.mark.parametrize("path", sorted(BINDER.iterdir()), ids=lambda path: path.name)
def test_nothing_is_of_this_machine(path):
    body = path.read_text(encoding="utf-8").removeprefix("#!/usr/bin/env bash\n")
    assert not LOCAL.search(body)
