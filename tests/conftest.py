"""What several test folders share: a small known world, a report on it, and a real shell."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# Matrices here are small: with more threads than cores, threads only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from tracer_nb.records import Certificate, Frontier, Report, Spending

# Scripts, which import one another by their folder.
collect_ignore = ["bench"]

# No test depends on wall-clock time.
settings.register_profile("tracer_nb", deadline=None)
settings.load_profile("tracer_nb")

LABELS = ("login", "parcel", "refund")


def pytest_configure() -> None:
    """A process that a shell started in its background ignores SIGINT; tests send it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long forms have more time than the limit of all tests; what a module makes once is made once."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(4 * 3600))
        if _shares_with_its_module(item):
            # Whole jobs, mostly: each process that has some of the tests would make its own.
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


def _shares_with_its_module(item: Any) -> bool:
    """Whether a fixture that its own file defines is made once for the file."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("xdist_group"):
        return False
    made = (each for found in item._fixtureinfo.name2fixturedefs.values() for each in found)
    file = item.nodeid.partition("::")[0]
    return any(each.scope == "module" and each.baseid == file for each in made)


class World:
    """Rows whose label is known, and features that nearly show it.

    ``asked`` are the texts that :meth:`teach` was asked about, in order.
    """

    labels = LABELS

    def __init__(self, n: int, noise: float) -> None:
        rng = np.random.default_rng(7)
        codes = rng.integers(len(LABELS), size=n)
        self.texts = [f"{LABELS[c]} question {i}" for i, c in enumerate(codes)]
        self.truth = {text: text.split()[0] for text in self.texts}
        self.X = np.eye(len(LABELS))[codes] + noise * rng.normal(size=(n, len(LABELS)))
        self.frame = pd.DataFrame({"text": self.texts, "n": range(n)})
        self.asked: list[str] = []

    def teach(self, text: str) -> str:
        self.asked.append(text)
        return self.truth[text]


class Niches(World):
    """600 rows: half of them easy, half in 150 small groups with a label of each group's own.

    A surrogate answers rows of groups that it has seen, so that it gains by answers to deferred rows.
    """

    n_groups, n_columns = 150, 24

    def __init__(self) -> None:
        super().__init__(600, noise=0.1)
        rng = np.random.default_rng(7)
        self.centres = rng.normal(size=(self.n_groups, self.n_columns))
        self.of_groups = rng.integers(3, size=self.n_groups)
        codes, self.X = self.rows(600, rng)
        self.texts = [f"{self.labels[c]} question {i}" for i, c in enumerate(codes)]
        self.truth = {text: text.split()[0] for text in self.texts}
        self.frame = self.frame.assign(text=self.texts)

    def rows(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Labels (n,) and features (n, n_columns)."""
        group, easy = rng.integers(self.n_groups, size=n), rng.random(n) < 0.5
        codes = np.where(easy, rng.integers(3, size=n), self.of_groups[group])
        own = 3 * np.eye(3, self.n_columns)[codes]
        centre = np.where(easy[:, None], own, self.centres[group])
        return codes, centre + 0.3 * rng.normal(size=(n, self.n_columns))


@pytest.fixture
def niches() -> Niches:
    return Niches()


@pytest.fixture
def world() -> World:
    """600 rows that are easy: nearly all can be handled."""
    return World(600, noise=0.1)


@pytest.fixture
def hard_world() -> World:
    """600 rows of which a part is hard: some are handled, some deferred."""
    return World(600, noise=0.46)


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRACER_NB_API_KEY", "TRACER_NB_STORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _no_lessons() -> None:
    # A port of this machine, and with it the address of a server, may come up again.
    from tracer_nb.teachers.chat.forms import forget_lessons

    forget_lessons()


class Interrupting:
    """Presses the stop button at the ``at``-th text, and then hangs like a slow server."""

    def __init__(self, world: World, at: int) -> None:
        self.world, self.at = world, at
        self.release = threading.Event()

    def teach(self, text: str) -> str:
        label = self.world.teach(text)
        if len(self.world.asked) == self.at:
            _thread.interrupt_main()
            self.release.wait(30)
        return label


@pytest.fixture
def interrupting() -> Iterator[Callable[[World, int], Interrupting]]:
    """Makes teachers that interrupt this process's main thread, as the stop button does."""
    made: list[Interrupting] = []

    def make(world: World, at: int) -> Interrupting:
        made.append(Interrupting(world, at))
        return made[-1]

    yield make
    for one in made:
        one.release.set()


# --- reports --------------------------------------------------------------------------


