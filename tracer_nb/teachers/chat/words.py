"""What a server says about a failure, in plain words, whatever the shape of its body.

And what to do about the usual mistakes at the first contact with a server.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any
from urllib.parse import urljoin, urlsplit

from tracer_nb.teachers.server import Secret, Server

__all__ = [
    "about_absence",
    "about_form",
    "about_generation",
    "about_key",
    "about_moderation",
    "about_path",
    "about_redirect",
    "about_silence",
    "about_wrong_key",
    "error_in",
    "plain",
    "raw_words",
    "words_of",
]


_LONGEST = 20_000
_DEEPEST = 6
# Where servers put words, the most telling first.
_TELLING = ("message", "error", "detail", "msg", "errors", "error_description", "reason", "title")
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[@-_]?"
)
_PAGE = re.compile(r"<\s*(?:!doctype|html|head|body|title|h1)\b", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)\b[^<>]*>([^<]*)", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-z!?][^<>]*>", re.IGNORECASE | re.DOTALL)
_KEY = r"(?:api[ _-]?keys?|(?:access|auth|bearer|api)[ _-]?tokens?|credentials?|authentication)"
_WRONG = (
    r"(?:invalid|incorrect|wrong|bad|missing|expired|revoked|malformed|disabled|unknown|failed"
    r"|fails|required|no|not|didn.t)"
)
_WRONG_KEY = re.compile(
    rf"\b{_WRONG}\b[^.;]{{0,30}}\b{_KEY}\b|\b{_KEY}\b[^.;]{{0,30}}\b{_WRONG}\b"
    r"|unauthori[sz]ed|unauthenticated|invalid_api_key|api_key_invalid|authentication_error",
    re.IGNORECASE,
)
_MODERATED = re.compile(
    r"moderat|content.?filter|content.?(?:management.?)?polic|responsible.?ai|flagged"
    r"|safety (?:system|filter|polic|setting|reason)|usage polic|data.?inspection"
    r"|inappropriate|harmful|prohibited.?content|sensitive (?:content|words?)",
    re.IGNORECASE,
)
_ABOUT_FORM = re.compile(
    r"grammar|schema|json|tool|function|logprob|response.?format|structured|guided|template"
    r"|n.t support|not (?:supported|implemented|permitted|allowed)|unsupported|unimplemented|unknown"
    r"|extra (?:inputs|fields)",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"failed_generation|json_validate_failed|tool_use_failed|output_parse_failed"
    r"|(?:generated|model'?s?) (?:text|output|json|content|answer|response|completion|tool call)"
    r"[^.;]{0,40}(?:not (?:valid|match|conform|pars)|invalid|n.t (?:validate|match)|fail)"
    r"|failed to (?:generate|validate|parse) (?:\w+ ){0,2}(?:generat|output|completion|model)",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    r"""Text without escape sequences, control and invisible characters, and markup.

    Of a whole page of HTML its title, or its first heading, is what it says.

    >>> plain("\x1b[31mred\x1b[0m &amp; <b>bold</b>")
    'red & bold'
    >>> plain("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")
    '502 Bad Gateway'
    """
    text = _ESCAPES.sub("", text[:_LONGEST])
    text = _of_page(text) if _PAGE.search(text) else text
    text = _without_tags(html.unescape(_without_tags(text)))
    seen = (" " if c.isspace() else c for c in text if c.isspace() or _is_seen(c))
    return " ".join("".join(seen).split())


def words_of(body: object, depth: int = 0) -> str:
    """Words in the body of an error: "" where it holds none.

    >>> words_of({"detail": [{"loc": ["body", "response_format"], "msg": "not permitted"}]})
    'body.response_format: not permitted'
    >>> words_of([{"error": {"message": {"text": "no such model"}}}])
    'no such model'
    """
    if isinstance(body, str):
        return _of_text(body, depth)
    if depth >= _DEEPEST:
        return ""
    if isinstance(body, list):
        found = [words_of(part, depth + 1) for part in body[:5]]
        return "; ".join(dict.fromkeys(part for part in found if part))
    return _of_object(body, depth) if isinstance(body, dict) else ""


def raw_words(body: object) -> str:
    """Everything that a body holds, names and codes too, to look for a word in."""
    try:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""
    return text[:_LONGEST]


def about_wrong_key(said: str) -> bool:
    """Whether a key is missing or wrong, by what is said.

    >>> about_wrong_key("API key not valid. Please pass a valid API key."), about_wrong_key("no")
    (True, False)
    """
    return _WRONG_KEY.search(said) is not None


def about_moderation(said: str) -> bool:
    """Whether it was the text that the server did not like."""
    return _MODERATED.search(said) is not None


def about_form(said: str) -> bool:
    """Whether it may have been how the answer was asked for."""
    return _ABOUT_FORM.search(said) is not None


def about_generation(said: str) -> bool:
    """Whether it was one generated text that did not come out as the form wants it."""
    return _GENERATED.search(said) is not None


def _of_text(text: str, depth: int) -> str:
    text = text[:_LONGEST].strip()
    if text[:1] in ("{", "[") and depth < _DEEPEST:
        # Gateways put the error of the server behind them into theirs as text.
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return words_of(inner, depth + 1) or text
    return text


def _of_object(body: dict[str, Any], depth: int) -> str:
    said = next(filter(None, (words_of(body.get(name), depth + 1) for name in _TELLING)), "")
    if not said:
        others = (value for name, value in body.items() if name not in ("code", "type", "status"))
        said = next(filter(None, (words_of(v, depth + 1) for v in others if not _is_name(v))), "")
    place = body.get("loc")
    if said and isinstance(place, list):
        said = f"{'.'.join(str(part) for part in place[:6])}: {said}"
    more = body.get("metadata")
    if said and isinstance(more, dict):
        beside = [words_of(more.get(name), depth + 1) for name in ("raw", "reasons")]
        said = "; ".join(dict.fromkeys([said, *filter(None, beside)]))
    return said


def _is_name(value: object) -> bool:
    """Whether it is one word, such as an id, which tells nobody anything."""
    return isinstance(value, str) and " " not in value.strip()


def _of_page(page: str) -> str:
    titles = (match.group(2) for match in _TITLE.finditer(_UNSEEN.sub(" ", page)))
    return next((title for title in titles if title.strip()), page)


def _without_tags(text: str) -> str:
    return _TAG.sub(" ", _UNSEEN.sub(" ", text)) if "<" in text else text


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")


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
