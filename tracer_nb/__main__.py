"""``python -m tracer_nb``: the main job without a notebook, on bundled data.

Asks the stand-in teacher about the hard ones of 4,040 bundled support messages, certifies what
the surrogate answers of the others, prints the bill and the certificate and writes a page with the
charts.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tracer_nb.errors import TracerError
from tracer_nb.records import Progress
from tracer_nb.words import percent, plan_lines, progress_line, report_lines

_PROMPT = (
    "You read messages that customers send to an online shop. Choose the intent that fits best."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the job; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tracer_nb", description=__doc__.split("\n")[0])
    parser.add_argument("--output", default="tracer_report.html", help="the page to write")
    parser.add_argument("--target", type=float, default=0.9)
    parser.add_argument("--sample", type=int, help="most texts asked about before a test")
    parser.add_argument("--store", help="file of paid answers (.tracer_nb/labels.sqlite)")
    options = parser.parse_args(arguments)
    try:
        _job(options)
    except TracerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _job(options: argparse.Namespace) -> None:
    from tracer_nb import Tracer, datasets  # noqa: PLC0415  after the options were read

    messages = datasets.load("support")
    tracer = Tracer(
        "standin:support",
        sorted(messages["label"].unique()),
        _PROMPT,
        target=options.target,
        store=options.store,
    )
    plan = tracer.plan(messages["text"], sample=options.sample, max_cost=1.0)
    print("Plan", *plan_lines(plan), sep="\n  ")
    routed = tracer.run(
        messages["text"], sample=options.sample, max_cost=1.0, on_progress=_Ticker()
    )
    print("\nResult", *report_lines(tracer.report), sep="\n  ")
    if routed is None:
        return
    same = float((routed["label"] == messages["label"]).mean())
    print(f"  The data set's own label is on {percent(same)} of the rows (2 % of the stand-in's")
    print("  answers are wrong on purpose).")
    path = Path(options.output)
    tracer.save_report(path)
    print(f"\nWrote {path.resolve()}: open it in a browser to see the charts.")
    print("The same in a notebook: pip install '.[notebook]', then")
    print("  jupyter lab notebooks/01_quickstart.ipynb")


class _Ticker:
    """Prints progress on one line of a terminal, and each step once elsewhere."""

    def __init__(self) -> None:
        self._step = self._said = ""

    def __call__(self, progress: Progress) -> None:
        done = progress.done >= progress.total
        if sys.stdout.isatty():
            print(f"\r\033[K{progress_line(progress)}", end="\n" if done else "", flush=True)
        elif (done or progress.step != self._step) and progress_line(progress) != self._said:
            self._said = progress_line(progress)
            print(self._said, flush=True)
        self._step = progress.step


if __name__ == "__main__":
    sys.exit(main())
