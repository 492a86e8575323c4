"""The zoo: cheap classifiers that imitate the teacher, each with out-of-fold outputs.

All of them take soft labels and survive rare and missing classes. ARCHITECTURE has the figures
that each earns its place by; all but XGBoost are kept as plain arrays.
"""

from tracer_nb.engine.zoo.base import Fit, Fitter, Model, SavedModel, folds
from tracer_nb.engine.zoo.custom import Logistic, fit_logistic, fit_xgboost, from_estimator
from tracer_nb.engine.zoo.distilled import fit_distilled
from tracer_nb.engine.zoo.kernel_ridge import KernelRidge, fit_kernel_ridge
from tracer_nb.engine.zoo.matrix import Matrix, unit_rows
from tracer_nb.engine.zoo.smoothing import Smoothing, column_rows, projected, smoothing_over

__all__ = [
    "MODELS",
    "SURROGATES",
    "Fit",
    "Fitter",
    "KernelRidge",
    "Matrix",
    "Model",
    "Smoothing",
    "column_rows",
    "fit_distilled",
    "folds",
    "from_estimator",
    "projected",
    "smoothing_over",
    "unit_rows",
]

# In the order of a tie: the first's out-of-fold outputs are closest to the deployed fit.
SURROGATES: dict[str, Fitter] = {
    "kernel-ridge": fit_kernel_ridge,
    "logistic": fit_logistic,
    "xgboost": fit_xgboost,
}

# Classes of saved models by their kind.
MODELS: dict[str, type[SavedModel]] = {model.kind: model for model in (KernelRidge, Logistic)}
