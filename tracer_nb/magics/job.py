"""One named job of a kernel: its settings, its column and its Tracer.

API keys are typed into a hidden prompt; they live in the kernel's memory only.
"""

from __future__ import annotations

import getpass
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError

from tracer_nb.errors import InvalidInput
from tracer_nb.live.session import Session
from tracer_nb.magics.names import Source
from tracer_nb.records import Caps
from tracer_nb.settings import BY_NAME

if TYPE_CHECKING:
    from tracer_nb.steps.route.saved import SavedRouter
    from tracer_nb.teachers.server import Secret
    from tracer_nb.tracer import Tracer

__all__ = ["Job", "Keys", "may_be_key", "refuse_keys"]


@dataclass
class Job:
    """Settings are remembered from line to line, so that a step needs only what changes.

    The caps are some of them: they hold for the whole job, whichever line set them.
    ``session`` runs the job and is what panels watch.
    ``written`` is what the lines said, by the name of the setting, and ``expression`` how they
    named the column: from both, a line can be written that does the same.
    ``source`` is the column named last, ``home`` the one that was labelled. A job that was
    loaded from a file has a router and no Tracer. ``keyed`` is the server whose key is typed,
    not the key. ``defaults`` are those of the kernel that it took, as they are written. ``routed`` is
    the column that was routed last, and ``outputs`` the variables that have frames, by their columns.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    source: Source | None = None
    home: Source | None = None
    sample: int | None = None
    caps: Caps = field(default_factory=Caps)
    tracer: Tracer | None = None
    loaded: SavedRouter | None = None
    keyed: str | None = None
    session: Session = field(default_factory=Session)
    written: dict[str, str] = field(default_factory=dict)
    expression: str = ""
    defaults: dict[str, str] = field(default_factory=dict)
    routed: Source | None = None
    outputs: tuple[tuple[Source, str], ...] = ()

    def change(
        self,
        settings: dict[str, Any],
        source: Source | None,
        sample: int | None,
        caps: Mapping[str, Any],
        written: Mapping[str, str],
        *,
        whole: bool = False,
    ) -> None:
        """Take over new settings; a Tracer made from other ones is put away.

        ``caps`` holds the ones that the line gives; None where it gives none. ``whole``: the
        settings are all that there are, and what they leave out has its default.

        Raises
        ------
        InvalidInput
            A setting cannot be used; the job stays as it was.
        """
        from tracer_nb.steps.label.costs import make_caps  # noqa: PLC0415  as heavy as the Tracer
        from tracer_nb.steps.label.plan import check_sample  # noqa: PLC0415

        anew = whole or self._is_another(settings)
        base = Job() if anew else self
        merged = {**base.settings, **settings}
        wanted = base.sample if sample is None else check_sample(sample)
        given = {name: cap for name, cap in caps.items() if cap is not None}
        held = {f.name: getattr(base.caps, f.name) for f in fields(Caps)}
        capped = make_caps(**{**held, **given})
        if self.tracer is None or not _equal(merged, self.settings):
            if "teacher" not in merged:
                raise InvalidInput(
                    "no teacher is named; add --teacher openai:MODEL, --teacher standin:support "
                    "or the name of a function"
                )
            from tracer_nb.tracer import Tracer  # noqa: PLC0415  brings scikit-learn

            old, self.tracer = self.tracer, Tracer(**merged)
            if old is not None:
                self.tracer.continue_from(old)
        self.loaded = None
        self.settings, self.sample, self.caps = merged, wanted, capped
        self.written = {**base.written, **written}
        self.source = source or self.source

    def output_of(self, source: Source | None, given: str | None = None) -> str | None:
        """The variable that has the frame of a column: the one that is given now, or was once."""
        if source is None:
            return given
        if given:
            others = (o for o in self.outputs if not o[0].is_same(source) and o[1] != given)
            self.outputs = (*others, (source, given))
        return next((name for column, name in self.outputs if column.is_same(source)), None)

    def would_begin_anew(self, settings: Mapping[str, Any]) -> bool:
        """Whether settings would put away a Tracer that has labels."""
        if self.tracer is None or self.tracer.labels is None:
            return False
        base = {} if self._is_another(settings) else self.settings
        return not _equal({**base, **settings}, self.settings)

    def _is_another(self, settings: Mapping[str, Any]) -> bool:
        """Whether a line says what job it is: then nothing lingers from other ones."""
        return "teacher" in settings and not _equal(settings, self.settings)

    def undo(self, before: Job, settings: Mapping[str, Any]) -> None:
        """Go back after a line that could not be done; what was made before it is not lost.

        The settings of a line that names a teacher stay: the next line gives what was missing,
        and must not ask the teacher of the job before.
        """
        if "teacher" in settings:
            self.sample, self.caps = before.sample, before.caps
            self.written = {
                **{n: text for n, text in self.written.items() if BY_NAME[n].of != "rows"},
                **{n: text for n, text in before.written.items() if BY_NAME[n].of == "rows"},
            }
            return
        for part in fields(self):
            setattr(self, part.name, getattr(before, part.name))

    @property
    def table(self) -> Any:
        """The frame that the column is one of; None for a column that stands alone."""
        return None if self.source is None else self.source.frame

    @property
    def home_table(self) -> Any:
        """The frame that the labelled column is one of; None for a column that stands alone."""
        source = self.home or self.source
        return None if source is None else source.frame

    @property
    def column(self) -> Any:
        """The column named last.

        Raises
        ------
        InvalidInput
            None was named yet.
        """
        if self.source is None:
            raise InvalidInput("no column is named; write for example %tracer plan df.text")
        return self.source.column


def _equal(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)


def _same(a: Any, b: Any) -> bool:
    """Same setting; arrays and functions are compared by identity."""
    plain = isinstance(a, (str, int, float, list, tuple, dict)) and type(a) is type(b)
    return a is b or (plain and bool(a == b))


_OPTION = re.compile(r"--(?!ask-key$)[\w-]*(key|secret|password)(=.*)?", re.IGNORECASE)
_LONGEST_WORD = 20


class Keys:
    """The keys typed in this kernel, by server; a job only knows that it has one."""

    def __init__(self) -> None:
        self._typed: dict[str, Secret] = {}
        self._last: str | None = None

    def __repr__(self) -> str:
        return f"Keys(of {len(self._typed)} servers)"

    def give(self, job: Job, teacher: Any, *, wanted: bool, asks: bool) -> None:
        """Give the teacher of a job the key that was typed for its server.

        Parameters
        ----------
        job : Job
        teacher : Teacher or None
        wanted : bool
            Whether the line says ``--ask-key``. It holds for the job from then on, as long as
            its teacher stays at the same server.
        asks : bool
            Whether the step may ask the teacher; a plan needs no key. A key that was not
            typed yet is asked for.

        Raises
        ------
        InvalidInput
            The teacher takes no key, nothing was typed, or the frontend has no prompt.
        """
        self._last = None
        server = None if getattr(teacher, "simulated", False) else getattr(teacher, "server", None)
        if wanted:
            if server is None:
                raise InvalidInput(
                    "--ask-key is for a model behind a server; this teacher has none, or more than one"
                )
            job.keyed = server
        if not asks or server is None or server != job.keyed:
            return
        if server not in self._typed:
            self._typed[server] = _typed(server)
        teacher.use_key(self._typed[server])
        self._last = server

    def forget(self) -> None:
        """Forget the key given last, which was refused, so that it can be typed again."""
        if self._last is not None:
            self._typed.pop(self._last, None)


def refuse_keys(words: list[str], variables: Mapping[str, Any]) -> None:
    """Refuse a line that holds a key, without repeating it.

    Raises
    ------
    InvalidInput
        It does.
    """
    named = any(_OPTION.fullmatch(word) for word in words)
    behind = [b for a, b in pairwise(words) if a == "--ask-key"]
    if named or any(may_be_key(word, variables) for word in behind):
        raise InvalidInput(
            "a key on a line is saved in the notebook and in its history: delete it there. Write "
            "--ask-key alone to type the key into a hidden prompt, or set OPENAI_API_KEY (for "
            "another server TRACER_NB_API_KEY) before the kernel starts"
        )


def may_be_key(word: str, variables: Mapping[str, Any]) -> bool:
    """Whether a word is too long and too plain for a step, an option or a column."""
    plain = re.fullmatch(r"[\w*+/=-]+", word) is not None and not word.startswith("--")
    return plain and len(word) >= _LONGEST_WORD and word not in variables


def _typed(server: str) -> Secret:
    from tracer_nb.teachers.server import read_key  # noqa: PLC0415  as heavy as the Tracer

    prompt = f"API key for {server} (hidden; kept in this kernel's memory only): "
    try:
        with warnings.catch_warnings():
            # Where it cannot be hidden, getpass would warn and show it.
            warnings.simplefilter("error", getpass.GetPassWarning)
            key = read_key(getpass.getpass(prompt), "typed")
    except (StdinNotImplementedError, EOFError, OSError, getpass.GetPassWarning) as error:
        raise InvalidInput(
            "--ask-key needs a frontend with a hidden prompt, and this one has none; set "
            "OPENAI_API_KEY (for another server TRACER_NB_API_KEY) before the kernel starts"
        ) from error
    except KeyboardInterrupt as error:
        raise InvalidInput("no key was typed, and nothing was asked") from error
    if not key:
        raise InvalidInput("no key was typed, and nothing was asked")
    return key
