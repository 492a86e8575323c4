"""What a release holds: all of the package and nothing else; and what the notebooks need to run."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tracer_nb"
DATA = (
    *("datasets/support.csv", "py.typed", "widgets/page.js", "widgets/review.css"),
    *("widgets/panel/panel.css", "words/certificate-1.schema.json"),
)
SOURCES = ("datasets/_make_support.py", "datasets/_support_grammar.py")
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def held() -> set[str]:
    """Files of the wheel, by the build backend itself; nothing is built."""
    found = WheelBuilder(str(ROOT)).recurse_included_files()
    return {Path(file.distribution_path).as_posix() for file in found}


def test_the_wheel_holds_the_package_and_its_data(held):
    modules = {p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*.py")}
    modules = {m for m in modules if "node_modules" not in m}
    assert modules - held == {f"tracer_nb/{name}" for name in SOURCES}
    assert {f"tracer_nb/{name}" for name in DATA} <= held


def test_the_wheel_holds_nothing_else(held):
    endings = {Path(name).suffix for name in held}
    assert endings == {".py", ".csv", ".js", ".css", ".json", ".typed"}
    assert not [n for n in held if not n.startswith("tracer_nb/")]
    assert not [n for n in held if re.search(r"/(src|test|node_modules|__pycache__)/", n)]
    assert [n for n in held if n.endswith(".js")] == ["tracer_nb/widgets/page.js"]


def test_every_file_that_the_package_reads_is_in_the_wheel(held):
    """Names in the code of files that lie in the package."""
    named = set()
    for path in PACKAGE.rglob("*.py"):
        if "node_modules" not in path.parts and path.name not in map(str, SOURCES):
            text = path.read_text(encoding="utf-8")
            named.update(re.findall(r'"([\w.-]+\.(?:css|js|csv|schema\.json))"', text))
    lying = {p.name: p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*.*") if p.is_file()}
    missing = {name for name in named & lying.keys() if lying[name] not in held}
    assert missing == set()


def needed(extra: str) -> set[str]:
    """Distributions that installing the package with an extra names."""
    found = set()
    for line in metadata.requires("tracer_nb") or ():
        requirement, _, marker = line.partition(";")
        if "extra ==" not in marker or re.search(rf"extra == ['\"]{extra}['\"]", marker):
            found.add(re.match(r"[\w.-]+", requirement.strip())[0].lower().replace("_", "-"))
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_notebook_extra_brings_what_the_notebooks_import(path):
    names = set()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code" or cell.source.startswith("%%"):
            continue
        code = "\n".join(x for x in cell.source.splitlines() if not x.lstrip().startswith("%"))
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    homes = metadata.packages_distributions()
    others = names - set(sys.stdlib_module_names) - {"tracer_nb"}
    brought = needed("notebook")
    assert {n for n in others if not brought & {d.lower() for d in homes.get(n, ())}} == set()


def test_a_release_is_built_checked_tried_and_published_without_a_secret():
    text = WORKFLOW.read_text(encoding="utf-8")
    steps = ("-m build", "twine check --strict", "-m tracer_nb", "gh-action-pypi-publish")
    assert [text.index(step) for step in steps] == sorted(text.index(step) for step in steps)
    assert "id-token: write" in text.partition("publish:")[2]
    assert "secrets." not in text
