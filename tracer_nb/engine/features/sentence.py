"""Sentence vectors as features: static ones out of a package, or those of an encoder."""

from __future__ import annotations

import contextlib
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

from tracer_nb.engine.features.base import LONGEST, Memory
from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["SentenceFeatures", "WordllamaFeatures"]


_PACKAGE = "wordllama"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
# Of the two files, one after the other, in version 0.4.0.post1: what the figures were measured with.
_DIGEST = "4d243a4b2daee65802d68699e288b9347fd45097303dc232205a660a82b5171e"
_TOKENIZED_TOGETHER = 1024


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
        for start in range(0, len(texts), _TOKENIZED_TOGETHER):
            batch = [
                _encodable(text[:LONGEST]) for text in texts[start : start + _TOKENIZED_TOGETHER]
            ]
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
            vectors[start : start + _TOKENIZED_TOGETHER] = sums / np.maximum(lengths, 1)[:, None]
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


# Texts embedded together, of like length, so that little is padded.
_EMBEDDED_TOGETHER = 32
# Texts of several lengths: what stands beside the first must not change its vector. Encoders
# whose activations are quantised scale them over the whole batch, and differ by .01 and more;
# rounding differs by less than this.
_PROBE = ("Where is my parcel?", "!", "My card was charged twice " * 20)
_ROUNDING = 1e-4


class SentenceFeatures:
    """Sentence embeddings by fastembed (ONNX on the CPU, no torch).

    A text has the same vector, up to rounding, whatever other texts it is embedded with: an
    encoder that mixes them, as quantised ones do, is found out and given one text at a time.

    Parameters
    ----------
    model : str
        A model name that fastembed knows (it is downloaded once), or a local directory
        whose last part is the name of one, such as ``models/all-MiniLM-L6-v2``.
    memory : Memory, optional
        Where it looks first, if the model's files are found, by whose hash it knows itself.

    Raises
    ------
    MissingExtra
        fastembed is not installed.
    InvalidInput
        The model cannot be loaded.
    """

    kind: ClassVar[str] = "fastembed"

    def __init__(self, model: str, memory: Memory | None = None) -> None:
        try:
            from fastembed import TextEmbedding  # noqa: PLC0415  optional, and slow to import
        except ImportError as error:
            raise MissingExtra.for_package("fastembed", "embeddings", "features") from error
        self.name = f"fastembed:{model}"
        self.model = model
        known = [m["model"] for m in TextEmbedding.list_supported_models()]
        options: dict[str, Any] = {"model_name": model}
        if Path(model).expanduser().is_dir():
            folder = Path(model).expanduser()
            matches = [
                m for m in known if m.split("/")[-1].lower() == folder.resolve().name.lower()
            ]
            if not matches:
                raise InvalidInput.unknown_name("fastembed model", folder.resolve().name, known)
            options = {"model_name": matches[0], "specific_model_path": str(folder)}
        elif model not in known:
            raise InvalidInput.unknown_name("fastembed model or directory", model, known)
        try:
            self._model = TextEmbedding(**options)
            alone, together = self._embed(_PROBE[:1], 1)[0], self._embed(_PROBE, len(_PROBE))[0]
        except Exception as error:  # onnxruntime and the hub raise a dozen types
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InvalidInput(
                f"cannot load the embedding model {model!r}: {first}; give a local directory "
                "that holds model.onnx and tokenizer.json"
            ) from error
        mixes = np.abs(alone - together).max() > _ROUNDING * np.abs(alone).max()
        self._batch = 1 if mixes else _EMBEDDED_TOGETHER
        self._memory = memory
        self._made_by: str | None = None

    def fit(self, texts: Sequence[str]) -> SentenceFeatures:
        """Nothing to learn."""
        del texts
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings, shape (n, d), float32."""
        if self._memory is None or not len(texts):
            return self._sorted(texts)
        if self._made_by is None:
            self._made_by = self._digest() or ""
            # What fastembed makes of the model's outputs is in no file of the model's.
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                self._made_by += self._made_by and importlib.metadata.version("fastembed")
        if not self._made_by:  # the model's files were not found
            return self._sorted(texts)
        return self._memory.vectors(self._made_by, texts, self._sorted)

    def _sorted(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embedded among others of like length."""
        order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
        vectors = self._embed([texts[i] for i in order], self._batch)
        unsorted = np.empty_like(vectors)
        unsorted[order] = vectors
        return unsorted

    def _embed(self, texts: Sequence[str], batch: int) -> NDArray[np.float32]:
        return np.asarray(list(self._model.embed(list(texts), batch_size=batch)), dtype=np.float32)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Which model it is; the model itself stays where it is.

        Returns
        -------
        settings : dict
            ``model`` as the user wrote it, and ``digest``: sha256 of the model's files in hex,
            by which another model of the same name can be told; None when they are not found.
        arrays : dict
            Empty.
        """
        return {"kind": self.kind, "model": self.model, "digest": self._digest()}, {}

    def _digest(self) -> str | None:
        # fastembed has no public way to its files; without them there is no digest, no error.
        embedding = getattr(self._model, "model", None)
        folder = getattr(embedding, "_model_dir", None)
        about = getattr(embedding, "model_description", None)
        if folder is None or about is None:
            return None
        digest = hashlib.sha256()
        try:
            # Large models keep their weights in a second file.
            for name in (about.model_file, *about.additional_files):
                with Path(folder, name).open("rb") as file:
                    while chunk := file.read(1 << 20):
                        digest.update(chunk)
        except OSError:
            return None
        return digest.hexdigest()
