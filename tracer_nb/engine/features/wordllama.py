"""Static sentence vectors out of a package: no hub, no network, thousands of texts a second."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["WordllamaFeatures"]

_PACKAGE = "wordllama"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
# Of the two files, one after the other, in version 0.4.0.post1: what the figures were measured with.
_DIGEST = "4d243a4b2daee65802d68699e288b9347fd45097303dc232205a660a82b5171e"
_BATCH = 1024


class WordllamaFeatures:
    """Mean of one trained vector for each token of a text, 256 dimensions.

    Only two files of the package ``wordllama`` are used, its weights and its tokenizer, and both
    are checked by their hash. Its code is never imported: that would set up logging for the
    whole process, and has ways to download. A text has the same vector whatever other texts it
    stands beside; one without a token (an empty one) has zeros, of which nothing is known.

    Raises
    ------
    MissingExtra
        wordllama or its tokenizers package is not installed.
    InvalidInput
        Its files are missing, damaged, or other ones than were checked.
    """

    kind: ClassVar[str] = "wordllama"
    name = "wordllama"

    def __init__(self) -> None:
        self._version, self._digest, self._tokenizer, self._table = _load(*_installed())

    def __reduce__(self) -> tuple[Any, ...]:
        return WordllamaFeatures, ()  # to another process goes the name, not the weights

    def fit(self, texts: Sequence[str]) -> WordllamaFeatures:
        """Nothing to learn."""
        del texts
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean token vectors.

        Returns
        -------
        ndarray of shape (n, 256), float32
        """
        vectors = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = [_encodable(text) for text in texts[start : start + _BATCH]]
            ids = [
                np.asarray(found.ids, dtype=np.int32)
                for found in self._tokenizer.encode_batch(batch, add_special_tokens=False)
            ]
            lengths = np.array([len(tokens) for tokens in ids])
            ends = np.concatenate([[0], np.cumsum(lengths)])
            ones = np.ones(ends[-1], dtype=np.float32)
            counts = sparse.csr_matrix(
                (ones, np.concatenate(ids), ends), shape=(len(batch), len(self._table))
            )
            sums = counts @ self._table
            vectors[start : start + _BATCH] = sums / np.maximum(lengths, 1)[:, None]
        return vectors

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Which vectors they are, by package, version and hash; the weights stay where they are."""
        return {
            "kind": self.kind,
            "package": _PACKAGE,
            "version": self._version,
            "digest": self._digest,
        }, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any]) -> WordllamaFeatures:
        """Features that make the same vectors as those of :meth:`state`.

        Raises
        ------
        InvalidInput
            Unknown settings, or another package, version or hash than the one installed here.
        MissingExtra
            wordllama is not installed.
        """
        names = ("kind", "package", "version", "digest")
        if set(settings) != set(names) or not all(isinstance(settings[n], str) for n in names):
            raise InvalidInput(
                f"the saved features must have {', '.join(names)}; save the router again"
            )
        features = cls()
        here = features.state()[0]
        if dict(settings) != here:
            saved, own = (
                f"{s['package']:.60} {s['version']:.60} (sha256 {s['digest']:.8})"
                for s in (settings, here)
            )
            raise InvalidInput(
                f"the router was fitted on vectors of {saved}, and {own} is installed, with "
                "which its certificate does not hold; install that version, or fit it again"
            )
        return features


def _installed() -> tuple[str, Path]:
    """Version and folder of the package, which is not imported."""
    try:
        version = importlib.metadata.version(_PACKAGE)
        found = importlib.util.find_spec(_PACKAGE)
    except (ImportError, ValueError) as error:  # PackageNotFoundError is an ImportError
        raise MissingExtra.for_package(_PACKAGE, "vectors", "features") from error
    if found is None or found.origin is None:
        raise MissingExtra.for_package(_PACKAGE, "vectors", "features")
    return version, Path(found.origin).parent


@functools.lru_cache(maxsize=1)
def _load(version: str, folder: Path) -> tuple[str, str, Any, NDArray[np.float32]]:
    """Version, hash, tokenizer and one vector a token (n_tokens, 256)."""
    try:
        from safetensors.numpy import load  # noqa: PLC0415  only where they are used
        from tokenizers import Tokenizer  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra.for_package("tokenizers", "vectors", "features") from error
    try:
        # Read once: what is checked is what is used.
        weights, spelling = (folder / _WEIGHTS).read_bytes(), (folder / _TOKENIZER).read_bytes()
    except OSError as error:
        raise _unusable(version, f"{error.filename!r:.200} cannot be read") from error
    digest = hashlib.sha256(weights)
    digest.update(spelling)
    if digest.hexdigest() != _DIGEST:
        raise _unusable(
            version, f"its files have sha256 {digest.hexdigest()[:8]}, not {_DIGEST[:8]}"
        )
    tokenizer = Tokenizer.from_buffer(spelling)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    table = load(weights)["embedding.weight"].astype(np.float32)
    return version, digest.hexdigest(), tokenizer, table


def _unusable(version: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"wordllama {version} cannot be used: {what}; install it again: "
        "pip install --force-reinstall 'wordllama==0.4.0.post1', or use features 'lsa'"
    )


def _encodable(text: str) -> str:
    """The text, with a mark in place of half a surrogate pair, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
