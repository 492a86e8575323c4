"""``tracer_nb serve``: what its line says, and what it begins."""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tracer_nb.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from tracer_nb.serve.teaching import Teachings

__all__ = ["TOKEN", "main"]

TOKEN = "TRACER_NB_TOKEN"  # noqa: S105  its name
"""Environment variable of the token that clients must send."""

_SHORTEST = 16


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises
    ------
    TracerError
        A router cannot be loaded, an option cannot be heeded, or the extra is not installed.
    """
    options = _parser().parse_args(arguments)
    try:
        from tracer_nb.serve.app import Service  # noqa: PLC0415  after the options were read
        from tracer_nb.serve.gate import is_loopback  # noqa: PLC0415
        from tracer_nb.serve.limits import Limits  # noqa: PLC0415
        from tracer_nb.serve.routers import Routers, parse_sources  # noqa: PLC0415
        from tracer_nb.serve.served import load_served  # noqa: PLC0415
        from tracer_nb.serve.server import Server, listen  # noqa: PLC0415
    except ImportError as error:
        if error.name is None or error.name.startswith("tracer_nb"):
            raise
        raise MissingExtra.for_package(error.name, "serve", "the service") from error
    token = _token(needed=not is_loopback(options.host))
    limits = Limits(
        body=_bytes(options.max_body),
        batch=options.max_batch,
        text=options.max_text,
        seconds=options.timeout,
        requests=options.max_requests,
    )
    sources, teachings = parse_sources(options.routers), _teachings(options)
    routers = Routers(sources, partial(load_served, teachings=teachings, store=options.store))
    service = Service(routers, limits, token, teachings)
    sock = listen(options.host, options.port)
    host, port = sock.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def begun() -> None:
        names = ", ".join(served.name for served in routers)
        line = f"tracer_nb serve: {names} at {address}, see {address}/docs; Ctrl-C ends it"
        print(line, flush=True)  # noqa: T201  what whoever started it waits for

    gc.collect()
    gc.freeze()  # what is loaded is not looked through again and again
    Server(service, begun).run([sock])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tracer_nb serve",
        description="Serve routers that were saved to files: POST /predict and /predict_batch, GET "
        "/health, /certificate, /metrics and /docs. A file that changes is loaded again, and "
        "SIGHUP loads all.",
    )
    add = parser.add_argument
    add("routers", nargs="+", metavar="[NAME=]FILE", help="a saved router; several by name")
    add(
        "--host",
        default="127.0.0.1",
        help=f"%(default)s: this machine only; any other needs a token in {TOKEN}",
    )
    add("--port", type=int, default=8080, help="0 takes a free one (%(default)s)")
    teacher = parser.add_argument_group("asking a teacher, whose answers are stored")
    add = teacher.add_argument
    add(
        "--teacher",
        metavar="SPEC",
        help="who answers deferred texts, as in %%tracer; by default nobody",
    )
    add("--max-cost", type=float, metavar="DOLLARS", help="hard cap while the service runs")
    add("--max-tokens", type=int, metavar="N", help="the same, of tokens")
    add("--max-rows", type=int, metavar="N", help="the same, of texts that are asked")
    add("--base-url", metavar="URL", help="of an OpenAI-compatible server")
    add("--price", metavar="IN,OUT", help="dollars per million tokens, where it is unknown")
    add("--store", metavar="FILE", help="of paid answers and audits (.tracer_nb/labels.sqlite)")
    add("--audit", type=float, metavar="RATE", help="chance of a handled text to be audited")
    add("--on-alarm", metavar="WHAT", help="defer (the default), stricter or tell")
    limits = parser.add_argument_group("limits, beyond which a request is refused")
    add = limits.add_argument
    add("--max-body", type=float, default=16.0, metavar="MB", help="of a request (%(default)g)")
    add("--max-batch", type=int, default=4096, metavar="N", help="rows (%(default)s)")
    add("--max-text", type=int, default=20_000, metavar="N", help="characters (%(default)s)")
    add("--timeout", type=float, default=30.0, metavar="SECONDS", help="of a request (%(default)g)")
    add("--max-requests", type=int, default=2048, metavar="N", help="at a time (%(default)s)")
    return parser


def _teachings(options: argparse.Namespace) -> Teachings | None:
    """Whoever is asked, if anybody."""
    from tracer_nb.serve.teaching import Teachings  # noqa: PLC0415  after the options were read
    from tracer_nb.steps.label.costs import make_caps  # noqa: PLC0415

    given = {name: getattr(options, name) for name in ("base_url", "price", "store")}
    caps = {name: getattr(options, name) for name in ("max_cost", "max_tokens", "max_rows")}
    about = {"rate": options.audit, "on_alarm": options.on_alarm}
    if options.teacher is None:
        others = {**given, **caps, **about, "store": None}  # whose audits are heeded anyway
        idle = [name for name, value in others.items() if value is not None]
        if idle:
            flag = "--audit" if idle[0] == "rate" else f"--{idle[0].replace('_', '-')}"
            raise InvalidInput(f"{flag} is about a teacher, and none is named; add --teacher")
        return None
    if options.on_alarm is not None and options.audit is None:
        raise InvalidInput("--on-alarm is about audits, and there are none; add --audit RATE")
    asked = {"teacher": options.teacher, **{k: v for k, v in given.items() if v is not None}}
    return Teachings(asked, make_caps(**caps), **about)


def _bytes(megabytes: float) -> int:
    if not 1e-6 <= megabytes <= 1e6:
        raise InvalidInput(f"--max-body must be megabytes above 0, got {megabytes:g}")
    return int(megabytes * 1e6)


def _token(*, needed: bool) -> str | None:
    token = os.environ.get(TOKEN)
    if token is None and not needed:
        return None
    if token is None:
        raise InvalidInput(
            f"a service that others can reach needs a token; set {TOKEN}, or leave --host out"
        )
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput(
            f"{TOKEN} must be {_SHORTEST} or more ASCII characters without spaces, got {len(token)}; "
            "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return token
