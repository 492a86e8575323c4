"""The panel's side in the kernel: it shows a session, and forwards what is pressed."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.records import Report
from tracer_nb.records.moments import Findings, Moment, SettingsForm
from tracer_nb.widgets.panel.actions import (
    ROWS_AT_ONCE,
    Message,
    Throttle,
    page_values,
    read_message,
    read_selection,
)
from tracer_nb.widgets.panel.bundle import LIVE, Figure, Source, draw, sources
from tracer_nb.widgets.panel.further import audit_values, step_values
from tracer_nb.widgets.panel.needs import SessionLike
from tracer_nb.widgets.panel.points import map_values
from tracer_nb.widgets.panel.seat import Seat
from tracer_nb.widgets.panel.sheet import (
    gap_values,
    live_values,
    settings_values,
    sheet_values,
    target_values,
)
from tracer_nb.widgets.panel.still import NEWEST, Still, cell_number, kernel_id
from tracer_nb.words import count, newer_sentence

__all__ = ["Panel"]


_INTERVAL = 0.25
# Seconds between two pictures of what changes all the time.
_SLOWLY = 1.0
# Steps that the panel names, as a magic and in a script. The rows that an audit asks about are
# bounded, as every job must be.
_RATE, _AUDITS = 0.05, 200
_AUDIT = (
    f"audit --rate {_RATE} --max-rows {_AUDITS}",
    f"tracer.audit({_RATE}, max_rows={_AUDITS})",
)
_UPDATE = ("update", "tracer.update()")
_REVIEW_ALL = ("review", "tracer.review()")
# What changes nothing and takes nothing back that was said: it comes as the pointer moves.
_ASKS = ("bye", "draft", "point")
# Labels that are offered where one is chosen.
_LABELS = 1000


class Panel:
    """Shows a session live, and passes on what is pressed; it computes nothing.

    Beside the live panel stands the result as plain HTML, which the page hides as long as
    the panel lives: a notebook that is saved, exported or opened without a kernel shows it.

    Parameters
    ----------
    session : Session
    record : bool
        The panel of one run: the next one that begins. When another begins elsewhere, it stays as
        it is, and says where the newer result stands. Otherwise it follows the session for good.
    """

    def __init__(self, session: SessionLike, *, record: bool = False) -> None:
        from tracer_nb.widgets.panel.view import make_view  # noqa: PLC0415  brings anywidget

        self._session = session
        self._run = session.moment.run + 1 if record else None
        self._newer: int | None = None
        self._name = f"tracer-{uuid.uuid4().hex}"
        # Moments come from the thread that works, messages from another.
        self._lock = threading.RLock()
        self._drawn: dict[str, Source] = {}
        self._drawn_at = 0.0
        self._viewers: set[str] | None = None
        self._static: Any = None
        self._place: Any = None
        self._written: Any = None
        self._shown: tuple[Report | None, Findings] = (None, Findings())
        self._ended: int | None = None
        self._said = ""
        self.view = make_view(static=self._name, kernel=kernel_id())
        self.view.on_msg(self._receive)
        self._seat = Seat(self.view, session)
        self._update()
        self._soon = Throttle(self._update, _INTERVAL)
        self._unfollow = session.follow(self._changed)
        self._cell = cell_number()
        if record:
            NEWEST[session] = (self._name, self._cell)

    def show(self, place: Any = None) -> Panel:
        """Display the panel below the running cell, or where something is displayed already.

        A terminal gets the result alone.
        """
        from IPython import get_ipython  # noqa: PLC0415
        from IPython.display import display  # noqa: PLC0415

        if hasattr(get_ipython(), "kernel"):
            if place is not None:
                place.update(self.view)
            self._place = place or display(self.view, display_id=True)
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
        with self._lock:
            moment = self._session.moment
            if self._run is not None and moment.run > self._run:
                if moment.progress is not None or moment.state == "done":
                    self._freeze()
                elif not moment.running:  # it ended at once: nothing came of it
                    self._run = moment.run
                return
        # The end of a run is shown before its cell ends: what comes later is not saved.
        if self._session.moment.running:
            self._soon()
        else:
            self._update()

    def _freeze(self) -> None:
        """Stay as it is, and say that there is a newer run."""
        if self._newer is not None:
            return
        self._unfollow()
        self._seat.close()
        name, cell = NEWEST.get(self._session, ("", 0))
        if name == self._name:  # a step without a panel
            name, cell = "", cell_number()
        self._newer = cell
        said = newer_sentence(cell)
        self.view.sheet = {
            **self.view.sheet,
            "state": "done",
            "words": "Earlier result",
            "blocking": False,
            "actions": [],
            "message": said,
            "newer": name,
            "start": "",
        }
        if self._static is not None:
            self._static.update(Still(self._name, *self._shown, said))

    def _update(self) -> None:
        with self._lock:
            if self._newer is not None:
                return
            moment = self._session.moment
            if self._viewers is None or self._viewers:
                with self.view.hold_sync():
                    self._fill(moment)
            if self._static is not None and not moment.running:
                self._write(moment)

    def _fill(self, moment: Moment) -> None:
        view, form, seat = self.view, self._session.form, self._seat
        seat.keep_up(moment)
        sheet = sheet_values(moment)
        sheet["message"] = self._said or sheet["message"]
        view.sheet = sheet
        view.live = live_values(moment)
        view.targets = target_values(moment.findings.targets)
        view.gaps = gap_values(moment)
        view.audits = audit_values(moment, self._line(_AUDIT), (_RATE, _AUDITS))
        lines = (self._line(_REVIEW_ALL), self._line(_UPDATE))
        view.steps = step_values(moment, seat.words(moment), *lines)
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
        if self._ended is not None and self._ended == moment.run:
            return  # what is found out after the run of a record is told where it was asked for
        if moment.report is not self._written:
            self._written = moment.report
            self._static.update(self._still())
        if moment.run == self._run:
            self._ended = moment.run

    def _still(self) -> Any:
        moment = self._session.moment
        self._shown = (moment.report, moment.findings)
        return Still(self._name, *self._shown)

    # --- from the page ---------------------------------------------------------------

    def _receive(self, view: Any, content: Any, buffers: Any) -> None:
        """Do what the page asks for; what goes wrong is said in the panel, where it was caused."""
        del view, buffers
        reply: dict[str, Any] = {"heard": content.get("number") if _is_dict(content) else None}
        said, asks = "", False
        try:
            message = read_message(content)
            asks = message.do in _ASKS
            reply.update(self._do(message) or {})
        except TracerError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 -- shown in the panel
            said = f"{type(error).__name__}: {error}"
        self.view.send(reply)
        if asks and not said:
            return
        self._said = said
        self._update()

    def _do(self, message: Message) -> dict[str, Any] | None:
        session, values = self._session, message.values
        run: dict[str, Callable[[], None]] = {
            "start": session.start,
            "resume": session.start,
            "pause": session.pause,
            "stop": session.stop,
            "audit": self._audit,
            "update": session.update,
            "back": session.back,
        }
        if self._newer is not None and message.do not in ("hello", "bye"):
            raise InvalidInput(newer_sentence(self._newer))
        if message.do in run:
            # A press that waited until a cell had ended must not act on the next run.
            if message.run == session.moment.run:
                with self._lock:
                    run[message.do]()
                    NEWEST[session] = (self._name, self._cell)
                    if self._run is not None:  # what is begun here is shown here
                        self._run = session.moment.run
            return None
        answer: dict[str, Callable[..., dict[str, Any] | None]] = {
            "hello": self._hello,
            "bye": self._bye,
            "draft": self._draft,
            "apply": self._apply,
            "target": self._target,
            "rows": self._rows,
            "gaps": session.analyse,
            "save": self._save,
            "export": self._export,
            "map": self._map,
            "point": self._point,
            "relabel": self._relabel,
            "review": self._review,
            "sit": self._seat.sit,
            "judge": self._seat.judge,
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

    def _map(self, method: str) -> dict[str, Any]:
        points = self._session.map(method)
        self.view.map = {} if points is None else map_values(points)
        return {"map": {"empty": points is None}}

    def _point(self, row: int) -> dict[str, Any]:
        """What a text says over which the pointer rests: no map carries them all."""
        selection = read_selection({"row": row}, self._session.moment.findings)
        page = self._session.rows(selection, offset=0, limit=1)
        shown = page_values(page, selection)["rows"]
        return {"point": shown[0] if shown else None}

    def _audit(self) -> None:
        watch = self._session.moment.findings.watch
        self._session.audit(_RATE if watch is None else watch.further_rate(_RATE), _AUDITS)

    def _save(self) -> dict[str, Any]:
        name = self._session.write_router()
        return {"written": f"Router, certificate and features are in {name}."}

    def _export(self, kind: str) -> dict[str, Any]:
        path, formulas = self._session.write_rows(kind)
        written = f"All rows with their labels are in {path}."
        if formulas:
            written += f" A spreadsheet may run {count(formulas, 'cell')} of it as formulas."
        return {"written": written}

    def _relabel(self, row: int, label: str, note: str) -> dict[str, Any]:
        self._session.relabel(row, label, note)
        return {"done": {"row": row, "words": f"Kept as a review: {label}"}}

    def _review(self, row: int) -> dict[str, Any]:
        waiting = count(self._session.send_to_review(row), "row waits", "rows wait")
        words = f"{waiting} for the end of the run"
        if not self._session.moment.running:
            self._seat.sit_for_chosen()
            words = f"{waiting} in the review"
        return {"done": {"row": row, "words": words}}

    def _line(self, step: tuple[str, str]) -> str:
        """How to do a step: as a magic line, or in the script that made the session."""
        form = self._session.form
        return step[1] if form is None else form.step(step[0])

    @property
    def _form(self) -> SettingsForm:
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
