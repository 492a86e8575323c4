"""Sizes that a file names, checked against one another before an array is made by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.pipeline import Pipeline
from tracer_nb.engine.saving.coherence import incoherent
from tracer_nb.errors import InvalidInput

__all__ = ["check_shapes", "check_sizes", "label_array"]

# Characters of all labels as an array, where each takes as much as the longest.
_LARGEST_LABELS = 10_000_000
# Columns of a sparse matrix, which take no memory in the file.
_MOST_FEATURES = 10_000_000


def label_array(labels: list[Any], *, as_objects: bool) -> NDArray[Any]:
    """The labels as an array of shape (K,).

    Raises
    ------
    InvalidInput
        Equal labels, several types of them, or lengths that would need far more memory as an
        array than in the file.
    """
    if len(set(labels)) < len(labels) or len({type(label) for label in labels}) > 1:
        raise incoherent("labels that are equal, or of several types")
    if as_objects:
        return np.array(labels, dtype=object)
    longest = max((len(label) for label in labels if isinstance(label, str)), default=1)
    if len(labels) * longest > _LARGEST_LABELS:
        raise incoherent(f"{len(labels):,} labels of up to {longest:,} characters")
    return np.array(labels)


def check_sizes(pipeline: Mapping[str, Any], widths: tuple[int, ...], n_classes: int) -> None:
    """Check the numbers of features and classes that settings name.

    Parameters
    ----------
    pipeline : mapping
        Of a manifest, as the schema has it.
    widths : tuple of int
        Features of each block.
    n_classes : int

    Raises
    ------
    InvalidInput
        Two of them differ, or one is beyond what a surrogate is fitted on.
    """
    weights = pipeline["view"]["weights"]
    if len(weights) > len(widths):
        raise incoherent(f"{len(weights)} blocks of features, not {len(widths)}")
    if not any(weights):
        raise incoherent("no block of features in use")
    width = sum(w for w, weight in zip(widths, weights, strict=False) if weight > 0)
    if sum(widths) > _MOST_FEATURES:
        raise incoherent(f"{sum(widths):,} features")
    for stage in pipeline["stages"]:
        for name, size in (("n_features", width), ("n_classes", n_classes)):
            if stage["model"].get(name, size) != size:
                raise incoherent(f"{name} {stage['model'][name]!r:.60}, not {size}")


def check_shapes(
    pipeline: Pipeline, widths: tuple[int, ...], n_classes: int, *, is_sparse: bool
) -> None:
    """Send one row through the whole rule: shapes that do not fit show here, not in use.

    Parameters
    ----------
    pipeline : Pipeline
    widths : tuple of int
    n_classes : int
    is_sparse : bool
        Whether it holds sparse matrices.

    Raises
    ------
    InvalidInput
        The surrogate has other labels; besides, what numpy raises.
    """
    view = pipeline.view
    smoothed = None if view.smoothing is None else view.first
    probe = [
        # Nothing in a sparse matrix vouches for its width, so no memory is taken for it.
        sparse.csr_matrix(([np.float32(1.0)], ([0], [0])), shape=(1, width))
        if is_sparse and i != smoothed
        else np.ones((1, width), dtype=np.float32)
        for i, width in enumerate(widths)
    ]
    X = view.prepare(probe)
    for stage in pipeline.stages:
        outputs = stage.model.outputs(X)
        if outputs.shape != (1, n_classes):
            raise InvalidInput(
                f"the saved surrogate knows {outputs.shape[-1]} labels and the router "
                f"{n_classes}; save it again"
            )
        scores = stage.gate.scores(outputs, X)
        if scores.shape != (1,):
            raise incoherent(f"gate scores of shape {scores.shape}")
    pipeline.predict(probe)
