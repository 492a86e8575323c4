"""Jobs for several promises at once: one freeze, one shuffle of the open rows, and a test of each promise.

Every test has its share of the error budget, and rows and looks that are fixed when all is frozen: the
first of the shuffled rows, or the first of those that are not given a label. Each is a simple random
sample of what it speaks about, so that each holds by itself and all of them by the union bound, though
they read the same rows. What is handled has passed them all. GUARANTEES, "Several promises, hard rows
first".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import Draw, Look
from tracer_nb.draws.aims import Aim, Standing, WholeOutput
from tracer_nb.draws.filters import Precision, Recall
from tracer_nb.draws.fitted import Fitted
from tracer_nb.draws.frozen import Frozen, plan_test
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.draws.outlooks import Outlooks, for_label, of_all, of_label, stricter
from tracer_nb.draws.owntests import Answered, FrozenTogether, Made, OwnTest, Tested
from tracer_nb.draws.reading import plan_reading
from tracer_nb.draws.sampling import Wanted
from tracer_nb.draws.stopping import none_given, plan_looks, too_few_wanted
from tracer_nb.engine.certificates import common_threshold
from tracer_nb.engine.growing import Sketch
from tracer_nb.engine.outlook import Outlook
from tracer_nb.engine.zoo import Matrix
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import sets_of
from tracer_nb.records import HANDLED, Certificate, PromiseName, tested_apart

__all__ = ["Together", "aim_of"]

_TRIED, _WORTH = 0.4, 0.02


@dataclass(frozen=True, slots=True)
class _Standings(Standing):
    """How far a job is: by the promise of each label, too."""

    parts: tuple[Standing, ...] = ()
    # Labels of the texts that are fitted on; told apart elsewhere.
    said: NDArray[np.intp] = field(
        default_factory=lambda: np.empty(0, dtype=np.intp), repr=False, compare=False
    )


class Together(Aim):
    """Several promises, kept by one threshold.

    Selective agreement, or that of the output, goes along the thresholds as it does alone. The recall
    of a label is tested on the same rows where enough of these have it; a rare label is looked for as it
    is alone: likely rows are asked about, then others are read.
    """

    def __init__(self, column: Column, classes: tuple[str, ...], terms: Terms) -> None:
        super().__init__(column, classes, terms)
        self.apart = tested_apart(terms.promises)
        alone = replace(terms, beside=(), shares=len(self.apart))
        own = {name: replace(alone, promise=name) for name in terms.promises}
        self.own = own
        self.n_rows = int((column.codes >= 0).sum())
        self.base: Aim | None = None
        output = next((name for name in own if name.kind == "output"), None)
        if HANDLED in own:
            self.base = Aim(column, classes, own[HANDLED])
        elif output is not None:
            self.base = WholeOutput(column, classes, own[output])
        self.labels = [
            Recall(column, classes, terms_of)
            for name, terms_of in own.items()
            if name.kind == "recall"
        ]

    def delta(self, n_round: int) -> float:
        """See :meth:`Aim.delta`: of all tests together."""
        return sum(self.own[name].delta(n_round) for name in self.apart)

    # Before anything is frozen -------------------------------------------------------------------

    def fewest(self, n_open: int, n_round: int = 1) -> int:
        """See :meth:`Aim.fewest`."""
        return 1 if self.base is None else self.base.fewest(n_open, n_round)

    def too_few(self, n_open: int, n_round: int = 1) -> str:
        """See :meth:`Aim.too_few`."""
        return (self.base or self.labels[0]).too_few(n_open, n_round)

    def none_saved(self, n_rows: int, n_start: int) -> str:
        """See :meth:`Aim.none_saved`."""
        return (self.base or self.labels[0]).none_saved(n_rows, n_start)

    def standing(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], n_open: int, n_round: int
    ) -> Standing:
        """See :meth:`Aim.standing`."""
        at = super().standing(draws, labels, n_open, n_round)
        texts = self.column.fitted_on(draws, labels)[0]
        said = labels[texts]
        return _Standings(
            *(at.n_labels, at.n_open, at.n_round),
            parts=tuple(aim.standing(draws, labels, n_open, n_round) for aim in self.labels),
            said=said[said >= 0],
        )

    def expect(
        self, found: Sketch, n_bare: int, chance: NDArray[np.bool_], at: Standing
    ) -> tuple[Outlook, NDArray[np.float64]]:
        """See :meth:`Aim.expect`: rows are chosen for a promise that is not worth testing yet."""
        assert isinstance(at, _Standings)  # noqa: S101  standing() has made it
        margins, left_out, _ = found.with_bare(n_bare)
        n, n_known = len(margins), len(found.left_out)
        base = None if self.base is None else self.base.expect(found, n_bare, chance, at)[0]
        looked: list[tuple[Outlook, bool]] = []
        likely: list[NDArray[np.float64]] = []
        for aim, own_at in zip(self.labels, at.parts, strict=True):
            own, own_left_out = for_label(found, aim.wanted)
            wanted = Wanted.guess(
                (margins, left_out[:n_known]),
                (own[:n] > 0, own_left_out[:n_known] > 0),
                at.said == aim.wanted,
                chance[:n_known],
                known=own_at.late.n_known,
                n_open=at.n_open,
                failed=at.n_round - 1,
            )
            outlook, reads = of_label(aim, own_at, wanted, base)
            looked.append((outlook, reads))
            if reads and not self._ready(aim, outlook, at):
                likely.append(-own[:n])
        whole = of_all(at, base, looked)
        # Rows that agreement asks about first teach the labels, too: they are chosen for it until it is
        # worth testing.
        if not likely or (self.base and base and not self._ready(self.base, base, at)):
            return whole, margins
        order = np.min(likely, axis=0)
        # Below 0, which no margin is, where the likeliest rows are wanted: see choose().
        return whole, order - order.max() - 1.0

    def choose(
        self, sure: NDArray[np.float64], X: Matrix, size: int, waiting: Matrix
    ) -> NDArray[np.intp]:
        """See :meth:`Aim.choose`; where rows with a label are looked for, the likeliest."""
        if (sure < 0).any():
            return np.argsort(sure, kind="stable")[:size]
        return super().choose(sure, X, size, waiting)

    @staticmethod
    def _ready(aim: Aim, outlook: Outlook, at: Standing) -> bool:
        return aim.worth(outlook, at.n_open, at.n_open, full=False, grown=True)

    def worth(self, outlook: Outlook, n_open: int, n_left: int, *, full: bool, grown: bool) -> bool:
        """See :meth:`Aim.worth`: each of them is."""
        if not isinstance(outlook, Outlooks) or not outlook.n_test:
            return False
        how = {"full": full, "grown": grown}
        return all(aim.worth(own, n_open, n_left, **how) for aim, own in self._with_aims(outlook))

    def nearly(self, outlook: Outlook, n_open: int, n_left: int, *, eager: bool) -> bool:
        """See :meth:`Aim.nearly`."""
        if not isinstance(outlook, Outlooks) or not outlook.n_test:
            return False
        return all(
            aim.nearly(own, n_open, n_left, eager=eager) for aim, own in self._with_aims(outlook)
        )

    def _with_aims(self, outlook: Outlooks) -> list[tuple[Aim, Outlook]]:
        of_base = [(self.base, outlook.base)]
        parts = [(a, o) for a, o in of_base if a is not None and o is not None]
        return [*parts, *zip(self.labels, outlook.labels, strict=True)]

    def counted(self, said: NDArray[np.intp], by_chance: NDArray[np.bool_]) -> dict[str, int]:
        """See :meth:`Aim.counted`; of the labels that of which there is least."""
        found = super().counted(said, by_chance)
        n = [int((said == aim.wanted).sum()) for aim in self.labels]
        rarest = int(np.argmin(n)) if n else -1
        return {**found, "n_wanted": min(n, default=0), "rarest": rarest}

    def hopeless(self, outlook: Outlook, n_open: int, n_rows: int, **counted: int) -> str:
        """See :meth:`Aim.hopeless`: one of them is."""
        if isinstance(outlook, Outlooks) and self.base is not None and outlook.base is not None:
            why = self.base.hopeless(outlook.base, n_open, n_rows, **counted)
            if why:
                return why
        worth_it = outlook.n_test and n_rows - outlook.bill >= _WORTH * n_rows
        if worth_it or outlook.n_labels < _TRIED * n_rows or not self.labels:
            return ""
        label = self.classes[self.labels[counted["rarest"]].wanted]
        if not counted["n_wanted"]:
            return none_given(outlook.n_labels, label, counted["n_random"])
        return too_few_wanted(outlook.n_labels, n_rows, label, self.terms.target)

    # What is frozen, and its tests ---------------------------------------------------------------

    def plan(
        self,
        fitted: Fitted,
        open_: NDArray[np.intp],
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        n_round: int,
        **how: Any,
    ) -> Frozen:
        """See :meth:`Aim.plan`."""
        at = self.standing(draws, labels, len(open_), n_round)
        assert isinstance(at, _Standings)  # noqa: S101  just made
        base = None
        if self.base is not None:
            frozen = self.base.plan(fitted, open_, draws, labels, n_round, **how)
            base, thresholds = frozen.outlook, frozen.thresholds
        else:  # misses only grow along the path: every threshold may be tried
            frozen = plan_test(
                *(fitted, self.column.codes[open_]),
                n_labels=at.n_labels,
                target=self.terms.target,
                delta=self.delta(n_round),
                failed=n_round - 1,
                seed=self.terms.seed,
                n_delivered=self.n_rows,
                **how,
            )
            thresholds = np.unique(np.r_[frozen.thresholds, 0.0])[::-1]
        tests: dict[PromiseName, OwnTest] = {}
        looked: list[tuple[Outlook, bool]] = []
        for aim, own_at in zip(self.labels, at.parts, strict=True):
            wanted = self._frozen_wanted(aim, fitted, open_, own_at, labels)
            outlook, reads = of_label(aim, own_at, wanted, base, most=how["most"], frozen=True)
            looked.append((outlook, reads))
            delta = aim.terms.delta(n_round)
            looks: tuple[tuple[int, float], ...] = ()
            if outlook.n_test:
                looks = ((outlook.n_test, delta),)
            if reads:
                levels = wanted.known, aim.terms.target, delta, how["most"]
                looks = plan_reading(wanted.n_dropped, *levels)
            tests[aim.terms.promise] = OwnTest(aim.terms.promise, looks, reads)
        whole = of_all(at, base, looked)
        last = max((look[0] for test in tests.values() for look in test.looks), default=0)
        whole = replace(whole, n_test=max(whole.n_test, last) if whole.n_test else 0)
        sampled = [outlook for outlook, reads in looked if not reads]
        # What is tested for a label tells of agreement, too.
        size = max([base.n_test if base else 0, *(outlook.n_test for outlook in sampled)])
        size = min(size, len(open_))
        if HANDLED in self.own:
            planned = plan_looks(size, self.own[HANDLED].delta(n_round))
            looks = tuple((look.n_rows, look.error) for look in planned)
            tests[HANDLED] = OwnTest(HANDLED, looks)
            if size and sampled:
                strict = min(outlook.coverage for outlook in sampled)
                fewest = self.fewest(len(open_), n_round)
                thresholds = stricter(frozen, self.column.codes[open_], strict, fewest / size)
        for name in (name for name in self.own if name not in tests):
            looks = ((size, self.own[name].delta(n_round)),)
            tests[name] = OwnTest(name, looks)
            if name not in self.apart:
                tests[name] = replace(tests[HANDLED], promise=name, implied=True)
        parts = fitted.fit, fitted.answers, fitted.scores, fitted.labelled, fitted.codes
        ordered = tuple(tests[name] for name in self.own)
        return FrozenTogether(*parts, thresholds, whole, tests=ordered)

    def _frozen_wanted(
        self,
        aim: Recall,
        fitted: Fitted,
        open_: NDArray[np.intp],
        at: Standing,
        labels: NDArray[np.intp],
    ) -> Wanted:
        """Rows with a label among the open ones, by what was fitted."""
        scores, _, by_chance = fitted.left_out
        pilots = [fitted.fit.pilot, *filter(None, [fitted.fit.extra_pilot])]
        codes = np.concatenate([np.asarray(pilot.codes) for pilot in pilots])
        mine = np.flatnonzero(fitted.fit.classes == self.classes[aim.wanted])
        texts = self.column.codes[open_]
        return Wanted.guess(
            (fitted.scores[texts], scores),
            (np.isin(fitted.answers.codes[texts], mine), np.isin(codes, mine)),
            labels[fitted.labelled] == aim.wanted,
            by_chance,
            known=at.late.n_known,
            n_open=len(open_),
            failed=at.n_round - 1,
        )

    def tested_among(self, frozen: Frozen, open_: NDArray[np.intp]) -> NDArray[np.intp]:
        """See :meth:`Aim.tested_among`."""
        return open_

    def looks(
        self, frozen: Frozen, among: NDArray[np.intp], at: Standing, most: int | None
    ) -> tuple[Look, ...]:
        """See :meth:`Aim.looks`: a look wherever one of the tests has one."""
        tested = self._tested(frozen)
        most = len(among) if most is None else min(most, len(among))
        errors: dict[int, float] = {}
        for test in tested.frozen.tests:
            places = np.flatnonzero(tested.speaks_of(test, among))
            for n, error in () if test.implied else test.looks:
                end = min(int(places[n - 1]) + 1 if n <= len(places) else most, most)
                errors[end] = errors.get(end, 0.0) + error
        return tuple(Look(n, errors[n]) for n in sorted(errors))

    def _tested(self, frozen: Frozen) -> Tested:
        assert isinstance(frozen, FrozenTogether)  # noqa: S101  plan() has made it
        recalls = {aim.terms.promise: aim for aim in self.labels}
        return Tested(frozen, self.column, self.classes, self.terms, self.n_rows, recalls)

    def _first(self, n_test: int) -> int:
        return n_test

    def read(self, frozen: Frozen, draw: Draw, certificate: Certificate) -> NDArray[np.intp]:
        """See :meth:`Aim.read`."""
        tested, end = self._tested(frozen), 0
        for test, own in zip(tested.frozen.tests, (certificate, *certificate.also), strict=True):
            places = np.flatnonzero(tested.speaks_of(test, draw.rows))
            end = max(end, int(places[own.n_calibration - 1]) + 1)
        return draw.rows[:end]

    def certify(
        self,
        frozen: Frozen,
        open_: NDArray[np.intp],
        before: tuple[Draw, ...],
        draw: Draw,
        look: int,
        labels: NDArray[np.intp],
    ) -> Certificate:
        """The exact tests at all looks until this one, and the loosest threshold that all permit."""
        made = self._made(frozen, draw, look, (open_, before, labels))
        at = common_threshold(
            [each.passed for each in made], [each.test.promise == HANDLED for each in made]
        )
        found = [each.certificate(at) for each in made]
        return replace(found[0], also=tuple(found[1:]))

    def _made(
        self,
        frozen: Frozen,
        draw: Draw,
        look: int,
        given: tuple[NDArray[np.intp], tuple[Draw, ...], NDArray[np.intp]],
    ) -> list[Made]:
        (open_, before, labels), tested = given, self._tested(frozen)
        answered = Answered(open_, before, draw.rows[: draw.looks[look].n_rows], labels)
        return [Made(test, tested, answered) for test in tested.frozen.tests]

    def lost(
        self,
        frozen: Frozen,
        open_: NDArray[np.intp],
        before: tuple[Draw, ...],
        draw: Draw,
        look: int,
        labels: NDArray[np.intp],
    ) -> bool:
        """See :meth:`Aim.lost`: one of the tests has had its last look."""
        made = self._made(frozen, draw, look, (open_, before, labels))
        return any(not len(each.passed) and each.over for each in made)

    def gains(self, frozen: Frozen, draw: Draw, look: int) -> bool:
        """See :meth:`Aim.gains`: rows that are read to find a label loosen no threshold."""
        n, tests = draw.looks[look].n_rows, self._tested(frozen).frozen.tests
        return any(not test.reads and test.looks[-1][0] > n for test in tests)


_AIMS = {"handled": Aim, "output": WholeOutput, "recall": Recall, "precision": Precision}


def aim_of(column: Column, classes: tuple[str, ...], terms: Terms) -> Aim:
    """What a job is after, by its promises.

    Raises
    ------
    InvalidInput
        A label is promised where a row has several.
    """
    of_label = [name for name in terms.promises if name.label is not None]
    if of_label and sets_of(classes) is not None:
        raise InvalidInput(
            f"the {of_label[0].noun} is of rows with one label each, got a job for several labels a "
            "row; promise handled or output"
        )
    if terms.beside:
        return Together(column, classes, terms)
    return _AIMS[terms.promise.kind](column, classes, terms)
