"""The race: every choice by expected coverage, on out-of-fold answers of the fitting rows."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from tracer_nb.engine import judge
from tracer_nb.engine import race as module
from tracer_nb.engine.gates import GATES
from tracer_nb.engine.judge import Judge, Rows, enter, gain
from tracer_nb.engine.options import make_options
from tracer_nb.engine.pipeline import View, make_views
from tracer_nb.engine.race import choose_pipeline
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.engine.zoo import SURROGATES, Fit, smoothing_over
from tracer_nb.records import Trial

from .racing import LEVELS, PLAIN, QUICK, choose, pilot_of, quick, rows


def fixed_fitter(out_of_fold):
    return lambda X, _Y, _seed: Fit(None, out_of_fold[: X.shape[0]], "")


# --- surrogates ----------------------------------------------------------------------------


def test_auto_tries_two_and_takes_the_largest_expected_coverage():
    chosen = choose(*rows())
    assert {t.name for t in chosen.trials} == set(QUICK)
    assert [t.chosen for t in chosen.trials] == [True, False]
    assert chosen.pipeline.name == chosen.trials[0].name
    assert chosen.trials[0].expected_coverage >= chosen.trials[1].expected_coverage
    alone = {name: choose(*rows(), surrogate=name).trials[0] for name in QUICK}
    for trial in chosen.trials:
        assert trial.expected_coverage == alone[trial.name].expected_coverage
        assert trial.agreement == alone[trial.name].agreement


@pytest.mark.parametrize("better", [0, 1])
def test_the_better_of_two_is_taken_in_any_order(better):
    X, Y, codes = rows()
    sure = Y + 0.1 * np.random.default_rng(0).random(Y.shape).astype(np.float32)
    unsure = sure.copy()
    unsure[::4] = unsure[::4, ::-1]
    outputs = [unsure, unsure]
    outputs[better] = sure
    options = replace(
        make_options(pipeline="single", gate="margin", guard=False, **LEVELS),
        surrogates=tuple(
            (name, fixed_fitter(out)) for name, out in zip("ab", outputs, strict=True)
        ),
    )
    chosen = choose_pipeline(
        Rows([X], Y, codes, np.ones(len(codes), dtype=bool), None),
        views=PLAIN,
        options=options,
        judge=Judge(options, 100, 1.0),
    )
    assert [t.name for t in chosen.trials] == (["a", "b"] if better == 0 else ["b", "a"])
    assert chosen.trials[0].expected_coverage > chosen.trials[1].expected_coverage


def outputs_right_on(Y, right):
    """Outputs that give these rows their label, with a margin that tells, and others another one."""
    sure = np.where(right[:, None], Y, Y[:, ::-1]).astype(np.float32)
    return sure * (0.5 + 0.5 * right[:, None]).astype(np.float32)


@pytest.mark.parametrize(
    ("on_judged", "on_chosen", "taken"),
    [((0.6, 1.0), (0.5, 0.6), "b"), ((0.6, 1.0), (0.6, 0.4), "a"), ((0.97, 1.0), (0.5, 0.6), "a")],
    ids=["plainly better on both", "worse on the chosen rows", "a little better, by luck perhaps"],
)
def test_where_hard_rows_were_chosen_another_surrogate_has_to_be_plainly_better(
    on_judged, on_chosen, taken
):
    """A few random rows speak for it by luck, and hard rows were hard for the first one."""
    n, n_judged = 600, 150
    codes = np.arange(n) % 2
    Y = np.eye(2, dtype=np.float32)[codes]
    X = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    judged = np.arange(n) < n_judged
    turn = np.random.default_rng(1).permutation(n)

    def right(of_judged, of_chosen):
        rank = np.empty(n)
        for part in (judged, ~judged):
            own = turn[part[turn]]
            rank[own] = np.arange(len(own)) / len(own)
        return rank < np.where(judged, of_judged, of_chosen)

    outputs = [outputs_right_on(Y, right(*each)) for each in zip(on_judged, on_chosen, strict=True)]
    options = replace(
        make_options(pipeline="single", gate="margin", guard=False, **LEVELS),
        surrogates=tuple(
            (name, fixed_fitter(out)) for name, out in zip("ab", outputs, strict=True)
        ),
    )
    rows_ = Rows([X], Y, codes, judged, None)
    how = {"views": PLAIN, "options": options, "judge": Judge(options, 2000, 1.0)}
    first = choose_pipeline(rows_, **how).trials
    assert first[0].name == taken
    by_name = {trial.name: trial for trial in first}
    assert by_name["b"].expected_coverage >= by_name["a"].expected_coverage


def test_where_hard_rows_were_chosen_all_of_them_choose_the_features(monkeypatch):
    """Of random rows alone, whatever is to be expected of them goes first."""
    n = 400
    X, Y, codes = rows(n=n)
    luck = {"plain": (0.6, 0.7), "fused": (0.4, 0.8)}

    def entered(surrogate, view, rows_, *_, **__):
        expected, right = luck[view.name]
        agree = np.arange(n) < right * n
        trial = pilot_trial(view.name, expected)
        return SimpleNamespace(
            name=surrogate[0],
            view=view,
            offered=view,
            predicted=np.where(agree, rows_.codes, -1),
            trial=trial,
        )

    monkeypatch.setattr(module, "enter", entered)
    options = make_options(**LEVELS)
    views = make_views(2, None)[:2]
    for judged, name in ((np.ones(n, bool), "plain"), (np.arange(n) < 150, "fused")):
        found, _ = module._best_view(
            *(views, Rows([X, X], Y, codes, judged, None), options, Judge(options, 100, 1.0), None),
            parts=module._Parts(2, None),
        )
        assert found.view.name == name


def pilot_trial(view, expected):
    return Trial("kernel-ridge", view, "margin", "", 0.7, expected, 400, 0.0)


def test_a_tie_goes_to_the_first():
    """With five calibration rows nothing can be certified, so all expect nothing."""
    chosen = choose(*rows(), n_calibration=5)
    assert [t.expected_coverage for t in chosen.trials] == [0.0, 0.0]
    assert chosen.pipeline.name == "kernel-ridge"
    turned = choose(*rows(), n_calibration=5, surrogate=["logistic", "kernel-ridge"])
    assert turned.pipeline.name == "logistic"


def test_parts_are_counted_to_a_number_that_is_known_before_and_change_nothing(monkeypatch):
    X, Y, codes = rows()
    smoothed = {"views": make_views(1, smoothing_over([X], 0)), "column": [X]}
    in_no_time = {"time_budget": 1e-9}
    zoo = len(make_options(**in_no_time, **LEVELS).surrogates)
    for most, how, total in (
        (1500, {}, 3),  # two candidates, and what is added to the winner
        (1500, {"surrogate": "logistic"}, 2),
        (1500, smoothed, 4),
        (60, smoothed, 5),  # fitted again, on all rows
        (60, {**smoothed, "pipeline": "auto", "guard": True}, 5),
        (1500, in_no_time, zoo + 1),  # what is left out is done
    ):
        monkeypatch.setattr(module, "_RACE_ROWS", most)
        told = []
        chosen = choose(X, Y, codes, on_part=lambda *part, to=told: to.append(part), **how)
        assert told == [(i, total) for i in range(total + 1)]
        same = choose(X, Y, codes, **how)
        one, two = ([replace(t, seconds=0.0) for t in c.trials] for c in (chosen, same))
        assert repr(one) == repr(two)  # nan where one was left out
        assert chosen.left_out.scores.tolist() == same.left_out.scores.tolist()


@quick
def test_a_named_surrogate_is_the_only_one_tried(name):
    X, Y, codes = rows()
    chosen = choose(X, Y, codes, surrogate=name)
    (trial,) = chosen.trials
    assert (trial.name, trial.view, trial.gate) == (name, "plain", "margin")
    assert trial.chosen
    assert trial.settings
    assert trial.skipped == ""
    assert trial.n_rows == 150
    assert trial.seconds > 0
    assert trial.agreement == (chosen.left_out.codes == codes).mean()
    expected = plan_sequence(pilot_of(chosen, codes), 100, **LEVELS, seed=0)
    assert trial.expected_coverage == expected.expected_coverage


def test_a_list_is_tried_in_its_order():
    chosen = choose(*rows(), surrogate=["logistic", GaussianNB(), "kernel-ridge"])
    assert {t.name for t in chosen.trials} == {"logistic", "GaussianNB", "kernel-ridge"}
    assert sum(t.chosen for t in chosen.trials) == 1
    assert chosen.trials[0].chosen


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(5), GaussianNB()], ids=repr)
def test_scikit_learn_classifiers_are_surrogates(estimator):
    X, Y, codes = rows()
    chosen = choose(X, Y, codes, surrogate=estimator)
    assert chosen.pipeline.name == type(estimator).__name__
    new, _, new_codes = rows(n=300, seed=1)
    answers = chosen.pipeline.predict([new])
    assert (answers.codes == new_codes).mean() > 0.8
    assert chosen.trials[0].agreement == pytest.approx((answers.codes == new_codes).mean(), abs=0.1)
    assert not hasattr(estimator, "classes_")  # the user's own stays unfitted


def test_two_classifiers_of_one_type_are_both_tried():
    X, Y, codes = rows(n=120, spread=1.5)
    given = [KNeighborsClassifier(1), KNeighborsClassifier(25)]
    chosen = choose(X, Y, codes, surrogate=given)
    agreement = {t.name: t.agreement for t in chosen.trials}
    assert set(agreement) == {"KNeighborsClassifier", "KNeighborsClassifier 2"}
    assert agreement["KNeighborsClassifier 2"] > agreement["KNeighborsClassifier"]


def test_no_time_left_skips_all_but_the_first():
    chosen = choose(*rows(), time_budget=1e-9)
    first, *others = chosen.trials
    assert (first.name, first.chosen) == ("kernel-ridge", True)
    assert [t.name for t in others] == list(SURROGATES)[1:]
    for trial in others:
        assert trial.skipped == "no time left"
        assert not trial.chosen
        assert (trial.n_rows, trial.seconds) == (0, 0.0)
        assert np.isnan([trial.agreement, trial.expected_coverage]).all()


def test_time_enough_skips_none():
    chosen = choose(*rows(), surrogate=QUICK, time_budget=600)
    assert {t.skipped for t in chosen.trials} == {""}


def test_many_rows_are_raced_on_some_and_the_winner_is_fitted_on_all(monkeypatch):
    monkeypatch.setattr(module, "_RACE_ROWS", 60)
    chosen = choose(*rows())
    assert [t.n_rows for t in chosen.trials] == [150, 60]
    assert [t.chosen for t in chosen.trials] == [True, False]
    assert chosen.left_out.codes.shape == (150,)
    # Where there is nothing to race against, there is no race.
    assert [t.n_rows for t in choose(*rows(), surrogate="logistic").trials] == [150]


def test_same_seed_same_pipeline():
    for name in QUICK:
        a, b = (choose(*rows(), surrogate=name, gate="auto", seed=5) for _ in range(2))
        assert a.left_out.scores.tolist() == b.left_out.scores.tolist()
        assert a.pipeline.predict([rows()[0]]).scores.tolist() == (
            b.pipeline.predict([rows()[0]]).scores.tolist()
        )


# --- answers are out of fold ---------------------------------------------------------------


@quick
def test_left_out_answers_are_those_of_the_fit(name):
    X, Y, codes = rows()
    chosen = choose(X, Y, codes, surrogate=name)
    out_of_fold = SURROGATES[name](X, Y, 0).out_of_fold
    assert chosen.left_out.codes.tolist() == out_of_fold.argmax(axis=1).tolist()
    gate = chosen.pipeline.stages[0].gate
    assert chosen.left_out.scores == pytest.approx(gate.scores(out_of_fold, X), abs=1e-5)


@quick
def test_meaningless_labels_agree_by_chance(name):
    """In-fold answers would agree far more often; no gate finds rows that agree more often."""
    X = rows(n=300, d=40)[0]
    codes = np.random.default_rng(3).integers(2, size=300)
    chosen = choose(X, np.eye(2, dtype=np.float32)[codes], codes, surrogate=name, gate="auto")
    assert 0.35 < chosen.trials[0].agreement < 0.65
    assert chosen.trials[0].expected_coverage < 0.05


def test_agreement_is_with_the_label_not_with_the_likeliest_class():
    """The teacher's probabilities are imitated, its recorded labels are what counts."""
    X, Y, codes = rows()
    soft = np.roll(Y, 1, axis=1) * 0.8 + 0.2 / 3
    assert choose(X, soft, codes).trials[0].agreement < 0.3


