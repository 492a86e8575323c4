"""Reads a page as a browser would."""

from html.parser import HTMLParser

NASTY = "<script>alert('x')</script>\"&"


class Reader(HTMLParser):
    """Text, tags and whatever a browser would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def read(html):
    reader = Reader(html)
    assert reader.open == []
    return reader, " ".join(reader.text.replace("\xa0", " ").split())
