"""A panel of teachers: each text is asked of several, and their answers make one label.

What a member answers is stored as its own, so that nobody is asked the same twice: not in another
panel, and not alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.records import Answer
from tracer_nb.store.rows import identity_address, plain_identity, storable
from tracer_nb.teachers.base import Haltable, NotAsked, Teacher
from tracer_nb.teachers.budget import total_cost
from tracer_nb.teachers.chat.reading import quoted
from tracer_nb.teachers.replay import ReplayTeacher
from tracer_nb.teachers.server import Secret, redact
from tracer_nb.teachers.voting import Ballots, Polled, count_members

__all__ = ["MemberBook", "PanelTeacher"]


class MemberBook(Protocol):
    """Where the answers of one member are kept in a run."""

    ballots: Ballots

    async def of(self, texts: Sequence[str]) -> Mapping[str, Answer]:
        """Answers to those of ``texts`` that it has given before."""
        ...

    async def put(self, answered: Sequence[tuple[str, Answer]]) -> Mapping[str, Answer]:
        """Store answers; those that another process had stored before come back."""
        ...


class _Memory:
    """Answers of a member where there is no store."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def of(self, texts: Iterable[str]) -> dict[str, Answer]:
        return {text: self.answers[text] for text in texts if text in self.answers}

    def put(self, answered: Iterable[tuple[str, Answer]]) -> None:
        self.answers.update((text, answer) for text, answer in answered if answer.keep)


