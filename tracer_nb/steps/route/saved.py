"""Routers to files and from files, and what they do with texts."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from tracer_nb.engine import Router
from tracer_nb.engine.features import Features
from tracer_nb.engine.saving import read_router
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Certificate, Drained, RejectOption, Routing, Spending, Watch
from tracer_nb.steps.audit.auditor import Auditor, Promise, check_watched, deferring, handled_texts
from tracer_nb.steps.column.features import featurize
from tracer_nb.steps.column.frames import Texts, read_texts
from tracer_nb.steps.files.drain import check_own, drain_queue
from tracer_nb.steps.label.asker import Asker, OnProgress, asks_again
from tracer_nb.steps.label.costs import make_caps
from tracer_nb.steps.label.reject import make_reject_option
from tracer_nb.steps.origin import certificates_of, origin_from, with_origin
from tracer_nb.steps.review.sitting import reviewed_examples
from tracer_nb.steps.route.outcome import Outcome, answer_rows, combine
from tracer_nb.steps.route.rows import RowRouter
from tracer_nb.steps.route.savedchain import SavedChain, load_chain
from tracer_nb.store import ReviewStore, Shelf
from tracer_nb.store.rows import short_address
from tracer_nb.teachers import PanelTeacher, Teacher, make_teacher
from tracer_nb.teachers.server import hide_key
from tracer_nb.words import model_card

__all__ = ["SavedRouter", "load", "read_certificates"]


class SavedRouter(RowRouter):
    """A router from a file, with the text features it was fitted on.

    Attributes
    ----------
    router : Router
    about : mapping
        ``teacher``, ``prompt``, ``labels``, ``identity``, ``versions``, ``saved`` (the time).
    reject : RejectOption
        As it was saved: which rows come out abstained.
    outcome : Outcome or None
        Of the last routing.
    """

    def __init__(
        self,
        router: Router,
        features: Features | None,
        about: Mapping[str, Any],
        *,
        asker: Asker | None,
        auditor: Auditor,
        reject: RejectOption,
        shelf: Shelf,
        chain: SavedChain | None = None,
    ) -> None:
        how: dict[str, Any] = {"asker": asker, "auditor": auditor, "reject": reject, "chain": chain}
        super().__init__(router, features, about, **how, shelf=shelf)
        self._shelf = shelf
        self._routed: tuple[Texts, Routing, Certificate] | None = None
        self.outcome: Outcome | None = None

    def __repr__(self) -> str:
        c = self.router.certificate
        state = f"{100 * c.coverage:.1f} % handled" if c.certified else "nothing certified"
        if c.by_simulation:
            state += " by simulation only"
        target = f"target {100 * c.target:.10g} % of {c.promise.rows}"
        return f"SavedRouter({self.about['teacher']!r}, {target}, {state}, saved {self.about['saved']})"

    @property
    def teacher(self) -> Teacher | None:
        """Who answers deferred rows, if one was named on loading."""
        return None if self._asker is None else self._asker.teacher

    @property
    def spending(self) -> Spending:
        """What the last :meth:`route` or :meth:`audit` asked the teacher, and stages, and paid."""
        spent = Spending() if self._asker is None else self._asker.spending
        return spent if self._chain is None else spent.plus(self._chain.spending)

    @property
    def stopped(self) -> str | None:
        """Why the last :meth:`route` left deferred rows unasked; None when nothing stopped it."""
        return None if self._asker is None else self._asker.stopped

    @property
    def warning(self) -> str:
        """The alarm of the audits, if there is one, and what follows."""
        return self._auditor.warning

    @property
    def certificate(self) -> Certificate:
        """For new rows drawn like the labelled ones, at the main target."""
        return self.router.certificate

    def model_card(self) -> str:
        """Promise, evidence, origin and limits of the router in Markdown."""
        origin = self.certificate.origin
        note = "" if origin is None else origin.note
        return model_card(*certificates_of(self.router), note=f"{note} {self.warning}".strip())

    def route(
        self,
        column: Any,
        *,
        table: Any = None,
        target: float | None = None,
        features: Any = None,
        costs: ArrayLike | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
        again: str | None = None,
    ) -> Any:
        """Label rows drawn like the labelled ones.

        Parameters
        ----------
        column : series, array or list of texts
        table : dataframe, optional
            Of the same rows, for the columns that the prompt named as ``{{column}}``.
        target : float, optional
            One of the saved targets; the main one by default.
        features : matrix, optional
            Where the router was fitted on a matrix or on a function's features.
        costs : array_like, optional
            What asking about each distinct text costs, for the cost-aware strategy, in the
            unit of the fit; not needed when a teacher with a price was named on loading.
        max_cost, max_tokens, max_rows, ask_teacher, on_progress, again
            As in :meth:`tracer_nb.Tracer.route`, when a teacher was named on loading. Without
            one, deferred rows come out without a label; those of them that a saved
            ``abstain_unlike`` rejects come out abstained either way.

        Returns
        -------
        dataframe
            As :meth:`tracer_nb.Tracer.route`. After an alarm of :meth:`audit`, in this session
            or an earlier one with the same store, rows are deferred, and the teacher is asked
            only with ``ask_teacher=True``.

        Raises
        ------
        InvalidInput
            The column cannot be read, or features are missing or do not fit it; or ``again``
            without a teacher.
        """
        if (renew := asks_again(again, self.teacher)) and self._asker is None:
            raise InvalidInput(
                "again asks a teacher, and none was named; name one: load(path, teacher=…)"
            )
        caps = make_caps(max_cost, max_tokens, max_rows)
        texts = read_texts(column, table, self.about.get("columns", ()))
        missing = (
            "this router was fitted on features of your own; give them: "
            "route(column, features=matrix)"
        )
        X = featurize(texts, self._features, features, missing)
        certificate, alarm = self._heed(target)
        if self._chain is None or not certificate.certified or alarm:
            routing = self._routing(texts, X, certificate, costs)
        else:
            self._chain.begin()
            routing, broken = self._chain.hear(
                certificate, texts, X, caps=caps, on_progress=on_progress
            )
            ask_teacher = False if broken else ask_teacher
            caps = caps.left(self._chain.spending)
        if alarm:
            routing = deferring(routing)
        why = self.why(certificate, alarm=alarm)
        if self._asker is None:
            outcome = combine(texts, routing, {}, why, self.reject, sets=self.router.fit.sets)
        else:
            self._asker.begin()
            outcome = answer_rows(
                self._asker,
                texts,
                routing,
                reject=self.reject,
                certified=certificate.certified,
                alarm=alarm,
                caps=caps,
                ask_teacher=ask_teacher,
                on_progress=on_progress,
                missing=renew,
                why=why,
            )
        self.outcome, self._routed = outcome, (texts, routing, certificate)
        return outcome.onto(column)

    def audit(
        self,
        rate: float = 0.05,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        seed: int | None = None,
        on_alarm: str | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Watch:
        """Ask the teacher about a few of the rows that the surrogate answered, drawn at random.

        Parameters and result are those of :meth:`tracer_nb.Tracer.audit`, and so is what it
        says. Audits of one router, target and teacher are one watch, whichever session and file
        name it was loaded by; it goes on from that of the Tracer for new rows.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput
            No teacher was named on loading; a rate, cap, seed or consequence that cannot be; or
            nothing bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        promise, handled = self._audited()
        assert self._asker is not None  # noqa: S101  _audited() has looked
        self._asker.begin()
        return self._auditor.audit(
            self._asker,
            promise,
            handled,
            rate,
            seed=self.router.fit.options.seed if seed is None else seed,
            on_alarm=on_alarm,
            caps=caps,
            on_progress=on_progress,
            stop=stop,
        )

    def drain(
        self,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Drained:
        """Ask the teacher about the texts that files and clusters left for it, under a cap.

        Raises
        ------
        InvalidInput
            No teacher was named on loading, or not the router's own; or no cap is given.
        TeacherError, StoreError
            As :meth:`audit`.
        """
        if self._asker is None:
            raise InvalidInput(
                "texts wait for a teacher, and none was named; load(path, teacher=…)"
            )
        teacher, caps = self._asker.teacher, make_caps(max_cost, max_tokens, max_rows)
        check_own(teacher, self.about)
        how: dict[str, Any] = {"on_progress": on_progress, "stop": stop}
        return drain_queue(teacher, self._shelf, self.reject, caps, **how)

    def watch(self) -> Watch:
        """What the audits of the last routing's promise tell so far; nothing is asked.

        Raises
        ------
        NotFitted, InvalidInput, StoreError
            As :meth:`audit`.
        """
        return self._auditor.watch(*self._audited())

    def _audited(self) -> tuple[Promise, dict[str, str]]:
        """The promise of the last routing, and the texts it is about."""
        if self._asker is None:
            raise InvalidInput(
                "audits ask the teacher, and none was named; load(path, teacher='openai:MODEL')"
            )
        if self._routed is None:
            raise NotFitted("nothing is routed yet; call route(column) first")
        texts, routing, certificate = self._routed
        check_watched(certificate)
        fitted = frozenset(map(str, self.about["fitted"]))
        known = frozenset(text for text in texts.unique if short_address(text) in fitted)
        teacher = self._asker.teacher
        return self._promise(certificate), handled_texts(texts, routing, teacher, known)


def load(
    path: str | os.PathLike[str],
    *,
    teacher: Any = None,
    chain: Any = None,
    store: str | os.PathLike[str] | None = None,
    **options: Any,
) -> SavedRouter:
    """Load a router that :meth:`tracer_nb.Tracer.save` wrote; no code in the file is run.

    The hash in the file detects damage. It is no signature: whoever can write the file can
    also write a false certificate into it, so load files only from people whom you trust.

    Parameters
    ----------
    path : str or path-like
        May begin with ``~``.
    teacher : str, callable, mapping or Teacher, optional
        Answers deferred rows; label set and prompt come from the file. It should be the one
        that the router was fitted on: the promise is about that one.
    chain : sequence, optional
        The stages of a router that was fitted with a chain, as in :class:`tracer_nb.Tracer`:
        ``route`` asks them, below its caps, about rows that need them. Without them such rows go
        to the teacher.
    store, **options
        As in :class:`tracer_nb.Tracer`.

    Raises
    ------
    InvalidInput
        No such file, or one that is damaged, contradicts itself, or is of an older or newer
        version of the format; or the router
        abstains where the teacher is unsure, and this one gives no distribution.
    MissingExtra
        The embedding model's package is not installed.
    """
    hide_key(options)
    saved = read_router(path)
    about = saved.about
    router = with_origin(saved.router, origin_from(about, saved.router.fit.options.seed))
    asker, shelf = None, Shelf(store)
    if teacher is not None:
        if isinstance(options.get("examples"), str):
            reviews = ReviewStore(store)
            options["examples"] = reviewed_examples(reviews, about["labels"], options["examples"])
        asked = make_teacher(teacher, about["labels"], about["prompt"], **options)
        if isinstance(asked, PanelTeacher):
            asked.learn_as(about["identity"])
        asker = Asker(asked, shelf)
    abstain = about["abstain"]
    reject = make_reject_option(
        abstain["unlike"],
        abstain["unsure"],
        guard=router.fit.options.guard,
        teacher=None if asker is None else asker.teacher,
    )
    behind = None if asker is None else asker.teacher
    heard = load_chain(router, about, chain, teacher=behind, options=options, shelf=shelf)
    how: dict[str, Any] = {"auditor": Auditor(shelf), "reject": reject, "chain": heard}
    how["asker"] = asker
    return SavedRouter(router, saved.features, about, **how, shelf=shelf)


def read_certificates(
    path: str | os.PathLike[str],
) -> tuple[Certificate, tuple[Certificate, ...]]:
    """The certificates in a file: that for new rows at the main target, and all others.

    Features are not made, so that no model is needed to look at a file.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    InvalidInput
        As :func:`load`.
    """
    saved = read_router(path, with_features=False)
    origin = origin_from(saved.about, saved.router.fit.options.seed)
    return certificates_of(with_origin(saved.router, origin))
