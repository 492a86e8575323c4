"""Dawid-Skene: the published example, and simulations in which the truth is known."""

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.crowd import dawid_skene, estimated_accuracy, one_coin
from tracer_nb.errors import InvalidInput

# Dawid and Skene (1979), table 1: 45 patients; observer 1 saw each of them three times.
TABLE_1 = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""
OBSERVERS = [0, 0, 0, 1, 2, 3, 4]
# Table 2: class marginals, and the error rates of each observer, a row for each true class.
MARGINALS = [0.40, 0.42, 0.11, 0.07]
RATES = [
    [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]],
    [[0.83, 0.17, 0, 0], [0.05, 0.63, 0.31, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    [[1, 0, 0, 0], [0.11, 0.79, 0.11, 0], [0, 0.40, 0.20, 0.40], [0, 0, 0.67, 0.33]],
    [[0.94, 0.06, 0, 0], [0.05, 0.84, 0.10, 0], [0, 0, 0.80, 0.20], [0, 0, 0.33, 0.67]],
    [[1, 0, 0, 0], [0.16, 0.73, 0.11, 0], [0, 0.21, 0.79, 0], [0, 0, 0.33, 0.67]],
]
K = 4


def patients():
    return np.array([[int(c) - 1 for c in word] for word in TABLE_1.split()])


def simulate(rng, n, accuracies, k=K):
    """Truth, and answers of teachers that err independently, to any other class alike."""
    truth = rng.choice(k, size=n, p=np.arange(k, 0, -1) / (k * (k + 1) / 2))
    wrong = (truth[:, None] + rng.integers(1, k, size=(n, len(accuracies)))) % k
    right = rng.random((n, len(accuracies))) < accuracies
    return truth, np.where(right, truth[:, None], wrong)


def majority(answers, k=K):
    """The label with most votes; a tie goes to the first teacher among the tied."""
    counts = np.stack([(answers == j).sum(axis=1) for j in range(k)], axis=1)
    of_own = np.take_along_axis(counts, answers, axis=1)
    return answers[np.arange(len(answers)), of_own.argmax(axis=1)]


def gain(found, other, truth):
    """Interval of 95 % for how much more often ``found`` is right than ``other``, paired."""
    difference = (found == truth).astype(float) - (other == truth)
    error = difference.std(ddof=1) / np.sqrt(len(truth))
    return difference.mean() - 1.96 * error, difference.mean() + 1.96 * error


def test_the_published_example():
    answers = patients()
    assert answers.shape == (45, 7)
    found = dawid_skene(answers, K, teachers=OBSERVERS, smoothing=0.0, tolerance=1e-9)
    assert found.converged
    assert found.prior == pytest.approx(MARGINALS, abs=0.0051)
    assert found.confusion == pytest.approx(np.array(RATES), abs=0.0061)
    # Patient 3, whom observers 1 and 3 put mostly into class 1, is in class 2.
    assert found.posterior[2].argmax() == 1


def test_the_published_example_needs_to_know_who_answered():
    as_seven = dawid_skene(patients(), K, smoothing=0.0)
    assert as_seven.confusion.shape == (7, K, K)
    assert abs(as_seven.prior - MARGINALS).max() > 0.01


@pytest.mark.parametrize("seed", range(3))
def test_what_is_estimated_is_the_truth_of_a_simulation(seed):
    rng = np.random.default_rng(seed)
    accuracies, n = np.array([0.9, 0.75, 0.6, 0.8]), 4_000
    truth, answers = simulate(rng, n, accuracies)
    answers = np.where(rng.random(answers.shape) < 0.3, -1, answers)
    found = dawid_skene(answers, K)
    naive = np.empty(4)
    for t in range(4):
        seen = answers[:, t] >= 0
        low, high = stats.binom.interval(0.9999, seen.sum(), accuracies[t])
        assert low - 0.01 * n < estimated_accuracy(found)[t] * seen.sum() < high + 0.01 * n
        # The control: agreement with another teacher, which is what a naive look would take.
        naive[t] = (answers[seen, t] == answers[seen, t - 1]).mean()
    assert (
        np.abs(naive - accuracies).max()
        > 0.1
        > np.abs(estimated_accuracy(found) - accuracies).max()
    )
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1.0)
    right = (found.posterior.argmax(axis=1) == truth).mean()
    assert found.posterior.max(axis=1).mean() == pytest.approx(right, abs=0.02)


def test_who_is_asked_only_where_others_differ_is_not_held_to_be_worse():
    _, answers = simulate(np.random.default_rng(1), 8_000, [0.85, 0.85, 0.85])
    agree = answers[:, 0] == answers[:, 1]
    answers[agree, 2] = -1
    seen = ~agree
    assert (answers[seen, 2] == answers[seen, 0]).mean() < 0.6  # the naive look
    assert estimated_accuracy(dawid_skene(answers, K))[2] == pytest.approx(0.85, abs=0.03)


