"""A panel is right more often than its best member where errors are independent, and not less where
its members are copies; with worlds in which the same checks fail."""

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.crowd import one_coin
from tracer_nb.records import Answer
from tracer_nb.teachers.joint import count_members, vote_weights

N, K, LEARNT = 2_000, 8, 200
# Of a check that holds: once in a thousand seeds, over all of them together.
ERROR = 1e-3
SEEDS = range(5)


def simulate(rng, accuracies, copied=0, redrawn=0.0):
    """Truth, and answers; the first ``copied`` members say the same but where it is drawn anew."""
    truth = rng.integers(0, K, N)
    size = (N, len(accuracies))
    wrong = (truth[:, None] + rng.integers(1, K, size)) % K
    said = np.where(rng.random(size) < accuracies, truth[:, None], wrong)
    for member in range(1, copied):
        same = rng.random(N) >= redrawn
        said[same, member] = said[same, 0]
    return truth, said


def joint(said, combine):
    """The panel's labels, the third member asked where the first two differ."""
    weights = None
    if combine == "dawid-skene":
        weights = vote_weights(one_coin(said[:LEARNT], K), K)
    labels = []
    for row in said.tolist():
        asked = row if row[0] != row[1] else row[:2]
        given = {i: Answer(str(code)) for i, code in enumerate(asked)}
        labels.append(int(count_members(given, (), weights=weights, n_labels=K).label))
    return np.array(labels)


def against_best(truth, said, labels):
    """Texts on which the panel alone is right, and its best member alone."""
    right = said == truth[:, None]
    best, panel = right[:, right.mean(axis=0).argmax()], labels == truth
    return int((panel & ~best).sum()), int((best & ~panel).sum())


def is_above(won, lost):
    """Whether a paired interval for the difference lies above 0, exactly."""
    return stats.binomtest(won, won + lost, alternative="greater").pvalue < ERROR / len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("accuracies", "combine"),
    [
        ((0.80, 0.85, 0.88), "majority"),
        ((0.80, 0.85, 0.88), "dawid-skene"),
        ((0.88, 0.80, 0.85), "dawid-skene"),
        ((0.75, 0.80, 0.90), "dawid-skene"),
    ],
)
def test_with_independent_errors_it_is_above_its_best_member(seed, accuracies, combine):
    truth, said = simulate(np.random.default_rng(seed), accuracies)
    assert is_above(*against_best(truth, said, joint(said, combine)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("redrawn", [0.0, 0.02])
@pytest.mark.parametrize("combine", ["majority", "dawid-skene"])
def test_with_copies_it_is_not_half_a_point_below(seed, redrawn, combine):
    truth, said = simulate(np.random.default_rng(seed), (0.85,) * 3, 3, redrawn)
    won, lost = against_best(truth, said, joint(said, combine))
    assert (lost - won) / N <= 0.005


@pytest.mark.parametrize("seed", SEEDS)
def test_controls_fail(seed):
    rng = np.random.default_rng(seed)
    # The first member alone is no panel.
    truth, said = simulate(rng, (0.80, 0.85, 0.88))
    assert not is_above(*against_best(truth, said, said[:, 0]))
    # Votes that all weigh the same lose against a member that is much better.
    truth, said = simulate(rng, (0.70, 0.75, 0.95))
    won, lost = against_best(truth, said, joint(said, "majority"))
    assert (lost - won) / N > 0.005
    # Nor does what votes weigh help where two say the same, which looks like being right.
    truth, said = simulate(rng, (0.80, 0.80, 0.90), 2)
    won, lost = against_best(truth, said, joint(said, "dawid-skene"))
    assert (lost - won) / N > 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_as_members_are_right_make_a_posterior_that_is_right_so_often(seed):
    """Calibrated: of labels with a posterior about p, p are right."""
    rng = np.random.default_rng(seed)
    truth, said = simulate(rng, (0.70, 0.80, 0.85))
    weights = vote_weights((0.70, 0.80, 0.85), K)
    made = [
        count_members(
            {i: Answer(str(c)) for i, c in enumerate(row)}, (), weights=weights, n_labels=K
        )
        for row in said.tolist()
    ]
    chance = np.array([answer.probabilities[answer.label] for answer in made])
    right = np.array([int(answer.label) for answer in made]) == truth
    n_right, spread = right.sum(), np.sqrt((chance * (1 - chance)).sum())
    assert abs(n_right - chance.sum()) < stats.norm.isf(ERROR / 2 / len(SEEDS)) * spread
    unsure = chance < 0.8
    spread = np.sqrt((chance * (1 - chance))[unsure].sum())
    off = right[unsure].sum() - chance[unsure].sum()
    assert abs(off) < stats.norm.isf(ERROR / 2 / len(SEEDS)) * spread
    votes = np.array([max(answer.probabilities.values()) > 0.999 for answer in made])
    assert not votes.all()
