"""Where the members of a panel keep their answers in a run: in the run's store, each as its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracer_nb.labelling.keep import Commits, Groups, Pairs
from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import again_identity, identity_address, is_again
from tracer_nb.teachers.panel import PanelTeacher
from tracer_nb.teachers.voting import Ballots

__all__ = ["JointCommits", "StoredMember", "seat_members"]


class JointCommits(Commits):
    """Puts answers of several teachers into a store, those that wait together in one commit.

    One for each member would bound a panel by the disk. A text is known here by the number of
    the teacher, a space, and the text.

    Parameters
    ----------
    store : LabelStore
    identities : sequence of mapping
        By the numbers of the teachers.
    writer, again, labels
        As of :class:`~tracer_nb.labelling.keep.Commits`.
    """

    def __init__(
        self,
        store: LabelStore,
        identities: Sequence[Mapping[str, Any]],
        writer: ThreadPoolExecutor,
        again: Collection[str],
        labels: Sequence[str],
    ) -> None:
        super().__init__(store, {}, writer, again, labels)
        self._identities = identities

    def _commit(self, group: Pairs) -> dict[str, Answer]:
        theirs: dict[int, Pairs] = {}
        for key, answer in group:
            number, _, text = key.partition(" ")
            theirs.setdefault(int(number), []).append((text, answer))
        found = self._commit_as([(self._identities[i], pairs) for i, pairs in theirs.items()])
        return {
            f"{i} {text}": answer
            for i, others in zip(theirs, found, strict=True)
            for text, answer in others.items()
        }

    def _put(self, groups: Groups) -> int:
        kept = [(each, [pair for pair in group if pair[1].keep]) for each, group in groups]
        if not any(group for _, group in kept):
            return 0
        with self._store.writing() as db:
            return sum(self._store.insert(db, each, group) for each, group in kept if group)


class StoredMember:
    """The answers of one member in a label store.

    Parameters
    ----------
    store : LabelStore
    number : int
        Of the member.
    identity : mapping
        Under which its answers are stored.
    commits : JointCommits
        Of all members.
    ballots : Ballots
        Its votes, where it asks several times.
    """

    def __init__(
        self,
        store: LabelStore,
        number: int,
        identity: Mapping[str, Any],
        commits: JointCommits,
        ballots: Ballots,
    ) -> None:
        self.ballots = ballots
        self._store = store
        self._number = number
        self._identity = identity
        self._commits = commits
        self._began_empty: bool | None = None

    async def of(self, texts: Sequence[str]) -> Mapping[str, Answer]:
        """Stored answers to those of ``texts`` that have one.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if self._began_empty is None:
            known = self._store.select(
                "SELECT 1 FROM answers WHERE identity_id = ? LIMIT 1",
                [identity_address(self._identity)[0]],
            )
            self._began_empty = not known
        # No text is asked twice in a run, so that only another process has written since.
        if self._began_empty and not self._commits.shared:
            return {}
        # Not in the writer's thread, where each look would wait for the commits of others.
        return self._store.get_many(self._identity, texts)

    async def put(self, answered: Sequence[tuple[str, Answer]]) -> Mapping[str, Answer]:
        """Return when these are on disk, with what others had stored before.

        Raises
        ------
        StoreError
            The commit failed.
        """
        mine = {f"{self._number} {text}": text for text, _ in answered}
        others = await self._commits.put(
            (key, answer) for key, (_, answer) in zip(mine, answered, strict=True)
        )
        return {mine[key]: answer for key, answer in others.items() if key in mine}


def seat_members(
    panel: PanelTeacher,
    store: LabelStore | None,
    identity: Mapping[str, Any],
    writer: ThreadPoolExecutor,
    again: Collection[str],
) -> None:
    """Get a panel ready for a run.

    Parameters
    ----------
    panel : PanelTeacher
    store : LabelStore or None
    identity : mapping
        Under which the run stores the panel's answers: of first ones, or of second ones.
    writer : ThreadPoolExecutor
    again : collection of str
        Texts about which the run asks again, if their answer holds no label.
    """
    second = is_again(identity)
    books: list[StoredMember] | None = None
    if store is not None:
        own = [each.identity for each in panel.everybody]
        if second:
            own = [again_identity(each) for each in own]
        commits = JointCommits(store, own, writer, again, panel.labels)
        books = [
            StoredMember(store, i, each, commits, Ballots(store, each, writer, again))
            for i, each in enumerate(own)
        ]
    panel.sit(books, second=second, again=again)
