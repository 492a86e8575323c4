"""What answering a text costs: at the very most, as expected, and as the server counted.

Each request about it is booked as it ends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tracer_nb.documents import fence
from tracer_nb.records import Answer
from tracer_nb.teachers.budget import Amount
from tracer_nb.teachers.chat.explanations import EXPLANATION_TOKENS
from tracer_nb.teachers.chat.forms import Form
from tracer_nb.teachers.chat.prompt import ECHO_CHARS, ChatPrompt
from tracer_nb.teachers.chat.reply import Reply
from tracer_nb.teachers.prices import Price
from tracer_nb.teachers.till import TAB, Sent

__all__ = ["BELIEVED", "CUT", "MAX_REPLIES", "Bill", "Costs", "Counts"]


BELIEVED = 10
"""Times the bound of a request up to which a server's count is taken for one.

A model that thinks past its limit, or a gateway that adds a prompt of its own, bills what it
says. A count far beyond everything that was sent is a fault of the server's books.
"""


class Counts:
    """Tokens that the replies to one teacher took, by the server's count.

    Attributes
    ----------
    rises : int
        How often a reply took more than any before it was thought to.
    """

    def __init__(self) -> None:
        self.rises = 0
        self._prompt_share = 1.0
        self._most_answer = 0
        self._n = self._prompt_tokens = self._completion_tokens = 0

    def most(self, prompt_tokens: int, completion_tokens: int) -> tuple[int, int]:
        """What one request takes at the most, from what was reckoned before it was sent.

        A prompt that came to more than was reckoned makes all others longer in proportion; an
        answer that passed its limit may be as long for every text.
        """
        if self._prompt_share > 1:
            prompt_tokens = math.ceil(prompt_tokens * self._prompt_share)
        return prompt_tokens, max(completion_tokens, self._most_answer)

    def mean(self) -> tuple[int, int] | None:
        """Prompt and completion tokens of a reply, rounded up; None before one was counted."""
        if not self._n:
            return None
        return -(-self._prompt_tokens // self._n), -(-self._completion_tokens // self._n)

    def note(self, counted: tuple[int, int], reckoned: tuple[int, int]) -> None:
        """Raise the bounds where a count of prompt and completion tokens passes ``reckoned``.

        That is the bound of its request without what others have raised it by.
        """
        before = self._prompt_share, self._most_answer
        prompt, completion = counted
        self._prompt_share = max(self._prompt_share, prompt / reckoned[0])
        if completion > reckoned[1]:
            self._most_answer = max(self._most_answer, completion)
        self.rises += before != (self._prompt_share, self._most_answer)

    def add(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Take a reply's count into the mean."""
        self._n += 1
        self._prompt_tokens += prompt_tokens
        self._completion_tokens += completion_tokens


MAX_REPLIES = 3
"""Replies one text may take: the answer, and a repair replies with a broken body, or time-outs.

A reply is what a server bills, so this bounds the cost of a text. A time-out counts as one:
the server may go on and bill what nobody reads. An error (429, 500) or a lost connection is
not known to be billed, and not counted.
"""

CUT = "truncated by max_answer_tokens before a label was there"
"""Reason of an answer that took all the tokens it may, and holds no label."""

_ANSWER_TOKENS = 15
_THINKING_TOKENS = 300
_BYTES_PER_TOKEN = 4


