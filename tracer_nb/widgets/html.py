"""HTML for notebooks: texts shown as they were written, and the frame around them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from tracer_nb.charts import to_svg

__all__ = ["captioned_table", "framed", "picture", "safe", "table"]

# Colours come from JupyterLab's theme where there is one; elsewhere grey text on no background.
_STYLE = """
.tracer-card{font:14px/1.5 system-ui,sans-serif;color:var(--jp-ui-font-color1,inherit);
 border:1px solid var(--jp-border-color1,#8886);border-radius:8px;padding:16px 20px;
 max-width:760px;margin:4px 0;box-sizing:border-box}
.tracer-card p{margin:0 0 8px}
.tracer-card .tracer-head{font-size:16px;font-weight:600;margin-bottom:10px}
.tracer-card .tracer-facts{display:grid;gap:10px 28px;margin:12px 0;
 grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.tracer-card .tracer-facts b{display:block;font-size:22px;line-height:1.2;font-weight:600}
.tracer-card .tracer-facts div>span,.tracer-card .tracer-small{font-size:12.5px;opacity:.78}
.tracer-card .tracer-warn{border-left:3px solid #d55e00;padding-left:10px}
.tracer-card img{max-width:100%;height:auto;display:block;margin:10px 0 4px}
"""


def safe(text: str) -> str:
    """Escaped; "82 %" is never broken over two lines, and dollars are never read as LaTeX.

    Notebooks typeset what stands between two dollar signs of one text; an element around
    each sign keeps them apart.

    >>> safe("<b> 82 % for $4")
    '&lt;b&gt; 82&nbsp;% for <span>$</span>4'
    """
    return escape(text).replace(" %", "&nbsp;%").replace("$", "<span>$</span>")


def framed(body: str) -> str:
    """HTML in the frame that all cards share, with its style."""
    return f'<div class="tracer-card"><style>{_STYLE}</style>{body}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with all cells to the left."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(f'<{tag} style="text-align:left">{safe(cell)}</{tag}>' for cell in cells)

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{line('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def captioned_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same in a frame, under its title."""
    return f'<p class="tracer-small">{safe(title)}</p>{table(head, rows)}'


def picture(chart: Any, alt: str) -> str:
    """A chart as an image element: it survives sanitising where inline SVG does not."""
    data = base64.b64encode(to_svg(chart).encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
