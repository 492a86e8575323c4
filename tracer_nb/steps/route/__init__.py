"""What ``route``, ``report``, ``save`` and ``load`` do."""

__all__: list[str] = []
