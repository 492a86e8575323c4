"""What a server understands of the chat-completions protocol, learned from what it rejects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.teachers.base import check_at_least
from tracer_nb.teachers.chat.forms import (
    TOP_LOGPROBS,
    Form,
    Lesson,
    Topic,
    lesson_about,
    note_lesson,
)

__all__ = ["Dialect", "Way", "temperature_of", "thinks"]


# A limit on the answer is never dropped, because the cost bound stands on it.
_DROPPED = frozenset({"temperature"})
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
# How servers speak of a field whose name they do not write.
_ALIASES = {
    "response_format": (
        *("response_format", "json_schema", "structured output", "response format"),
        "output_config",  # Anthropic's own name, by way of any-llm
    ),
    "tools": ("tools", "tool_choice", "tool call", "function call"),
    "logprobs": ("logprobs", "log probabilities"),
}
_FEWER_LOGPROBS = 5
# Refusals in a row after which a server is believed to have changed its mind about a form.
_SLIPS = 3
_THINKING = re.compile(r"gpt-[5-9]|o\d")


def thinks(model: str) -> bool:
    """Whether a model reasons before it answers, by its name (a vendor prefix is ignored).

    >>> thinks("gpt-6-luna"), thinks("openai/o3"), thinks("gpt-4o"), thinks("openai/gpt-oss-20b")
    (True, True, False, False)
    """
    return _THINKING.match(model.rsplit("/", 1)[-1]) is not None


@dataclass(frozen=True, slots=True)
class Way:
    """How a request is made at the moment: the form of the answer, and all fields of it."""

    form: Form
    fields: Mapping[str, Any]


class Dialect:
    """The optional parts of a request, and which of them this server takes.

    Parameters
    ----------
    forms : sequence of Form
        Forms of the answer, the best first; the next one is used when the server does not
        take what a form needs.
    max_answer_tokens : int
        Sent as ``max_completion_tokens`` to OpenAI and as ``max_tokens`` to others: old
        servers know the second only, OpenAI's reasoning models the first only.
    temperature : float or None
        Dropped when the server says that the model takes none.
    reasoning_effort : str or None
        Sent when given, and never dropped: it was asked for.
    is_openai : bool
    server, model : str
        Whose dialect it is. What worked is remembered for both together, so that the next
        teacher with requests of the same fields begins there.

    Attributes
    ----------
    gave_up : bool
        Whether log-probabilities came neither with the schema nor with codes.
    """

    def __init__(
        self,
        forms: Sequence[Form],
        max_answer_tokens: int,
        temperature: float | None,
        reasoning_effort: str | None,
        *,
        is_openai: bool,
        server: str,
        model: str,
    ) -> None:
        limit = "max_completion_tokens" if is_openai else "max_tokens"
        self._forms = tuple(forms)
        self._prefers_schema = _has_codes_next(self._forms)
        self._common: dict[str, Any] = {limit: max_answer_tokens}
        if temperature is not None:
            self._common["temperature"] = temperature
        if reasoning_effort is not None:
            self._common["reasoning_effort"] = reasoning_effort
        self._settled = False
        self._exhausted = False
        # Whether it is known which form brings log-probabilities, or that none does.
        self._sought = False
        self.gave_up = False
        self._slips = 0
        self._rejected: set[str] = set()
        self._left: list[tuple[Way, tuple[Form, ...]]] = []
        fields = tuple((f.name, frozenset((*self._common, *f.fields))) for f in self._forms)
        self._topic = Topic(server, model, fields)
        self._noted: tuple[Way, bool] | None = None
        self._known = False
        self._way = self._make_way()

    @property
    def way(self) -> Way:
        """How to ask now. Replaced, never changed."""
        return self._way

    def recall(self) -> None:
        """Begin where another teacher with the same fields has come, if there was one."""
        lesson = None if self._known else lesson_about(self._topic)
        names = [form.name for form in self._forms]
        if lesson is None or lesson.form not in names:
            return
        self._known, self._sought = True, lesson.sought
        self._forms = self._forms[names.index(lesson.form) :]
        for field in (*self._common, "logprobs"):
            if field not in lesson.fields:
                self._drop(field)
        if lesson.top_logprobs == _FEWER_LOGPROBS:
            self._drop("top_logprobs")
        self._way = self._make_way()

    def way_after(self, forms: int) -> Way | None:
        """How to ask when so many ``forms`` are skipped; None when no other one is left."""
        if not forms:
            return self._way
        left: tuple[Form, ...] = self._forms
        for _ in range(forms):
            left = _rest(left)
        return self._make_way(left[0]) if left else None

    def until_unchecked(self) -> int:
        """Forms to skip until one whose answer no server holds against a schema; 0 for none."""
        unchecked = (i for i, form in enumerate(self._forms) if not form.is_checked)
        return next(unchecked, 0)

    def accept(self, sent: Way) -> None:
        """Note that the server took a request that was made like ``sent``.

        Nothing is dropped after that. When only a guess has led to another way meanwhile,
        ``sent`` is the better one, and is taken again.
        """
        for way, forms in self._left:
            if way is sent:
                self._way, self._forms = way, forms
        if sent is self._way:
            self._settled, self._slips = True, 0
            self._left = []
            self._note(sent)

    def seek(self, sent: Way, *, found: bool) -> bool:
        """See whether a reply has brought log-probabilities, and look for a form that brings them.

        Parameters
        ----------
        sent : Way
            How the request was made that was replied to.
        found : bool
            Whether they came.

        Returns
        -------
        bool
            Whether to ask again, in the form that is taken now: the schema may bring none where
            codes do. When codes bring none either, the schema is taken again, for good.
        """
        if "logprobs" not in sent.fields:
            return False
        if sent is not self._way:  # another request may have found that meanwhile
            return not found and bool(self._way.form.codes) and not sent.form.codes
        if found:
            self._sought = True
        if self._sought:
            return False
        if _has_codes_next(self._forms):
            self._forms = (self._forms[1], self._forms[0], *self._forms[2:])
            self._way, self._settled = self._make_way(), False
            return True
        self._sought = True
        rest = self._forms[1:]
        if (
            self._prefers_schema
            and sent.form.codes
            and rest
            and "response_format" in rest[0].fields
        ):
            self._forms = rest
            self._way, self._settled = self._make_way(), "logprobs" in rest[0].fields
            self._note(self._way)
            self.gave_up = True
            return True
        return False

    def adapt(self, sent: Way, complaint: str) -> bool:
        """Drop or rename what the server's ``complaint`` names, or go on to the next form.

        ``sent`` is how the rejected request was made. Requests run side by side, so another
        one may have adapted already; then, too, asking again is right. Returns whether it is.
        """
        if sent is not self._way:
            return True
        if self._settled:
            return False
        changed = self._leave_schema(complaint) or self._drop(_named(complaint, sent.fields))
        if changed:
            self._way = self._make_way()
        return changed

    def refuse(self, sent: Way, complaint: str) -> None:
        """Go on after requests that nobody waits for were refused, and remember that."""
        if not self.adapt(sent, complaint) and not self.guess(sent):
            return
        if self._way is not sent:
            self._note(self._way)

    def _note(self, way: Way) -> None:
        if self._noted is None or self._noted[0] is not way or self._noted[1] != self._sought:
            self._noted, self._known = (way, self._sought), True
            n = way.fields.get("top_logprobs", 0)
            lesson = Lesson(way.form.name, frozenset(way.fields), n, self._sought)
            note_lesson(self._topic, lesson)

    def names(self, sent: Way, complaint: str) -> bool:
        """Whether a complaint is about a field of the request that was made like ``sent``."""
        return bool(_named(complaint, sent.fields))

    @property
    def settled(self) -> bool:
        """Whether the server has taken a request as it is."""
        return self._settled

    @property
    def known(self) -> bool:
        """Whether it has, or has taken that of another teacher with the same fields."""
        return self._known

    def guess(self, sent: Way) -> bool:
        """Go on to the next form after a refusal that names nothing; whether there is one.

        When no form works, it was not the form: the first one is taken again, for good.
        """
        if sent is not self._way:
            return True
        if self._settled or self._exhausted:
            return False
        rest = _rest(self._forms)
        if rest:
            self._left.append((self._way, self._forms))
            self._forms, self._way = rest, self._make_way(rest[0])
            return True
        self._exhausted = True
        if self._left:
            self._way, self._forms = self._left[0]
            self._left = []
        return False

    def slip(self, sent: Way) -> None:
        """Note that a form which has worked was refused: several in a row, and it is left."""
        rest = _rest(self._forms)
        if sent is not self._way or not rest:
            return
        self._slips += 1
        if self._slips >= _SLIPS:
            self._forms, self._way, self._slips = rest, self._make_way(rest[0]), 0

    def _leave_schema(self, complaint: str) -> bool:
        """Whether only codes may come with log-probabilities; they are asked for next if so."""
        field = _named(complaint, self._forms[0].fields)
        if not _has_codes_next(self._forms) or not _named(complaint, {"logprobs": True}):
            return False
        fewer_first = field == "top_logprobs" and self._forms[0].fields[field] == TOP_LOGPROBS
        if fewer_first or _named(complaint, self._common):
            return False
        bare = self._forms[0].without("logprobs")
        self._forms = (self._forms[1], *(() if bare is None else (bare,)), *self._forms[2:])
        return True

    def _drop(self, field: str) -> bool:
        """Whether there is a way without ``field``; it is taken if so."""
        if field in _RENAMED:
            self._rejected.add(field)
            if _RENAMED[field] in self._rejected:
                return False  # it is the number that the server does not like, not the name
            self._common[_RENAMED[field]] = self._common.pop(field)
            return True
        if field in _DROPPED:
            return self._common.pop(field, None) is not None
        form = self._forms[0]
        if field == "top_logprobs" and form.fields[field] == TOP_LOGPROBS:
            fewer = [_with_fewer(f) for f in self._forms]
            self._forms = tuple(fewer)
            return True
        if field not in form.fields:
            return False
        left = [f for f in (form.without(field) for form in self._forms) if f is not None]
        # Codes were a way to a distribution that this server does not give.
        if field in ("logprobs", "top_logprobs") and len(left) > 1:
            left = [f for f in left if not f.codes]
        self._forms = tuple(left)
        return bool(left)

    def _make_way(self, form: Form | None = None) -> Way:
        form = form or self._forms[0]
        return Way(form, {**self._common, **form.fields})


def _has_codes_next(forms: tuple[Form, ...]) -> bool:
    """Whether codes follow a form that brings log-probabilities as they do: see ``make_forms``."""
    return len(forms) > 1 and bool(forms[1].codes) and "logprobs" in forms[0].fields


def _rest(forms: tuple[Form, ...]) -> tuple[Form, ...]:
    """Forms to try when the first one is not taken; at last the same one with less in it."""
    if len(forms) != 1:
        return forms[1:]
    bare = forms[0].without("logprobs")
    return () if bare is None or bare is forms[0] else (bare,)


def _with_fewer(form: Form) -> Form:
    if "top_logprobs" not in form.fields:
        return form
    return replace(form, fields={**form.fields, "top_logprobs": _FEWER_LOGPROBS})


def _named(complaint: str, fields: Mapping[str, Any]) -> str:
    """The field of a request that a complaint is about; "" when it names none.

    A complaint about one limit often names the other as the one to use: the first counts.
    """
    said = complaint.lower()
    found = []
    for field in fields:
        for name in _ALIASES.get(field, (field,)):
            place = said.find(name)
            if place >= 0:
                found.append((place, -len(name), field))
    # "top_logprobs" holds "logprobs": the longer name that begins earlier is meant.
    return min(found)[2] if found else ""


def temperature_of(given: float | str | None, votes: int) -> float | None:
    """The temperature to ask at; "auto" is 0, and 1 where several votes are to differ.

    Raises
    ------
    InvalidInput
        No number of at least 0, None or "auto".
    """
    if given == "auto":
        return 1.0 if votes > 1 else 0.0
    if isinstance(given, str):
        raise InvalidInput(f"temperature must be a number, None or 'auto', got {given!r}")
    check_at_least(0, temperature=0 if given is None else given)
    return given
