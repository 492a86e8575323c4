import math

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.teachers import Price, make_teacher, parse_price

LABELS = ["a", "b"]


@pytest.mark.parametrize(
    "option",
    [
        *({"votes": v} for v in ("x", 0, 1.5, math.nan, math.inf, True, None)),
        *({"concurrency": v} for v in ("x", 0, 1.5)),
        *({"max_answer_tokens": v} for v in ("x", 0, None)),
        *({"n_examples": v} for v in ("x", -1, 0.5)),
        *({"max_retries": v} for v in ("x", -1, 0.5)),
        *({"timeout": v} for v in ("x", -1, math.nan)),
        *({"requests_per_minute": v} for v in ("x", 0, math.inf, True)),
        *({"base_url": v} for v in (5, b"http://localhost/v1")),
        {"reasoning_effort": 5},
    ],
)
def test_an_option_of_the_wrong_kind_is_told_in_one_line(option):
    (name,) = option
    with pytest.raises(InvalidInput, match=f"^{name} must be ") as caught:
        make_teacher("openai:m", LABELS, "Choose.", **option)
    assert "\n" not in str(caught.value)


def test_a_prompt_is_text():
    with pytest.raises(InvalidInput, match="prompt must be text, got 5"):
        make_teacher("openai:m", LABELS, 5)


@pytest.mark.parametrize("given", ["1", "x", "-1,2", "1,nan", (1, -2), 3])
def test_a_price_of_the_wrong_kind_is_told_by_its_name(given):
    with pytest.raises(InvalidInput, match=r"^batch_price must be IN,OUT in dollars"):
        parse_price(given, "batch_price")


def test_a_price_stays_what_it_is():
    assert parse_price(Price(1.0, 2.0)) == Price(1.0, 2.0)
