"""One chat-completions server: sends messages, returns the reply or says why there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from tracer_nb.teachers.chat.costs import Bill
from tracer_nb.teachers.chat.dialect import Dialect, Way
from tracer_nb.teachers.chat.failures import (
    FORM_REJECTED,
    Failures,
    RequestFailed,
    broken_off,
    connect_error,
    forget_frames,
    is_overload,
    pause,
    request_errors,
    timed_out,
)
from tracer_nb.teachers.chat.forms import Form
from tracer_nb.teachers.chat.pace import Halted, Pace, Scouts, asked_pause, asked_until, is_passing
from tracer_nb.teachers.chat.reply import Reply, read_reply
from tracer_nb.teachers.chat.wire import joined
from tracer_nb.teachers.chat.words import about_form, error_in

__all__ = ["Endpoint"]

_FIRST_RETRIES = 1
_PAUSE = 0.25
_BROKEN = 500
_BYTES_PER_TOKEN = 4


class Endpoint:
    """Sends chat messages through one client of the SDK.

    Lost connections, 429 and 5xx are retried, and Retry-After is honoured. A reply that is
    broken or does not come in time is asked for again as often as the cost bound allows,
    a form of request that the server rejects is replaced, and the first contact fails fast,
    because nobody should wait for the whole backoff to hear that no server is there. The SDK
    could retry, too, but does not say what: its client is to have no retries of its own.
    Every request waits for its turn in ``pace``.

    Parameters
    ----------
    model : str
    client : openai.AsyncOpenAI
    dialect : Dialect
        What the server takes; it outlives the endpoint, which lives for one run.
    failures : Failures
    max_retries : int
        Retries of one request.
    pace : Pace
        Of the same run.
    url : str
        Of the server: with the whole address the SDK need not put it together for every request.
    answer_tokens : int
        Estimate for one answer, for a limit on tokens a minute.

    Attributes
    ----------
    failed_in_a_row : int
        Texts without a reply since the last reply; those are left out that are themselves why.
    """

    def __init__(
        self,
        model: str,
        client: Any,
        dialect: Dialect,
        failures: Failures,
        max_retries: int,
        *,
        pace: Pace,
        url: str = "",
        answer_tokens: int = 0,
    ) -> None:
        self._model = model
        self._client = client
        self._dialect = dialect
        self._failures = failures
        self._max_retries = max_retries
        self.failed_in_a_row = 0
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._pace = pace
        self._answer_tokens = answer_tokens
        self._name, self._numbers = uuid4().hex, count()
        self._reached = False
        self._answered = False
        self._probe = asyncio.Lock()
        self._scouts = Scouts(pace, known=dialect.known)

    async def ask(
        self, compose: Callable[[Form], Sequence[Mapping[str, str]]], bill: Bill
    ) -> Reply:
        """Ask for a reply to the messages that ``compose`` makes, as long as the bill allows.

        Every request is on the ``bill`` when this returns or raises.

        Raises
        ------
        RequestFailed
            This text gets no reply.
        TeacherError
            No text would get one.
        """
        tries = _Tries()
        try:
            while tries.bare is None or self._dialect.way.form.codes:
                sent = await self._sent(compose, bill, tries)
                if sent is None:
                    continue
                way, body = sent
                reply = read_reply(body, way.form)
                if reply is not None:
                    bill.add(reply)
                    if not reply.failed:
                        self._answered = True
                        self.failed_in_a_row = 0
                        taken = self._taken(way, reply, bill, tries)
                        if taken is not None:
                            return taken
                        continue
                self._scouts.report()
                await self._note_no_answer(reply, body, bill, tries)
        except RequestFailed as e:
            if tries.bare is not None:  # it was paid, and names a label
                return tries.bare
            self.failed_in_a_row += not e.own
            raise
        else:
            return tries.bare  # codes were refused
        finally:
            if tries.probing:
                self._probe.release()

    def _taken(self, way: Way, reply: Reply, bill: Bill, tries: _Tries) -> Reply | None:
        """The reply to go by; None when another form may bring the log-probabilities asked for."""
        found = bool(reply.tokens)
        says = bool(reply.said.strip()) and not reply.refused and not reply.truncated
        if (found or says) and self._dialect.seek(way, found=found):
            if not way.form.codes:
                tries.bare = reply
            if bill.left and (tries.bare is None or not way.form.codes):
                return None
        else:
            self._dialect.accept(way)
        self._scouts.report()
        return reply if found or tries.bare is None else tries.bare

    async def _sent(
        self,
        compose: Callable[[Form], Sequence[Mapping[str, str]]],
        bill: Bill,
        tries: _Tries,
    ) -> tuple[Way, bytes] | None:
        """How one request was made, and the body of its reply; None when another try is due."""
        way, tokens = self._dialect.way, 0
        try:
            async with self._scouts.turn():
                # Not before: while this waited, others may have learned what the server takes.
                way = self._dialect.way_after(tries.skipped) or self._dialect.way
                request = {
                    "model": self._model,
                    "messages": compose(way.form),
                    "stream": False,
                    **way.fields,
                }
                tokens = self._estimate(request)
                body = await self._post(request, tokens, bill)
        except Halted:
            raise RequestFailed("the run was stopped") from None
        except request_errors() as e:
            self._book(e, bill)
            if not await self._finds_way(e, way, bill, tries):
                if tries.vague is not way:
                    self._scouts.report()
                # Raised here, where the name of the SDK's error, which may repeat the key, ends.
                failure = await self._retry(tries.first or e, bill, tries)
                if failure is not None:
                    raise failure from None
            return None
        body = joined(body)
        if self._pace.counts_tokens:
            counted = read_reply(body, way.form)
            self._pace.correct(_reported(counted, tokens) - tokens if counted else 0)
        return way, body

    def _book(self, error: Exception, bill: Bill) -> None:
        """Put a request that failed on the bill."""
        if connect_error(error) is None and timed_out(error):
            bill.add_timeout()
        elif broken_off(error) or self._failures.is_of_generation(error):
            bill.add_unread()
        else:
            bill.add_free()

    async def _retry(self, error: Any, bill: Bill, tries: _Tries) -> Exception | None:
        """Wait until the request may be sent again; when it is not to be, why."""
        waits = tries.retries < self._limit(error) and asked_until(error) is None
        if not bill.left or not waits or not is_passing(error):
            return self._failure(error, tries.retries + 1)
        await self._rest(pause(error, tries.retries))
        tries.retries += 1
        return None

    async def _note_no_answer(
        self, reply: Reply | None, body: bytes, bill: Bill, tries: _Tries
    ) -> None:
        """Wait a little after a reply that is none; raises when they were enough."""
        tries.unanswered += 1
        if reply is not None:
            reason = f"the server failed: {self._failures.line(reply.failed)}"
        else:
            bill.add_unread()
            said = self._said(body)
            reason = f"the reply was not readable, {tries.unanswered} times{said}"
        if not bill.left:
            raise RequestFailed(reason)
        await self._rest(_PAUSE * tries.unanswered)

    def _estimate(self, request: Mapping[str, Any]) -> int:
        """Tokens of a request and its answer, where they are limited."""
        if not self._pace.counts_tokens:
            return 0
        size = len(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
        return size // _BYTES_PER_TOKEN + self._answer_tokens

    async def _rest(self, seconds: float) -> None:
        try:
            await self._pace.sleep(seconds)
        except Halted:
            raise RequestFailed("the run was stopped") from None

    def _said(self, body: bytes) -> str:
        """The error that an unreadable reply tells; raised when it says that nobody answers here."""
        said = error_in(body)
        if said is None:
            return ""
        failure = self._failures.of_reply(said, answered=self._answered)
        if failure is not None:
            raise failure
        return f": {self._failures.line(said)}"

    async def _finds_way(self, error: Any, way: Way, bill: Bill, tries: _Tries) -> bool:
        """Whether the request may do in another form, or once more, and there is one."""
        status = getattr(error, "status_code", None)
        if status not in FORM_REJECTED or tries.first is not None:
            return False
        said = self._failures.said(error)
        if self._failures.is_of_text(error) or self._failures.is_of_key(error):
            return False
        if self._failures.is_of_generation(error):
            return self._regenerates(said, bill, tries)
        complaint = f"{said} {getattr(error, 'param', None) or ''}"
        if not self._dialect.settled and self._dialect.names(way, complaint):
            return self._dialect.adapt(way, complaint)
        speaks = about_form(said)
        if self._dialect.settled:
            return not self._failures.is_plain(error) and self._slips(
                error, way, tries, speaks=speaks
            )
        return not self._failures.is_plain(error) and await self._guesses(
            error, way, tries, speaks=speaks
        )

    def _regenerates(self, said: str, bill: Bill, tries: _Tries) -> bool:
        """Ask once more for what a server made and threw away, then in a form it cannot check.

        Not in the next one if that is checked, too: each refusal may have been paid for.
        """
        tries.thrown_away += 1
        if not bill.left:
            raise RequestFailed(f"the server refused what the model wrote: {said}", own=True)
        if tries.thrown_away > 1:
            tries.skipped = max(tries.skipped, self._dialect.until_unchecked())
        return True

    def _slips(self, error: Any, way: Way, tries: _Tries, *, speaks: bool) -> bool:
        """Try this text once in the next form, although this form has worked before."""
        if tries.skipped or (error.status_code >= _BROKEN and not speaks):
            return False
        if self._dialect.way_after(1) is None:
            return False
        tries.skipped = 1
        self._dialect.slip(way)
        if self._dialect.way is not way:
            tries.skipped = 0
        return True

    async def _guesses(self, error: Any, way: Way, tries: _Tries, *, speaks: bool) -> bool:
        """Go on to the next form: one text at a time, while the others wait for what it finds.

        A plain 500 may pass, so it has to come twice.
        """
        is_vague = error.status_code == _BROKEN and not speaks and self._max_retries > 0
        if is_vague and not tries.probing and tries.vague is not way:
            tries.vague = way
            return False
        if not tries.probing:
            await self._probe.acquire()
            tries.probing = True
            tries.told = error
        if self._dialect.guess(way):
            return True
        # It was not the form, so what was said at first is what is wrong.
        tries.first = tries.told
        return False

    def _limit(self, error: Exception) -> int:
        """Retries after ``error``."""
        if not self._reached and connect_error(error) is not None:
            return min(_FIRST_RETRIES, self._max_retries)
        return self._max_retries

    def _failure(self, error: Any, tries: int) -> Exception:
        connection = not hasattr(error, "status_code")
        of = self._failures.of_connection if connection else self._failures.of_status
        return of(error, answered=self._answered, tries=tries)

    async def _post(self, body: Mapping[str, Any], tokens: int, bill: Bill) -> bytes:
        import httpx2  # noqa: PLC0415 -- the SDK's own
        import openai  # noqa: PLC0415

        async with self._pace.turn(tokens, bill.admit) as turn:
            try:
                # The SDK's typed method builds models we do not need, at twice the CPU time.
                # Its time-out is for each part of a reply: one that drips in never meets it.
                response = await self._failures.patience.wait(
                    self._client.post(
                        self._url, body=body, cast_to=httpx2.Response, options=self._named()
                    )
                )
            except Exception as e:
                self._reached |= isinstance(e, openai.APIStatusError)
                turn.failed(overloaded=is_overload(e), wait=asked_pause(e))
                forget_frames(e)  # they hold the key
                raise e  # noqa: TRY201 -- without a name Python 3.10 puts the frames back
        self._reached = True
        # A model may repeat the key, where a gateway puts headers into prompts.
        return self._failures.without_key(bytes(response.content))

    def _named(self) -> Any:
        """A key of its own for one request: the SDK asks the system for chance to make one."""
        return {"idempotency_key": f"{self._name}-{next(self._numbers)}"}

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()


@dataclass(slots=True)
class _Tries:
    """What has become of the requests about one text so far."""

    retries: int = 0
    unanswered: int = 0
    thrown_away: int = 0  # what the model made and the server refused
    skipped: int = 0  # forms that this text alone does without
    bare: Reply | None = field(default=None, repr=False)  # by schema, without log-probabilities
    probing: bool = False  # it tries forms for all
    told: Any = field(default=None, repr=False)  # what was said before it did
    first: Any = field(default=None, repr=False)  # the same, once no form has helped
    vague: Way | None = None  # in which a failure was met that says nothing


def _reported(reply: Reply, estimate: int) -> int:
    """Tokens of a request as the server counted them, else as estimated."""
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return estimate
    return reply.prompt_tokens + reply.completion_tokens
