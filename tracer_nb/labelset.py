"""The label set: the K labels a teacher may give, cleaned and checked once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets

__all__ = ["check_prompt", "clean_labels", "explain_labels", "label_text", "readable_labels"]


def clean_labels(labels: Iterable[object]) -> tuple[str, ...]:
    """Strip the labels and check that they can be told apart.

    Parameters
    ----------
    labels : iterable of str
        At least two; order is kept (it is the order in the prompt). What is a
        :class:`~tracer_nb.labelsets.LabelSets` stays one.

    Returns
    -------
    tuple of str

    Raises
    ------
    InvalidInput
        Fewer than two labels, a label that is not text, is empty or cannot be encoded, or two
        labels that are the same after stripping and ignoring case.

    Examples
    --------
    >>> clean_labels([" refund", "card lost "])
    ('refund', 'card lost')
    """
    if isinstance(labels, LabelSets):
        return labels
    names: list[str] = []
    seen: dict[str, str] = {}
    for raw in _listed(labels):
        name = _name(raw)
        key = name.casefold()
        if seen.get(key) == raw:
            raise InvalidInput(
                f"label {raw!r} stands twice in the list; name each once, those of a column by "
                "df['label'].unique()"
            )
        if key in seen:
            raise InvalidInput(
                f"labels {seen[key]!r} and {raw!r} are the same after stripping spaces and "
                "ignoring case; keep one of them"
            )
        seen[key] = str(raw)
        names.append(name)
    if len(names) < 2:
        raise InvalidInput(f"labels must be at least two, got {names}; add the others")
    return tuple(names)


def _listed(labels: Any) -> Iterable[object]:
    """What may be labels, one by one."""
    if isinstance(labels, str):
        raise InvalidInput(
            f"labels must be a list of names, got the one string {labels!r}; "
            "write ['first label', 'second label']"
        )
    if hasattr(labels, "columns"):  # a dataframe, which would give the names of its columns
        raise InvalidInput(
            f"labels must be a list of names, got a {type(labels).__name__}; name one of its "
            "columns: df['label'].unique()"
        )
    if hasattr(labels, "to_pylist"):  # Arrow's, whose cells are no str
        labels = labels.to_pylist()
    if not isinstance(labels, Iterable):
        raise InvalidInput(
            f"labels must be a list of names, got {labels!r}; write ['first label', 'second label']"
        )
    return labels


def _name(raw: object) -> str:
    """A label without spaces around it."""
    if raw is None or (str(raw) in ("nan", "<NA>", "NaT") and not isinstance(raw, str)):
        raise InvalidInput(f"a label is missing ({raw!r}); leave it out of the list")
    if not isinstance(raw, str):
        raise InvalidInput(
            f"labels must be text, got {raw!r} ({type(raw).__name__}); "
            "write [str(label) for label in labels]"
        )
    name = " ".join(raw.split())
    if not name:
        raise InvalidInput("a label is empty; remove it from the list")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise InvalidInput(
            f"label {raw!r} holds a control character or half of a character, which servers, "
            "files and pictures do not take; write it anew"
        )
    return name


def label_text(value: object) -> str | None:
    """The text of a label that a function or a record gives as a number or a member of an Enum.

    None for what is neither, and for numbers that no label is written as.

    Examples
    --------
    >>> label_text(2), label_text(1.0), label_text(True), label_text(0.5)
    ('2', '1', 'True', None)
    """
    if isinstance(value, Enum):
        value = value.value
    item = getattr(value, "item", None)  # a scalar of numpy
    if callable(item) and getattr(value, "shape", None) == ():
        value = item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, (str, int)) else None


def check_prompt(prompt: object) -> str:
    """The task in words; empty for None.

    Raises
    ------
    InvalidInput
        It is not text.
    """
    if prompt is None:
        return ""
    if not isinstance(prompt, str):
        raise InvalidInput(
            f"prompt must be text, the task in words, got a {type(prompt).__name__}; "
            "the column of texts goes to label, run or plan"
        )
    return prompt


def explain_labels(labels: Mapping[str, object], prompt: str) -> str:
    """The task with what each label means behind it, for teachers that read.

    Parameters
    ----------
    labels : mapping of str to str
        Label to description; None or an empty one for a label that explains itself.
    prompt : str

    Raises
    ------
    InvalidInput
        A description that is not text.

    Examples
    --------
    >>> print(explain_labels({"refund": "wants money back", "other": ""}, "Choose the intent."))
    Choose the intent.
    <BLANKLINE>
    What the labels mean:
    - refund: wants money back
    """
    lines = []
    for label, description in labels.items():
        if description is None or description == "":
            continue
        if not isinstance(description, str):
            raise InvalidInput(
                f"the description of label {label!r} must be text, got {description!r}"
            )
        lines.append(f"- {' '.join(label.split())}: {' '.join(description.split())}")
    if not lines:
        return prompt
    return "\n".join(
        [*([f"{prompt}\n"] if prompt.strip() else []), "What the labels mean:", *lines]
    )


def readable_labels(
    labels: Iterable[str], meanings: Mapping[str, object] | None = None
) -> dict[str, str]:
    """What each label says in words, as a text that features can be made of.

    Parameters
    ----------
    labels : iterable of str
        Cleaned.
    meanings : mapping of str to str, optional
        As a user wrote them; labels may have spaces around them.

    Examples
    --------
    >>> readable_labels(["card_arrival", "topUp", "fee"], {"fee ": "asks what it costs"})
    {'card_arrival': 'card arrival', 'topUp': 'top Up', 'fee': 'fee: asks what it costs'}
    """
    said = {" ".join(name.split()): text for name, text in (meanings or {}).items()}
    found = {}
    for label in labels:
        words = re.sub(r"[\W_]+|(?<=[a-z])(?=[A-Z])", " ", label).strip() or label
        meaning = said.get(label)
        found[label] = f"{words}: {' '.join(str(meaning).split())}" if meaning else words
    return found
