"""The ``%tracer`` and ``%%tracer`` magics: they parse, call the facade once, and show."""

from tracer_nb.magics.magic import TracerMagics, register

__all__ = ["TracerMagics", "register"]
