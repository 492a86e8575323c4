"""What a :class:`~tracer_nb.Tracer` does, a folder for what a user types.

Here the engine, the teachers and the store meet: a column is read, sampled, planned, asked,
featurized, decided, reported and looked at. Nothing here shows anything.
"""

__all__: list[str] = []