def test_only_judged_rows_are_judged():
    """Whatever the others' recorded labels are, nothing that is chosen changes."""
    X, Y, codes = rows()
    judged = np.arange(150) % 4 == 0
    options = {"judged": judged, "certificate": "cross-fit", "gate": "auto"}
    one = choose(X, Y, codes, **options)
    other = choose(X, Y, np.where(judged, codes, (codes + 1) % 3), **options)
    for a, b in zip(one.trials, other.trials, strict=True):
        assert replace(a, seconds=0.0) == replace(b, seconds=0.0)
    assert one.left_out.scores.tolist() == other.left_out.scores.tolist()
    assert one.trials[0].agreement == (one.left_out.codes == codes)[judged].mean()


# --- gates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", GATES)
def test_a_named_gate_is_taken(gate):
    chosen = choose(*rows(spread=1.2), surrogate="logistic", gate=gate)
    assert chosen.trials[0].gate == gate == chosen.pipeline.stages[0].gate.name


def test_gain_falls_with_the_rows_to_one_in_a_hundred():
    assert gain(1) == 1.0
    assert gain(400) == 0.05
    assert gain(10_000) == gain(10**6) == 0.01


@pytest.mark.parametrize(("more", "taken"), [(0.0, "margin"), (0.07, "margin"), (0.1, "entropy")])
def test_another_gate_must_add_more_than_noise(more, taken):
    """Of 150 rows: 150 ** -.5 is .082."""
    X, Y, codes = rows()
    expected = iter([0.5, 0.5, 0.5 + more, 0.5, 0.5])

    class Judging(Judge):
        def expected_coverage(self, _pilot):
            return next(expected)

    options = make_options(gate="auto", guard=False, **LEVELS)
    found = enter(
        ("logistic", SURROGATES["logistic"]),
        View("plain"),
        Rows([X], Y, codes, np.ones(150, dtype=bool), None),
        options,
        Judging(options, 100, 1.0),
    )
    assert found.gate.name == found.trial.gate == taken
    assert found.trial.expected_coverage == (0.5 + more if taken == "entropy" else 0.5)


