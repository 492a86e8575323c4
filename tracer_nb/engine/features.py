"""From texts to a matrix X (n, d): n-gram LSA without a download, or sentence embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from tracer_nb.errors import InvalidInput, MissingExtra, NotFitted

__all__ = ["Features", "FunctionFeatures", "LsaFeatures", "SentenceFeatures", "make_features"]


class Features(Protocol):
    """Turns texts into rows of a matrix; may learn from the whole column, never from labels."""

    name: str

    def fit(self, texts: Sequence[str]) -> Features:
        """Learn what can be learned from the column's texts, and return itself."""
        ...

    def transform(self, texts: Sequence[str]) -> Any:
        """Matrix (n, d), one row per text."""
        ...


class LsaFeatures:
    """Latent semantic analysis of word and character n-grams, fitted on the whole column.

    Words 1-2 and characters 2-5 within word boundaries, tf-idf weighted, projected on the
    leading singular vectors. Using all texts, labelled or not, is what makes it strong for
    a few labels: on BANKING77 it certifies far more than tf-idf of the labelled rows alone.

    Parameters
    ----------
    n_components : int
        Singular vectors kept, at most; fewer when the column is small.
    n_fit_texts : int
        Texts that are fitted on, at most; a random subset beyond.
    seed : int
    """

    name = "lsa"

    def __init__(
        self, n_components: int = 300, *, n_fit_texts: int = 50_000, seed: int = 0
    ) -> None:
        self.n_components = n_components
        self.n_fit_texts = n_fit_texts
        self.seed = seed
        self._vectorizers: list[TfidfVectorizer] = []
        self._svd: TruncatedSVD | None = None

    def fit(self, texts: Sequence[str]) -> LsaFeatures:
        """Learn vocabulary, weights and projection.

        Raises
        ------
        InvalidInput
            No text holds a character that counts.
        """
        sample = list(texts)
        if len(sample) > self.n_fit_texts:
            rows = np.random.default_rng(self.seed).choice(
                len(sample), self.n_fit_texts, replace=False
            )
            sample = [sample[i] for i in np.sort(rows)]
        # Rare n-grams say nothing about other rows; in a small column nearly all are rare.
        rare = len(sample) < 1000
        self._vectorizers, parts = [], []
        for options in (
            {"ngram_range": (1, 2), "min_df": 1 if rare else 2, "token_pattern": r"(?u)\b\w+\b"},
            {"ngram_range": (2, 5), "min_df": 1 if rare else 3, "analyzer": "char_wb"},
        ):
            vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options)
            try:
                parts.append(vectorizer.fit_transform(sample))
            except ValueError:  # an empty vocabulary: texts without words, or all rare
                continue
            self._vectorizers.append(vectorizer)
        if not parts:
            raise InvalidInput(
                "no text holds a word or two equal characters; nothing to learn from"
            )
        counts = sparse.hstack(parts).tocsr()
        kept = min(self.n_components, *counts.shape)
        svd = TruncatedSVD(kept, n_iter=2, random_state=self.seed)
        # Equal texts have no variance, by which scikit-learn divides for a figure not used here.
        with np.errstate(divide="ignore", invalid="ignore"):
            self._svd = svd.fit(counts)
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Project texts.

        Returns
        -------
        ndarray of shape (n, n_components), float32

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        """
        if self._svd is None:
            raise NotFitted("LsaFeatures has no vocabulary yet; call fit(texts) first")
        if not len(texts):
            return np.empty((0, self._svd.n_components), dtype=np.float32)
        counts = sparse.hstack([v.transform(texts) for v in self._vectorizers]).tocsr()
        return np.asarray(self._svd.transform(counts), dtype=np.float32)


class SentenceFeatures:
    """Sentence embeddings by fastembed (ONNX on the CPU, no torch).

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

    def __init__(self, model: str) -> None:
        try:
            from fastembed import TextEmbedding  # noqa: PLC0415  optional, and slow to import
        except ImportError as error:
            raise MissingExtra.for_package("fastembed", "embeddings", "features") from error
        self.name = f"fastembed:{model}"
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
        except Exception as error:  # onnxruntime and the hub raise a dozen types
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InvalidInput(
                f"cannot load the embedding model {model!r}: {first}; give a local directory "
                "that holds model.onnx and tokenizer.json"
            ) from error

    def fit(self, texts: Sequence[str]) -> SentenceFeatures:
        """Nothing to learn."""
        del texts
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings, shape (n, d), float32."""
        return np.asarray(list(self._model.embed(list(texts))), dtype=np.float32)


class FunctionFeatures:
    """Any function from a list of texts to a matrix."""

    def __init__(self, function: Callable[[list[str]], Any]) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function

    def fit(self, texts: Sequence[str]) -> FunctionFeatures:
        """Nothing to learn."""
        del texts
        return self

    def transform(self, texts: Sequence[str]) -> Any:
        """What the function returns for the texts.

        Raises
        ------
        InvalidInput
            It returns another number of rows.
        """
        matrix = self._function(list(texts))
        matrix = matrix if sparse.issparse(matrix) else np.asarray(matrix)
        if matrix.shape[:1] != (len(texts),):
            raise InvalidInput(
                f"features function {self.name} must return one row per text, got shape "
                f"{matrix.shape} for {len(texts)} texts"
            )
        return matrix


def make_features(spec: object, *, seed: int = 0) -> Features:
    """Features from what a user writes.

    Parameters
    ----------
    spec : str or callable
        "lsa", "fastembed:NAME", "fastembed:DIRECTORY", or a function from a list of texts
        to a matrix.

    Raises
    ------
    InvalidInput, MissingExtra
    """
    if callable(spec):
        return FunctionFeatures(spec)
    if spec == "lsa":
        return LsaFeatures(seed=seed)
    if isinstance(spec, str) and spec.startswith("fastembed:") and spec != "fastembed:":
        return SentenceFeatures(spec.removeprefix("fastembed:"))
    raise InvalidInput(
        f"features must be 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or a matrix, got {spec!r}"
    )