class Costs:
    """Token and dollar figures for one prompt at one price.

    Parameters
    ----------
    prompt : ChatPrompt
    forms : sequence of Form
        In which a text may be asked about; the first is what is expected.
    price : Price or None
        None makes every dollar figure None.
    max_answer_tokens : int
        The limit that is sent with every request.
    thinks : bool
        Whether the model spends hidden tokens before it answers.
    counts : Counts, optional
        What replies took; other costs of the same teacher may share them.
    """

    def __init__(
        self,
        prompt: ChatPrompt,
        forms: Sequence[Form],
        price: Price | None,
        max_answer_tokens: int,
        *,
        thinks: bool,
        counts: Counts | None = None,
    ) -> None:
        self.counts = counts or Counts()
        self._price = price
        self._max_answer_tokens = max_answer_tokens
        answer = _ANSWER_TOKENS + (_THINKING_TOKENS if thinks else 0)
        answer += EXPLANATION_TOKENS if prompt.explains else 0
        self._answer_tokens = min(answer, max_answer_tokens)
        # The part of the requests that is the same for every text, in bytes. The fields of a
        # form count in full: servers add schemas and functions to the prompt.
        first = _size(prompt.messages("", forms[0], shown=False)) + _size(forms[0].fields)
        self._first = first + prompt.examples.typical
        self._longest = prompt.examples.longest + max(_longest(prompt, form) for form in forms)

    def dollars(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Dollars for so many tokens; None when the price is unknown."""
        if self._price is None:
            return None
        return self._price.of(prompt_tokens, completion_tokens)

    def bound(self, text: str) -> float | None:
        """Dollars for ``text`` at the very most, or None.

        A token is at least one byte of the request, so bytes bound the prompt's tokens
        whatever the tokenizer; every reply is counted at the longest request there is.
        """
        prompt, completion = self.most_tokens(text)
        return self.dollars(MAX_REPLIES * prompt, MAX_REPLIES * completion)

    def token_bound(self, text: str) -> int:
        """Tokens of all replies to ``text`` at the very most, prompts and answers."""
        return MAX_REPLIES * sum(self.most_tokens(text))

    def most_tokens(self, text: str) -> tuple[int, int]:
        """Prompt and completion tokens of one request for ``text`` at the very most.

        More than was reckoned where a reply to another text took more: see :class:`Counts`.
        """
        return self.counts.most(*self._reckoned(text))

    def cautious_tokens(self, text: str) -> tuple[int, int]:
        """As :meth:`most_tokens`, at the most that a server's count is believed."""
        prompt, answer = self._reckoned(text)
        return BELIEVED * prompt, BELIEVED * answer

    def believes(self, text: str, counted: tuple[int, int]) -> bool:
        """Whether one request can have taken so many tokens.

        Those that can and pass the bound of the request raise that of all others.
        """
        reckoned = self._reckoned(text)
        if sum(counted) > BELIEVED * sum(reckoned):
            return False
        self.counts.note(counted, reckoned)
        return True

    def uncounted_tokens(self, text: str) -> tuple[int, int]:
        """Tokens to book for a reply whose usage cannot be read."""
        expected, seen = self.tokens(text), self.counts.mean()
        if seen is None:
            return expected
        return max(expected[0], seen[0]), max(expected[1], seen[1])

    def unanswered_tokens(self, text: str) -> tuple[int, int]:
        """Tokens to book for a request that got no reply in time.

        At the most that it can take where that is money, because it may be billed; else the
        mean of what was counted.
        """
        if self._price is not None and max(self._price.input, self._price.output) > 0:
            return self.most_tokens(text)
        return self.counts.mean() or self.tokens(text)

    def tokens(self, text: str) -> tuple[int, int]:
        """Estimate the prompt and completion tokens of one request for ``text``."""
        prompt_tokens = math.ceil((self._first + _fenced_size(text)) / _BYTES_PER_TOKEN)
        return prompt_tokens, self._answer_tokens

    def _reckoned(self, text: str) -> tuple[int, int]:
        return self._longest + _fenced_size(text), self._max_answer_tokens


def _longest(prompt: ChatPrompt, form: Form) -> int:
    """Bytes of the longest request in this form, for an empty text and without examples."""
    repair = _size(prompt.repair("", form, "x" * ECHO_CHARS, shown=False))
    # Of what is shown back, a character may take four bytes.
    return repair + 3 * ECHO_CHARS + _size(form.fields)


@lru_cache(maxsize=256)  # of the texts under way, each is asked for four times
def _fenced_size(text: str) -> int:
    """Bytes of ``text`` inside a request, where a mark of a template is written longer."""
    return len(fence(json.dumps(text, ensure_ascii=False)).encode("utf-8", "replace"))


def _size(value: object) -> int:
    """Bytes of ``value`` inside a request, escapes included."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


class Bill:
    """Books requests one after the other, by the server's count or our estimate.

    What a server counted is booked as it says, up to ten times the bound of the request, and
    raises all bounds where it passes them; beyond that the bound is booked. A reply without a
    count is estimated. A time-out is booked at the most where tokens cost something, because
    the server may bill it, else at the mean of what was counted. All but the first are marked
    as not counted.

    Parameters
    ----------
    costs : Costs
    text : str

    Attributes
    ----------
    replies : int
        Of the server, and requests that it may have replied to.
    counted : bool
        Whether all of them are as the server counted.
    """

    def __init__(self, costs: Costs, text: str) -> None:
        self.replies = 0
        self.counted = True
        self._costs = costs
        self._text = text
        self._prompt_tokens = self._completion_tokens = 0
        self._tab = TAB.get()
        self._sent: Sent | None = None
        self._model: str | None = None

    @property
    def left(self) -> int:
        """Replies that the text may still take."""
        return max(MAX_REPLIES - self.replies, 0)

    async def admit(self) -> bool:
        """Whether the caps allow one more request now; what it takes is set aside then."""
        if self._tab is None:
            return True
        self._sent = await self._tab.admit(self._bound)
        return self._sent is not None

    def add(self, reply: Reply) -> None:
        """Book a reply as the server counted it; who gave the last one gave the answer."""
        self._model = reply.model
        rises = self._costs.counts.rises
        expected = self._costs.uncounted_tokens(self._text)
        said = (reply.prompt_tokens, reply.completion_tokens)
        prompt, completion = (e if n is None else n for n, e in zip(said, expected, strict=True))
        if not self._costs.believes(self._text, (prompt, completion)):
            self.counted = False
            prompt, completion = self._costs.most_tokens(self._text)
        elif None in said:
            self.counted = False
        else:
            self._costs.counts.add(prompt, completion)
        self._reply(prompt, completion, rose=self._costs.counts.rises > rises)

    def add_unread(self) -> None:
        """Book a reply whose usage could not be read: the server has billed it."""
        self.counted = False
        self._reply(*self._costs.uncounted_tokens(self._text), rose=False)

    def add_timeout(self) -> None:
        """Book a request that got no reply in time: what it cost, nobody can tell."""
        self.counted = False
        self._book(*self._costs.unanswered_tokens(self._text))

    def add_free(self) -> None:
        """Book a request that the server refused: it is not known to bill those."""
        self._settle(Amount())

    def answer(
        self,
        label: str | None,
        *,
        reason: str | None = None,
        mode: str = "",
        probabilities: Mapping[str, float] | None = None,
        explanation: str | None = None,
        keep: bool = True,
    ) -> Answer:
        """Answer that took what is booked."""
        return Answer(
            label=label,
            reason=reason,
            mode=mode,
            probabilities=probabilities,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            counted=self.counted,
            cost=self._costs.dollars(self._prompt_tokens, self._completion_tokens),
            model=self._model,
            explanation=explanation,
            keep=keep,
        )

    def _reply(self, prompt_tokens: int, completion_tokens: int, *, rose: bool) -> None:
        self._book(prompt_tokens, completion_tokens)
        if self._tab is not None:
            self._tab.replied(rose=rose)

    def _book(self, prompt_tokens: int, completion_tokens: int) -> None:
        self.replies += 1
        self._prompt_tokens += prompt_tokens
        self._completion_tokens += completion_tokens
        self._settle(self._amount(prompt_tokens, completion_tokens))

    def _settle(self, actual: Amount) -> None:
        if self._tab is not None and self._sent is not None:
            self._tab.book(self._sent, actual)
        self._sent = None

    def _bound(self, *, cautious: bool) -> Amount:
        tokens = self._costs.cautious_tokens if cautious else self._costs.most_tokens
        return self._amount(*tokens(self._text))

    def _amount(self, prompt_tokens: int, completion_tokens: int) -> Amount:
        cost = self._costs.dollars(prompt_tokens, completion_tokens)
        return Amount(cost, prompt_tokens + completion_tokens)
