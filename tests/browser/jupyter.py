"""A real Jupyter server on loopback, notebooks in a real browser, and their kernels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = Path("/usr/bin/chromium")
TOKEN = "browser-test"
PATIENCE = 90_000  # milliseconds; states are waited for, and a busy machine is slow
SHOTS = Path(__file__).parents[2] / "shots"


class Server:
    """JupyterLab and Notebook 7, from one server, with folders of its own."""

    def __init__(self, folder: Path, threads: int | None = 1) -> None:
        self.folder = folder / "work"
        self.folder.mkdir(parents=True)
        self.runtime = folder / "runtime"
        settings = {
            "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
                "fetchNews": "false",
                "checkForUpdates": False,
            },
        }
        for name, values in settings.items():
            path = folder / "config" / "lab" / "user-settings" / name
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(values))
        self.theme_path = (
            folder
            / "config/lab/user-settings/@jupyterlab/apputils-extension"
            / "themes.jupyterlab-settings"
        )
        self._log = (folder / "server.log").open("w")
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        if threads is not None:  # else as many as a newcomer's kernel has
            environment["OMP_NUM_THREADS"] = str(threads)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                *(f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"),
                "--JupyterNotebookApp.expose_app_in_browser=True",
            ],
            cwd=self.folder,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.address = self._wait()

    def _wait(self) -> str:
        deadline = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < deadline and self._process.poll() is None:
            if (address := self._address()) is not None:
                return address
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start; see {self._log.name}")

    def _address(self) -> str | None:
        try:
            for path in self.runtime.glob("jpserver-*.json"):
                address = str(json.loads(path.read_text())["url"])
                with urllib.request.urlopen(f"{address}api?token={TOKEN}"):
                    return address
        except (urllib.error.URLError, json.JSONDecodeError, ConnectionError):
            pass
        return None

    def api(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            f"{self.address}api/{path}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request) as reply:
            body = reply.read()
        return json.loads(body) if body else None

    def write(self, name: str, cells: list[str]) -> None:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.folder / name)

    def set_theme(self, name: str) -> None:
        self.theme_path.write_text(json.dumps({"theme": f"JupyterLab {name}"}))

    def close(self) -> None:
        for kernel in self.api("kernels"):
            self.api(f"kernels/{kernel['id']}", "DELETE")
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


class Notebook:
    """One notebook in a page, cell by cell."""

    def __init__(self, page: Any, server: Server, name: str, app: str = "lab") -> None:
        self.page, self.server, self.name, self.app = page, server, name, app
        self.open()

    def open(self) -> None:
        path = f"lab/tree/{self.name}?reset&" if self.app == "lab" else f"notebooks/{self.name}?"
        self.page.goto(f"{self.server.address}{path}token={TOKEN}", timeout=PATIENCE)
        self.page.wait_for_function(
            """() => {
              const panel = window.jupyterapp?.shell?.currentWidget;
              return panel?.sessionContext?.session?.kernel?.status === 'idle';
            }""",
            timeout=PATIENCE,
        )

    # --- cells -----------------------------------------------------------------------

    def add(self, source: str) -> int:
        """A new cell at the end; its index."""
        return int(
            self.page.evaluate(
                """(source) => {
                  const { content } = window.jupyterapp.shell.currentWidget;
                  content.model.sharedModel.addCell({ cell_type: 'code', source });
                  return content.widgets.length - 1;
                }""",
                source,
            )
        )

    def select(self, index: int) -> None:
        self.page.evaluate(
            """(i) => {
              const { content } = window.jupyterapp.shell.currentWidget;
              content.activeCellIndex = i;
              content.deselectAll();
            }""",
            index,
        )

    def do(self, command: str, index: int | None = None) -> None:
        """Begin a command of the application, on a cell; does not wait."""
        if index is not None:
            self.select(index)
        self.page.evaluate("(c) => { window.jupyterapp.commands.execute(c); }", command)

    def begin(self, source: str) -> Any:
        """A new cell that runs; what it shows."""
        index = self.add(source)
        self.do("notebook:run-cell", index)
        return self.cell(index)

    def cell(self, index: int) -> Any:
        found = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')
        found.wait_for(state="attached")
        return found

    def ran(self, index: int) -> None:
        """Run a cell and wait until it has ended."""
        before = self._count(index)
        self.do("notebook:run-cell", index)
        self._ended(index, before)

    def run(self, source: str) -> Any:
        """A new cell that has run; what it shows."""
        index = self.add(source)
        self.ran(index)
        return self.cell(index)

    def _ended(self, index: int, before: Any = None) -> None:
        self.page.wait_for_function(
            """([i, before]) => {
              const { model } = window.jupyterapp.shell.currentWidget.content.widgets[i];
              return model.executionCount !== null && model.executionCount !== before;
            }""",
            arg=[index, before],
            timeout=PATIENCE,
        )

    def _count(self, index: int) -> Any:
        return self.page.evaluate(
            "(i) => window.jupyterapp.shell.currentWidget.content.widgets[i].model.executionCount",
            index,
        )

    # --- kernel ----------------------------------------------------------------------

    @property
    def kernel(self) -> str:
        return str(
            self.page.evaluate(
                "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
            )
        )

    def value(self, expression: str) -> Any:
        """What an expression is in the kernel; waits until that is free."""
        return json.loads(
            self.page.evaluate(
                """async (code) => {
                  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
                  const reply = await kernel.requestExecute({
                    code: '', silent: true, store_history: false,
                    user_expressions: { value: code },
                  }).done;
                  const { value } = reply.content.user_expressions;
                  if (value.status !== 'ok') throw new Error(value.evalue);
                  return value.data['application/json'].text;
                }""",
                # As a dict, whose JSON form IPython sends along: no quotes to take apart.
                f"__import__('IPython').display.JSON({{'text': __import__('json').dumps({expression})}})",
            )
        )
