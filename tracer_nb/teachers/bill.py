"""What the requests about one text cost, each booked as it ends."""

from __future__ import annotations

from collections.abc import Mapping

from tracer_nb.records import Answer
from tracer_nb.teachers.budget import Amount
from tracer_nb.teachers.costs import MAX_REPLIES, Costs
from tracer_nb.teachers.reply import Reply
from tracer_nb.teachers.till import TAB, Sent

__all__ = ["Bill"]


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