@pytest.mark.parametrize("accuracies", [[0.8, 0.75, 0.78], [0.85, 0.7, 0.8, 0.75, 0.8]])
@pytest.mark.parametrize("seed", range(3))
def test_independent_errors_make_a_panel_better_than_its_best_member(accuracies, seed):
    truth, answers = simulate(np.random.default_rng(seed), 4_000, accuracies)
    best = answers[:, (answers == truth[:, None]).mean(axis=0).argmax()]
    joined = dawid_skene(answers, K).posterior.argmax(axis=1)
    assert gain(joined, best, truth)[0] > 0
    assert gain(majority(answers), best, truth)[0] > 0
    # The control: a member gains nothing over itself.
    assert gain(best, best, truth)[0] == 0


@pytest.mark.parametrize("others", [[], [0.7], [0.7, 0.6]])
@pytest.mark.parametrize("copies", [2, 3])
def test_copies_of_a_member_are_no_worse_than_it(others, copies):
    truth, answers = simulate(np.random.default_rng(5), 4_000, [0.8, *others])
    copied = np.column_stack([answers[:, [0] * copies], answers[:, 1:]])
    one = (answers[:, 0] == truth).mean()
    joined = dawid_skene(copied, K).posterior.argmax(axis=1)
    assert (joined == truth).mean() > one - 0.005
    assert (majority(copied) == truth).mean() > one - 0.005


def test_rows_without_an_answer_are_like_the_others():
    answers = np.array([[0, 0]] * 30 + [[1, 1]] * 10 + [[-1, -1]])
    found = dawid_skene(answers, 2)
    assert found.posterior[-1] == pytest.approx(found.prior)
    assert found.prior == pytest.approx([0.75, 0.25], abs=0.01)


def test_nothing_to_go_by():
    found = dawid_skene(np.empty((0, 2), dtype=int), 3)
    assert found.posterior.shape == (0, 3)
    assert found.n_iterations == 0
    nobody = dawid_skene(np.full((5, 2), -1), 3)
    np.testing.assert_allclose(nobody.posterior, 1 / 3)
    np.testing.assert_allclose(nobody.confusion, 1 / 3)


@pytest.mark.parametrize(
    ("answers", "options", "said"),
    [
        ([0, 1], {}, "shape"),
        ([[0.5, 1.0]], {}, "whole numbers"),
        ([[0, 2]], {}, "from -1 to 1, got 0 to 2"),
        ([[0, -2]], {}, "from -1 to 1, got -2 to 0"),
        ([[0, 1]], {"n_classes": 1}, "n_classes"),
        ([[0, 1]], {"smoothing": -1}, "smoothing"),
        ([[0, 1]], {"smoothing": float("nan")}, "smoothing"),
        ([[0, 1]], {"teachers": [0]}, "2 columns"),
        ([[0, 1]], {"teachers": [0, -1]}, "2 columns"),
    ],
)
def test_what_cannot_be(answers, options, said):
    with pytest.raises(InvalidInput, match=said):
        dawid_skene(answers, **{"n_classes": 2, **options})


# --- one number for each teacher --------------------------------------------------------


@pytest.mark.parametrize("k", [3, 8, 77])
def test_one_number_for_each_is_found_on_few_rows(k):
    accuracies = np.array([0.65, 0.8, 0.95])
    off = []
    for seed in range(40):
        _, answers = simulate(np.random.default_rng(seed), 200, accuracies, k)
        off.append(one_coin(answers, k) - accuracies)
    # Twenty rows at .8 stand beside the 200: they draw each a little that way.
    drawn = 20 * (0.8 - accuracies) / 220
    error = np.sqrt(accuracies * (1 - accuracies) / 200 / 40)
    assert (np.abs(np.mean(off, axis=0) - drawn) < 5 * error + 0.02).all()
    assert (np.std(off, axis=0) < 0.08).all()


def test_many_classes_and_few_rows_are_too_much_for_confusion_matrices():
    truth, answers = simulate(np.random.default_rng(1), 200, np.array([0.7, 0.8, 0.95]), 77)
    found = estimated_accuracy(dawid_skene(answers, 77, smoothing=0.5))
    assert np.abs(found - one_coin(answers, 77)).max() > 0.2
    del truth


def test_one_number_in_odd_cases():
    assert one_coin(np.empty((0, 3), dtype=int), 4).tolist() == [0.8] * 3
    same = np.zeros((50, 2), dtype=int)
    assert one_coin(same, 2) == pytest.approx([0.94, 0.94], abs=0.03)
    nobody = np.column_stack([same, np.full(50, -1)])
    assert one_coin(nobody, 2)[2] == 0.8
    assert (one_coin(np.array([[0, 1], [1, 0]] * 500), 2) > 0.5).all()
    with pytest.raises(InvalidInput):
        one_coin([[0, 5]], 2)
