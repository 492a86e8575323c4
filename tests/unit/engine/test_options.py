"""What a user may choose: every wrong choice is one line that says what to do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from tracer_nb.engine.options import CERTIFICATES, PIPELINES, STRATEGIES, make_options
from tracer_nb.engine.zoo import SURROGATES
from tracer_nb.errors import InvalidInput


def names(surrogate, **others):
    return [name for name, _ in make_options(surrogate=surrogate, **others).surrogates]


def test_defaults():
    options = make_options()
    assert options.targets == (0.92,)
    assert (options.confidence, options.level) == (0.95, 0.95)
    assert options.strategy == "adaptive-threshold" == STRATEGIES[0]
    assert options.certificate == "held-out" == CERTIFICATES[0]
    assert (options.gate, options.pipeline) == ("auto", "auto")
    assert PIPELINES[0] == "auto"
    assert options.guard == 0.002
    assert options.threshold is options.time_budget is options.fixed_sequence is None
    assert options.seed == 0


@pytest.mark.parametrize(
    ("guard", "share"), [(True, 0.002), (False, 0.0), (np.False_, 0.0), (0, 0.0), (0.02, 0.02)]
)
def test_the_guard_s_share(guard, share):
    assert make_options(guard=guard).guard == share


def test_targets_split_the_error_budget():
    options = make_options(target=[0.9, 0.95], confidence=0.9)
    assert options.targets == (0.9, 0.95)
    assert options.level == pytest.approx(0.95)


def test_one_threshold_is_tested_where_the_user_fixed_it():
    fixed = make_options(strategy="fixed-threshold", threshold=0.7)
    assert fixed.fixed_sequence.tolist() == [0.7]
    assert make_options(pipeline="accept-all").fixed_sequence.tolist() == [0.0]


def test_surrogates_in_the_order_given():
    assert names("auto") == ["kernel-ridge", "logistic"]
    assert names("auto", time_budget=10) == list(SURROGATES)
    assert names("xgboost") == ["xgboost"]
    assert names(["logistic", "kernel-ridge", "logistic"]) == ["logistic", "kernel-ridge"]
    assert names(KNeighborsClassifier(3)) == ["KNeighborsClassifier"]
    assert names((KNeighborsClassifier(3), "logistic")) == ["KNeighborsClassifier", "logistic"]
    assert make_options(surrogate="logistic").surrogates[0][1] is SURROGATES["logistic"]


def test_classifiers_of_one_type_are_told_apart():
    given = [KNeighborsClassifier(1), KNeighborsClassifier(9), LogisticRegression()]
    assert names(given) == ["KNeighborsClassifier", "KNeighborsClassifier 2", "LogisticRegression"]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"strategy": "adaptive"},
            "no strategy 'adaptive'; did you mean 'adaptive-threshold'? There are: adaptive-threshold, fixed-threshold, cost-aware",
        ),
        (
            {"certificate": "column"},
            "no certificate 'column'; there are: held-out, per-class, cross-fit",
        ),
        (
            {"gate": "margins"},
            "no gate 'margins'; did you mean 'margin'? There are: auto, margin, max-probability, entropy, learned",
        ),
        (
            {"pipeline": None},
            "no pipeline 'None'; there are: auto, accept-all, single, cascade",
        ),
        ({"guard": "yes"}, "guard must be True, False or a share of rows up to 0.5, got 'yes'"),
        ({"guard": None}, "guard must be True, False or a share of rows up to 0.5, got None"),
        ({"guard": 0.6}, "guard must be True, False or a share of rows up to 0.5, got 0.6"),
        ({"guard": -0.1}, "guard must be True, False or a share of rows up to 0.5, got -0.1"),
        ({"guard": np.nan}, "guard must be True, False or a share of rows up to 0.5, got nan"),
        ({"target": 92}, "target must be in (0, 1), got 92; for 92 % write 0.92"),
        (
            {"confidence": 0},
            "confidence must be in (0, 1), got 0; that would promise nothing: write a fraction such as 0.95",
        ),
        ({"time_budget": 0}, "time_budget must be seconds above 0, got 0"),
        ({"time_budget": "10 s"}, "time_budget must be seconds above 0, got '10 s'"),
        ({"time_budget": True}, "time_budget must be seconds above 0, got True"),
        ({"time_budget": np.nan}, "time_budget must be seconds above 0, got nan"),
        ({"seed": -1}, "seed must be a whole number from 0 to 2**32 - 1, got -1"),
        (
            {"surrogate": "knn"},
            "no surrogate 'knn'; there are: auto, kernel-ridge, logistic, xgboost",
        ),
        (
            {"surrogate": []},
            "surrogate is empty; write 'auto', a name, or a scikit-learn classifier",
        ),
        (
            {"surrogate": KNeighborsClassifier},
            "surrogate is the class KNeighborsClassifier; pass an instance: KNeighborsClassifier()",
        ),
        (
            {"surrogate": LinearRegression()},
            "surrogate LinearRegression is not a scikit-learn classifier; pass one",
        ),
        ({"strategy": "fixed-threshold"}, None),
        ({"threshold": 0.9}, None),
        ({"surrogate": 5}, None),
        ({"surrogate": ["logistic", None]}, None),
    ],
)
def test_wrong_choices_are_named_in_one_line(choices, message):
    with pytest.raises(InvalidInput) as error:
        make_options(**choices)
    assert "\n" not in str(error.value)
    assert message in (None, str(error.value))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"certificate": "cross-fit", "gate": "learned"},
            "gate 'learned' needs rows of its own; use certificate 'held-out' with it",
        ),
        (
            {"certificate": "cross-fit", "pipeline": "cascade"},
            "pipeline 'cascade' needs rows of its own; use certificate 'held-out' with it",
        ),
        (
            {"certificate": "per-class", "strategy": "cost-aware"},
            "strategy 'cost-aware' orders rows of all classes; use certificate 'held-out' with it",
        ),
        (
            {"pipeline": "accept-all", "strategy": "fixed-threshold", "threshold": 0.5},
            "pipeline 'accept-all' has no threshold; leave strategy out",
        ),
    ],
)
def test_choices_that_do_not_go_together(choices, message):
    with pytest.raises(InvalidInput) as error:
        make_options(**choices)
    assert str(error.value) == message
