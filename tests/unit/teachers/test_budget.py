import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Caps, Spending
from tracer_nb.teachers.budget import Amount, Budget

dollars = st.floats(0, 2, allow_subnormal=False)


def dollar(amount):
    return Amount(cost=amount)


@given(
    cap=st.floats(0, 5),
    requests=st.lists(st.tuples(dollars, st.floats(0, 1), st.booleans()), max_size=60),
)
def test_spent_and_reserved_never_exceed_the_cap(cap, requests):
    budget = Budget(Caps(max_cost=cap))
    flying = []
    for bound, share, settle_now in requests:
        if budget.reserve(dollar(bound)):
            flying.append((dollar(bound), dollar(bound * share)))
        if settle_now and flying:
            budget.settle(*flying.pop(0))
        assert budget.spent.cost + budget.reserved.cost <= cap * (1 + 1e-15)
    for bound, actual in flying:
        budget.settle(bound, actual)
    assert budget.reserved.cost == 0
    assert budget.spent.cost <= cap


@given(
    caps=st.builds(
        Caps, max_cost=st.none() | st.floats(0, 5), max_tokens=st.none() | st.integers(0, 500)
    ),
    requests=st.lists(st.tuples(dollars, st.integers(0, 100), st.floats(0, 1)), max_size=40),
)
def test_no_cap_is_exceeded_and_what_does_not_fit_one_leaves_the_other_alone(caps, requests):
    budget = Budget(caps)
    flying = []
    for cost, tokens, share in requests:
        before = budget.reserved
        bound = Amount(cost, tokens)
        if budget.reserve(bound):
            flying.append((bound, Amount(cost * share, int(tokens * share))))
        else:
            assert budget.reserved == before
            assert budget.reached
        if len(flying) > 3:
            budget.settle(*flying.pop(0))
        held, spent = budget.reserved, budget.spent
        assert caps.max_cost is None or spent.cost + held.cost <= caps.max_cost * (1 + 1e-15)
        assert caps.max_tokens is None or spent.tokens + held.tokens <= caps.max_tokens
    for bound, actual in flying:
        budget.settle(bound, actual)
    assert budget.reserved == Amount()


@pytest.mark.parametrize(
    ("caps", "reached"),
    [
        (Caps(max_cost=4.0), "cost cap of $4.00 reached"),
        (Caps(max_cost=0.0), "cost cap reached: nothing is left of it"),
        (Caps(max_tokens=0), "token cap reached: nothing is left of it"),
        (Caps(max_cost=0.0025), "cost cap of $0.0025 reached"),
        (Caps(max_tokens=50_000), "token cap of 50,000 reached"),
        (Caps(max_cost=9.0, max_tokens=50_000), "token cap of 50,000 reached"),
    ],
)
def test_the_cap_that_is_too_small_is_named(caps, reached):
    budget = Budget(caps)
    assert not budget.reserve(Amount(cost=5.0, tokens=60_000))
    assert budget.reached == reached


def test_many_small_sums_do_not_drift():
    budget = Budget(Caps(max_cost=1.0))
    sent = 0
    while budget.reserve(dollar(0.001)):
        budget.settle(dollar(0.001), dollar(0.001))
        sent += 1
    assert (sent, budget.spent.cost) == (1000, 1.0)


def test_what_nobody_knows_counts_in_full():
    budget = Budget(Caps(max_cost=1.0, max_tokens=10))
    bound = Amount(0.25, 3)
    for actual in (Amount(None, None), None):
        assert budget.reserve(bound)
        budget.settle(bound, actual)
    assert budget.spent == Amount(0.5, 6)


def test_what_has_no_cap_is_not_counted():
    budget = Budget(Caps())
    assert budget.reserve(Amount(cost=None, tokens=10**9))
    budget.settle(Amount(cost=None, tokens=10**9), None)
    assert budget.spent == budget.reserved == Amount()


def test_more_than_was_set_aside_is_counted_and_stops_the_next():
    budget = Budget(Caps(max_tokens=100))
    assert budget.reserve(Amount(tokens=40))
    budget.settle(Amount(tokens=40), Amount(tokens=120))
    assert not budget.reserve(Amount(tokens=0))


def test_what_has_no_bound_cannot_be_capped():
    with pytest.raises(InvalidInput, match="max_cost cannot be kept"):
        Budget(Caps(max_cost=1.0)).reserve(Amount(cost=None))


@pytest.mark.parametrize("cap", [-1, float("nan"), float("inf")])
def test_caps_that_are_none(cap):
    with pytest.raises(InvalidInput, match="max_cost must be dollars"):
        Budget(Caps(max_cost=cap))


# --- what is left


def test_what_is_left_counts_what_was_broken_off():
    spent = Spending(
        asked=10, reused=5, prompt_tokens=100, completion_tokens=20, cost=1.0, lost=2, lost_tokens=8
    )
    assert Caps(4.0, 1000, 20).left(spent) == Caps(3.0, 872, 8)
    assert Caps(0.5, 100, 11).left(spent) == Caps(0.0, 0, 0)
    assert Caps().left(spent) == Caps()


def test_of_an_unknown_spending_nothing_is_left():
    assert Caps(max_cost=4.0).left(Spending(asked=1, cost=None)) == Caps(max_cost=0.0)
