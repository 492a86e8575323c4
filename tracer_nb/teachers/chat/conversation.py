"""What is odd about a server and concerns many of its replies: it is said once.

Most servers of one's own cut a prompt that is longer than their context without a word, and the
model answers about what is left. Their count of the prompt's tokens shows it, in two ways.

A token of ordinary words has 3 to 6 characters. Runs of blanks and of repeated signs may be one
token, so they are squeezed first; then no vocabulary gets to 12 characters a token over a whole
prompt. Servers that leave out of the count what they had cached say how much that was, and are
not judged by this.

And texts of very different length do not come to the very same count, which no other passes,
unless it is the limit.

The exchange about one text: ask, read, ask once more if need be, and count the cost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracer_nb.labelsets import sets_of
from tracer_nb.records import Answer
from tracer_nb.teachers.chat.costs import CUT, Bill, Costs
from tracer_nb.teachers.chat.endpoint import Endpoint
from tracer_nb.teachers.chat.explanations import is_whole, read_explanation
from tracer_nb.teachers.chat.failures import RequestFailed
from tracer_nb.teachers.chat.forms import Form
from tracer_nb.teachers.chat.prompt import ChatPrompt
from tracer_nb.teachers.chat.reading import Reading, quoted, read_label
from tracer_nb.teachers.chat.reply import Reply
from tracer_nb.teachers.chat.subsets import read_set

__all__ = ["Notices", "converse", "read_once"]


_LONG_TOKEN = 12
# A limit of a context is not lower; so often must it be met, by prompts so different in length.
_LIMIT, _TIMES, _RATIO = 256, 3, 2.0
_REPEATED = re.compile(r"(\S{1,3}?)\1{2,}")


class Notices:
    """Collects what a person should know about the replies of one teacher, each kind once."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        self._system = ""
        self._most = 0
        self._lengths: list[int] = []

    @property
    def lines(self) -> tuple[str, ...]:
        """All that was seen so far."""
        return tuple(self._lines.values())

    def note_prompt(self, reply: Reply, prompt: ChatPrompt, text: str) -> None:
        """Compare the count of a prompt's tokens with what was sent.

        Not for repairs, whose prompt is longer.
        """
        count = reply.prompt_tokens
        if count is None or "cut" in self._lines:
            return
        if not self._system:
            self._system = prompt.messages(text, reply.form)[0]["content"]
        sent = len(self._system) + len(text)
        # Most replies are done here, before anything is squeezed.
        if sent <= _LONG_TOKEN * count and count < max(self._most, _LIMIT):
            return
        whole = len(_squeezed(self._system)) + len(_squeezed(text))
        if self._is_limit(count, whole) or (
            whole > _LONG_TOKEN * count and not _has_cached(reply.usage)
        ):
            self._lines["cut"] = (
                f"The server counted {count:,} prompt tokens where {sent:,} characters were "
                "sent: it seems to cut long prompts without a word, and then the answer is about "
                "a part of the text. Raise its context length (num_ctx for Ollama) or shorten "
                "the texts."
            )

    def note_reading(self, reply: Reply, found: Reading) -> None:
        """See whether log-probabilities that came have led to a distribution."""
        if reply.tokens and found.label is not None and found.probabilities is None:
            self._lines.setdefault(
                "logprobs",
                "Log-probabilities came that cannot be set beside the answer they belong to: "
                "such answers have a label and no distribution.",
            )

    def _is_limit(self, count: int, length: int) -> bool:
        """Whether prompts of very different length have come to this count, and none to more."""
        if count < _LIMIT or count < self._most:
            return False
        if count > self._most:
            self._most, self._lengths = count, []
        self._lengths = [*self._lengths, length][-_TIMES * _TIMES :]
        return len(self._lengths) >= _TIMES and max(self._lengths) > _RATIO * min(self._lengths)


def _squeezed(text: str) -> str:
    """Text without runs of blanks and of repeated signs, which may be one token."""
    return _REPEATED.sub(r"\1", " ".join(text.split()))


def _has_cached(usage: Any) -> bool:
    """Whether a server says that a part of the prompt came out of a cache."""
    if not isinstance(usage, Mapping):
        return False
    return any(
        _has_cached(value) or (bool(value) and "cache" in str(name).lower())
        for name, value in usage.items()
    )


async def converse(
    endpoint: Endpoint,
    prompt: ChatPrompt,
    costs: Costs,
    text: str,
    turn: int = 0,
    *,
    notices: Notices,
) -> Answer:
    """Get one answer for ``text``; ``turn`` counts its repeats.

    What is odd about a reply beyond this text goes to ``notices``.

    An answer that is no label is repaired once. A refusal is not, nor one cut short by the
    token limit, which would only be cut short again: both are paid answers and are kept.

    Raises
    ------
    TeacherError
        No text would get an answer.
    """
    bill = Bill(costs, text)
    wrong: Reply | None = None
    order = prompt.order(text, turn)

    def compose(form: Form) -> list[dict[str, str]]:
        if wrong is None:
            return prompt.messages(text, form, turn)
        return prompt.repair(text, form, wrong.said, turn)

    while True:
        try:
            reply = await endpoint.ask(compose, bill)
        except RequestFailed as e:
            return bill.answer(None, reason=str(e), keep=False)
        found = _read(reply, prompt, order)
        if wrong is None and not turn:
            notices.note_prompt(reply, prompt, text)
        notices.note_reading(reply, found)
        if found.label is not None and not reply.refused:
            mode = found.mode if wrong is None else f"{found.mode}, repaired"
            return _answer(bill, reply, found, mode, prompt)
        is_final = reply.refused or reply.truncated
        if is_final or wrong is not None or not bill.left:
            return bill.answer(None, reason=_reason(reply, found))
        wrong = reply


def read_once(
    reply: Reply | None, prompt: ChatPrompt, costs: Costs, text: str, notices: Notices
) -> Answer:
    """Answer in the one reply there is; None stands for one that cannot be read.

    What a second question might repair is not to be kept as an answer.
    """
    bill = Bill(costs, text)
    if reply is None:
        bill.add_unread()
        return bill.answer(None, reason="the reply was not readable", keep=False)
    bill.add(reply)
    if reply.failed:
        return bill.answer(None, reason=f"the server failed: {reply.failed}", keep=False)
    found = _read(reply, prompt, prompt.order(text))
    notices.note_prompt(reply, prompt, text)
    notices.note_reading(reply, found)
    if found.label is not None and not reply.refused:
        return _answer(bill, reply, found, found.mode, prompt)
    is_final = reply.refused or reply.truncated
    return bill.answer(None, reason=_reason(reply, found), keep=is_final)


def _answer(bill: Bill, reply: Reply, found: Reading, mode: str, prompt: ChatPrompt) -> Answer:
    explanation = read_explanation(reply) if prompt.explains else None
    return bill.answer(
        found.label, mode=mode, probabilities=found.probabilities, explanation=explanation
    )


def _read(reply: Reply, prompt: ChatPrompt, order: tuple[str, ...]) -> Reading:
    if prompt.explains and reply.truncated and not is_whole(reply):
        return Reading(None, "text")
    sets = sets_of(prompt.labels)
    if sets is not None:
        return read_set(reply, sets, prompt.match)
    return read_label(reply, order, prompt.match)


def _reason(reply: Reply, found: Reading) -> str:
    if reply.refused:
        return "refused"
    if reply.truncated:
        return CUT
    if reply.empty:
        return "the reply holds no choice"
    if not reply.said.strip():
        return "the answer is empty"
    return found.why or f"answer is not one of the labels: {quoted(reply.said)}"
