"""Finds, downloads and checks the two files of BANKING77."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import urllib.request
from pathlib import Path

import pandas as pd

from tracer_nb.errors import InvalidInput, TracerError

__all__ = ["COMMIT", "DIGESTS", "URL", "VARIABLE", "load"]

VARIABLE = "TRACER_NB_DATA"
COMMIT = "57ec275d8078af65b7731c2a98be812d844a6d6b"
URL = (
    "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/"
    f"{COMMIT}/banking_data/{{split}}.csv"
)
# SHA-256 of the rows, not of the bytes: a checkout or an editor that changed line ends
# must not matter, a changed text or label must.
DIGESTS = {
    "train": "6696b748739ea774e2964326dcd43e09f7b332c8de4bbd3c392c5f23f1a51394",
    "test": "61270b9cbf19584ce7b4c18861b1c581b5521d7bcb227f50444ce042a9e0c98b",
}
_CHECKOUT = Path(__file__).resolve().parents[2]
_HOW = f"set {VARIABLE} to a folder that holds banking77/train.csv and banking77/test.csv"


def load() -> pd.DataFrame:
    """Return both splits, train first, with columns ``text``, ``label`` and ``split``."""
    folder = _folder()
    parts = []
    for split in DIGESTS:
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
    if named := os.environ.get(VARIABLE):
        # A folder that the user named is the only one looked at: quietly reading other
        # files than those would be worse than an error.
        folder = Path(named).expanduser() / "banking77"
        if not _complete(folder):
            raise InvalidInput(f"{VARIABLE} is {named!r}, which has no BANKING77; {_HOW}")
        return folder
    places = [Path.cwd().parent / "shared" / "data", _cache()]
    if (_CHECKOUT / "pyproject.toml").is_file():
        places.insert(1, _CHECKOUT.parent / "shared" / "data")
    return next((p / "banking77" for p in places if _complete(p / "banking77")), None)


def _complete(folder: Path) -> bool:
    return all((folder / f"{split}.csv").is_file() for split in DIGESTS)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracer_nb"


def _downloaded(split: str) -> pd.DataFrame:
    """Download a split, check it, and only then keep it."""
    url = URL.format(split=split)
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
    if digest != DIGESTS[split]:
        raise InvalidInput(
            f"{source} is not the published {split}.csv of BANKING77 (SHA-256 of its rows is "
            f"{digest[:12]}…, not {DIGESTS[split][:12]}…); {_HOW}"
        )
    frame.columns = pd.Index(["text", "label"])
    return frame
