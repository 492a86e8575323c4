"""The exchange about one text: ask, read, ask once more if need be, and count the cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracer_nb.records import Answer
from tracer_nb.teachers.costs import MAX_REPLIES, Costs
from tracer_nb.teachers.endpoint import Endpoint
from tracer_nb.teachers.failures import RequestFailed
from tracer_nb.teachers.forms import Form
from tracer_nb.teachers.prompt import ChatPrompt
from tracer_nb.teachers.reading import quoted, read_label
from tracer_nb.teachers.reply import Reply

__all__ = ["converse", "read_once"]


async def converse(
    endpoint: Endpoint, prompt: ChatPrompt, costs: Costs, text: str, turn: int = 0
) -> Answer:
    """Get one answer for ``text``; ``turn`` counts its repeats.

    An answer that is no label is repaired once. A refusal is not, nor one cut short by the
    token limit, which would only be cut short again: both are paid answers and are kept.

    Raises
    ------
    TeacherError
        No text would get an answer.
    """
    bill = _Bill(costs, text)
    wrong: Reply | None = None
    order = prompt.order(text, turn)

    def compose(form: Form) -> list[dict[str, str]]:
        if wrong is None:
            return prompt.messages(text, form, turn)
        return prompt.repair(text, form, wrong.said, turn)

    while True:
        try:
            reply = await endpoint.ask(compose, MAX_REPLIES - bill.replies)
        except RequestFailed as e:
            bill.add_unread(e.unread)
            bill.add_timeouts(e.timeouts)
            return bill.answer(None, reason=str(e), keep=False)
        bill.add(reply)
        found = read_label(reply, order, prompt.match)
        if found.label is not None and not reply.refused:
            mode = found.mode if wrong is None else f"{found.mode}, repaired"
            return bill.answer(found.label, mode=mode, probabilities=found.probabilities)
        is_final = reply.refused or reply.truncated
        if is_final or wrong is not None or bill.replies >= MAX_REPLIES:
            return bill.answer(None, reason=_reason(reply))
        wrong = reply


def read_once(reply: Reply | None, prompt: ChatPrompt, costs: Costs, text: str) -> Answer:
    """Answer in the one reply there is; None stands for one that cannot be read.

    What a second question might repair is not to be kept as an answer.
    """
    bill = _Bill(costs, text)
    if reply is None:
        bill.add_unread(1)
        return bill.answer(None, reason="the reply was not readable", keep=False)
    bill.add(reply)
    found = read_label(reply, prompt.order(text), prompt.match)
    if found.label is not None and not reply.refused:
        return bill.answer(found.label, mode=found.mode, probabilities=found.probabilities)
    is_final = reply.refused or reply.truncated
    return bill.answer(None, reason=_reason(reply), keep=is_final)


def _reason(reply: Reply) -> str:
    if reply.refused:
        return "refused"
    if reply.truncated:
        return "truncated by max_answer_tokens before a label was there"
    if reply.empty:
        return "the reply holds no choice"
    if not reply.said.strip():
        return "the answer is empty"
    return f"answer is not one of the labels: {quoted(reply.said)}"


@dataclass(slots=True)
class _Bill:
    """What the replies to one text cost so far, by the server's count or our estimate."""

    costs: Costs
    text: str
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    timeouts: int = 0
    counted: bool = True

    def add(self, reply: Reply) -> None:
        self.add_unread(reply.unread)
        self.add_timeouts(reply.timeouts)
        expected = self.costs.tokens(self.text)
        counted = (reply.prompt_tokens, reply.completion_tokens)
        self.counted &= None not in counted
        self._add(*(e if c is None else c for c, e in zip(counted, expected, strict=True)))

    def add_unread(self, replies: int) -> None:
        """Count replies whose usage could not be read: the server has billed them."""
        for _ in range(replies):
            self.counted = False
            self._add(*self.costs.tokens(self.text))

    def add_timeouts(self, tries: int) -> None:
        """Count tries without a reply in time: what they cost at the most, nobody can tell."""
        self.replies += tries
        self.timeouts += tries

    def _cost(self) -> float | None:
        replies = self.costs.dollars(self.prompt_tokens, self.completion_tokens)
        lost = self.costs.bound_of(self.timeouts, self.text)
        return None if replies is None or lost is None else replies + lost

    def _add(self, prompt_tokens: int, completion_tokens: int) -> None:
        self.replies += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens

    def answer(
        self,
        label: str | None,
        *,
        reason: str | None = None,
        mode: str = "",
        probabilities: Mapping[str, float] | None = None,
        keep: bool = True,
    ) -> Answer:
        lost_prompt, lost_completion = (
            self.costs.most_tokens(self.text) if self.timeouts else (0, 0)
        )
        return Answer(
            label=label,
            reason=reason,
            mode=mode,
            probabilities=probabilities,
            prompt_tokens=self.prompt_tokens + self.timeouts * lost_prompt,
            completion_tokens=self.completion_tokens + self.timeouts * lost_completion,
            counted=self.counted and not self.timeouts,
            cost=self._cost(),
            keep=keep,
        )
