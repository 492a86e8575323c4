"""``Tracer``: the steps in order, for scripts and agents; the magics are thin over it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.rounds import Trail
from tracer_nb.engine import Router, SurrogateFit
from tracer_nb.engine.features import Features, FunctionFeatures, make_features
from tracer_nb.engine.learning import learning_curve
from tracer_nb.engine.options import make_options
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.labelset import check_prompt, clean_labels, explain_labels
from tracer_nb.live.lookout import Lookout
from tracer_nb.records import (
    Caps,
    Certificate,
    Labels,
    LearningCurve,
    Plan,
    Progress,
    Report,
    Routing,
    Watch,
)
from tracer_nb.steps.audit.auditor import Auditor, deferring
from tracer_nb.steps.certify import in_round, learned_on_column
from tracer_nb.steps.column.features import Blocks, featurize, ready_matrix, rows_of, take
from tracer_nb.steps.column.frames import Texts, read_texts, same_texts
from tracer_nb.steps.column.outcome import Outcome
from tracer_nb.steps.column.sample import (
    collect_labels,
    distinct_texts,
    draw_rows,
    label_names,
)
from tracer_nb.steps.explain.gaps import GapSteps
from tracer_nb.steps.explain.moment import Inspection, Makers
from tracer_nb.steps.label.asker import Asker, OnProgress, make_caps
from tracer_nb.steps.label.batches import Batches, BatchSteps
from tracer_nb.steps.label.costs import (
    check_latency_weight,
    mean_cost,
    mean_wait,
    unasked_dollars,
)
from tracer_nb.steps.label.plan import check_job, make_plan
from tracer_nb.steps.label.reject import ask_about, make_reject_option
from tracer_nb.steps.review.sitting import reviewed_examples
from tracer_nb.steps.review.step import ReviewSteps
from tracer_nb.steps.route.answer import answer_rows
from tracer_nb.steps.route.report import Standing, make_report
from tracer_nb.steps.route.saved import save_router
from tracer_nb.steps.state import Column, first_draw
from tracer_nb.steps.update.scope import Scope
from tracer_nb.steps.update.step import UpdateSteps
from tracer_nb.teachers import INTERRUPTED, ReviewStore, make_teacher
from tracer_nb.teachers.rows import short_address
from tracer_nb.teachers.server import hide_key

__all__ = ["Tracer"]


class Tracer(GapSteps, ReviewSteps, BatchSteps, UpdateSteps):
    """Label a column with a teacher, let a certified surrogate answer the easy rows.

    Parameters
    ----------
    teacher : str, callable, mapping, Series or Teacher
        "openai:MODEL", "anyllm:PROVIDER/MODEL", "standin:support", a function from text to
        label, or recorded labels by text.
    labels : iterable of str, or mapping of str to str, optional
        The label set, or each label with what it means, which goes into the prompt; recorded
        labels and Teacher objects bring their own.
    prompt : str
        The task in words, for teachers that read. It may name other columns of the table as
        ``{{column}}``; their cells are then asked about with the text, and featurized.
    target : float or sequence of float, default 0.92
        Share of the surrogate's rows that must carry the teacher's label. Several share the
        error budget, so that one may be chosen after their coverage was seen; the first is
        used unless :meth:`route` is told otherwise.
    confidence : float, default 0.95
        Probability, over the random sample, that this holds.
    features : str, callable or matrix, default "lsa"
        "lsa" (no download), "fastembed:NAME-OR-DIRECTORY" (with "+lsa" behind it for both), a
        function from texts to a matrix, or a ready matrix with one row per row of the column.
    strategy : str, default "adaptive-threshold"
        "adaptive-threshold" (the loosest threshold that can be certified), "fixed-threshold"
        (yours, tested once) or "cost-aware" (dear rows are handed to the surrogate first).
    threshold : float, optional
        Gate score in [0, 1], for "fixed-threshold".
    certificate : str, default "held-out"
        "held-out", "per-class" (a promise for each label that has rows enough) or "cross-fit"
        (every label both fits and tests: more coverage, verified by simulation, not proved).
    surrogate : str, scikit-learn classifier or sequence of them, default "auto"
        "kernel-ridge", "logistic" or "xgboost".
    gate : str, default "auto"
        "margin", "max-probability", "entropy" or "learned".
    pipeline : str, default "auto"
        "accept-all", "single" or "cascade".
    guard : bool or float, default True
        Defer rows that are unlike every labelled one. A number is the share of rows drawn like
        the labelled ones that it may defer (True: .002). Of the labelled column itself it
        defers about that share, whatever is in it, since the sample was drawn from it too; of
        rows of another kind that come later, as many as the features tell apart: embeddings
        far more than LSA, for which a text of a few known letter groups is like others.
    abstain_unlike : bool, default False
        Reject option: those rows are not sent to the teacher either, and come out abstained.
        Labels of the teacher that are paid already stay.
    abstain_unsure : float, optional
        Reject option: rows to whose label the teacher itself gave a smaller probability than
        this come out abstained; asking was paid for all the same. It needs a distribution:
        ``votes=3`` or more, ``logprobs=True``, or a function that returns an
        :class:`~tracer_nb.records.Answer` with probabilities. An answer without one stands.
        Rows of the sample are no exception in the output; but the surrogate is fitted and
        certified on the teacher's label of each, however unsure, since without these rows the
        sample would no longer be random. So no abstention changes which rows the surrogate
        answers, nor what is promised about them.
    time_budget : float, optional
        Seconds in which the whole zoo of surrogates is tried, instead of the two quickest.
    latency_weight : float, default 0
        Dollars that a second of waiting for the teacher is worth, for "cost-aware".
    store : path, optional
        The SQLite file that keeps every paid answer. By default ``.tracer_nb/labels.sqlite``
        in the current directory, or what ``TRACER_NB_STORE`` names.
    seed : int, default 0
        Of the random sample, the split and the fit.
    **options
        Of the teacher: ``base_url``, ``price`` and ``batch_price`` ("IN,OUT" in dollars per
        million tokens), ``concurrency``, ``api_key`` (by default from the environment),
        ``examples`` (labelled texts to show, or "reviewed": those that a human reviewed with
        these labels), …

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
        target: Any = 0.92,
        confidence: float = 0.95,
        features: Any = "lsa",
        strategy: str = "adaptive-threshold",
        threshold: float | None = None,
        certificate: str = "held-out",
        surrogate: Any = "auto",
        gate: str = "auto",
        pipeline: str = "auto",
        guard: bool | float = True,
        abstain_unlike: bool = False,
        abstain_unsure: float | None = None,
        time_budget: float | None = None,
        latency_weight: float = 0.0,
        store: str | os.PathLike[str] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        hide_key(options)
        self._choices: dict[str, Any] = {
            "target": target,
            "confidence": confidence,
            "strategy": strategy,
            "threshold": threshold,
            "certificate": certificate,
            "surrogate": surrogate,
            "gate": gate,
            "pipeline": pipeline,
            "guard": guard,
            "time_budget": time_budget,
            "seed": seed,
        }
        self.options = make_options(**self._choices)
        self.seed = self.options.seed
        self._latency_weight = check_latency_weight(latency_weight)
        named = features is None or isinstance(features, str) or callable(features)
        self._matrix = None if named else ready_matrix(features)
        self._features: Features | None = make_features(features, seed=seed) if named else None
        names = None if labels is None else clean_labels(labels)
        self._prompt = check_prompt(prompt)
        if isinstance(labels, Mapping):
            self._prompt = explain_labels(labels, self._prompt)
        self._reviews = ReviewStore(store)
        self._auditor = Auditor(store)
        if isinstance(options.get("examples"), str):
            options["examples"] = reviewed_examples(self._reviews, names, options["examples"])
        self.teacher = make_teacher(teacher, names, self._prompt, **options)
        # Columns that the prompt speaks of, beside the labelled one.
        self._named: tuple[str, ...] = tuple(getattr(self.teacher, "columns", ()))
        self._reject = make_reject_option(
            abstain_unlike, abstain_unsure, guard=self.options.guard, teacher=self.teacher
        )
        self._asker = Asker(self.teacher, store)
        self._again = Asker(self.teacher, store, again=True)
        self._batches = Batches(self.teacher, store)
        self._column: Column | None = None
        self._featurizing = threading.Lock()  # a panel may look on while another thread labels
        self._underway: NDArray[np.intp] | None = None  # rows that are being asked about
        self._inspection: Inspection | None = None
        self._others: Texts | None = None  # routed last, when not the labelled column
        self._subject: dict[str, None] = {}
        self._chosen: dict[str, None] = {}  # texts that wait for a review
        # Error budget of every certificate made on rows of this column, and what they said.
        self._errors: tuple[float, ...] = ()
        self._found: frozenset[str] = frozenset()
        self._tested: Texts | None = None
        self._trail: Trail | None = None  # of the labelled column
        self._scope: Scope | None = None  # of the last update
        self._asking: bool | None = None  # whether the last routing was told to ask
        self._answers: Answers | None = None  # of the surrogate, on every distinct text
        self._decided: dict[float | None, Routing] = {}
        self._routed: tuple[Texts, Routing] | None = None  # last
        self._watched: Certificate | None = None  # by which the last routing went
        self._seen: tuple[tuple[Texts, Routing] | None, Watch] | None = None  # and of what routing
        self._seconds = 0.0  # that an answer took while labelling
        self._target: float | None = None  # of the last routing, when not the main one
        self.labels: Labels | None = None
        self.curve: LearningCurve | None = None
        self.fitted: SurrogateFit | None = None
        self.router: Router | None = None
        self.outcome: Outcome | None = None

    # --- steps -----------------------------------------------------------------------

    def plan(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | str = 2000,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Plan:
        """Say what labelling would ask and cost; nothing is sent.

        Parameters
        ----------
        column : series, array or list of texts
        table : dataframe, optional
            Of the same rows, for the columns that the prompt names as ``{{column}}``.
        sample : int or "auto"
            Rows to draw at random; of "auto" the first batch is planned.
        max_cost : float, optional
            Hard cap in dollars.
        max_tokens : int, optional
            Hard cap on tokens, of prompts and answers together. Not ``max_answer_tokens``,
            the limit on a single answer.
        max_rows : int, optional
            Hard cap on texts that are asked; stored answers do not count.

        Returns
        -------
        Plan

        Raises
        ------
        InvalidInput
            The column cannot be read, or there are more labels than rows.
        """
        texts, rows = self._drawn(column, table, sample, fewest=0)
        sampled = distinct_texts(texts, rows)
        return make_plan(
            self.teacher,
            texts,
            sampled,
            self._asker.known(sampled),
            self._asker.past(sampled),
            n_sample=len(rows),
            target=self.target,
            confidence=self.confidence,
            fewest=self._fewest(len(texts.usable)),
            caps=make_caps(max_cost, max_tokens, max_rows),
            reject=self._reject,
            guard=self.options.guard,
        )

    def label(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | str = 2000,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
        go_on: bool = False,
    ) -> Labels:
        """Ask the teacher about a random sample of the column.

        Equal texts are asked once, stored answers are reused, and every new answer is
        stored before it counts. Calling it again goes on where it stopped; a larger
        ``sample`` keeps the rows of the smaller one.

        Parameters
        ----------
        column, table, max_cost, max_tokens, max_rows
            As in :meth:`plan`. Where the price of the teacher's tokens is unknown, one of the
            last two must be given.
        sample : int or "auto"
            Rows to draw at random. "auto" labels in batches and stops when another one is not
            worth its price, by a learning curve (``tracer.curve``) that looks at fitting rows
            alone, so that the certificate stays valid.
        on_progress : callable, optional
            Called with :class:`~tracer_nb.records.Progress` a few times a second.
        stop : threading.Event, optional
            Another thread sets it to end the run, as an interrupt does.
        go_on : bool, default False
            Count money on from the run before, so that one cap holds for both.

        Returns
        -------
        Labels
            ``stopped`` says why not every row was asked, if so; with fewer labelled rows than
            ``fewest`` nothing can be certified.

        Raises
        ------
        InvalidInput
            There are more labels than rows, or nothing bounds the cost; raised before
            anything is paid. Or ``abstain_unsure`` needs a distribution, and the first answers,
            which are stored, came without one.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        texts = read_texts(column, table, self._named)
        fewest = self._fewest(len(texts.usable))
        askable = self._askable(texts)
        drawn = first_draw(sample, fewest, len(askable.usable))
        check_job(askable, self.teacher.labels, drawn, fewest=0)  # labels may be wanted alone
        # A ready matrix is looked at before anything is paid.
        X = None if self._matrix is None else rows_of(self._matrix, texts)
        order = draw_rows(askable, len(askable.usable), self.seed)
        self._asker.check(distinct_texts(texts, order[:drawn]), caps)
        self._underway, self._column = None, Column(column, texts, X)
        self.labels = self.fitted = self.router = self.outcome = self._others = self.curve = None
        self._subject = dict.fromkeys(texts.unique)
        self._trail, self._scope = Trail.of(texts), None
        if self._tested is None or not same_texts(texts, self._tested):
            self._errors, self._found = (), frozenset()
        asker = self._asker
        asker.begin(anew=not go_on)
        while True:
            rows = self._underway = order[:drawn]
            ask_about(
                asker,
                distinct_texts(texts, rows),
                self._reject,
                caps=self.caps_left(caps),
                on_progress=on_progress,
                step="label",
                stop=stop,
            )
            self.labels = collect_labels(
                texts,
                rows,
                asker.answers,
                classes=self.teacher.labels,
                spending=asker.spending,
                stopped=asker.stopped,
                superseded=asker.superseded,
                fewest=fewest,
            )
            self._underway = None
            # Frozen here: a cost that moved between calibration and routing would void both.
            self._seconds = mean_wait(asker.spending)
            if sample != "auto" or asker.stopped or len(rows) == len(order):
                return self.labels
            self._tell(on_progress, "Judging whether more labels are worth their price")
            self.curve = self._learn()
            if self.curve.enough:
                return self.labels
            drawn = min(max(round(1.3 * drawn), min(self.curve.best, 2 * drawn)), len(order))

    def fit(self) -> SurrogateFit:
        """Fit the surrogate on the fitting part of the sample.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        NotEnoughData
            Too few labels, or a single one.
        """
        texts, labels, X = self._featurized()
        self.router = self.outcome = self._others = self._scope = None
        self.fitted = self._fit_on(texts, labels, X, in_random_order=True)
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
        texts, labels, X = self._featurized()
        if self.fitted is None:
            raise NotFitted("nothing is fitted yet; call fit() first (%tracer fit)")
        if self._scope is None:  # an update has certified what it fitted
            router, self._answers = self._certify_on(texts, labels, X, self.fitted)
            self._count(router)
            self.router = in_round(router, self._errors)
        self._decided = {}
        self.outcome = self._others = None
        assert self.router is not None  # noqa: S101
        certificate = self.router.column_certificate
        assert certificate is not None  # noqa: S101  a column was passed
        return certificate

    def route(
        self,
        column: Any = None,
        *,
        table: Any = None,
        target: float | None = None,
        features: Any = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Any:
        """Label every row: the surrogate where it is certified, the teacher elsewhere.

        Parameters
        ----------
        column : series, array or list of texts, optional
            By default the labelled column, under its column certificate. Other rows are
            routed under the certificate for new rows, which holds if they are drawn like
            the labelled ones and have texts that were not fitted on. LSA features were
            fitted on the labelled column, its calibration rows included, so with them this
            certificate is close but not exact; the same goes for smoothed ones.
        table : dataframe, optional
            As in :meth:`plan`, for other rows than the labelled ones.
        target : float, optional
            One of the targets; the main one by default. All of them hold together.
        features : matrix, optional
            Of other rows, when the Tracer was given a ready matrix.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for the deferred rows alone.
        ask_teacher : bool, optional
            Whether deferred rows go to the teacher. By default only when something was
            certified: without a certificate that would be the whole column.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        dataframe
            The column's frame library, with ``label``, ``label_source`` ("surrogate",
            "teacher", "abstained" or missing), ``label_score`` (gate score) and
            ``label_reason`` (why a label is missing). When the teacher breaks down on the deferred rows, they are
            missing with that reason. After an alarm of :meth:`audit` rows are deferred, and
            the teacher is asked only with ``ask_teacher=True``.

        Raises
        ------
        NotFitted
            Before :meth:`calibrate`.
        InvalidInput
            The column cannot be read, or features are missing or do not fit it; or deferred
            rows are to be asked about, and nothing bounds their cost.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        if self.router is None:
            raise NotFitted(
                "nothing is calibrated yet; call fit() and calibrate() first (%tracer fit, %tracer calibrate)"
            )
        home, _ = self._labelled()
        texts = home.texts if column is None else read_texts(column, table, self._named)
        own = column is None or same_texts(texts, home.texts)
        certificate = self.router.certificate_for(target, column=own)
        watched, alarm = self._heeded(certificate, own=own)
        if watched is not certificate:
            certificate, target = watched, watched.target
        if own:
            routing = self._decide(target)
        else:
            X = self._featurize(texts, features)
            routing = self.router.route(X, target=target, costs=self._costs(texts))
        if alarm:
            routing = deferring(routing)
        if self._trail is not None:
            self._trail.follow(home.texts, routing, None if own else (texts, X))
        outcome = answer_rows(
            self._asker,
            texts,
            routing,
            reject=self._reject,
            certified=certificate.certified,
            alarm=alarm,
            caps=caps,
            ask_teacher=ask_teacher,
            on_progress=on_progress,
            stop=stop,
        )
        self.outcome, self._others, self._target = outcome, None if own else texts, target
        self._routed, self._watched, self._asking = (texts, routing), watched, ask_teacher
        self._subject.update(dict.fromkeys(texts.unique))
        return self.frame_of(home.source if column is None else column, outcome)

    def run(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | str = 2000,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
        go_on: bool = False,
    ) -> Any:
        """Label, fit, calibrate and route in one call.

        Parameters are those of :meth:`label` and :meth:`route`; the caps cover both.

        Returns
        -------
        dataframe or None
            As :meth:`route`; None when the run was interrupted while labelling. Call it
            again to go on.

        Raises
        ------
        NotEnoughData
            The job cannot end in a certificate: nothing was asked. Or labelling stopped, at the
            cap for example, before there were enough labels to certify anything.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        self._drawn(column, table, sample)  # or says that nothing could be certified
        labels = self.label(
            column,
            table=table,
            sample=sample,
            **asdict(caps),
            on_progress=on_progress,
            stop=stop,
            go_on=go_on,
        )
        if labels.stopped == INTERRUPTED:
            return None
        labelled = int((labels.codes >= 0).sum())
        fewest = self._fewest(len(self._column.texts.usable) if self._column is not None else 0)
        if labels.stopped and labelled < fewest:
            raise NotEnoughData(
                f"stopped at {labelled} labelled rows ({labels.stopped}); at least {fewest} are "
                "needed for this target. Every stored answer is kept: run again to go on"
            )
        self._tell(on_progress, "Fitting the surrogate")
        self.fit()
        self._tell(on_progress, "Certifying a threshold")
        self.calibrate()
        left = asdict(self.caps_left(caps))
        return self.route(**left, ask_teacher=ask_teacher, on_progress=on_progress, stop=stop)

    def caps_left(self, caps: Caps) -> Caps:
        """What is left of caps for the whole job after what was spent since :meth:`label`."""
        return caps.left(self._asker.spending)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save router, certificates and text features to one file; see :func:`tracer_nb.load`.

        Features made by a function or given as a matrix are not saved; the loaded router then
        takes them with each column.

        Raises
        ------
        NotFitted
            Before :meth:`calibrate`.
        InvalidInput
            A surrogate of your own class, which no file can hold without running code when it
            is loaded; or the file cannot be written, in which case an old one stays whole.
        """
        if self.router is None:
            raise NotFitted(
                "nothing is calibrated yet; call fit() and calibrate() first (%tracer fit, %tracer calibrate)"
            )
        about = {
            "teacher": self.teacher.name,
            "identity": dict(self.teacher.identity),
            "labels": list(self.teacher.labels),
            "prompt": self._prompt,
            "columns": list(self._named),
            "assumption": str(getattr(self.teacher, "assumption", "")),
            "fit": self._fit_key(),
            # So that no audit is spent on them.
            "fitted": sorted(map(short_address, self._fitted_texts())),
            "exact": not learned_on_column(
                "" if self._features is None else self._features.name, self.fitted
            ),
            "seconds": self._seconds,
            "latency_weight": self._latency_weight,
            "abstain": asdict(self._reject),
        }
        # The column's certificates may be about an earlier surrogate, which is not saved.
        router = (
            self.router
            if self._scope is None
            else replace(self.router, column_certificates=None, column_frontier=None)
        )
        features = self._features
        own = None if isinstance(features, FunctionFeatures) else features
        save_router(path, router, own, about)

    def save_report(
        self,
        path: str | os.PathLike[str],
        title: str = "tracer_nb report",
        *,
        table: Any = None,
    ) -> None:
        """Write where the job stands to one HTML file with interactive charts.

        The file holds everything that it shows, and needs no network and no notebook.

        Parameters
        ----------
        path : path
        title : str
        table : dataframe, optional
            The column's own, as in :meth:`gaps`.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            The file cannot be written; ``table`` is none of the column.
        """
        from tracer_nb.widgets import report_page  # noqa: PLC0415  only where something is shown

        if self.labels is None:
            raise NotFitted(
                "nothing to report yet; call label(column) first (%tracer label df.text)"
            )
        target = Path(path).expanduser()
        if not target.parent.is_dir():  # said before the seconds of drawing
            raise InvalidInput.cannot_write(target, FileNotFoundError("no such folder"))
        findings = Lookout(self).findings()
        if findings.confusion is not None:
            findings = replace(findings, gaps=self.gaps(table))
        page = report_page(self.report, findings, title)
        try:
            target.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InvalidInput.cannot_write(target, error) from error

    # --- results ---------------------------------------------------------------------

    @property
    def report(self) -> Report:
        """Where the job stands, for cards, panels and status lines."""
        own = self._others is None
        texts = self._column.texts if own and self._column is not None else self._others
        spending = self._asker.spending
        each = None
        if self._column is not None:
            each = mean_cost(self.teacher, self._column.texts.unique, spending)
        report = make_report(
            Standing(
                teacher=self.teacher,
                features="matrix" if self._features is None else self._features.name,
                texts=texts,
                own=own,
                target=self._target,
                labels=self.labels,
                fitted=self.fitted,
                router=self.router,
                outcome=self.outcome,
                curve=self.curve,
                spending=spending,
                stopped=self._asker.stopped,
                superseded=self._asker.superseded,
                each=each,
                saved=self._savings(each),
                n_subject=len(self._subject),
            )
        )
        warning = "" if self.outcome is None else self._auditor.warning
        return replace(report, note=f"{report.note} {warning}".strip())

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
        return chosen.onto(source)

    def __repr__(self) -> str:
        if not hasattr(self, "outcome"):  # in the traceback of a failure to make it
            return "Tracer(…)"
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

    def _featurize(self, texts: Texts, features: Any) -> Blocks:
        """Features of the distinct texts of rows that were not labelled, (n_unique, d)."""
        missing = (
            "these are other rows than the labelled ones, whose features were given as a matrix; "
            "give theirs too: route(column, features=matrix)"
        )
        return featurize(texts, self._features, features, missing)

    def _decide(self, target: float | None) -> Routing:
        """Who answers each distinct text of the labelled column; decided once."""
        assert self.router is not None and self._answers is not None  # noqa: S101, PT018
        if self._scope is not None:
            return self._scope.layers[self.target if target is None else target].routing
        if target not in self._decided:
            certificate = self.router.certificate_for(target, column=True)
            costs = self._costs(self._labelled()[0].texts)
            self._decided[target] = self.router.decide(self._answers, certificate, costs)
        return self._decided[target]

    def _savings(self, each: float | None) -> tuple[float | None, ...]:
        """Dollars that not asking about the handled texts saves, at each of several targets."""
        if self.router is None or len(self.options.targets) < 2 or self._others is not None:
            return (None,) * len(self.options.targets)
        texts, labels, _ = self._featurized()
        dollars = unasked_dollars(texts, labels, self._costs(texts), each)
        targets = self.options.targets
        if dollars is None:
            return (None,) * len(targets)
        return tuple(float(dollars[self._decide(t).handled].sum()) for t in targets)

    def _route_again(self, **how: Any) -> None:
        self.route(**how)

    def continue_from(self, other: Tracer) -> None:
        """Count the certificates that another Tracer made on the same column as tries, too.

        Reviews and audits that it holds in memory are taken over, and what to do on an alarm.
        """
        self._errors, self._tested, self._found = other._errors, other._tested, other._found
        if self._reviews.path == other._reviews.path:  # those in memory live on
            self._reviews = other._reviews
        self._auditor.continue_from(other._auditor)

    def _learn(self) -> LearningCurve:
        """Whether another batch of labels is worth its price."""
        texts, labels, X = self._featurized()
        return learning_curve(
            take(X, texts.codes[labels.rows]),
            label_names(labels),
            n_rows=len(texts.usable),
            options=self.options,
            price=mean_cost(self.teacher, texts.unique, self._asker.spending),
        )

    def _inspect(self) -> Inspection | None:
        """Where the job stands; the same object again as long as nothing happens."""
        column, labels, router = self._column, self._labels_so_far(), self.router
        if column is None or labels is None:
            return None
        texts = column.texts
        now = Inspection(
            texts,
            labels,
            self.fitted if router is None else router.fit,
            router,
            None if self._others is not None else self.outcome,
            self._target,
            self.options,
            Makers(
                self._column_features,
                self._decide,
                self._costs,
                lambda: mean_cost(self.teacher, texts.unique, self._asker.spending),
            ),
            self._scope,
        )
        if self._inspection is None or not self._inspection.is_of(now):
            self._inspection = now
        return self._inspection

    def _tell(self, on_progress: OnProgress | None, step: str) -> None:
        if on_progress is not None:
            on_progress(Progress(0, 1, self._asker.spending, 0.0, step))
