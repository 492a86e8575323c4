"""The picture of the card: drawn here, nothing loaded from anywhere."""

import base64

from tracer_nb.widgets import Card

from .reader import read


def test_the_picture_is_in_the_page(make_report):
    reader, _ = read(Card(make_report()).html())
    (source,) = reader.loads
    head, data = source.split(",", 1)
    assert head == "data:image/svg+xml;base64"
    assert "target 92 %" in base64.b64decode(data).decode()