def test_the_learned_gate_is_not_tried_where_the_same_rows_are_tested():
    assert judge._gates(make_options(), None) == GATES
    assert judge._gates(make_options(certificate="cross-fit"), None) == GATES[:-1]
    assert judge._gates(make_options(gate="entropy"), None) == ("entropy",)


# --- views ---------------------------------------------------------------------------------


def test_views_are_raced_with_the_first_surrogate_only():
    X, Y, codes = rows()
    column = rows(n=400, seed=1)[0]
    views = make_views(1, smoothing_over([column], 0))
    chosen = choose(X, Y, codes, views=views)
    tried = [(t.name, t.view) for t in chosen.trials]
    assert sorted(tried)[:2] == [("kernel-ridge", "plain"), ("kernel-ridge", "smoothed")]
    assert len(tried) == 3
    best = max(
        (t for t in chosen.trials if t.name == "kernel-ridge"), key=lambda t: t.expected_coverage
    )
    logistic = next(t for t in chosen.trials if t.name == "logistic")
    assert logistic.view == best.view


def test_smoothing_is_taken_where_it_helps():
    """Few labels, wide clusters, many rows without a label."""
    X, Y, codes = rows(n=80, d=30, spread=1.6)
    views = make_views(1, smoothing_over([rows(n=3000, d=30, spread=1.6, seed=1)[0]], 0))
    chosen = choose(X, Y, codes, views=views, surrogate="logistic", n_calibration=300)
    by_view = {t.view: t for t in chosen.trials}
    assert by_view["smoothed"].agreement > by_view["plain"].agreement
    assert chosen.pipeline.view.name == "smoothed"
    assert chosen.smoothed


