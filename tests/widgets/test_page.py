"""The picture and the page: drawn here, nothing loaded from anywhere."""

import base64
import re

from tracer_nb.widgets import Card, page

from .reader import NASTY, read


def test_the_picture_is_in_the_page(make_report):
    reader, _ = read(Card(make_report()).html())
    (source,) = reader.loads
    head, data = source.split(",", 1)
    assert head == "data:image/svg+xml;base64"
    assert "target 92 %" in base64.b64decode(data).decode()


def test_a_page_loads_nothing_and_escapes_its_title(make_report):
    html = page(make_report(), title=NASTY)
    reader, _ = read(html)
    assert html.startswith("<!doctype html>")
    assert "script" not in reader.tags
    assert all(source.startswith("data:") for source in reader.loads)
    assert not re.search(r"@import|url\(|<link", html)
    svg = base64.b64decode(reader.loads[0].split(",", 1)[1]).decode()
    assert re.findall(r'(?:href|src)="(?!#)[^"]*"', svg) == []
    assert set(re.findall(r"https?://[^\"' )]+", html + svg)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
