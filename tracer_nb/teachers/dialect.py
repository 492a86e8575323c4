"""What a server understands of the chat-completions protocol, learned from what it rejects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Dialect", "thinks"]

# Without a schema the words of the prompt still ask for JSON. A limit on the answer is never
# dropped, because the cost bound stands on it.
_DROPPED = frozenset({"response_format", "temperature"})
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_THINKING = re.compile(r"gpt-5|o\d")


def thinks(model: str) -> bool:
    """Whether a model reasons before it answers, by its name (a vendor prefix is ignored).

    >>> thinks("gpt-5-mini"), thinks("openai/o3"), thinks("gpt-4o")
    (True, True, False)
    """
    return _THINKING.match(model.rsplit("/", 1)[-1]) is not None


class Dialect:
    """The optional parts of a request, and which of them this server takes.

    Parameters
    ----------
    response_format : mapping
        The schema of the answer; dropped when the server does not know it.
    max_answer_tokens : int
        Sent as ``max_completion_tokens`` to OpenAI and as ``max_tokens`` to others: old
        servers know the second only, OpenAI's reasoning models the first only.
    temperature : float or None
        Dropped when the server says that the model takes none.
    reasoning_effort : str or None
        Sent when given, and never dropped: it was asked for.
    is_openai : bool
    """

    def __init__(
        self,
        response_format: Mapping[str, Any],
        max_answer_tokens: int,
        temperature: float | None,
        reasoning_effort: str | None,
        *,
        is_openai: bool,
    ) -> None:
        limit = "max_completion_tokens" if is_openai else "max_tokens"
        self._parts: dict[str, Any] = {"response_format": response_format, limit: max_answer_tokens}
        if temperature is not None:
            self._parts["temperature"] = temperature
        if reasoning_effort is not None:
            self._parts["reasoning_effort"] = reasoning_effort
        self._settled = False
        self._rejected: set[str] = set()

    @property
    def parts(self) -> Mapping[str, Any]:
        """Fields to put in a request beside model and messages. Replaced, never changed."""
        return self._parts

    def accept(self) -> None:
        """Note that the server took a request as it is: nothing is dropped after that."""
        self._settled = True

    def adapt(self, sent: Mapping[str, Any], complaint: str) -> bool:
        """Drop or rename the field that the server's ``complaint`` names.

        ``sent`` is what the rejected request carried. Requests run side by side, so another
        one may have adapted already; then, too, asking again is right. Returns whether it is.
        """
        if sent is not self._parts:
            return True
        if self._settled:
            return False
        # A complaint about one limit often names the other as the one to use: take the first.
        named = sorted((complaint.find(key), key) for key in sent if key in complaint)
        field = named[0][1] if named else ""
        if field not in _DROPPED and field not in _RENAMED:
            return False
        parts = {key: value for key, value in sent.items() if key != field}
        self._rejected.add(field)
        if field in _RENAMED:
            if _RENAMED[field] in self._rejected:
                return False  # it is the number that the server does not like, not the name
            parts[_RENAMED[field]] = sent[field]
        self._parts = parts
        return True
