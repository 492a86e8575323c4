"""Connections of hostile or broken clients: none holds memory or a place for long."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tracer_nb.serve.wire import encode

__all__ = ["Connection"]

# A connection without a request, whether it says nothing or the beginning of one.
_IDLE = 20.0
# After the time that a request has, for the client to take its response.
_GRACE = 15.0
# Bytes that may come without one of a body among them: the head of a request, or garbage.
_HEAD = 65_536


class Connection(HttpToolsProtocol):
    """One client's connection.

    Attributes
    ----------
    most : int
        Connections at one time; more are told so and closed.
    seconds : float
        That a request has.
    """

    most = 10_000
    seconds = 30.0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._since = time.monotonic()
        self._has_request = self._has_head = False
        self._n_unseen = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._refuse(503, f"{self.most:,} connections are open already; try again in a second")

    def data_received(self, data: bytes) -> None:
        """Read, as long as what is read is of some use."""
        if self.transport.is_closing():
            return
        self._n_unseen += len(data)
        super().data_received(data)
        if self._n_unseen > _HEAD and not self.transport.is_closing():
            self._refuse(431, f"the request's head is above the limit of {_HEAD:,} bytes")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._has_head = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those after a body are of no use here."""
        if not self._has_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request is there."""
        self._has_head, self._n_unseen = True, 0
        if not self._has_request:
            self._has_request, self._since = True, time.monotonic()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._n_unseen = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        self._n_unseen = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The response is written; the next request may come, or has."""
        self._has_request, self._since = bool(self.pipeline), time.monotonic()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with what is no HTTP."""
        self._refuse(400, msg.strip())

    def look(self, now: float) -> None:
        """Close the connection if its time is over; called every second."""
        patience = self.seconds + _GRACE if self._has_request else _IDLE
        if now - self._since > patience:
            self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, but not before its last response is taken."""
        if self.transport.get_write_buffer_size() == 0:
            super().timeout_keep_alive_handler()

    def _refuse(self, status: int, why: str) -> None:
        cycle = self.cycle
        if self._has_request:
            if self.pipeline or cycle.response_started or not cycle.more_body:
                self.transport.abort()  # it would be taken for another request's response
                return
            cycle.disconnected = True  # whoever waits for its body need not say anything
            cycle.message_event.set()
        body = encode({"error": why})
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        self.transport.close()
