"""Random draws that come out the same again, in another session too."""

from __future__ import annotations

import hashlib

from tracer_nb.store.rows import text_address

__all__ = ["coin"]


def coin(purpose: str, seed: int, text: str) -> float:
    """A number in [0, 1) that looks random, the same for the same purpose, seed and text."""
    digest = hashlib.sha256(f"{purpose} {seed} {text_address(text)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64
