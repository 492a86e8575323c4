"""The page of teachers says of each server what the table of manners says."""

from __future__ import annotations

from tests.docs.manners import between, manners_of, servers, written
from tests.docs.pages import TEACHERS
from tracer_nb.standin.manners import MANNERS

PAGE = TEACHERS.read_text(encoding="utf-8")


def test_the_page_is_as_the_table_of_manners_makes_it():
    assert written(PAGE) == PAGE, "python -m tests.docs.manners writes it again"


def test_every_server_of_the_teachers_table_that_has_manners_is_named_there_alike():
    named = {row[0] for row in servers(PAGE)[1:]}
    seen = {server for manner in MANNERS.values() for server in manner.who}
    # Reports are known of these at least; a name that is spelled otherwise would be lost.
    assert {"Anthropic", "Azure OpenAI", "Gemini", "Groq", "LiteLLM proxy", "LM Studio",
            "Mistral", "Ollama", "OpenRouter", "any-llm", "llama.cpp", "vLLM"} <= named & seen  # fmt: skip
    folded = {name.casefold().split()[0] for name in named}
    assert {s for s in seen if s.casefold().split()[0] in folded} <= named


def test_a_changed_table_would_be_noticed():
    assert written(PAGE.replace("| `streams` |", "| `flows` |", 1)) == PAGE
    assert manners_of("LM Studio") in PAGE
    assert manners_of("nobody") == "none"
    assert between(PAGE, "manners").count("\n") == len(MANNERS) + 2
