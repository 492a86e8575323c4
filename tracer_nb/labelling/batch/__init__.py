"""Batches of requests: sent today, answered at a lower price, collected another day."""

__all__: list[str] = []
