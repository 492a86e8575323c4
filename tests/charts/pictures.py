"""Every chart, of a small job and of the largest that there may be."""

from __future__ import annotations

import numpy as np

from tracer_nb import charts
from tracer_nb.engine import gaps
from tracer_nb.engine.judge import frontier
from tracer_nb.engine.slicing import Candidate, find_slices
from tracer_nb.records import (
    KINDS,
    STATUSES,
    Audit,
    Bill,
    Certificate,
    Choice,
    ColumnMap,
    ComparedJob,
    Gaps,
    HandThreshold,
    JobComparison,
    LabelCounts,
    Preview,
    Progress,
    Spending,
    Targets,
    Timeline,
)
from tracer_nb.steps.audit.auditor import replay

NAMES = {
    "small": tuple(f"label {i}" for i in range(6)),
    "other": tuple(f"label {i}" for i in range(6)),
    # As many and as long as they get.
    "large": tuple(f"{'ж' * 200} {i}" for i in range(1000)),
}
ROWS = {"small": 300, "other": 450, "large": 100_000}


def rng_of(size):
    return np.random.default_rng(sorted(ROWS).index(size))


def judged(size="small", basis="calibration"):
    rng, n, k = rng_of(size), ROWS[size], len(NAMES[size])
    # Few labels take most rows, so that of a thousand labels many cells are full.
    teacher = np.minimum(rng.geometric(0.1, size=n) - 1, k - 1)
    scores = rng.random(n)
    wrong = np.minimum(rng.geometric(0.1, size=n) - 1, k - 1)
    surrogate = np.where(rng.random(n) < 0.4 + 0.6 * scores, teacher, wrong)
    scores[: n // 50] = -np.inf
    return gaps.Judged(NAMES[size], teacher, surrogate, scores, scores > 0.4, basis)


def certificate(size="small", **changes):
    rows = judged(size)
    n_handled = int(rows.handled.sum())
    n_agree = int((rows.agree & rows.handled).sum())
    values = {
        "method": "column",
        "target": 0.9,
        "confidence": 0.95,
        "threshold": 0.4,
        "certified": True,
        "coverage": 0.6,
        "agreement": n_agree / n_handled,
        "agreement_lower": 0.9,
        "n_fit": 700,
        "n_calibration": len(rows.scores),
        "n_handled": n_handled,
        "n_agree": n_agree,
    }
    return Certificate(**{**values, **changes})


def hand():
    return HandThreshold(0.7, 0.3, 300, 90, 86, 0.9, 0.98, 12.5)


def curve(size="small"):
    rows = judged(size)
    return frontier(rows.scores, rows.agree)


def timeline(size="small"):
    n = {"small": 12, "other": 40, "large": 100_000}[size]
    values = np.linspace(1, 1000, min(n, 500))
    line = Timeline(max_cost=4.0)
    for i, seconds in enumerate(values.tolist()):
        spending = Spending(asked=7 * i, cost=0.0004567891 * i)
        line = line.after(Progress(8 * i, 8 * n, spending, seconds))
    return line


def counts(size="small", *, routed=False):
    rng, k = rng_of(size), len(NAMES[size])
    zeros = np.zeros(k, dtype=np.intp)
    of = [rng.integers(1, 10_000, size=k) for _ in range(2)] if routed else [zeros, zeros]
    sample = rng.integers(1, 50, size=k)
    return LabelCounts(NAMES[size], sample, *of, int(sample.sum()) + 3, 3, 5 if routed else 0)


def bill(size="small", **changes):
    n = {"small": 13_000, "other": 900, "large": 10_000_000}[size]
    asked = np.unique(np.linspace(n / 40, n / 8, min(n // 40, 5000)).round()).astype(int)
    expected = n * (0.17 + 0.3 * np.exp(-60 * asked / n) + 4 * np.maximum(asked / n - 0.1, 0) ** 2)
    values = {
        "n_texts": n,
        "n_start": n // 40,
        "n_hard": n // 10,
        "n_test": n // 50,
        "n_deferred": n // 25,
        "expected": tuple(zip(asked.tolist(), expected.tolist(), strict=True)),
        "price": 0.0007,
    }
    return Bill(**{**values, **changes})


def targets(size="small", *, certified=True):
    grid = np.arange(80, 100) / 100
    n = len(grid)
    falling = np.linspace(0.95, 0.3, n)
    choice = Choice(0.9, certified=certified, coverage=0.6, saved=12.5)
    return Targets(
        targets=grid,
        thresholds=np.linspace(0.2, 0.9, n),
        coverage=falling,
        agreement=np.where(grid < 0.99, grid + 0.003, np.nan),
        lower=grid - 0.03,
        upper=np.minimum(grid + 0.02, 1),
        n_handled=np.where(grid < 0.99, 100, 0),
        expected=falling - 0.1,
        saved=np.where(grid < 0.98, falling * 20, np.nan),
        certified=(choice, Choice(0.95, certified=False, coverage=0.0, saved=0.0)),
        main=0.9,
        n_rows=ROWS[size],
        n_population=3 * ROWS[size],
    )


def points(size="small", *, method="pca", text="я" * 160):
    rng = rng_of(size)
    n = {"small": 60, "other": 90, "large": 3000}[size]
    status = np.sort(rng.integers(len(STATUSES), size=n))
    labels = rng.integers(-1, len(NAMES[size]), size=n)
    every = np.bincount(status, minlength=len(STATUSES))
    return ColumnMap(
        method=method,
        x=rng.normal(size=n),
        y=rng.normal(size=n),
        rows=rng.permutation(ROWS["large"])[:n],
        status=status,
        labels=tuple(NAMES[size][i] if i >= 0 else None for i in labels),
        scores=np.where(status == 0, np.nan, rng.random(n)),
        texts=(text,) * n,
        n_texts=ROWS[size],
        sampled=tuple(
            (name, int(m), int(m) * 7) for name, m in zip(STATUSES, every, strict=True) if m
        ),
        explained=0.123 if method == "pca" else np.nan,
    )


def preview(size="small"):
    rows = judged(size)
    n = len(rows.scores)
    return Preview(n + 100, n, frontier(rows.scores, rows.agree), 0.9, 0.55)


# By name: of a size, with the options of the chart.
def watch(size="small"):
    wrong = rng_of(size).random({"small": 80, "other": 150, "large": 3000}[size]) < 0.05
    audits = [Audit(f"text {i}", "a", "b" if w else "a") for i, w in enumerate(wrong)]
    return replay(audits, 0.9, 0.95)


def found(size="small"):
    rows = judged(size)
    n = len(rows.scores)
    few = {"small": 3, "other": 5, "large": 200}[size]
    # Of a fifth of the agreements and of half of the disagreements.
    order = np.argsort(np.where(rows.agree, 2.5, 1) * rng_of(size).random(n))[: n // 3]
    candidates = [
        Candidate("word", f"{NAMES[size][i % 6]} {i}", np.sort(part))
        for i, part in enumerate(np.array_split(order, few))
    ]
    return Gaps(
        rows=np.arange(n),
        n_agree=int(rows.agree.sum()),
        by_teacher=gaps.label_agreement(rows, target=0.9),
        by_surrogate=gaps.label_agreement(rows, target=0.9, by="surrogate"),
        confusion=gaps.confusion(rows),
        slices=find_slices(candidates, ~rows.agree),
        reliability=gaps.reliability(rows),
        pairs=(),
        suspects=(),
        risk_area=gaps.risk_area(rows),
        lost=gaps.lost_coverage(rows, target=0.9),
    )


def compared(size="small"):
    names = NAMES[size][:3] if size != "large" else NAMES[size][:40]
    jobs = [
        ComparedJob(
            name=f"job {i}: {name}",
            kind=KINDS[i % 3],
            n_texts=ROWS[size],
            n_asked=ROWS[size] // (i + 1),
            n_calls=ROWS[size] * (i % 3 + 1) // (i + 1),
            cost=7.5 / (i + 1),
            cost_all=7.5,
            agreement=1.0 - 0.01 * (i % 7),
            n_compared=ROWS[size],
            basis="counted",
            target=0.9,
            certificate=certificate(size, certified=i % 2 == 0),
        )
        for i, name in enumerate(names)
    ]
    return JobComparison("the given labels", ROWS[size], ROWS[size], tuple(jobs))


CHARTS = {
    "bill": lambda size, **o: charts.bill_chart(bill(size), **o),
    "bill as expected": lambda size, **o: charts.bill_chart(bill(size, n_deferred=None), **o),
    "bill's parts": lambda size, **o: charts.bill_parts_chart(bill(size), **o),
    "bill's parts so far": lambda size, **o: charts.bill_parts_chart(
        bill(size, n_deferred=None), **o
    ),
    "jobs": lambda size, **o: charts.compared_chart(compared(size), **o),
    "frontier": lambda size, **o: charts.frontier_chart(
        curve(size), certificate(size), hand=hand(), **o
    ),
    "preview": lambda size, **o: charts.preview_chart(preview(size), **o),
    "spending": lambda size, **o: charts.spending_chart(timeline(size), **o),
    "spending by answers": lambda size, **o: charts.spending_chart(
        timeline(size), over="answers", **o
    ),
    "rate": lambda size, **o: charts.rate_chart(timeline(size), **o),
    "labels of the sample": lambda size, **o: charts.label_chart(counts(size), **o),
    "labels of the output": lambda size, **o: charts.label_chart(counts(size, routed=True), **o),
    "confusion": lambda size, **o: charts.confusion_chart(gaps.confusion(judged(size)), **o),
    "agreement": lambda size, **o: charts.agreement_chart(
        gaps.label_agreement(judged(size), target=0.9), **o
    ),
    "reliability": lambda size, **o: charts.reliability_chart(gaps.reliability(judged(size)), **o),
    "targets": lambda size, **o: charts.targets_chart(targets(size), hand=hand(), **o),
    "slices": lambda size, **o: charts.slices_chart(found(size), **o),
    "lost": lambda size, **o: charts.lost_chart(found(size).lost, **o),
    "watch": lambda size, **o: charts.watch_chart(watch(size), **o),
    "map": lambda size, **o: charts.map_chart(points(size), **o),
    "map by label": lambda size, **o: charts.map_chart(points(size), colour="label", **o),
}
