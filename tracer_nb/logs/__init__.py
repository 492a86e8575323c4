"""Logs of past LLM calls, read into texts and labels whatever their fields are called."""

from tracer_nb.logs.reading import LoggedCalls, read_logs

__all__ = ["LoggedCalls", "read_logs"]
