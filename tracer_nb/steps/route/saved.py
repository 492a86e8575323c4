"""Routers to files and from files, and what they do with texts."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import ArrayLike

from tracer_nb import __version__
from tracer_nb.engine import Router
from tracer_nb.engine.features import Features, FunctionFeatures
from tracer_nb.engine.options import check_costs
from tracer_nb.engine.saving import RouterFile, read_router, write_router
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Certificate, RejectOption, Routing, Spending, Watch
from tracer_nb.steps.audit.auditor import Auditor, Promise, deferring, handled_texts, watch_key
from tracer_nb.steps.audit.step import fit_key_of, fitted_texts
from tracer_nb.steps.certify import learned_on_column, without_unused
from tracer_nb.steps.column.features import featurize
from tracer_nb.steps.column.frames import Texts, read_texts
from tracer_nb.steps.label.asker import Asker, OnProgress, asks_again
from tracer_nb.steps.label.costs import make_caps, text_costs
from tracer_nb.steps.label.reject import make_reject_option
from tracer_nb.steps.review.sitting import reviewed_examples
from tracer_nb.steps.route.outcome import Outcome, answer_rows, combine
from tracer_nb.steps.state import JobState
from tracer_nb.store import ReviewStore, Shelf
from tracer_nb.store.rows import short_address
from tracer_nb.teachers import Teacher, make_teacher
from tracer_nb.teachers.server import hide_key

__all__ = ["SavedRouter", "load", "save"]


class SavedRouter:
    """A router from a file, with the text features it was fitted on.

    Attributes
    ----------
    router : Router
    about : mapping
        Where it comes from: ``teacher``, ``prompt``, ``labels``, ``identity``, ``versions``,
        ``saved`` (the time).
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
    ) -> None:
        self.router = router
        self.reject = reject
        self.about = dict(about)
        self._features = features
        self._asker = asker
        self._auditor = auditor
        self._routed: tuple[Texts, Routing, Certificate] | None = None
        self.outcome: Outcome | None = None

    def __repr__(self) -> str:
        c = self.router.certificate
        state = f"{100 * c.coverage:.1f} % handled" if c.certified else "nothing certified"
        if c.by_simulation:
            state += " by simulation only"
        return (
            f"SavedRouter({self.about['teacher']!r}, target {100 * c.target:.10g} %, {state}, "
            f"saved {self.about['saved']})"
        )

    @property
    def teacher(self) -> Teacher | None:
        """Who answers deferred rows, if one was named on loading."""
        return None if self._asker is None else self._asker.teacher

    @property
    def spending(self) -> Spending:
        """What the last :meth:`route` or :meth:`audit` asked the teacher and paid."""
        return Spending() if self._asker is None else self._asker.spending

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
        renew = asks_again(again, self.teacher)
        if renew and self._asker is None:
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
        certificate, alarm = self._auditor.heed(
            self.router.certificate_for(target), self.router.certificates, self._promise
        )
        routing = self.router.route(X, target=certificate.target, costs=self._costs(texts, costs))
        if alarm:
            routing = deferring(routing)
        if self._asker is None:
            unasked = "deferred, no teacher was named"
            outcome = combine(texts, routing, {}, unasked, self.reject)
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
        fitted = frozenset(map(str, self.about["fitted"]))
        known = [text for text in texts.unique if short_address(text) in fitted]
        handled = handled_texts(texts, routing, self._asker.teacher, frozenset(known))
        return self._promise(certificate), handled

    def _promise(self, certificate: Certificate) -> Promise:
        """What the audits of a certificate belong to."""
        asker = self._asker
        identity = self.about["identity"] if asker is None else asker.teacher.identity
        key = watch_key(identity, self.about["fit"], certificate)
        return Promise(key, certificate.target, self.router.fit.options.confidence)

    def _costs(self, texts: Texts, given: ArrayLike | None) -> Any:
        """Costs of the distinct texts on the scale of the fit, where routing needs them."""
        fit = self.router.fit
        if fit.options.strategy != "cost-aware":
            return given
        costs: Any = given
        if given is None and self._asker is not None:
            costs = text_costs(
                self._asker.teacher,
                texts.unique,
                seconds=float(self.about["seconds"]),
                latency_weight=float(self.about["latency_weight"]),
            )
        if costs is None:
            raise InvalidInput(
                "strategy 'cost-aware' needs costs, what asking about each distinct text costs, or "
                "a teacher with a price"
            )
        values = check_costs("costs", costs, len(texts.unique))
        typical = float(np.median(values)) if len(values) else fit.typical_cost
        if not 0.05 <= typical / fit.typical_cost <= 20.0:
            raise InvalidInput(
                f"costs are about {typical:g} a text, and were {fit.typical_cost:g} at the fit; the "
                "certificate holds in that unit only"
            )
        return values


def load(
    path: str | os.PathLike[str],
    *,
    teacher: Any = None,
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
    router, about = saved.router, saved.about
    asker, shelf = None, Shelf(store)
    if teacher is not None:
        if isinstance(options.get("examples"), str):
            reviews = ReviewStore(store)
            options["examples"] = reviewed_examples(reviews, about["labels"], options["examples"])
        asker = Asker(make_teacher(teacher, about["labels"], about["prompt"], **options), shelf)
    abstain = about["abstain"]
    reject = make_reject_option(
        abstain["unlike"],
        abstain["unsure"],
        guard=router.fit.options.guard,
        teacher=None if asker is None else asker.teacher,
    )
    auditor = Auditor(shelf)
    return SavedRouter(router, saved.features, about, asker=asker, auditor=auditor, reject=reject)


def save(state: JobState, path: str | os.PathLike[str]) -> None:
    """Write router, certificates and text features: see :meth:`tracer_nb.Tracer.save`."""
    certified, setup = state.in_force(), state.setup
    features, teacher = setup.features, setup.teacher
    about = {
        "teacher": teacher.name,
        "identity": dict(teacher.identity),
        "labels": list(teacher.labels),
        "prompt": setup.prompt,
        "columns": list(setup.named),
        "assumption": str(getattr(teacher, "assumption", "")),
        "fit": fit_key_of(state),
        # So that no audit is spent on them.
        "fitted": sorted(map(short_address, fitted_texts(state))),
        "exact": not learned_on_column(features, state.fitted),
        "seconds": state.seconds,
        "latency_weight": setup.latency_weight,
        "abstain": asdict(setup.reject),
        "versions": _versions(),
        "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    router = certified.router
    if certified.scope is not None:  # its column certificates may be about another surrogate
        router = replace(router, column_certificates=None, column_frontier=None)
    own = None if isinstance(features, FunctionFeatures) else features
    write_router(path, RouterFile(*without_unused(router, own), about))


def _versions() -> dict[str, str]:
    return {
        "tracer_nb": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
