"""The page for coding agents, from the tables of steps, settings, errors and commands."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import tracer_nb
from tracer_nb import Tracer, errors
from tracer_nb.__main__ import _COMMANDS, _serve, _show
from tracer_nb.magics.steps import STEPS
from tracer_nb.settings import KERNEL

__all__ = ["PAGE", "agents_page"]

PAGE = Path(__file__).parents[2] / ".github" / "AGENTS.md"

# Of the facade, in the order of a job.
_METHODS = (
    *("plan", "run", "label", "fit", "calibrate", "route", "audit", "update", "reask"),
    *("save", "model_card"),
)
_TOP = """\
# For coding agents

`tracer_nb` labels a column with an LLM (the **teacher**) and lets a small classifier (the **surrogate**)
answer the rows for which it is certified to give the teacher's label. Options and their meaning are in the
[reference](../notebooks/reference.md), the promise in [GUARANTEES](GUARANTEES.md), rules for changes to this
repository in [CONTRIBUTING](CONTRIBUTING.md).

*Written from the tables of steps, settings, errors and commands by `task reference`; a test fails when it is
out of date.*

## Without a notebook

```python
from tracer_nb import Tracer, load


def teach(text):  # or "openai:MODEL", with the key in OPENAI_API_KEY
    return "refund" if "money back" in text else "delivery"


texts = [f"{words} {i}" for i in range(400) for words in ("money back please", "where is it")]
# new_rows: set aside for a promise about rows to come.
tracer = Tracer(teach, labels=["refund", "delivery"], target=0.9, new_rows=60)
plan = tracer.plan(texts, max_rows=500)  # asks and pays nothing
# A dataframe with label, label_source, label_score and label_reason.
routed = tracer.run(texts, max_rows=500)
print(tracer.report.certificate.certified)  # of this column
print(tracer.router.certificate.certified)  # of rows to come
tracer.save("intents.tracer")
more = load("intents.tracer").route(["money back please 900", "where is it 901"])
```

Plan first, and give a cap (`max_cost`, `max_tokens` or `max_rows`) wherever a teacher may be asked: a cap is
hard. Paid answers are in the store at once; after an interruption the same call goes on and pays nothing twice.
Columns of pandas and polars have the same as `.tracer.run(…)` and `.tracer.route(router)` after
`tracer_nb.register_accessors()`; a query of polars never asks a teacher.
"""
_NEVER = """\
## Never

- **Move a threshold by hand**, or filter rows by `label_score` afterwards: a certificate holds for its own
  threshold alone. Another target is another certificate: give both beforehand, `target=[0.92, 0.95]`.
- **Certify twice on the same rows**, or try seeds, features or surrogates until something is certified: rows
  that were looked at to choose anything cannot test it any more. `update` draws fresh ones.
- Speak of truth: the promise is agreement with the teacher, on handled rows. If `certified` is false nothing is
  promised, and every row is deferred; that is a result, not an error.
- Write a key into code, a line or a file: it belongs into the environment (`OPENAI_API_KEY`, for another server
  `TRACER_NB_API_KEY`), or is typed with `--ask-key`.
- Raise a cap, delete the store or ask all deferred rows of an uncertified column without being told to.
- Take the stand-in's (`standin:…`) figures for those of an LLM.
"""


def agents_page() -> str:
    """The page, in Markdown."""
    methods = [(f"`{_called(name)}`", _first(getattr(Tracer, name))) for name in _METHODS]
    names = sorted(set(tracer_nb.__all__) - {"__version__", "load_ipython_extension", "Tracer"})
    public = [(f"`{name}`", _first(getattr(tracer_nb, name))) for name in names]
    commands = [(f"`tracer_nb {name}`", _first(does)) for name, does in _shown().items()]
    steps = ", ".join(f"`{name}`" for name in STEPS)
    kept = ", ".join(f"`{setting.name}`" for setting in KERNEL)
    parts = [
        _TOP,
        _table(("Step of a `Tracer`", "What it does"), methods),
        _table(("Beside it in `tracer_nb`", "What it is"), public),
        "## From a shell\n",
        _table(
            ("Command", "What it does"),
            [("`tracer_nb`", "The main job on bundled data."), *commands],
        ),
        (
            "`tracer_nb COMMAND --help` lists the options, `tracer_nb show FILE --json` gives the "
            "certificate by a schema.\n"
        ),
        _table(
            ("Exit status", "Meaning"),
            [
                ("0", "done; also where nothing was certified"),
                ("1", "an error of the table below: one line on stderr, `error: …`"),
                ("2", "the command line cannot be read"),
                ("130", "interrupted: what is done is kept, and the same line goes on"),
            ],
        ),
        "## In a notebook\n",
        (
            f"`%load_ext tracer_nb`, then `%tracer STEP`: {steps}. `%tracer STEP --help` lists the options. "
            f'`%config TracerMagics.teacher = "openai:MODEL"` sets a default that lasts ({kept}); a line\'s '
            "own option wins.\n"
        ),
        "## Errors\n",
        (
            "All are in `tracer_nb.errors` and say in one line what was wrong, the value, and what to do. "
            "Any other exception is a bug.\n"
        ),
        _table(("Class", "Is also", "When"), _errors()),
        _NEVER,
    ]
    return "\n".join(parts)


def _shown() -> dict[str, object]:
    from tracer_nb.serve.command import main  # its own words say more than those that call it

    own = {_serve: main, _show: _show}
    return {name: own.get(does, does) for name, does in sorted(_COMMANDS.items())}


def _called(name: str) -> str:
    takes = inspect.signature(getattr(Tracer, name)).parameters.values()
    first = [p.name for p in takes if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    return f"{name}({', '.join(first)})"


def _errors() -> list[tuple[str, str, str]]:
    found = []
    for name in errors.__all__:
        error = getattr(errors, name)
        bases = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
        found.append((f"`{name}`", bases, _first(error)))
    return found


def _first(documented: object) -> str:
    """The first sentence of a docstring."""
    text = inspect.getdoc(documented) or ""
    sentence = " ".join(text.split("\n\n")[0].split()).replace("``", "`")
    return re.sub(r":\w+:`~?", "`", sentence)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in x)} |\n" for x in lines)
