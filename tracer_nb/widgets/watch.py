"""Notices that the cell of a run was deleted, and stops the run as the stop button would."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["kernel_id", "make_watch"]

# A kernel that runs a cell hears no widget, so the page asks the server to interrupt it, as
# its own stop button does. Only a cell that went while its notebook stayed was deleted: a
# closed tab, a cleared output or a cell scrolled out of sight stops nothing.
_MODULE = """
function interrupt(kernel) {
  const node = document.getElementById("jupyter-config-data");
  if (!node) return;
  const config = JSON.parse(node.textContent);
  const headers = {};
  const xsrf = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie);
  if (xsrf) headers["X-XSRFToken"] = decodeURIComponent(xsrf[1]);
  if (config.token) headers["Authorization"] = "token " + config.token;
  const address = config.baseUrl + "api/kernels/" + encodeURIComponent(kernel) + "/interrupt";
  fetch(address, { method: "POST", headers, credentials: "same-origin" });
}

export default {
  render({ model, el }) {
    const kernel = model.get("kernel");
    let cell = null, notebook = null;
    // The output is put into the page after it is made.
    const find = setInterval(() => {
      cell = el.closest(".jp-Cell");
      notebook = el.closest(".jp-Notebook");
      if (cell) clearInterval(find);
    }, 50);
    return () => {
      clearInterval(find);
      if (!cell || !kernel || !model.get("running")) return;
      setTimeout(() => {
        if (notebook.isConnected && !cell.isConnected) interrupt(kernel);
      }, 100);
    };
  },
};
"""


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


def make_watch() -> Any:
    """An invisible widget to put beside a run's progress; set ``running`` when that ends."""
    return _watch_class()(kernel=kernel_id())


@lru_cache(maxsize=1)
def _watch_class() -> Any:
    import anywidget  # noqa: PLC0415  only where something is shown
    import traitlets  # noqa: PLC0415

    class Watch(anywidget.AnyWidget):
        _esm = _MODULE
        kernel = traitlets.Unicode().tag(sync=True)
        running = traitlets.Bool(default_value=True).tag(sync=True)

    return Watch
