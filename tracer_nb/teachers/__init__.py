"""Where labels come from: language models, functions and records, behind one protocol.

Importing this loads no network client; a ``ChatTeacher`` does when it is first used.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tracer_nb.errors import InvalidInput
from tracer_nb.labelset import clean_labels
from tracer_nb.teachers.arbiter import chooser, instructed
from tracer_nb.teachers.base import Haltable, NotAsked, Teacher
from tracer_nb.teachers.budget import Budget
from tracer_nb.teachers.function import FunctionTeacher
from tracer_nb.teachers.panel import PanelTeacher
from tracer_nb.teachers.prices import Price, parse_price, price_of
from tracer_nb.teachers.replay import ReplayTeacher
from tracer_nb.teachers.server import hide_key

if TYPE_CHECKING:
    from tracer_nb.teachers.chat.teacher import ChatTeacher

__all__ = [
    "OF_JOB",
    "SCHEMES",
    "Budget",
    "ChatTeacher",
    "FunctionTeacher",
    "Haltable",
    "NotAsked",
    "PanelTeacher",
    "Price",
    "ReplayTeacher",
    "Teacher",
    "make_teacher",
    "parse_price",
    "price_of",
    "register_scheme",
]


def __getattr__(name: str) -> Any:
    if name == "ChatTeacher":
        from tracer_nb.teachers.chat.teacher import ChatTeacher  # noqa: PLC0415 -- lazy on purpose

        return ChatTeacher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_Maker = Callable[..., Teacher]

OF_JOB = (
    *(
        "target",
        "confidence",
        "promise",
        "features",
        "strategy",
        "threshold",
        "certificate",
        "surrogate",
    ),
    *("gate", "pipeline", "guard", "abstain_unlike", "abstain_unsure", "time_budget"),
    *("labelling", "new_rows", "chain", "several", "latency_weight", "store", "seed"),
)
"""Options of a Tracer itself: what it does not know it takes for one of its teacher's."""

_OF_PANEL = ("adaptive", "combine", "arbiter", "pairwise")
_OF_STEPS = ("max_cost", "max_tokens", "max_rows", "sample")

SCHEMES: dict[str, _Maker] = {}
"""What may stand before the colon of a teacher's name, and who makes that teacher."""


def register_scheme(scheme: str, maker: _Maker) -> None:
    """Let ``scheme:NAME`` name a teacher.

    Parameters
    ----------
    scheme : str
        Replaces a scheme of the same name.
    maker : callable
        Called as ``maker(name, labels, prompt, **options)``. It should name its options:
        one that it does not name is reported to the user. A key comes as a ``Secret``.
    """
    SCHEMES[scheme] = maker


def make_teacher(
    spec: Any, labels: Sequence[str] | None = None, prompt: str = "", **options: Any
) -> Teacher:
    """Make a teacher from a name, a function or a record; a teacher passes as it is.

    Parameters
    ----------
    spec : str, callable, mapping, Series or Teacher; or a list or tuple of these
        ``"openai:MODEL"`` for a model at OpenAI, or at another server with ``base_url``;
        ``"anyllm:PROVIDER/MODEL"`` for one through the any-llm library; a function from text
        to label; a mapping or Series from text to label. Several are a panel, whose answers
        are combined: see :class:`PanelTeacher`.
    labels : sequence of str, optional
        The label set. A teacher has its own, and a record shows them; others need it.
    prompt : str
        The task in words, for teachers that read.
    **options
        Keyword arguments of the teacher's class. Prices may be written as "IN,OUT". Those of a
        panel are of its members with a name, where there are such. Its own are ``combine``,
        ``adaptive``, ``pairwise`` and ``arbiter``: the name of a model, a function of a text and
        the labels that members gave, or a Teacher whose prompt names ``{{candidates}}``.

    Returns
    -------
    Teacher

    Raises
    ------
    InvalidInput
        Nothing that a teacher can be made from, an unknown name or option, or labels that
        differ from the given teacher's.
    """
    hide_key(options)
    if isinstance(spec, (list, tuple)) and any(map(_may_be_member, spec)):
        return _panel(spec, labels, prompt, options)
    if isinstance(spec, Teacher) and not isinstance(spec, type):
        if labels is not None and tuple(spec.labels) != clean_labels(labels):
            raise InvalidInput(
                f"teacher {spec.name!r} has its own labels, and they differ from the ones "
                "given; give the same, in the same order"
            )
        _check_options(options, ())
        return spec
    if hasattr(spec, "items") and getattr(spec, "ndim", 1) == 1:
        return _made(ReplayTeacher, (spec,), {"labels": labels}, options)
    if labels is None and (isinstance(spec, str) or callable(spec)):
        raise InvalidInput(
            "labels are missing; give the list of labels to choose from: labels=[…], or --labels "
            "on the line that has --teacher, since such a line says the whole job"
        )
    if isinstance(spec, str):
        return _from_name(spec, labels or (), prompt, options)
    if callable(spec):
        for name in ("price", "batch_price"):
            if options.get(name) is not None:
                raise InvalidInput(
                    f"{name} is of tokens, and a function counts none; cap it with max_rows, or "
                    "give in Python cost=, the dollars of one answer"
                )
        return _made(FunctionTeacher, (spec, labels), {}, options)
    raise _no_teacher(spec)


def _may_be_member(spec: Any) -> bool:
    """Whether what stands in a list may be a teacher, and no label of a list of these."""
    if isinstance(spec, str):
        return spec.partition(":")[0].strip() in SCHEMES
    return callable(spec) or isinstance(spec, Teacher) or hasattr(spec, "items")


