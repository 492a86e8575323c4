"""What ``plan``, ``label``, ``reask`` and ``batch`` do."""

__all__: list[str] = []
