"""``Tracer``: the steps in order, for scripts and agents; the magics are thin over it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer_nb.engine import Router, SurrogateFit
from tracer_nb.engine.options import Options
from tracer_nb.errors import InvalidInput, NotFitted, StoreError, TracerError
from tracer_nb.live.lookout import Lookout
from tracer_nb.records import (
    Batch,
    Caps,
    Certificate,
    Collected,
    ColumnMap,
    Confusion,
    FitDifferences,
    Gaps,
    HandThreshold,
    LabelAgreement,
    LabelCounts,
    Labels,
    PanelReport,
    Plan,
    Preview,
    ReaskPlan,
    Reliability,
    Report,
    RowPage,
    Selection,
    SelfAgreement,
    StageReport,
    Submitted,
    Targets,
    Update,
    UpdatePlan,
    Watch,
)
from tracer_nb.steps import certify
from tracer_nb.steps.audit import step as audit_step
from tracer_nb.steps.explain import views
from tracer_nb.steps.explain.compared import compare_jobs
from tracer_nb.steps.explain.gaps import find_gaps, known_gaps
from tracer_nb.steps.explain.inspection import Inspection, inspect
from tracer_nb.steps.explain.views import differences
from tracer_nb.steps.label import reask as reask_step
from tracer_nb.steps.label import step as label_step
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.costs import make_caps
from tracer_nb.steps.label.panel import panel_report
from tracer_nb.steps.label.stream import Asking
from tracer_nb.steps.review import step as review_step
from tracer_nb.steps.review.sitting import Reviewing, reviewed_pairs
from tracer_nb.steps.route import step as route_step
from tracer_nb.steps.route.chain import stage_reports
from tracer_nb.steps.route.outcome import Outcome
from tracer_nb.steps.route.report import report
from tracer_nb.steps.route.saving import save
from tracer_nb.steps.setup import make_setup
from tracer_nb.steps.state import JobState, Keep, merged
from tracer_nb.steps.update import back as back_step
from tracer_nb.steps.update import step as update_step
from tracer_nb.store.tables import Written
from tracer_nb.teachers import Teacher
from tracer_nb.teachers.server import hide_key
from tracer_nb.words import report_card, short_promise

if TYPE_CHECKING:
    from tracer_nb.widgets.comparison import ComparisonCard

__all__ = ["Tracer", "compare"]


class Tracer:
    """Label a column with a teacher, let a certified surrogate answer the easy rows.

    Parameters
    ----------
    teacher : str, callable, mapping, Series or Teacher
        "openai:MODEL", "anyllm:PROVIDER/MODEL", "standin:support", a function from text to
        label, or recorded labels by text. A list of these is a panel: a text is asked of its
        members, the label with most votes is the answer, and a tie goes to the member that
        stands first; see :attr:`panel`.
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
    promise : str or sequence of str, default "handled"
        What there is at least ``target`` of: "handled" (agreement with the teacher on the rows that
        the surrogate answers), "output" (on all rows that come out), "recall:LABEL" (of the rows
        that the teacher calls LABEL, those that come out so) or "precision:LABEL" (of the rows that
        the surrogate answers with LABEL, those that the teacher calls so; others are deferred).
        Several share the error budget and hold at one threshold. Other ones than "handled" take
        certificate "held-out", strategy "adaptive-threshold" and one target, several at once
        labelling "random" too.
    confidence : float, default 0.95
        Probability, over the random draw of the rows that test it, that this holds.
    features : str, callable or matrix, default "auto"
        "auto" ("wordllama+lsa" where wordllama is installed, else "lsa"), "wordllama", "lsa",
        "fastembed:NAME-OR-DIRECTORY" (with "+lsa" behind it for both), a function from texts to a
        matrix, or a ready matrix with one row per row of the column. Nothing is downloaded but
        the model that "fastembed:NAME" names. Of two, out-of-fold answers say which is used, or
        whether both.
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
        Defer rows that are unlike every labelled one, and of new rows also those that fit their
        label worst. A number is the share of rows drawn like the labelled ones that it may
        defer (True: .002, and .045 of the new rows to be handled). Of the labelled column itself it
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
    labelling : str, optional
        "hard-first": a small random start, then rows that the surrogate is unsure of, until
        the others can be certified, on fresh rows drawn at random among them: they would be
        asked about anyway, and teach most. "random": one random sample, a part of which tests.
        By default "hard-first" where it can be: it takes certificate "held-out", strategy
        "adaptive-threshold" and one target, and no ``abstain_unlike``; else "random".
    new_rows : int, optional
        Rows that "hard-first" sets aside at random, before anything is chosen, for a promise
        about new rows as well. By default 300 where that is at most 3 % of the column, else 0.
    chain : sequence, optional
        Cheap teachers, each as ``teacher`` is given, that are heard before it: an answer is one
        more opinion beside the surrogate's, bought for the rows where it is expected to spare the
        teacher, and the promise is about the teacher's label all the same. A stage that does not
        pay is left out; see :attr:`stages`. One with options of its own is a pair:
        ``chain=[("openai:gpt-6-nano", {"price": "0.05,0.4"})]``. It goes with "hard-first".
    several : bool or str, optional
        Several labels a row: "any" number of them, none too (True), or "some", at least one. The
        teacher answers with a set (functions return a list; a record holds lists, or texts with
        ``;`` between labels), and agreement means the very same set. Column ``label`` then holds
        lists, and :func:`tracer_nb.indicators` makes a column of each label.
    time_budget : float, optional
        Seconds in which the whole zoo of surrogates is tried, instead of the two quickest.
    latency_weight : float, default 0
        Dollars that a second of waiting for the teacher is worth, for "cost-aware".
    store : path, optional
        The SQLite file that keeps every paid answer. By default ``.tracer_nb/labels.sqlite``
        in the current directory, or what ``TRACER_NB_STORE`` names.
    seed : int, default 0
        Of all random draws, the split and the fit.
    **options
        Of the teacher: ``base_url``, ``price`` and ``batch_price`` ("IN,OUT" in dollars per
        million tokens), ``concurrency``, ``api_key`` (by default from the environment), of a panel
        ``combine``, ``arbiter``, ``adaptive`` and ``pairwise``
        (:class:`~tracer_nb.teachers.PanelTeacher`),
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
        promise: Any = "handled",
        confidence: float = 0.95,
        features: Any = "auto",
        strategy: str = "adaptive-threshold",
        threshold: float | None = None,
        certificate: str = "held-out",
        surrogate: Any = "auto",
        gate: str = "auto",
        pipeline: str = "auto",
        guard: bool | float = True,
        abstain_unlike: bool = False,
        abstain_unsure: float | None = None,
        labelling: str | None = None,
        new_rows: int | None = None,
        chain: Any = None,
        several: bool | str | None = None,
        time_budget: float | None = None,
        latency_weight: float = 0.0,
        store: str | os.PathLike[str] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        hide_key(options)
        choices = {
            "target": target,
            "promise": promise,
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
        setup = make_setup(
            teacher,
            labels,
            prompt,
            choices=choices,
            features=features,
            latency_weight=latency_weight,
            reject=(abstain_unlike, abstain_unsure),
            labelling=(labelling, new_rows),
            chain=chain,
            several=several,
            store=store,
            options=options,
        )
        self._lock = threading.Lock()
        self._state = JobState(setup)
        self._seen: Inspection | None = None  # what was worked out about the last state
        self._planned: tuple[JobState, UpdatePlan | None] | None = None  # for one state

    # --- steps -----------------------------------------------------------------------

    def plan(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        again: str | None = None,
    ) -> Plan:
        """Say what labelling would ask and cost; nothing is sent.

        Parameters
        ----------
        column : series, array or list of texts
        table : dataframe, optional
            Of the same rows, for the columns that the prompt names as ``{{column}}``.
        sample : int, optional
            Most rows asked about before a test; with ``labelling="random"`` the rows to draw
            (2,000).
        max_cost : float, optional
            Hard cap in dollars.
        max_tokens : int, optional
            Hard cap on tokens, of prompts and answers together. Not ``max_answer_tokens``,
            the limit on a single answer.
        max_rows : int, optional
            Hard cap on texts that are asked; stored answers do not count.
        again : str, optional
            "missing" plans to ask again about texts whose answer holds no label.

        Returns
        -------
        Plan

        Raises
        ------
        InvalidInput
            The column cannot be read, or there are more labels than rows.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return label_step.plan(
                state, column, table=table, sample=sample, again=again, caps=caps
            )

    def label(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
        go_on: bool = False,
        again: str | None = None,
    ) -> Labels:
        """Ask the teacher about rows to fit on: hard ones, or a random sample.

        By default a random start, then the rows that the surrogate is least sure of, until the
        expected bill is smallest; with ``labelling="random"`` one random sample, to fit and to
        test on.

        Equal texts are asked once, stored answers are reused, and every new answer is
        stored before it counts. Calling it again goes on where it stopped; a larger
        ``sample`` keeps the rows of the smaller one.

        Parameters
        ----------
        column, table, max_cost, max_tokens, max_rows
            As in :meth:`plan`. Where the price of the teacher's tokens is unknown, one of the
            last two must be given.
        sample : int, optional
            Most rows asked about before a test; with ``labelling="random"`` the rows to draw
            (2,000).
        on_progress : callable, optional
            Called with :class:`~tracer_nb.records.Progress` a few times a second.
        stop : threading.Event, optional
            Another thread sets it to end the run, as an interrupt does.
        go_on : bool, default False
            Count money on from the run before, so that one cap holds for both.
        again : str, optional
            "missing" asks again about texts of the sample whose answer holds no label, each
            once, under the same caps. The answer stays until another one is there, and what
            it cost stays in the store for good. A text that has a label is never asked again.

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
        state = self._step(
            lambda state, keep: label_step.label(
                state,
                column,
                table=table,
                sample=sample,
                caps=caps,
                on_progress=on_progress,
                stop=stop,
                go_on=go_on,
                again=again,
                keep=keep,
            )
        )
        assert state.labels is not None  # noqa: S101  label() has made them
        return state.labels

    def fit(self, *, on_progress: OnProgress | None = None) -> SurrogateFit:
        """Fit the surrogate; nothing is asked.

        Of a random sample it is fitted on one part; where hard rows were chosen, this shows what
        was frozen.

        Parameters
        ----------
        on_progress : callable, optional
            Called with :class:`~tracer_nb.records.Progress`: how many parts of the fit are done.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        NotEnoughData
            Too few labels, or a single one.
        """
        on_part = label_step.tell_parts(on_progress, label_step.FITTING)
        fitted = self._step(lambda state, _: certify.fit(state, on_part)).fitted
        assert fitted is not None  # noqa: S101  fit() has made it
        return fitted

    def calibrate(
        self,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Certificate:
        """Certify a threshold on rows that the surrogate has not seen.

        Of a random sample these are labelled already. Where hard rows were chosen, they are
        drawn now among those that are open, and asked about; where a test does not pass, more
        hard rows are asked about in between. All rounds share one error budget.

        Parameters
        ----------
        max_cost, max_tokens, max_rows, on_progress, stop : optional
            As in :meth:`label`; the caps hold for what is asked since then.

        Returns
        -------
        Certificate
            For the rows of the labelled column. ``tracer.router.certificate`` is the one
            for new rows drawn like them. Where asking was ended before a test had, it promises
            nothing and says so; calibrate again to go on with the same rows.

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        InvalidInput
            Nothing bounds the cost of what is to be asked.
        """
        how = Asking("calibrate", make_caps(max_cost, max_tokens, max_rows), on_progress, stop)
        router = self._step(lambda state, keep: certify.calibrate(state, how, keep)).router
        certificate = None if router is None else router.column_certificate
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
        again: str | None = None,
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
        again : str, optional
            "missing" asks again about all rows whose answer holds no label, as in
            :meth:`label`, where the teacher is asked at all. Certificates stay as they are.

        Returns
        -------
        dataframe
            The column's frame library, with ``label``, ``label_source`` ("surrogate",
            "teacher", "abstained" or missing), ``label_score`` (gate score) and
            ``label_reason`` (why the row has this label, or none). When the teacher breaks down on the deferred rows, they are
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
        state = self._step(
            lambda state, keep: route_step.route(
                state,
                column,
                table=table,
                target=target,
                features=features,
                caps=caps,
                ask_teacher=ask_teacher,
                on_progress=on_progress,
                stop=stop,
                again=again,
                keep=keep,
            )
        )
        if column is None and state.column is not None:
            column = state.column.source
        return self.frame_of(column)

    def run(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
        go_on: bool = False,
        again: str | None = None,
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
        state = self._step(
            lambda state, keep: route_step.run(
                state,
                column,
                table=table,
                sample=sample,
                caps=caps,
                ask_teacher=ask_teacher,
                on_progress=on_progress,
                stop=stop,
                go_on=go_on,
                again=again,
                keep=keep,
            )
        )
        return None if state.routed is None else self.frame_of(column)

    def caps_left(self, caps: Caps) -> Caps:
        """What is left of caps for the whole job after what was spent since :meth:`label`."""
        return caps.left(self._state.setup.spending)

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

        Call it after each :meth:`route`, and as often as you like: what it says is valid at all
        times. Audits are stored, so that a watch goes on in another session that does the same
        steps. A new fit, threshold, target or teacher begins a new watch.

        Distinct texts are audited, once each, and never those of the labelled sample or those that
        an update learned from: where a text that stands in many rows is often wrong, rows agree less than audits say. An answer
        without a label counts as a disagreement; a request that failed is made again by the
        next call. The frame that was routed stays as it is; the next :meth:`route` has the
        teacher's label on audited rows.

        Parameters
        ----------
        rate : float
            Chance of each handled text to be audited, in (0, 1]. The same rate again draws the
            same texts, a higher one more.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for these audits alone.
        seed : int, optional
            Of the draw; that of the Tracer by default.
        on_alarm : str, optional
            What :meth:`route` does after an alarm: "defer" every row; move to the next
            "stricter" certified target, if there is one without an alarm, else defer; or only
            "tell". Stored with the watch; by default what was chosen before, at first "defer".
            An alarm stays until :meth:`calibrate` or :meth:`update` has made another certificate,
            from fresh labels.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        Watch

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput
            A rate, cap, seed or consequence that cannot be; or nothing bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        state = self._step(
            lambda state, _: audit_step.audit(
                state,
                rate,
                caps=caps,
                seed=seed,
                on_alarm=on_alarm,
                on_progress=on_progress,
                stop=stop,
            )
        )
        assert state.watch is not None  # noqa: S101  audit() has made it
        return state.watch

    def watch(self) -> Watch:
        """What the audits of the last routing's promise tell so far; nothing is asked.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        StoreError
            The store cannot be read.
        """
        watch = self._step(lambda state, _: audit_step.watch(state)).watch
        assert watch is not None  # noqa: S101  watch() has made it
        return watch

    @property
    def known_watch(self) -> Watch | None:
        """The same for those who look again and again; None before :meth:`route`.

        None, too, where :meth:`audit` refuses what is promised. It is worked out once for each
        routing and audit.
        """
        state = self._state
        if state.routed is None or state.routed.certificate.unaudited is not None:
            return None
        if state.watch is None:
            with suppress(StoreError):  # to look fails at nothing: the next step says what is wrong
                return self.watch()
        return state.watch

    @property
    def earlier(self) -> Certificate | None:
        """The certificate that :meth:`back` would put in force; None where there is none.

        First that from before the last update that changed one, and then the update's: the
        column's, or where that is the same in both the one for new rows.
        """
        both = back_step.both_certificates(self._state)
        return None if both is None else both[1]

    def back(self) -> Certificate:
        """Put the certificate from before the last update in force again; nothing is asked or paid.

        Router, routing and the frame of the labelled column are as that certificate has them, but
        for the teacher's answers, which stay; nothing that was tested becomes fresh again. Called
        once more it puts the update's back.

        Returns
        -------
        Certificate
            In force now: the column's, or where that is the same in both the one for new rows.

        Raises
        ------
        NotFitted
            No update has changed anything.
        InvalidInput
            An audit has refuted that certificate.

        Notes
        -----
        To choose between two certificates by their figures is covered by neither alone. Each round
        has an error of its own, so that all hold at once with ``total_confidence``: of several
        certified rounds any may be taken.
        """
        both = back_step.both_certificates(self._step(back_step.back))
        assert both is not None  # noqa: S101  it can go forth again
        return both[0]

    def plan_update(self, *, sample: int | None = None) -> UpdatePlan:
        """Say what :meth:`update` would ask and spend, and how likely it certifies; asks nothing.

        Parameters
        ----------
        sample : int, optional
            Fresh rows to test on; by default as many as the first test had.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        NotEnoughData, InvalidInput
            As :meth:`update`.
        """
        with self._held() as state:
            return update_step.plan_update(state, sample=sample)

    @property
    def known_update(self) -> UpdatePlan | None:
        """The same for those who look again and again; None where :meth:`update` would be refused.

        It is worked out once after each step.
        """
        state = self._state
        if state.routed is None:
            return None
        if self._planned is None or self._planned[0] is not state:
            plan = None
            with suppress(TracerError):  # why, says the step
                plan = self.plan_update()
            self._planned = (state, plan)
        return self._planned[1]

    def update(
        self,
        *,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Update:
        """Fit again on all that the teacher said, certify on fresh rows, and route again.

        Answers to rows that :meth:`route` deferred, of this column and of others, and to
        audited ones, become labels to fit on. They are the hard rows, so nothing is tested on
        them: the test takes fresh rows of the column, drawn at random like the sample. Those
        of them that were deferred cost nothing. So that later rounds have fresh rows too, the
        rows of ten tests, half of the column's other rows at most, are kept out of every fit
        until they were tested.

        Rows of the column that the surrogate answered keep its label: that certificate still
        stands. What the teacher has not answered yet may be answered by the new surrogate. New
        rows go by whichever router answers more of them.

        Parameters
        ----------
        sample : int, optional
            Fresh rows to test on; by default as many as the first test had.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for the fresh rows and the routing of this update.
        ask_teacher : bool, optional
            As in :meth:`route`; by default as in the last routing.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        Update
            The figures before and after. When it was stopped, at a cap for example, before all
            fresh rows were answered, everything is as it was; call it again to go on.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        NotEnoughData
            Too few rows are left that nothing was fitted on.
        InvalidInput
            A cap or a number of rows that cannot be; or nothing bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.

        Notes
        -----
        What is promised. With 1 - delta the confidence of the Tracer, round r (the first
        certificate on this column is round 1) is tested at an error of 6 delta / (pi^2 r^2),
        rounded down. All updates together, however many there will be, then spend less than
        .4 delta, so with confidence 1 - 1.4 delta the first certificate and those of every
        update hold at once; each says what is left so far. This is counted for the column's
        certificates and for those for new rows apart. Because all hold at once, the best may be
        chosen afterwards: for new rows the router that answers more of the rows that
        neither surrogate was fitted on, for the column all that any of them answers. One that
        an audit has refuted gives way.

        For new rows the promise is about rows like those of the whole column. For the column
        it is about the rows that the teacher had not answered when the test was drawn: all
        others carry the teacher's own label. After a cross-fit certificate, updates are tested
        on held-out rows, which is proved.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        state = self._step(
            lambda state, keep: update_step.update(
                state,
                sample=sample,
                caps=caps,
                ask_teacher=ask_teacher,
                on_progress=on_progress,
                stop=stop,
                keep=keep,
            )
        )
        assert state.update is not None  # noqa: S101  update() has made it
        return state.update

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
        save(self._state, path)

    def describe(self) -> str:
        """What is promised, in the one sentence that card, panel and report begin with.

        Or why nothing is. ``tracer.router.certificate.describe()`` says it of one certificate.
        """
        return short_promise(self.report)

    def model_card(self) -> str:
        """Promise, evidence, origin and limits of what was certified, in Markdown.

        ``tracer.router.certificate.to_dict()`` is the same for programs.

        Raises
        ------
        NotFitted
            Before :meth:`calibrate`.
        """
        self._state.in_force()
        return report_card(self.report)

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

        if self._state.labels is None:
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

    # --- teachers: asked twice, and asked later ---------------------------------------

    def reask(
        self,
        rows: int = 100,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> SelfAgreement:
        """Ask the teacher a second time about a few texts of the sample, drawn at random.

        Where it does not agree with itself, no surrogate can agree with it either, and
        :meth:`gaps` says how much of the lost coverage that may explain. The first answer
        stays the label. Second answers are stored beside the first ones before they count, as
        a set of answers of their own: calling it again asks about none of them a third time.

        At temperature 0, or where a server keeps its answers, the same answer may come again
        however unclear the task is.

        Parameters
        ----------
        rows : int, default 100
            Distinct texts to draw, of those that have a label. A larger number keeps those of
            a smaller one. Fix it beforehand: the interval does not allow for asking about more
            until the figure pleases.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for these second questions alone.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        SelfAgreement
            Of all second answers to texts of the sample, those of earlier calls among them.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        NotEnoughData
            No text of the sample has a label.
        InvalidInput
            The teacher is a record of labels; a number or cap that cannot be; or nothing
            bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return reask_step.reask(state, rows, caps=caps, on_progress=on_progress, stop=stop)

    def plan_reask(
        self,
        rows: int = 100,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> ReaskPlan:
        """Say what :meth:`reask` would ask and cost; nothing is sent.

        Raises
        ------
        NotFitted, NotEnoughData, InvalidInput, StoreError
            As :meth:`reask`.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return reask_step.plan_reask(state, rows, caps=caps)

    def self_agreement(self) -> SelfAgreement | None:
        """What second answers tell so far; None when there are none. Nothing is asked.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        StoreError
            The store cannot be read.
        """
        return reask_step.self_agreement(self._state)

    def submit(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Send a random sample of the column to the server's batch endpoint.

        It answers within a day, for less: half the price at OpenAI. :meth:`collect` brings the
        answers in, in another session if you like; :meth:`label` with the same sample then
        finds them all, and asks nothing. Until then these texts are not asked online. A server
        that takes no schemas refuses every line: label a few rows online first, from which
        this session learns how to ask.

        Parameters
        ----------
        column, table
            As in :meth:`plan`.
        sample : int
            Rows to draw at random, the same that :meth:`label` draws.
        max_cost, max_tokens, max_rows : optional
            Hard caps in dollars, tokens and texts for all batches of this teacher that are
            under way. The most that a batch can take must fit before it is sent. Where the
            price of a batch is unknown, one of the last two must be given.

        Raises
        ------
        InvalidInput, NotEnoughData
            As in :meth:`label`; the teacher has no server, there is no store on disk, or the
            cap is too low. Nothing was sent.
        TeacherError
            The server takes no batches, or not this one.
        StoreError
            The store failed.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return reask_step.submit(state, column, table=table, sample=sample, caps=caps)

    def plan_submit(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Say what :meth:`submit` would send, and refuse what it would; nothing is sent.

        Returns
        -------
        Submitted
            Without batches: ``most`` is what they would come to at the most.

        Raises
        ------
        InvalidInput, NotEnoughData, StoreError
            As in :meth:`submit`, of what can be known before the server is asked.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return reask_step.plan_submit(state, column, table=table, sample=sample, caps=caps)

    def submit_deferred(
        self,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Send what :meth:`route` deferred, and did not ask about, in a batch.

        Rows that came out abstained are not sent.

        Route with ``ask_teacher=False`` first, and again after :meth:`collect`.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput, TeacherError, StoreError
            As in :meth:`submit`.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return reask_step.submit_deferred(state, caps=caps)

    def plan_submit_deferred(
        self,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Say what :meth:`submit_deferred` would send, as :meth:`plan_submit` does.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput, StoreError
            As in :meth:`plan_submit`.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        with self._held() as state:
            return reask_step.plan_submit_deferred(state, caps=caps)

    def collect(self) -> Collected:
        """Store what this teacher's batches have brought, and say where the others stand.

        The teacher must be the one that submitted: same model, server, labels, prompt and
        parameters. Collecting twice changes nothing.

        Raises
        ------
        InvalidInput
            The teacher has no server, or there is no store on disk.
        TeacherError
            The server cannot tell. What was stored is safe.
        StoreError
            The store failed: collect again.
        """
        return reask_step.collect(self._state)

    def batches(self) -> tuple[Batch, ...]:
        """All batches in the store, the last one first; this teacher's as they are now.

        Raises
        ------
        InvalidInput, TeacherError, StoreError
            As in :meth:`collect`.
        """
        return reask_step.batches(self._state)

    def cancel(self, key: str) -> Batch:
        """Stop the batch of this key; collect what it has answered when it has stopped.

        One that has ended and cannot be collected is given up: its texts may be asked again.

        Raises
        ------
        InvalidInput
            No batch of this teacher has this key.
        TeacherError, StoreError
            As in :meth:`collect`.
        """
        return reask_step.cancel(self._state, key)

    # --- a human checks the teacher ---------------------------------------------------

    def review(
        self, *, of: str = "mixed", rows: int = 50, blind: bool = True, against: str | None = None
    ) -> Reviewing:
        """Let a human check rows of the sample, and so measure the teacher itself.

        Reviews are kept in the store by label set and text, so calling it again goes on where
        it stopped, in another kernel and with another teacher too.

        Parameters
        ----------
        of : str, default "mixed"
            "random" rows tell the teacher's accuracy; "uncertain" rows have a low gate score,
            or the teacher's own probabilities are close; on "disputed" rows teacher and
            surrogate differ, although the surrogate was not fitted on them, or members of a panel
            do. "mixed" alternates
            random rows with the others; "chosen" are those of :meth:`send_to_review`.
        rows : int, default 50
            To review in all, earlier reviews among them. Fix it beforehand: the interval of
            the accuracy does not allow for stopping when the figure pleases.
        blind : bool, default True
            The teacher's label is shown after the answer only. A human who sees it before
            agrees with it too often.
        against : str, optional
            The key of another set of stored answers (``%tracer store list`` shows them), to
            dispute the teacher's labels instead of the surrogate's.

        Returns
        -------
        Reviewing

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            An argument cannot be used, or there is nothing of that kind to review.
        StoreError
            The store cannot be read.
        """
        return review_step.review(self._state, of=of, rows=rows, blind=blind, against=against)

    @property
    def known_review(self) -> int | None:
        """Rows that :meth:`review` would show and that wait; None where it would be refused."""
        with suppress(TracerError):  # why, says the step
            state = self.review().state
            return state.n_total - state.n_done
        return None

    def send_to_review(self, rows: Iterable[int]) -> int:
        """Put rows aside for ``review(of="chosen")``; how many wait there.

        Parameters
        ----------
        rows : iterable of int
            Positions in the labelled column.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            No such row, or one to which the teacher gave no label.
        """
        return len(self._step(lambda state, _: review_step.send_to_review(state, rows)).chosen)

    def relabel(self, row: int, label: str | Sequence[str], note: str = "") -> None:
        """Say which label, or which several, a row should have; kept as a review that was not blind.

        The teacher's answer stays as it is: certificates are about it.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            No such row, not one of the labels, or a note that is not text.
        StoreError
            It could not be stored.
        """
        review_step.relabel(self._state, row, label, note)

    def export_reviews(self, path: str | os.PathLike[str], *, escape: bool = False) -> Written:
        """Write every review with this label set to a CSV or Parquet file.

        The teacher's labels stand beside them where this object knows them. A cell that begins
        with ``=``, ``+``, ``-`` or ``@`` may be run by a spreadsheet: ``escape`` puts an
        apostrophe before it. ``rows`` of the result are the reviews, ``formulas`` such cells.

        Raises
        ------
        InvalidInput
            Another ending, or a file that cannot be written.
        MissingExtra
            Parquet without pyarrow.
        StoreError
            The store cannot be read.
        """
        return review_step.export_reviews(self._state, path, escape=escape)

    @property
    def reviews(self) -> tuple[tuple[str, str], ...]:
        """Text and label of every review with this label set, the oldest first.

        Not those that were skipped. They may be the ``examples`` of another Tracer: a text is
        never shown with its own label, so that they can test its prompt at the same time.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        setup = self._state.setup
        return reviewed_pairs(setup.reviews, setup.teacher.labels)

    # --- looking ---------------------------------------------------------------------
    #
    # Nothing here asks the teacher, changes anything, or fails because a step is missing: what
    # needs a later step is None, or empty. While another thread labels, the answers that were
    # stored so far are looked at.

    @property
    def labelling(self) -> str:
        """How rows to label are chosen: "hard-first" or "random"."""
        return self._state.setup.labelling

    @property
    def panel(self) -> PanelReport | None:
        """What each member of a panel has answered, and how right it seems to be.

        None where the teacher is no panel, or nothing is labelled yet.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        return panel_report(self._state)

    @property
    def stages(self) -> tuple[StageReport, ...]:
        """What each stage of a chain was asked about the column, and what came of it."""
        return stage_reports(self._state)

    @property
    def report(self) -> Report:
        """Where the job stands, for cards, panels and status lines."""
        return report(self._state)

    def gaps(self, table: Any = None) -> Gaps:
        """Find where surrogate and teacher part, on rows that were not used to fit.

        These are the calibration rows, or, before :meth:`calibrate`, the fitting rows out of
        fold. Nothing is asked, paid or changed; what :meth:`reask` has stored is looked at. To choose settings by what it shows and then
        to certify on the same rows would void the promise: draw fresh rows for that.

        Parameters
        ----------
        table : dataframe, optional
            The column's own, whose other columns are looked at for groups of rows on which
            both differ more often than elsewhere.

        Returns
        -------
        Gaps

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        InvalidInput
            ``table`` is not a dataframe, or has another number of rows than the column.
        StoreError
            The store of second answers cannot be read.
        """
        before = self._state
        after = find_gaps(before, self._look(before), table)
        self._take(before, after)
        assert after.gaps is not None  # noqa: S101  they were found
        return after.gaps[0]

    @property
    def known_gaps(self) -> Gaps | None:
        """What :meth:`gaps` found last, if nothing has happened since; nothing is computed."""
        return known_gaps(self._state)

    def differences(self, before: Tracer) -> FitDifferences:
        """Compare this fit with another one of the same column and the same labels.

        Coverage and rows that changed sides are told of the column; agreement of rows with a
        teacher's label that neither surrogate was fitted on. Nothing is asked or changed. To
        choose between fits by these figures and to certify the choice on the same rows would
        void the promise: draw fresh rows for that.

        Parameters
        ----------
        before : Tracer
            Calibrated, on an equal column, with the same label set.

        Returns
        -------
        FitDifferences

        Raises
        ------
        NotFitted
            One of the two is not calibrated.
        InvalidInput
            ``before`` is no other Tracer, or about another column or label set.
        """
        if not isinstance(before, Tracer) or before is self:
            raise InvalidInput("before must be another Tracer, to compare this one with")
        return differences(before._look(), self._look())

    def label_counts(self) -> LabelCounts | None:
        """How often each label occurs, in the sample so far and in the routed output.

        Returns
        -------
        LabelCounts or None
            None before :meth:`label`.
        """
        now = self._look()
        return None if now is None else now.label_counts

    def confusion(self) -> Confusion | None:
        """The teacher's labels against the surrogate's; None before :meth:`fit`.

        Counted on the calibration rows, or, before :meth:`calibrate`, on the fitting rows out
        of fold: rows that the surrogate was not fitted on.
        """
        return views.confusion(self._look())

    def label_agreement(self, by: str = "teacher") -> LabelAgreement | None:
        """Agreement for each label, on the rows of :meth:`confusion`; None before :meth:`fit`.

        Parameters
        ----------
        by : str
            Whose label groups the rows: "teacher" or "surrogate".

        Raises
        ------
        InvalidInput
            ``by`` is neither.
        """
        return views.label_agreement(self._look(), by)

    def reliability(self) -> Reliability | None:
        """Gate scores against observed agreement, on the same rows; None before :meth:`fit`."""
        return views.reliability(self._look())

    def targets(self) -> Targets | None:
        """What each target would give, estimated or certified; None before :meth:`calibrate`.

        To have another target certified, calibrate with it; each certificate on the same
        column spends the error budget again.
        """
        now = self._look()
        return None if now is None else now.targets

    def at_threshold(self, threshold: float) -> HandThreshold | None:
        """What a threshold moved by hand gives, which is never certified.

        Parameters
        ----------
        threshold : float
            Score in [0, 1] along the path of the strategy: a gate score, unless rows are
            handed over by cost.

        Returns
        -------
        HandThreshold or None
            None before :meth:`calibrate`.

        Raises
        ------
        InvalidInput
            Not a number in [0, 1].
        """
        return views.at_threshold(self._look(), threshold)

    def preview(self) -> Preview | None:
        """The frontier of the labels so far; None while there are too few.

        May be called from another thread while :meth:`label` runs. It looks at fitting rows
        alone, so that watching it costs the certificate nothing.
        """
        now = self._look()
        return None if now is None else now.preview

    def map(self, method: str = "t-sne", *, n_points: int | None = None) -> ColumnMap | None:
        """Texts of the column as points in the plane; None before :meth:`label`.

        Parameters
        ----------
        method : str
            "t-sne" or "umap" (a few seconds; the second needs umap-learn): near stands what is
            alike and what the surrogate answers alike. "pca": at once, and seldom parts anything.
        n_points : int, optional
            At most 100,000; by default 2,000. Of more texts a sample is drawn, in which rare
            statuses are seen more often.

        Raises
        ------
        InvalidInput
            An unknown method, or too many points for it.
        MissingExtra
            umap-learn is not installed.
        """
        return views.column_map(self._look(), method, n_points)

    def rows(
        self, selection: Selection | None = None, *, offset: int = 0, limit: int = 25
    ) -> RowPage:
        """Rows that match a selection, one page of them; no rows before :meth:`label`.

        Parameters
        ----------
        selection : Selection, optional
            Every row with text by default. :meth:`Confusion.cell`, :meth:`LabelAgreement.bar`
            and :meth:`Reliability.bin` make those of their charts.
        offset, limit : int
            Matching rows to leave out, and to give: at most 100.

        Raises
        ------
        InvalidInput
            A label or status that does not exist, or numbers out of range.
        """
        return views.rows(self._look(), selection, offset=offset, limit=limit)

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

    def frame_now(self, source: Any) -> Any:
        """The frame of the last routing, with all that the teacher said since.

        After :meth:`audit`, for example, audited rows have the teacher's label. Nobody is asked, and
        no row is routed otherwise.

        Parameters
        ----------
        source : dataframe or column
            That was routed.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput
            ``source`` has another number of rows.
        """
        with self._held() as state:
            return self.frame_of(source, route_step.outcome_now(state))

    # --- state -----------------------------------------------------------------------

    @property
    def teacher(self) -> Teacher:
        """Who is asked."""
        return self._state.setup.teacher

    @property
    def options(self) -> Options:
        """Of the engine, checked."""
        return self._state.setup.options

    @property
    def seed(self) -> int:
        """Of all random draws, the split and the fit."""
        return self._state.setup.options.seed

    @property
    def labels(self) -> Labels | None:
        """Of the sample; None before :meth:`label`."""
        return self._state.labels

    @property
    def fitted(self) -> SurrogateFit | None:
        """The surrogate; None before :meth:`fit`."""
        return self._state.fitted

    @property
    def router(self) -> Router | None:
        """With its certificates; None before :meth:`calibrate`."""
        return self._state.router

    @property
    def outcome(self) -> Outcome | None:
        """Of the last :meth:`route`."""
        return self._state.outcome

    @property
    def rounds(self) -> int:
        """Certificates that were made on rows of this column."""
        return len(self._state.errors)

    @property
    def target(self) -> float:
        """The main target."""
        return self._state.setup.target

    @property
    def confidence(self) -> float:
        """Of all promises together."""
        return self._state.setup.options.confidence

    def continue_from(self, other: Tracer) -> None:
        """Count the certificates that another Tracer made on the same column as tries, too.

        Reviews and audits that it holds in memory are taken over, and what to do on an alarm.
        A job that chooses its rows begins anew with another teacher, as it does in another kernel:
        which rows were drawn followed from answers that this teacher did not give.
        """
        theirs, mine = other._state, self._state.setup
        same = mine.reviews.path == theirs.setup.reviews.path
        setup = (
            replace(mine, reviews=theirs.setup.reviews) if same else mine
        )  # those in memory live on
        mine.auditor.continue_from(theirs.setup.auditor)
        tried = replace(self._state, setup=setup)
        chosen = "hard-first" in (mine.labelling, theirs.setup.labelling)
        if not chosen or mine.teacher.identity == theirs.setup.teacher.identity:
            tried = replace(tried, draws=theirs.draws, drawn_from=theirs.drawn_from)
        self._take(self._state, tried)

    def __repr__(self) -> str:
        if not hasattr(self, "_state"):  # in the traceback of a failure to make it
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

    @contextmanager
    def _held(self) -> Iterator[JobState]:
        """The state, and its store open at most once."""
        state = self._state
        with state.setup.shelf.held():
            yield state

    def _step(self, step: Callable[[JobState, Keep], JobState]) -> JobState:
        """Make a step, and take over every state that it reaches; the last one."""
        with self._held() as before:

            def keep(after: JobState) -> None:
                nonlocal before
                self._take(before, after)
                before = after

            after = step(before, keep)
            keep(after)
        return after

    def _take(self, before: JobState, after: JobState) -> None:
        """Take over what a step has changed."""
        with self._lock:
            self._state = merged(self._state, before, after)

    def _look(self, state: JobState | None = None) -> Inspection | None:
        """Where the job stands; the same object again as long as nothing happens."""
        self._seen = now = inspect(self._state if state is None else state, self._seen)
        return now


def compare(*tracers: Tracer, reference: Any = None) -> ComparisonCard:
    """Put jobs on the same column side by side: a single teacher, a chain, a panel.

    Cost, agreement, saved share and certificate of each, as a table and a chart, from what was
    run and from stored answers: nobody is asked, and nothing is paid. To choose the job with the
    best figures here leaves each certificate as it is, but several promises that were made at one
    confidence do not hold together at it.

    Parameters
    ----------
    *tracers : Tracer
        Calibrated, on equal columns, with one label set.
    reference : Tracer, mapping of str to str, or sequence of str, optional
        Whose labels agreement is counted with: a Tracer's teacher, by its stored answers; labels
        by text; or one for each row, None where there is none. By default the first job's teacher.

    Returns
    -------
    ComparisonCard
        It shows itself in a notebook; ``jobs`` are records, ``frame()`` is a dataframe,
        ``chart()`` an altair chart.

    Raises
    ------
    InvalidInput
        No Tracer, other texts or labels, or a reference that is none of these.
    NotFitted
        A job that is not calibrated.
    StoreError
        The store cannot be read.
    """
    from tracer_nb.widgets.comparison import ComparisonCard  # noqa: PLC0415  charts are slow to import

    for i, one in enumerate(tracers, 1):
        if not isinstance(one, Tracer):
            raise InvalidInput(f"job {i} must be a Tracer, got {type(one).__name__}")
    states = [one._state for one in tracers]  # noqa: SLF001  of this module
    against = reference._state if isinstance(reference, Tracer) else reference  # noqa: SLF001
    return ComparisonCard(compare_jobs(states, against))
