"""Data sets with known labels, for examples, tests and benchmarks.

``support``
    4,040 messages to a made-up online shop in 14 intents, part of the package and written
    by a script in it (:mod:`tracer_nb.datasets._make_support`). Not quite easy: some
    messages name two intents, some are too short to tell.
``banking77``
    13,083 questions of bank customers in 77 intents, with the published split. Not part of
    the package (CC BY 4.0, Casanueva et al., 2020): read from a folder or downloaded once.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import urllib.request
from importlib import resources
from pathlib import Path

import pandas as pd

from tracer_nb.errors import InvalidInput, TracerError

__all__ = ["load"]

_VARIABLE = "TRACER_NB_DATA"
_COMMIT = "57ec275d8078af65b7731c2a98be812d844a6d6b"
_URL = (
    "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/"
    f"{_COMMIT}/banking_data/{{split}}.csv"
)
# SHA-256 of the rows, not of the bytes: a checkout or an editor that changed line ends
# must not matter, a changed text or label must.
_DIGESTS = {
    "train": "6696b748739ea774e2964326dcd43e09f7b332c8de4bbd3c392c5f23f1a51394",
    "test": "61270b9cbf19584ce7b4c18861b1c581b5521d7bcb227f50444ce042a9e0c98b",
}
_CHECKOUT = Path(__file__).resolve().parents[2]
_HOW = f"set {_VARIABLE} to a folder that holds banking77/train.csv and banking77/test.csv"


def load(name: str) -> pd.DataFrame:
    """Return a data set by name.

    Parameters
    ----------
    name : {"support", "banking77"}
        Which one.

    Returns
    -------
    pandas.DataFrame
        Text columns ``text`` and ``label``. ``banking77`` also has ``split``: 10,003 rows
        "train", then 3,080 rows "test", in the order of the published files.

    Raises
    ------
    InvalidInput
        There is no such data set, or the files found are not the published ones.
    TracerError
        ``banking77`` is not on this machine and cannot be downloaded.

    Notes
    -----
    ``banking77`` is looked for in the folder that the environment variable
    ``TRACER_NB_DATA`` names, as ``banking77/train.csv`` and ``banking77/test.csv``. Without
    the variable: in ``../shared/data`` seen from the current directory, then from the
    repository when running from a checkout, then in the user's cache
    (``$XDG_CACHE_HOME/tracer_nb`` or ``~/.cache/tracer_nb``), which a download fills.

    References
    ----------
    Casanueva et al., Efficient Intent Detection with Dual Sentence Encoders
    (arXiv 2003.04807).

    Examples
    --------
    >>> support = load("support")
    >>> support.shape, support["label"].nunique()
    ((4040, 2), 14)
    """
    if name == "support":
        with resources.files(__name__).joinpath("support.csv").open("rb") as file:
            return pd.read_csv(file, dtype=str, keep_default_na=False)
    if name == "banking77":
        return _banking77()
    raise InvalidInput.unknown_name("data set", name, ["support", "banking77"])


def _banking77() -> pd.DataFrame:
    """Return both splits, train first, with columns ``text``, ``label`` and ``split``."""
    folder = _folder()
    parts = []
    for split in _DIGESTS:
        if folder is None:
            part = _downloaded(split)
        else:
            path = folder / f"{split}.csv"
            part = _checked(path.read_bytes(), split, str(path))
        parts.append(part.assign(split=split))
    both: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return both


def _folder() -> Path | None:
    """Return the folder with both files, None when there is none on this machine."""
    if named := os.environ.get(_VARIABLE):
        # A folder that the user named is the only one looked at: quietly reading other
        # files than those would be worse than an error.
        folder = Path(named).expanduser() / "banking77"
        if not _complete(folder):
            raise InvalidInput(f"{_VARIABLE} is {named!r}, which has no BANKING77; {_HOW}")
        return folder
    places = [Path.cwd().parent / "shared" / "data", _cache()]
    if (_CHECKOUT / "pyproject.toml").is_file():
        places.insert(1, _CHECKOUT.parent / "shared" / "data")
    return next((p / "banking77" for p in places if _complete(p / "banking77")), None)


def _complete(folder: Path) -> bool:
    return all((folder / f"{split}.csv").is_file() for split in _DIGESTS)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracer_nb"


def _downloaded(split: str) -> pd.DataFrame:
    """Download a split, check it, and only then keep it."""
    url = _URL.format(split=split)
    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310  (a constant)
            data: bytes = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise TracerError(f"cannot download BANKING77 from {url} ({error}); {_HOW}") from error
    frame = _checked(data, split, url)
    # Without a place to keep it, the data set is still there until this process ends.
    with contextlib.suppress(OSError):
        folder = _cache() / "banking77"
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{split}.csv.{os.getpid()}"
        partial.write_bytes(data)
        partial.replace(folder / f"{split}.csv")
    return frame


def _checked(data: bytes, split: str, source: str) -> pd.DataFrame:
    """Parse a file and compare its rows with the published ones."""
    try:
        frame: pd.DataFrame = pd.read_csv(
            io.BytesIO(data), usecols=["text", "category"], dtype=str, keep_default_na=False
        )
    except ValueError as error:  # pandas' own parsing errors are ValueErrors too
        raise InvalidInput(f"{source} is not BANKING77's {split}.csv ({error}); {_HOW}") from error
    pairs = zip(frame["text"], frame["category"], strict=True)
    rows = "".join(f"{' '.join(text.split())}\t{category}\n" for text, category in pairs)
    digest = hashlib.sha256(rows.encode()).hexdigest()
    if digest != _DIGESTS[split]:
        raise InvalidInput(
            f"{source} is not the published {split}.csv of BANKING77 (SHA-256 of its rows is "
            f"{digest[:12]}…, not {_DIGESTS[split][:12]}…); {_HOW}"
        )
    frame.columns = pd.Index(["text", "label"])
    return frame
