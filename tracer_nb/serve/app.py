"""The paths of the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.routing import Route, Router

from tracer_nb.errors import StoreError
from tracer_nb.records import Prediction
from tracer_nb.serve.desk import Desk
from tracer_nb.serve.gate import App, Gate, Intake, Receive, Scope, Send, respond
from tracer_nb.serve.limits import Limits, Refused
from tracer_nb.serve.logbook import say
from tracer_nb.serve.metrics import Metrics
from tracer_nb.serve.openapi import DOCUMENT, page
from tracer_nb.serve.routers import Routers
from tracer_nb.serve.served import Said, Served, answered
from tracer_nb.serve.teaching import Teachings
from tracer_nb.serve.wire import encode, read_batch, read_row

__all__ = ["Service"]

# Share of a request's time that it waits for the teacher at the most: then it is told so.
_PATIENCE = 0.8


class Service:
    """An ASGI application: a gate, the paths behind it, and what they share.

    Parameters
    ----------
    routers : Routers
    limits : Limits
    token : str, optional
    teachings : Teachings, optional
        Whoever the routers ask; ended with the service.
    """

    def __init__(
        self,
        routers: Routers,
        limits: Limits,
        token: str | None = None,
        teachings: Teachings | None = None,
    ) -> None:
        self.routers, self.limits, self.metrics = routers, limits, Metrics()
        self._teachings = teachings
        self._intake, self._desk = Intake(limits), Desk()
        paths: dict[str, App] = {
            "/predict": _only("POST", self._predict),
            "/predict_batch": _only("POST", self._predict_batch),
            "/health": _only("GET", self._health),
            "/certificate": _only("GET", self._certificate),
            "/metrics": _only("GET", self._metrics),
            "/openapi.json": _only("GET", _openapi),
            "/docs": _only("GET", _docs),
        }
        routes = [Route(path, _Endpoint(app)) for path, app in paths.items()]
        router = Router(routes, redirect_slashes=False, default=_unknown)
        self.gate = Gate(router, token=token, limits=limits, metrics=self.metrics)
        gauges: dict[str, tuple[Callable[[], float], str]] = {
            "requests_open": (lambda: self.gate.n_open, "Requests that are not answered yet."),
            "body_bytes_held": (lambda: self._intake.held, "Bytes of bodies that are held."),
            "reloads_failing": (lambda: routers.failures, "Routers whose newer file is broken."),
            "alarms": (lambda: sum(r.force[1] for r in routers), "Routers that an alarm defers."),
        }
        if teachings is not None:
            gauges |= teachings.gauges()
        for name, (read, about) in gauges.items():
            self.metrics.gauge(name, about).set_function(read)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.gate(scope, receive, send)

    def look(self) -> None:
        """Heed what audits tell; called every second, in a thread."""
        try:
            for served in self.routers:
                served.look()
        except StoreError as error:
            say("store_failed", error=str(error))

    def close(self) -> None:
        """End what works beside the loop, when what is paid is stored."""
        self._desk.close()
        if self._teachings is not None:
            self._teachings.close()

    def _served(self, scope: Scope) -> Served:
        query = scope["query_string"]
        return self.routers.named(_router_of(query) if query else None)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._served(scope)
        body = await self._intake.read(scope, receive)
        try:
            rows = read_row(body, served.width, self.limits, served.named)
            said = [await self._desk.row(served, rows)]
            results = await self._settled(served, said)
        finally:
            self._intake.release(len(body))
        await respond(send, encode({"results": results}))

    async def _predict_batch(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._served(scope)
        body = await self._intake.read(scope, receive)
        try:
            rows = read_batch(body, served.width, self.limits, served.named)
            said = await self._desk.batch(served, rows)
            results = await self._settled(served, said)
        finally:
            self._intake.release(len(body))
        await respond(send, encode({"results": results}))

    async def _settled(self, served: Served, said: Sequence[Said]) -> list[Prediction]:
        """Predictions, after the teacher was asked about those that are its own."""
        results = [one.prediction for one in said]
        teaching = served.teaching
        if teaching is not None:
            waiting = {i: one.ask for i, one in enumerate(said) if one.ask is not None}
            if waiting:
                answers = await teaching.ask(waiting.values(), _PATIENCE * self.limits.seconds)
                for i, text in waiting.items():
                    results[i] = answered(results[i], text, answers[text], served.saved.reject)
        self.metrics.rows(served.name, results)
        return results

    async def _health(self, scope: Scope, _receive: Receive, send: Send) -> None:
        content: dict[str, Any] = {"status": "ok"}
        if scope.get("trusted", True):
            content["routers"] = self.routers.health()
            if self._teachings is not None:
                content["teacher"] = self._teachings.health()
        await respond(send, encode(content))

    async def _certificate(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, encode(self._served(scope).certificate()))

    async def _metrics(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        kind = b"text/plain; version=0.0.4; charset=utf-8"
        await respond(send, self.metrics.page(), kind=kind)


class _Endpoint:
    """An application for a route, which takes functions for something else."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _only(method: str, app: App) -> App:
    allowed = (method, "HEAD") if method == "GET" else (method,)

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in allowed:
            path, asked = scope["path"], scope["method"][:20]
            raise Refused(405, f"{path} takes {method}, not {asked}", {"Allow": ", ".join(allowed)})
        await app(scope, receive, send)

    return checked


def _router_of(query: bytes) -> str | None:
    """The router that a query names."""
    try:
        fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=8)
    except ValueError:
        fields = [("", "")]
    if len(fields) > 1 or any(name != "router" for name, _ in fields):
        raise Refused(400, "the query may name one router and nothing else, as ?router=NAME")
    return fields[0][1] if fields else None


async def _openapi(_scope: Scope, _receive: Receive, send: Send) -> None:
    await respond(send, encode(DOCUMENT))


async def _docs(_scope: Scope, _receive: Receive, send: Send) -> None:
    shut = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    await respond(send, page().encode(), headers=shut, kind=b"text/html; charset=utf-8")


async def _unknown(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise Refused(404, f"there is no {scope['path'][:80]!r}; /docs says what there is")
