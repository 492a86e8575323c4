"""Which kernel this is, so that a page can ask its server to interrupt it."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["kernel_id"]


def kernel_id() -> str:
    """Name of this kernel at its server; "" outside of one."""
    # Where there is no kernel, importing ipykernel would put another manager of widgets in the
    # place of the one that knows the widgets of this shell.
    if "ipykernel.kernelapp" not in sys.modules:
        return ""
    try:
        from ipykernel.connect import get_connection_file  # noqa: PLC0415  only in a kernel

        return Path(get_connection_file()).stem.removeprefix("kernel-")
    except (ImportError, RuntimeError):
        return ""
