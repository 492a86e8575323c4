"""Any Python function as a teacher."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelset import clean_labels, label_text
from tracer_nb.labelsets import said_of, sets_of
from tracer_nb.records import Answer
from tracer_nb.teachers.base import check_at_least, check_whole, is_paid
from tracer_nb.teachers.chat.reading import LabelMatcher, quoted
from tracer_nb.teachers.fingerprint import fingerprint, qualified_name
from tracer_nb.teachers.server import redact
from tracer_nb.teachers.subsets import read_subset

__all__ = ["FunctionTeacher"]


# Seconds after which answers are kept before the next text is asked about: no server answers as fast.
_AT_ONCE = 0.01


class FunctionTeacher:
    """Asks a function, plain or async, for labels.

    An exception in the function is a text without a label, and its reason; the text is
    asked again in a later run. Other answers are kept, so a function that is changed starts
    a new set of answers: see :func:`~tracer_nb.teachers.fingerprint.fingerprint`.

    Parameters
    ----------
    fn : callable
        From a text to a label. With ``batch_size`` above 1, from a list of texts to a list
        of as many labels. An :class:`~tracer_nb.records.Answer` may stand in a label's place,
        for one with ``probabilities``. Where a text may have several labels, they are a list, tuple
        or set. A plain function runs in threads, so that a slow one does not hold up the others.
    labels : iterable of str
        The label set.
    name : str, optional
        For captions, and part of the identity; the function's name by default.
    batch_size, concurrency : int
        Texts per call, and calls at the same time.
    cost : float, optional
        Dollars for one text. Unknown by default, because the function may ask a paid
        service; 0 for one that does not.

    Raises
    ------
    InvalidInput
        ``fn`` cannot be called, or a number is out of range.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        labels: Iterable[str],
        *,
        name: str | None = None,
        batch_size: int = 1,
        concurrency: int = 8,
        cost: float | None = None,
    ) -> None:
        if not callable(fn):
            raise InvalidInput(f"fn must be a function from text to label, got {fn!r}")
        check_whole(1, batch_size=batch_size, concurrency=concurrency)
        check_at_least(0, cost=0 if cost is None else cost)
        self.labels = clean_labels(labels)
        self.name = name or qualified_name(fn).rpartition(".")[2]
        self.batch_size = batch_size
        self.concurrency = concurrency
        self._fn = fn
        self._cost = cost
        self._match = LabelMatcher(self.labels)
        self._identity = {
            "teacher": "function",
            "name": self.name,
            "function": qualified_name(fn),
            "code": fingerprint(fn),
            **said_of(self.labels),
        }
        # Not asyncio.to_thread: closing a loop waits for that pool's threads, and a function
        # that hangs would then hold up the user's stop.
        self._pool: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"FunctionTeacher({self._identity['function']}, {len(self.labels)} labels)"

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, place and fingerprint of the function, and the label set."""
        return self._identity

    def cost_bound(self, text: str) -> float | None:  # noqa: ARG002 -- the protocol's
        """Cost of one text as given."""
        return self._cost

    def token_bound(self, text: str) -> None:
        """None: a function counts no tokens that we know of."""

    def cost_estimate(self, text: str) -> tuple[int, int, float | None]:  # noqa: ARG002
        """No tokens that we know of, and the cost as given."""
        return 0, 0, self._cost

    async def label(self, texts: Sequence[str]) -> list[Answer]:
        """Give one answer per text, in order.

        Raises
        ------
        TeacherError
            The function raised one: its way to say that no text would be answered.
        """
        if self.batch_size > 1:
            return await self._ask(list(texts), len(texts))
        return [answer for text in texts for answer in await self._ask(text, None)]

    async def close(self) -> None:
        """Let the threads go, without waiting for a function that hangs."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, argument: Any, count: int | None) -> list[Answer]:
        """Answers of one call, for ``count`` texts at once or for one text alone."""
        try:
            result = await self._call(argument)
            results = [result] if count is None else list(result)
        except TeacherError:
            raise
        except Exception as e:  # noqa: BLE001 -- whatever the user's function raises is data
            return [self.failed(e)] * (count or 1)
        if len(results) != (count or 1):
            return [self._failed(f"{len(results)} labels for {count} texts")] * (count or 1)
        return [self.read(value) for value in results]

    def failed(self, error: Exception) -> Answer:
        """What is told of a text about which the function raised ``error``."""
        # Redacted: the function may call a service whose errors echo the key.
        said = " ".join(str(error).split())
        return self._failed(redact(f"{type(error).__name__}: {said}")[:300])

    def _failed(self, reason: str) -> Answer:
        return Answer(None, reason=reason, mode="function", cost=self._cost, keep=False)

    async def _call(self, argument: Any) -> Any:
        if inspect.isawaitable(argument):  # what the function has returned
            return await argument
        if _is_async(self._fn):
            return await self._fn(argument)
        result = await self._threaded(_guarded, self._fn, argument)
        return await result if inspect.isawaitable(result) else result

    async def _threaded(self, call: Callable[..., Any], *arguments: Any) -> Any:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="tracer-teacher")
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)

    @property
    def in_turn(self) -> bool:
        """Whether :meth:`label_in_turn` may ask: a plain function of one text, without a known price."""
        as_here = type(self).label is FunctionTeacher.label  # a subclass may answer in another way
        return as_here and self.batch_size == 1 and not (self._cost or _is_async(self._fn))

    async def label_in_turn(self, texts: Sequence[str], answers: list[Answer]) -> None:
        """Answer one text after the other in one thread, as many as a hundredth of a second allows.

        None after an answer that tells what it took: what is paid is kept before more is.

        Raises
        ------
        TeacherError
            As :meth:`label`.
        """
        waits = await self._threaded(self._answer, texts, answers)
        if waits is not None:
            answers += await self._ask(waits, None)

    def _answer(self, texts: Sequence[str], answers: list[Answer]) -> Any:
        """Answer in this thread; where the function returns something to wait for, that."""
        until = time.monotonic() + _AT_ONCE
        for text in texts:
            try:
                value = _guarded(self._fn, text)
            except TeacherError:
                raise
            except Exception as e:  # noqa: BLE001 -- whatever the user's function raises is data
                answers.append(self.failed(e))
            else:
                if inspect.isawaitable(value):
                    return value
                answers.append(self.read(value))
            if time.monotonic() >= until or is_paid(answers[-1]):
                break
        return None

    def read(self, value: Any) -> Answer:
        """The answer that a value of the function is: a label, or why it is none."""
        sets = sets_of(self.labels)
        if isinstance(value, Answer):
            if sets is None or value.label is None:
                return value
            label, why = read_subset(value.label, sets, self._match)
            return replace(value, label=label, reason=why or value.reason)
        if value is None:
            return self._failed("the function returned None")
        if sets is not None:
            label, why = read_subset(value, sets, self._match)
            return Answer(label, reason=why or None, mode="function", cost=self._cost)
        said = label_text(value)
        label = None if said is None else self._match(said)
        if label is None:
            reason = f"answer is not one of the labels: {quoted(str(value))}"
            if isinstance(value, Mapping):
                reason += "; return a label, or Answer(label, probabilities={…})"
            elif isinstance(value, Collection) and not isinstance(value, (str, bytes)):
                reason += (
                    "; a row has one label here: return one, or say several=True (--several any)"
                )
            return Answer(None, reason=reason, mode="function", cost=self._cost)
        return Answer(label, mode="function", cost=self._cost)


def _guarded(fn: Callable[..., Any], argument: Any) -> Any:
    try:
        return fn(argument)
    except StopIteration as e:  # a future cannot carry it
        raise RuntimeError("StopIteration") from e


def _is_async(fn: Any) -> bool:
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(type(fn).__call__)
