"""The forms in which a model can be asked for one of the labels, the surest first.

Which of them servers were found to take is remembered as long as the process lives.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets, sets_of

__all__ = [
    "FORMS",
    "TOP_LOGPROBS",
    "Form",
    "Lesson",
    "Topic",
    "forget_lessons",
    "lesson_about",
    "make_forms",
    "note_lesson",
    "short_codes",
]

FORMS = ("json-schema", "tool", "codes", "text")
"""Names of the forms, in the order in which a server's refusals are followed."""

TOP_LOGPROBS = 20
"""Alternatives asked for at each token: OpenAI's limit."""

_LOGPROBS = frozenset({"logprobs", "top_logprobs"})
_JSON_RULE = (
    'Answer with a JSON object {"label": "..."} that holds one label, spelled as in the list, '
    "and with nothing else."
)
_JSON_REPAIR = (
    "That is not one of the labels. Answer again with a JSON object "
    '{"label": "..."}; the label must be one of the list, spelled as in the list.'
)
_TOOL_RULE = 'Answer by calling the function "answer" with one label, spelled as in the list.'
_TOOL_REPAIR = (
    'That is not one of the labels. Call the function "answer" with a label of the list, spelled '
    "as in the list."
)
_CODE_RULE = "Answer with the code of one label, and with nothing else: no words, no quotes."
_CODE_REPAIR = "That is not one of the codes. Answer again with one code and nothing else."


_Rules = tuple[tuple[str, str], ...]
_ONE: _Rules = ((_JSON_RULE, _JSON_REPAIR), (_TOOL_RULE, _TOOL_REPAIR))


