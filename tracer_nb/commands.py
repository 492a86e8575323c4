"""Commands on files: ``tracer_nb route``, ``drain`` and ``merge``."""

from __future__ import annotations

import argparse
import sys
import time

from tracer_nb.records import FileProgress, Progress
from tracer_nb.words import drained_lines, file_line, merged_lines, progress_line, routed_lines

__all__ = ["drain", "merge", "route"]

# Between two lines where no terminal shows them.
_PAUSE = 10.0


def route(arguments: list[str]) -> None:
    """Route a file that need not fit into memory: CSV, Parquet (also a folder), JSON lines."""
    parser = argparse.ArgumentParser(prog="tracer_nb route", description=route.__doc__)
    parser.add_argument(
        "file", help="what to route: .csv, .tsv, .jsonl (each also as .gz), .parquet, or a folder"
    )
    parser.add_argument("--router", required=True, metavar="FILE", help="a router that was saved")
    parser.add_argument("--out", required=True, metavar="FILE", help="what to write")
    parser.add_argument("--column", help="holds the texts (text, or the only one of text)")
    parser.add_argument("--target", type=float, help="one of the saved targets (the main one)")
    _store(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    options = parser.parse_args(arguments)
    from tracer_nb.steps.files.step import route_file  # noqa: PLC0415  after the options were read

    routed = route_file(
        options.file,
        options.router,
        options.out,
        column=options.column,
        target=options.target,
        store=options.store,
        overwrite=options.overwrite,
        on_progress=_Ticker(),
    )
    print(*routed_lines(routed), sep="\n")


def drain(arguments: list[str]) -> None:
    """Ask a router's teacher about the deferred texts that wait for it."""
    parser = argparse.ArgumentParser(prog="tracer_nb drain", description=drain.__doc__)
    parser.add_argument("--router", required=True, metavar="FILE", help="a router that was saved")
    parser.add_argument("--max-cost", type=float, help="hard cap in dollars")
    parser.add_argument("--max-tokens", type=int, help="hard cap on tokens")
    parser.add_argument("--max-rows", type=int, help="hard cap on texts asked")
    parser.add_argument("--price", help="IN,OUT: dollars per million tokens, where unknown")
    parser.add_argument("--concurrency", type=int, help="most requests at the same time (64)")
    _store(parser)
    options = parser.parse_args(arguments)
    from tracer_nb.steps.files.drain import drain as ask  # noqa: PLC0415  as above

    given = {"price": options.price, "concurrency": options.concurrency}
    drained = ask(
        options.router,
        store=options.store,
        max_cost=options.max_cost,
        max_tokens=options.max_tokens,
        max_rows=options.max_rows,
        on_progress=_Ticker(),
        **{name: value for name, value in given.items() if value is not None},
    )
    print(*drained_lines(drained), sep="\n")


def merge(arguments: list[str]) -> None:
    """Fill the answers that came since into a file that was routed."""
    parser = argparse.ArgumentParser(prog="tracer_nb merge", description=merge.__doc__)
    parser.add_argument("file", help="what tracer_nb route wrote: a file, or a folder of Parquet")
    parser.add_argument("--router", required=True, metavar="FILE", help="that routed it")
    parser.add_argument("--column", help="holds the texts (text, or the only one of text)")
    _store(parser)
    options = parser.parse_args(arguments)
    from tracer_nb.steps.files.merge import merge_file  # noqa: PLC0415  as above

    merged = merge_file(options.file, options.router, column=options.column, store=options.store)
    print(*merged_lines(merged), sep="\n")


def _store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", metavar="FILE", help="file of paid answers (.tracer_nb/labels.sqlite)"
    )


class _Ticker:
    """Shows progress on stderr: on one line of a terminal, and now and then elsewhere."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, progress: FileProgress | Progress) -> None:
        now = time.monotonic()
        if isinstance(progress, FileProgress):
            done, line = progress.share >= 1, file_line(progress)
        else:
            done, line = progress.done >= progress.total, progress_line(progress)
        if now < self._next and not done:
            return
        if sys.stderr.isatty():
            self._next = now + 0.2
            end = "\n" if done else ""
            print(f"\r\033[K{line}", end=end, flush=True, file=sys.stderr)
        else:
            self._next = now + _PAUSE
            print(line, flush=True, file=sys.stderr)
