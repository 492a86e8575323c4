"""A job that a panel follows."""

__all__: list[str] = []
