"""A reply that came as a stream of pieces although none was asked for, joined to a whole one."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["MOST_BYTES", "joined"]

MOST_BYTES = 4 * 2**20
"""Most that a reply may hold, unpacked."""

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def joined(body: bytes) -> bytes:
    """The whole reply that a stream makes; any other body, and a stream cut short, as it is."""
    if body.lstrip()[:1] == b"{" and b'"delta"' not in body:
        return _unmarked(body)
    pieces, ended = _pieces(body)
    if not any(_has_delta(piece) for piece in pieces):
        told = next((piece for piece in pieces if piece.get("error") or _choices(piece)), None)
        return body if told is None else json.dumps(told).encode()
    whole = _Whole()
    for piece in pieces:
        whole.add(piece)
    # A stream that simply stops has not said all; what it says is that of nobody.
    return whole.dump() if ended or whole.is_final else b""


def _unmarked(body: bytes) -> bytes:
    """A whole reply without the mark of a stream's end, which some servers put behind it."""
    left = body.rstrip().removesuffix(b"[DONE]").rstrip().removesuffix(b"data:").rstrip()
    return left if left.endswith(b"}") else body


def _pieces(body: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Objects of a stream, and whether it said that it ends there."""
    found: list[dict[str, Any]] = []
    for line in body.decode("utf-8", "replace").split("\n"):
        said = line.strip()
        said = said[5:].strip() if said.startswith("data:") else said
        if said == "[DONE]":
            return found, True
        if said.startswith("{"):
            try:
                piece = json.loads(said)
            except (ValueError, RecursionError):
                continue
            found.append(piece)
    return found, False


def _has_delta(piece: dict[str, Any]) -> bool:
    return any("delta" in choice for choice in _choices(piece))


def _choices(piece: dict[str, Any]) -> list[dict[str, Any]]:
    choices = piece.get("choices")
    return [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []


class _Whole:
    """Grows by pieces of the first choice."""

    def __init__(self) -> None:
        self._reply: dict[str, Any] = {}
        self._choice: dict[str, Any] = {"index": 0}
        self._parts: dict[str, list[str]] = {}
        self._calls: dict[Any, dict[str, Any]] = {}
        self._tokens: list[Any] = []

    @property
    def is_final(self) -> bool:
        return bool(self._choice.get("finish_reason")) or "error" in self._reply

    def add(self, piece: dict[str, Any]) -> None:
        known = {k: v for k, v in piece.items() if k not in ("choices", "object") and v is not None}
        self._reply.update(known)
        for choice in _choices(piece):
            if choice.get("index", 0) in (0, None):
                self._add_choice(choice)

    def _add_choice(self, choice: dict[str, Any]) -> None:
        rest = {k: v for k, v in choice.items() if k not in ("delta", "logprobs") and v is not None}
        self._choice.update(rest)
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        self._tokens.extend(tokens if isinstance(tokens, list) else [])
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return
        for name in _TEXTS:
            if isinstance(delta.get(name), str):
                self._parts.setdefault(name, []).append(delta[name])
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            self._add_call(call)

    def _add_call(self, call: object) -> None:
        given = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(given, dict):
            return
        place = str(call.get("index", 0))
        function = self._calls.setdefault(place, {"name": "", "arguments": ""})
        for name in function:
            part = given.get(name)
            if isinstance(part, dict):
                part = json.dumps(part)
            function[name] += part if isinstance(part, str) else ""

    def dump(self) -> bytes:
        given = self._choice.pop("message", None)
        message = {"role": "assistant", "content": None}
        message.update(given if isinstance(given, dict) else {})
        message.update({name: "".join(parts) for name, parts in self._parts.items()})
        if self._calls:
            calls = [{"type": "function", "function": f} for f in self._calls.values()]
            message["tool_calls"] = calls  # type: ignore[assignment]
        self._choice["message"] = message
        if self._tokens:
            self._choice["logprobs"] = {"content": self._tokens}
        return json.dumps({**self._reply, "choices": [self._choice]}).encode()
