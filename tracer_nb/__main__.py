"""``tracer_nb``, also ``python -m tracer_nb``: the main job without a notebook, on bundled data.

Asks the stand-in teacher about the hard ones of 4,040 bundled support messages, certifies what
the surrogate answers of the others, prints the bill and the certificate and writes a page with the
charts. ``tracer_nb serve FILE`` serves a saved router instead, ``tracer_nb show FILE`` says what it
promises; ``route``, ``drain`` and ``merge`` are about files larger than memory.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tracer_nb import commands
from tracer_nb.errors import TracerError
from tracer_nb.records import Progress
from tracer_nb.words import percent, plan_lines, progress_line, report_lines

_PROMPT = (
    "You read messages that customers send to an online shop. Choose the intent that fits best."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the job, or the command that is named; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    command = _COMMANDS.get(words[0]) if words else None
    try:
        if command is None:
            _job(_options(words))
        else:
            command(words[1:])
    except TracerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: what is done is kept, and the same line goes on", file=sys.stderr)
        return 130
    return 0


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tracer_nb",
        description=__doc__.split("\n")[0],
        epilog=f"Commands: {', '.join(_COMMANDS)}; tracer_nb COMMAND --help says more.",
    )
    parser.add_argument("--output", default="tracer_report.html", help="the page to write")
    parser.add_argument("--target", type=float, default=0.9)
    parser.add_argument("--sample", type=int, help="most texts asked about before a test")
    parser.add_argument("--store", help="file of paid answers (.tracer_nb/labels.sqlite)")
    return parser.parse_args(words)


def _serve(words: list[str]) -> None:
    from tracer_nb.serve.command import main as serve  # noqa: PLC0415  its extra may not be there

    serve(words)


def _show(words: list[str]) -> None:
    """What a saved router promises: as lines, as JSON or as a model card."""
    from tracer_nb.steps.route.saved import read_certificates  # noqa: PLC0415  as below
    from tracer_nb.words import card_lines, certificate_document, model_card  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="tracer_nb show", description=str(_show.__doc__))
    parser.add_argument("file", help="a router that was saved")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs, by a schema")
    form.add_argument("--card", action="store_true", help="a model card in Markdown")
    options = parser.parse_args(words)
    certificate, others = read_certificates(options.file)
    if options.json:
        print(json.dumps(certificate_document(certificate, others), indent=2, allow_nan=False))
        return
    shown = model_card(certificate, others) if options.card else None
    text = "\n".join(card_lines(certificate, others)) if shown is None else shown.rstrip("\n")
    # A terminal may know fewer characters than a label has.
    coding = sys.stdout.encoding or "utf-8"
    print(text.encode(coding, "replace").decode(coding))


_COMMANDS = {
    "drain": commands.drain,
    "merge": commands.merge,
    "route": commands.route,
    "serve": _serve,
    "show": _show,
}


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
