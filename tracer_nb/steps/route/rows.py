"""A router with its text features, which says of single rows who answers them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from tracer_nb.engine import Router
from tracer_nb.engine.features import Features
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Caps, Certificate, Prediction, RejectOption, Routing, Watch
from tracer_nb.steps.audit.auditor import Auditor, Promise, deferring, watch_key
from tracer_nb.steps.column.features import Blocks, featurize
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.route.onerow import (
    Decided,
    Fallbacks,
    holds_texts,
    no_routing,
    no_texts,
    one_text,
    predictions,
    row_blocks,
    several_texts,
)
from tracer_nb.steps.route.outcome import Why
from tracer_nb.steps.route.rowcosts import row_costs
from tracer_nb.steps.route.savedchain import SavedChain, StageAnswers
from tracer_nb.store import Shelf
from tracer_nb.store.rows import short_address
from tracer_nb.teachers import ReplayTeacher

__all__ = ["RowRouter"]

_OWN = "this router was fitted on features of your own; give them: "


class RowRouter:
    """Decides about rows, heeding the alarms of audits, and asks a fallback where it defers.

    Attributes
    ----------
    router : Router
    about : mapping
        Where it comes from.
    reject : RejectOption
        Which rows come out abstained.
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
        self.router = router
        self._chain = chain
        self.reject = reject
        self.about = dict(about)
        self._features = features
        self._asker = asker
        self._auditor = auditor
        self._fallbacks = Fallbacks(about["labels"], about["prompt"], shelf)
        self._heeded: tuple[Any, tuple[Certificate, bool]] | None = None

    @property
    def in_force(self) -> tuple[Certificate, bool]:
        """The certificate that rows go by now, and whether an alarm of audits defers them all.

        Raises
        ------
        StoreError
            The label store cannot be read.
        """
        return self._heed(None)

    def predict(
        self,
        row: Any,
        *,
        fallback: Any = None,
        features: Any = None,
        cells: Mapping[str, Any] | None = None,
        target: float | None = None,
        cost: float | None = None,
        stages: StageAnswers | None = None,
    ) -> Prediction:
        """Say who answers one row, and what; the decision is that of :meth:`route`.

        Parameters
        ----------
        row : str or vector
            A text; or its features, an array of shape (d,) or (1, d), and a list of several
            where the router has several blocks of them.
        fallback : callable, or as a teacher of :class:`tracer_nb.Tracer`; optional
            Asked where the router defers: a function, plain or async, from the row to a label,
            or a teacher, whose answers are kept in the label store. Without one nobody is asked,
            the teacher that was named on loading neither; ``fallback=router.teacher`` asks it.
        features : vector, optional
            Beside a text, where the router was fitted on a matrix or a function's features.
        cells : mapping of str to object, optional
            Beside a text, what its row holds in the columns that the prompt names.
        target : float, optional
            One of the saved targets; the main one by default.
        cost : float, optional
            What asking about it costs, for the cost-aware strategy.
        stages : mapping of str, optional
            Of a chain: by a stage's name what it said of the row, a label, "" for no label, or a
            mapping of labels to probabilities where it gave such at the fit. A row that needs one
            which is not there is deferred, and its reason names it.

        Returns
        -------
        Prediction

        Raises
        ------
        InvalidInput
            Neither a text nor a vector that fits, a fallback that cannot be asked, or what
            :meth:`route` refuses.
        StoreError
            The label store cannot be read.

        Examples
        --------
        >>> import tracer_nb
        >>> router = tracer_nb.load("intents.tracer")  # doctest: +SKIP
        >>> router.predict("where is my parcel?", fallback=ask).label  # doctest: +SKIP
        'delivery'
        """
        decided = self._one(row, features, cells, target, cost, stages=stages)
        prediction = decided.one()
        asked = self._fallbacks.check(fallback, row, self._read_as(decided))
        if asked is None or not decided.asks(prediction):
            return prediction
        return decided.one(asked().now())

    async def apredict(
        self,
        row: Any,
        *,
        fallback: Any = None,
        features: Any = None,
        cells: Mapping[str, Any] | None = None,
        target: float | None = None,
        cost: float | None = None,
        stages: StageAnswers | None = None,
    ) -> Prediction:
        """:meth:`predict`, without holding up the event loop while somebody is asked.

        An async function runs in this loop, a plain one in a thread. What a teacher is asked
        about goes on, and is kept, when the caller is cancelled.
        """
        decided = self._one(row, features, cells, target, cost, stages=stages)
        prediction = decided.one()
        asked = self._fallbacks.check(fallback, row, self._read_as(decided))
        if asked is None or not decided.asks(prediction):
            return prediction
        return decided.one(await asked().soon())

    def predict_batch(
        self,
        rows: Any,
        *,
        features: Any = None,
        table: Any = None,
        target: float | None = None,
        costs: ArrayLike | None = None,
        stages: StageAnswers | None = None,
    ) -> tuple[Prediction, ...]:
        """Say who answers each of several rows; nobody is asked.

        To ask a teacher about all that is deferred, below caps, there is :meth:`route`.

        Parameters
        ----------
        rows : list or column of texts, or matrix of shape (n, d), or a list of several
        features : matrix, optional
            Beside texts, where the router was fitted on a matrix or a function's features.
        table, target, costs
            As in :meth:`route`; of vectors one cost for each row.
        stages : mapping of str, optional
            As in :meth:`predict`, by a stage's name one entry for each row: None where it was not
            asked.

        Returns
        -------
        tuple of Prediction

        Raises
        ------
        InvalidInput, StoreError
            As :meth:`predict`.
        """
        decided = self.decide_batch(
            rows, features=features, table=table, target=target, costs=costs, stages=stages
        )
        return predictions(decided.outcome())

    def decide_batch(
        self,
        rows: Any,
        *,
        features: Any = None,
        table: Any = None,
        target: float | None = None,
        costs: ArrayLike | None = None,
        stages: StageAnswers | None = None,
    ) -> Decided:
        """What :meth:`predict_batch` goes by, for whoever asks about the deferred rows.

        Parameters are those of :meth:`predict_batch`.
        """
        if not holds_texts(rows):
            if features is not None:
                raise InvalidInput("rows are features already; leave features out")
            return self._of_vectors(rows, target, costs, stages)
        texts = several_texts(rows, table, self.about.get("columns", ()))
        missing = _OWN + "predict_batch(texts, features=matrix)"
        return self._of_texts(texts, features, target, costs, missing, stages=stages)

    def audit_handled(
        self,
        handled: Mapping[str, str],
        rate: float,
        *,
        asker: Asker,
        caps: Caps,
        on_alarm: str | None = None,
        stop: threading.Event | None = None,
    ) -> Watch:
        """Audit texts that were answered one by one, under what is in force now.

        Parameters
        ----------
        handled : mapping of str to str
            Text to the surrogate's label.
        rate, on_alarm, stop
            As in :meth:`tracer_nb.Tracer.audit`.
        asker : Asker
            Asks; it has begun.
        caps : Caps
        """
        fitted = frozenset(map(str, self.about["fitted"]))
        teacher = asker.teacher
        known = teacher.knows if isinstance(teacher, ReplayTeacher) else None
        return self._auditor.audit(
            asker,
            self._promise(self.in_force[0]),
            {
                text: label
                for text, label in handled.items()
                if short_address(text) not in fitted and (known is None or known(text))
            },
            rate,
            seed=self.router.fit.options.seed,
            on_alarm=on_alarm,
            caps=caps,
            on_progress=None,
            stop=stop,
        )

    def _one(
        self,
        row: Any,
        features: Any,
        cells: Mapping[str, Any] | None,
        target: float | None,
        cost: float | None,
        *,
        stages: StageAnswers | None,
    ) -> Decided:
        costs = None if cost is None else [cost]
        said = None if stages is None else {name: [each] for name, each in stages.items()}
        texts = one_text(row, cells, self.about.get("columns", ()))
        n_features = self.router.fit.n_features
        if texts is None:
            if features is not None or cells is not None:
                raise InvalidInput("features and cells go beside a text, and the row is a vector")
            return self._of_vectors(row_blocks(row, n_features), target, costs, said)
        given = None if features is None else row_blocks(features, n_features)
        missing = _OWN + "predict(text, features=vector)"
        return self._of_texts(texts, given, target, costs, missing, stages=said)

    def _of_vectors(
        self,
        X: Any,
        target: float | None,
        costs: Any,
        stages: StageAnswers | None,
    ) -> Decided:
        if costs is None and self.router.fit.options.strategy == "cost-aware":
            raise InvalidInput(
                "strategy 'cost-aware' needs costs, what asking about each row costs, and vectors "
                "do not tell"
            )
        certificate, alarm = self._heed(target)
        self._check(stages)
        if self._chain is None:
            routing = self.router.route(X, target=certificate.target, costs=costs)
        else:
            routing = self._chain.routing(certificate, X, stages)
        texts = no_texts(len(routing.labels))
        return self._decided(texts, routing, certificate, alarm=alarm, known={})

    def _of_texts(
        self,
        texts: Texts,
        features: Any,
        target: float | None,
        costs: Any,
        missing: str,
        *,
        stages: StageAnswers | None = None,
    ) -> Decided:
        certificate, alarm = self._heed(target)
        routing, known = no_routing(), {}
        if texts.unique:
            X = featurize(texts, self._features, features, missing)
            routing = self._routing(texts, X, certificate, costs, stages)
            known = {} if self._asker is None else self._asker.known(texts.unique)
        return self._decided(texts, routing, certificate, alarm=alarm, known=known)

    def _decided(
        self,
        texts: Texts,
        routing: Routing,
        certificate: Certificate,
        *,
        alarm: bool,
        known: Mapping[str, Answer],
    ) -> Decided:
        routing = deferring(routing) if alarm else routing
        return Decided(texts, routing, known, self.why(certificate, alarm=alarm), self.reject)

    def why(self, certificate: Certificate, *, alarm: bool) -> Why:
        """Words for rows under what is in force."""
        by_cost = self.router.fit.options.strategy == "cost-aware"
        return Why.of(certificate, alarm=alarm, by_cost=by_cost)

    def _read_as(self, decided: Decided) -> str:
        """The only row as a teacher reads it."""
        return next(iter(decided.texts.unique), "")

    def _routing(
        self,
        texts: Texts,
        X: Blocks,
        certificate: Certificate,
        costs: ArrayLike | None,
        stages: StageAnswers | None = None,
    ) -> Routing:
        """What the certified rule says, before any alarm."""
        self._check(stages)
        if self._chain is not None:
            return self._chain.routing(certificate, X, stages, texts)
        each = row_costs(self.router, self.about, self._asker, texts, costs)
        return self.router.route(X, target=certificate.target, costs=each)

    def _check(self, stages: StageAnswers | None) -> None:
        if stages is not None and self._chain is None:
            raise InvalidInput("this router was fitted without a chain; leave stages out")

    def _heed(self, target: float | None) -> tuple[Certificate, bool]:
        """The certificate to go by, and whether an alarm defers every row.

        Audits are read again only after anything was stored: it takes longer than a row.
        """
        certificate = self.router.certificate_for(target)
        mark = certificate.target, self._auditor.mark
        if self._heeded is None or self._heeded[0] != mark:
            found = self._auditor.heed(certificate, self.router.certificates, self._promise)
            self._heeded = mark, found
        return self._heeded[1]

    def _promise(self, certificate: Certificate) -> Promise:
        """What the audits of a certificate belong to."""
        asker = self._asker
        identity = self.about["identity"] if asker is None else asker.teacher.identity
        key = watch_key(identity, self.about["fit"], certificate)
        return Promise(key, certificate.target, self.router.fit.options.confidence)
