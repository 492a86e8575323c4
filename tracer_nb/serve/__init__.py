"""Certified routers as an HTTP service: ``tracer_nb serve FILE``; extra ``serve``."""

__all__: list[str] = []
