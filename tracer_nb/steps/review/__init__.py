"""What ``review`` does."""

__all__: list[str] = []
