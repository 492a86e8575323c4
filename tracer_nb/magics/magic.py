"""``%tracer`` and ``%%tracer``: parse, call the facade, show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display

from tracer_nb.errors import InvalidInput, KeyRefused, NotFitted, TracerError
from tracer_nb.live.session import Reins
from tracer_nb.magics.complete import complete
from tracer_nb.magics.job import Job
from tracer_nb.magics.keys import Keys, refuse_keys
from tracer_nb.magics.names import Source, unquote
from tracer_nb.magics.options import (
    check_output,
    read_caps,
    read_sample,
    read_settings,
    read_source,
    read_words,
    split_line,
)
from tracer_nb.magics.reference import show_help
from tracer_nb.magics.scan import show_scan
from tracer_nb.magics.settings import written_options
from tracer_nb.magics.verbs import check_heeded, check_only, step_help
from tracer_nb.magics.workspace import Workspace, made, user_variables
from tracer_nb.records import Caps

__all__ = ["TracerMagics", "register"]

# A review that names one writes what was said, instead of asking.
_TABLES = (".csv", ".parquet")
# Steps that may ask the teacher.
_ASKING = (
    *("run", "label", "route", "panel", "submit", "collect", "batches", "cancel", "audit"),
    *("reask", "update"),
)
# Steps beside the job itself: the caps and rows of their lines are for those lines alone.
_ASIDE = ("audit", "reask", "update")
# Steps that go on with a job.
_GOES_ON = (
    *("fit", "calibrate", "status", "panel", "report", "save", "review", "gaps"),
    *("audit", "reask", "update"),
)
# How long a cap holds.
_LASTS = (
    "over all that is asked from one run or label to the next; on a line with audit, reask or "
    "update for that line alone"
)
# Steps that show where the job stands, or what was sent: they put no work away.
_SHOWING = ("plan", "status", "panel", "batches", "collect", "cancel")
_OF_LINE = ("sample", *(f.name for f in fields(Caps)))


@magics_class
class TracerMagics(Magics):
    """The magics of one kernel; jobs are kept by name."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.jobs: dict[str, Job] = {}
        self._keys = Keys()
        self._space = Workspace(shell, self._parse, lambda: self.tracer.parser, self._keys)

    @no_var_expand
    @magic_arguments()
    @argument(
        "words",
        nargs="*",
        metavar="[STEP] [COLUMN]",
        help=f"STEP: {step_help()} A cell without one runs the whole job. COLUMN: df.text, df['text'] "
        "or a variable.",
    )
    @argument(
        "--teacher",
        help=(
            "openai:MODEL, anyllm:PROVIDER/MODEL, standin:support, or a variable: a function from "
            "text to label, a dict of recorded labels, or a column of them."
        ),
    )
    @argument(
        "--labels",
        help=(
            "A file with one label a line (a tab and what it means may follow), a variable, or "
            "first,second,third."
        ),
    )
    @argument(
        "--target",
        help="Agreement to promise on handled rows (0.92), or several: 0.92,0.95.",
    )
    @argument("--at", type=float, help="Which of several targets to route by (the first).")
    @argument("--confidence", type=float, help="Confidence of the promise (0.95).")
    @argument(
        "--sample",
        help="Rows to label at random (2000), or auto: as many as pay. Of update: rows to test on.",
    )
    @argument("--max-cost", type=float, help=f"Hard cap in dollars, {_LASTS} (inf: none).")
    @argument(
        "--max-tokens",
        type=float,
        help=f"Hard cap on tokens, prompts and answers together, {_LASTS} (inf: none).",
    )
    @argument(
        "--max-rows",
        type=float,
        help=f"Hard cap on texts asked, stored answers aside, {_LASTS} (inf: none).",
    )
    @argument("--price", help="IN,OUT: dollars per million tokens, where the price is unknown.")
    @argument(
        "--batch-price",
        help="IN,OUT: dollars per million tokens of a batch (at OpenAI half the price).",
    )
    @argument("--base-url", help="Address of an OpenAI-compatible server.")
    @argument(
        "--ask-key",
        action="store_true",
        help="Type the server's API key into a hidden prompt, once a kernel.",
    )
    @argument(
        "--max-answer-tokens",
        type=int,
        help="Most tokens of one single answer (1024); the cap on a job is --max-tokens.",
    )
    @argument("--reasoning-effort", help="Effort of a reasoning model: minimal, low, …")
    @argument(
        "--answers",
        help="Form of answers to begin with: auto, json-schema, tool, codes or text (auto).",
    )
    @argument(
        "--logprobs",
        action="store_true",
        default=None,
        help="Ask for log-probabilities: the teacher's distribution over the labels.",
    )
    @argument(
        "--shuffle",
        action="store_true",
        default=None,
        help="List the labels in another order for every text.",
    )
    @argument(
        "--examples",
        help=(
            "A dict from text to label, or reviewed (what was said in reviews): the nearest are "
            "shown with a text."
        ),
    )
    @argument("--n-examples", type=int, help="How many examples with one text (8).")
    @argument("--votes", type=int, help="How often each text is asked about; the votes count (1).")
    @argument(
        "--concurrency",
        type=int,
        help="Most requests at the same time (64); fewer when the server has trouble.",
    )
    @argument("--requests-per-minute", type=float, help="Most requests a minute (no limit).")
    @argument("--tokens-per-minute", type=float, help="Most tokens a minute (no limit).")
    @argument("--features", help="lsa, fastembed:NAME-OR-DIRECTORY, or a matrix or function (lsa).")
    @argument(
        "--surrogate", help="auto, a name from the zoo, several, or a classifier's variable (auto)."
    )
    @argument(
        "--strategy", help="adaptive-threshold, fixed-threshold or cost-aware (adaptive-threshold)."
    )
    @argument("--threshold", type=float, help="Gate score from 0 to 1, for fixed-threshold.")
    @argument(
        "--certificate",
        help="held-out, per-class or, verified by simulation only, cross-fit (held-out).",
    )
    @argument("--gate", help="auto, margin, max-probability, entropy or learned (auto).")
    @argument("--pipeline", help="auto, accept-all, single or cascade (auto).")
    @argument(
        "--guard",
        type=float,
        help="Share of rows like the labelled ones that are deferred as unlike them (0.002).",
    )
    @argument(
        "--no-guard",
        dest="guard",
        action="store_false",
        default=None,
        help="Do not defer rows only because they are unlike every labelled one.",
    )
    @argument(
        "--abstain-unlike",
        action="store_true",
        default=None,
        help="Leave deferred rows unlike every labelled one without a label; ask nobody.",
    )
    @argument(
        "--abstain-unsure",
        type=float,
        help=(
            "Leave rows without a label to which the teacher itself gave less than this "
            "probability (needs --votes or --logprobs)."
        ),
    )
    @argument(
        "--time-budget", type=float, help="Seconds to try the whole zoo in; else the two quickest."
    )
    @argument(
        "--latency-weight", type=float, help="Dollars a second of waiting, for cost-aware (0)."
    )
    @argument("--seed", type=int, help="Seed of sample, split and fit (0).")
    @argument("--store", help="File that keeps paid answers (.tracer_nb/labels.sqlite).")
    @argument("--latency", type=float, help="Seconds an answer of the stand-in takes.")
    @argument("--wrong", type=float, help="Share of wrong answers of the stand-in (0.02).")
    @argument("--columns", help="Where a log has what: text=COLUMN,label=COLUMN.")
    @argument("--output", help="Variable for the labelled frame.")
    @argument("--name", default="main", help="Name of the job, to keep several apart (main).")
    @argument(
        "--again",
        help="With missing, ask again about texts whose answer held no label; others stay.",
    )
    @argument("--deferred", action="store_true", help="Submit what route left to the teacher.")
    @argument("--dry-run", action="store_true", help="Show the plan; ask and pay nothing.")
    @argument(
        "--ask",
        dest="ask",
        action="store_true",
        default=None,
        help=("Send deferred rows to the teacher even when nothing was certified."),
    )
    @argument(
        "--no-ask",
        dest="ask",
        action="store_false",
        default=None,
        help=("Leave deferred rows without a label."),
    )
    @argument("--of", help="Rows to review: mixed, random, uncertain, disputed or chosen (mixed).")
    @argument(
        "--rows",
        type=int,
        help="Rows to review (50) or to reask (100), in all; fix it beforehand.",
    )
    @argument("--rate", type=float, help="Chance of a handled text to be audited (0.05).")
    @argument(
        "--on-alarm",
        help="What route does after an alarm of audit: defer, stricter or tell (defer).",
    )
    @argument(
        "--against",
        help=(
            "What to compare with. Of gaps: the name of another job on the same column. Of review: "
            "the key of a set of answers (see labels), to review where it differs."
        ),
    )
    @argument(
        "--no-blind",
        dest="blind",
        action="store_false",
        default=None,
        help="Show the teacher's label before the answer.",
    )
    @argument(
        "--escape",
        action="store_true",
        help="Put an apostrophe before cells of a .csv that a spreadsheet would run as formulas.",
    )
    @argument("--help", action="store_true", help="Say what the steps do, or one of them.")
    @line_cell_magic
    def tracer(self, line: str, cell: str | None = None) -> None:
        """Label a column with a teacher; a certified surrogate answers the easy rows.

        ``%%tracer df.text --teacher openai:gpt-6-luna --labels intents.txt --output routed``
        with the task in words as the cell's text does the whole job; ``%tracer run df.text``
        does it for a teacher that needs no words, such as a function. ``%tracer STEP`` does
        one step, with the settings of the lines before it; ``%tracer --help`` lists them.
        """
        self._space.warm()
        try:
            self._do(line, cell)
        except TracerError as error:
            from tracer_nb.teachers.server import redact  # noqa: PLC0415  as heavy as the Tracer

            if isinstance(error, KeyRefused):
                self._keys.forget()
            # IPython shows a UsageError as one line without a traceback.
            raise UsageError(redact(str(error))) from error
        except KeyboardInterrupt as stop:
            raise UsageError(
                "stopped; what is stored is kept, and the same line begins this step again"
            ) from stop

    def _do(self, line: str, cell: str | None) -> None:
        variables = user_variables(self.shell)
        refuse_keys(split_line(line), variables)
        args = self._parse(line)
        if args.help:
            show_help(args.words, self.tracer.parser)
            return
        verb, column = read_words(args.words, cell=cell is not None)
        check_heeded(verb, args, self.tracer.parser)
        check_output(args.output)
        job = self.jobs.get(args.name, Job())
        if self._is_done_alone(verb, column, args, job):
            return
        _check_deferred(column, args)
        source = read_source(_expression(verb, column), variables)
        if self._is_of_loaded(verb, job, args, source, cell):
            return
        _check_has_labels(verb, is_anew=args.teacher is not None, job=job)
        _check_step(verb, column, source, job)
        # Routing other rows leaves the job about the labelled ones.
        about = None if verb in ("route", "status") else source
        settings = read_settings(args, about or job.source, cell, variables)
        written = written_options(args, self.tracer.parser, settings)
        caps, sample = read_caps(args), read_sample(args.sample)
        if verb in _ASIDE:
            caps, sample = {}, None
            written = {name: text for name, text in written.items() if name not in _OF_LINE}
        _check_begun(verb, settings, job)
        if (verb in _SHOWING or args.dry_run) and job.would_begin_anew(settings):
            raise _would_begin_anew(settings, f"{verb} --dry-run" if args.dry_run else verb)
        if job.session.moment.running and not settings and verb in ("panel", "status"):
            self._space.look(verb, job)
            return
        job.session.check_free()
        with _undoing(job, settings, verb):
            job.change(settings, about, sample, caps, written)
            if about is not None:
                job.expression = column
            self.jobs[args.name] = job
            self._space.attach(args.name, job)
            asks = verb in _ASKING and not args.dry_run
            self._keys.give(job, made(job).teacher, wanted=args.ask_key, asks=asks)
            if args.dry_run and verb not in ("reask", "submit"):
                self._plan(job, args)
            elif verb == "route":
                self._route(job, args, source or job.home)
            else:
                getattr(self, f"_{verb}")(job, args)

    def _is_done_alone(self, verb: str, column: str, args: Any, job: Job) -> bool:
        """Do a step that is about files and stored answers, and changes no settings."""
        self._check_named(verb, args)
        if verb in ("report", "save", "load"):
            variables = user_variables(self.shell)
            getattr(self, f"_{verb}")(args.name, _file(verb, column), args, variables)
        elif verb == "scan":
            show_scan(column, args, user_variables(self.shell))
        elif verb in ("labels", "compare"):
            self._stored(verb, column, args)
        elif verb == "review" and (file := unquote(column.strip())).endswith(_TABLES):
            self._export_reviews(job, file, args)
        elif verb == "batches" and job.tracer is None and args.teacher is None:
            self._all_batches(args)
        else:
            return False
        return True

    def _check_named(self, verb: str, args: Any) -> None:
        """Refuse a step of a job that is not there, where there are others."""
        begun = [name for name, job in self.jobs.items() if job.tracer or job.loaded]
        if verb in _GOES_ON and args.teacher is None and begun and args.name not in begun:
            raise InvalidInput.unknown_name("job", args.name, begun)

    def _parse(self, line: str) -> Any:
        parser = self.tracer.parser
        args, unknown = parser.parse_known_args(split_line(line))
        if unknown and not unknown[0].startswith("-"):
            raise InvalidInput(
                f"{unknown[0]!r} stands behind an option; write STEP and COLUMN before the options"
            )
        if unknown:
            known = [o for action in parser._actions for o in action.option_strings]  # noqa: SLF001
            raise InvalidInput.unknown_name("option", unknown[0].partition("=")[0], known)
        return args

    # --- steps: one call each ----------------------------------------------------------

    def _plan(self, job: Job, args: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import plan_lines  # noqa: PLC0415

        plan = made(job).plan(
            job.column, table=job.table, sample=job.sample, again=args.again, **asdict(job.caps)
        )
        display(Lines([*plan_lines(plan), "Nothing was asked or paid."]))

    def _run(self, job: Job, args: Any) -> None:
        job.home = job.source
        work = self._space.whole(job, args.output, args.ask, args.again)
        self._space.follow(job, work, lambda: _card(made(job)))

    def _label(self, job: Job, args: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import label_lines  # noqa: PLC0415

        tracer, column = made(job), job.column
        job.home = job.source

        def work(reins: Reins) -> None:
            tracer.label(
                column,
                table=job.table,
                sample=job.sample,
                **asdict(job.caps),
                on_progress=reins.on_progress,
                stop=reins.stop,
                go_on=reins.go_on,
                again=args.again,
            )

        def result() -> Any:
            note = tracer.report.note
            return Lines([*label_lines(tracer.labels), *([note] if note else [])])

        self._space.follow(job, work, result)

    def _fit(self, job: Job, args: Any) -> None:
        del args
        from tracer_nb.magics.show import Trials  # noqa: PLC0415

        display(Trials(made(job).fit().trials))
        job.session.look()

    def _calibrate(self, job: Job, args: Any) -> None:
        del args
        made(job).calibrate()
        job.session.look()
        display(_card(made(job)))

    def _route(self, job: Job, args: Any, source: Source | None) -> None:
        tracer = made(job)

        def work(reins: Reins) -> None:
            tracer.route(
                None if source is None else source.column,
                table=None if source is None else source.frame,
                target=args.at,
                **asdict(tracer.caps_left(job.caps)),
                ask_teacher=args.ask,
                on_progress=reins.on_progress,
                stop=reins.stop,
                again=args.again,
            )
            self._space.assign(tracer, source, args.output)

        self._space.follow(job, work, lambda: _card(tracer))

    def _panel(self, job: Job, args: Any) -> None:
        del args
        self._space.prepare(job)
        self._space.look("panel", job)

    def _submit(self, job: Job, args: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import submit_plan_lines, submitted_lines  # noqa: PLC0415

        tracer, caps = made(job), asdict(job.caps)
        if args.dry_run:
            planned = (
                tracer.plan_submit_deferred(**caps)
                if args.deferred
                else tracer.plan_submit(job.column, table=job.table, sample=job.sample, **caps)
            )
            display(Lines([*submit_plan_lines(planned), "Nothing was sent or paid."]))
            return
        if args.deferred:
            submitted = tracer.submit_deferred(**asdict(job.caps))
        else:
            submitted = tracer.submit(
                job.column, table=job.table, sample=job.sample, **asdict(job.caps)
            )
        display(Lines([*submitted_lines(submitted), *_note(tracer)]))

    def _collect(self, job: Job, args: Any) -> None:
        del args
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import collected_lines  # noqa: PLC0415

        tracer = made(job)
        display(Lines([*collected_lines(tracer.collect()), *_note(tracer)]))

    def _batches(self, job: Job, args: Any) -> None:
        del args
        from tracer_nb.magics.show import BatchTable  # noqa: PLC0415

        display(BatchTable(made(job).batches()))

    def _all_batches(self, args: Any) -> None:
        from tracer_nb.magics.show import BatchTable  # noqa: PLC0415
        from tracer_nb.teachers import LabelStore  # noqa: PLC0415
        from tracer_nb.teachers.batchrows import all_batches  # noqa: PLC0415

        what = "without a job batches lists all of a store, and heeds --store alone"
        check_only(what, ("store",), args, self.tracer.parser)
        with LabelStore(None if args.store is None else unquote(args.store)) as store:
            display(BatchTable(all_batches(store)))

    def _cancel(self, job: Job, args: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import batch_sentence  # noqa: PLC0415

        key = " ".join(args.words[1:])
        if not key:
            raise InvalidInput("name a batch: %tracer cancel BATCH, see %tracer batches")
        display(Lines([batch_sentence(made(job).cancel(key))]))

    def _status(self, job: Job, args: Any) -> None:
        del args
        display(_card(made(job)))

    def _gaps(self, job: Job, args: Any) -> None:
        from tracer_nb.magics.gaps import DifferenceTables, GapTables  # noqa: PLC0415

        if args.against is not None:
            before = self._other(unquote(args.against), job)
            display(DifferenceTables(made(job).differences(before)))
            return
        display(GapTables(made(job).gaps(job.home_table)))
        job.session.look()

    def _other(self, name: str, job: Job) -> Any:
        """The Tracer of another job."""
        others = {
            n: j.tracer for n, j in self.jobs.items() if j is not job and j.tracer is not None
        }
        if name not in others:
            raise InvalidInput.unknown_name("other job", name, others)
        self.jobs[name].session.check_free()
        return others[name]

    def _audit(self, job: Job, args: Any) -> None:
        tracer = made(job)
        _show_watch(tracer, args, asdict(tracer.caps_left(job.caps)))
        job.session.look()

    def _reask(self, job: Job, args: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import reask_lines, reask_plan_lines  # noqa: PLC0415

        tracer = made(job)
        options = _aside(args, asdict(tracer.caps_left(job.caps)), {"rows": args.rows})
        if args.dry_run:
            plan = reask_plan_lines(tracer.plan_reask(**options))
            display(Lines([*plan, "Nothing was asked or paid."]))
            return
        display(Lines([*reask_lines(tracer.reask(**options)), *_note(tracer)]))
        job.session.look()

    def _update(self, job: Job, args: Any) -> None:
        from tracer_nb.widgets import UpdateCard  # noqa: PLC0415

        tracer, cards = made(job), []
        given = {"sample": _fresh_rows(args.sample), "ask_teacher": args.ask}
        options = _aside(args, asdict(tracer.caps_left(job.caps)), given)

        def work(reins: Reins) -> None:
            update = tracer.update(**options, on_progress=reins.on_progress, stop=reins.stop)
            cards.append(UpdateCard(update, _note(tracer)))
            self._space.assign(tracer, job.home, args.output)

        self._space.follow(job, work, lambda: cards[0])
        if self._space.in_kernel:  # where the panel shows where the job stands
            display(cards[0])

    def _review(self, job: Job, args: Any) -> None:
        from tracer_nb.widgets import ReviewPanel  # noqa: PLC0415

        given = {name: getattr(args, name) for name in ("of", "rows", "blind", "against")}
        options = {name: value for name, value in given.items() if value is not None}
        ReviewPanel(made(job).review(**options)).show()

    def _export_reviews(self, job: Job, path: str, args: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import written_lines  # noqa: PLC0415

        what = f"review {path} writes what was said, and heeds --escape and --name alone"
        check_only(what, ("escape",), args, self.tracer.parser)
        if job.tracer is None:
            raise InvalidInput("no job yet; start with %tracer label df.text --teacher …")
        written = job.tracer.export_reviews(path, escape=args.escape)
        display(Lines(written_lines("review", written.rows, written.formulas, path)))

    def _save(self, name: str, path: str, args: Any, variables: Any) -> None:
        del args, variables
        job = self.jobs.get(name)
        if job is None or job.tracer is None:
            raise InvalidInput("nothing to save yet; label, fit and calibrate first")
        from tracer_nb.magics.show import Lines  # noqa: PLC0415

        job.tracer.save(path)
        lines = [
            f"Saved to {path}. %tracer load {path} or tracer_nb.load({path!r}) routes with it."
        ]
        router = job.tracer.router
        if router is not None and not router.certificate.certified:
            lines.append(
                "For new rows nothing is certified, whatever holds for the column: it will answer "
                "none of them."
            )
        display(Lines(lines))

    def _report(self, name: str, path: str, args: Any, variables: Any) -> None:
        del args, variables
        job = self.jobs.get(name)
        if job is None or job.tracer is None:
            raise InvalidInput("nothing to report yet; label, fit and calibrate first")
        job.session.check_free()
        from tracer_nb.magics.show import Lines  # noqa: PLC0415

        job.tracer.save_report(path, table=job.home_table)
        display(Lines([f"Report written to {path}: open it in a browser, no network is needed."]))

    def _load(self, name: str, path: str, args: Any, variables: Any) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.steps.route.saved import load  # noqa: PLC0415
        from tracer_nb.words import saved_lines  # noqa: PLC0415

        options = read_settings(args, None, None, variables)
        loaded = load(path, **options)
        job = Job(loaded=loaded)
        self._keys.give(job, loaded.teacher, wanted=args.ask_key, asks=False)
        lines = saved_lines(loaded.about, loaded.certificate)
        if name in self.jobs and self.jobs[name].tracer is not None:
            lines.append(
                f"It takes the place of the job {name!r}, whose answers stay in the store; --name "
                "keeps several."
            )
        self.jobs[name] = job
        display(Lines(lines))

    def _stored(self, verb: str, words: str, args: Any) -> None:
        from tracer_nb.magics.show import AnswerRuns, AnswerSets, Lines  # noqa: PLC0415
        from tracer_nb.teachers import LabelStore  # noqa: PLC0415
        from tracer_nb.teachers.comparing import compare_sets  # noqa: PLC0415
        from tracer_nb.teachers.exporting import export_answers  # noqa: PLC0415
        from tracer_nb.teachers.ledger import answer_runs, answer_sets  # noqa: PLC0415
        from tracer_nb.words import comparison_lines, written_lines  # noqa: PLC0415

        path = None if args.store is None else unquote(args.store)
        with LabelStore(path) as store:
            if verb == "compare":
                keys = words.split()
                if len(keys) != 2:
                    raise InvalidInput("name two sets: %tracer compare KEY KEY, see %tracer labels")
                display(Lines(comparison_lines(compare_sets(store, *keys))))
            elif _is_key(words):
                display(AnswerRuns(answer_runs(store, words)))
            elif words:
                file = unquote(words.strip())
                if not file.endswith(_TABLES):
                    raise InvalidInput(
                        f"{file!r} is no key of a set of answers and no .csv or .parquet file to "
                        "write; %tracer labels shows the keys"
                    )
                written = export_answers(store, file, escape=args.escape)
                display(Lines(written_lines("answer", written.rows, written.formulas, file)))
            else:
                display(AnswerSets(answer_sets(store), str(store.path)))

    def _is_of_loaded(
        self, verb: str, job: Job, args: Any, source: Source | None, prompt: str | None
    ) -> bool:
        """Do a step with a router from a file, where the job is one."""
        loaded = job.loaded
        if loaded is None or verb not in ("route", "status", "audit"):
            return False
        _check_loaded(read_settings(args, source, prompt, user_variables(self.shell)))
        asks = source is not None or verb == "audit"
        self._keys.give(job, loaded.teacher, wanted=args.ask_key, asks=asks)
        if verb == "audit":
            _show_watch(loaded, args, {})
        elif source is not None:
            self._route_loaded(loaded, args, source)
        else:
            from tracer_nb.magics.show import Lines  # noqa: PLC0415
            from tracer_nb.words import saved_lines  # noqa: PLC0415

            display(Lines(saved_lines(loaded.about, loaded.certificate)))
        return True

    def _route_loaded(self, loaded: Any, args: Any, source: Source) -> None:
        from tracer_nb.magics.show import Lines  # noqa: PLC0415
        from tracer_nb.words import count, spent_sentence, stopped_sentence  # noqa: PLC0415

        loaded.route(
            source.column,
            table=source.frame,
            target=args.at,
            **read_caps(args),
            ask_teacher=args.ask,
            again=args.again,
        )
        outcome = loaded.outcome
        if args.output:
            self.shell.push({args.output: outcome.onto(source.table)})
        parts = [f"{outcome.count('surrogate'):,} answered by the surrogate"]
        parts.append(f"{outcome.count('teacher'):,} by the teacher")
        if abstained := outcome.count("abstained"):
            parts.append(f"{abstained:,} abstained")
        parts.append(f"{outcome.count(None):,} deferred")
        lines = [f"Of {count(len(outcome.source), 'row')}: {', '.join(parts)}."]
        if loaded.teacher is not None:
            lines += [spent_sentence(loaded.spending), *_note(loaded)]
        if loaded.stopped:
            lines.append(stopped_sentence(loaded.stopped))
        if loaded.warning:
            lines.append(loaded.warning)
        display(Lines(lines))


def _show_watch(router: Any, args: Any, caps: dict[str, Any]) -> None:
    """Audit as the line says, and show what all audits tell."""
    from tracer_nb.charts import watch_chart  # noqa: PLC0415
    from tracer_nb.magics.show import Drawn  # noqa: PLC0415
    from tracer_nb.words import watch_lines  # noqa: PLC0415

    options = _aside(args, caps, {"rate": args.rate, "on_alarm": args.on_alarm})
    before = router.watch()
    watch = router.audit(**options)
    alt = "Agreement on audited texts over the number of audits"
    display(Drawn([*watch_lines(watch, before), *_note(router)], watch_chart(watch), alt))


def _aside(args: Any, caps: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a step beside the job: what the line gives, else the caps that are left."""
    given = {**options, **read_caps(args)}
    return {**caps, **{name: value for name, value in given.items() if value is not None}}


def _fresh_rows(sample: str | None) -> int | None:
    """Fresh rows to test on."""
    rows = read_sample(sample)
    if isinstance(rows, str):
        raise InvalidInput(f"--sample of an update must be a number of fresh rows, got {rows!r}")
    return rows


def _note(tracer: Any) -> list[str]:
    """What must be said with every answer of this teacher."""
    note = str(getattr(tracer.teacher, "note", ""))
    return [note] if note else []


def _card(tracer: Any) -> Any:
    from tracer_nb.widgets import Card  # noqa: PLC0415

    return Card(tracer.report)


def _expression(verb: str, words: str) -> str:
    """What names a column on a line; what stands behind ``cancel`` is a key."""
    return "" if verb == "cancel" else words


def _check_deferred(column: str, args: Any) -> None:
    """Refuse what a line says of rows, where the last routing has said which."""
    given = column or ("" if args.sample is None else "--sample")
    if args.deferred and given:
        raise InvalidInput(
            f"submit --deferred sends what the last route left to the teacher; leave {given} out"
        )


def _check_begun(verb: str, settings: dict[str, Any], job: Job) -> None:
    """Refuse to show a job that no line has begun."""
    if verb in ("status", "panel") and job.tracer is None and not settings:
        raise InvalidInput("no job yet; start with %tracer plan df.text --teacher …")


def _check_step(verb: str, column: str, source: Source | None, job: Job) -> None:
    if (
        verb in ("fit", "calibrate", "review", "gaps", "audit", "reask", "update")
        and source is not None
        and not source.is_same(job.home)
    ):
        raise InvalidInput(
            f"{verb} goes on with the labelled column, which is not {column}; "
            f"first write %tracer label {column}"
        )


def _check_loaded(settings: dict[str, Any]) -> None:
    """Refuse settings that a loaded router would not heed."""
    if settings:
        then = (
            "name its teacher with %tracer load FILE --teacher …"
            if "teacher" in settings
            else "leave it out"
        )
        raise InvalidInput(
            f"{_options(settings)}: a loaded router was made with its own settings; {then}"
        )


def _check_has_labels(verb: str, *, is_anew: bool, job: Job) -> None:
    """Refuse a step that needs labels where the job is a router from a file."""
    if job.loaded is not None and not is_anew:
        raise InvalidInput(
            f"{verb} needs the labels that the router was made from, and a file has none; a loaded "
            "router takes route, audit and status. A line with --teacher begins a job of its own"
        )


@contextmanager
def _undoing(job: Job, settings: dict[str, Any], verb: str) -> Iterator[None]:
    """A line that cannot be done leaves the job as it was."""
    before = replace(job)
    try:
        yield
    except InvalidInput:
        job.undo(before, settings)
        raise
    except NotFitted as error:
        if before.tracer is None or job.tracer is before.tracer:
            raise
        # A setting made another Tracer, of which nothing is done: the one before comes back.
        job.undo(before, {})
        raise _would_begin_anew(settings, verb) from error


def _would_begin_anew(settings: dict[str, Any], verb: str) -> InvalidInput:
    return InvalidInput(
        f"{_options(settings)} would begin another job, of which nothing is done for {verb} to use; "
        "the job is as it was. Leave it out, give it to label or run, or name another job: --name NEW"
    )


def _options(settings: dict[str, Any]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in settings)


def _is_key(words: str) -> bool:
    """Whether these are the digits that name a set of answers, and not a file."""
    return bool(words) and not set(words) - set("0123456789abcdef")


def _file(verb: str, words: str) -> str:
    """The file that a line names."""
    path = unquote(words.strip())
    if not path:
        example = "report.html" if verb == "report" else "intents.tracer"
        raise InvalidInput(f"name a file: %tracer {verb} {example}")
    return path


def register(ipython: Any) -> None:
    """Register the magics and their completion in a shell."""
    magics = TracerMagics(ipython)
    ipython.register_magics(magics)
    ipython.set_hook(
        "complete_command",
        lambda _, event: complete(event, magics.tracer.parser, user_variables(ipython)),
        re_key=r"%{1,2}tracer\b",
    )
