"""What a server says about a failure, in plain words, whatever the shape of its body."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

__all__ = [
    "about_form",
    "about_generation",
    "about_moderation",
    "about_wrong_key",
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
