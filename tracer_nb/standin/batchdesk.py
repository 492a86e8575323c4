"""The files and batches endpoints of the stand-in."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tracer_nb.standin.batches import Batches, is_under_way
from tracer_nb.standin.wire import error

__all__ = ["BatchDesk"]

_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_NAME = re.compile(rb'[; ]name="([^"]*)"')


class BatchDesk:
    """Serves files and batches over HTTP.

    Parameters
    ----------
    batches : Batches
    may : callable
        Whether a request has the right key.
    """

    def __init__(self, batches: Batches, may: Callable[[web.Request], bool]) -> None:
        self._batches = batches
        self._may = may
        self._lost = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the endpoints, if there are to be any."""
        if not self._batches.rules.available:
            return
        for method, path, handler in (
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files/{id}/content", self._content),
            ("POST", "/v1/batches", self._create),
            ("GET", "/v1/batches", self._list),
            ("GET", "/v1/batches/{id}", self._retrieve),
            ("POST", "/v1/batches/{id}/cancel", self._cancel),
        ):
            router.add_route(method, path, self._guarded(handler))

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._may(request):
                return error(401, "wrong API key for the stand-in")
            response: web.StreamResponse = await handler(request)
            return response

        return guarded

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        parts = _parts(request.headers.get("Content-Type", ""), await request.read())
        content, purpose = parts.get("file", b""), parts.get("purpose", b"").decode()
        if purpose != "batch":
            return error(400, f"purpose must be 'batch', got {purpose!r}")
        return web.json_response(
            {
                "id": self._batches.keep(content),
                "object": "file",
                "bytes": len(content),
                "created_at": int(time.time()),
                "filename": "batch.jsonl",
                "purpose": purpose,
                "status": "processed",
            }
        )

    async def _content(self, request: web.Request) -> web.StreamResponse:
        content = self._batches.files.get(request.match_info["id"])
        if content is None:
            return error(404, f"No such File object: {request.match_info['id']}")
        return web.Response(body=content, content_type="application/octet-stream")

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body.get("input_file_id") not in self._batches.files:
            return error(400, f"no file {body.get('input_file_id')!r}")
        shown = self._batches.make(body)
        if self._lost < self._batches.rules.lost_replies:
            self._lost += 1
            if request.transport is not None:
                request.transport.abort()
        return web.json_response(shown)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._batches.rules.has_list:
            return error(404, "the stand-in does not list its batches, on purpose")
        shown = self._batches.made[::-1]
        after, limit = request.query.get("after"), int(request.query.get("limit", "20"))
        start = next((i + 1 for i, b in enumerate(shown) if b["id"] == after), 0)
        page = shown[start : start + limit]
        more = len(shown) > start + limit
        return web.json_response({"object": "list", "data": page, "has_more": more})

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        if self._batches.shown(name) is None:
            return error(404, f"No batch found with id {name!r}.")
        # In another thread, as the answers to a large batch take their time.
        return web.json_response(await asyncio.to_thread(self._batches.poll, name))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        shown = self._batches.shown(request.match_info["id"])
        if shown is None:
            return error(404, f"No batch found with id {request.match_info['id']!r}.")
        if not is_under_way(shown):
            return error(400, f"a batch that is {shown['status']} cannot be cancelled")
        shown["status"] = "cancelling"
        return web.json_response(shown)


def _parts(kind: str, body: bytes) -> dict[str, bytes]:
    """Fields of a form by name; much quicker than reading a large one piece by piece."""
    found = _BOUNDARY.search(kind)
    fields: dict[str, bytes] = {}
    for part in body.split(b"--" + found[1].encode()) if found else ():
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name:
            fields[name[1].decode()] = content.removesuffix(b"\r\n")
    return fields