def _set_rules(sets: LabelSets) -> _Rules:
    """How to answer, and to answer again, as JSON and by a function, with several labels."""
    many = (
        "every label that fits, each once, spelled as in the list"
        f"{', and is empty where none fits' if sets.may_be_empty else ', and at least one'}"
    )
    wrong = "That is no set of labels of the list. "
    as_json = f'with a JSON object {{"labels": ["...", "..."]}} whose list holds {many}'
    by_tool = f'the function "answer" with a list "labels" that holds {many}'
    return (
        (f"Answer {as_json}; and with nothing else.", f"{wrong}Answer again {as_json}."),
        (f"Answer by calling {by_tool}.", f"{wrong}Call {by_tool}."),
    )


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask for a label.

    Attributes
    ----------
    name : str
        One of ``FORMS``; stored with every answer that came in it.
    rule, repair : str
        How to answer, and what to say after an answer that is no label.
    fields : mapping
        Parts of the request beside the messages.
    codes : tuple of str
        Short names for the labels in the order in which they are listed; empty where labels
        go by their own names.
    """

    name: str
    rule: str
    repair: str
    fields: Mapping[str, Any]
    codes: tuple[str, ...] = ()

    @property
    def is_checked(self) -> bool:
        """Whether a server may check what the model wrote, and refuse it."""
        return not self.fields.keys().isdisjoint({"response_format", "tools"})

    def without(self, field: str) -> Form | None:
        """The form when the server does not take ``field``; None when it needs it."""
        if field not in self.fields:
            return self
        if field in _LOGPROBS and self.name != "tool":
            kept = {k: v for k, v in self.fields.items() if k not in _LOGPROBS}
            return replace(self, fields=kept)
        return None


def make_forms(
    labels: Sequence[str],
    schema: Mapping[str, Any],
    first: str,
    *,
    logprobs: bool | None,
    explains: Callable[[str], str] | None = None,
) -> tuple[Form, ...]:
    """The forms to try, in order.

    Parameters
    ----------
    labels : sequence of str
    schema : mapping
        JSON schema of the answer.
    first : str
        "auto" or one of ``FORMS``. "auto" begins with the schema; where a distribution is asked
        for, codes come next, which are there for nothing else.
    logprobs : bool or None
        Whether a distribution is asked for; None where the model gives none.
    explains : callable, optional
        Makes of a rule one that asks for an explanation before the label, where one is wanted.

    Raises
    ------
    InvalidInput
        No such form, or one in which what is wanted cannot be given.
    """
    if first != "auto" and first not in FORMS:
        raise InvalidInput.unknown_name("form of answers", first, ("auto", *FORMS))
    sets = sets_of(labels)
    if sets is not None and (logprobs or first == "codes"):
        raise InvalidInput(
            "logprobs and answers='codes' tell one label from the others, and a row may have several "
            "labels here; leave them out, or ask with votes=3"
        )
    if explains is not None and (logprobs or first == "codes"):
        raise InvalidInput(
            "logprobs and answers='codes' tell how likely each label is, and behind an explanation "
            "only the label that it leads to is; leave out these or reasons, or ask with votes=3"
        )
    rules = _ONE if sets is None else _set_rules(sets)
    if explains is not None:
        rules = tuple((explains(rule), explains(repair)) for rule, repair in rules)
    chances = {} if logprobs is None else {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    wanted = chances if logprobs or first == "codes" else {}
    named = {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": schema},
    }
    function = {
        "name": "answer",
        "description": "Give the label." if sets is None else "Give the labels.",
        "parameters": schema,
        "strict": True,
    }
    forms = {
        "json-schema": Form("json-schema", *rules[0], {"response_format": named, **wanted}),
        "tool": Form(
            "tool",
            *rules[1],
            {
                "tools": [{"type": "function", "function": function}],
                "tool_choice": {"type": "function", "function": {"name": "answer"}},
            },
        ),
        "codes": Form(
            "codes",
            _CODE_RULE,
            _CODE_REPAIR,
            chances,
            short_codes(labels),
        ),
        "text": Form("text", *rules[0], wanted),
    }
    if first == "auto":
        # Small models know labels by their names better than by codes.
        begin = ("json-schema", "codes") if logprobs else ("json-schema",)
    else:
        begin = (first,)
    rest = FORMS if begin[-1] == "codes" else FORMS[FORMS.index(begin[0]) :]
    # Codes are there for their distribution; without one, plain labels are read more surely.
    no_codes = logprobs is None or sets is not None or explains is not None
    left = (n for n in rest if n not in begin and not (n == "codes" and no_codes))
    order = [*begin, *left]
    return tuple(forms[name] for name in order)


def short_codes(labels: Sequence[str]) -> tuple[str, ...]:
    """As many codes as labels, of equal length, none of which is itself a label.

    Letters are one token everywhere, numbers of up to three digits in most vocabularies.

    >>> short_codes(["refund", "card lost"]), short_codes(["A", "B"])
    (('A', 'B'), ('1', '2'))
    """
    n = len(labels)
    taken = {label.casefold() for label in labels}
    width = len(str(n))
    numbers = [f"{i:0{width}d}" for i in range(1, n + 1)]
    letters = list(string.ascii_uppercase[:n]) if n <= len(string.ascii_uppercase) else numbers
    for codes in (letters, numbers, [f"L{number}" for number in numbers]):
        if taken.isdisjoint(code.casefold() for code in codes):
            return tuple(codes)
    return tuple(f"code-{number}" for number in numbers)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a lesson is about: one model at one server, asked with these fields.

    Attributes
    ----------
    server : str
        Its whole address: two servers may have a model of the same name.
    model : str
    forms : tuple of (str, frozenset of str)
        Forms of an answer that may be asked for, and the fields of a request in each.
    """

    server: str
    model: str
    forms: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A request that the server took.

    Attributes
    ----------
    form : str
        Of the answer.
    fields : frozenset of str
        Their names.
    top_logprobs : int
        Alternatives asked for at each token.
    sought : bool
        Whether it is known which form brings log-probabilities, or that none does.
    """

    form: str
    fields: frozenset[str]
    top_logprobs: int = 0
    sought: bool = False


_LESSONS: dict[Topic, Lesson] = {}


def lesson_about(topic: Topic) -> Lesson | None:
    """What was learned last; None when nothing was."""
    return _LESSONS.get(topic)


def note_lesson(topic: Topic, lesson: Lesson) -> None:
    """Remember what the server took just now."""
    _LESSONS[topic] = lesson


def forget_lessons() -> None:
    """Remember nothing."""
    _LESSONS.clear()
