"""A language model behind a chat-completions server as the teacher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelset import clean_labels
from tracer_nb.labelsets import said_of
from tracer_nb.records import Answer
from tracer_nb.teachers.base import NotAsked, check_at_least, check_rates, check_texts, check_whole
from tracer_nb.teachers.chat.batches import BatchServer, check_batches
from tracer_nb.teachers.chat.client import Opened, open_client
from tracer_nb.teachers.chat.conversation import Notices, converse, read_once
from tracer_nb.teachers.chat.costs import Costs, Counts
from tracer_nb.teachers.chat.dialect import Dialect, temperature_of, thinks
from tracer_nb.teachers.chat.endpoint import Endpoint
from tracer_nb.teachers.chat.explanations import explained_rule, most_chars
from tracer_nb.teachers.chat.failures import Failures, may_be_of_form
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.pace import TIMING, Pace, Timing
from tracer_nb.teachers.chat.prompt import VERSION, ChatPrompt
from tracer_nb.teachers.chat.reply import read_reply
from tracer_nb.teachers.prices import Price, price_of
from tracer_nb.teachers.server import (
    LONGEST,
    Patience,
    Secret,
    Server,
    as_secret,
    find_key,
    find_server,
)
from tracer_nb.teachers.voting import Ballots, poll

__all__ = ["ChatTeacher"]

_BATCH_SECONDS = 60.0
_NO_CHANCES = (
    "The server gives no log-probabilities, neither with the schema nor with codes: answers have "
    "a label and no distribution. votes=3 (--votes 3) makes one everywhere."
)


class ChatTeacher:
    """Asks a model for one label per text, over the chat-completions protocol.

    OpenAI, Ollama, vLLM, llama.cpp and the gateways speak it. The answer is asked for with
    a JSON schema whose ``label`` can only be one of the labels; a server that does not know
    schemas is asked by a function call, by short codes or in words. Which form an answer
    came in is kept with it. An answer that is not a label is asked for once more.

    Parameters
    ----------
    model : str
        As the server names it.
    labels : iterable of str
        The label set.
    prompt : str
        The task in the user's words; it may hold braces, quotes and percent signs. Other
        columns are named as ``{{column}}``: then ``columns`` holds their names, and a text is
        a document made by :func:`tracer_nb.documents.make_document`.
    base_url : str, optional
        Another server than ``OPENAI_BASE_URL`` or OpenAI's own.
    api_key : str or Secret, optional
        Else the environment's key that is meant for this server: see :func:`server.find_key`.
        It is looked up when the first text is asked, so that a plan needs no key.
    price : Price, optional
        Needed for a cost cap when the model is not one of :data:`prices.PRICES`.
    batch_price : Price, optional
        Of tokens in a batch; else half of ``price`` at OpenAI, and at other servers ``price``.
    concurrency : int
        Requests at the same time at the most: it begins with a few, and finds out how many
        the server takes.
    requests_per_minute, tokens_per_minute : float, optional
        Limits of your account, where the server's own refusals (429) should not come first.
    timeout : float, optional
        Seconds to wait for a reply, exactly. By default the wait follows the server: five minutes
        for a first answer, then five times the longest wait that ended well, a minute at least.
    max_retries : int
        How often a request is repeated that failed for a passing reason. After time-outs,
        which may be billed, it is asked three times at the most: see ``costs.MAX_REPLIES``.
    max_answer_tokens : int
        Limit on one answer, hidden reasoning included. Not a cap on the run.
    temperature : float, None or "auto"
        By default 0, and 1 with several votes, which would all be the same at 0; None sends
        none. Never sent to models that reason, which reject it.
    reasoning_effort : str, optional
        Sent when given ("minimal", "low"): it decides most of such a model's cost.
    answers : str
        "auto", or the form to begin with: "json-schema", "tool", "codes" or "text".
    logprobs : bool
        Ask for the log-probabilities of the answer's tokens, which give a distribution over
        labels. Where they do not come with the schema, a short code of the label is asked for.
    shuffle : bool
        List the labels in another order for every text.
    examples : mapping or sequence of pairs
        Labelled texts to show before a text; of many, those nearest to it.
    n_examples : int
        How many of them with one text.
    reasons : bool
        Ask for a short explanation before the label, and keep it with the answer.
    votes : int
        How often each text is asked about. Most votes win; their shares are the distribution.
    name : str, optional
        For captions; by default the model's.
    server_name : str, optional
        Stands for the server in the identity when its address changes from run to run.
    server : Server, optional
        For a model that is not reached by an address alone.
    open_client : callable, optional
        Makes the SDK's client, or what stands for it; called once a run.

    Raises
    ------
    InvalidInput
        An argument cannot be used.
    """

    batch_size = 1

    def __init__(
        self,
        model: str,
        labels: Sequence[str],
        prompt: str,
        *,
        base_url: str | None = None,
        api_key: str | Secret | None = None,
        price: Price | None = None,
        batch_price: Price | None = None,
        concurrency: int = 64,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        timeout: float | None = None,
        max_retries: int = 6,
        max_answer_tokens: int = 1024,
        temperature: float | str | None = "auto",
        reasoning_effort: str | None = None,
        answers: str = "auto",
        logprobs: bool = False,
        shuffle: bool = False,
        examples: Any = (),
        n_examples: int = 8,
        reasons: bool = False,
        votes: int = 1,
        name: str | None = None,
        server_name: str | None = None,
        server: Server | None = None,
        open_client: Callable[..., Any] = open_client,
    ) -> None:
        # At once: a plain key among the variables shows in a verbose traceback.
        api_key = as_secret(api_key)
        if not model.strip():
            raise InvalidInput(
                "model is empty; write the name that the server knows, as gpt-6-luna"
            )
        check_texts(prompt=prompt, base_url=base_url, reasoning_effort=reasoning_effort)
        check_whole(1, concurrency=concurrency, max_answer_tokens=max_answer_tokens, votes=votes)
        check_whole(0, max_retries=max_retries, n_examples=n_examples)
        if timeout is not None:
            check_at_least(0, timeout=timeout)
        self._rates = {
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
        }
        check_rates(**self._rates)
        self.model = model.strip()
        self.labels = clean_labels(labels)
        self.name = name or self.model
        self.concurrency = concurrency
        self._server = server or find_server(base_url)
        self._key = api_key
        self._timeout = timeout
        self._max_retries = max_retries
        self._open_client = open_client
        shown = {"examples": examples, "n_examples": n_examples, "shuffle": shuffle}
        chars = most_chars(max_answer_tokens, wanted=reasons, is_local=self._server.is_local)
        self._prompt = ChatPrompt(prompt, self.labels, explains=chars, **shown)
        self.columns = self._prompt.columns
        thinking = thinks(self.model)
        if thinking and logprobs:
            raise InvalidInput(f"{self.model} reasons and gives no logprobs; leave logprobs out")
        self.votes = votes
        temperature = None if thinking else temperature_of(temperature, votes)
        self.price = price or price_of(self._server.host, self.model)
        forms = make_forms(
            *(self.labels, self._prompt.schema, answers),
            logprobs=None if thinking else logprobs,
            explains=explained_rule if reasons else None,
        )
        halved = self.price.at_batch_rate() if self.price and self._server.is_openai else None
        # Nobody else says what a batch costs in general; more than single requests it is nowhere.
        self.batch_price = batch_price or halved or self.price
        costs = partial(Costs, self._prompt, forms, thinks=thinking, counts=Counts())
        self._costs = costs(self.price, max_answer_tokens)
        self._batch_costs = costs(self.batch_price, max_answer_tokens)
        self._forms = {form.name: form for form in forms}
        self._dialect = Dialect(
            *(forms, max_answer_tokens, temperature, reasoning_effort),
            is_openai=self._server.is_openai,
            server=self._server.url or self._server.shown,
            model=self.model,
        )
        self._identity: dict[str, Any] = {
            "teacher": "chat",
            "version": VERSION,
            "model": self.model,
            "server": server_name or self._server.shown,
            **said_of(self.labels),
            "prompt": self._prompt.task,
            "examples": self._prompt.examples.digest,
            "answers": answers,
            "logprobs": logprobs,
            "shuffle": shuffle,
            "votes": votes,
            "temperature": temperature,
            "max_answer_tokens": max_answer_tokens,
            "reasoning_effort": reasoning_effort,
            # Left out where there are none: what was answered before there could be any counts.
            **({"reasons": True} if reasons else {}),
        }
        self._opened: Opened | None = None
        self._pace: Pace | None = None
        self._ballots: Ballots | None = None
        self._notices = Notices()

    def __repr__(self) -> str:
        if not hasattr(self, "_opened"):  # in the traceback of a failure to make it
            return "ChatTeacher(…)"
        return (
            f"ChatTeacher({self.model!r}, {len(self.labels)} labels, server={self._server.shown!r})"
        )

    @property
    def distribution(self) -> str:
        """How its probabilities of labels come about; empty when it gives none."""
        if self.votes > 1:
            return "votes"
        asked = self._identity["logprobs"] or self._identity["answers"] == "codes"
        return "log-probabilities" if asked and not thinks(self.model) else ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the replies so far, each kind once."""
        return (*self._notices.lines, *((_NO_CHANCES,) if self._dialect.gave_up else ()))

    @property
    def server(self) -> str:
        """Where it asks: an address without what may be secret in it."""
        return self._server.shown

    def use_key(self, key: Secret) -> None:
        """Take a key that wins over the environment's, for this teacher only."""
        self._key = key

    @property
    def identity(self) -> Mapping[str, Any]:
        """Model, server, prompt, labels, schema and parameters; never the key."""
        return self._identity

    def cost_bound(self, text: str) -> float | None:
        """Dollars for all replies that ``text`` may take; None when the price is unknown."""
        bound = self._costs.bound(text)
        return None if bound is None else self.votes * bound

    def token_bound(self, text: str) -> int:
        """Tokens of all replies that ``text`` may take."""
        return self.votes * self._costs.token_bound(text)

    def cost_estimate(self, text: str) -> tuple[int, int, float | None]:
        """Estimate (prompt tokens, completion tokens, dollars or None) for ``text``."""
        prompt, completion = (self.votes * n for n in self._costs.tokens(text))
        return prompt, completion, self._costs.dollars(prompt, completion)

    async def label(self, texts: Sequence[str]) -> list[Answer]:
        """Give one answer per text, in order.

        Raises
        ------
        TeacherError
            No key, no server, no such model; or so many failures in a row that going on
            is pointless.
        """
        if self.votes == 1:
            return [await self._label(text, 0) for text in texts]
        return [await poll(partial(self._label, t), self.votes, t, self._ballots) for t in texts]

    def remember(self, ballots: Ballots | None) -> None:
        """Keep votes there until a text has all of them."""
        self._ballots = ballots

    def halt(self) -> None:
        """Send no more requests in this run."""
        if self._opened is not None:
            self._opened.pace.halt()

    # --- batches -----------------------------------------------------------------------

    def batch_requests(self) -> tuple[str, Callable[[str], dict[str, Any]]]:
        """Name of the form that answers are asked in now, and what makes a text's request."""
        self._dialect.recall()
        way = self._dialect.way

        def body(text: str) -> dict[str, Any]:
            messages = self._prompt.messages(text, way.form)
            return {"model": self.model, "messages": messages, **way.fields}

        return way.form.name, body

    def answer_from(self, text: str, body: bytes, form: str) -> Answer:
        """Read the one reply to a request of a batch, which asked in this ``form``."""
        reply = read_reply(body, self._forms[form])
        return read_once(reply, self._prompt, self._batch_costs, text, self._notices)

    def refuse_form(self, form: str, status: int, said: str) -> None:
        """Learn that a batch was refused, by this ``status``, in this ``form``.

        The texts can be submitted again, or asked online, in the next form.
        """
        self._dialect.recall()
        way = self._dialect.way
        if way.form.name == form and not self._dialect.settled and may_be_of_form(status, said):
            self._dialect.refuse(way, said)

    def batch_bound(self, text: str) -> tuple[int, float | None]:
        """Tokens and dollars (None when unknown) of ``text`` in a batch at the very most."""
        tokens = self._batch_costs.most_tokens(text)
        return sum(tokens), self._batch_costs.dollars(*tokens)

    def open_batches(self) -> BatchServer:
        """Open the batch endpoints of the teacher's server.

        Raises
        ------
        InvalidInput
            It has none, or each text is asked about several times.
        TeacherError
            No key.
        """
        check_batches(self._server, self.votes)
        client, failures = self._open(_BATCH_SECONDS)
        return BatchServer(client, failures, self._server.shown)

    # --- connection --------------------------------------------------------------------

    async def close(self) -> None:
        """Close the connections. The teacher can be used again, also in another loop."""
        opened, self._opened = self._opened, None
        self._ballots = None
        if opened is not None:
            await opened.lifetime.aclose()

    async def _label(self, text: str, turn: int) -> Answer:
        if self._opened is None or self._opened.loop is not asyncio.get_running_loop():
            pace = self._pace = Pace(self.concurrency, before=self._pace, **self._rates)
            self._opened = await Opened.of(self._connect(pace), pace)
        endpoint, pace, timing = self._opened.endpoint, self._opened.pace, Timing()
        TIMING.set(timing)
        answer = await converse(
            endpoint, self._prompt, self._costs, text, turn, notices=self._notices
        )
        if timing.sent is not None:
            answer = replace(answer, seconds=self._opened.loop.time() - timing.sent)
        if answer.keep:
            return answer
        if pace.halted:  # the server may be well
            if not answer.prompt_tokens + answer.completion_tokens:
                raise NotAsked
            return answer
        failed = endpoint.failed_in_a_row
        if failed >= max(20, 2 * pace.limit):
            raise TeacherError(
                f"{failed} texts in a row got no answer from {self._server.shown}; "
                f"the last: {answer.reason}. Try again when the server works"
            )
        return answer

    def _connect(self, pace: Pace) -> Endpoint:
        client, failures = self._open(LONGEST)
        self._dialect.recall()
        return Endpoint(
            *(self.model, client, self._dialect, failures, self._max_retries),
            pace=pace,
            url=self._server.url,
            answer_tokens=self._costs.tokens("")[1],
        )

    def _open(self, longest: float) -> tuple[Any, Failures]:
        secret = find_key(self._server, self._key)
        failures = Failures(self.model, self._server, secret, patience=Patience(self._timeout))
        # The client's own limit is for each part of a reply; patience has the say over the whole.
        limit = longest if self._timeout is None else self._timeout
        # The SDK does not tell what it retries, and a time-out may be billed.
        client = self._open_client(self._server, secret, timeout=limit, max_retries=0)
        return client, failures
