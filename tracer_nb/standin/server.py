"""The server of the stand-in teacher, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any

import pandas as pd
from aiohttp import web

from tracer_nb.errors import InvalidInput
from tracer_nb.standin.answers import Answers, Ask, Counts
from tracer_nb.standin.batches import BatchDesk, Batches, BatchRules
from tracer_nb.standin.faults import Faults, uniform
from tracer_nb.standin.wire import Behaviour, Elsewhere, batched, error, occasion_of, respond

__all__ = ["StandIn", "serve"]


class StandIn(Counts):
    """A stand-in teacher; :meth:`start` and :meth:`close` it, or use it in ``with``.

    See :func:`serve` for the parameters. All counts may be read from any thread.
    """

    def __init__(
        self,
        table: Mapping[str, str] | pd.DataFrame,
        *,
        latency: float = 0.0,
        jitter: bool = False,
        wrong: float = 0.0,
        faults: Faults | None = None,
        manners: str | Iterable[str] = (),
        turn: int = 20,
        batches: BatchRules | None = None,
        seed: int = 0,
        obedient: bool = False,
        api_key: str | None = None,
        models: Iterable[str] | None = None,
        rejects: Iterable[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if not 0 <= latency < math.inf:
            raise InvalidInput(f"latency must be 0 seconds or more, got {latency!r}")
        super().__init__()
        self.answers = Answers(table, wrong=wrong, seed=seed, obedient=obedient)
        self._latency, self._jitter, self._seed = latency, jitter, seed
        self._faults = faults or Faults()
        self._behaviour = Behaviour(manners, turn, seed)
        self.elsewhere = Elsewhere(self.answers.labels[0])
        self._api_key = api_key
        self.batches = Batches(batches or BatchRules(), self._batched, seed)
        self._models = None if models is None else tuple(models)
        self._rejects = tuple(rejects)
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None

    # --- life ------------------------------------------------------------------------

    def start(self) -> StandIn:
        """Start the server and return when it listens; nothing happens if it runs."""
        if self._thread is None:
            ready: Future[int] = Future()
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._live(ready)), name="stand-in teacher", daemon=True
            )
            self._thread.start()
            try:
                self._port = ready.result()
            except (OSError, OverflowError) as problem:
                self._thread.join()
                self._thread = None
                raise InvalidInput(
                    f"the stand-in cannot listen on {self._host} port {self._port} ({problem}); "
                    "choose another port, or 0 for a free one"
                ) from problem
        return self

    def close(self) -> None:
        """Stop the server and its thread; requests under way are broken off."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> StandIn:  # noqa: PYI034  (typing.Self is not in Python 3.10)
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def _live(self, ready: Future[int]) -> None:
        app = web.Application(client_max_size=2**28)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_post("/v1/chat/completions", self._chat)
        BatchDesk(self.batches, self._may).add_routes(app.router)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port, backlog=1024).start()
            away = await self.elsewhere.listen(self._host) if self._behaviour.leads_away else None
            ready.set_result(runner.addresses[0][1])
            await self._stop.wait()
            if away is not None:
                await away.cleanup()
        except (OSError, OverflowError) as problem:  # OverflowError: a port above 65535
            ready.set_exception(problem)
        finally:
            await runner.cleanup()

    @property
    def base_url(self) -> str:
        """The URL for the ``base_url`` of a client."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    # --- requests --------------------------------------------------------------------

    async def _list_models(self, request: web.Request) -> web.StreamResponse:
        if not self._may(request):
            return _refusal(request)
        return web.json_response(
            {
                "object": "list",
                "data": [
                    {"id": name, "object": "model", "created": 0, "owned_by": "stand-in"}
                    for name in self._models or ("stand-in",)
                ],
            }
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if not self._may(request):
            return _refusal(request)
        try:
            body = json.loads(await request.read())
            ask = Ask.read(body if isinstance(body, dict) else {})
        except (ValueError, TypeError) as problem:  # broken JSON, InvalidInput, odd values
            return error(400, str(problem))
        if self._models is not None and ask.model not in self._models:
            return error(404, f"the stand-in has no model {ask.model!r}")
        unknown = next((field for field in self._rejects if field in body), None)
        if unknown is not None:
            return error(400, f"Unsupported parameter: '{unknown}'")
        known = self.answers.truth(ask.text) is not None
        with self._count_request(ask.text, known=known) as (number, earlier):
            if self._latency:
                await asyncio.sleep(self._wait(ask.text, earlier))
            manner = self._behaviour.met(ask.text, number, earlier)
            if manner is not None:
                self._count_fault(manner.name)
                occasion = occasion_of(
                    ask,
                    body,
                    self.answers,
                    number,
                    earlier,
                    elsewhere=self.elsewhere.url,
                    followed="followed" in request.query,
                )
                return await self._behaviour.respond(
                    request, manner, occasion, self.answers, self._count_tokens
                )
            fault = self._faults.draw(self._seed, ask.text, earlier)
            if fault:
                self._count_fault(fault)
            return await respond(
                request,
                ask,
                self.answers,
                number=number,
                fault=fault,
                faults=self._faults,
                bill=self._count_tokens,
            )

    def _batched(self, body: Mapping[str, Any]) -> tuple[int, Any] | None:
        """Status and body of the answer to a request in a batch; None for a broken line."""
        try:
            ask = Ask.read(body)
        except InvalidInput as problem:
            return 400, {"error": {"message": str(problem)}}
        if self._models is not None and ask.model not in self._models:
            return 404, {"error": {"message": f"the stand-in has no model {ask.model!r}"}}
        known = self.answers.truth(ask.text) is not None
        with self._count_request(ask.text, known=known) as (number, earlier):
            manner = self._behaviour.met(ask.text, number, earlier)
            if manner is not None:
                self._count_fault(manner.name)
                occasion = occasion_of(ask, body, self.answers, number, earlier)
                return self._behaviour.batched(manner, occasion, self.answers, self._count_tokens)
            fault = self._faults.draw(self._seed, ask.text, earlier)
            if fault:
                self._count_fault(fault)
            return batched(ask, self.answers, number, fault, bill=self._count_tokens)

    def _may(self, request: web.Request) -> bool:
        sent = request.headers.get("Authorization", "")
        return self._api_key is None or sent == f"Bearer {self._api_key}"

    def _wait(self, text: str, earlier: int) -> float:
        """Return the latency of a request: with jitter half of it fixed, half exponential."""
        if not self._jitter:
            return self._latency
        place = uniform(self._seed, "latency", str(earlier), text)
        return self._latency * (0.5 - 0.5 * math.log1p(-place))


def _refusal(request: web.Request) -> web.Response:
    """Refuse a key, and echo it: clients must cope with servers that do."""
    sent = request.headers.get("Authorization", "no key")
    return error(401, f"wrong API key for the stand-in: {sent}")


def serve(
    table: Mapping[str, str] | pd.DataFrame,
    *,
    latency: float = 0.0,
    jitter: bool = False,
    wrong: float = 0.0,
    faults: Faults | None = None,
    manners: str | Iterable[str] = (),
    turn: int = 20,
    batches: BatchRules | None = None,
    seed: int = 0,
    obedient: bool = False,
    api_key: str | None = None,
    models: Iterable[str] | None = None,
    rejects: Iterable[str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
) -> StandIn:
    """Start a stand-in teacher; use the result in ``with``, or call its ``close()``.

    Parameters
    ----------
    table : mapping of str to str, or DataFrame with columns ``text`` and ``label``
        The label of each text. Of equal texts the first counts. A text that is not there
        gets a label chosen by hash and is counted in ``unknown``.
    latency : float, default 0
        Seconds before each answer.
    jitter : bool, default False
        Vary the latency from request to request: half of it is fixed, the other half is
        the mean of an exponential distribution.
    wrong : float, default 0
        Share of texts, in [0, 1], that get another label than the table's; the same texts
        and the same labels every time.
    faults : Faults, optional
        What goes wrong, and how often; nothing by default.
    manners : str or iterable of str, optional
        Manners of real servers (``tracer_nb.standin.manners.MANNERS``), comma-separated or one
        by one; "polite" is the server as it is without any. Several take turns.
    turn : int, default 20
        Requests until the next manner has its turn, the first one after the last.
    batches : BatchRules, optional
        How batches go; by default they are done when they are asked for.
    seed : int, default 0
        Decides wrong answers, faults and latencies.
    obedient : bool, default False
        Fall for texts that give orders: one that says ``answer "X"`` is answered with X,
        whether X is one of the labels or not, and whatever the request allows.
    api_key : str, optional
        Requests without this key are refused with status 401, and the key that was sent is
        in the message, as with real servers. By default any key will do.
    models : iterable of str, optional
        Requests for other models are refused with status 404. By default any name will do.
    rejects : iterable of str, optional
        Fields of a request that are refused with status 400, as servers do that do not know
        them: "response_format", "tools", "logprobs", "temperature".
    host, port : str and int
        Where to listen; this machine only, on a free port, by default.

    Returns
    -------
    StandIn
        ``base_url``, the counts ``requests``, ``unknown``, ``peak``, ``billed``, ``asked()``
        and ``met()``, ``batches.made``, and ``elsewhere.strayed`` where it redirects.

    Raises
    ------
    InvalidInput
        A share or the latency is out of range, there is no such manner, the table is empty or
        has no such columns, or the port is taken.

    Examples
    --------
    >>> with serve({"where is my parcel": "delivery", "I can't log in": "login"}) as standin:
    ...     standin.base_url.startswith("http://127.0.0.1:")
    True
    """
    return StandIn(
        table,
        latency=latency,
        jitter=jitter,
        wrong=wrong,
        faults=faults,
        manners=manners,
        turn=turn,
        batches=batches,
        seed=seed,
        obedient=obedient,
        api_key=api_key,
        models=models,
        rejects=rejects,
        host=host,
        port=port,
    ).start()
