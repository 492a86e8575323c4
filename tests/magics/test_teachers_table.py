"""The table of teachers holds lines that work when they are typed."""

import re

import pytest

from tests.docs.pages import TEACHERS
from tracer_nb.magics.lines import read_line, split_line
from tracer_nb.teachers import SCHEMES
from tracer_nb.teachers.prices import parse_price, price_of
from tracer_nb.teachers.server import find_server

HEAD = "df.text --labels intents.txt"


def rows():
    table = TEACHERS.read_text(encoding="utf-8")
    table = table.split("<!-- teachers -->")[1].split("<!-- /teachers -->")[0]
    for line in table.strip().splitlines()[2:]:
        server, typed, note, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        yield pytest.param(typed.strip("`"), note, id=server.strip())


def test_the_table_is_there():
    names = {row.id for row in rows()}
    assert {"Ollama", "vLLM", "llama.cpp", "LM Studio", "OpenRouter", "LiteLLM proxy"} < names
    assert {"OpenAI", "Azure OpenAI", "Anthropic", "Gemini", "any-llm"} < names
    assert HEAD in TEACHERS.read_text(encoding="utf-8")


@pytest.mark.parametrize(("typed", "note"), list(rows()))
def test_a_line_of_the_table_can_be_typed(typed, note):
    line = read_line(split_line(f"{HEAD} {typed}"), cell=True)
    assert line.operand == "df.text"
    args = line.args
    scheme, _, model = args.teacher.partition(":")
    assert scheme in SCHEMES
    assert model
    if scheme == "anyllm":
        assert re.fullmatch(r"[a-z]+/\S+", model)
    server = find_server(args.base_url, {})
    # A variable that the note names is one whose key this server is given.
    if scheme == "openai":
        for variable in re.findall(r"\b[A-Z_]+_API_KEY\b", note):
            assert variable in server.variables
    if args.price is not None:
        parse_price(args.price)
    known = price_of(server.host, model) is not None
    assert known == ("price known" in note)
    assert known == (args.price is None)