def _certificate(**changes: Any) -> Certificate:
    values: dict[str, Any] = {
        "method": "column",
        "target": 0.92,
        "confidence": 0.95,
        "threshold": 0.8,
        "certified": True,
        "coverage": 0.76,
        "agreement": 0.95,
        "agreement_lower": 0.923,
        "n_fit": 700,
        "n_calibration": 300,
        "n_handled": 240,
        "n_agree": 228,
        "n_tested": 4,
        "n_population": 2300,
        "n_population_handled": 1748,
        "cost_coverage": 0.76,
        "whole_output_lower": 0.938,
    }
    return Certificate(**{**values, **changes})


def _frontier(n_points: int = 100, n_rows: int = 300) -> Frontier:
    coverage = np.linspace(0, 1, n_points + 1)[1:]
    agreement = 1.0 - 0.15 * coverage**2
    return Frontier(
        thresholds=1.0 - coverage / 2,
        coverage=coverage,
        agreement=agreement,
        lower=np.maximum(agreement - 0.05, 0),
        upper=np.minimum(agreement + 0.05, 1),
        n_handled=np.round(coverage * n_rows).astype(int),
    )


def _report(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "teacher": "gpt-5-mini",
        "note": "",
        "features": "lsa",
        "surrogate": "kernel-ridge",
        "n_rows": 3000,
        "n_labelled": 1000,
        "n_surrogate": 1500,
        "n_teacher": 1490,
        "n_missing": 10,
        "n_deferred": 500,
        "certificate": _certificate(),
        "frontier": _frontier(),
        "trials": (),
        "spending": Spending(asked=1500, reused=0, missing=0, cost=1.84),
        "cost_all": 7.31,
        "missing_reasons": (("empty text", 8), ("refused", 2)),
    }
    return Report(**{**values, **changes})


@pytest.fixture
def make_certificate() -> Callable[..., Certificate]:
    return _certificate


@pytest.fixture
def make_frontier() -> Callable[..., Frontier]:
    return _frontier


@pytest.fixture
def make_report() -> Callable[..., Report]:
    return _report


# --- shell ----------------------------------------------------------------------------


class Place:
    """Where something was displayed, and all that was shown there, the first first."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def update(self, what: Any, **_: Any) -> None:
        self.shown.append(what)


@dataclass(frozen=True)
class Ran:
    """What a cell printed, and what it raised."""

    out: str
    err: str
    error: BaseException | None

    @property
    def text(self) -> str:
        return self.out + self.err


class Shell:
    """Runs cells as users type them, in a real shell."""

    def __init__(self, ip: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.ip = ip
        self._capsys = capsys

    def __getitem__(self, name: str) -> Any:
        return self.ip.user_ns[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.ip.user_ns[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self.ip.user_ns

    def try_run(self, cell: str) -> Ran:
        """Run a cell that may fail."""
        self._capsys.readouterr()
        result = self.ip.run_cell(cell)
        printed = self._capsys.readouterr()
        return Ran(printed.out, printed.err, result.error_before_exec or result.error_in_exec)

    def run(self, cell: str) -> str:
        """Run a cell that must not fail; what it printed."""
        ran = self.try_run(cell)
        assert ran.error is None, ran.text
        return ran.out

    def complaint(self, cell: str) -> str:
        """Run a cell that must fail as a user's mistake does: in one line, without traceback."""
        ran = self.try_run(cell)
        assert type(ran.error).__name__ == "UsageError", ran.text
        assert ran.out == ""
        lines = ran.err.splitlines()
        assert len(lines) == 1, ran.err
        assert lines[0].startswith("UsageError: ")
        return lines[0].removeprefix("UsageError: ")


@pytest.fixture(scope="module")
def _ip(tmp_path_factory):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.InteractiveShell.ipython_dir = str(tmp_path_factory.mktemp("ipython"))
    config.HistoryManager.enabled = False  # else a thread and a database per test
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0  # else a garbage collection per test
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance(config=config)
    try:
        yield ip
    finally:
        atexit.unregister(ip.atexit_operations)
        ip.atexit_operations()
        ip.restore_sys_module_state()
        InteractiveShell.clear_instance()


@pytest.fixture
def bare_shell(_ip, tmp_path, monkeypatch, capsys):
    """A shell without the extension and without variables, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    _ip.reset()
    _ip.extension_manager.loaded.discard("tracer_nb")
    return Shell(_ip, capsys)


@pytest.fixture
def shell(bare_shell, world):
    """A shell with the extension, and a small world in its variables."""
    assert bare_shell.run("%load_ext tracer_nb") == ""
    bare_shell["df"] = world.frame
    bare_shell["X"] = world.X
    bare_shell["teach"] = world.teach
    bare_shell["intents"] = list(world.labels)
    return bare_shell
