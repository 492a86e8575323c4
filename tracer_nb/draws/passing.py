"""Which tests passed, and what that leaves to the teacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import TEST, Draw
from tracer_nb.draws.freezing import Freezer
from tracer_nb.draws.frozen import Frozen
from tracer_nb.draws.moves import Done
from tracer_nb.draws.opinions import Opinions, Rule
from tracer_nb.records import Certificate

__all__ = ["Passing", "best_look"]


def best_look(
    test: Callable[[int], Certificate], looks: int, complete: Sequence[bool]
) -> Certificate | None:
    """The certificate with the loosest threshold that passed at one of the first looks.

    Parameters
    ----------
    test : callable
        The certificate at a look, such as :meth:`~tracer_nb.draws.aims.Aim.certify`.
    looks : int
    complete : sequence of bool
        Whether every row of each of the test's looks has an answer. One that is not complete is
        never taken, but for the last, at which rows without an answer are disagreements.
    """
    best: Certificate | None = None
    for k in range(looks):
        if not complete[k] and k < len(complete) - 1:
            continue
        found = test(k)
        if found.certified and (best is None or found.threshold < best.threshold):
            best = found
    return best


class Passing:
    """Looks at the tests on record, each with what was frozen for it.

    Parameters
    ----------
    freezer : Freezer

    Attributes
    ----------
    opinions : Opinions or None
        Of a chain. Whoever has them sets them.
    """

    def __init__(self, freezer: Freezer) -> None:
        self._freezer, self._column, self._terms = freezer, freezer.column, freezer.terms
        self.opinions: Opinions | None = None

    def frozen_of(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> Frozen | None:
        """What the last of these draws tests; None where something has changed since."""
        before, draw = draws[:-1], draws[-1]
        if draw.promise != self._terms.promised:
            return None
        labels = self._column.as_then(draw, labels)
        chain = None
        state = self._freezer.state(before, labels)
        if self.opinions is not None:
            chain = self.opinions.only(draw.heard, draw.quiet), Rule(draw.used, draw.cut)
            state = f"{state} {chain[0].digest()}"
        if state != draw.state:
            return None
        size = len(draw.rows)
        return self._freezer.plan(before, labels, draw.round, size, chain, last=draw.last)[1]

    def waiting(self, draw: Draw, labels: NDArray[np.intp], look: int) -> NDArray[np.intp]:
        """Texts of a test that have no answer yet, and are wanted for a look."""
        return self._column.unasked(draw.rows[: draw.looks[look].n_rows], labels)

    def looked(
        self,
        before: tuple[Draw, ...],
        draw: Draw,
        frozen: Frozen,
        labels: NDArray[np.intp],
        *,
        looks: int,
    ) -> Certificate | None:
        """The best certificate of the first looks; None where none passed."""
        labels = self._column.as_then(draw, labels)
        open_, aim = self._column.open_rows(before), self._freezer.aim
        return best_look(
            lambda look: aim.certify(frozen, open_, before, draw, look, labels),
            looks,
            [not len(self.waiting(draw, labels, k)) for k in range(len(draw.looks))],
        )

    def lost(
        self,
        before: tuple[Draw, ...],
        draw: Draw,
        frozen: Frozen,
        labels: NDArray[np.intp],
        look: int,
    ) -> bool:
        """Whether no look behind this one can pass, its rows being answered."""
        if len(self.waiting(draw, labels, look)):
            return False
        labels = self._column.as_then(draw, labels)
        open_ = self._column.open_rows(before)
        return self._freezer.aim.lost(frozen, open_, before, draw, look, labels)

    def certified(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp]
    ) -> list[tuple[Done, NDArray[np.intp]]]:
        """What passed until now, each with the rows that are handled by it."""
        found = []
        for i, draw in enumerate(draws):
            if draw.purpose == TEST and draw.found == "passed":
                before, tested = draws[:i], draws[: i + 1]
                frozen = self.frozen_of(tested, labels)
                if frozen is None:
                    continue
                certificate = self.looked(before, draw, frozen, labels, looks=len(draw.looks))
                if certificate is not None:
                    open_ = self._column.open_rows(before)
                    scores = frozen.scores[self._column.codes[open_]]
                    done = Done(draws, "", frozen, certificate, tested=tested)
                    found.append((done, open_[scores >= certificate.threshold]))
        return found

    def best(self, done: Done, labels: NDArray[np.intp]) -> Done:
        """What saves most of all that passed; any may be delivered. As it was where nothing did."""
        open_ = self._column.open_rows(done.draws)
        passed = self.certified(done.draws, labels)
        return max(passed, key=lambda each: np.isin(open_, each[1]).sum(), default=(done, open_))[0]

    def deferred(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Open rows that nothing certified handles: they will be asked about."""
        open_ = self._column.open_rows(draws)
        best = max((rows for _, rows in self.certified(draws, labels)), key=len, default=None)
        return open_ if best is None else np.setdiff1d(open_, best)
