"""Run a stand-in teacher from the command line: ``python -m tracer_nb.standin``."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tracer_nb.datasets import load
from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.standin.batches import BatchRules
from tracer_nb.standin.faults import KINDS, Faults
from tracer_nb.standin.manners import MANNERS
from tracer_nb.standin.server import serve

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.show_manners:
        _show_manners()
        return
    try:
        table = _table(args.data, args.text_column, args.label_column)
        standin = serve(
            table,
            latency=args.latency,
            jitter=args.jitter,
            wrong=args.wrong,
            faults=Faults(
                **{kind: getattr(args, kind) for kind in KINDS},
                retry_after=args.retry_after,
                stall_seconds=args.stall_seconds,
                first_attempts=args.first_attempts,
            ),
            manners=args.manners,
            turn=args.turn,
            batches=BatchRules(polls=args.batch_polls),
            seed=args.seed,
            api_key=args.api_key,
            host=args.host,
            port=args.port,
        )
    except TracerError as error:
        parser.error(str(error))
    try:
        with standin:
            key = args.api_key or "stand-in"
            print(f"stand-in teacher: {len(table):,} rows, {table['label'].nunique()} labels")
            print(standin.base_url)
            print(f"use it with: OPENAI_BASE_URL={standin.base_url} OPENAI_API_KEY={key}")
            print("Ctrl-C stops it", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:  # it can come as soon as the lines are out
        print(f"\nanswered {standin.requests:,} requests")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracer_nb.standin",
        description="A local server that speaks the chat-completions protocol and answers "
        "with the labels of a data set. It is not a language model.",
    )
    add = parser.add_argument
    add("--data", default="support", help="support, banking77 or a CSV file (%(default)s)")
    add("--text-column", default="text", help="of a CSV file (%(default)s)")
    add("--label-column", default="label", help="of a CSV file (%(default)s)")
    add("--host", default="127.0.0.1", help="%(default)s: this machine only")
    add("--port", type=int, default=0, help="a free one by default")
    add("--api-key", help="refuse requests without this key")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    add("--jitter", action="store_true", help="vary the latency")
    add("--wrong", type=float, default=0.0, metavar="SHARE", help="of texts labelled wrongly")
    add("--seed", type=int, default=0, help="decides wrong answers, faults and latencies")
    add(
        "--manners",
        default="",
        metavar="NAME,...",
        help="behave as some real server does; several names take turns",
    )
    add("--turn", type=int, default=20, metavar="N", help="requests until the next manner's turn")
    add("--show-manners", action="store_true", help="print every manner, and end")
    add("--batch-polls", type=int, default=1, metavar="N", help="until a batch is done")
    group = parser.add_argument_group("faults", "each is a share of requests, 0.05 for 5 %")
    for kind in KINDS:
        group.add_argument(f"--{kind.replace('_', '-')}", type=float, default=0.0, metavar="SHARE")
    group.add_argument("--retry-after", type=float, metavar="SECONDS", help="of a 429")
    group.add_argument("--stall-seconds", type=float, default=5.0, metavar="SECONDS")
    group.add_argument(
        "--first-attempts", type=int, metavar="N", help="of a text only, so that retries succeed"
    )
    return parser


def _show_manners() -> None:
    for manner in MANNERS.values():
        seen = f" ({', '.join(manner.who)})" if manner.who else ""
        print(f"{manner.name}: {manner.does}{seen}")


def _table(data: str, text_column: str, label_column: str) -> pd.DataFrame:
    """Load a data set by name, or a CSV file by path."""
    path = Path(data)
    if path.suffix.lower() != ".csv":
        return load(data)
    try:
        table: pd.DataFrame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read {data} ({error}); give a CSV file") from error
    for column in (text_column, label_column):
        if column not in table.columns:
            raise InvalidInput.unknown_name("column", column, table.columns)
    chosen: pd.DataFrame = table[[text_column, label_column]].set_axis(["text", "label"], axis=1)
    return chosen


if __name__ == "__main__":
    main()
