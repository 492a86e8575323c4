"""Columns with planted truth, for reviews: who is right is known for every row."""

from __future__ import annotations

import numpy as np

from tracer_nb.records import Answer, Labels, Spending
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.steps.review.queue import Opinion, Subject

LABELS = ("no", "yes")


def subject_of(texts, named, *, others=(), labels=LABELS, seed=0, sample=None, answers=None):
    """A column, a random sample of which the teacher gave the labels ``named`` (by text)."""
    read = read_texts(list(texts))
    rows = np.random.default_rng(seed).permutation(read.n_rows)[:sample]
    codes = [
        -1 if named.get(text) is None else labels.index(named[text])
        for text in (read.unique[c] for c in read.codes[rows])
    ]
    given = {read.unique[c]: Answer(named.get(read.unique[c])) for c in read.codes[rows]}
    return Subject(
        texts=read,
        labels=Labels(
            rows=rows,
            codes=np.array(codes),
            classes=tuple(labels),
            reasons=(None,) * len(rows),
            n_failed=0,
            spending=Spending(),
        ),
        answers={**given, **(answers or {})},
        opinions=dict(others),
        teacher="a model",
        other="the surrogate",
    )


class Planted:
    """A teacher that is wrong on some rows, and a surrogate that mostly disputes these."""

    def __init__(self, seed, n=300, accuracy=0.85):
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.texts = [f"text {i}" for i in range(n)]
        self.truth = {text: LABELS[rng.integers(2)] for text in self.texts}
        wrong = set(rng.choice(self.texts, round(n * (1 - accuracy)), replace=False))
        other = {"no": "yes", "yes": "no"}
        named = {t: other[label] if t in wrong else label for t, label in self.truth.items()}
        opinions = {}
        for text in self.texts:
            slip = rng.random() < 0.03
            opinions[text] = Opinion(
                other[self.truth[text]] if slip else self.truth[text], rng.random()
            )
        self.wrong = wrong
        self.accuracy = 1 - len(wrong) / n
        self.subject = subject_of(self.texts, named, others=opinions, seed=[seed, 1])

    def review(self, reviewing, skips=frozenset().__contains__):
        """Answer every row with the truth."""
        while (item := reviewing.current) is not None:
            if skips(item.text):
                reviewing.skip()
            else:
                reviewing.answer(self.truth[item.text])
        return reviewing
