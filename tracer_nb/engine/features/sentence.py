"""Sentence embeddings as features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["SentenceFeatures"]

# Texts embedded together, of like length, so that little is padded.
_BATCH = 32
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

    Raises
    ------
    MissingExtra
        fastembed is not installed.
    InvalidInput
        The model cannot be loaded.
    """

    kind: ClassVar[str] = "fastembed"

    def __init__(self, model: str) -> None:
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
        self._batch = 1 if mixes else _BATCH

    def fit(self, texts: Sequence[str]) -> SentenceFeatures:
        """Nothing to learn."""
        del texts
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings, shape (n, d), float32."""
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
