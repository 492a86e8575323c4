"""What to do about the usual mistakes at the first contact with a server."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from tracer_nb.teachers.server import Secret, Server
from tracer_nb.teachers.words import words_of

__all__ = [
    "about_absence",
    "about_key",
    "about_path",
    "about_redirect",
    "about_silence",
    "error_in",
]

_OLLAMA = 11434
# Ports on which local servers listen when nobody says otherwise, and how each is started.
_STARTED_BY = {
    1234: "LM Studio is started with: lms server start",
    4000: "a LiteLLM proxy is started with: litellm --config FILE",
    8000: "vLLM is started with: vllm serve MODEL",
    8080: "llama.cpp is started with: llama-server -m FILE",
    _OLLAMA: "Ollama is started with: ollama serve",
}
_VERSIONED = re.compile(r"/(v\d|openai)")


def about_silence(server: Server, cause: str) -> str:
    """What to do when no connection could be made; ``cause`` is what the client said."""
    if "certificate" in cause.lower():
        return "its certificate is not trusted here"
    if server.shown.startswith("https:") and "[ssl:" in cause.lower():
        address = server.shown.replace("https:", "http:", 1)
        return f"it does not speak https there: is it {address}?"
    start = _STARTED_BY.get(urlsplit(server.shown).port or 0)
    if server.is_local and start:
        return f"{start}. Is it running, and is base_url right?"
    return "is the server running, and is base_url right?"


def about_path(server: Server) -> str | None:
    """What to do about an address that has no part such as ``/v1``; None when it has one."""
    if not server.url or _VERSIONED.search(urlsplit(server.shown).path):
        return None
    return f"base_url usually ends in /v1: try {server.shown}/v1"


def about_absence(server: Server, model: str, said: str) -> str:
    """One line about a 404; ``said`` is the server's own word for it."""
    where = server.shown
    if re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w.-])", said):
        is_ollama = "pull" in said or urlsplit(where).port == _OLLAMA
        do = f"get it with: ollama pull {model}" if is_ollama else "check the model's name"
        return f"{where} has no model {model!r} ({said}); {do}"
    path = about_path(server)
    if path is not None:
        return f"{where} is no chat-completions address ({said}); {path}"
    return (
        f"{where} has no model {model!r}, or is no chat-completions address ({said}); check the "
        "model's name and base_url"
    )


def about_key(server: Server, secret: Secret, said: str) -> str:
    """One line about a key that is missing, or that the server refused."""
    if not secret:
        variable = f"set {secret.origin}, or " if secret.origin else ""
        return f"{server.shown} wants an API key ({said}); {variable}add --ask-key to type one"
    check = {"typed": "type it again", "given": "check api_key"}
    return (
        f"{server.shown} refused the API key ({said}); "
        f"{check.get(secret.origin, f'check {secret.origin}')}"
    )


def about_redirect(server: Server, response: Any) -> str:
    """One line about a redirect to another server, or one that drops the request's body."""
    asked = str(response.request.url)
    try:
        there = urljoin(asked, response.headers.get("location", ""))
        parts = urlsplit(there)
        netloc = parts.netloc.rpartition("@")[2]
    except ValueError:
        there, netloc, parts = asked, "", urlsplit(asked)
    if there == asked or not netloc or parts.scheme not in ("http", "https"):
        return f"{server.shown} answers with a redirect to nowhere ({response.status_code})"
    end = urlsplit(asked).path.removeprefix(urlsplit(server.url).path.rstrip("/"))
    path = parts.path.removesuffix("/").removesuffix(end)
    return (
        f"{server.shown} redirects to {parts.scheme}://{netloc}{path}, which was not followed: key "
        "and texts go nowhere else; if that is the right server, give its address as base_url"
    )


def error_in(body: bytes) -> str | None:
    """The error that a server put into a reply which it called a success; None for others."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list):
        value = next((part for part in value if isinstance(part, dict)), None)
    if not isinstance(value, dict):
        return None
    error = next((value[name] for name in ("error", "errors", "detail") if value.get(name)), None)
    return words_of(error) or None
