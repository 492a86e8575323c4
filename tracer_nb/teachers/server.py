"""Which server a chat teacher talks to, and which key that server may see.

And how long a reply of it is waited for: as long as its replies take, if nobody said.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tracer_nb.errors import InvalidInput, TeacherError

__all__ = [
    "CONNECT_SECONDS",
    "LONGEST",
    "OPENAI_HOST",
    "OWN_VARIABLE",
    "Patience",
    "Secret",
    "Server",
    "as_secret",
    "find_key",
    "find_server",
    "hide_key",
    "public_address",
    "read_key",
    "redact",
]


CONNECT_SECONDS = 10.0
"""Most that making a connection may take."""

OPENAI_HOST = "api.openai.com"
OWN_VARIABLE = "TRACER_NB_API_KEY"
"""Environment variable with the key of a server that has no variable of its own."""

_NO_KEY = "none"
# Variables that the providers' own documentation names; their keys go to that host alone.
_VARIABLES = {
    OPENAI_HOST: "OPENAI_API_KEY",
    "api.anthropic.com": "ANTHROPIC_API_KEY",
    "api.groq.com": "GROQ_API_KEY",
    "api.mistral.ai": "MISTRAL_API_KEY",
    "generativelanguage.googleapis.com": "GEMINI_API_KEY",
    "openai.azure.com": "AZURE_OPENAI_API_KEY",
    "openrouter.ai": "OPENROUTER_API_KEY",
}
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
# Shapes of keys that are not ours but that a server may echo, whole or half masked.
_KEY_SHAPES = re.compile(
    r"\bsk-[\w*.…-]+|\bgsk_\w{8,}|\bAIza[\w-]{20,}"
    r"|(?<=Bearer )\S+|(?<=Basic )[\w+/-]{16,}=*|(?<=key provided: )\S+|(?<=key: )\S+"
    r"|(?<=://)[^/\s@]+(?=@)"
    r"|(?<=[?&])[\w-]*(?:key|token|secret|signature|password)=[^&\s'\"]+",
    re.IGNORECASE,
)
_SECRET_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHORTEST = 8


def redact(message: str) -> str:
    """Take whatever looks like a key, and the environment's keys, out of a message.

    >>> redact("401 for https://me:pass@host/v1?api_key=abc&n=1, key: xyz")
    '401 for https://***@host/v1?***&n=1, key: ***'
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET_NAMES.search(name):
            message = message.replace(value, "***")
    return _KEY_SHAPES.sub("***", message)


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go.

    Attributes
    ----------
    url : str
        As it is called.
    shown : str
        As it is written in messages, and stored with answers.
    host : str
        What prices go by; empty for what is not reached by an address.
    variables : tuple of str
        Environment variables that may hold a key meant for this server; the first that is set
        counts.
    is_openai, is_local : bool
    is_paired : bool
        Whether ``OPENAI_API_KEY``, and whatever else the environment says for OpenAI's
        client, is meant for this server.
    """

    url: str
    shown: str
    host: str
    variables: tuple[str, ...]
    is_openai: bool
    is_local: bool
    is_paired: bool


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that does not show itself: not in ``repr``, not in a message, not in a pickle.

    Attributes
    ----------
    value : str
    origin : str
        Where it comes from: the name of a variable, "given" by a script, or "typed". Where
        there is none (the secret is false), the variable that it was looked for in, if any.
    """

    value: str = field(repr=False)
    origin: str = "given"

    def __bool__(self) -> bool:
        return self.value not in ("", _NO_KEY)

    def redact(self, message: str) -> str:
        """Take the key, and whatever looks like one, out of a message.

        >>> Secret("my-key-123").redact("bad key my-key-123, not sk-abc***yz")
        'bad key ***, not ***'
        """
        if self:
            message = message.replace(self.value, "***")
        return redact(message)

    def redact_bytes(self, body: bytes) -> bytes:
        """Take the key, and nothing else, out of a body."""
        return body.replace(self.value.encode(), b"***") if self else body

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


def read_key(text: str, origin: str) -> Secret:
    """A key as it was written somewhere, without the blanks around it.

    Raises
    ------
    TeacherError
        It holds characters that cannot be sent.
    """
    secret = Secret(text.strip() or _NO_KEY, origin)
    del text  # a verbose traceback would show it
    if not (secret.value.isascii() and secret.value.isprintable()):
        raise TeacherError("the API key holds characters no key has; copy it again")
    return secret


def as_secret(key: str | Secret | None) -> Secret | None:
    """A key as it is given to a teacher; an empty one is none.

    Raises
    ------
    InvalidInput
        It is no text; what it is instead is not shown.
    """
    if key is None or isinstance(key, Secret):
        return key
    if not isinstance(key, str):
        raise InvalidInput(
            f"api_key must be text, got something of type {type(key).__name__}; "
            "leave it out to take the key from the environment"
        )
    return Secret(key) if key.strip() else None


def hide_key(options: dict[str, Any]) -> None:
    """Put a key among a teacher's options out of the sight of tracebacks that show variables."""
    if "api_key" in options:
        options["api_key"] = as_secret(options["api_key"])


