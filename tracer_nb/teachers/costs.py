"""What answering a text costs: at the very most, as expected, and as the server counted."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from tracer_nb.teachers.counts import BELIEVED, Counts
from tracer_nb.teachers.fence import fence
from tracer_nb.teachers.forms import Form
from tracer_nb.teachers.prices import Price
from tracer_nb.teachers.prompt import ECHO_CHARS, ChatPrompt

__all__ = ["CUT", "MAX_REPLIES", "Costs"]

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


def _fenced_size(text: str) -> int:
    """Bytes of ``text`` inside a request, where a mark of a template is written longer."""
    return len(fence(json.dumps(text, ensure_ascii=False)).encode("utf-8", "replace"))


def _size(value: object) -> int:
    """Bytes of ``value`` inside a request, escapes included."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
