"""Any Python function as a teacher.

What identifies it from run to run is where it is, and what it does.
"""

from __future__ import annotations

import asyncio
import dis
import functools
import hashlib
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelset import clean_labels, label_text
from tracer_nb.labelsets import said_of, sets_of
from tracer_nb.records import Answer
from tracer_nb.teachers.base import check_at_least, check_whole
from tracer_nb.teachers.chat.reading import LabelMatcher, quoted
from tracer_nb.teachers.server import redact
from tracer_nb.teachers.subsets import read_subset

__all__ = ["FunctionTeacher", "fingerprint", "qualified_name"]


_PLAIN = (str, bytes, int, float, bool, type(None))
_DEPTH = 8
_MOST_ITEMS = 10_000
_CHANGING = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "setdefault",
        "update",
    ]
)


def qualified_name(fn: Any) -> str:
    """Name the module and qualified name of a function, or of a callable object's class."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{named.__module__}.{named.__qualname__}"


def fingerprint(fn: Any) -> str:
    """Digest of a callable: its code and the plain values and functions it refers to.

    A changed function gets another digest, so that its answers are not taken for those of
    the old one. Covered are its code, constants, defaults and closed-over variables, and the
    globals that it or a function, comprehension or class inside it reads, when they are

    - text, bytes, numbers, booleans or None: in a notebook, the prompt or the model's name;
    - dicts, lists, tuples and sets of such values, nested a few levels deep, of up to 10,000
      items; of larger ones the number of items only;
    - functions of the same module, in the same way.

    Not covered are globals that the code itself changes, such as a counter or a cache, which
    would make every digest a new one: names it assigns as ``global``, and containers it calls
    a changing method of (``append``, ``update``) or names in a line that sets or deletes an
    item. What a digest cannot see through, such as modules, classes, other objects and
    functions of other modules, is the caller's to tell apart, by another name for the teacher.
    """
    return _digest(fn, _DEPTH)


def _digest(value: Any, depth: int) -> str:
    """Digest that is the same in every process: no addresses, no order of sets."""
    words = hashlib.sha256(type(value).__qualname__.encode())
    if isinstance(value, _PLAIN):
        words.update(repr(value).encode("utf-8", "replace"))
    elif depth > 0:
        for part in _parts(value, depth - 1):
            words.update(part.encode("utf-8", "replace") + b"\x00")
    return words.hexdigest()


def _parts(value: Any, depth: int) -> Iterable[str]:
    def each(values: Iterable[Any]) -> list[str]:
        return [_digest(item, depth) for item in values]

    if isinstance(value, (tuple, list)):
        return each(value)
    if isinstance(value, (set, frozenset)):
        return sorted(each(value))
    if isinstance(value, dict):
        return sorted(each(value.items()))
    if isinstance(value, CodeType):
        return [value.co_code.hex(), *value.co_names, *each(value.co_consts)]
    if callable(value):
        return [qualified_name(value), *each(_inside(value))]
    return [qualified_name(type(value))]


def _inside(fn: Any) -> list[Any]:
    """Parts of a callable that decide what it returns."""
    if isinstance(fn, functools.partial):
        return [fn.func, fn.args, fn.keywords]
    if isinstance(fn, FunctionType):
        cells = [_content(cell) for cell in fn.__closure__ or ()]
        return [fn.__code__, fn.__defaults__, fn.__kwdefaults__, cells, _globals(fn)]
    if hasattr(fn, "__func__"):
        return [fn.__func__, fn.__self__]
    if isinstance(fn, type):
        return []
    return [getattr(type(fn).__call__, "__code__", None), getattr(fn, "__dict__", None)]


def _globals(fn: FunctionType) -> dict[str, Any]:
    """Globals the code reads and does not change: plain values, functions of its module."""
    read: set[str] = set()
    assigned: set[str] = set()
    changed: set[str] = set()
    for code in _codes(fn.__code__):
        _note_globals(code, read, assigned, changed)
    found: dict[str, Any] = {}
    for name in read - assigned:
        value = fn.__globals__.get(name)
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            items = _count(value, _DEPTH // 2)
            if items is not None and name not in changed:
                found[name] = value if items <= _MOST_ITEMS else (type(value).__name__, len(value))
        elif isinstance(value, _PLAIN) or (
            isinstance(value, FunctionType) and value.__module__ == fn.__module__
        ):
            found[name] = value
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Code of a function and of everything that is defined inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _note_globals(code: CodeType, read: set[str], assigned: set[str], changed: set[str]) -> None:
    starts = dict(dis.findlinestarts(code))
    line: int | None = None
    in_line: set[str] = set()
    last: str | None = None  # the global that the instruction before put on the stack
    for step in dis.get_instructions(code):
        if step.offset in starts and starts[step.offset] != line:
            line = starts[step.offset]
            in_line = set()
        if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            assigned.add(step.argval)
        elif step.opname in ("STORE_SUBSCR", "DELETE_SUBSCR"):
            changed |= in_line
        elif last is not None and step.argval in _CHANGING and "LOAD" in step.opname:
            changed.add(last)
        last = None
        if step.opname == "LOAD_NAME" or (
            step.opname.startswith("LOAD") and "GLOBAL" in step.opname
        ):
            last = step.argval
            read.add(step.argval)
            in_line.add(step.argval)


def _count(value: Any, depth: int) -> int | None:
    """Items in a nest of containers, or just above the limit; None when not all are plain."""
    if isinstance(value, _PLAIN):
        return 1
    if depth == 0 or not isinstance(value, (dict, list, tuple, set, frozenset)):
        return None
    total = 0
    for item in value.values() if isinstance(value, dict) else value:
        items = _count(item, depth - 1) if total <= _MOST_ITEMS else 0
        if items is None:
            return None
        total += items
    if isinstance(value, dict) and not all(isinstance(key, _PLAIN) for key in value):
        return None
    return total


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell: a name that is not bound yet
        return None


class FunctionTeacher:
    """Asks a function, plain or async, for labels.

    An exception in the function is a text without a label, and its reason; the text is
    asked again in a later run. Other answers are kept, so a function that is changed starts
    a new set of answers: see :func:`fingerprint`.

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
        if _is_async(self._fn):
            return await self._fn(argument)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="tracer-teacher")
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._pool, _guarded, self._fn, argument)
        return await result if inspect.isawaitable(result) else result

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
