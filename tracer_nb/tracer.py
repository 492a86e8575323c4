"""``Tracer``: the steps in order, for scripts and agents; the magics are thin over it."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from tracer_nb.asking import Asker, OnProgress, check_cost
from tracer_nb.engine import Router, SurrogateFit, calibrate_router, fit_surrogate
from tracer_nb.engine.certificate import check_level
from tracer_nb.engine.checks import check_matrix
from tracer_nb.engine.features import Features, make_features
from tracer_nb.engine.router import STRATEGIES
from tracer_nb.engine.surrogates import SURROGATES
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted, TeacherError
from tracer_nb.frames import OUTPUT_COLUMNS, Texts, label_frame, read_texts
from tracer_nb.labelset import clean_labels
from tracer_nb.outcome import SURROGATE, TEACHER, Outcome, combine
from tracer_nb.planning import check_job, fewest_labels, make_plan
from tracer_nb.records import Certificate, Labels, Plan, Progress, Report, Routing
from tracer_nb.sampling import collect_labels, distinct_texts, draw_rows, label_names
from tracer_nb.teachers import INTERRUPTED, ReplayTeacher, make_teacher, parse_price

__all__ = ["Tracer"]


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A column that was read, with the features of its distinct texts once they are made."""

    source: Any
    texts: Texts
    X: Any = None


