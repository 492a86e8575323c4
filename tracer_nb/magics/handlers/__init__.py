"""What each step of ``%tracer`` does: a function of the workspace, the job and the line."""

from collections.abc import Callable

from tracer_nb.magics.handlers import after, batch, files, job, store
from tracer_nb.magics.handlers.loaded import with_loaded
from tracer_nb.magics.handlers.scan import scan
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
    "status": job.status,
    "panel": job.panel,
    "report": files.report,
    "save": files.save,
    "load": files.load,
    "labels": store.labels,
    "compare": store.compare,
    "review": after.review,
    "submit": batch.submit,
    "collect": batch.collect,
    "batches": batch.batches,
    "cancel": batch.cancel,
    "scan": scan,
    "gaps": after.gaps,
    "reask": after.reask,
    "audit": after.audit,
    "update": after.update,
}
"""By the name of the step."""
