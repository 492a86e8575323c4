"""What a column costs with cheap LLMs between surrogate and teacher, under one certificate.

    python tests/bench/chain.py [--draws 10] [--search-draws 30] [--cells babe,banking77]
        [--targets 0.9,0.95] [--confidence 0.9] [--ways alone,surrogate,chain,chain-of-1,in-sample]
        [--json chain.json] [--write]

Cost is the whole bill of a column in askings of the teacher about all of its rows: rows fitted on,
tested and deferred at the teacher's price, and every answer of a stage at its own. Saved is the share
of rows that the teacher is never asked about.

"babe": sentences with recorded answers of real LLMs; the teacher is GPT-4 with 8 examples, the stages
are GPT-3.5 with 8 examples and with none, each at a twentieth of its price. "banking77": the data
set's own labels stand in for the teacher, and the stages are stand-ins: they name another intent on a
fixed share of the questions (.20 and .12), more often where two intents lie close and, half of the
time, where the other one does; prices 1 : 6 : 40. Each draw has stand-ins of its own.

"surrogate" is hard rows first with the teacher alone, "chain" is offered all stages, "chain of 1" the
first. "in-sample search" stands for FrugalGPT, written for this benchmark: logistic regression answers
first, then the stages in any order and number; a learned scorer of each (vectors, its answer, the
first model's opinion; out of fold) accepts from a threshold on, and among all thresholds those are
taken that cost least while the accepted rows of one labelled sample agree as often as the target says.
Nothing tests them. It needs MiniLM vectors in ``TRACER_NB_DATA`` or ``../shared/data``; a set that is
not there is left out with a reason. Cells that stand in the JSON file are not measured again.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bill import AT_A_TIME, OPTIONS, Data, babe, banking
from common import CONFIDENCE, arguments, machine, published, table
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from tracer_nb.draws import NO_LABEL, TEST, UNASKED
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Terms, drive
from tracer_nb.draws.opinions import Opinions

# Rows that the in-sample search is given, as a share of the column; at most so many.
_SAMPLE, _MOST_SAMPLE = 1 / 3, 2_000
# Thresholds tried for each stage; the last accepts nothing.
_CUTS = 24
# Of the stand-ins' errors: the part that is shared, and in it the part that the question decides.
_SHARED, _HARD = 0.5, 0.5
_NEAREST = 3

Cell = dict[str, Any]


@dataclass(frozen=True)
class Stages:
    """Cheap LLMs: names, prices in askings of the teacher, and answers about each text."""

    names: tuple[str, ...]
    prices: tuple[float, ...]
    codes: np.ndarray

    def first(self, n: int) -> Stages:
        """The first of them."""
        return Stages(self.names[:n], self.prices[:n], self.codes[:n])


def recorded(data: Data, _: int) -> Stages:
    """GPT-3.5's answers to babe, with 8 examples and with none."""
    folder = Path(os.environ.get("TRACER_NB_DATA", "../shared/data")) / "babe"
    with (folder / "annotated.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["gpt4_8_examples"]]
    names = ("gpt35_8_examples", "gpt35")
    number = {name: code for code, name in enumerate(data.classes.tolist())}
    first = np.unique(data.codes, return_index=True)[1]
    codes = [[number.get(rows[i][name], NO_LABEL) for i in first] for name in names]
    return Stages(names, (1 / 20, 1 / 20), np.array(codes))


def stand_ins(data: Data, seed: int) -> Stages:
    """Two LLMs that agree with the labels on .80 and .88 of the texts, with errors in common."""
    X, y, rng = data.blocks[0], data.labels, np.random.default_rng([seed, 77])
    near = X @ np.stack([X[y == k].mean(axis=0) for k in range(len(data.classes))]).T
    own = near[np.arange(len(y)), y].copy()
    near[np.arange(len(y)), y] = -np.inf
    hard = near.max(axis=1) - own
    hard = (hard - hard.mean()) / hard.std()
    shared = _HARD * hard + np.sqrt(1 - _HARD**2) * rng.normal(size=len(y))
    others = np.argsort(-near, axis=1)[:, :_NEAREST]
    codes = []
    for right in (0.80, 0.88):
        z = np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * rng.normal(size=len(y))
        other = others[np.arange(len(y)), rng.integers(_NEAREST, size=len(y))]
        codes.append(np.where(z > np.quantile(z, right), other, y))
    return Stages(("stand-in .80", "stand-in .88"), (1 / 40, 6 / 40), np.array(codes))


SETS: dict[str, tuple[Callable[[], Data], Callable[[Data, int], Stages]]] = {
    "babe": (babe, recorded),
    "banking77": (banking, stand_ins),
}


def labelled(data: Data, stages: Stages, target: float, seed: int, confidence: float) -> Cell:
    """One job of hard rows first, with stages or with none."""
    column, chained = Column(data.blocks, data.codes), bool(stages.names)
    levels: dict[str, Any] = {"seed": seed, "options": OPTIONS, "at_a_time": AT_A_TIME}
    terms = Terms(target, confidence, prices=stages.prices, **levels)
    job = HardFirst(column, tuple(data.classes.tolist()), terms)
    if chained:
        unheard = np.full((len(stages.names), column.n_texts), UNASKED)
        job.opinions = Opinions(unheard, (None,) * len(stages.names))
    start = time.process_time()
    done, said = drive(
        job,
        lambda texts: data.labels[texts],
        hear=lambda stage, texts: stages.codes[stage, texts],
        late=not chained,
    )
    seconds = time.process_time() - start
    asked = said != UNASKED
    heard = (
        [] if job.opinions is None else [job.opinions.heard(s) for s in range(len(stages.names))]
    )
    bought = [float(texts.sum() / data.n) for texts in heard]
    saved, agreement = 0.0, 1.0
    if done.certificate is not None and done.frozen is not None:
        open_ = column.open_rows(done.tested[:-1])
        scores = done.frozen.scores[data.codes[open_]]
        texts = data.codes[open_[scores >= done.certificate.threshold]]
        mine = done.frozen.fit.classes[done.frozen.answers.codes[texts]]
        agreement = float((mine == data.classes[data.labels[texts]]).mean())
        saved = float((~asked[texts]).sum() / data.n)
    return {
        "saved": saved,
        "agreement": agreement,
        "heard": bought,
        "seconds": seconds,
        "cost": 1.0 - saved + float(np.dot(bought, stages.prices)),
        "asked": int(asked[data.codes].sum()),
        "tests": sum(draw.purpose == TEST for draw in done.draws),
    }


def searched(data: Data, stages: Stages, target: float, seed: int) -> Cell:
    """Thresholds that cost least on a labelled sample on which they agree often enough."""
    start = time.process_time()
    n = min(int(_SAMPLE * data.n), _MOST_SAMPLE)
    order = np.random.default_rng([seed, 77]).permutation(data.n)
    own, rest = data.codes[order[:n]], data.codes[order[n:]]
    asked = np.zeros(len(data.labels), dtype=bool)
    asked[own] = True
    rest = rest[~asked[rest]]
    answers, scores = judged(data, stages, own, rest)
    agree = [answer == np.r_[data.labels[own], data.labels[rest]] for answer in answers]
    ways = orders(len(stages.names))
    best = min(cheapest(scores, agree, stages.prices, way, n=n, target=target) for way in ways)
    cost, way, cuts = best[0], best[1], best[2]
    handled, right, heard = follow(scores, agree, way, cuts, slice(n, None))
    bought = np.zeros(len(stages.names))
    for stage, share in heard.items():
        bought[stage] = (n + share * len(rest)) / data.n
    bought[[s for s in range(len(bought)) if s not in heard]] = n / data.n
    saved = float(handled.sum() / data.n)
    return {
        "saved": saved,
        "agreement": float(right[handled].mean()) if handled.any() else 1.0,
        "heard": bought.tolist(),
        "cost": 1.0 - saved + float(bought @ stages.prices),
        "seconds": time.process_time() - start,
        "asked": n,
        "tests": 0,
        "expected": cost,
    }


def judged(
    data: Data, stages: Stages, own: np.ndarray, rest: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Answers and scores of the first model and of each stage: sample out of fold, then the rest."""
    X, y = data.blocks[0], data.labels
    model = LogisticRegression(C=30.0, max_iter=300)
    y_own = y[own]
    folds = list(_folds(len(own)))
    classes = np.unique(y_own)
    inner = np.zeros((len(own), len(classes)))
    for train, held in folds:
        fitted = model.fit(X[own[train]], y_own[train])
        inner[np.ix_(held, np.searchsorted(classes, fitted.classes_))] = fitted.predict_proba(
            X[own[held]]
        )
    p = np.vstack([inner, model.fit(X[own], y_own).predict_proba(X[rest])])
    texts = np.r_[own, rest]
    answers, scores = [classes[p.argmax(axis=1)]], [p.max(axis=1)]
    for said in stages.codes:
        named = said[texts]
        opinion = np.where(named[:, None] == classes, p, 0.0).sum(axis=1)
        one_hot = (named[:, None] == np.arange(len(data.classes))).astype(np.float32)
        same = (named == answers[0]).astype(np.float32)
        Z = np.hstack([X[texts], one_hot, np.c_[opinion, p.max(axis=1), same]])
        good = named[: len(own)] == y_own
        scorer = LogisticRegression(C=1.0, max_iter=300)
        inside = cross_val_predict(scorer, Z[: len(own)], good, method="predict_proba", cv=5)
        outside = scorer.fit(Z[: len(own)], good).predict_proba(Z[len(own) :])
        answers.append(named)
        scores.append(np.r_[inside[:, 1], outside[:, 1]])
    return answers, scores


def _folds(n: int, k: int = 5) -> Any:
    for i in range(k):
        held = np.arange(i, n, k)
        yield np.setdiff1d(np.arange(n), held), held


def orders(n: int) -> list[tuple[int, ...]]:
    """Stages that may be asked behind the first model, in any order and number."""
    return [way for k in range(n + 1) for way in itertools.permutations(range(n), k)]


def cheapest(
    scores: Sequence[np.ndarray],
    agree: Sequence[np.ndarray],
    prices: Sequence[float],
    way: tuple[int, ...],
    *,
    n: int,
    target: float,
) -> tuple[float, tuple[int, ...], tuple[float, ...]]:
    """Cost by row of the best thresholds on the sample, the order, and these."""
    best = (1.0, way, (np.inf,) * (1 + len(way)))
    models = (0, *(s + 1 for s in way))
    grids = [np.r_[np.quantile(scores[m][:n], np.linspace(0, 1, _CUTS)), np.inf] for m in models]
    for cuts in itertools.product(*grids):
        handled, right, heard = follow(scores, agree, way, cuts, slice(n))
        if handled.any() and right[handled].mean() < target:
            continue
        cost = 1.0 - handled.mean() + sum(prices[s] * share for s, share in heard.items())
        if cost < best[0]:
            best = float(cost), way, cuts
    return best


def follow(
    scores: Sequence[np.ndarray],
    agree: Sequence[np.ndarray],
    way: tuple[int, ...],
    cuts: Sequence[float],
    rows: slice,
) -> tuple[np.ndarray, np.ndarray, dict[int, float]]:
    """Rows that are accepted somewhere, whether the answer is right, and who is asked how often."""
    handled = scores[0][rows] >= cuts[0]
    right, heard = agree[0][rows].copy(), {}
    for stage, cut in zip(way, cuts[1:], strict=True):
        heard[stage] = float((~handled).mean())
        taken = ~handled & (scores[stage + 1][rows] >= cut)
        right[taken] = agree[stage + 1][rows][taken]
        handled |= taken
    return handled, right, heard


def one(
    data: Data, stages: Stages, way: str, target: float, seed: int, *, confidence: float
) -> Cell:
    """One draw in one way."""
    if way == "alone":
        free = {"saved": 0.0, "agreement": 1.0, "heard": [], "cost": 1.0, "seconds": 0.0}
        return {**free, "asked": data.n, "tests": 0}
    if way == "in-sample":
        return searched(data, stages, target, seed)
    offered = {"surrogate": 0, "chain-of-1": 1, "chain": len(stages.names)}[way]
    return labelled(data, stages.first(offered), target, seed, confidence)


def measure(options: Any, path: Path) -> dict[str, list[Cell]]:
    """All cells, each draw in the file as soon as it is done."""
    done: dict[str, list[Cell]] = {}
    if path.exists():
        done = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for name in options.cells.split(","):
        make, answers = SETS[name]
        try:
            data = make()
        except (OSError, ValueError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        for seed, target, way in itertools.product(
            range(max(options.draws, options.search_draws)),
            options.targets.split(","),
            options.ways.split(","),
        ):
            target_of = float(target)
            cell = done.setdefault(
                f"{name} | {target_of:.2f} | {options.confidence:.2f} | {way}", []
            )
            most = {"alone": 1, "in-sample": options.search_draws}.get(way, options.draws)
            if len(cell) != seed or seed >= most:
                continue
            found = one(
                *(data, answers(data, seed), way, target_of, seed), confidence=options.confidence
            )
            cell.append(found)
            print(name, target, way, seed, f"{found['cost']:.3f}", file=sys.stderr, flush=True)
            text = json.dumps({"machine": machine(), "cells": done}, indent=1)
            path.write_text(text, encoding="utf-8")
    return done


_SAY = {
    "alone": "teacher alone",
    "surrogate": "surrogate and teacher, hard rows first",
    "chain": "chain, all stages offered",
    "chain-of-1": "chain, the first stage offered",
    "in-sample": "in-sample search",
}


def line(key: str, cell: list[Cell]) -> dict[str, object]:
    """One row of the table."""
    name, target, confidence, way = key.split(" | ")

    def mean(of: str) -> float:
        return float(np.mean([draw[of] for draw in cell]))

    costs = [draw["cost"] for draw in cell]
    heard = np.mean([draw["heard"] for draw in cell], axis=0) if cell[0]["heard"] else []
    below = sum(draw["agreement"] < float(target) for draw in cell)
    allowed = int(binom.ppf(0.999, len(cell), 1 - float(confidence)))
    return {
        "set": name,
        "target": target,
        "way": _SAY[way],
        "cost": mean("cost"),
        "spread": f"{min(costs):.2f} to {max(costs):.2f}",
        "saved": mean("saved"),
        "stages heard": ", ".join(f"{share:.2f}" for share in heard),
        "agreement": mean("agreement"),
        "below target": "" if way == "alone" else f"{below}/{len(cell)} (at most {allowed})",
        "CPU, s": "" if way == "alone" else f"{mean('seconds'):.1f}",
    }


def rows_of(done: dict[str, list[Cell]], ways: Sequence[str]) -> list[dict[str, object]]:
    """The table, set by set and target by target."""
    places = dict.fromkeys(tuple(key.split(" | ")[:3]) for key, cell in done.items() if cell)
    keys = [" | ".join((*place, way)) for place in places for way in ways]
    return [line(key, done[key]) for key in keys if done.get(key)]


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--search-draws", type=int, default=30)
    parser.add_argument("--cells", default="babe,banking77")
    parser.add_argument("--targets", default="0.9,0.95")
    parser.add_argument("--confidence", type=float, default=CONFIDENCE)
    parser.add_argument("--ways", default="alone,surrogate,chain,chain-of-1,in-sample")
    parser.add_argument("--json", default="chain.json")
    options = parser.parse_args()
    done = measure(options, Path(options.json))
    with published("chain", write=options.write):
        print(f"Machine: {machine()}.\n")
        print(table(rows_of(done, options.ways.split(","))))


if __name__ == "__main__":
    main()
