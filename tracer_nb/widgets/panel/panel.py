"""The panel's side in the kernel: it shows a session, and forwards what is pressed."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tracer_nb.charts import map_chart, split
from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.records import ColumnMap, Report, RowPage, Selection
from tracer_nb.records.moments import Findings, Moment, Option
from tracer_nb.widgets.card import Card
from tracer_nb.widgets.panel.actions import (
    ROWS_AT_ONCE,
    Message,
    Throttle,
    page_values,
    read_message,
    read_selection,
)
from tracer_nb.widgets.panel.bundle import LIVE, Figure, Source, draw, sources
from tracer_nb.widgets.panel.sheet import (
    audit_values,
    gap_values,
    live_values,
    settings_values,
    sheet_values,
    target_values,
)
from tracer_nb.words import count

__all__ = ["Panel", "kernel_id"]


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


_INTERVAL = 0.25
# Seconds between two pictures of what changes all the time.
_SLOWLY = 1.0
# Steps that the panel names, as a magic and in a script. The rows that an audit asks about are
# bounded, as every job must be.
_AUDIT = ("audit --rate 0.05 --max-rows 200", "tracer.audit(0.05, max_rows=200)")
_REVIEW = ("review --of chosen", 'tracer.review(of="chosen")')
# Labels that are offered where one is chosen.
_LABELS = 1000


class _Session(Protocol):
    """What the panel needs of a session: see :class:`tracer_nb.live.session.Session`."""

    @property
    def moment(self) -> Moment: ...

    @property
    def form(self) -> _Form | None: ...

    def follow(self, callback: Callable[[], None]) -> Callable[[], None]: ...

    def start(self) -> None: ...

    def pause(self) -> None: ...

    def stop(self) -> None: ...

    def analyse(self) -> None: ...

    def rows(self, selection: Selection, *, offset: int, limit: int) -> RowPage: ...

    def map(self, method: str) -> ColumnMap | None: ...

    def relabel(self, row: int, label: str, note: str) -> None: ...

    def send_to_review(self, row: int) -> int: ...


class _Form(Protocol):
    """The settings of the session."""

    @property
    def options(self) -> Sequence[Option]: ...

    @property
    def line(self) -> str: ...

    def aside(self, values: Mapping[str, str] | None = None) -> str: ...

    def step(self, words: str) -> str: ...

    def draft(self, values: Mapping[str, str]) -> str: ...

    def apply(self, values: Mapping[str, str]) -> None: ...


class Panel:
    """Shows a session live, and passes on what is pressed; it computes nothing.

    Beside the live panel stands the result as plain HTML, which the page hides as long as
    the panel lives: a notebook that is saved, exported or opened without a kernel shows it.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: _Session) -> None:
        from tracer_nb.widgets.panel.view import make_view  # noqa: PLC0415  brings anywidget

        self._session = session
        self._name = f"tracer-{uuid.uuid4().hex}"
        # Moments come from the thread that works, messages from another.
        self._lock = threading.RLock()
        self._drawn: dict[str, Source] = {}
        self._drawn_at = 0.0
        self._viewers: set[str] | None = None
        self._static: Any = None
        self._place: Any = None
        self._written: Any = None
        self._said = ""
        self.view = make_view(static=self._name, kernel=kernel_id())
        self.view.on_msg(self._receive)
        self._update()
        self._soon = Throttle(self._update, _INTERVAL)
        self._unfollow = session.follow(self._changed)

    def show(self) -> Panel:
        """Display the panel below the running cell; a terminal gets the result alone."""
        from IPython import get_ipython  # noqa: PLC0415
        from IPython.display import display  # noqa: PLC0415

        if hasattr(get_ipython(), "kernel"):
            self._place = display(self.view, display_id=True)
            self._written = self._session.moment.report
            self._static = display(self._still(), display_id=True)
        else:
            display(self._still())
            self.close()
        return self

    def close(self) -> None:
        """End the panel; the run that it shows goes on."""
        self._unfollow()
        for part in (self.view.layout, self.view):
            part.close()

    def remove(self) -> None:
        """Close the panel and leave nothing in its place."""
        self.close()
        for place in (self._place, self._static):
            if place is not None:
                place.update({"text/plain": ""}, raw=True)

    # --- to the page -----------------------------------------------------------------

    def _changed(self) -> None:
        # The end of a run is shown before its cell ends: what comes later is not saved.
        if self._session.moment.running:
            self._soon()
        else:
            self._update()

    def _update(self) -> None:
        with self._lock:
            moment = self._session.moment
            if self._viewers is None or self._viewers:
                with self.view.hold_sync():
                    self._fill(moment)
            if self._static is not None and not moment.running:
                self._write(moment)

    def _fill(self, moment: Moment) -> None:
        view, form = self.view, self._session.form
        sheet = sheet_values(moment)
        sheet["message"] = self._said or sheet["message"]
        view.sheet = sheet
        view.live = live_values(moment)
        view.targets = target_values(moment.findings.targets)
        view.gaps = gap_values(moment)
        view.audits = audit_values(moment, self._line(_AUDIT))
        counts = moment.findings.counts
        view.labels = [] if counts is None else list(counts.labels[:_LABELS])
        if form is not None:
            view.settings = settings_values(form.options, form.line, form.aside())
        self._draw(moment)

    def _draw(self, moment: Moment) -> None:
        """Draw what has changed; what changes all the time only now and then."""
        found = sources(moment)
        now = time.monotonic()
        pause = moment.running and now - self._drawn_at < _SLOWLY
        for name, source in found.items():
            if (name in LIVE and pause) or _same(source, self._drawn.get(name)):
                continue
            if name in LIVE:
                self._drawn_at = now
            self._put(name, draw(name, source))
            self._drawn[name] = source
        for name in set(self._drawn) - set(found):
            self._put(name, ({}, {}))
            del self._drawn[name]

    def _put(self, name: str, figure: Figure) -> None:
        spec, rows = figure
        setattr(self.view, f"data_{name}", rows)
        setattr(self.view, f"spec_{name}", spec)

    def _write(self, moment: Moment) -> None:
        if moment.report is not self._written:
            self._written = moment.report
            self._static.update(self._still())

    def _still(self) -> Any:
        moment = self._session.moment
        return _Still(self._name, moment.report, moment.findings)

    # --- from the page ---------------------------------------------------------------

    def _receive(self, view: Any, content: Any, buffers: Any) -> None:
        """Do what the page asks for; what goes wrong is said in the panel, where it was caused."""
        del view, buffers
        reply: dict[str, Any] = {"heard": content.get("number") if _is_dict(content) else None}
        said = ""
        try:
            reply.update(self._do(read_message(content)) or {})
        except TracerError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 -- shown in the panel
            said = f"{type(error).__name__}: {error}"
        self._said = said
        self.view.send(reply)
        self._update()

    def _do(self, message: Message) -> dict[str, Any] | None:
        session, values = self._session, message.values
        run: dict[str, Callable[[], None]] = {
            "start": session.start,
            "resume": session.start,
            "pause": session.pause,
            "stop": session.stop,
        }
        if message.do in run:
            # A press that waited until a cell had ended must not act on the next run.
            if message.run == session.moment.run:
                run[message.do]()
            return None
        answer: dict[str, Callable[..., dict[str, Any] | None]] = {
            "hello": self._hello,
            "bye": self._bye,
            "draft": self._draft,
            "apply": self._apply,
            "target": self._target,
            "rows": self._rows,
            "gaps": session.analyse,
            "map": self._map,
            "relabel": self._relabel,
            "review": self._review,
        }
        return answer[message.do](**values)

    def _hello(self, viewer: str) -> None:
        """A view was opened. Before the first one, and after the last, nobody looks."""
        with self._lock:
            self._viewers = (self._viewers or set()) | {viewer}

    def _bye(self, viewer: str) -> None:
        with self._lock:
            if self._viewers is not None:
                self._viewers.discard(viewer)

    def _draft(self, values: Mapping[str, str]) -> dict[str, Any]:
        try:
            form = self._form
            return {"line": form.draft(values), "aside": form.aside(values), "problem": ""}
        except TracerError as error:  # said beside the settings
            return {"problem": str(error)}

    def _apply(self, values: Mapping[str, str]) -> dict[str, Any]:
        form = self._form
        try:
            form.apply(values)
        except TracerError as error:
            return {"problem": str(error)}
        return {"line": form.line, "aside": form.aside(), "problem": ""}

    def _target(self, value: float) -> dict[str, Any]:
        """Take over a target, as the settings would."""
        form = self._form
        values = {option.name: option.value for option in form.options if option.value}
        return self._apply({**values, "target": f"{value:g}"})

    def _rows(self, where: Mapping[str, Any], offset: int) -> dict[str, Any]:
        selection = read_selection(where, self._session.moment.findings)
        page = self._session.rows(selection, offset=offset, limit=ROWS_AT_ONCE)
        return {"rows": page_values(page, selection)}

    def _map(self, method: str, colour: str) -> dict[str, Any]:
        points = self._session.map(method)
        if points is not None:
            self._put("map", split(map_chart(points, colour=colour)))
        return {"map": {"method": method, "colour": colour, "empty": points is None}}

    def _relabel(self, row: int, label: str, note: str) -> dict[str, Any]:
        self._session.relabel(row, label, note)
        return {"done": {"row": row, "words": f"Kept as a review: {label}"}}

    def _review(self, row: int) -> dict[str, Any]:
        waiting = count(self._session.send_to_review(row), "row waits", "rows wait")
        return {"done": {"row": row, "words": f"{waiting}: run {self._line(_REVIEW)}"}}

    def _line(self, step: tuple[str, str]) -> str:
        """How to do a step: as a magic line, or in the script that made the session."""
        form = self._session.form
        return step[1] if form is None else form.step(step[0])

    @property
    def _form(self) -> _Form:
        form = self._session.form
        if form is None:
            raise InvalidInput("these settings belong to a script; change them there")
        return form


def _is_dict(content: Any) -> bool:
    return isinstance(content, dict)


def _same(source: Source, other: Source | None) -> bool:
    return (
        other is not None
        and len(source) == len(other)
        and all(a is b for a, b in zip(source, other, strict=True))
    )


class _Still:
    """The result in an element that the page can find and hide."""

    # Where the panel itself cannot live, what Jupyter writes in its place is no use.
    _STYLE = (
        "<style>.jp-OutputArea-child:not(:has(.tracer-panel)):has(+ .jp-OutputArea-child "
        "[data-tracer-static]){display:none}</style>"
    )

    def __init__(self, name: str, report: Report | None, findings: Findings) -> None:
        self._name = name
        self._card = None if report is None else Card(report, findings)

    def __repr__(self) -> str:
        return "" if self._card is None else repr(self._card)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        body = "" if self._card is None else f"{self._STYLE}{self._card.html()}"
        html = f'<div data-tracer-static="{self._name}">{body}</div>'
        return {"text/plain": repr(self), "text/html": html}
