"""Which rows a human is shown, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.documents import readable
from tracer_nb.engine import SurrogateFit
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import labels_in, names_of, numbers_of, sets_of
from tracer_nb.records import Answer, Labels, Review, ReviewItem, ReviewQueue
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.review.shortlist import shortlist
from tracer_nb.store.rows import text_address

__all__ = [
    "ORDERS",
    "Opinion",
    "Subject",
    "make_queue",
    "surrogate_opinions",
]

ORDERS = ("mixed", "random", "uncertain", "disputed", "chosen")
_LIKELY = 4  # labels on the shortlist because somebody gave them


def make_queue(
    subject: Subject, reviewed: Mapping[str, Review], *, of: str, rows: int, blind: bool
) -> ReviewQueue:
    """Lay out a review of ``rows`` rows, those that are reviewed already among them.

    Parameters
    ----------
    subject : Subject
    reviewed : mapping of str to Review
        Stored reviews by the text's address.
    of : str
        One of ``ORDERS``. "mixed" alternates random rows with disputed and uncertain ones.
    rows : int
    blind : bool
        The shortlists must not give the teacher's labels away.

    Raises
    ------
    InvalidInput
        An order that does not exist, or for which there is nothing to go by.

    Notes
    -----
    The random rows are the first ones in the order in which the sample was drawn, and the
    others are taken from the rest. So no random row is shown out of turn for looking wrong,
    and how many random rows there are depends on no label of theirs: the accuracy on them is
    that of a simple random sample. A row that was reviewed for another reason before its turn
    came counts when it comes.
    """
    if of not in ORDERS:
        raise InvalidInput.unknown_name("order of review", of, ORDERS)
    labels, texts = subject.labels, subject.texts
    given = labels.rows[labels.codes >= 0]
    if not len(given):
        raise InvalidInput("no row of the sample has a label of the teacher to review")
    order = [texts.unique[code] for code in texts.codes[given]]
    ranked = _ranked(subject, of)
    quota = rows if of in ("mixed", "random") else 0
    if of == "mixed":
        quota -= min(rows // 2, len(ranked))
    random = order[: max(quota, _drawn_before(order, reviewed))]
    reasons = dict.fromkeys(random, ("random", "Drawn at random, so it counts for the accuracy."))
    rest = max(rows - len(reasons), 0)
    for text, reason in (_shown_before(subject, reviewed, of) | ranked).items():
        if rest and text not in reasons:
            reasons[text] = reason
            rest -= 1
    make = _Maker(subject, blind=blind)
    items = [make.item(text, *reasons[text]) for text in _in_turn(reasons, reviewed)]
    position = {item.text: i for i, item in enumerate(items)}
    return ReviewQueue(
        items=tuple(items),
        random=tuple(position[text] for text in random),
        disagreements=subject.disagreements(),
        labels=labels.classes,
        teacher=subject.teacher,
        other=subject.other,
    )


class _Maker:
    """Makes the items of one queue."""

    def __init__(self, subject: Subject, *, blind: bool) -> None:
        texts, labels = subject.texts, subject.labels
        first = np.unique(texts.codes[texts.usable], return_index=True)[1]
        self._rows = dict(zip(texts.unique, texts.usable[first].tolist(), strict=True))
        self._several = sets_of(labels.classes) is not None
        named = (n for n in names_of(labels.classes, labels.codes) if n is not None)
        self._counts = Counter(label for name in named for label in self._each(name))
        self._named = subject.labelled()
        self._subject, self._blind = subject, blind

    def _each(self, name: str) -> tuple[str, ...]:
        """The labels of a set; a label alone."""
        return labels_in(name) if self._several else (name,)

    def item(self, text: str, drawn: str, why: str) -> ReviewItem:
        subject, named = self._subject, self._named[text]
        opinion = subject.opinions.get(text)
        said = subject.said.get(text, ())
        others = [*([opinion.label] if opinion else []), *(label for _, label in said)]
        likely = [named, *others, *_choices(subject.answers[text])]
        classes = subject.labels.classes
        number = numbers_of(classes)
        known = [
            one for name in dict.fromkeys(likely) if name in number for one in self._each(name)
        ]
        known = list(dict.fromkeys(known))
        return ReviewItem(
            text=text,
            row=self._rows[text],
            drawn=drawn,
            why=why,
            teacher_label=named,
            other_label=None if opinion is None else opinion.label,
            score=None if opinion is None else opinion.score,
            shortlist=shortlist(text, known[:_LIKELY], classes, self._counts, blind=self._blind),
            shown=readable(text) if subject.texts.has_cells else "",
            said=said,
            explanation=subject.answers[text].explanation or "",
        )


def _drawn_before(order: Sequence[str], reviewed: Mapping[str, Review]) -> int:
    """Rows that earlier reviews drew at random: without a gap, and up to the last such one."""
    n = 0
    for i, text in enumerate(order):
        review = reviewed.get(text_address(text))
        if review is None:
            break
        if review.drawn == "random":
            n = i + 1
    return n


def _shown_before(
    subject: Subject, reviewed: Mapping[str, Review], of: str
) -> dict[str, tuple[str, str]]:
    """Texts that earlier reviews of this kind showed, whatever is ranked now."""
    kinds = ("uncertain", "disputed") if of == "mixed" else (of,)
    named = subject.labelled()
    return {
        review.text: (review.drawn, "")
        for review in reviewed.values()
        if review.drawn in kinds and review.drawn != "random" and review.text in named
    }


def _in_turn(reasons: Mapping[str, tuple[str, str]], reviewed: Mapping[str, Review]) -> list[str]:
    """Reviewed texts first; then random ones and others take turns."""
    done = [text for text in reasons if text_address(text) in reviewed]
    left = [text for text in reasons if text_address(text) not in reviewed]
    random = [text for text in left if reasons[text][0] == "random"]
    others = [text for text in left if reasons[text][0] != "random"]
    turns = chain.from_iterable(zip_longest(random, others))
    return [*done, *(text for text in turns if text is not None)]


def _ranked(subject: Subject, of: str) -> dict[str, tuple[str, str]]:
    """Texts that look wrong, the worst first, each with the reason why."""
    disputed, uncertain = _disputed(subject), _uncertain(subject)
    if of == "disputed":
        if not disputed:
            raise InvalidInput(_nothing_disputed(subject))
        return disputed
    if of == "uncertain":
        if not uncertain:
            raise InvalidInput(
                "nothing says which rows are uncertain; call fit() first, or use a teacher that "
                "gives probabilities"
            )
        return uncertain
    if of == "random":
        return {}
    if of == "chosen":
        if not subject.chosen:
            raise InvalidInput("no row was chosen; send some to review in %tracer panel")
        return dict.fromkeys(subject.chosen, ("chosen", "Chosen by you."))
    doubted = ((text, why) for text, why in uncertain.items() if text not in disputed)
    turns = chain.from_iterable(zip_longest(disputed.items(), doubted))
    return dict(turn for turn in turns if turn is not None)


def _disputed(subject: Subject) -> dict[str, tuple[str, str]]:
    """Texts with two labels, by turns those of a panel and those of teacher and surrogate.

    Those come first about which members are least of one mind, or the surrogate is surest.
    """
    why = f"Disputed: {subject.teacher} and {subject.other} gave different labels."
    texts = sorted(subject.disagreements(), key=lambda text: -(subject.opinions[text].score or 0))
    among = "Disputed: teachers disagree, the members of the panel gave different labels."
    parted = [text for text in subject.labelled() if text in subject.said]
    parted.sort(key=lambda text: -_shares(subject.answers[text])[1])
    turns = chain.from_iterable(
        zip_longest(dict.fromkeys(parted, among).items(), dict.fromkeys(texts, why).items())
    )
    found: dict[str, tuple[str, str]] = {}
    for text, reason in filter(None, turns):
        found.setdefault(text, ("disputed", reason))
    return found


def _nothing_disputed(subject: Subject) -> str:
    named = subject.labelled()
    n = sum(text in named for text in subject.opinions)
    if not n:
        return (
            "nothing can be disputed: no text has a label of the teacher and of "
            f"{subject.other}; call fit() first, or name a set of answers with against"
        )
    return f"nothing is disputed: {subject.teacher} and {subject.other} agree on all {n} texts"


def _uncertain(subject: Subject) -> dict[str, tuple[str, str]]:
    """Texts by the gate score or the lead of the teacher's first choice, whichever is less."""
    found: list[tuple[float, str, str]] = []
    for text in subject.labelled():
        opinion = subject.opinions.get(text)
        score = None if opinion is None else opinion.score
        doubts = []
        if score is not None:
            doubts.append((score, f"Uncertain: the gate score of {subject.other} is {score:.2f}."))
        first, second = _shares(subject.answers[text])
        if first and text not in subject.said:  # that is disputed
            undecided = f"Uncertain: {subject.teacher} gave {100 * first:.0f} % to one label"
            doubts.append((first - second, f"{undecided}, {100 * second:.0f} % to the next."))
        if doubts:
            least, why = min(doubts)
            found.append((least, text, why))
    return {text: ("uncertain", why) for _, text, why in sorted(found)}


