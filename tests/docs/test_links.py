"""Links and paths on the pages lead somewhere; those to other sites are checked by form alone."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import MARKDOWN, NOTEBOOKS, README, ROOT, prose

PAGES = [*MARKDOWN, *NOTEBOOKS]
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_ATTRIBUTE = re.compile(r"(?:href|src|srcset)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
# What stands in code and looks like a file of this repository.
_PATH = re.compile(r"`((?:tests|tracer_nb|notebooks|binder|\.github)/[\w./-]*[\w/])`")


def links_of(page: Path) -> list[str]:
    return _LINK.findall(prose(page)) + _ATTRIBUTE.findall(prose(page))


@cache
def anchors_of(page: Path) -> set[str]:
    """Names that GitHub gives to headings: lower case, words joined, the second one numbered."""
    found: list[str] = []
    for heading in _HEADING.findall(_without_blocks(page)):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.append(name if name not in found else f"{name}-{found.count(name)}")
    return set(found)


def _without_blocks(page: Path) -> str:
    return re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def broken(page: Path, link: str) -> str | None:
    """What is wrong with a link; None for nothing."""
    parts = urlsplit(link)
    if parts.scheme:
        good = parts.scheme == "https" and "." in parts.netloc and not set(link) & set(' <>"')
        return None if good else "no address of another site"
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if not target.exists() or ROOT not in (target, *target.parents):
        return "no such file"
    if parts.fragment and target.suffix == ".md" and parts.fragment not in anchors_of(target):
        return f"no such heading; there are {sorted(anchors_of(target))}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    wrong = {link: why for link in links_of(page) if (why := broken(page, link))}
    assert not wrong


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_paths_in_code_are_there(page):
    named = _PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_page_has_links_at_all():
    assert len(links_of(README)) > 10


@pytest.mark.parametrize(
    "link",
    ["nowhere.md", "#no-heading", "../outside.md", "http://plain.org", "https://localhost/x"],
)
def test_a_broken_link_is_found(link):
    assert broken(README, link)


def test_the_panels_pictures_are_small():
    pictures = sorted((ROOT / "notebooks" / "images").iterdir())
    assert [path.name for path in pictures][:2] == ["panel.png", "panel_dark.png"]
    assert all(path.stat().st_size < 200_000 for path in pictures)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_the_readme_links_every_notebook(notebook):
    assert f"notebooks/{notebook.name}" in links_of(README)