def test_a_smoothed_regression_is_distilled_where_rows_of_the_column_are_known():
    """It is in use on rows as they are, and others are still tried on smoothed ones."""
    X, Y, codes = rows(n=80, d=30, spread=1.6)
    others = rows(n=1500, d=30, spread=1.6, seed=1)[0]
    views = make_views(1, smoothing_over([others], 0))[1:]
    given = {"views": views, "n_calibration": 300, "guard": True}
    chosen = choose(X, Y, codes, column=[others], surrogate="kernel-ridge", **given)
    pipeline = chosen.pipeline
    assert chosen.smoothed
    assert pipeline.view.smoothing is None
    assert len(pipeline.stages[0].model.support) == 1000
    new, _, truth = rows(n=500, d=30, spread=1.6, seed=2)
    found = pipeline.predict([new])
    assert (found.codes == truth).mean() > chosen.trials[0].agreement - 0.1
    assert found.far.mean() < 0.05  # about as many as of the rows that were fitted on
    assert pipeline.predict([-others]).far.mean() > 0.5
    both = choose(X, Y, codes, column=[others], **given)
    assert [t.view for t in both.trials] == ["smoothed"] * 2
    assert (both.pipeline.view.smoothing is None) == (both.trials[0].name == "kernel-ridge")
    at_once = choose(X, Y, codes, **given)  # no rows to distil on
    assert at_once.pipeline.view.smoothing is not None
    # Chosen rows lie where what is distilled errs; under cross-fitting those of the test are not judged.
    given = {**given, "judged": np.arange(len(codes)) % 2 == 0, "surrogate": "kernel-ridge"}
    chosen = choose(X, Y, codes, column=[others], **given)
    assert chosen.pipeline.view.smoothing is not None
    crossed = choose(X, Y, codes, column=[others], certificate="cross-fit", **given)
    assert crossed.pipeline.view.smoothing is None