class PanelTeacher:
    """Asks several teachers about each text; the label with most votes is the answer.

    A tie goes to the answer of the member that stands first among those who voted for a tied
    label. The shares of votes are the probabilities. A member that gave no label has no vote; one
    that failed (no connection, time-out) leaves the text open, to be asked again, only where
    its vote could change the label. A member that fails as a whole (wrong key, no server) is
    left out from then on, and one of ``warnings`` says so.

    An answer holds what was paid for it now: of what members had answered before nothing.

    Parameters
    ----------
    members : sequence of Teacher
        Two or more, with the same labels; the first ones are asked first.
    adaptive : bool, optional
        Ask the first two, and the others only where these differ or one gave no label. By
        default with three members or more. Answers of others are then not counted either where
        the first two agree, so that a panel says the same whatever is stored.

    Raises
    ------
    InvalidInput
        A single member, two that are the same teacher, or different labels or columns.
    """

    distribution = "votes"

    def __init__(self, members: Sequence[Teacher], *, adaptive: bool | None = None) -> None:
        self.members = tuple(members)
        _check_members(self.members)
        if adaptive is not None and not isinstance(adaptive, bool):
            raise InvalidInput(f"adaptive must be True or False, got {adaptive!r}")
        n = len(self.members)
        self.adaptive = n > 2 if adaptive is None else adaptive and n > 2
        self.labels = tuple(self.members[0].labels)
        self.columns = _columns(self.members[0])
        self.name = " + ".join(member.name for member in self.members)
        self.batch_size = min(member.batch_size for member in self.members)
        self.concurrency = max(member.concurrency for member in self.members)
        self.simulated = any(getattr(member, "simulated", False) for member in self.members)
        notes = dict.fromkeys(str(getattr(member, "note", "")) for member in self.members)
        self.note = " ".join(filter(None, notes))
        self._identity: dict[str, Any] = {
            "teacher": "panel",
            "name": " + ".join(_model(member) for member in self.members),
            "labels": list(self.labels),
            "adaptive": self.adaptive,
            "members": [plain_identity(member.identity) for member in self.members],
        }
        self._down: dict[int, str] = {}
        # First answers and second ones.
        self._memories = tuple((_Memory(), _Memory()) for _ in self.members)
        self._second, self._again = False, frozenset[str]()
        self._books: tuple[MemberBook, ...] = ()
        self._seats: dict[int, asyncio.Semaphore] = {}

    def __repr__(self) -> str:
        return f"PanelTeacher({self.name!r}, {len(self.labels)} labels)"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The identities of its members, in order, and whether it asks all of them."""
        return self._identity

    @property
    def warnings(self) -> tuple[str, ...]:
        """Which members are left out, and what the others warn of."""
        down = [
            f"{self.members[i].name} failed and is left out of the panel; the others go on: {why}"
            for i, why in sorted(self._down.items())
        ]
        own = (line for member in self.members for line in getattr(member, "warnings", ()))
        return tuple(dict.fromkeys((*down, *own)))

    @property
    def server(self) -> str | None:
        """The one server that members ask; None where there are several, or none."""
        servers = {member.server for member in self.members if hasattr(member, "server")}
        return servers.pop() if len(servers) == 1 else None

    def use_key(self, key: Secret) -> None:
        """Give a key to the members that ask :attr:`server`; with several servers to nobody."""
        for member in self.members:
            if self.server is not None and hasattr(member, "use_key"):
                member.use_key(key)

    def cost_bound(self, text: str) -> float | None:
        """Dollars of all members' bounds; None when one is unknown."""
        return total_cost(member.cost_bound(text) for member in self.members)

    def token_bound(self, text: str) -> int | None:
        """Tokens of the bounds of members that count any; None when none does."""
        bounds = [member.token_bound(text) for member in self.members]
        known = [bound for bound in bounds if bound is not None]
        return sum(known) if known else None

    def cost_estimate(self, text: str) -> tuple[int, int, float | None]:
        """Estimate for asking all members: how often the first two agree is not known before."""
        each = [member.cost_estimate(text) for member in self.members]
        return sum(e[0] for e in each), sum(e[1] for e in each), total_cost(e[2] for e in each)

    def remembered(self, texts: Iterable[str]) -> tuple[dict[str, Answer], ...]:
        """What each member has answered, first answers, that is in no store."""
        texts = list(texts)
        return tuple(memory[0].of(texts) for memory in self._memories)

    def sit(
        self,
        books: Sequence[MemberBook] | None,
        *,
        second: bool = False,
        again: Collection[str] = (),
    ) -> None:
        """Get ready for a run, before it asks anything.

        Parameters
        ----------
        books : sequence of MemberBook, or None
            Where the answers of each member are kept; None: in memory.
        second : bool
            Second answers are asked for; the first ones say nothing about them.
        again : collection of str
            Texts about which members are asked again that gave no label.
        """
        self._books = tuple(books or ())
        self._second, self._again = second, frozenset(again)
        for i, member in enumerate(self.members):
            if isinstance(member, Polled):
                member.remember(self._books[i].ballots if self._books else None)
        if len(self._down) == len(self.members):  # as with a single teacher, a run tries again
            self._down.clear()

    async def label(self, texts: Sequence[str]) -> list[Answer]:
        """Give one answer per text, in order.

        Raises
        ------
        TeacherError
            All members have failed.
        NotAsked
            Stopped before anything was sent.
        CancelledError
            Stopped after some members were asked.
        """
        known = await asyncio.gather(*(self._known(i, texts) for i in range(len(self.members))))
        given: dict[str, dict[int, Answer]] = {text: {} for text in texts}
        new: dict[str, list[Answer]] = {text: [] for text in texts}
        while wanted := self._wanted(given, known):
            came = await asyncio.gather(
                *(self._ask(i, asked) for i, asked in wanted.items()), return_exceptions=True
            )
            answers = _unbroken(came, paid=any(new.values()))
            for (i, asked), theirs in zip(wanted.items(), answers, strict=True):
                for text, answer in zip(asked, theirs, strict=False):  # one that failed gave none
                    given[text][i] = answer
                    new[text].append(answer)
        if not all(given.values()):
            whys = (f"{self.members[i].name}: {why}" for i, why in sorted(self._down.items()))
            raise TeacherError(f"every member of the panel failed: {'; '.join(whys)}")
        return [count_members(given[text], new[text]) for text in texts]

    def halt(self) -> None:
        """Send nothing more in this run."""
        for member in self.members:
            if isinstance(member, Haltable):
                member.halt()

    async def close(self) -> None:
        """Close the members."""
        self._books = ()
        self._seats.clear()
        for member in self.members:
            await member.close()

    def _wanted(
        self, given: Mapping[str, dict[int, Answer]], known: Sequence[Mapping[str, Answer]]
    ) -> dict[int, list[str]]:
        """Texts that each member is to be asked about next; known answers are taken over."""
        wanted: dict[int, list[str]] = {}
        for text, answers in given.items():
            here = [i for i, theirs in enumerate(known) if text in theirs or i not in self._down]
            while turn := self._turn(here, answers):
                there = {i: known[i][text] for i in turn if text in known[i]}
                answers.update(there)
                if asked := [i for i in turn if i not in there]:
                    for i in asked:
                        wanted.setdefault(i, []).append(text)
                    break
        return wanted

    def _turn(self, here: Sequence[int], given: Mapping[int, Answer]) -> list[int]:
        """Members, of those that can answer, whose answer to a text is wanted next."""
        left = [i for i in here if i not in given]
        if not self.adaptive:
            return left
        first = [i for i in here[:2] if i not in given]
        if first or len(here) < 2:
            return first
        one, two = (given[i].label for i in here[:2])
        return left if one is None or one != two else []

    async def _known(self, i: int, texts: Sequence[str]) -> dict[str, Answer]:
        """Answers that a member has given before."""
        stored = await self._books[i].of(texts) if self._books and self._stores(i) else {}
        found = {**self._memories[i][self._second].of(texts), **stored}
        return {
            text: checked
            for text, answer in found.items()
            if (checked := self._checked(answer)).label is not None or text not in self._again
        }

    async def _ask(self, i: int, texts: list[str]) -> list[Answer]:
        """A member's answers, stored; none when it has failed as a whole."""
        member = self.members[i]
        # One that takes few calls at a time does so beside one that takes many.
        seat = self._seats.setdefault(i, asyncio.Semaphore(member.concurrency))
        async with seat:
            if i in self._down:
                return []
            started = time.monotonic()
            try:
                came = await member.label(texts)
            except TeacherError as error:
                self._down.setdefault(i, redact(" ".join(str(error).split())))
                return []
            seconds = (time.monotonic() - started) / len(texts)
        if len(came) != len(texts):
            why = f"its label method gave {len(came)} answers for {len(texts)} texts"
            self._down.setdefault(i, why)
            return []
        answers = [
            replace(answer, seconds=seconds if answer.seconds is None else answer.seconds)
            for answer in map(self._checked, map(storable, came))
        ]
        if not self._stores(i):
            # What a record does not hold it will not hold later: the text is not open.
            return [replace(answer, keep=True) for answer in answers]
        return await self._keep(i, list(zip(texts, answers, strict=True)))

    async def _keep(self, i: int, answered: list[tuple[str, Answer]]) -> list[Answer]:
        """Store a member's answers, and return those that stand."""
        others: Mapping[str, Answer] = {}
        memory = self._memories[i][self._second]
        if self._books:
            try:
                others = await self._books[i].put(answered)
            except StoreError:
                # Paid all the same; the panel's own answer will not be stored either, and say so.
                memory.put(answered)
        else:
            memory.put(answered)
        # What another process had stored before stays; what came is paid for none the less.
        return [
            replace(answer, label=others[text].label, reason=others[text].reason)
            if text in others
            else answer
            for text, answer in answered
        ]

    def _stores(self, i: int) -> bool:
        """Whether a member's answers are stored; a record is stored where it comes from."""
        return not isinstance(self.members[i], ReplayTeacher)

    def _checked(self, answer: Answer) -> Answer:
        if answer.label is None or answer.label in self.labels:
            return answer
        reason = f"answer is not one of the labels: {quoted(str(answer.label))}"
        return replace(answer, label=None, reason=reason)


