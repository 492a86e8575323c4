"""The one table of settings: what may be set, where it is written, and which steps heed it.

The parsers of the magics, their refusals, completion, help and reference page, and the panel's
form are made from it; the keywords of :class:`~tracer_nb.tracer.Tracer` are checked against it.
"""

from tracer_nb.settings.job import ASKING, JOB
from tracer_nb.settings.record import LINE, Flag, Setting

__all__ = ["ADVANCED", "BY_FLAG", "BY_NAME", "FORM", "KERNEL", "SETTINGS", "Flag", "Setting"]

SETTINGS = (*JOB, *ASKING, *LINE)
"""Every setting."""

ADVANCED = {f.flag: s for s in SETTINGS if s.place == "advanced" for f in s.flags}
"""What no line sets, by how it would be written."""

FORM = (
    *(s for s in SETTINGS if s.group and s.place != "advanced"),
    *(s for s in SETTINGS if s.place == "advanced"),
)
"""What a panel shows, in order."""

BY_NAME = {setting.name: setting for setting in SETTINGS}
"""Every setting by its name."""

KERNEL = tuple(BY_NAME[name] for name in ("teacher", "base_url", "price", "store"))
"""Those that a kernel may have a default of its own for: ``%config TracerMagics.teacher = …``."""

BY_FLAG = {
    flag.flag: setting for setting in SETTINGS if setting.place == "line" for flag in setting.flags
}
"""Every setting of a line by each way to write it."""
