"""Routers in files: one archive of JSON and arrays, which runs no code when it is read."""

from tracer_nb.engine.saving.archive import read_archive, write_archive
from tracer_nb.engine.saving.features_state import features_from_state
from tracer_nb.engine.saving.parts import part_of, under
from tracer_nb.engine.saving.router_state import router_from_state, router_state

__all__ = [
    "features_from_state",
    "part_of",
    "read_archive",
    "router_from_state",
    "router_state",
    "under",
    "write_archive",
]
