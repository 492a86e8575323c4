"""What is to be expected of the open rows, seen by a quick surrogate that is refitted after every batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, Draw
from tracer_nb.draws.aims import Aim, Standing
from tracer_nb.draws.chain import Chain, best_rule
from tracer_nb.draws.opinions import Pools, Rule
from tracer_nb.engine import ExtraRows
from tracer_nb.engine.growing import Sketch, best_view, looked_at, sketch, smoothed
from tracer_nb.engine.outlook import Outlook
from tracer_nb.engine.zoo import Matrix
from tracer_nb.labelsets import sets_of
from tracer_nb.records.preparing import Preparing, tell_preparing

__all__ = ["Seen", "Surveyor"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a quick surrogate says of the open rows.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        The open rows that were looked at.
    sure : ndarray of shape (n,)
        How sure it is of each; in a chain, with whomever else was heard about the row.
    X : matrix of shape (n_texts, d)
        All texts prepared.
    rule : Rule
        Whom a chain hears about a row.
    wanted : dict of ndarray of int
        By stage, texts about which it is to be heard, the least sure first.
    ahead : callable or None
        What :func:`~tracer_nb.engine.outlook.look_ahead` says of them, with some arguments changed:
        of selective agreement, without a chain.
    """

    rows: NDArray[np.intp]
    sure: NDArray[np.float64]
    X: Matrix
    rule: Rule = field(default_factory=Rule)
    wanted: Mapping[int, NDArray[np.intp]] = field(default_factory=dict)
    ahead: Callable[..., Outlook] | None = None

    def hardest(
        self, codes: NDArray[np.intp], among: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows that may be asked about, no text twice, and how sure it is of each.

        Parameters
        ----------
        codes : ndarray of shape (n_rows,), int
            Text of each row of the column.
        among : ndarray of int
            Rows that may be asked about.
        """
        may = np.isin(self.rows, among)
        rows, sure = self.rows[may], self.sure[may]
        one_each = np.unique(codes[rows], return_index=True)[1]
        return rows[one_each], sure[one_each]


class Surveyor:
    """Looks at the open rows of a column.

    Parameters
    ----------
    aim : Aim
        What the column is looked at for.
    aside : ndarray of int
        Rows that are set aside: their texts leave no trace in what others are smoothed over.
    chain : Chain
        Without opinions where there is none.
    """

    def __init__(self, aim: Aim, aside: NDArray[np.intp], chain: Chain) -> None:
        self.aim, self.aside, self.chain = aim, aside, chain
        self.column, self.seed = aim.column, aim.terms.seed
        # Where a row has several labels.
        self.sets = sets_of(aim.classes)
        # Without names of labels, and with them.
        self._sketches: dict[bool, Sketch] = {}
        # Of a chain: the last one whole, as it was fitted; opinions change without a new answer.
        self._drawn: tuple[bytes, Sketch | None] | None = None
        self._smooth: tuple[Any] | None = None
        self._prepared: Matrix | None = None
        self._others: Callable[[Sequence[Matrix]], Matrix] | None = None
        self._last: dict[bool, tuple[bytes, tuple[Outlook, Seen | None]]] = {}

    def look(
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        open_: NDArray[np.intp],
        n_round: int,
        names: ExtraRows | None = None,
    ) -> tuple[Outlook, Seen | None]:
        """The best test of the open rows, and how sure a quick surrogate is of each.

        Parameters
        ----------
        draws : tuple of Draw
            Texts of which are fitted on, where they have an answer.
        labels : ndarray of shape (n_texts,), int
        open_ : ndarray of int
            Open rows.
        n_round : int
            Of the test to come.
        names : ExtraRows, optional
            What the labels are called, as rows to fit on if they know something: where few rows are
            asked about.

        Returns
        -------
        Outlook
        Seen or None
            None where there is a single label.
        """
        texts, by_chance = self.column.fitted_on(draws, labels)
        at = self.aim.standing(draws, labels, len(open_), n_round)
        # A step that ends where a test would begin is followed by one that begins there.
        said = (
            None
            if self.chain.opinions is None
            else (
                self.chain.opinions.digest(),
                self.chain.prices,
                self.chain.room,
                self.chain.texts,
            )
        )
        key = hashlib.sha256(repr((at, said)).encode())
        for part in (texts, by_chance, labels[texts], open_):
            key.update(part.tobytes())
        by_name = names is not None
        if by_name not in self._last or self._last[by_name][0] != key.digest():
            n_before = sum(draw.purpose == HARD for draw in draws)
            tell_preparing(Preparing("batch", 1 + n_before))
            found = self._look(texts, by_chance, labels, open_, at, names)
            self._last[by_name] = key.digest(), found
        return self._last[by_name][1]

    def _look(  # noqa: PLR0917  what one look goes by
        self,
        texts: NDArray[np.intp],
        by_chance: NDArray[np.bool_],
        labels: NDArray[np.intp],
        open_: NDArray[np.intp],
        at: Standing,
        names: ExtraRows | None,
    ) -> tuple[Outlook, Seen | None]:
        labels = self.aim.told(labels)
        ahead = self.aim.ahead(at)
        known = labels[texts] >= 0
        rows = looked_at(open_, self.seed)
        X = self._prepare(texts[by_chance & known], labels)
        own = texts[known]
        bare = texts[~known]
        rest = X[np.r_[self.column.codes[rows], bare]]
        before = self._sketches.get(names is not None)
        key = b"".join(part.tobytes() for part in (own, bare, labels[own], rows))
        if self._drawn is not None and self._drawn[0] == key:
            found = self._drawn[1]
        else:
            found = sketch(X[own], labels[own], rest, before, sets=self.sets)
            self._drawn = None if self.chain.opinions is None else (key, found)
        if found is not None and names is not None and self.sets is None:
            assert self._others is not None  # noqa: S101  all is prepared
            number = {name: i for i, name in enumerate(self.aim.classes)}
            which = np.array([number[name] for name in np.asarray(names.y).tolist()])
            other = sketch(X[own], labels[own], rest, names=(self._others(names.X), which))
            # Out-of-fold answers to random rows tell whether the names know something.
            chance = by_chance[known]
            if other is not None and other.agree[chance].sum() > found.agree[chance].sum():
                found = other
        if found is None:
            return ahead(np.empty(0), np.empty(0), *[np.empty(0, dtype=bool)] * 2), None
        self._sketches[names is not None] = replace(found, outputs=None, out_of_fold=None)
        chance = np.r_[by_chance[known], by_chance[~known]]
        if self.chain.opinions is not None:
            codes = np.r_[np.searchsorted(found.present, labels[own]), np.full(len(bare), -1)]
            assert found.outputs is not None and found.out_of_fold is not None  # noqa: S101, PT018
            left_out = np.vstack([found.out_of_fold, found.outputs[len(rows) :]])
            labelled = np.r_[own, bare]
            pools = Pools(left_out, labelled, codes, chance, self.chain.opinions, found.present)
            weighted = (~chance).sum() / max((self.column.codes >= 0).sum(), 1)
            weigh = partial(ahead, by_chance=chance, calibrated=True, chosen=float(weighted))
            return self._weighed(rows, found.outputs[: len(rows)], X, pools, weigh, len(open_))
        outlook, sure = self.aim.expect(found, len(bare), chance, at)
        seen = Seen(rows, sure, X)
        if self.aim.plain:
            seen = replace(seen, ahead=partial(ahead, *found.with_bare(len(bare)), chance))
        return outlook, seen

    def _weighed(  # noqa: PLR0917  what one look has found
        self,
        rows: NDArray[np.intp],
        own: NDArray[np.floating],
        X: Matrix,
        pools: Pools,
        ahead: Callable[..., Outlook],
        n_open: int,
    ) -> tuple[Outlook, Seen]:
        """The same for a chain: what the surrogate says, pooled with the stages' answers."""
        texts = self.column.codes[rows]
        purse = self.chain.purse(pools.n_labelled)
        rule, outlook, expected, pays = best_rule(
            *(pools, own, texts, self.chain.prices),
            ahead,
            scale=n_open / max(len(rows), 1),
            purse=purse,
            room=(self.chain.room, self.chain.texts),
            seed=self.seed,
        )
        now = pools.now(own, texts)[1]
        # Rows that were not heard about as things stand are none that it pays for.
        waiting = pools.by_rule(rule, own, texts)[2] if pays else {}
        least = np.argsort(now, kind="stable")
        wanted = {
            stage: np.array(list(dict.fromkeys(texts[least[np.isin(least, at)]].tolist())), int)
            for stage, at in waiting.items()
            if len(at)
        }
        # A row that is heard next may need no teacher; one that was heard in vain does.
        afford = {s: int(purse / max(self.chain.prices[s], 1e-9)) for s in wanted}
        wanted = {s: each[: afford[s]] for s, each in wanted.items() if afford[s] > 0}
        return outlook, Seen(rows, np.maximum(now, expected), X, rule, wanted)

    def warm(self) -> None:
        """Work out what needs no answer, while the first ones are waited for."""
        if self._prepared is None and self._smooth is None:
            used = np.ones(self.column.n_texts, dtype=bool)
            used[self.column.codes[self.aside]] = False
            self._smooth = (smoothed(self.column.X, used, self.seed),)

    def _prepare(self, pilot: NDArray[np.intp], labels: NDArray[np.intp]) -> Matrix:
        """All texts, in the view that answers most of the start; found once."""
        if self._prepared is None:
            self.warm()
            assert self._smooth is not None  # noqa: S101  it is warm
            self._prepared, self._others = best_view(
                *(self.column.X, *self._smooth, pilot, labels[pilot]), self.sets
            )
            self._smooth = None
        return self._prepared
