"""How the magics show lines of text, small tables and findings, in a notebook and in a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from IPython.display import display

from tracer_nb.charts import agreement_chart, reliability_chart
from tracer_nb.records import (
    AnswerRun,
    AnswerSet,
    Batch,
    Certificate,
    FitDifferences,
    Gaps,
    Progress,
    Trial,
)
from tracer_nb.widgets.card import captioned_table, framed, picture, safe, table
from tracer_nb.words import (
    aligned,
    beginning,
    card_facts,
    count,
    difference_lines,
    difference_tables,
    gap_lines,
    gap_tables,
    limit_lines,
    moment,
    money,
    percent,
    progress_line,
    stated,
)

__all__ = [
    "AnswerRuns",
    "AnswerSets",
    "BatchTable",
    "DifferenceTables",
    "Drawn",
    "Findings",
    "GapTables",
    "Lines",
    "Place",
    "RouterCard",
    "Table",
    "Trials",
    "placed",
]


class Lines:
    """Plain sentences, one a line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        body = "".join(f"<div>{safe(line)}</div>" for line in self.lines)
        html = f'<div style="font:14px/1.6 system-ui,sans-serif;max-width:760px">{body}</div>'
        return {"text/plain": repr(self), "text/html": html}


class Place:
    """Where a step says how far it is, until its result is shown there.

    Parameters
    ----------
    live : bool
        What is shown takes the place of what was; else each stays, and parts are left out.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._handle: Any = None

    def clear(self) -> None:
        """Leave nothing there."""
        if self._handle is not None:
            self.show({"text/plain": ""}, raw=True)

    def show(self, what: Any, **how: Any) -> None:
        """Show it in the place of what was shown before."""
        if self._handle is None:
            self._handle = display(what, display_id=True, **how)
        else:
            self._handle.update(what, **how)

    def tell(self, progress: Progress) -> None:
        """Say how far the step is."""
        if self._live or not progress.parts:
            dots = "" if progress.parts else " …"
            self.show(Lines([f"{progress_line(progress)}{dots}"]))


@contextmanager
def placed(*, live: bool) -> Iterator[Place]:
    """A place that a step which fails leaves empty."""
    place = Place(live=live)
    try:
        yield place
    except BaseException:
        place.clear()
        raise


class Drawn(Lines):
    """Plain sentences with a chart under them, where there is a place for one."""

    def __init__(self, lines: Sequence[str], chart: Any, alt: str) -> None:
        super().__init__(lines)
        self._chart, self._alt = chart, alt

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(include, exclude)
        return {**bundle, "text/html": bundle["text/html"] + picture(self._chart, self._alt)}


class Table:
    """A small table with a note under it."""

    head: tuple[str, ...] = ()
    note = ""

    def __init__(self, rows: Sequence[tuple[str, ...]]) -> None:
        self.rows = list(rows)

    def __repr__(self) -> str:
        return "\n".join(aligned([self.head, *self.rows]))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        html = f"{table(self.head, self.rows)}<div>{safe(self.note)}</div>"
        return {"text/plain": f"{self!r}\n{self.note}", "text/html": html}


class Trials(Table):
    """Surrogates that were tried: out-of-fold agreement, coverage to expect, seconds."""

    head = (
        *("", "surrogate", "features", "gate", "settings"),
        *("agreement", "expected coverage", "rows", "time"),
    )
    note = "Judged out-of-fold on the fitting rows; calibration rows were not touched."

    def __init__(self, trials: Sequence[Trial]) -> None:
        super().__init__(
            [
                (
                    "✓" if t.chosen else "",
                    t.name,
                    t.view,
                    t.gate,
                    t.settings,
                    _share(t.agreement),
                    t.skipped or _share(t.expected_coverage),
                    f"{t.n_rows:,}",
                    f"{t.seconds:.1f} s",
                )
                for t in trials
            ]
        )


class AnswerSets(Table):
    """Sets of stored answers: teacher, prompt, answers, tokens, cost, time of the last one."""

    head = (
        *("set", "teacher", "prompt", "labels", "answers", "missing", "runs", "prompt tokens"),
        *("answer tokens", "cost", "seconds each", "last answer", "answered by"),
    )

    def __init__(self, sets: Sequence[AnswerSet], path: str) -> None:
        self.note = (
            f"{count(len(sets), 'set')}, {count(sum(s.n_answers for s in sets), 'answer')}, "
            f"{_in_all([s.cost for s in sets if not s.joint])}, in {path}. %tracer store list KEY: the runs of a set; "
            "%tracer store compare KEY KEY; %tracer store export FILE.csv writes them all."
        )
        super().__init__(
            [
                (
                    *(s.key, s.teacher, beginning(s.prompt, 40), f"{s.n_labels:,}"),
                    *(f"{s.n_answers:,}", _missing(s), f"{s.n_runs:,}", *_sums(s), moment(s.last)),
                    _models(s),
                )
                for s in sets
            ]
        )


class AnswerRuns(Table):
    """Runs that brought the answers of a set: when, how many, tokens, cost and rate."""

    head = (
        *("began", "answers", "missing", "prompt tokens", "answer tokens", "cost"),
        *("seconds each", "a second", "last answer"),
    )

    def __init__(self, runs: Sequence[AnswerRun]) -> None:
        self.note = f"{count(len(runs), 'run')}, {_in_all([r.cost for r in runs])}."
        super().__init__(
            [
                (
                    *(moment(r.began), f"{r.n_answers:,}", _missing(r), *_sums(r)),
                    f"{r.n_answers / r.elapsed:,.1f}"
                    if r.elapsed > 0 and r.seconds is not None
                    else "",
                    moment(r.last),
                )
                for r in runs
            ]
        )


class BatchTable(Table):
    """Batches in the store: where they stand, what they brought, what they cost."""

    head = (
        *("batch", "teacher", "sent", "state", "texts", "done", "failed", "stored", "cost"),
        "note",
    )
    note = "%tracer batch collect brings in what is done; %tracer batch cancel BATCH stops one."

    def __init__(self, batches: Sequence[Batch]) -> None:
        super().__init__(
            [
                (
                    b.key,
                    b.teacher,
                    moment(b.sent_at),
                    b.state.replace("_", " ") + ("" if b.collected_at is None else ", collected"),
                    *(f"{n:,}" for n in (b.n_texts, b.n_done, b.n_failed, b.n_answers)),
                    _cost(b),
                    b.note,
                )
                for b in batches
            ]
        )


def _sums(row: AnswerSet | AnswerRun) -> tuple[str, ...]:
    """Tokens, dollars and seconds."""
    return (
        f"{row.prompt_tokens:,}",
        f"{row.completion_tokens:,}",
        "unknown" if row.cost is None else money(row.cost),
        "" if row.seconds is None else f"{row.seconds:.2g}",
    )


def _models(row: AnswerSet) -> str:
    """Who gave the answers; how many each where there are several."""
    if len(row.models) < 2:
        return "".join(name for name, _ in row.models)
    return ", ".join(f"{name} ({n:,})" for name, n in row.models)


def _missing(row: AnswerSet | AnswerRun) -> str:
    share = f" ({percent(row.n_missing / row.n_answers)})" if row.n_missing else ""
    return f"{row.n_missing:,}{share}"


def _in_all(costs: Sequence[float | None]) -> str:
    """What is known of a sum of costs."""
    n_unknown = sum(c is None for c in costs)
    if costs and n_unknown == len(costs):
        return "unknown cost"
    known = money(sum(c for c in costs if c is not None))
    return f"{known} in all" + (f" and {n_unknown:,} of unknown cost" if n_unknown else "")


def _cost(batch: Batch) -> str:
    """What a batch did cost, or may cost."""
    if batch.collected_at is not None or batch.reserved is None:
        return money(batch.cost)
    return f"up to {money(batch.reserved)}"


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.1f} %"


class Findings:
    """Sentences, pictures and tables that a saved notebook keeps; a terminal gets no pictures."""

    def __init__(
        self,
        lines: Sequence[str],
        tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]],
    ) -> None:
        self.lines, self.tables = lines, tables

    def __repr__(self) -> str:
        lines = [*self.lines]
        for title, head, rows in self.tables:
            lines += ["", title, *aligned([head, *rows])]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def pictures(self) -> Iterator[str]:
        """Image elements that stand between sentences and tables."""
        yield from ()

    def html(self) -> str:
        """All of it as one HTML element; every text is escaped."""
        parts = [f"<p>{safe(line)}</p>" for line in self.lines]
        parts += self.pictures()
        parts += [captioned_table(*table) for table in self.tables]
        return framed("".join(parts))


class GapTables(Findings):
    """Where surrogate and teacher part."""

    def __init__(self, gaps: Gaps) -> None:
        super().__init__(gap_lines(gaps), gap_tables(gaps))
        self.gaps = gaps

    def pictures(self) -> Iterator[str]:
        """Agreement by label, and the gate's reliability."""
        if len(self.gaps.rows):
            chart = agreement_chart(self.gaps.by_teacher)
            yield picture(chart, "Agreement with the teacher for each label")
            chart = reliability_chart(self.gaps.reliability)
            yield picture(chart, "Gate scores against observed agreement")


