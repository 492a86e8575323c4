"""What a run has done so far, on disk: killed at any moment, it goes on where it was.

Beside the output ``NAME`` stands a folder ``NAME.parts``. A part is written whole, under its number,
before the journal counts it, and the journal is replaced as a whole: what it does not count never
was. When all rows are in parts, the file is made of them in that folder, the journal says so, and
the file takes its name; then the folder goes. So a row is in the output once, whatever happens when.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.errors import InvalidInput
from tracer_nb.steps.files.tables import Position
from tracer_nb.steps.files.writing import Parts

if sys.platform != "win32":
    import fcntl

__all__ = ["Journal", "Work", "parts_folder"]

_JOURNAL = "journal.json"
_MADE = "made"


@dataclass(frozen=True, slots=True)
class Journal:
    """What is done.

    Attributes
    ----------
    job : mapping of str to str
        What the rows are made of: input, router, column and so on. Of another job nothing is
        taken over.
    sizes : tuple of int
        Bytes of each part.
    n_rows : int
    counts : mapping of str to int
        Rows by who answered them.
    end : mapping or None
        Where the input goes on.
    state : str
        "parts", "all parts" when there is no more input, "made" when the file is whole.
    """

    job: Mapping[str, str]
    sizes: tuple[int, ...] = ()
    n_rows: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    end: Position | None = None
    state: str = "parts"


def parts_folder(out: Path) -> Path:
    """Where the parts of an output are until it is whole."""
    return out.with_name(f"{out.name}.parts")


class Work:
    """The folder of one run, and what its journal says.

    Parameters
    ----------
    out : Path
        What is to be made: a file, or a folder of Parquet files.
    as_folder : bool
    parts : LineParts or ParquetParts
    """

    def __init__(self, out: Path, parts: Parts, *, as_folder: bool) -> None:
        self.out, self.folder = out, parts_folder(out)
        self._parts, self._as_folder = parts, as_folder
        self.journal = Journal({})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes the same output in this block.

        Raises
        ------
        InvalidInput
            Somebody does, or the folder cannot be made.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            file = (self.folder / "lock").open("ab")
        except OSError as error:
            raise InvalidInput.cannot_write(self.folder, error) from error
        with file:
            if sys.platform != "win32":
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise InvalidInput(
                        f"another process is writing {str(self.out)!r}; wait for it, or stop it"
                    ) from None
                except OSError:  # some network drives have no locks
                    pass
            yield

    def begin(self, job: Mapping[str, str], *, overwrite: bool) -> bool:
        """Go on with what is there, or begin; whether anything was there.

        Raises
        ------
        InvalidInput
            What is there is of another job and may not be overwritten, or was damaged.
        """
        found = self._read()
        if found is not None and not found.job:
            found = None
        if found is not None and found.job == job:
            self.journal = found
            if found.state != "made":
                self._check_parts()
                self._parts.take(self.paths)
            return bool(found.n_rows)
        if found is not None and not overwrite:
            changed = [name for name in job if found.job.get(name) != job[name]]
            raise InvalidInput(
                f"{str(self.folder)!r} holds an unfinished run of another {' and '.join(changed)}; give "
                "the same again to go on with it, or --overwrite to begin anew"
            )
        if found is not None:
            self.journal = Journal({})  # of no job: nothing is taken from it while parts go
            self._write()
        self._clear()
        self.journal = Journal(job)
        self._write()
        return False

    def commit(self, batches: Any, n_rows: int, counts: Mapping[str, int], end: Position) -> None:
        """Add a part, and count it."""
        path = self._part(len(self.journal.sizes))
        self._parts.write(batches, path)
        self._set(
            sizes=(*self.journal.sizes, path.stat().st_size),
            n_rows=n_rows,
            counts=dict(counts),
            end=dict(end),
        )

    def finish(self) -> None:
        """Make the file of its parts, name it, and leave nothing else behind.

        Raises
        ------
        InvalidInput
            It cannot be written.
        """
        made = self.folder / _MADE
        paths = self.paths
        if self.journal.state == "parts":
            self._set(state="all parts")
        if self.journal.state == "all parts":
            if not self._as_folder:
                with replacing(made) as file:
                    self._parts.join(paths, file)
            self._set(state="made")
        try:
            if self._as_folder:
                self._name_folder(paths, made)
            elif made.exists():  # else it has its name already
                made.replace(self.out)
            self.give_up()
        except OSError as error:
            raise InvalidInput.cannot_write(self.out, error) from error

    def is_named(self) -> bool:
        """Whether the output that is there was named by a run that had only to clear up."""
        found = self._read()
        return found is not None and found.state == "made"

    def give_up(self) -> None:
        """Leave nothing behind."""
        self._clear()
        (self.folder / "lock").unlink(missing_ok=True)
        self.folder.rmdir()

    @property
    def paths(self) -> list[Path]:
        """The parts that count."""
        return [self._part(i) for i in range(len(self.journal.sizes))]

    def _name_folder(self, paths: list[Path], made: Path) -> None:
        """A folder of the parts takes the place of the one there; parts go into it one by one."""
        if not made.exists() and any(path.exists() for path in paths):
            made.mkdir()
        if not made.exists():
            return
        for path in paths:
            if path.exists():
                path.replace(made / path.name)
        if self.out.exists():
            old = self.folder / "old"
            shutil.rmtree(old, ignore_errors=True)
            self.out.rename(old)
        made.rename(self.out)

    def _part(self, i: int) -> Path:
        return self.folder / f"part-{i:06d}{self._parts.ending}"

    def _read(self) -> Journal | None:
        path = self.folder / _JOURNAL
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return Journal(**{**found, "sizes": tuple(found["sizes"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InvalidInput(
                f"{str(path)!r} is damaged; delete the folder {str(self.folder)!r} to begin anew"
            ) from error

    def _check_parts(self) -> None:
        for path, size in zip(self.paths, self.journal.sizes, strict=True):
            there = path.stat().st_size if path.exists() else None
            if there != size:
                what = "is gone" if there is None else "was changed"
                raise InvalidInput(
                    f"{str(path)!r} {what}, a part of an unfinished run; delete the folder "
                    f"{str(self.folder)!r} to begin anew"
                )

    def _clear(self) -> None:
        """Remove all but the lock.

        The journal goes last: while it is there it says what became of the rest.
        """
        journal = self.folder / _JOURNAL
        for entry in list(self.folder.iterdir()):
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in ("lock", _JOURNAL):
                entry.unlink()
        journal.unlink(missing_ok=True)

    def _set(self, **changes: Any) -> None:
        self.journal = Journal(**{**asdict(self.journal), **changes})
        self._write()

    def _write(self) -> None:
        with replacing(self.folder / _JOURNAL) as file:
            file.write(json.dumps(asdict(self.journal)).encode())
