"""The exceptions that tracer_nb raises on purpose.

::

    TracerError
    ├── InvalidInput (also ValueError)     a wrong column, label set, option, number
    ├── NotFitted (also ValueError)        a step was called before the one it needs
    ├── NotEnoughData (also ValueError)    fewer labelled rows than a step can use
    ├── TeacherError                       the teacher cannot be reached, or is unknown there
    │   └── KeyRefused                     the server wants an API key, or another one
    ├── StoreError                         the label store is locked, full or damaged
    └── MissingExtra (also ImportError)    an optional package is not installed

A message is one line that says what was wrong, the value received, and what to do.
The magics show these without a traceback; every other exception is a bug of ours
and keeps its traceback.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "InvalidInput",
    "KeyRefused",
    "MissingExtra",
    "NotEnoughData",
    "NotFitted",
    "StoreError",
    "TeacherError",
    "TracerError",
]


class TracerError(Exception):
    """Base class: ``except TracerError`` catches every mistake tracer_nb can explain."""


class InvalidInput(TracerError, ValueError):
    """An argument cannot be used; the message says which, its value, and what to do."""

    @classmethod
    def unknown_name(cls, kind: str, name: str, available: Iterable[str]) -> InvalidInput:
        """Error for a name that does not exist, with the nearest ones that do.

        >>> raise InvalidInput.unknown_name("column", "txet", ["text", "label"])
        Traceback (most recent call last):
        ...
        tracer_nb.errors.InvalidInput: no column 'txet'; did you mean 'text'? There are: text, label
        """
        names = [str(n) for n in available]
        near = difflib.get_close_matches(name[:80], names[:1000], n=1)
        hint = f"did you mean {near[0]!r}? There are: " if near else "there are: "
        shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        return cls(f"no {kind} {name!r:.80}; {hint}{shown or 'none'}")

    @classmethod
    def cannot_write(cls, path: str | os.PathLike[str], error: Exception) -> InvalidInput:
        """Error for a file that cannot be written, with what to do.

        >>> raise InvalidInput.cannot_write("nowhere/a.csv", FileNotFoundError(2, "No such file"))
        Traceback (most recent call last):
        ...
        tracer_nb.errors.InvalidInput: cannot write 'nowhere/a.csv': No such file; make the folder \
first, or choose another folder or name
        """
        reason = getattr(error, "strerror", None) or str(error)
        made = "" if _has_folder(Path(path)) else "make the folder first, or "
        return cls(f"cannot write {str(path)!r}: {reason}; {made}choose another folder or name")


def _has_folder(path: Path) -> bool:
    """Whether the folder is there, or is not what is wrong."""
    try:
        return path.parent.exists()
    except (OSError, ValueError):
        return True


class NotFitted(TracerError, ValueError):
    """A step was called before the step whose result it needs."""


class NotEnoughData(TracerError, ValueError):
    """Fewer labelled rows than the step can use; the message says how many it needs."""


class TeacherError(TracerError):
    """The teacher as a whole cannot answer: unreachable server, wrong key, unknown model."""


class KeyRefused(TeacherError):
    """The server wants an API key, or another one than it was given."""


class StoreError(TracerError):
    """The label store cannot be read or written."""


class MissingExtra(TracerError, ImportError):
    """An optional package is not installed; the message has the line that installs it."""

    @classmethod
    def for_package(cls, package: str, extra: str, purpose: str) -> MissingExtra:
        """Error for ``package`` missing, naming the extra that it belongs to."""
        return cls(
            f"{purpose} needs {package} (extra {extra!r}); install it with: pip install {package}"
        )
