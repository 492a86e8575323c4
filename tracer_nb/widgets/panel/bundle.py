"""What the page is made of: its script with the chart library, and charts without their data."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

from tracer_nb.charts import (
    SHADES,
    agreement_chart,
    bill_chart,
    bill_parts_chart,
    confusion_chart,
    frontier_chart,
    label_chart,
    lost_chart,
    preview_chart,
    rate_chart,
    reliability_chart,
    slices_chart,
    spending_chart,
    split,
    targets_chart,
    values_of,
    watch_chart,
)
from tracer_nb.records import Bill, Certificate
from tracer_nb.records.moments import Moment
from tracer_nb.words import GLOSSARY

__all__ = [
    "CHARTS",
    "LIVE",
    "Figure",
    "Source",
    "bill_of",
    "draw",
    "own_script",
    "page_script",
    "sources",
    "style",
    "warm",
    "widget_script",
]


_FOLDER = Path(__file__).parent
_lock = threading.Lock()
_made: Future[str] | None = None


def own_script() -> str:
    """The page's side as one text, made of ``widgets/src``, without the chart library."""
    page = (_FOLDER.parent / "page.js").read_text(encoding="utf-8")
    tables = f"const SHADES = {json.dumps(SHADES)};\nconst GLOSSARY = {json.dumps(GLOSSARY)};"
    return f"{tables}\n{page}"


def style() -> str:
    """The panel's style sheet."""
    return (_FOLDER / "panel.css").read_text(encoding="utf-8")


def warm() -> None:
    """Begin to make the script in the background, unless that was done; it takes a second."""
    _begun()


def widget_script() -> str:
    """The script as a module for anywidget; about 0.9 MB, made once per process."""
    return _begun().result()


@lru_cache(maxsize=1)
def page_script() -> str:
    """The same script for a page of its own, which it fills."""
    import vl_convert  # noqa: PLC0415  slow to import

    return str(vl_convert.javascript_bundle(f"{own_script()}\ntracerPage.mountReport();\n"))


def _begun() -> Future[str]:
    global _made  # noqa: PLW0603  one for the process
    with _lock:
        if _made is None or (_made.done() and _made.exception() is not None):
            _made = Future()
            threading.Thread(target=_make, args=(_made,), name="tracer-bundle", daemon=True).start()
        return _made


def _make(future: Future[str]) -> None:
    try:
        import vl_convert  # noqa: PLC0415  slow to import

        future.set_result(
            str(
                vl_convert.javascript_bundle(
                    f"{own_script()}\nexport default {{ render: tracerPage.render }};\n"
                )
            )
        )
        import altair  # noqa: F401, ICN001, PLC0415  seconds, which the first chart need not wait
    except BaseException as error:  # noqa: BLE001 -- raised again where the script is wanted
        if not future.done():
            future.set_exception(error)


Figure = tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]
"""Specification, and rows by the name of their data set."""

Source = tuple[Any, ...]
"""Records that a chart is drawn from."""

_DRAW: dict[str, Callable[..., Any]] = {
    "frontier": lambda *records: (frontier_chart if len(records) > 1 else preview_chart)(*records),
    "bill": bill_chart,
    "parts": bill_parts_chart,
    "targets": targets_chart,
    "counts": label_chart,
    "agreement": agreement_chart,
    "confusion": confusion_chart,
    "reliability": reliability_chart,
    "slices": slices_chart,
    "lost": lost_chart,
    "watch": watch_chart,
    "spending": spending_chart,
    "rate": rate_chart,
}

CHARTS = tuple(_DRAW)
"""Names of the charts of a panel."""

LIVE = ("spending", "rate")
"""Charts that change all the time during a run."""


def bill_of(moment: Moment) -> Bill | None:
    """The latest bill."""
    known = moment.findings.bill
    return known if known is not None or moment.report is None else moment.report.bill


def sources(moment: Moment) -> dict[str, Source]:
    """What there is to draw, by the name of the chart."""
    report, findings = moment.report, moment.findings
    found = _bills(bill_of(moment))
    if report is not None and report.frontier is not None and report.certificate is not None:
        found["frontier"] = (report.frontier, report.certificate)
    elif findings.preview is not None:
        found["frontier"] = (findings.preview,)
    for name in ("targets", "counts", "agreement", "confusion", "reliability"):
        if (record := getattr(findings, name)) is not None:
            found[name] = (record,)
    gaps, watch = findings.gaps, findings.watch
    if gaps is not None and gaps.slices:
        found["slices"] = (gaps,)
    if gaps is not None and gaps.lost is not None and gaps.lost.n_rows:
        found["lost"] = (gaps.lost,)
    if watch is not None and watch.n_audits:
        found["watch"] = (watch,)
    if len(moment.timeline.seconds) > 1:
        found["spending"] = found["rate"] = (moment.timeline,)
    return found


def _bills(bill: Bill | None) -> dict[str, Source]:
    if bill is None or not bill.n_asked:
        return {}
    return {"parts": (bill,), **({"bill": (bill,)} if bill.expected else {})}


def draw(name: str, source: Source) -> Figure:
    """The chart of that name; its specification is worked out once, whatever its data.

    The axis of the frontier is named by what its curve is of.
    """
    chart = _DRAW[name](*source)
    axis = next((one.curve.axis for one in source if isinstance(one, Certificate)), "")
    if (name, axis) not in _specifications:
        _specifications[name, axis] = split(chart)[0]
    return _specifications[name, axis], values_of(chart)


_specifications: dict[tuple[str, str], dict[str, Any]] = {}
