"""What ``audit`` does."""

__all__: list[str] = []
