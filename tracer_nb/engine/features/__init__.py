"""From texts to a matrix X (n, d): n-gram LSA without a download, or sentence embeddings."""

from tracer_nb.engine.features.base import Features
from tracer_nb.engine.features.function import FunctionFeatures
from tracer_nb.engine.features.fused import FusedFeatures
from tracer_nb.engine.features.lsa import LsaFeatures
from tracer_nb.engine.features.make import make_features
from tracer_nb.engine.features.sentence import SentenceFeatures

__all__ = [
    "Features",
    "FunctionFeatures",
    "FusedFeatures",
    "LsaFeatures",
    "SentenceFeatures",
    "make_features",
]