def _unbroken(came: Sequence[Any], *, paid: bool) -> list[list[Answer]]:
    """Raise what broke; a stop, where something was asked already, as one that may be billed."""
    errors = [result for result in came if isinstance(result, BaseException)]
    broken = next((error for error in errors if not isinstance(error, NotAsked)), None)
    if broken is not None:
        raise broken
    if errors:
        raise NotAsked if len(errors) == len(came) and not paid else asyncio.CancelledError
    return list(came)


def _check_members(members: Sequence[Teacher]) -> None:
    if len(members) < 2:
        raise InvalidInput(
            f"a panel needs two teachers or more, got {len(members)}; give a single one by itself, "
            "not in a list"
        )
    first, seen = members[0], dict[str, str]()
    for member in members:
        if isinstance(member, PanelTeacher):
            raise InvalidInput(
                f"{member.name!r} is a panel itself; list its members among the others"
            )
        if set(member.labels) != set(first.labels):
            only = sorted(set(member.labels) ^ set(first.labels))
            raise InvalidInput(
                f"members of a panel must have the same labels, and those of {first.name!r} and "
                f"{member.name!r} differ in {quoted(', '.join(only))}; give both the same"
            )
        if _columns(member) != _columns(first):
            raise InvalidInput(
                f"members of a panel must read the same columns, and {first.name!r} reads "
                f"{list(_columns(first))}, {member.name!r} {list(_columns(member))}; name the same "
                "{{columns}} in their prompts, or none"
            )
        address = identity_address(member.identity)[0]
        if address in seen:
            raise InvalidInput(
                f"{seen[address]!r} and {member.name!r} are one and the same teacher, whose answers "
                "are stored once; leave one out, or ask it several times with votes=3"
            )
        seen[address] = member.name


def _columns(member: Teacher) -> tuple[str, ...]:
    return tuple(getattr(member, "columns", ()))


def _model(member: Teacher) -> str:
    """What decides answers and names the member, which a caption's name does not."""
    identity = member.identity
    return str(identity.get("model") or identity.get("name") or identity.get("teacher") or "?")
