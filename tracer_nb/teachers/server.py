"""Which server a chat teacher talks to, and which key that server may see."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tracer_nb.errors import InvalidInput, TeacherError

__all__ = ["Secret", "Server", "find_key", "find_server", "redact"]

_OPENAI_HOST = "api.openai.com"
_NO_KEY = "none"
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
# Shapes of keys that are not ours but that a server may echo, whole or half masked.
_KEY_SHAPES = re.compile(
    r"\bsk-[\w*.…-]+|(?<=Bearer )\S+|(?<=key provided: )\S+|(?<=key: )\S+", re.IGNORECASE
)


def redact(message: str) -> str:
    """Take whatever looks like a key out of a message."""
    return _KEY_SHAPES.sub("***", message)


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go.

    ``shown`` is the address without its query, which may hold a key. ``is_paired`` says that
    ``OPENAI_API_KEY`` is meant for this server.
    """

    url: str = field(repr=False)
    shown: str
    is_openai: bool
    is_local: bool
    is_paired: bool


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that does not show itself: not in ``repr``, not in a message, not in a pickle."""

    value: str = field(repr=False)

    def redact(self, message: str) -> str:
        """Take the key, and whatever looks like one, out of a message.

        >>> Secret("my-key-123").redact("bad key my-key-123, not sk-abc***yz")
        'bad key ***, not ***'
        """
        if self.value != _NO_KEY:
            message = message.replace(self.value, "***")
        return redact(message)

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


def find_server(base_url: str | None, environ: Mapping[str, str] = os.environ) -> Server:
    """Server at ``base_url``; else at ``OPENAI_BASE_URL``; else OpenAI's own.

    Raises
    ------
    InvalidInput
        The address is not http or https with a host, or holds a password; or it is OpenAI's
        without https, which would show the key to everyone on the way.
    """
    ambient = (environ.get("OPENAI_BASE_URL") or "").strip()
    url = (base_url or ambient or "").strip()
    if not url:
        url = f"https://{_OPENAI_HOST}/v1"
    shown, host = _public_part(url)
    is_openai = host == _OPENAI_HOST or host.endswith("." + _OPENAI_HOST)
    if is_openai and not shown.startswith("https:"):
        raise InvalidInput(
            f"base_url of OpenAI must begin with https://, because a key is sent there; got {shown}"
        )
    return Server(
        url,
        shown,
        is_openai=is_openai,
        is_local=bool(_LOOPBACK.fullmatch(host)),
        is_paired=is_openai or url.rstrip("/") == ambient.rstrip("/"),
    )


def _public_part(url: str) -> tuple[str, str]:
    """Address without its query, and the host alone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if "@" in parts.netloc:
        raise InvalidInput(
            f"base_url must not hold a user name or password (host {host!r}); give a key as "
            "api_key or in TRACER_NB_API_KEY"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInput(
            f"base_url must be an address such as http://localhost:11434/v1, got {redact(url)!r}"
        )
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return f"{parts.scheme}://{netloc}{parts.path}".rstrip("/"), host


def find_key(
    server: Server, api_key: str | None, environ: Mapping[str, str] = os.environ
) -> Secret:
    """Key for ``server``: the one given, or the environment's that is meant for it.

    OpenAI itself gets ``OPENAI_API_KEY`` only. Every other server gets ``TRACER_NB_API_KEY``,
    which may be a gateway's key and is none of OpenAI's business, or else what follows.
    ``OPENAI_API_KEY`` goes to OpenAI, and to the address in ``OPENAI_BASE_URL``, where the
    user has paired the two; never to another ``base_url``, which would hand a paid key to
    whoever runs that server. Such a server gets the key that was meant for it, or the
    word "none", which local servers accept.

    Raises
    ------
    TeacherError
        The server needs a key and there is none, or the key cannot be sent.
    """
    key = api_key
    if not key and not server.is_openai:
        key = environ.get("TRACER_NB_API_KEY")
    if not key and server.is_paired:
        key = environ.get("OPENAI_API_KEY")
    key = (key or "").strip()
    if not key and server.is_openai:
        raise TeacherError(
            "no API key for OpenAI: set OPENAI_API_KEY, or name another server with base_url"
        )
    if not (key.isascii() and key.isprintable()):
        raise TeacherError("the API key holds characters no key has; copy it again")
    return Secret(key or _NO_KEY)
