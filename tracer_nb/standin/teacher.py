"""``standin:DATA`` as a teacher: a chat teacher whose server is the stand-in, on loopback."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tracer_nb import datasets
from tracer_nb.standin.server import StandIn, serve
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.prices import Price

__all__ = ["StandInTeacher"]

_PRICE = Price(0.25, 2.0, "made up for the stand-in, nothing is paid")


class StandInTeacher(ChatTeacher):
    """A chat teacher that asks the stand-in server about a bundled data set.

    Everything but the model is real: requests, schema, usage, prices, store and cap.

    Parameters
    ----------
    data : str
        Name of a data set that :func:`tracer_nb.datasets.load` knows.
    labels, prompt
        As for every chat teacher.
    wrong : float, default 0.02
        Share of texts that get another label than the data set's: no model is perfect.
    latency : float, default 0.0
        Seconds an answer takes.
    concurrency, requests_per_minute, tokens_per_minute
        As for every chat teacher.
    price : Price, optional
        By default a made-up one.
    answers, logprobs, shuffle, examples, n_examples, reasons, votes
        As for every chat teacher.

    Attributes
    ----------
    standin : StandIn
        The server; one for all teachers of a process with the same data and settings. Its
        counts say what it was really asked.
    """

    simulated = True
    note = "The teacher is a stand-in over bundled data: no model was asked, nothing was paid."

    def __init__(
        self,
        data: str,
        labels: Sequence[str],
        prompt: str,
        *,
        wrong: float = 0.02,
        latency: float = 0.0,
        concurrency: int = 64,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        price: Price | None = None,
        answers: str = "auto",
        logprobs: bool = False,
        shuffle: bool = False,
        examples: Any = (),
        n_examples: int = 8,
        reasons: bool = False,
        votes: int = 1,
    ) -> None:
        server = self.standin = _server(data, wrong, latency)
        super().__init__(
            "stand-in",
            labels,
            prompt,
            base_url=server.base_url,
            price=price or _PRICE,
            batch_price=(price or _PRICE).at_batch_rate(),
            concurrency=concurrency,
            answers=answers,
            logprobs=logprobs,
            shuffle=shuffle,
            examples=examples,
            n_examples=n_examples,
            reasons=reasons,
            votes=votes,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            name="the stand-in",
            # The port changes from kernel to kernel, the answers do not.
            server_name=f"stand-in:{data}:wrong={wrong:g}",
        )


@lru_cache(maxsize=8)
def _server(data: str, wrong: float, latency: float) -> StandIn:
    """One server a process for each setting; it ends with the process."""
    server = serve(datasets.load(data), wrong=wrong, latency=latency, models=["stand-in"])
    atexit.register(server.close)
    return server