class DifferenceTables(Findings):
    """Two fits side by side."""

    def __init__(self, found: FitDifferences) -> None:
        super().__init__(difference_lines(found), difference_tables(found))


class RouterCard(Findings):
    """What a router from a file promises, and its model card folded under it.

    Parameters
    ----------
    lines : sequence of str
        What is said first.
    certificate : Certificate
    others : sequence of Certificate
        Of the same router.
    """

    def __init__(
        self, lines: Sequence[str], certificate: Certificate, others: Sequence[Certificate] = ()
    ) -> None:
        super().__init__(lines, [("Model card", ("", ""), card_facts(certificate))])
        self.below = (*(f"Also: {stated(other)}" for other in others), *limit_lines(certificate))

    def __repr__(self) -> str:
        ((_, _, facts),) = self.tables
        return "\n".join([*self.lines, *aligned(facts), *self.below])

    def html(self) -> str:
        """Sentences, and the card to unfold; every text is escaped."""
        ((title, head, facts),) = self.tables
        said = "".join(f"<p>{safe(line)}</p>" for line in self.lines)
        below = "".join(f"<li>{safe(line)}</li>" for line in self.below)
        card = f"<summary>{safe(title)}</summary>{table(head, facts)}<ul>{below}</ul>"
        return framed(f"{said}<details>{card}</details>")
