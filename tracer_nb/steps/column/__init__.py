"""A column: read once, sampled, featurized, written once."""

__all__: list[str] = []
