"""Docstrings cite the mathematics by the names of its sections, and these are there."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

HEADINGS = set(
    re.findall(
        r"^## (.+)$", (ROOT / ".github" / "GUARANTEES.md").read_text(encoding="utf-8"), re.MULTILINE
    )
)
_CITED = re.compile(r'GUARANTEES(?:, "([^"]+)"(?: and "([^"]+)")?)?')


def cited(text):
    """Names of sections that a text cites; None where it names none."""
    plain = re.sub(r"\s+(?:# )?", " ", text)
    for first, second in _CITED.findall(plain):
        yield first or None
        if second:
            yield second


def test_every_section_that_is_cited_is_there():
    found = {
        (path.name, name)
        for folder in ("tracer_nb", "tests/validity", "tests/bench")
        for path in (ROOT / folder).rglob("*.py")
        for name in cited(path.read_text(encoding="utf-8"))
    }
    assert {name for _, name in found} <= HEADINGS, found
    assert len(found) > 12


def test_a_citation_without_a_section_is_found():
    assert list(cited('GUARANTEES section 3; see GUARANTEES,\n    # "Two shares" and "B".')) == [
        *(None, "Two shares", "B"),
    ]
