"""The service as a process: its socket, its signals, and its end, at which nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from threadpoolctl import threadpool_limits

from tracer_nb.errors import InvalidInput
from tracer_nb.serve.app import Service
from tracer_nb.serve.connections import Connection
from tracer_nb.serve.logbook import say

__all__ = ["Server", "listen"]

_BACKLOG = 2048
# File descriptors that are no connections.
_OTHER_FILES = 100
# What requests that are open at the end may take, beyond their own time.
_END = 5
# Seconds that an idle connection is kept for another request.
_KEPT = 15
# Between two looks at connections, and at audits made elsewhere.
_PAUSE = 1.0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    InvalidInput
        There is no such address, or it is taken.
    """
    if not 0 <= port < 65536:
        raise InvalidInput(f"--port must be a number from 0 to 65535, got {port}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        raise InvalidInput(
            f"cannot listen on {host!r}, port {port} ({error}); choose another --host or --port"
        ) from error


class Server(uvicorn.Server):
    """Serves until SIGTERM, Ctrl-C or :meth:`end`, then answers what is open, and ends.

    Parameters
    ----------
    service : Service
    begun : callable
        Called once, when the service answers.
    """

    def __init__(self, service: Service, begun: Callable[[], None]) -> None:
        limits = service.limits

        class Own(Connection):
            most = _most_connections()
            seconds = limits.seconds

        config = uvicorn.Config(
            service,
            http=Own,
            loop="uvloop" if _has("uvloop") else "asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what a client does wrong, it is told
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=math.ceil(limits.seconds) + _END,
            timeout_keep_alive=_KEPT,
            backlog=_BACKLOG,
        )
        super().__init__(config)
        self._service, self._begun = service, begun
        self._tasks: set[asyncio.Task[Any]] = set()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on sockets from :func:`listen`."""
        # One product a thread: on the few cores of a service they would wait for one another.
        with threadpool_limits(1, user_api="blas"):
            super().run(sockets)

    def end(self) -> None:
        """Take no more requests, answer what is open, and end; at once when called again."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C end it, SIGHUP loads all files again."""
        loop = asyncio.get_running_loop()
        actions = {"SIGTERM": self.end, "SIGINT": self.end, "SIGHUP": self._reload}
        before = {}
        for name, action in actions.items():
            number = getattr(signal, name, None)
            if number is None:  # on Windows
                continue
            try:
                loop.add_signal_handler(number, action)
            except (NotImplementedError, ValueError, RuntimeError):  # Windows; another thread
                with contextlib.suppress(ValueError):
                    before[number] = signal.signal(number, lambda *_, a=action: a())
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and look after files and connections from here on."""
        await super().startup(sockets)
        self._do(self._service.routers.watch())
        self._do(self._look())
        self._begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and answer what is open."""
        say("ending", requests_open=self._service.gate.n_open)
        await super().shutdown(sockets)
        for task in self._tasks:
            task.cancel()
        await asyncio.to_thread(self._service.close)
        say("ended", requests_open=self._service.gate.n_open)

    def _reload(self) -> None:
        self._do(asyncio.to_thread(self._service.routers.reload, changed_only=False))

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            await asyncio.to_thread(self._service.look)
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look(now)


def _has(package: str) -> bool:
    try:
        __import__(package)
    except ImportError:
        return False
    return True


def _most_connections() -> int:
    """As many as this process may open files, after asking for all that it may have."""
    if sys.platform == "win32":
        return Connection.most
    import resource  # noqa: PLC0415  not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = Connection.most + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return Connection.most
    return max(min(Connection.most, soft - _OTHER_FILES), 10)
