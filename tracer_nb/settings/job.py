"""Settings of a job: what is promised, by what, for which rows, and how its teacher is asked."""

from __future__ import annotations

from typing import Any

from tracer_nb.settings.record import Setting, dollars, one_of, rows, some, targets, variable

__all__ = ["ASKING", "JOB"]


_OUTPUT = ("run", "plan", "route", "panel", "update")
_LASTS = (
    "over all that is asked from one run or label to the next; on a line with audit, reask or "
    "update for that line alone"
)


def _job(name: str, help_: str, **more: Any) -> Setting:
    return Setting(name=name, help=help_, **more)


def _cap(name: str, help_: str, unit: str) -> Setting:
    return Setting(
        name=name,
        help=f"{help_}, {_LASTS} (inf: none).",
        kind="number",
        unit=unit,
        group="Job",
        of="rows",
    )


def _line(name: str, help_: str, *steps: str, **more: Any) -> Setting:
    return Setting(name=name, help=help_, of="line", steps=steps, **more)


JOB: tuple[Setting, ...] = (
    _job(
        "teacher",
        "openai:MODEL, anyllm:PROVIDER/MODEL, standin:support, or a variable: a function from "
        "text to label, a dict of recorded labels, or a column of them. Several with commas "
        "between them are a panel, whose votes make one label.",
        check=some,
        group="Job",
        also=("load",),
        values=("openai:", "anyllm:", "standin:support", "standin:banking77"),
    ),
    _job(
        "labels",
        "A file with one label a line (a tab and what it means may follow), a variable, or "
        "first,second,third.",
        check=some,
        group="Job",
    ),
    _job("prompt", "The task in words, for teachers that read.", group="Job", place="cell"),
    _job(
        "sample",
        "Most rows asked about before a test; with --labelling random, rows to label (2000). Of "
        "update: rows to test on.",
        check=rows,
        unit="rows",
        group="Job",
        of="rows",
        also=("scan",),
        but=("audit", "reask", "back"),
    ),
    _job(
        "labelling",
        "Which rows are labelled: hard-first (a small random start, then those that the surrogate "
        "is unsure of, until the others pass a test on fresh ones) or random (one random sample). "
        "By default hard-first where the promise lets it.",
        check=one_of,
        values=("hard-first", "random"),
        group="Job",
    ),
    _job(
        "new_rows",
        "Rows that hard-first sets aside for a promise about new rows (300 of 10,000 or more).",
        kind="whole",
        unit="rows",
        group="Job",
    ),
    _job(
        "chain",
        "Cheap teachers to hear first, with commas between them: openai:MODEL,openai:MODEL, or "
        "variables. Their answers spare the teacher where that pays; the promise stays about the "
        "teacher's label.",
        check=some,
        group="Job",
        also=("load",),
        values=("openai:",),
    ),
    _job(
        "several",
        "Several labels a row: any (any number, none too) or some (at least one). Agreement is then "
        "that of the whole set.",
        check=one_of,
        values=("any", "some"),
        group="Job",
    ),
    _cap("max_cost", "Hard cap in dollars", "dollars"),
    _cap("max_tokens", "Hard cap on tokens, prompts and answers together", "tokens"),
    _cap("max_rows", "Hard cap on texts asked, stored answers aside", "texts"),
    _line(
        "output",
        "Variable for the labelled frame; audit and update keep it up to date.",
        *_OUTPUT,
        check=variable,
        group="Job",
    ),
    _line(
        "ask",
        "Send deferred rows to the teacher even when nothing was certified.",
        *_OUTPUT,
        kind="flag",
        off="Leave deferred rows without a label.",
        group="Job",
    ),
    _job(
        "abstain_unlike",
        "Leave deferred rows unlike every labelled one without a label; ask nobody.",
        kind="flag",
        default=False,
        group="Job",
    ),
    _job(
        "abstain_unsure",
        "Leave rows without a label to which the teacher itself gave less than this probability "
        "(needs --votes or --logprobs).",
        kind="number",
        unit="probability",
        group="Job",
    ),
    _job(
        "target",
        "Share to promise ({default}), of handled rows unless --promise says otherwise; or several: "
        "0.92,0.95.",
        check=targets,
        default=0.92,
        unit="share",
        group="Promise",
        also=("scan",),
    ),
    _job(
        "promise",
        "What there is at least the target of: handled (agreement on the rows that the surrogate "
        "answers), output (of all rows that come out), recall:LABEL or precision:LABEL; several with "
        "commas between them ({default}).",
        check=some,
        default="handled",
        group="Promise",
        values=("handled", "output", "recall:", "precision:"),
    ),
    _job(
        "confidence",
        "Confidence of the promise ({default}).",
        kind="number",
        default=0.95,
        unit="probability",
        group="Promise",
        also=("scan",),
    ),
    _job(
        "certificate",
        "held-out, per-class or, verified by simulation only, cross-fit ({default}).",
        check=one_of,
        default="held-out",
        group="Promise",
        values=("held-out", "per-class", "cross-fit"),
    ),
    _job(
        "strategy",
        "adaptive-threshold, fixed-threshold or cost-aware ({default}).",
        check=one_of,
        default="adaptive-threshold",
        group="Promise",
        values=("adaptive-threshold", "fixed-threshold", "cost-aware"),
    ),
    _job(
        "threshold",
        "Gate score from 0 to 1, for fixed-threshold.",
        kind="number",
        unit="score",
        group="Promise",
    ),
    _job(
        "latency_weight",
        "Dollars a second of waiting, for cost-aware ({default}).",
        kind="number",
        default=0.0,
        unit="dollars",
        group="Advanced",
        place="advanced",
    ),
    _job(
        "features",
        "auto, wordllama, lsa, fastembed:NAME-OR-DIRECTORY, two as wordllama+lsa, or a matrix or "
        "function ({default}).",
        check=some,
        values=("auto", "wordllama", "wordllama+lsa", "lsa", "fastembed:"),
        default="auto",
        also=("scan",),
        group="Surrogate",
    ),
    _job(
        "surrogate",
        "auto, a name from the zoo, several, or a classifier's variable ({default}).",
        check=some,
        default="auto",
        group="Surrogate",
        values=("auto", "kernel-ridge", "logistic", "xgboost"),
    ),
    _job(
        "gate",
        "auto, margin, max-probability, entropy or learned ({default}).",
        check=one_of,
        default="auto",
        values=("auto", "margin", "max-probability", "entropy", "learned"),
        group="Advanced",
        place="advanced",
    ),
    _job(
        "pipeline",
        "auto, accept-all, single or cascade ({default}).",
        check=one_of,
        default="auto",
        values=("auto", "accept-all", "single", "cascade"),
        group="Advanced",
        place="advanced",
    ),
    _job(
        "guard",
        "Share of rows like the labelled ones deferred as unlike them (0.002; of new rows 0.045).",
        kind="number",
        default=True,
        unit="share",
        group="Surrogate",
        off="Do not defer rows only because they are unlike every labelled one.",
    ),
    _job(
        "time_budget",
        "Seconds to try the whole zoo in; else the two quickest.",
        kind="number",
        unit="seconds",
        group="Advanced",
        place="advanced",
    ),
    _job(
        "seed",
        "Seed of sample, split and fit ({default}).",
        kind="whole",
        default=0,
        group="Surrogate",
        also=("scan",),
    ),
)
"""In the order of the panel's form."""


