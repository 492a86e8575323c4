"""Files and batches of the stand-in, in memory: how a batch goes from requests to answers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tracer_nb.errors import InvalidInput
from tracer_nb.standin.faults import check_share, uniform
from tracer_nb.standin.wire import error

__all__ = ["BatchDesk", "BatchRules", "Batches", "is_under_way"]


_ENDINGS = ("completed", "expired", "failed")
_MAX_REQUESTS = 50_000
_EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
# Status and body of the answer to one request; None for a line that is broken.
_Answer = Callable[[Mapping[str, Any]], "tuple[int, Any] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules:
    """How the stand-in's batches go.

    What happens to single requests is decided by :class:`Faults`, as for those that come
    one by one: a rate limit or a server error becomes a line with that status, a malformed
    body a broken line; what has to do with a connection does not occur.

    Attributes
    ----------
    polls : int
        How often the state must be asked for until the batch is done.
    ending : str
        "completed", "expired" or "failed" (which is how a failed validation ends).
    answered : float
        Share of the requests that are answered when a batch expires or is cancelled.
    has_output : bool
        False: the answers are nowhere to be found.
    one_file : bool
        Failed requests stand among the answers, not in a file of errors.
    shuffled : bool
        Lines of the output are in another order than the requests.
    lost_replies : int
        So many batches are made whose maker never hears of it: the connection drops.
    keeps_metadata : bool
        False, as at some servers: a batch is shown without its metadata.
    has_list : bool
        False: the server does not list its batches.
    available : bool
        False: there are no such endpoints.

    Raises
    ------
    InvalidInput
        Another ending, a negative number, or a share outside [0, 1].
    """

    polls: int = 1
    ending: str = "completed"
    answered: float = 0.5
    has_output: bool = True
    one_file: bool = False
    shuffled: bool = False
    lost_replies: int = 0
    keeps_metadata: bool = True
    has_list: bool = True
    available: bool = True

    def __post_init__(self) -> None:
        if self.ending not in _ENDINGS:
            raise InvalidInput.unknown_name("ending of a batch", self.ending, _ENDINGS)
        for name in ("polls", "lost_replies"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name} must be 0 or more, got {getattr(self, name)!r}")
        check_share("answered", self.answered)


@dataclass(slots=True)
class _Batch:
    shown: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)
    polls: int = 0


class Batches:
    """Files and batches; a batch is answered when it is done.

    Parameters
    ----------
    rules : BatchRules
    answer : callable
        From the body of a request to status and body of its answer, None for a broken line.
    seed : int
        Decides the order of shuffled lines.

    Attributes
    ----------
    files : dict of str to bytes
        Contents by the name of the file.
    """

    def __init__(self, rules: BatchRules, answer: _Answer, seed: int) -> None:
        self.rules = rules
        self.files: dict[str, bytes] = {}
        self._answer = answer
        self._seed = seed
        self._batches: dict[str, _Batch] = {}

    @property
    def made(self) -> list[dict[str, Any]]:
        """Batches that were made, the first one first, as they are shown."""
        return [batch.shown for batch in list(self._batches.values())]

    def shown(self, name: str) -> dict[str, Any] | None:
        """A batch as it is shown, None when there is none of that name."""
        batch = self._batches.get(name)
        return None if batch is None else batch.shown

    def keep(self, content: bytes) -> str:
        """Keep a file; its name."""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name

    def make(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a batch of the requests in a file that is there."""
        batch = _Batch(_new(f"batch-{len(self._batches) + 1}", body))
        if not self.rules.keeps_metadata:
            batch.shown["metadata"] = None
        self._batches[batch.shown["id"]] = batch
        self._validate(batch, self.files[body["input_file_id"]])
        return batch.shown

    def poll(self, name: str) -> dict[str, Any]:
        """A batch as it is shown when it has been asked for once more."""
        batch = self._batches[name]
        if is_under_way(batch.shown):
            batch.polls += 1
            self._go_on(batch)
        return batch.shown

    def _validate(self, batch: _Batch, content: bytes) -> None:
        """Read the requests, or find what is wrong with them."""
        seen: set[str] = set()
        for number, line in enumerate(content.splitlines(), 1):
            try:
                request = json.loads(line)
                name = str(request["custom_id"])
                right = isinstance(request["body"], dict) and request["method"] == "POST"
                right = right and request["url"] == batch.shown["endpoint"] and name not in seen
            except (ValueError, KeyError, TypeError):
                right, name, request = False, "", {}
            if not right:
                _fail(batch, "invalid_request", "this line is no request, or one twice", number)
                return
            seen.add(name)
            batch.lines.append(request)
        batch.shown["request_counts"]["total"] = len(batch.lines)
        if not 1 <= len(batch.lines) <= _MAX_REQUESTS:
            _fail(batch, "invalid_size", f"a batch of {len(batch.lines):,} requests")

    def _go_on(self, batch: _Batch) -> None:
        if batch.shown["status"] == "cancelling":
            self._end(batch, "cancelled", self.rules.answered)
        elif batch.polls < self.rules.polls:
            batch.shown["status"] = "in_progress"
        elif self.rules.ending == "failed":
            _fail(batch, "token_limit_exceeded", "Enqueued token limit reached, on purpose")
        else:
            share = 1.0 if self.rules.ending == "completed" else self.rules.answered
            self._end(batch, self.rules.ending, share)

    def _end(self, batch: _Batch, status: str, share: float) -> None:
        """Answer a share of the requests, and put the answers and the errors into files."""
        good: list[str] = []
        bad: list[str] = []
        counts = batch.shown["request_counts"]
        n_answered = round(share * len(batch.lines))
        for i, request in enumerate(batch.lines):
            if i >= n_answered:
                bad.append(_line(request, None, _EXPIRED))
                continue
            answer = self._answer(request["body"])
            if answer is None:
                line = _line(request, (200, {"choices": []}), None)
                good.append(line[: len(line) // 2])
                counts["completed"] += 1
                continue
            into = good if answer[0] == 200 or self.rules.one_file else bad
            into.append(_line(request, answer, None))
            counts["completed" if answer[0] == 200 else "failed"] += 1
            _add_usage(batch.shown["usage"], answer[1])
        if self.rules.shuffled:
            good.sort(key=lambda line: uniform(self._seed, "order", line))
        names = [self.keep("\n".join(lines).encode()) if lines else None for lines in (good, bad)]
        batch.shown["output_file_id"], batch.shown["error_file_id"] = names
        if not self.rules.has_output and names[0] is not None:
            del self.files[names[0]]
        batch.shown["status"] = status


def _new(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": name,
        "object": "batch",
        "endpoint": body.get("endpoint"),
        "input_file_id": body["input_file_id"],
        "completion_window": body.get("completion_window"),
        "status": "validating",
        "created_at": int(time.time()),
        "metadata": body.get("metadata"),
        "errors": None,
        "output_file_id": None,
        "error_file_id": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    }


def _line(
    request: Mapping[str, Any],
    answer: tuple[int, Any] | None,
    problem: Mapping[str, Any] | None,
) -> str:
    """One line of an output."""
    name = request["custom_id"]
    response = None
    if answer is not None:
        response = {"status_code": answer[0], "request_id": f"req-{name}", "body": answer[1]}
    line = {"id": f"batch_req_{name}", "custom_id": name, "response": response, "error": problem}
    return json.dumps(line)


def _fail(batch: _Batch, code: str, message: str, line: int | None = None) -> None:
    wrong = {"code": code, "message": message, "param": None, "line": line}
    batch.shown["errors"] = {"object": "list", "data": [wrong]}
    batch.shown["status"] = "failed"


def is_under_way(shown: Mapping[str, Any]) -> bool:
    """Whether a batch may still change."""
    return shown["status"] in ("validating", "in_progress", "cancelling")


def _add_usage(total: dict[str, Any], body: object) -> None:
    """Add what a reply says that it took, where it says so in numbers."""
    usage = body.get("usage") if isinstance(body, dict) else None
    for here, there in (("input", "prompt"), ("output", "completion"), ("total", "total")):
        count = usage.get(f"{there}_tokens") if isinstance(usage, dict) else None
        if isinstance(count, int) and 0 <= count < 2**31:
            total[f"{here}_tokens"] += count


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
