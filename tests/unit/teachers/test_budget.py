import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.errors import InvalidInput
from tracer_nb.teachers.budget import Budget

amounts = st.floats(0, 2, allow_subnormal=False)


@given(
    cap=st.floats(0, 5),
    requests=st.lists(st.tuples(amounts, st.floats(0, 1), st.booleans()), max_size=60),
)
def test_spent_and_reserved_never_exceed_the_cap(cap, requests):
    budget = Budget(cap)
    flying = []
    for bound, share, settle_now in requests:
        if budget.reserve(bound):
            flying.append((bound, bound * share))
        if settle_now and flying:
            budget.settle(*flying.pop(0))
        assert budget.spent + budget.reserved <= cap * (1 + 1e-15)
    for bound, actual in flying:
        budget.settle(bound, actual)
    assert budget.reserved == 0
    assert budget.spent <= cap


def test_many_small_sums_do_not_drift():
    budget = Budget(1.0)
    sent = 0
    while budget.reserve(0.001):
        budget.settle(0.001, 0.001)
        sent += 1
    assert (sent, budget.spent) == (1000, 1.0)


def test_an_unknown_actual_cost_counts_in_full():
    budget = Budget(1.0)
    assert budget.reserve(0.75)
    budget.settle(0.75, None)
    assert budget.spent == 0.75
    assert not budget.reserve(0.5)


def test_what_has_no_price_cannot_be_capped():
    with pytest.raises(InvalidInput, match="--price IN,OUT"):
        Budget(1.0).reserve(None)


@pytest.mark.parametrize("cap", [-1, float("nan"), float("inf")])
def test_caps_that_are_none(cap):
    with pytest.raises(InvalidInput, match="max_cost"):
        Budget(cap)
