"""Routers in files: JSON and arrays in one file, which runs no code when it is read."""

from tracer_nb.engine.saving.archive import read_archive, write_archive
from tracer_nb.engine.saving.router_file import RouterFile, read_router, write_router
from tracer_nb.engine.saving.router_state import router_from_state, router_state

__all__ = [
    "RouterFile",
    "read_archive",
    "read_router",
    "router_from_state",
    "router_state",
    "write_archive",
    "write_router",
]
