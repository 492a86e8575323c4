"""What each step of ``%tracer`` does: a function of the workspace, the job and the line."""

from collections.abc import Callable

from tracer_nb.magics.handlers import files, job, stored
from tracer_nb.magics.handlers.files import with_loaded
from tracer_nb.magics.job import Job
from tracer_nb.magics.lines import Line
from tracer_nb.magics.workspace import Workspace

__all__ = ["HANDLERS", "with_loaded"]

HANDLERS: dict[str, Callable[[Workspace, Job, Line], None]] = {
    "run": job.run,
    "plan": job.plan,
    "label": job.label,
    "fit": job.fit,
    "calibrate": job.calibrate,
    "route": job.route,
    "panel": job.panel,
    "report": files.report,
    "save": files.save,
    "load": files.load,
    "store list": stored.list_sets,
    "store compare": stored.compare,
    "store export": stored.export,
    "review": job.review,
    "batch submit": stored.submit,
    "batch collect": stored.collect,
    "batch list": stored.list_batches,
    "batch cancel": stored.cancel,
    "scan": stored.scan,
    "gaps": job.gaps,
    "reask": job.reask,
    "audit": job.audit,
    "update": job.update,
    "back": job.back,
}
"""By the name of the step."""
