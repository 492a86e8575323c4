"""What goes wrong at a server: each fault for a while, and each without end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faulty.world import (
    asked_again,
    billed,
    cost_of,
    labels_of,
    make_table,
    short_pauses,
    stored,
    teacher_at,
)
from tracer_nb.labelling import LabelRun, run_labels
from tracer_nb.records import Answer
from tracer_nb.standin import Faults, serve
from tracer_nb.standin.faults import KINDS
from tracer_nb.store import LabelStore

SHARE = 0.3
CAP = 1.0
_LONG = 30.0  # seconds that nobody waits: the server is closed before


@dataclass(frozen=True)
class Fault:
    """One way in which a server fails.

    ``books`` says how sure the cost is: "exact" where every usage was told, "estimated" where
    a reply was made and its usage lost, "bound" where nobody knows whether there was a reply.
    ``final`` says that the fault is an answer, paid and without a label; ``options`` are the
    teacher's.
    """

    name: str
    kinds: tuple[str, ...]
    books: str = "exact"
    final: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 60.0

    def faults(self, **more: Any) -> Faults:
        """The stand-in's faults, which meet ``SHARE`` of the requests."""
        shares = dict.fromkeys(self.kinds, SHARE / len(self.kinds))
        return Faults(**shares, **self.settings, **more)


FAULTS = (
    Fault("429 with Retry-After", ("rate_limit",), settings={"retry_after": 0.01}),
    Fault("429 without Retry-After", ("rate_limit",)),
    Fault("500", ("server_error",)),
    Fault("502, a page of HTML", ("bad_gateway",)),
    Fault("connection dropped", ("drop",)),
    Fault("connection dropped in mid-answer", ("cut_body",), "estimated"),
    Fault("time-out", ("stall",), "bound", settings={"stall_seconds": _LONG}, timeout=0.3),
    Fault("slow body, in time", ("slow_body",), settings={"stall_seconds": 0.05}),
    # Ten parts, each of which comes in time.
    Fault("slow body, too slow", ("slow_body",), "bound", settings={"stall_seconds": 1.5}, timeout=0.3),
    Fault("malformed JSON", ("malformed",), "estimated"),
    Fault("wrong label", ("wrong_label",)),
    Fault("talk around the label", ("bad_json_content",)),
    Fault("empty choices", ("empty_choices",)),
    Fault("usage missing", ("no_usage",), "estimated"),
    Fault("logprobs missing", ("no_logprobs",), options={"logprobs": True}),
    Fault("refusal", ("refusal",), final=True),
    Fault("truncated", ("truncated",), final=True),
    Fault(
        "all of these at once",
        KINDS,
        "bound",
        final=True,
        settings={"stall_seconds": 1.5},
        options={"logprobs": True},
        timeout=0.3,
    ),
)  # fmt: skip
FINAL = ("refusal", "truncated")


@dataclass(frozen=True)
class Survived:
    """What a labelling went through, over all its runs.

    Attributes
    ----------
    requests, met : int and mapping
        Requests that the servers saw, and how many met each kind of fault.
    missing : mapping
        Texts without a label at the end of the first run, by reason without its figures.
    n_labelled : int
        At the end of all runs.
    asked_again : int
        Requests about texts whose answer was in the store when the run began.
    asked_needlessly : int
        Texts that a later run asked, and that had not failed before.
    paid, stored, lost : float
        Dollars: spent by the runs; by the answers in the store; on texts that got no answer.
    billed : float
        Dollars for all answers that the servers made.
    wrong : mapping
        Texts with another label than without faults, and it.
    same : bool
        The final table is the one without faults.
    tables : tuple
        Labels after each run.
    """

    fault: str
    n_texts: int
    requests: int
    met: Mapping[str, int]
    missing: Mapping[str, int]
    n_labelled: int
    asked_again: int
    asked_needlessly: int
    paid: float
    stored: float
    lost: float
    billed: float
    wrong: Mapping[str, str]
    same: bool
    stopped: tuple[str, ...] = ()


def survive_passing(fault: Fault, path: Path, n: int) -> Survived:
    """The fault meets the first attempt at some texts: one run, in which retries succeed."""
    return _survive(fault, path, n, [fault.faults(first_attempts=1)], max_retries=6)


def survive_lasting(fault: Fault, path: Path, n: int) -> Survived:
    """Every request may meet the fault, and is retried once: two runs, and one after the end."""
    return _survive(fault, path, n, [fault.faults(), fault.faults(), Faults()], max_retries=1)


def _survive(
    fault: Fault, path: Path, n: int, lives: list[Faults], *, max_retries: int
) -> Survived:
    table = make_table(n)
    runs: list[LabelRun] = []
    asked: Counter[str] = Counter()
    met: Counter[str] = Counter()
    again = needless = 0
    bill = 0.0
    for seed, faults in enumerate(lives):
        before = stored(path)
        failed = {t for run in runs[-1:] for t, a in run.answers.items() if not a.keep}
        with short_pauses(), serve(table, faults=faults, seed=seed) as server:
            teacher = teacher_at(
                server.base_url, max_retries=max_retries, timeout=fault.timeout, **fault.options
            )
            with LabelStore(path) as store:
                runs.append(run_labels(teacher, table, store=store, max_cost=CAP))
            again += asked_again(before, server.asked())
            needless += len(set(server.asked()) - failed) if seed else 0
            asked, met, bill = asked + server.asked(), met + server.met(), bill + billed(server)
    kept = stored(path)
    answers = runs[-1].answers
    return Survived(
        fault=fault.name,
        n_texts=n,
        requests=asked.total(),
        met=met,
        missing=_reasons(runs[0].answers),
        n_labelled=len(labels_of(answers)),
        asked_again=again,
        asked_needlessly=needless,
        paid=sum(run.spending.cost or 0.0 for run in runs),
        stored=cost_of(kept.values()),
        lost=sum(cost_of([a for a in run.answers.values() if not a.keep]) for run in runs),
        billed=bill,
        wrong={t: x for run in runs for t, x in labels_of(run.answers).items() if x != table[t]},
        same=labels_of(answers) == table,
        stopped=tuple(run.stopped for run in runs if run.stopped is not None),
    )


def _reasons(answers: Mapping[str, Answer]) -> Counter[str]:
    return Counter(
        (a.reason or "no reason").partition(",")[0].partition(":")[0]
        for a in answers.values()
        if a.label is None
    )
