"""What goes wrong at the store: its disk, its file, and the kernels that write to it."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

from faulty.children import start
from faulty.world import asked_again, billed, cost_of, labels_of, make_table, stored, teacher_at
from tracer_nb.errors import StoreError
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.standin import StandIn, serve
from tracer_nb.store import LabelStore

KILLS = 50
_FEW = 4  # requests at a time: the least that is under way when a kernel dies
_LATENCY = 0.01
_PATIENCE = 120.0  # seconds; a limit on hanging, nothing is measured by it


@dataclass(frozen=True)
class StoreSurvived:
    """What a labelling went through, over all its runs.

    Attributes
    ----------
    said : tuple of str
        Why runs ended early, or could not begin.
    n_kept : int
        Answers in the store when the fault was over.
    asked_again : int
        Requests about texts whose answer was in the store when the run began.
    n_repeated : int
        Requests beyond one for each text, all runs together.
    concurrency : int
        Requests that each run has under way.
    stored, once : float
        Dollars for the answers in the store at the end; for one answer to every text.
    billed : float
        Dollars for all answers that the server made.
    same : bool
        The final table is the one without faults.
    """

    fault: str
    n_texts: int
    requests: int
    said: tuple[str, ...]
    n_kept: int
    asked_again: int
    n_repeated: int
    stored: float
    once: float
    billed: float
    same: bool
    concurrency: int = _FEW


def full_disk(path: Path, n: int) -> StoreSurvived:
    """The disk is full after a part of the answers; the run is repeated when it is not."""

    def fill(store: LabelStore) -> None:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + max(n // 30, 1)}")

    def fault(world: _World) -> None:
        with _stores(fill):
            world.label()

    return _survive("full disk", path, n, fault)


def locked(path: Path, n: int) -> StoreSurvived:
    """Another process writes, for longer than the run waits for it."""

    def fault(world: _World) -> None:
        other = _Writer(path)
        with _stores(_when_stored(n // 3, other.begin), timeout=0.05):
            world.label()
        other.end()

    return _survive("store locked for longer than is waited", path, n, fault)


def locked_briefly(path: Path, n: int) -> StoreSurvived:
    """Another process writes for a moment: the run waits, and nobody notices."""

    def fault(world: _World) -> None:
        def write() -> None:
            other = _Writer(path)
            other.begin()
            threading.Timer(0.1, other.end).start()

        with _stores(_when_stored(n // 3, write)):
            world.label()

    return _survive("store locked for a moment", path, n, fault)


def truncated(path: Path, n: int) -> StoreSurvived:
    """A part of the file is gone. It is refused, and nothing asked, until it is moved away."""

    def fault(world: _World) -> None:
        world.label(n // 2)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 3 // 5])
        world.begin_session()
        before = world.server.requests
        world.label()
        assert world.server.requests == before, "a damaged store was written to"
        for part in path.parent.glob(f"{path.name}*"):
            part.rename(part.with_name(f"damaged-{part.name}"))

    return _survive("store cut to 60 % of its bytes", path, n, fault)


def two_kernels(path: Path, n: int) -> StoreSurvived:
    """Two kernels begin the same labelling at the same moment."""

    def fault(world: _World) -> None:
        kernels = [world.kernel() for _ in range(2)]
        for _, pipe in kernels:
            pipe.send("go")
        tables, spent = [], 0.0
        for process, pipe in kernels:
            labels, spending = pipe.recv()
            process.join(_PATIENCE)
            tables.append(labels)
            spent += spending.cost
        assert tables == [world.table, world.table]
        # A connection may be lost on a busy machine; what it carried is in nobody's books.
        bill = billed(world.server)
        assert abs(spent - bill) <= 0.05 * bill, f"{spent} in the books, {bill} billed"

    return _survive("two kernels at once", path, n, fault)


def killed(path: Path, n: int, kills: int = KILLS) -> StoreSurvived:
    """SIGKILL at random moments of a labelling that is begun again every time."""

    def fault(world: _World) -> None:
        dice = random.Random(7)
        for _ in range(kills):
            kept, asked = stored(path), world.server.asked()
            process, pipe = world.kernel()
            until = world.server.requests + dice.randrange(1, max(2 * n // kills, 3))
            pipe.send("go")
            world.wait(lambda until=until: world.server.requests >= until)
            time.sleep(dice.random() * 2 * _LATENCY)
            assert process.is_alive(), "the run was over before it could be killed"
            process.kill()
            process.join(_PATIENCE)
            pipe.close()
            world.again += asked_again(kept, world.server.asked() - asked)
            lost = set(kept) - set(stored(path))
            assert not lost, "stored answers are gone"

    return _survive(f"SIGKILL at {kills} random moments", path, n, fault)


STORE_FAULTS: tuple[Callable[[Path, int], StoreSurvived], ...] = (
    full_disk,
    locked,
    locked_briefly,
    truncated,
    two_kernels,
    killed,
)


class _World:
    """A server, the store of one fault, and what came of labelling."""

    def __init__(self, table: dict[str, str], path: Path, server: StandIn) -> None:
        self.table, self.path, self.server = table, path, server
        self.said: list[str] = []
        self.again = 0
        self.begin_session()

    def begin_session(self) -> None:
        """What a new kernel would have: a job that has asked nothing yet."""
        # Here, because a kernel that is started imports the top of a script, and so this module.
        from tracer_nb import Tracer

        teacher = teacher_at(self.server.base_url, concurrency=_FEW)
        self._tracer = Tracer(teacher, store=self.path, target=0.5, labelling="random")

    def label(self, n: int | None = None) -> None:
        """Run the labelling step; when it ends early, it says why."""
        asked = self.server.asked()
        before: dict[str, Answer] = {}
        try:
            before = stored(self.path)
            labels = self._tracer.label(list(self.table), sample=n or len(self.table))
            self.said += [] if labels.stopped is None else [labels.stopped]
        except StoreError as error:
            self.said.append(str(error))
        finally:
            self.again += asked_again(before, self.server.asked() - asked)

    def kernel(self) -> tuple[BaseProcess, Any]:
        """Another process that is ready to label."""
        process, pipe = start(self.server.base_url, self.path, list(self.table), _FEW)
        assert pipe.recv() == "ready"
        return process, pipe

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait for something to be so."""
        limit = time.monotonic() + _PATIENCE
        while not until():
            assert time.monotonic() < limit, "the run does not get on"
            time.sleep(0.001)


