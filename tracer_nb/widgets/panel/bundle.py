"""The panel's script: the page's side and the chart library in one file, with no network."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path

from tracer_nb.charts import SHADES

__all__ = ["own_script", "page_script", "style", "warm", "widget_script"]

_FOLDER = Path(__file__).parent
_lock = threading.Lock()
_made: Future[str] | None = None


def own_script() -> str:
    """The page's side as one text, made of ``widgets/src``, without the chart library."""
    page = (_FOLDER.parent / "page.js").read_text(encoding="utf-8")
    return f"const SHADES = {json.dumps(SHADES)};\n{page}"


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
