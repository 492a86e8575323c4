"""What replies have taken so far: it raises bounds, and stands for what nobody counted."""

from __future__ import annotations

import math

__all__ = ["BELIEVED", "Counts"]

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
