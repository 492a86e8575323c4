"""Stands between the SDK and the network: replies of bounded size, redirects to nowhere else.

Imported when a client is opened, because the SDK's HTTP library comes with it.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2  # the SDK's own

from tracer_nb.teachers.chat.failures import ReplyLost
from tracer_nb.teachers.chat.wire import MOST_BYTES

__all__ = ["ACCEPTED", "Guard"]

ACCEPTED = "gzip, deflate"
"""Compressions that can be unpacked piece by piece within a bound."""

# Files of a batch hold a reply in every line.
_MOST_OF_A_FILE = 512 * 2**20
_ZIPPED = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_SAME_METHOD = frozenset({307, 308})
_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_HOPS = 5
_PORTS = {"http": 80, "https": 443}


class Guard(httpx2.AsyncBaseTransport):
    """Passes requests on to the ``inner`` transport, and looks at what comes back.

    A reply is read piece by piece and given up when it grows too large, also when it is small
    only as long as it is compressed. A redirect is followed within the same server, with the
    same method and body; any other one is left to the caller, who does not follow it.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the reply's body comes unpacked.

        Raises
        ------
        ReplyLost
            The body is too large, or cannot be unpacked; also while it is read.
        """
        response = await self._inner.handle_async_request(request)
        for _ in range(_MOST_HOPS):
            moved = _moved(request, response)
            if moved is None:
                break
            await response.aclose()
            request = moved
            response = await self._inner.handle_async_request(request)
        most = _MOST_OF_A_FILE if request.url.path.endswith("/content") else MOST_BYTES
        try:
            stream = _Bounded(response, most)
        except BaseException:
            await response.aclose()
            raise
        response.stream = stream
        return response

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def _moved(request: httpx2.Request, response: httpx2.Response) -> httpx2.Request | None:
    """The same request at the address that the same server gives for it; None for none."""
    status, method = response.status_code, request.method
    if status not in (_MOVED if method == "GET" else _SAME_METHOD):
        return None
    old = str(request.url)
    try:
        new = urljoin(old, response.headers.get("location", ""))
        is_other = new == old or _origin(new) != _origin(old)
        content = request.content
    except (ValueError, httpx2.RequestNotRead):  # no address; a body that is sent but once
        return None
    if is_other:
        return None
    return httpx2.Request(
        method, new, headers=request.headers, content=content, extensions=request.extensions
    )


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


class _Bounded(httpx2.AsyncByteStream):
    """The body of ``response``, unpacked, of ``most`` bytes."""

    def __init__(self, response: httpx2.Response, most: int) -> None:
        self._stream: Any = response.stream
        self._left = self._most = most
        # Together: every look-up by name goes through all of them.
        headers = {name.lower(): value for name, value in response.headers.raw}
        said = headers.get(b"content-length", b"")
        if said.isdigit() and (len(said) > 18 or int(said) > most):
            raise self._too_large()
        self._unpack: Any = None
        if b"content-encoding" in headers:
            packed = response.headers.pop("content-encoding").strip().lower()
            self._begin(packed)

    def _begin(self, packed: str) -> None:
        if packed not in ("identity", ""):
            if packed not in _ZIPPED:
                raise ReplyLost("the reply is compressed in a way that was not asked for")
            self._packed_by = packed
            self._unpack = zlib.decompressobj(_ZIPPED[packed])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._unpack is None:
            async for piece in self._stream:
                self._take(piece)
                yield piece
            return
        begun = False
        async for piece in self._stream:
            plain = self._unpacked(piece, begun=begun)
            begun |= bool(piece)
            self._take(plain)
            yield plain
        if begun and not self._unpack.eof:
            raise ReplyLost("the reply's compressed body is cut short")

    def _unpacked(self, piece: bytes, *, begun: bool) -> bytes:
        if self._unpack.eof:
            return b""
        if not begun and self._packed_by == "deflate" and piece[:1] and piece[0] & 15 != 8:
            self._unpack = zlib.decompressobj(-15)  # without a header, as some send it
        try:
            # One byte more than there may be tells that there is more.
            plain: bytes = self._unpack.decompress(piece, self._left + 1)
        except zlib.error as e:
            raise ReplyLost(f"the reply's compressed body is corrupt ({e})") from None
        return plain

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise self._too_large()

    def _too_large(self) -> ReplyLost:
        size = f"{self._most // 2**20} MB"
        return ReplyLost(f"the reply is larger than {size}, and was given up", for_good=True)

    async def aclose(self) -> None:
        await self._stream.aclose()