class Tracer:
    """Label a column with a teacher, let a certified surrogate answer the easy rows.

    Parameters
    ----------
    teacher : str, callable, mapping, Series or Teacher
        "openai:MODEL", "standin:support", a function from text to label, or recorded
        labels by text.
    labels : iterable of str, optional
        The label set; recorded labels and Teacher objects bring their own.
    prompt : str
        The task in words, for teachers that read.
    target : float, default 0.92
        Share of the surrogate's rows that must carry the teacher's label.
    confidence : float, default 0.95
        Probability, over the random sample, that this holds.
    features : str, callable or matrix, default "lsa"
        "lsa" (no download), "fastembed:NAME-OR-DIRECTORY", a function from texts to a
        matrix, or a ready matrix with one row per row of the column.
    surrogate : str, default "auto"
        "auto", "kernel-ridge" or "logistic".
    strategy : str, default "adaptive"
    store : path, optional
        The SQLite file that keeps every paid answer. By default ``.tracer_nb/labels.sqlite``
        in the current directory, or what ``TRACER_NB_STORE`` names.
    seed : int, default 0
        Of the random sample, the split and the fit.
    **options
        Of the teacher: ``base_url``, ``price`` ("IN,OUT" in dollars per million tokens),
        ``concurrency``, …

    Raises
    ------
    InvalidInput
        An argument cannot be used; nothing has been asked or paid.

    Examples
    --------
    >>> texts = [f"{w} {i}" for i in range(400) for w in ("refund order", "parcel late")]
    >>> tracer = Tracer(lambda t: t.split()[0], labels=["refund", "parcel"], store=":memory:")
    >>> routed = tracer.run(texts, sample=300)
    >>> routed["label_source"].tolist().count("surrogate") > 300
    True
    """

    def __init__(
        self,
        teacher: Any,
        labels: Iterable[str] | None = None,
        prompt: str = "",
        *,
        target: float = 0.92,
        confidence: float = 0.95,
        features: Any = "lsa",
        surrogate: str = "auto",
        strategy: str = "adaptive",
        store: str | os.PathLike[str] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        self.target = check_level("target", target)
        self.confidence = check_level("confidence", confidence)
        if strategy not in STRATEGIES:
            raise InvalidInput.unknown_name("strategy", strategy, STRATEGIES)
        if surrogate not in ("auto", *SURROGATES):
            raise InvalidInput.unknown_name("surrogate", surrogate, ["auto", *SURROGATES])
        self.surrogate, self.strategy, self.seed = surrogate, strategy, _check_seed(seed)
        named = features is None or isinstance(features, str) or callable(features)
        self._matrix = None if named else _matrix(features)
        self._features: Features | None = make_features(features, seed=seed) if named else None
        names = None if labels is None else clean_labels(labels)
        if isinstance(options.get("price"), str):
            options["price"] = parse_price(options["price"])
        self.teacher = make_teacher(teacher, names, prompt or "", **options)
        self._asker = Asker(self.teacher, store)
        self._column: _Column | None = None
        self._others: Texts | None = None  # routed last, when not the labelled column
        self._subject: dict[str, None] = {}
        self.labels: Labels | None = None
        self.fitted: SurrogateFit | None = None
        self.router: Router | None = None
        self.outcome: Outcome | None = None

    # --- steps -----------------------------------------------------------------------

    def plan(self, column: Any, *, sample: int = 2000, max_cost: float | None = None) -> Plan:
        """Say what labelling would ask and cost; nothing is sent.

        Parameters
        ----------
        column : series, array or list of texts
        sample : int
            Rows to draw at random.
        max_cost : float, optional
            Hard cap in dollars.

        Returns
        -------
        Plan

        Raises
        ------
        InvalidInput
            The column cannot be read, or there are more labels than rows.
        """
        texts = read_texts(column)
        askable = self._askable(texts)
        check_job(askable, self.teacher.labels, sample, fewest=0)
        rows = draw_rows(askable, sample, self.seed)
        sampled = distinct_texts(texts, rows)
        return make_plan(
            self.teacher,
            texts,
            sampled,
            self._asker.known(sampled),
            n_sample=len(rows),
            target=self.target,
            confidence=self.confidence,
            max_cost=check_cost(max_cost),
        )

    def label(
        self,
        column: Any,
        *,
        sample: int = 2000,
        max_cost: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Labels:
        """Ask the teacher about a random sample of the column.

        Equal texts are asked once, stored answers are reused, and every new answer is
        stored before it counts. Calling it again goes on where it stopped; a larger
        ``sample`` keeps the rows of the smaller one.

        Parameters
        ----------
        column, sample, max_cost
            As in :meth:`plan`.
        on_progress : callable, optional
            Called with :class:`~tracer_nb.records.Progress` a few times a second.

        Returns
        -------
        Labels
            ``stopped`` says why not every row was asked, if so.

        Raises
        ------
        InvalidInput, NotEnoughData
            The job cannot end in a certificate; raised before anything is paid.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        texts = read_texts(column)
        fewest = fewest_labels(self.target, self.confidence, len(texts.usable))
        askable = self._askable(texts)
        check_job(askable, self.teacher.labels, sample, fewest)
        # A ready matrix is looked at before anything is paid.
        X = None if self._matrix is None else _rows_of(self._matrix, texts)
        rows = draw_rows(askable, sample, self.seed)
        self._column = _Column(column, texts, X)
        self.labels = self.fitted = self.router = self.outcome = self._others = None
        self._subject = dict.fromkeys(texts.unique)
        asker = self._asker
        asker.begin()
        wanted = distinct_texts(texts, rows)
        asker.ask(wanted, max_cost=max_cost, on_progress=on_progress, step="label")
        self.labels = collect_labels(
            texts,
            rows,
            asker.answers,
            classes=self.teacher.labels,
            spending=asker.spending,
            stopped=asker.stopped,
        )
        return self.labels

    def fit(self) -> SurrogateFit:
        """Fit the surrogate on the first part of the sample.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        NotEnoughData
            Too few labels, or a single one.
        """
        column, labels = self._labelled()
        if column.X is None:
            assert self._features is not None  # noqa: S101  label() took the rows of a matrix
            X = self._features.fit(column.texts.unique).transform(column.texts.unique)
            column = self._column = replace(column, X=X)
        self.router = self.outcome = self._others = None
        codes = column.texts.codes[labels.rows]
        self.fitted = fit_surrogate(
            column.X[codes],
            label_names(labels),
            target=self.target,
            confidence=self.confidence,
            surrogate=self.surrogate,
            groups=codes,
            seed=self.seed,
        )
        return self.fitted

    def calibrate(self) -> Certificate:
        """Certify a threshold on the part of the sample that the surrogate has not seen.

        Returns
        -------
        Certificate
            For the rows of the labelled column. ``tracer.router.certificate`` is the one
            for new rows drawn like them.

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        """
        column, labels = self._labelled()
        if self.fitted is None:
            raise NotFitted("nothing is fitted yet; call fit() first")
        texts = column.texts
        codes = texts.codes[labels.rows]
        tested = np.zeros(len(codes), dtype=bool)
        tested[self.fitted.calibration_rows] = True
        # The certificate speaks about rows whose text the surrogate was not fitted on.
        seen = np.zeros(len(texts.unique), dtype=bool)
        seen[codes[~tested]] = True
        others = np.setdiff1d(texts.usable, labels.rows)
        others = others[~seen[texts.codes[others]]]
        self.router = calibrate_router(
            self.fitted, column.X[codes], label_names(labels), column=column.X[texts.codes[others]]
        )
        self.outcome = self._others = None
        certificate = self.router.column_certificate
        assert certificate is not None  # noqa: S101  a column was passed
        return certificate

    def route(
        self,
        column: Any = None,
        *,
        features: Any = None,
        max_cost: float | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Label every row: the surrogate where it is certified, the teacher elsewhere.

        Parameters
        ----------
        column : series, array or list of texts, optional
            By default the labelled column, under its column certificate. Other rows are
            routed under the certificate for new rows, which holds if they are drawn like
            the labelled ones and have texts that were not fitted on. LSA features were
            fitted on the labelled column, its calibration rows included, so with them this
            certificate is close but not exact.
        features : matrix, optional
            Of other rows, when the Tracer was given a ready matrix.
        max_cost : float, optional
            Hard cap in dollars for the deferred rows.
        ask_teacher : bool, optional
            Whether deferred rows go to the teacher. By default only when something was
            certified: without a certificate that would be the whole column.
        on_progress : callable, optional

        Returns
        -------
        dataframe
            The column's frame library, with ``label``, ``label_source`` ("surrogate",
            "teacher" or missing), ``label_score`` (gate score) and ``label_reason`` (why a
            label is missing). When the teacher breaks down on the deferred rows, they are
            missing with that reason.

        Raises
        ------
        NotFitted
            Before :meth:`calibrate`.
        InvalidInput
            The column cannot be read, or features are missing or do not fit it.
        """
        if self.router is None:
            raise NotFitted("nothing is calibrated yet; call fit() and calibrate() first")
        home, _ = self._labelled()
        texts = home.texts if column is None else read_texts(column)
        own = column is None or _same(texts, home.texts)
        X = home.X if own else self._featurize(texts, features)
        routing = self.router.route(X, column=own)
        certificate = self.router.column_certificate if own else self.router.certificate
        outcome = self._answer(
            texts,
            routing,
            certificate,
            max_cost=max_cost,
            ask_teacher=ask_teacher,
            on_progress=on_progress,
        )
        self.outcome, self._others = outcome, None if own else texts
        self._subject.update(dict.fromkeys(texts.unique))
        return self.frame_of(home.source if column is None else column, outcome)

    def run(
        self,
        column: Any,
        *,
        sample: int = 2000,
        max_cost: float | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Label, fit, calibrate and route in one call.

        Parameters are those of :meth:`label` and :meth:`route`; ``max_cost`` covers both.

        Returns
        -------
        dataframe or None
            As :meth:`route`; None when the run was interrupted while labelling. Call it
            again to go on.

        Raises
        ------
        NotEnoughData
            Also when labelling stopped, at the cap for example, before there were enough
            labels to certify anything.
        """
        labels = self.label(column, sample=sample, max_cost=max_cost, on_progress=on_progress)
        if labels.stopped == INTERRUPTED:
            return None
        labelled = int((labels.codes >= 0).sum())
        n_texts = len(self._column.texts.usable) if self._column is not None else 0
        fewest = fewest_labels(self.target, self.confidence, n_texts)
        if labels.stopped and labelled < fewest:
            raise NotEnoughData(
                f"stopped at {labelled} labelled rows ({labels.stopped}); at least {fewest} are "
                "needed for this target. Every stored answer is kept: run again to go on"
            )
        self._tell(on_progress, "Fitting the surrogate")
        self.fit()
        self._tell(on_progress, "Certifying a threshold")
        self.calibrate()
        left = self.cost_left(max_cost)
        return self.route(max_cost=left, ask_teacher=ask_teacher, on_progress=on_progress)

    def cost_left(self, max_cost: float | None) -> float | None:
        """What is left of a cap for the whole job after what was paid since :meth:`label`."""
        cap = check_cost(max_cost)
        return None if cap is None else max(cap - (self._asker.spending.cost or 0.0), 0.0)

    # --- results ---------------------------------------------------------------------

    @property
    def report(self) -> Report:
        """Where the job stands, for cards, panels and status lines."""
        router, outcome, labels = self.router, self.outcome, self.labels
        own = self._others is None
        texts = self._column.texts if own and self._column is not None else self._others
        certificate = None
        if router is not None:
            certificate = router.column_certificate if own else router.certificate
        sampled = len(labels.rows) if labels is not None and own else 0
        answered = outcome.count(SURROGATE) if outcome else 0
        usable = len(texts.usable) if texts is not None else 0
        return Report(
            teacher=self.teacher.name,
            note=str(getattr(self.teacher, "note", "")),
            simulated=bool(getattr(self.teacher, "simulated", False)),
            assumption=str(getattr(self.teacher, "assumption", "")),
            features="matrix" if self._features is None else self._features.name,
            surrogate=self.fitted.surrogate.name if self.fitted is not None else "",
            n_rows=texts.n_rows if texts is not None else 0,
            n_labelled=int((labels.codes >= 0).sum()) if labels is not None else 0,
            n_surrogate=answered,
            n_teacher=outcome.count(TEACHER) if outcome else 0,
            n_missing=outcome.count(None) if outcome else 0,
            n_deferred=max(usable - sampled - answered, 0) if outcome else 0,
            certificate=certificate,
            frontier=router.frontier if router is not None else None,
            trials=self.fitted.trials if self.fitted is not None else (),
            spending=self._asker.spending,
            cost_all=self._cost_all(),
            missing_reasons=outcome.missing_reasons() if outcome else (),
            stopped=self._asker.stopped,
        )

    def frame_of(self, source: Any, outcome: Outcome | None = None) -> Any:
        """``source`` (the frame or column that was routed) with the output columns added.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput
            ``source`` has another number of rows.
        """
        chosen = outcome or self.outcome
        if chosen is None:
            raise NotFitted("nothing is routed yet; call route() first")
        if len(source) != len(chosen.label):
            raise InvalidInput(
                f"the frame has {len(source)} rows, {len(chosen.label)} were routed; pass the same"
            )
        values = (chosen.label, chosen.source, chosen.score, chosen.reason)
        return label_frame(source, dict(zip(OUTPUT_COLUMNS, values, strict=True)))

    def __repr__(self) -> str:
        done = [
            name
            for name, value in (
                ("labelled", self.labels),
                ("fitted", self.fitted),
                ("calibrated", self.router),
                ("routed", self.outcome),
            )
            if value is not None
        ]
        return f"Tracer({self.teacher.name!r}, target={self.target:g}, {', '.join(done) or 'new'})"

    # --- parts of the steps ----------------------------------------------------------

    def _askable(self, texts: Texts) -> Texts:
        """The column without the rows that the teacher has no record of.

        Only recorded labels know beforehand which rows they can label. That those rows are a
        random sample of the column is then an assumption, and the promise is worded under it.
        """
        if not isinstance(self.teacher, ReplayTeacher):
            return texts
        recorded = np.array([self.teacher.knows(text) for text in texts.unique])
        if not recorded.any():
            raise InvalidInput(
                f"none of the {len(texts.unique)} texts has a recorded label; check the record"
            )
        known = (texts.codes >= 0) & recorded[texts.codes]
        return replace(texts, codes=np.where(known, texts.codes, -1))

    def _featurize(self, texts: Texts, features: Any) -> Any:
        """Features of the distinct texts of rows that were not labelled, (n_unique, d)."""
        if self._features is None:
            if features is None:
                raise InvalidInput(
                    "these are other rows than the labelled ones, whose features were given as a "
                    "matrix; give theirs too: route(column, features=matrix)"
                )
            return _rows_of(_matrix(features), texts)
        if features is not None:
            raise InvalidInput(f"features are made by {self._features.name!r}; leave features out")
        return self._features.transform(texts.unique)

    def _answer(
        self,
        texts: Texts,
        routing: Routing,
        certificate: Certificate | None,
        *,
        max_cost: float | None,
        ask_teacher: bool | None,
        on_progress: OnProgress | None,
    ) -> Outcome:
        """Ask about deferred texts if that is wanted, and combine both sources."""
        certified = certificate is not None and certificate.certified
        asker = self._asker
        asker.stop("deferred", None)
        known = asker.known(texts.unique)
        deferred = [
            text
            for text, handled in zip(texts.unique, routing.handled, strict=True)
            # A request that failed is made again, whoever might answer the row.
            if (not handled and text not in known) or (text in known and not known[text].keep)
        ]
        unasked = "deferred, teacher not asked"
        if not certified:
            unasked += ": nothing was certified"
        if certified if ask_teacher is None else ask_teacher:
            try:
                asker.ask(deferred, max_cost=max_cost, on_progress=on_progress, step="deferred")
            except TeacherError as error:
                # The surrogate's rows are certified all the same; these come out missing.
                asker.stop("deferred", str(error))
            known.update((t, asker.answers[t]) for t in deferred if t in asker.answers)
            unasked = f"deferred, not asked: {asker.stopped}"
        return combine(texts, routing, known, unasked)

    def _labelled(self) -> tuple[_Column, Labels]:
        if self._column is None or self.labels is None:
            raise NotFitted("nothing is labelled yet; call label(column) first")
        if not len(self.labels.rows):
            why = f" ({self.labels.stopped})" if self.labels.stopped else ""
            raise NotEnoughData(
                f"no row of the sample has an answer yet{why}; call label(column) again"
            )
        return self._column, self.labels

    def _cost_all(self) -> float | None:
        """Estimate for asking about every text: what was paid a text where that is known."""
        if self._column is None:
            return None
        n = len(self._subject)
        spending = self._asker.spending
        if spending.asked and spending.cost:
            return spending.cost / spending.asked * n
        sample = self._column.texts.unique[:1000]
        costs = [self.teacher.cost_estimate(text)[2] for text in sample]
        known = [c for c in costs if c is not None]
        return sum(known) / len(known) * n if len(known) == len(costs) else None

    def _tell(self, on_progress: OnProgress | None, step: str) -> None:
        if on_progress is not None:
            on_progress(Progress(0, 1, self._asker.spending, 0.0, step))


def _same(a: Texts, b: Texts) -> bool:
    return a.unique == b.unique and np.array_equal(a.codes, b.codes)


def _check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InvalidInput(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}")
    return int(seed)


def _matrix(features: Any) -> Any:
    """A ready matrix, (rows, d); its values are checked where they are used."""
    if sparse.issparse(features):
        return sparse.csr_matrix(features)
    try:
        matrix = np.asarray(features)
    except ValueError:  # rows of several lengths
        matrix = np.empty(0)
    if matrix.ndim != 2:
        raise InvalidInput(
            "features must be 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or a matrix with "
            f"one row per row of the column, got {' '.join(reprlib.repr(features).split())}"
        )
    return matrix


def _rows_of(matrix: Any, texts: Texts) -> Any:
    """Features of the distinct texts, (n_unique, d); equal texts take their first row's."""
    if matrix.shape[0] != texts.n_rows:
        raise InvalidInput(
            f"the features matrix has {matrix.shape[0]} rows, the column {texts.n_rows}; "
            "give one row of features per row"
        )
    first = np.unique(texts.codes[texts.usable], return_index=True)[1]
    return check_matrix(matrix[texts.usable[first]])
