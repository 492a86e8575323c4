"""The zoo: cheap classifiers that imitate the teacher, each with out-of-fold outputs.

All of them take soft labels, survive rare and missing classes, and are kept as plain arrays.
"""

from tracer_nb.engine.zoo.base import Fit, Fitter, Model
from tracer_nb.engine.zoo.boosting import BoostedTrees, fit_hist_gradient_boosting
from tracer_nb.engine.zoo.crossfit import folds
from tracer_nb.engine.zoo.custom import from_estimator
from tracer_nb.engine.zoo.estimator import KernelRidgeClassifier
from tracer_nb.engine.zoo.kernel_ridge import KernelRidge, fit_kernel_ridge
from tracer_nb.engine.zoo.logistic import Logistic, fit_logistic
from tracer_nb.engine.zoo.matrix import Matrix, unit_rows
from tracer_nb.engine.zoo.mlp import Mlp, fit_mlp_1, fit_mlp_2
from tracer_nb.engine.zoo.trees import Forest, fit_extra_trees, fit_random_forest
from tracer_nb.engine.zoo.xgb import fit_xgboost

__all__ = [
    "MODELS",
    "SURROGATES",
    "Fit",
    "Fitter",
    "KernelRidge",
    "KernelRidgeClassifier",
    "Matrix",
    "Model",
    "folds",
    "from_estimator",
    "unit_rows",
]

# In the order of a tie: the first's out-of-fold outputs are closest to the deployed fit.
SURROGATES: dict[str, Fitter] = {
    "kernel-ridge": fit_kernel_ridge,
    "logistic": fit_logistic,
    "mlp-1": fit_mlp_1,
    "mlp-2": fit_mlp_2,
    "extra-trees": fit_extra_trees,
    "random-forest": fit_random_forest,
    "hist-gradient-boosting": fit_hist_gradient_boosting,
    "xgboost": fit_xgboost,
}

# Classes of saved models by their kind.
MODELS: dict[str, type[Model]] = {
    model.kind: model for model in (KernelRidge, Logistic, Mlp, Forest, BoostedTrees)
}