def _survive(name: str, path: Path, n: int, fault: Callable[[_World], None]) -> StoreSurvived:
    table = make_table(n)
    with serve(table, latency=_LATENCY) as server:
        world = _World(table, path, server)
        fault(world)
        kept = len(stored(path))
        ended_early = len(world.said)
        world.label()
        assert len(world.said) == ended_early, world.said
        answers = stored(path)
        asked: Counter[str] = server.asked()
        bill = billed(server)
    with serve(table) as server:
        run_labels(teacher_at(server.base_url), table)
        once = billed(server)
    return StoreSurvived(
        fault=name,
        n_texts=n,
        requests=asked.total(),
        said=tuple(world.said),
        n_kept=kept,
        asked_again=world.again,
        n_repeated=sum(times - 1 for times in asked.values()),
        stored=cost_of(answers.values()),
        once=once,
        billed=bill,
        same=labels_of(answers) == table,
    )


def _when_stored(n: int, action: Callable[[], None]) -> Callable[[LabelStore], None]:
    """Make a store do something before it stores its ``n``-th answer."""

    def prepare(store: LabelStore) -> None:
        put, left = store.put_many, [n]

        def put_many(identity: Any, answered: Any) -> int:
            pairs = list(answered)
            if 0 < left[0] <= len(pairs):
                action()
            left[0] -= len(pairs)
            return put(identity, pairs)

        store.put_many = put_many  # type: ignore[method-assign]

    return prepare


@contextmanager
def _stores(prepare: Callable[[LabelStore], None], *, timeout: float = 10.0) -> Iterator[None]:
    """Jobs open their stores with this patience, and after this preparation."""

    def opened(path: Path) -> LabelStore:
        store = LabelStore(path, timeout=timeout)
        prepare(store)
        return store

    with mock.patch("tracer_nb.store.shelf.LabelStore", opened):
        yield


class _Writer:
    """Another process that writes to the store, and lets nobody else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self) -> None:
        """Take the store."""
        self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._db.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        """Give it back."""
        self._db.execute("ROLLBACK")
        self._db.close()
