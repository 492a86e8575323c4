"""Runs a coroutine to its end from code that is not asynchronous, in a notebook too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["run_apart"]

T = TypeVar("T")
_STEP = 0.2
_GRACE = 2.0


def run_apart(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run what ``make`` makes in a thread with a loop of its own, and wait for it.

    A notebook's own loop runs already, and another cannot run in its thread. An interrupt
    cancels the coroutine, gives it two seconds to end, and is raised again.
    """
    result: Future[T] = Future()
    tasks: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    interrupted = threading.Event()

    async def main() -> T:
        task = asyncio.ensure_future(make())
        tasks.append((asyncio.get_running_loop(), task))
        if interrupted.is_set():  # before there was anything to cancel
            task.cancel()
        return await task

    def work() -> None:
        try:
            result.set_result(asyncio.run(main()))
        except BaseException as e:  # noqa: BLE001 -- raised again in the thread that waits
            result.set_exception(e)

    thread = threading.Thread(target=work, name="tracer-batch", daemon=True)
    try:
        thread.start()
        while not wait([result], _STEP).done:
            pass
    except BaseException:
        interrupted.set()
        for loop, task in tasks:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(task.cancel)
        wait([result], _GRACE)
        raise
    thread.join(_GRACE)
    return result.result()
