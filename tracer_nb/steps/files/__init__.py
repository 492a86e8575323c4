"""What ``tracer_nb route``, ``drain`` and ``merge`` do: files larger than memory."""

__all__: list[str] = []