def find_server(base_url: str | None, environ: Mapping[str, str] | None = None) -> Server:
    """Server at ``base_url``; else at ``OPENAI_BASE_URL``; else OpenAI's own.

    Raises
    ------
    InvalidInput
        The address is not http or https with a host, or holds a password or a query; or it is
        OpenAI's without https, which would show the key to everyone on the way.
    """
    ambient = _ambient("OPENAI_BASE_URL", environ)
    url = (base_url or ambient or "").strip()
    if not url:
        url = f"https://{OPENAI_HOST}/v1"
    shown, host = _public_part(url)
    is_openai = _is_of(host, OPENAI_HOST)
    is_safe = shown.startswith("https:")
    if is_openai and not is_safe:
        raise InvalidInput(
            f"base_url of OpenAI must begin with https://, because a key is sent there; got {shown}"
        )
    is_paired = is_openai or url.rstrip("/") == ambient.rstrip("/")
    own = tuple(name for owner, name in _VARIABLES.items() if is_safe and _is_of(host, owner))
    if not is_openai:
        own = (*own, OWN_VARIABLE, *(["OPENAI_API_KEY"] if is_paired else []))
    return Server(
        url,
        shown,
        host,
        own,
        is_openai=is_openai,
        is_local=bool(_LOOPBACK.fullmatch(host)),
        is_paired=is_paired,
    )


def _is_of(host: str, owner: str) -> bool:
    return host == owner or host.endswith(f".{owner}")


def public_address(url: str) -> str:
    """An address as it is shown.

    Raises
    ------
    InvalidInput
        It is none, or holds a password or a query.
    """
    return _public_part(url)[0]


def _public_part(url: str) -> tuple[str, str]:
    """Address as it is shown, and the host alone."""
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
    if "?" in url:
        # The SDK would put the path behind the query, and write both into its log.
        raise InvalidInput(
            f"base_url must end before the question mark, got {url.partition('?')[0]}?…; give a "
            "key as api_key or in TRACER_NB_API_KEY"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInput(
            "base_url must be an address such as http://localhost:11434/v1, got "
            f"{redact(url.rpartition('@')[2])!r}"
        )
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return f"{parts.scheme}://{netloc}{parts.path}".rstrip("/"), host


def find_key(
    server: Server, given: Secret | None, environ: Mapping[str, str] | None = None
) -> Secret:
    """Key for ``server``: the one given, or the environment's that is meant for it.

    A host whose provider has a variable of its own is given that one's key, over https.
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
    if given is not None:
        return read_key(given.value, given.origin)
    for variable in server.variables:
        secret = read_key(_ambient(variable, environ), variable)
        if secret:
            return secret
    if server.is_openai:
        raise TeacherError(
            "no API key for OpenAI: set OPENAI_API_KEY, add --ask-key to type one, or name "
            "another server with base_url"
        )
    return Secret(_NO_KEY, server.variables[0] if server.variables else "")


def _ambient(name: str, environ: Mapping[str, str] | None) -> str:
    # Not a default of the functions above: a traceback would show the whole environment.
    return ((os.environ if environ is None else environ).get(name) or "").strip()


def _is_cancelled_besides(task: Any) -> bool:
    """Whether somebody else, too, has cancelled a task that was cancelled here once."""
    # Python 3.10 does not count: then a stop in this very moment waits for the next one.
    return hasattr(task, "uncancel") and task.uncancel() > 0


T = TypeVar("T")

LONGEST = 3600.0
"""Seconds after which a reply is given up in any case."""
_FIRST = 300.0
_LEAST = 60.0
# Where requests wait in line each waits longer than the one before, by the time of one answer.
_TIMES = 5.0


class Patience:
    """Waits for replies, and cancels none that this server may still be working at.

    A request that was given up is mostly answered, and billed, all the same, and is then sent
    and paid once more. So a server that has not answered yet gets five minutes (it may be loading
    its model); then five times the longest wait that ended well, and a minute at least, which
    holds for the requests under way, too. One that was given up doubles the wait of the others:
    the server may have become slower.

    Parameters
    ----------
    timeout : float, optional
        Seconds to wait for a reply: exactly these, and as many, up to ten, for the connection.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self.timeout = timeout
        self._given_up = LONGEST
        self._least = _FIRST
        self._slowest: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds in which a reply must be complete, making the connection included."""
        if self.timeout is not None:
            return self.timeout + min(self.timeout, CONNECT_SECONDS)
        seen = 0.0 if self._slowest is None else _TIMES * self._slowest
        return min(LONGEST, max(self._least, seen))

    @property
    def said(self) -> float:
        """Seconds that are named when a reply is given up."""
        return self._given_up if self.timeout is None else self.timeout

    async def wait(self, reply: Awaitable[T]) -> T:
        """Wait for a reply.

        Raises
        ------
        TimeoutError
            It did not come in time, and was cancelled.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        sent = loop.time()
        overdue = False

        def look() -> None:
            nonlocal overdue
            left = sent + self.seconds - loop.time()
            if left > 0:
                # Not all of it at once: others may meanwhile show how fast the server is.
                looks[0] = loop.call_later(min(left, _LEAST / 4), look)
            elif task is not None:
                overdue = True
                task.cancel()

        looks = [loop.call_later(min(self.seconds, _LEAST / 4), look)]
        try:
            # In this task, which is cancelled when it is time: another one for every request
            # took a twentieth of what a client does for an answer.
            result = await reply
        except asyncio.CancelledError:
            if not overdue or _is_cancelled_besides(task):
                raise
            self._give_up(loop.time() - sent)
            raise asyncio.TimeoutError from None
        finally:
            looks[0].cancel()
        self._take_in(loop.time() - sent)
        return result

    def _take_in(self, seconds: float) -> None:
        if self._slowest is None:
            self._least = _LEAST
        self._slowest = max(self._slowest or 0.0, seconds)

    def _give_up(self, seconds: float) -> None:
        self._given_up = round(seconds, 1)
        self._least = min(LONGEST, max(self._least, 2 * seconds))
