import copy
import pickle

import pytest

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.teachers.server import Secret, find_key, find_server, redact

KEY = "sk-proj-abc123DEF"
OTHER = "http://localhost:11434/v1"


def key_for(base_url, environ, api_key=None):
    given = None if api_key is None else Secret(api_key)
    return find_key(find_server(base_url, environ), given, environ).value


def test_the_openai_key_goes_to_openai_and_to_the_address_it_is_paired_with():
    assert key_for(None, {"OPENAI_API_KEY": KEY}) == KEY
    assert key_for("https://eu.api.openai.com/v1", {"OPENAI_API_KEY": KEY}) == KEY
    paired = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": OTHER + "/"}
    assert key_for(OTHER, paired) == KEY
    assert key_for(None, paired) == KEY


@pytest.mark.parametrize(
    "base_url",
    [OTHER, "https://api.openai.com.evil.example/v1", "https://evil.example/api.openai.com"],
)
def test_the_openai_key_goes_to_nobody_else(base_url):
    assert key_for(base_url, {"OPENAI_API_KEY": KEY}) == "none"
    assert key_for(base_url, {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://x/v1"}) == "none"


def test_a_key_meant_for_the_server_is_used():
    assert key_for(OTHER, {"TRACER_NB_API_KEY": "mine", "OPENAI_API_KEY": KEY}) == "mine"
    assert key_for(OTHER, {"TRACER_NB_API_KEY": "mine"}, api_key="given") == "given"


def test_a_gateways_key_does_not_go_to_openai():
    both = {"TRACER_NB_API_KEY": "gateway", "OPENAI_API_KEY": KEY}
    assert key_for(None, both) == KEY
    assert key_for(None, both, api_key="given") == "given"
    assert key_for(OTHER, {**both, "OPENAI_BASE_URL": OTHER}) == "gateway"
    with pytest.raises(TeacherError, match="set OPENAI_API_KEY"):
        key_for(None, {"TRACER_NB_API_KEY": "gateway"})


@pytest.mark.parametrize(
    ("base_url", "variable"),
    [
        ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        ("https://api.anthropic.com/v1/", "ANTHROPIC_API_KEY"),
        ("https://mine.openai.azure.com/openai/v1/", "AZURE_OPENAI_API_KEY"),
    ],
)
def test_a_provider_s_own_variable_is_for_its_own_host_over_https(base_url, variable):
    environ = {variable: "own", "TRACER_NB_API_KEY": "gateway", "OPENAI_API_KEY": KEY}
    assert key_for(base_url, environ) == "own"
    assert key_for(base_url, {"TRACER_NB_API_KEY": "gateway"}) == "gateway"
    assert key_for(base_url, environ, api_key="given") == "given"
    plain = base_url.replace("https:", "http:")
    for other in (plain, OTHER, base_url.replace("https://", "https://evil.example/")):
        assert key_for(other, environ) == "gateway"


def test_a_key_knows_where_it_comes_from_and_is_false_when_there_is_none():
    server = find_server("https://openrouter.ai/api/v1", {})
    found = find_key(server, None, {"OPENROUTER_API_KEY": "k"})
    assert (bool(found), found.origin) == (True, "OPENROUTER_API_KEY")
    none = find_key(server, None, {})
    assert (bool(none), none.origin) == (False, "OPENROUTER_API_KEY")
    assert find_key(server, Secret("k", "typed"), {}).origin == "typed"
    local = find_server(OTHER, {})
    assert find_key(local, None, {}).origin == "TRACER_NB_API_KEY"


@pytest.mark.parametrize("url", ["http://api.openai.com/v1", "HTTP://eu.api.openai.com"])
def test_openai_without_https_is_refused_in_one_line(url):
    for base_url, environ in ((url, {}), (None, {"OPENAI_BASE_URL": url})):
        with pytest.raises(InvalidInput, match="https://") as caught:
            find_server(base_url, environ)
        assert "\n" not in str(caught.value)


def test_no_key_for_openai_is_one_clear_line():
    with pytest.raises(TeacherError, match="set OPENAI_API_KEY") as caught:
        key_for(None, {})
    assert "\n" not in str(caught.value)


def test_a_key_with_strange_characters_is_refused_without_showing_it():
    with pytest.raises(TeacherError) as caught:
        key_for(None, {"OPENAI_API_KEY": "sk-ключ"})
    assert "ключ" not in str(caught.value)


def test_a_key_does_not_show_itself():
    secret = Secret(KEY)
    assert KEY not in repr(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


@pytest.mark.parametrize(
    "message",
    [
        f"Incorrect API key provided: {KEY}. See the docs",
        "Incorrect API key provided: sk-proj-********3DEF",
        "Incorrect API key provided: my-c***m-key",
        f"Authorization: Bearer {KEY}",
        f"header x-api-key={KEY}!",
        "gsk_abcDEF123456 is unknown",
        "API key AIzaSyA1234567890abcdefghij not valid",
        f"GET https://gateway.example/v1?n=1&api_key={KEY}",
        f"proxy http://me:{KEY}@proxy.example:3128 said no",
    ],
)
def test_keys_are_taken_out_of_messages(message):
    shown = Secret(KEY).redact(message)
    assert "***" in shown
    for part in (KEY, "sk-proj", "3DEF", "my-c", "gsk_", "AIza"):
        assert part not in shown


def test_ordinary_messages_stay():
    message = "risk-free model 'none' not found: try again"
    assert Secret("none").redact(message) == message
    assert redact(message) == message


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://host/v1", "http://", "http://[::1", "x"])
def test_addresses_that_are_none(url):
    with pytest.raises(InvalidInput, match="base_url"):
        find_server(url, {})


def test_a_password_in_the_address_is_refused_without_showing_it():
    with pytest.raises(InvalidInput) as caught:
        find_server("http://me:hunter2@host/v1", {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://gateway.example:8443/v1/?key=hunter2",
        "gateway.example/v1?key=hunter2",
        "me:hunter2@gateway.example/v1",
        "http://me:hunter2@gateway.example/v1?key=hunter2",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_without_showing_it(url):
    for base_url, environ in ((url, {}), (None, {"OPENAI_BASE_URL": url})):
        with pytest.raises(InvalidInput, match="base_url") as caught:
            find_server(base_url, environ)
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_environments_own_keys_are_taken_out_of_messages(monkeypatch):
    monkeypatch.setenv("SOME_PROVIDERS_API_KEY", "wombat-4711")
    monkeypatch.setenv("SHORT_TOKEN", "the")
    assert redact("no such thing: wombat-4711 is the key") == "no such thing: *** is the key"


def test_only_loopback_is_local():
    assert find_server("http://127.0.0.1:8000/v1", {}).is_local
    assert find_server("http://[::1]:8000/v1", {}).is_local
    assert not find_server("http://127.0.0.1.example/v1", {}).is_local
