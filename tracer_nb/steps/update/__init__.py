"""What ``update`` does."""

__all__: list[str] = []
