"""The pages that people read, and the blocks of code in them."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "notebooks" / "guide.md"
TEACHERS = ROOT / "notebooks" / "teachers.md"
MEASURED = ROOT / "notebooks" / "measured.md"
ARCHITECTURE = ROOT / ".github" / "ARCHITECTURE.md"
MARKDOWN = [
    README,
    *sorted((ROOT / ".github").glob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.md")),
    *sorted((ROOT / "binder").glob("*.md")),
]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    """Code of a page in one language, block by block."""
    found = _BLOCK.findall(path.read_text(encoding="utf-8"))
    return [code for named, code in found if named == language]


def prose(path: Path) -> str:
    """A page, or the Markdown cells of a notebook, without blocks and spans of code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", text))
