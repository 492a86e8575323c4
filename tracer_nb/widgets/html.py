"""Text into HTML that a notebook shows as it was written."""

from __future__ import annotations

from html import escape

__all__ = ["safe"]


def safe(text: str) -> str:
    """Escaped; "82 %" is never broken over two lines, and dollars are never read as LaTeX.

    Notebooks typeset what stands between two dollar signs of one text; an element around
    each sign keeps them apart.

    >>> safe("<b> 82 % for $4")
    '&lt;b&gt; 82&nbsp;% for <span>$</span>4'
    """
    return escape(text).replace(" %", "&nbsp;%").replace("$", "<span>$</span>")
