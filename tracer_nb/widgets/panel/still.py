"""What stands beside a live panel, for whoever sees the notebook without a kernel; and which is the newest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from tracer_nb.records import Report
from tracer_nb.records.moments import Findings
from tracer_nb.widgets.card import Card, safe

__all__ = ["NEWEST", "Still", "cell_number", "kernel_id"]

NEWEST: WeakKeyDictionary[Any, tuple[str, int]] = WeakKeyDictionary()
"""The panel that shows the newest run of a session: its name on the page, and its cell."""


def cell_number() -> int:
    """Number of the cell that runs now; 0 outside of a notebook."""
    from IPython import get_ipython  # noqa: PLC0415  as in the panel

    return int(getattr(get_ipython(), "execution_count", 0))


def kernel_id() -> str:
    """Name of this kernel at its server; "" outside of one."""
    # Where there is no kernel, importing ipykernel would put another manager of widgets in the
    # place of the one that knows the widgets of this shell.
    if "ipykernel.kernelapp" not in sys.modules:
        return ""
    try:
        from ipykernel.connect import get_connection_file  # noqa: PLC0415  only in a kernel

        return Path(get_connection_file()).stem.removeprefix("kernel-")
    except (ImportError, RuntimeError):
        return ""


class Still:
    """The result in an element that the page can find and hide."""

    # Where the panel itself cannot live, what Jupyter writes in its place is no use.
    _STYLE = (
        "<style>.jp-OutputArea-child:not(:has(.tracer-panel)):has(+ .jp-OutputArea-child "
        "[data-tracer-static]){display:none}</style>"
    )

    def __init__(
        self, name: str, report: Report | None, findings: Findings, newer: str = ""
    ) -> None:
        self._name, self._newer = name, newer
        self._card = None if report is None else Card(report, findings)

    def __repr__(self) -> str:
        card = "" if self._card is None else repr(self._card)
        return "\n".join(filter(None, [self._newer, card]))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        body = "" if self._card is None else f"{self._STYLE}{self._card.html()}"
        if self._newer:
            body = f"<p>{safe(self._newer)}</p>{body}"
        html = f'<div data-tracer-static="{self._name}">{body}</div>'
        return {"text/plain": repr(self), "text/html": html}
