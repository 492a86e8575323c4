"""Where rows of many requests wait for one matrix product."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tracer_nb.serve.served import Said, Served
from tracer_nb.serve.wire import Rows

__all__ = ["Desk"]

# Rows of one product in the loop's own thread: a millisecond or two, less than it costs to hand
# them to another thread while requests come.
_AT_ONCE = 64
# Rows of one product elsewhere. A large batch takes turns with the single rows of others, and
# what its features need at one time is bounded.
_PART = 256

_Waiting = tuple[Rows, "asyncio.Future[Said]"]


class Desk:
    """Decides about rows, those of simultaneous requests together.

    Single vectors are decided about in the loop's thread, all that came in one of its turns as
    one matrix product: alone, a row waits for nobody. Texts, whose features take longer, and
    large batches go to a second thread; what comes while it works is its next product.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "tracer-serve")
        self._vectors: dict[Served, list[_Waiting]] = {}
        self._texts: dict[tuple[Any, ...], list[_Waiting]] = {}
        self._is_busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def row(self, served: Served, rows: Rows) -> Said:
        """The result of one row."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Said] = loop.create_future()
        if rows.texts is None:
            if not self._vectors:
                loop.call_soon(self._decide_vectors)
            self._vectors.setdefault(served, []).append((rows, answer))
        else:
            kind = served, rows.vectors is None, *sorted(rows.cells)
            self._texts.setdefault(kind, []).append((rows, answer))
            self._start()
        return await answer

    async def batch(self, served: Served, rows: Rows) -> list[Said]:
        """The results of a batch, in its order."""
        if rows.texts is None and len(rows) <= _AT_ONCE:
            return served.decide(rows) if len(rows) else []
        loop = asyncio.get_running_loop()
        results: list[Said] = []
        for start in range(0, len(rows), _PART):
            part = rows.part(slice(start, start + _PART))
            results += await loop.run_in_executor(self._thread, served.decide, part)
        return results

    def close(self) -> None:
        """End the thread when it has done what it was given."""
        self._thread.shutdown()

    def _decide_vectors(self) -> None:
        waiting, self._vectors = self._vectors, {}
        for served, group in waiting.items():
            for start in range(0, len(group), _AT_ONCE):
                part = group[start : start + _AT_ONCE]
                _settle(served.decide, part)

    def _start(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            task = asyncio.get_running_loop().create_task(self._decide_texts())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _decide_texts(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._texts:
                kind = next(iter(self._texts))
                group = self._texts.pop(kind)
                if len(group) > _PART:  # the others wait behind those of other kinds
                    self._texts[kind] = group[_PART:]
                decide = kind[0].decide
                part = [pair for pair in group[:_PART] if not pair[1].done()]
                if part:
                    decided = await loop.run_in_executor(
                        self._thread, _decided, decide, [rows for rows, _ in part]
                    )
                    _tell(part, decided)
        finally:
            self._is_busy = False


def _settle(decide: Callable[[Rows], list[Said]], part: Sequence[_Waiting]) -> None:
    _tell(part, _decided(decide, [rows for rows, _ in part]))


def _decided(decide: Callable[[Rows], list[Said]], parts: Sequence[Rows]) -> list[Said | Exception]:
    """Of each single row its result, or what its request is told."""
    try:
        return list(decide(_joined(parts)))
    except Exception as error:  # noqa: BLE001 -- each request tells it, or its own
        if len(parts) == 1:
            return [error]
    # One bad row must not cost the others theirs.
    return [_decided(decide, [part])[0] for part in parts]


def _tell(part: Sequence[_Waiting], decided: Sequence[Said | Exception]) -> None:
    for (_, answer), result in zip(part, decided, strict=True):
        if answer.done():  # its request has ended
            continue
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


def _joined(parts: Sequence[Rows]) -> Rows:
    """Single rows of one kind as one batch."""
    first = parts[0]
    if len(parts) == 1:
        return first
    vectors = None
    if first.vectors is not None:
        vectors = np.concatenate([part.vectors for part in parts if part.vectors is not None])
    texts = None
    if first.texts is not None:
        texts = [text for part in parts for text in part.texts or ()]
    cells = {name: [part.cells[name][0] for part in parts] for name in first.cells}
    return Rows(texts, vectors, cells)
