"""Steps that write or read one file: save, load and report."""

from __future__ import annotations

from IPython.display import display

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line
from tracer_nb.magics.names import unquote
from tracer_nb.magics.options import read_settings
from tracer_nb.magics.workspace import Workspace

__all__ = ["load", "report", "save"]


def save(space: Workspace, job: Job, line: Line) -> None:
    """Keep router, certificates and text features in one file."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415

    del space
    path = _file(line, "intents.tracer")
    if job.tracer is None:
        raise InvalidInput("nothing to save yet; label, fit and calibrate first")
    job.tracer.save(path)
    lines = [f"Saved to {path}. %tracer load {path} or tracer_nb.load({path!r}) routes with it."]
    router = job.tracer.router
    if router is not None and not router.certificate.certified:
        lines.append(
            "For new rows nothing is certified, whatever holds for the column: it will answer "
            "none of them."
        )
    display(Lines(lines))


def report(space: Workspace, job: Job, line: Line) -> None:
    """Write one page of HTML."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415

    del space
    path = _file(line, "report.html")
    if job.tracer is None:
        raise InvalidInput("nothing to report yet; label, fit and calibrate first")
    job.session.check_free()
    job.tracer.save_report(path, table=job.home_table)
    display(Lines([f"Report written to {path}: open it in a browser, no network is needed."]))


def load(space: Workspace, job: Job, line: Line) -> None:
    """Take a saved router, in the place of the job of that name."""
    from tracer_nb.magics.show import Lines  # noqa: PLC0415
    from tracer_nb.steps.route.saved import load as load_router  # noqa: PLC0415
    from tracer_nb.words import saved_lines  # noqa: PLC0415

    path, name = _file(line, "intents.tracer"), line.name
    loaded = load_router(path, **read_settings(line.args, None, None, space.variables))
    taken = Job(loaded=loaded)
    space.keys.give(taken, loaded.teacher, wanted=bool(line.args.ask_key), asks=False)
    lines = saved_lines(loaded.about, loaded.certificate)
    if job.tracer is not None:
        lines.append(
            f"It takes the place of the job {name!r}, whose answers stay in the store; --name "
            "keeps several."
        )
    space.jobs[name] = taken
    display(Lines(lines))


def _file(line: Line, example: str) -> str:
    """The file that a line names."""
    path = unquote(line.operand.strip())
    if not path:
        raise InvalidInput(f"name a file: %tracer {line.step.name} {example}")
    return path
