"""API keys that are typed into a hidden prompt; they live in the kernel's memory only."""

from __future__ import annotations

import getpass
import re
import warnings
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job

if TYPE_CHECKING:
    from tracer_nb.teachers.server import Secret

__all__ = ["Keys", "refuse_keys"]

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
                    "--ask-key is for a model behind a server; this teacher has none"
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
    if named or any(_may_be_key(word, variables) for word in behind):
        raise InvalidInput(
            "a key on a line is saved in the notebook and in its history: delete it there. Write "
            "--ask-key alone to type the key into a hidden prompt, or set OPENAI_API_KEY (for "
            "another server TRACER_NB_API_KEY) before the kernel starts"
        )


def _may_be_key(word: str, variables: Mapping[str, Any]) -> bool:
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