def _panel(
    specs: Sequence[Any], labels: Sequence[str] | None, prompt: str, options: dict[str, Any]
) -> Teacher:
    own = {name: options.pop(name) for name in _OF_PANEL if name in options}
    named = [isinstance(spec, str) for spec in specs]
    any_named = any(named) or isinstance(own.get("arbiter"), str)
    members = [
        make_teacher(spec, labels, prompt, **(options if is_named or not any_named else {}))
        for spec, is_named in zip(specs, named, strict=True)
    ]
    # Who is a teacher already has a key of its own.
    took = [m for m, is_named in zip(members, named, strict=True) if is_named]
    if own.get("arbiter") is not None:
        if isinstance(own["arbiter"], str):
            # It chooses among labels that members have explained.
            asks = {name: value for name, value in options.items() if name != "reasons"}
            took.append(make_teacher(own["arbiter"], labels, instructed(prompt), **asks))
            own["arbiter"] = took[-1]
        else:
            of_function = {} if any_named else options
            own["arbiter"] = _arbiter(own["arbiter"], members[0].labels, of_function)
    made = PanelTeacher(members, **own)
    servers = sorted({str(m.server) for m in took if hasattr(m, "server")})
    if options.get("api_key") is not None and len(servers) > 1:
        raise InvalidInput(
            f"api_key is of one server, and the panel asks {' and '.join(servers)}; leave it out, "
            "and put each key into the environment, or give Teacher objects with their own"
        )
    return made


def _arbiter(spec: Any, labels: Sequence[str], options: Mapping[str, Any]) -> Teacher:
    """Who decides where members of a panel differ, and is not named."""
    if isinstance(spec, Teacher) and not isinstance(spec, type):
        return spec
    if callable(spec):
        return chooser(spec, labels, **options)
    raise InvalidInput(
        "arbiter must be a name such as 'openai:gpt-6-luna', a function of a text and the labels to "
        f"choose from, or a Teacher whose prompt names {{{{candidates}}}}; got {type(spec).__name__}"
    )


def _no_teacher(spec: Any) -> InvalidInput:
    """Why nothing can be asked that way."""
    if hasattr(spec, "columns"):
        return InvalidInput(
            f"teacher is a {type(spec).__name__}; of recorded labels give "
            "dict(zip(df['text'], df['label']))"
        )
    if hasattr(spec, "__len__"):  # a column or list of labels, of whatever library
        return InvalidInput(
            f"recorded labels need their texts, got a {type(spec).__name__} alone; give "
            "dict(zip(df['text'], df['label'])) as the teacher"
        )
    return InvalidInput(
        "teacher must be a name such as 'openai:gpt-6-luna', a function from text to label, a "
        f"mapping of text to label, or a Teacher; got {type(spec).__name__}"
    )


def _from_name(spec: str, labels: Sequence[str], prompt: str, options: dict[str, Any]) -> Teacher:
    scheme, colon, name = (part.strip() for part in spec.partition(":"))
    if not colon or not name:
        example = f"openai:{'gpt-6-luna' if colon or not scheme else scheme}"
        raise InvalidInput(
            f"teacher must be SCHEME:NAME, got {spec!r}; write for example {example}"
        )
    if scheme not in SCHEMES:
        raise InvalidInput.unknown_name("kind of teacher", scheme, sorted(SCHEMES))
    return _made(SCHEMES[scheme], (name, labels, prompt), {}, options)


def _made(
    maker: _Maker, positional: tuple[Any, ...], fixed: dict[str, Any], options: dict[str, Any]
) -> Teacher:
    parameters = inspect.signature(maker).parameters.values()
    if all(p.kind is not p.VAR_KEYWORD for p in parameters):
        named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in fixed]
        _check_options(options, named)
    for name in ("price", "batch_price"):
        if options.get(name) is not None:
            options[name] = parse_price(options[name], name)
    return maker(*positional, **fixed, **options)


def _check_options(options: dict[str, Any], known: Sequence[str]) -> None:
    for option, value in options.items():
        if option in known:
            continue
        if option in _OF_PANEL:
            raise InvalidInput(
                f"{option!r} is of a panel, and there is one teacher; give several, with commas "
                "between them or in a list"
            )
        if option in _OF_STEPS:
            raise InvalidInput(
                f"{option!r} is no option of a Tracer; give it to the step: tracer.label(column, "
                f"{option}={value!r})"
            )
        near = difflib.get_close_matches(option, [*known, *OF_JOB], n=1, cutoff=0.75)
        if near and near[0] in OF_JOB:
            raise InvalidInput(f"no option {option!r}; did you mean {near[0]!r}?")
        raise InvalidInput.unknown_name("option of this teacher", option, known)


def _openai(name: str, labels: Sequence[str], prompt: str, **options: Any) -> Teacher:
    from tracer_nb.teachers.chat.teacher import ChatTeacher  # noqa: PLC0415 -- only when it is asked for

    return _made(ChatTeacher, (name, labels, prompt), {}, options)


def _anyllm(name: str, labels: Sequence[str], prompt: str, **options: Any) -> Teacher:
    from tracer_nb.teachers.anyllm import reach_anyllm  # noqa: PLC0415
    from tracer_nb.teachers.chat.teacher import ChatTeacher  # noqa: PLC0415

    at = reach_anyllm(name, options.pop("base_url", None))
    fixed = {"server": at.server, "open_client": at.open_client}
    return _made(ChatTeacher, (at.model, labels, prompt), fixed, options)


def _standin(name: str, labels: Sequence[str], prompt: str, **options: Any) -> Teacher:
    from tracer_nb.standin.teacher import StandInTeacher  # noqa: PLC0415 -- starts a server

    return _made(StandInTeacher, (name, labels, prompt), {}, options)


register_scheme("anyllm", _anyllm)
register_scheme("openai", _openai)
register_scheme("standin", _standin)
