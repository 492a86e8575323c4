"""An update as a card: what came of it, and the figures before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer_nb.records import Update
from tracer_nb.widgets.html import framed, safe, table
from tracer_nb.words import aligned, update_lines, update_rows

__all__ = ["UpdateCard"]


class UpdateCard:
    """Shows an :class:`~tracer_nb.records.Update` in a notebook; every text is escaped.

    Parameters
    ----------
    update : Update
    notes : sequence of str
        What must be said with every answer of this teacher.
    """

    def __init__(self, update: Update, notes: Sequence[str] = ()) -> None:
        self.update = update
        self._lines = [*update_lines(update), *notes]

    def __repr__(self) -> str:
        head, rows = update_rows(self.update)
        return "\n".join([*self._lines, *aligned([head, *rows])])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """The card as one HTML element with its style."""
        first, *others = self._lines
        good = self.update.taken and not self.update.had_alarm
        kind = "tracer-head" if good else "tracer-head tracer-warn"
        body = f'<p class="{kind}">{safe(first)}</p>{table(*update_rows(self.update))}'
        body += "".join(f'<p class="tracer-small">{safe(line)}</p>' for line in others)
        return framed(body)
