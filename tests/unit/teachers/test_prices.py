import re
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.teachers.chat.costs import MAX_REPLIES, Costs
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.prompt import ChatPrompt
from tracer_nb.teachers.prices import PRICES, Price, parse_price, price_of

PROMPT = ChatPrompt("Choose.", ("a", "b"))
FORMS = make_forms(PROMPT.labels, PROMPT.schema, "auto", logprobs=False)


OPENAI = "api.openai.com"


@pytest.mark.parametrize(
    ("host", "model", "figures"),
    [
        (OPENAI, "gpt-5", (1.25, 10)),
        (OPENAI, "gpt-5-nano-2025-08-07", (0.05, 0.40)),
        (OPENAI, "gpt-4.1-mini", (0.40, 1.60)),
        (OPENAI, "gpt-4o-mini-2024-07-18", (0.15, 0.60)),
        # What it writes to its cache costs 1.25 times as much: a bound stands on that.
        (OPENAI, "gpt-6-luna", (0.125, 0.50)),
        # An older version with a price of its own.
        (OPENAI, "gpt-4o-2024-05-13", (5, 15)),
        ("api.anthropic.com", "claude-haiku-4-5-20251001", (1, 5)),
        ("api.groq.com", "openai/gpt-oss-20b", (0.075, 0.30)),
    ],
)
def test_known_models(host, model, figures):
    price = price_of(host, model)
    assert (price.input, price.output) == figures
    assert "2026" in price.source


@pytest.mark.parametrize("model", ["gpt-5-mini-turbo", "gpt-7", "llama3", "gpt-4o-2024", ""])
def test_an_unknown_model_has_no_price(model):
    assert price_of(OPENAI, model) is None


@pytest.mark.parametrize(
    "host",
    ["openrouter.ai", "eu.api.openai.com", "mine.openai.azure.com", "127.0.0.1", "localhost", ""],
)
def test_another_host_has_no_price_of_openai_s_even_for_its_models(host):
    assert price_of(OPENAI, "gpt-5-mini") is not None
    assert price_of(host, "gpt-5-mini") is None


@pytest.mark.parametrize(
    ("host", "model"), [(host, model) for host, models in PRICES.items() for model in models]
)
def test_the_table_is_in_order(host, model):
    price = PRICES[host][model]
    assert 0 < price.input <= price.output
    months = "January|February|March|April|May|June|July|August|September|October|November|December"
    assert re.search(rf"\b({months}) 20\d\d\b", price.source)
    # Whoever reads the figure learns that a discount was left out, or that it is the dearer one.
    assert re.search("without discounts|as if all were written to the cache", price.source)
    assert not model.endswith("latest")


def test_prices_are_read():
    assert parse_price(" 0.25, 2 ") == Price(0.25, 2.0)
    assert parse_price("0,0").of(10**6, 10**6) == 0


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "nan,1", "1,inf", "$1,$2"])
def test_what_is_no_price(text):
    with pytest.raises(InvalidInput, match="IN,OUT"):
        parse_price(text)


def test_the_bound_covers_all_replies_with_a_token_for_every_byte():
    costs = Costs(PROMPT, FORMS, Price(1.0, 10.0), 100, thinks=False)
    text = "wörter" * 50
    request = max(
        sum(len(m["content"].encode()) for m in PROMPT.repair(text, form, "é" * 9999))
        for form in FORMS
    )
    assert costs.bound(text) >= MAX_REPLIES * (request * 1.0 + 100 * 10.0) / 1e6
    assert costs.bound(text) <= 2 * MAX_REPLIES * (request * 1.0 + 100 * 10.0) / 1e6


def test_without_a_price_there_are_tokens_and_no_dollars():
    costs = Costs(PROMPT, FORMS, None, 100, thinks=False)
    assert costs.bound("x") is None
    assert costs.dollars(10, 10) is None
    prompt_tokens, answer_tokens = costs.tokens("x")
    assert 50 < prompt_tokens < 300
    assert 0 < answer_tokens <= 100


def test_models_that_think_are_expected_to_use_more_tokens():
    plain = Costs(PROMPT, FORMS, None, 1024, thinks=False).tokens("x")[1]
    assert Costs(PROMPT, FORMS, None, 1024, thinks=True).tokens("x")[1] > 10 * plain


def test_examples_are_in_the_bound_and_in_the_estimate():
    pool = {f"example {i} " + "long " * i: "ab"[i % 2] for i in range(40)}
    shown = ChatPrompt("Choose.", ("a", "b"), examples=pool, n_examples=3)
    costs = Costs(shown, FORMS, Price(1.0, 10.0), 100, thinks=False)
    plain = Costs(PROMPT, FORMS, Price(1.0, 10.0), 100, thinks=False)
    text = "example 39 " + "long " * 39
    request = max(
        sum(len(m["content"].encode()) for m in shown.repair(text, form, "é" * 9999))
        for form in FORMS
    )
    assert costs.bound(text) >= MAX_REPLIES * (request * 1.0 + 100 * 10.0) / 1e6
    assert costs.tokens("x")[0] > plain.tokens("x")[0] + 30


def listing(*models, pattern=r"https://api\.example\.com"):
    """A snapshot of genai-prices with one provider."""
    provider = SimpleNamespace(api_pattern=pattern, models=models)
    return lambda: SimpleNamespace(providers=[provider])


def listed(name="m", **figures):
    return SimpleNamespace(id=name, prices=SimpleNamespace(**figures))


def test_the_listing_of_a_package_is_asked_where_the_own_one_says_nothing(monkeypatch):
    model = listed(input_mtok=Decimal("0.5"), output_mtok=Decimal(2))
    monkeypatch.setattr("genai_prices.data_snapshot.get_snapshot", listing(model))
    found = price_of("api.example.com", "m-2026-01-31")
    assert (found.input, found.output) == (0.5, 2.0)
    assert found.source.startswith("genai-prices ")
    assert price_of("api.openai.com", "gpt-5-mini").source.startswith("OpenAI's price list")
    assert price_of("api.example.com", "m-large") is None
    assert price_of("api.example.com.elsewhere.org", "m") is None
    assert price_of("localhost", "m") is None


@pytest.mark.parametrize(
    ("figures", "price"),
    [
        ({"input_mtok": 1, "output_mtok": 2, "cache_write_mtok": 1.25}, (1.25, 2)),
        ({"input_mtok": 1, "output_mtok": None}, None),
        ({"input_mtok": object(), "output_mtok": 2}, None),  # by the length of the prompt
    ],
)
def test_a_listed_price_is_the_dearest_one_or_none(monkeypatch, figures, price):
    monkeypatch.setattr("genai_prices.data_snapshot.get_snapshot", listing(listed(**figures)))
    found = price_of("api.example.com", "m")
    assert (found and (found.input, found.output)) == price


def test_a_listed_price_that_depends_on_the_hour_is_none(monkeypatch):
    model = SimpleNamespace(id="m", prices=[object(), object()])
    monkeypatch.setattr("genai_prices.data_snapshot.get_snapshot", listing(model))
    assert price_of("api.example.com", "m") is None


def test_without_the_package_a_price_is_unknown(monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.prices.find_spec", lambda _: None)
    assert price_of("api.openai.com", "gpt-4-turbo") is None
