"""What a labelling goes through when a server or its store fails, as tables.

    python tests/bench/faults.py [--texts 200] [--kills 50] [--only manners] [--write]

The runs are those that tests/unit/teachers/test_faults.py and test_manners.py judge. The server is the stand-in,
with made-up prices; pauses before a retry are cut to hundredths of a second.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from faulty.manners import Mannered, survive_manner
from faulty.server import FAULTS, SHARE, Fault, Survived, survive_lasting, survive_passing
from faulty.store import STORE_FAULTS, StoreSurvived, killed

from tracer_nb.standin.manners import MANNERS, Manner

BOOKS = {
    "exact": "to the token",
    "estimated": "estimated",
    "bound": "at the most",
}


def passing(fault: Fault, path: Path, n: int) -> dict[str, object]:
    """A row of the first table."""
    result = survive_passing(fault, path, texts(fault, n))
    return {
        "fault": fault.name,
        "texts": result.n_texts,
        "requests": result.requests,
        "met the fault": sum(result.met.values()),
        "labelled": result.n_labelled,
        "missing, with reasons": reasons(result),
        **money(fault, result),
        "table as without faults": same(result),
    }


def lasting(fault: Fault, path: Path, n: int) -> dict[str, object]:
    """A row of the second table."""
    result = survive_lasting(fault, path, texts(fault, n))
    return {
        "fault": fault.name,
        "texts": result.n_texts,
        "requests": result.requests,
        "met the fault": sum(result.met.values()),
        "missing after the first run, with reasons": reasons(result),
        "asked again after an answer": result.asked_again + result.asked_needlessly,
        **money(fault, result),
        "labelled in the end": result.n_labelled,
        "table as without faults": same(result),
    }


def store(fault: Callable[[Path, int], StoreSurvived], path: Path, n: int) -> dict[str, object]:
    """A row of the third table."""
    result = fault(path, n)
    said = [line.replace(f"{path}", "PATH") for line in result.said]
    return {
        "fault": result.fault,
        "texts": result.n_texts,
        "what the run says": said[0] if said else "nothing: it goes on",
        "answers kept": result.n_kept,
        "asked again after an answer was stored": result.asked_again,
        "requests beyond one a text": result.n_repeated,
        "in the books, one answer a text": "yes"
        if abs(result.stored - result.once) < 1e-9
        else f"no: ${result.stored:.4f}, not ${result.once:.4f}",
        "table as without faults": "yes" if result.same else "no",
    }


def mannered(manner: Manner, path: Path, n: int) -> dict[str, object]:
    """A row of the fourth table."""
    chances = manner.name.startswith("logprobs-")
    result = survive_manner(manner.name, path, n, logprobs=chances)
    given = f", {result.n_distributions} with a distribution" if chances else ""
    return {
        "manner": f"`{manner.name}`",
        "requests": result.requests,
        "labelled": f"{result.n_labelled}{given}{lost(result)}",
        "books": f"${result.paid:.4f}, {BOOKS[manner.books]}",
        "server's bill": f"${result.billed:.4f}",
        "what the person reads": read(result),
    }


def lost(result: Mannered) -> str:
    """What is wrong with the labels; nothing, as it should be."""
    if result.wrong or result.strayed:
        return f" (wrong: {len(result.wrong)} labels, {result.strayed} requests elsewhere)"
    missing = result.n_expected - result.n_labelled
    return f" ({missing} lost)" if missing else ""


def read(result: Mannered, longest: int = 200) -> str:
    """What is shown, shortened, and fit for a table."""
    said = re.sub(r"127\.0\.0\.1:\d+", "HOST", "; ".join(result.said)) or "nothing: it goes on"
    said = said if len(said) <= longest else said[: longest - 1] + "…"
    return said.replace("|", "\\|").replace("<", "&lt;")


def texts(fault: Fault, n: int) -> int:
    """How many texts to ask about: half as many where the run waits for time-outs."""
    return n if fault.timeout > 1 else n // 2


def reasons(result: Survived) -> str:
    """How many texts have no label, and why."""
    counts = sorted(result.missing.items(), key=lambda item: -item[1])
    return "; ".join(f"{n} {reason}" for reason, n in counts) or "none"


def money(fault: Fault, result: Survived) -> dict[str, object]:
    """What was paid by the books, and what the server would bill."""
    balance = abs(result.paid - result.stored - result.lost) < 1e-9
    return {
        "books": f"${result.paid:.4f}, {BOOKS[fault.books]}" if balance else "do not balance",
        "server's bill": f"${result.billed:.4f}",
    }


def same(result: Survived) -> str:
    """Whether the final table is the one without faults, but for paid answers that are none."""
    if result.wrong:
        return f"no: {len(result.wrong)} wrong labels"
    left = result.n_texts - result.n_labelled
    return "yes" if result.same else f"yes, but for {left} paid without a label"


@contextmanager
def folder() -> Iterator[Path]:
    """An empty place for a store."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "labels.sqlite"


def rows(measure: Callable[..., dict[str, object]], faults: Any, n: int) -> str:
    """A table, a row for each fault."""
    from common import table

    made = []
    for fault in faults:
        with folder() as path:
            made.append(measure(fault, path, n))
        print(".", end="", flush=True, file=sys.stderr)
    return table(made)


def print_faults(n: int, kills: int) -> None:
    """Three tables about faults."""
    share = f"{100 * SHARE:g} %"
    print(f"{n} texts, half as many where time-outs are waited for.\n")
    print(f"A fault meets the first request about {share} of the texts; one run:\n")
    print(rows(passing, FAULTS, n))
    print(
        f"\nA fault meets {share} of all requests, and each is retried once; two runs, and a "
        "third after the fault is gone:\n"
    )
    print(rows(lasting, FAULTS, n))
    print("\nThe store fails in the middle of a run; the run is begun again:\n")
    faults = [f if f is not killed else partial(killed, kills=kills) for f in STORE_FAULTS]
    print(rows(store, faults, n))


def main() -> None:
    """Run and print."""
    # Here, because every kernel that is started and killed imports this script's top.
    from common import arguments, machine, published

    parser = arguments(__doc__)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--only", choices=("faults", "manners"))
    options = parser.parse_args()
    if options.only != "manners":
        with published("faults", write=options.write):
            print(f"Machine: {machine()}. ", end="")
            print_faults(options.texts, options.kills)
    if options.only != "faults":
        with published("manners", write=options.write):
            print(f"Machine: {machine()}. {options.texts} texts.\n")
            print(rows(mannered, MANNERS.values(), options.texts))


if __name__ == "__main__":
    main()
