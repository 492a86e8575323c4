"""A language model behind one server that understands chat completions, as a teacher."""

__all__: list[str] = []
