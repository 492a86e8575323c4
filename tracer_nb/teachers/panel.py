"""A panel of teachers: each text is asked of several, and their answers make one label.

What a member answers is stored as its own, so that nobody is asked the same twice: not in another
panel, and not alone.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records import Answer
from tracer_nb.store.rows import plain_identity
from tracer_nb.teachers.arbiter import Arbiter
from tracer_nb.teachers.base import Haltable, NotAsked, Teacher
from tracer_nb.teachers.budget import total_cost
from tracer_nb.teachers.chat.reading import quoted
from tracer_nb.teachers.joint import count_members, vote_weights
from tracer_nb.teachers.membership import (
    COMBINATIONS,
    check_combination,
    check_members,
    columns_of,
    model_of,
)
from tracer_nb.teachers.seat import MemberBook, Seat
from tracer_nb.teachers.server import Secret

__all__ = ["SUPPOSED_DISPUTES", "PanelTeacher"]

SUPPOSED_DISPUTES = 0.25
"""Share of texts on which the first two members are taken to differ before any was asked about."""


class PanelTeacher:
    """Asks several teachers about each text; the label with most votes is the answer.

    A tie goes to the answer of the member that stands first among those who voted for a tied
    label. The shares of votes are the probabilities. With ``combine="dawid-skene"`` votes weigh
    as their members have been found to be right (:meth:`learn`), and the probabilities are the
    posterior; until that is learnt, they all weigh the same. A member that gave no label has no vote; one
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
    combine : str
        "majority", or "dawid-skene" with three members or more.
    arbiter : Teacher, optional
        Decides about each text to which members gave different labels, by choosing one of these.
        It is told them as ``{{candidates}}``; see :mod:`tracer_nb.teachers.arbiter`. What is none
        of them is no choice, and the votes stand.
    pairwise : bool
        Ask the arbiter about each two of these labels in both orders instead, where a model
        likes what stands first: an answer that depends on the order is a tie.

    Raises
    ------
    InvalidInput
        A single member, two that are the same teacher, or different labels or columns; or a
        combination or an arbiter that cannot be.
    """

    distribution = "votes"

    def __init__(
        self,
        members: Sequence[Teacher],
        *,
        adaptive: bool | None = None,
        combine: str = COMBINATIONS[0],
        arbiter: Teacher | None = None,
        pairwise: bool = False,
    ) -> None:
        self.members = tuple(members)
        check_members(self.members)
        for name, value in (("adaptive", adaptive), ("pairwise", pairwise)):
            if value is not None and not isinstance(value, bool):
                raise InvalidInput(f"{name} must be True or False, got {value!r}")
        n = len(self.members)
        self.adaptive = n > 2 if adaptive is None else adaptive and n > 2
        self.combine = check_combination(combine, n)
        self.labels = tuple(self.members[0].labels)
        self.columns = columns_of(self.members[0])
        self.arbiter: Arbiter | None = None
        if arbiter is not None:
            self.arbiter = Arbiter(arbiter, self.labels, self.columns, pairwise=pairwise)
        elif pairwise:
            raise InvalidInput("pairwise is how an arbiter is asked, and there is none; give one")
        self.everybody = self.members if arbiter is None else (*self.members, arbiter)
        self.accuracies: tuple[float, ...] | None = None
        self.name = " + ".join(member.name for member in self.members)
        if arbiter is not None:
            self.name += f", else {arbiter.name}"
        self.batch_size = min(member.batch_size for member in self.members)
        self.concurrency = max(member.concurrency for member in self.members)
        self.simulated = any(getattr(member, "simulated", False) for member in self.everybody)
        notes = dict.fromkeys(str(getattr(member, "note", "")) for member in self.everybody)
        self.note = " ".join(filter(None, notes))
        self.keeps = True
        self._seats = tuple(Seat(each, self._checked) for each in self.everybody)
        self._again = frozenset[str]()

    def __repr__(self) -> str:
        return f"PanelTeacher({self.name!r}, {len(self.labels)} labels)"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The identities of all that are asked, in order, and how their answers are combined."""
        identity: dict[str, Any] = {
            "teacher": "panel",
            "name": " + ".join(model_of(member) for member in self.members),
            "labels": list(self.labels),
            "adaptive": self.adaptive,
            "members": [plain_identity(member.identity) for member in self.members],
        }
        if self.combine != COMBINATIONS[0]:
            identity |= {"combine": self.combine, "accuracies": self.accuracies}
        if self.arbiter is not None:
            identity["arbiter"] = plain_identity(self.arbiter.teacher.identity)
            identity["pairwise"] = self.arbiter.pairwise
        return identity

    @property
    def learns(self) -> bool:
        """Whether it has yet to learn how right its members are."""
        return self.combine != COMBINATIONS[0] and self.accuracies is None

    def learn(self, accuracies: Iterable[float]) -> None:
        """Let votes weigh as members are right, from now on: this decides answers.

        Parameters
        ----------
        accuracies : iterable of float
            Of each member, between chance and 1; taken to three digits.
        """
        self.accuracies = tuple(round(float(each), 3) for each in accuracies)

    def learn_as(self, identity: Mapping[str, Any]) -> None:
        """Let votes weigh as in a panel of the same members that had this identity."""
        found = identity.get("accuracies")
        if self.learns and found and identity.get("members") == self.identity["members"]:
            self.learn(found)

    def asking_all(self) -> PanelTeacher:
        """The same members, asked all about each text, and no arbiter: to learn from.

        What they answer is stored as theirs, and nothing as that of a panel.
        """
        twin = copy.copy(self)  # with the same memories
        twin.adaptive, twin.combine, twin.arbiter = False, COMBINATIONS[0], None
        twin.keeps = False
        return twin

    @property
    def warnings(self) -> tuple[str, ...]:
        """Which members are left out, and what the others warn of."""
        down = [
            f"{seat.teacher.name} failed and is left out of the panel; the others go on: {seat.down}"
            for seat in self._seats
            if seat.down
        ]
        own = (line for member in self.everybody for line in getattr(member, "warnings", ()))
        return tuple(dict.fromkeys((*down, *own)))

    @property
    def server(self) -> str | None:
        """The one server that members ask; None where there are several, or none."""
        servers = {each.server for each in self.everybody if hasattr(each, "server")}
        return servers.pop() if len(servers) == 1 else None

    def use_key(self, key: Secret) -> None:
        """Give a key to the members that ask :attr:`server`; with several servers to nobody."""
        for member in self.everybody:
            if self.server is not None and hasattr(member, "use_key"):
                member.use_key(key)

    def cost_bound(self, text: str) -> float | None:
        """Dollars of the bounds of all that may be asked; None when one is unknown."""
        return total_cost(each.cost_bound(asked) for each, asked in self.questions(text))

    def token_bound(self, text: str) -> int | None:
        """Tokens of the bounds of those that count any; None when none does."""
        bounds = [each.token_bound(asked) for each, asked in self.questions(text)]
        known = [bound for bound in bounds if bound is not None]
        return sum(known) if known else None

    def cost_estimate(
        self, text: str, disputed: float = SUPPOSED_DISPUTES
    ) -> tuple[int, int, float | None]:
        """Estimate (prompt tokens, completion tokens, dollars or None) for ``text``.

        Parameters
        ----------
        text : str
        disputed : float
            How likely it is that the first members differ; 1 for the most that can be asked.
        """
        always = 2 if self.adaptive else len(self.members)
        prompt = completion = 0.0
        costs: list[float | None] = []
        for i, (teacher, asked) in enumerate(self.questions(text)):
            share = 1.0 if i < always else disputed
            n_prompt, n_completion, cost = teacher.cost_estimate(asked)
            prompt, completion = prompt + share * n_prompt, completion + share * n_completion
            costs.append(None if cost is None else share * cost)
        return round(prompt), round(completion), total_cost(costs)

    def questions(self, text: str) -> list[tuple[Teacher, str]]:
        """All that may be asked about a text, and of whom; those of an arbiter at their longest."""
        asked = [(member, text) for member in self.members]
        if self.arbiter is not None:
            longest = self.arbiter.longest(text, len(self.members))
            asked += [(self.arbiter.teacher, document) for document in longest]
        return asked

    def remembered(self, texts: Iterable[str]) -> tuple[dict[str, Answer], ...]:
        """What each member has answered, first answers, that is in no store."""
        texts = list(texts)
        return tuple(seat.remembered(texts) for seat in self._seated)

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
            Where the answers of each are kept, the arbiter last; None: in memory.
        second : bool
            Second answers are asked for; the first ones say nothing about them.
        again : collection of str
            Texts about which members are asked again that gave no label.
        """
        self._again = frozenset(again)
        for i, seat in enumerate(self._seats):
            seat.sit(None if books is None else books[i], second=second)
        if all(seat.down for seat in self._seated):  # as with a single teacher, a run tries again
            for seat in self._seats:
                seat.down = ""

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
        known = await asyncio.gather(*(self._known(seat, texts) for seat in self._seated))
        given: dict[str, dict[int, Answer]] = {text: {} for text in texts}
        new: dict[str, list[Answer]] = {text: [] for text in texts}
        while wanted := self._wanted(given, known):
            came = await asyncio.gather(
                *(self._seats[i].ask(asked) for i, asked in wanted.items()), return_exceptions=True
            )
            answers = _unbroken(came, paid=any(new.values()))
            for (i, asked), theirs in zip(wanted.items(), answers, strict=True):
                for text, answer in zip(asked, theirs, strict=False):  # one that failed gave none
                    given[text][i] = answer
                    new[text].append(answer)
        if not all(given.values()):
            whys = (f"{seat.teacher.name}: {seat.down}" for seat in self._seated if seat.down)
            raise TeacherError(f"every member of the panel failed: {'; '.join(whys)}")
        decided = await self._arbitrate(given, new)
        made = [self.joint(given[t], new[t], **decided.get(t, {})) for t in texts]
        return made if self.keeps else [replace(answer, keep=False) for answer in made]

    def joint(
        self, given: Mapping[int, Answer], new: Sequence[Answer] = (), **decided: Any
    ) -> Answer:
        """One answer from those of members by their place, as :func:`count_members` makes it."""
        n = len(self.labels)
        weights = None if self.accuracies is None else vote_weights(self.accuracies, n)
        return count_members(given, new, weights=weights, n_labels=n, **decided)

    def halt(self) -> None:
        """Send nothing more in this run."""
        for member in self.everybody:
            if isinstance(member, Haltable):
                member.halt()

    async def close(self) -> None:
        """Close the members."""
        for seat in self._seats:
            await seat.close()

    @property
    def _seated(self) -> tuple[Seat, ...]:
        """The members, without the arbiter."""
        return self._seats[: len(self.members)]

    async def _arbitrate(
        self, given: Mapping[str, dict[int, Answer]], new: dict[str, list[Answer]]
    ) -> dict[str, dict[str, Any]]:
        """What the arbiter says about texts with several labels; what it took goes to ``new``."""
        arbiter, asked = self.arbiter, dict[str, tuple[list[str], list[str]]]()
        for text, answers in given.items() if arbiter is not None else ():
            labels = (answers[i].label for i in sorted(answers))
            rivals = list(dict.fromkeys(label for label in labels if label is not None))
            if arbiter is not None and len(rivals) > 1 and count_members(answers, ()).keep:
                asked[text] = rivals, arbiter.questions(text, rivals)
        if arbiter is None or not asked:
            return {}
        seat = self._seats[-1]
        wanted = [document for _, documents in asked.values() for document in documents]
        found = await self._known(seat, wanted)
        missing = [document for document in wanted if document not in found]
        if missing and not seat.down:
            came = await asyncio.gather(seat.ask(missing), return_exceptions=True)
            said = _unbroken(came, paid=any(new.values()))[0]
            now = dict(zip(missing, said, strict=False))  # one that failed gave none
            found.update(now)
            for text, (_, documents) in asked.items():
                new[text] += [now[document] for document in documents if document in now]
        decided: dict[str, dict[str, Any]] = {}
        for text, (rivals, documents) in asked.items():
            its = [found[document] for document in documents if document in found]
            failed = next((answer for answer in its if not answer.keep), None)
            verdict = arbiter.verdict(text, rivals, found)
            decided[text] = {"undecided": failed} if failed else {"verdict": verdict}
        return decided

    def _wanted(
        self, given: Mapping[str, dict[int, Answer]], known: Sequence[Mapping[str, Answer]]
    ) -> dict[int, list[str]]:
        """Texts that each member is to be asked about next; known answers are taken over."""
        wanted: dict[int, list[str]] = {}
        for text, answers in given.items():
            here = [
                i for i, theirs in enumerate(known) if text in theirs or not self._seats[i].down
            ]
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

    async def _known(self, seat: Seat, texts: Sequence[str]) -> dict[str, Answer]:
        """Answers given before, but for those without a label that are asked for again."""
        found = await seat.known(texts)
        return {
            text: answer
            for text, answer in found.items()
            if answer.label is not None or text not in self._again
        }

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
