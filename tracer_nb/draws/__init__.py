"""Which rows were drawn for what."""

__all__: list[str] = []
