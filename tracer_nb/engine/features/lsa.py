"""Latent semantic analysis as features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from tracer_nb.engine.features.lsa_state import check_lsa_state
from tracer_nb.engine.features.terms import pack_terms
from tracer_nb.engine.features.vectorizer import frozen_vectorizer, new_vectorizer, terms_of
from tracer_nb.errors import InvalidInput, NotFitted

__all__ = ["LsaFeatures"]


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

    Attributes
    ----------
    note : str
        Why it is these features, where others were to be had; empty where they were asked for.
    """

    kind: ClassVar[str] = "lsa"
    name = "lsa"

    def __init__(
        self, n_components: int = 300, *, n_fit_texts: int = 50_000, seed: int = 0
    ) -> None:
        self.n_components = n_components
        self.n_fit_texts = n_fit_texts
        self.seed = seed
        self.note = ""
        self._vectorizers: list[TfidfVectorizer] = []
        # From n-grams (n_terms, n_components) in rows, so that a product need not copy it.
        self._projection: NDArray[np.float32] | None = None

    def fit(self, texts: Sequence[str]) -> LsaFeatures:
        """Learn vocabulary, weights and projection.

        Raises
        ------
        InvalidInput
            No text holds a character that counts.
        """
        sample = list(texts)
        if len(sample) > self.n_fit_texts:
            rows = np.random.default_rng([self.seed, 6]).choice(
                len(sample), self.n_fit_texts, replace=False
            )
            sample = [sample[i] for i in np.sort(rows)]
        # Rare n-grams say nothing about other rows; in a small column nearly all are rare.
        rare = len(sample) < 1000
        self._vectorizers, parts = [], []
        for analyzer, ngram_range, min_df in (("word", (1, 2), 2), ("char_wb", (2, 5), 3)):
            vectorizer = new_vectorizer(analyzer, ngram_range, min_df=1 if rare else min_df)
            try:
                parts.append(vectorizer.fit_transform(sample))
            except ValueError:  # an empty vocabulary: texts without words, or all rare
                continue
            # Made anew as from a file, so that fitted and loaded features are the same code.
            idf = np.asarray(vectorizer.idf_, dtype=np.float32)
            self._vectorizers.append(
                frozen_vectorizer(analyzer, ngram_range, terms_of(vectorizer), idf)
            )
        if not parts:
            raise InvalidInput(
                "no text holds a word or two equal characters; nothing to learn from"
            )
        counts = sparse.hstack(parts).tocsr()
        kept = min(self.n_components, *counts.shape)
        svd = TruncatedSVD(kept, n_iter=2, random_state=self.seed)
        # Equal texts have no variance, by which scikit-learn divides for a figure not used here.
        with np.errstate(divide="ignore", invalid="ignore"):
            components = svd.fit(counts).components_
        # Rounded to what a file holds: half the size, and the same features before and after.
        self._projection = _rows(components.T.astype(np.float16))
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
        projection = self._fitted()
        if not len(texts):
            return np.empty((0, projection.shape[1]), dtype=np.float32)
        counts = sparse.hstack([v.transform(texts) for v in self._vectorizers]).tocsr()
        return np.asarray(counts @ projection, dtype=np.float32)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What :meth:`from_state` needs: JSON settings and arrays.

        Raises
        ------
        NotFitted
            Before :meth:`fit`.
        """
        projection = self._fitted()
        terms = [terms_of(vectorizer) for vectorizer in self._vectorizers]
        data, offsets = pack_terms([term for part in terms for term in part])
        settings = {
            "kind": self.kind,
            "n_components": int(self.n_components),
            "n_fit_texts": int(self.n_fit_texts),
            "seed": int(self.seed),
            "vectorizers": [
                {
                    "analyzer": vectorizer.analyzer,
                    "ngram_range": list(vectorizer.ngram_range),
                    "n_terms": len(part),
                }
                for vectorizer, part in zip(self._vectorizers, terms, strict=True)
            ],
        }
        return settings, {
            "terms": data,
            "term_offsets": offsets,
            "idf": np.concatenate([v.idf_ for v in self._vectorizers]).astype(np.float32),
            "components": projection.astype(np.float16),  # exact, see fit
        }

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> LsaFeatures:
        """Make features again from what :meth:`state` gave; they equal the fitted ones.

        Raises
        ------
        InvalidInput
            Unknown settings, or arrays that do not fit them or one another.
        """
        parts = check_lsa_state(settings, arrays)
        features = cls(
            settings["n_components"], n_fit_texts=settings["n_fit_texts"], seed=settings["seed"]
        )
        features._vectorizers = [
            frozen_vectorizer(part.analyzer, part.ngram_range, part.terms, part.idf)
            for part in parts
        ]
        features._projection = _rows(arrays["components"])
        return features

    def _fitted(self) -> NDArray[np.float32]:
        if self._projection is None:
            raise NotFitted("LsaFeatures has no vocabulary yet; call fit(texts) first")
        return self._projection


def _rows(components: NDArray[np.float16]) -> NDArray[np.float32]:
    return np.ascontiguousarray(components, dtype=np.float32)