def _teacher(name: str, help_: str, **more: Any) -> Setting:
    given = {"group": "Teacher", "of": "teacher", "also": ("load",), **more}
    return Setting(name=name, help=help_, **given)


ASKING: tuple[Setting, ...] = (
    _teacher(
        "answers",
        "Form of answers to begin with: auto, json-schema, tool, codes or text ({default}).",
        check=one_of,
        default="auto",
        values=("auto", "json-schema", "tool", "codes", "text"),
    ),
    _teacher(
        "logprobs",
        "Ask for log-probabilities: the teacher's distribution over the labels.",
        kind="flag",
        default=False,
    ),
    _teacher(
        "shuffle",
        "List the labels in another order for every text.",
        kind="flag",
        default=False,
        group="Advanced",
        place="advanced",
    ),
    _teacher(
        "examples",
        "A dict from text to label, or reviewed (what was said in reviews): the nearest are shown "
        "with a text.",
        check=some,
        values=("reviewed",),
        of="job",
    ),
    _teacher(
        "n_examples",
        "How many examples with one text ({default}).",
        kind="whole",
        default=8,
        group="Advanced",
        place="advanced",
    ),
    _teacher(
        "reasons",
        "Ask for the teacher's reason, a sentence before each label, and keep it: more tokens, and another prompt, "
        "so answers without one do not count.",
        kind="flag",
        default=False,
    ),
    _teacher(
        "votes",
        "How often each text is asked about; the votes count ({default}).",
        kind="whole",
        default=1,
    ),
    _teacher(
        "combine",
        "How a panel's answers make one label: majority, or dawid-skene, where votes weigh as "
        "members are found to be right on the first texts, 200 at the most ({default}).",
        check=one_of,
        default="majority",
        values=("majority", "dawid-skene"),
    ),
    _teacher(
        "arbiter",
        "One more teacher, who decides where members of a panel differ: openai:MODEL, or a "
        "variable with a function of a text and a list of the labels they gave.",
        check=some,
        values=("openai:",),
    ),
    _teacher(
        "concurrency",
        "Most requests at the same time ({default}); fewer when the server has trouble.",
        kind="whole",
        default=64,
        unit="requests",
    ),
    _teacher(
        "price",
        "IN,OUT: dollars per million tokens, where the price is unknown.",
        check=dollars,
        unit="in,out",
    ),
    _teacher(
        "requests_per_minute",
        "Most requests a minute (no limit).",
        kind="number",
        unit="requests",
    ),
    _teacher("tokens_per_minute", "Most tokens a minute (no limit).", kind="number", unit="tokens"),
    _teacher("base_url", "Address of an OpenAI-compatible server.", check=some),
    _teacher(
        "max_answer_tokens",
        "Most tokens of one single answer ({default}); the cap on a job is --max-tokens.",
        kind="whole",
        default=1024,
        unit="tokens",
    ),
    _teacher("reasoning_effort", "Effort of a reasoning model: minimal, low, …", check=some),
    _teacher(
        "latency",
        "Seconds an answer of the stand-in takes ({default}).",
        kind="number",
        default=0.0,
        unit="seconds",
        group="Advanced",
        place="advanced",
    ),
    _teacher(
        "wrong",
        "Share of wrong answers of the stand-in ({default}).",
        kind="number",
        default=0.02,
        unit="share",
        group="Advanced",
        place="advanced",
    ),
    _job(
        "store",
        "File that keeps paid answers (.tracer_nb/labels.sqlite).",
        check=some,
        unit="file",
        group="Teacher",
        also=("load", "store list", "store compare", "store export"),
    ),
    _teacher(
        "batch_price",
        "IN,OUT: dollars per million tokens of a batch (the price; at OpenAI half of it).",
        check=dollars,
        unit="in,out",
        group="Advanced",
        place="advanced",
    ),
)
"""In the order of the panel's form."""