def _choices(answer: Answer) -> list[str]:
    """Labels to which the teacher gave some probability, the likeliest first."""
    shares = answer.probabilities or {}
    return sorted((label for label, p in shares.items() if p > 0), key=lambda label: -shares[label])


def _shares(answer: Answer) -> tuple[float, float]:
    """Shares of the teacher's first and second choice; zeros where it gave no distribution."""
    shares = sorted((answer.probabilities or {}).values(), reverse=True)
    total = sum(shares)
    if total <= 0:
        return 0.0, 0.0
    return shares[0] / total, (shares[1] / total if len(shares) > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class Opinion:
    """Another label of a text; ``score`` is the surrogate's gate score."""

    label: str
    score: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What a review is about.

    Attributes
    ----------
    texts : Texts
        The labelled column.
    labels : Labels
        The random sample.
    answers : mapping of str to Answer
        Everything the teacher said about texts of the column.
    opinions : mapping of str to Opinion
        Other labels of these texts.
    teacher, other : str
        Names.
    chosen : tuple of str
        Texts that somebody wants to have reviewed.
    said : mapping of str to tuple of (str, str)
        Who of a panel said what, of the texts on which its members differ.
    """

    texts: Texts
    labels: Labels
    answers: Mapping[str, Answer]
    opinions: Mapping[str, Opinion]
    teacher: str
    other: str
    chosen: tuple[str, ...] = ()
    said: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def labelled(self) -> dict[str, str]:
        """The teacher's label of every text that it gave one to."""
        return {t: a.label for t, a in self.answers.items() if a.label is not None}

    def disagreements(self) -> dict[str, tuple[str, str]]:
        """The teacher's and the other label of the texts on which they differ, in that order."""
        named = self.labelled()
        return {
            text: (named[text], opinion.label)
            for text, opinion in self.opinions.items()
            if text in named and opinion.label != named[text]
        }


def surrogate_opinions(
    fitted: SurrogateFit,
    texts: Texts,
    labels: Labels,
    said: Callable[[NDArray[np.intp]], Answers],
    answered: Iterable[str],
    *,
    learned: NDArray[np.bool_] | None = None,
) -> dict[str, Opinion]:
    """The surrogate's label and gate score of those answered texts that it was not fitted on.

    Under cross-fitting the labelled rows of the test have answers of fits without them.

    Parameters
    ----------
    fitted : SurrogateFit
    texts : Texts
        The column.
    labels : Labels
        That were fitted on.
    said : callable
        From distinct texts of the column to the surrogate's answers on them.
    answered : iterable of str
        Texts of the column.
    learned : ndarray of shape (n_unique,), bool, optional
        Texts outside the sample that were fitted on as well.
    """
    codes = texts.codes[labels.rows]
    number = {text: i for i, text in enumerate(texts.unique)}
    wanted = np.array([number[text] for text in answered], dtype=np.intp)
    new = np.setdiff1d(wanted, codes[fitted.fit_rows])
    if learned is not None:
        new = new[~learned[new]]
    parts: list[tuple[NDArray[np.intp], Any]] = []
    if fitted.left_out is not None:
        tested = codes[fitted.calibration_rows]
        parts.append((tested, fitted.left_out))
        new = np.setdiff1d(new, tested)
    if len(new):
        parts.append((new, said(new)))
    return {
        texts.unique[text]: Opinion(str(name), float(score))
        for which, said in parts
        for text, name, score in zip(which, fitted.names(said.codes), said.scores, strict=True)
    }
