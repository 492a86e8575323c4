"""From texts to a matrix X (n, d): n-gram LSA, static vectors, or sentence embeddings."""

from tracer_nb.engine.features.base import Features, FunctionFeatures, FusedFeatures
from tracer_nb.engine.features.lsa import LsaFeatures
from tracer_nb.engine.features.make import make_features
from tracer_nb.engine.features.sentence import SentenceFeatures
from tracer_nb.engine.features.wordllama import WordllamaFeatures

__all__ = [
    "Features",
    "FunctionFeatures",
    "FusedFeatures",
    "LsaFeatures",
    "SentenceFeatures",
    "WordllamaFeatures",
    "make_features",
]
